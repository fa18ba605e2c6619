/* tls_dn - distinguished names as text, byte for byte as OpenSSL prints them. Pure. */
#ifndef RINGWAY_IO_TLS_DN_H
#define RINGWAY_IO_TLS_DN_H

#include "core/span.h"

#define TLS_DN_ATTRIBUTES_MAX 64

/* A name (whole SEQUENCE) as text: "CN=a,O=b" (RFC 2253, X509_NAME_print_ex()) or "/O=b/CN=a"
 * (X509_NAME_oneline()). Returns the length, at most size; what does not fit is cut, and so is in
 * the first form what stands behind TLS_DN_ATTRIBUTES_MAX attributes. A malformed name, also one
 * with a number of over 63 bits in an object identifier, gives 0. No NUL. */
size_t tls_dn_format(struct span name, char *out, size_t size);
size_t tls_dn_format_legacy(struct span name, char *out, size_t size);

#endif
