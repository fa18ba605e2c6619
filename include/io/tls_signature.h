/* tls_signature - whether a certificate or a revocation list was signed with a key. */
#ifndef RINGWAY_IO_TLS_SIGNATURE_H
#define RINGWAY_IO_TLS_SIGNATURE_H

#include "io/tls_x509.h"

enum tls_signature {
    SIGNATURE_GOOD,
    SIGNATURE_BAD,
    SIGNATURE_WEAK, /* with MD5 or SHA-1 */
};

/* What was found good before: the same bytes need no second look. Servers send the same chain
 * with every handshake, and each signature costs tens of microseconds. */
struct tls_signature_memo {
    unsigned char digests[64][32];
};

/* key: the signer's SubjectPublicKeyInfo. */
enum tls_signature tls_signature_check(const struct x509_signed *sealed, struct span key,
                                       struct tls_signature_memo *memo);

/* False for RSA below 2048 bits, as OpenSSL's security level 2 has it. */
bool tls_key_is_strong(struct span key);

#endif
