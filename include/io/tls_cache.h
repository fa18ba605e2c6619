/* tls_cache - one worker's tickets to resume upstream sessions with, by identity.
 *
 * Owned by a worker, used by its thread only; tickets that are lent to another worker travel by
 * message and are put there. An identity says everything that a session depends on; a session is
 * never resumed under another one. TLS 1.3 tickets are taken out when used (RFC 8446 appendix
 * C.4); a session of TLS 1.2 stays and is copied. Nothing is ever written to disk. */
#ifndef RINGWAY_IO_TLS_CACHE_H
#define RINGWAY_IO_TLS_CACHE_H

#include <string.h>

#include "core/list.h"
#include "io/tls.h"

/* A digest (SHA-256) over peer address, SNI, names, CA set, CRL, client certificate, protocols,
 * suites, verification: made when a snapshot is built or a peer is set up. */
#define TLS_IDENTITY_BYTES 32
struct tls_identity {
    unsigned char digest[TLS_IDENTITY_BYTES];
};

/* Parts in a fixed order; each is prefixed by its length, so that no two lists collide. */
void tls_identity_make(struct tls_identity *id, const struct span *parts, size_t part_count);

static inline bool tls_identity_equals(const struct tls_identity *a, const struct tls_identity *b)
{
    return memcmp(a->digest, b->digest, sizeof(a->digest)) == 0;
}

/* Why a handshake is a full one. X(identifier, word) */
#define TLS_MISSES(X)                                                                     \
    X(COLD, "cold")                         /* no session with this identity yet */       \
    X(POOL_EMPTY, "pool_empty")             /* there were some, all are used up */        \
    X(EXPIRED, "expired")                   /* there were some, past their lifetime */    \
    X(REFUSED, "refused")                   /* the peer did a full handshake instead */   \
    X(IDENTITY_CHANGED, "identity_changed") /* the peer is known, under other settings */ \
    X(OFF, "off")                           /* proxy_ssl_session_reuse off */

enum tls_miss {
#define X(id, word) TLS_MISS_##id,
    TLS_MISSES(X)
#undef X
        TLS_MISS_COUNT
};
const char *tls_miss_word(enum tls_miss m);

struct tls_cache; /* pools by identity; beyond a bound the least recently used one goes */

/* NULL: no memory. */
struct tls_cache *tls_cache_new(size_t identities_max) MUST_USE;
void tls_cache_free(struct tls_cache *c); /* with all its tickets; NULL is allowed */

/* A ticket to resume with, or NULL and why not. peer: the address text, by which a change of
 * identity is noticed. */
struct tls_ticket *tls_cache_take(struct tls_cache *c, const struct tls_identity *id,
                                  struct span peer, uint64_t now_ms, enum tls_miss *miss) MUST_USE;

/* Where a ticket belongs. */
struct tls_place {
    const struct tls_identity *identity;
    struct span peer;
    size_t tickets_max; /* of the identity; the oldest goes when one more comes */
};

/* Puts in a ticket; takes it over. */
void tls_cache_put(struct tls_cache *c, const struct tls_place *place, struct tls_ticket *ticket,
                   uint64_t now_ms);

/* The peer refused a ticket of this identity: what was made before is dropped. */
void tls_cache_refused(struct tls_cache *c, const struct tls_identity *id, uint64_t now_ms);

/* How many tickets are there, unexpired. */
size_t tls_cache_count(const struct tls_cache *c, const struct tls_identity *id, uint64_t now_ms);

/* Half of what is there (at least one, at most `most`), moved into out, to lend to another worker.
 * Returns the number. */
size_t tls_cache_lend(struct tls_cache *c, const struct tls_identity *id, uint64_t now_ms,
                      struct tls_ticket **out, size_t most);

#endif
