/* tls_trust - trusted certificates and revocation lists, parsed from PEM.
 *
 * Owned by a context. Everything in it is a view of DER that it owns as well. */
#ifndef RINGWAY_IO_TLS_TRUST_H
#define RINGWAY_IO_TLS_TRUST_H

#include "io/tls_signature.h"
#include "io/tls_x509.h"

struct tls_anchor {
    struct x509_certificate certificate;
    uint64_t subject_hash; /* to look it up */
};

struct tls_trust {
    struct tls_anchor *anchors;
    size_t anchor_count;
    struct x509_crl *crls;
    size_t crl_count;
    bool has_crls; /* every certificate needs one */
    char *der;     /* of all of them */
    size_t der_len;
    size_t der_size;
    struct tls_signature_memo memo;
};

/* What is trusted, as PEM; any of them may be empty. */
struct tls_trust_pem {
    struct span ca, more_ca, crl;
};

/* Reads certificates from two PEM texts, and revocation lists. Certificates that we cannot read
 * are passed over, so that one odd root of a system's store does not matter; none that can be
 * read is an error, unless both texts are empty, and so is a block that is cut. 0; -EINVAL with a
 * message; -ENOMEM. */
int tls_trust_new(const struct tls_trust_pem *pem, struct tls_trust **out, char *error,
                  size_t error_size) MUST_USE;
void tls_trust_free(struct tls_trust *t);

#endif
