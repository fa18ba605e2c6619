/* tls_verify - who the peer is: its certificate chain against trusted ones.
 *
 * wolfSSL's own verification is not used: it remembers intermediate certificates as trusted from
 * one connection to the next, and is loose about depth, names and extensions. This is path
 * building and checking as RFC 5280 and OpenSSL do it, in OpenSSL's words. */
#ifndef RINGWAY_IO_TLS_VERIFY_H
#define RINGWAY_IO_TLS_VERIFY_H

#include "io/tls_trust.h"

#define TLS_REASON_BYTES 256

/* Certificates of a peer that are looked at; one that sends more is refused. */
#define TLS_CHAIN_MAX 12

struct tls_proof {
    const struct span *chain; /* DER, the leaf first, as the peer sent it */
    size_t chain_count;
    unsigned purpose;   /* PURPOSE_SERVER or PURPOSE_CLIENT: what the leaf is used as */
    unsigned depth_max; /* certificates between leaf and root */
    int64_t now_s;
    const struct span *names; /* one of them has to match, when there are any */
    size_t name_count;
};

enum tls_verdict {
    VERDICT_GOOD,
    VERDICT_UNKNOWN_CA, /* leads to nothing that is trusted */
    VERDICT_EXPIRED,
    VERDICT_REVOKED,
    VERDICT_BAD,
};

/* The reason is empty when the verdict is good. */
enum tls_verdict tls_verify(struct tls_trust *t, const struct tls_proof *proof,
                            char reason[TLS_REASON_BYTES]);

#endif
