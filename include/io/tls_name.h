/* tls_name - the names of certificates: which match, which a CA may give.
 *
 * Pure. RFC 9525 for matching, RFC 5280 section 4.2.1.10 for constraints. */
#ifndef RINGWAY_IO_TLS_NAME_H
#define RINGWAY_IO_TLS_NAME_H

#include "io/tls_x509.h"

/* True when a subjectAltName of the certificate is this DNS name or, for an address in text form
 * (with or without brackets), this address. The subject's common name never counts. A wildcard is
 * a whole left-most label, and its parent has at least two labels. */
bool tls_name_matches(const struct x509_certificate *c, struct span reference);

enum tls_constraint {
    CONSTRAINT_OK,
    CONSTRAINT_NOT_PERMITTED,
    CONSTRAINT_EXCLUDED,
    CONSTRAINT_UNSUPPORTED, /* of a kind that we cannot judge */
};

/* Whether a CA's name constraints allow the names of a certificate below it. */
enum tls_constraint tls_name_constraint(const struct x509_certificate *ca,
                                        const struct x509_certificate *c);

#endif
