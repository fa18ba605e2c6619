/* tls_attribute - the short names of what distinguished names are made of. Pure. */
#ifndef RINGWAY_IO_TLS_ATTRIBUTE_H
#define RINGWAY_IO_TLS_ATTRIBUTE_H

#include "core/span.h"

/* The short name that OpenSSL 3.0 has for an attribute, by the body of its identifier's DER: "CN".
 * NULL when it has none, or one outside of X.520, RFC 4524, PKCS #9 and the jurisdictions of
 * extended validation. */
const char *tls_attribute_name(struct span oid);

#endif
