/* tls_dn - distinguished names as text, byte for byte as OpenSSL prints them. Pure. */
#ifndef RINGWAY_IO_TLS_DN_H
#define RINGWAY_IO_TLS_DN_H

#include "core/span.h"

/* A name (whole SEQUENCE) as text: "CN=a,O=b" (RFC 2253, X509_NAME_print_ex()) or "/O=b/CN=a"
 * (X509_NAME_oneline()). Returns the length, at most size; what does not fit is cut. No NUL. */
size_t tls_dn_format(struct span name, char *out, size_t size);
size_t tls_dn_format_legacy(struct span name, char *out, size_t size);

#endif
