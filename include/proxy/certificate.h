/* certificate - certificates with variables: ours for upstreams, that requests choose, and for
 * clients, that handshakes choose.
 *
 * Owned by a view, used by its worker's thread only. A certificate is what it holds and not the
 * file that it came from: equal bytes are one, with one TLS context. It is counted, by lanes and
 * clients, by caches and by the try that has just asked for it, and goes with the last of them.
 *
 * Files are read right in the turn, which blocks it: they are small, at most
 * CERTIFICATE_BYTES_MAX, and as a rule in the page cache; a thread for them would cost more. What
 * is dear, parsing and above all the decryption of a key, is done once for as long as the
 * certificate is in use; proxy_ssl_certificate_cache spares the reading too. */
#ifndef RINGWAY_PROXY_CERTIFICATE_H
#define RINGWAY_PROXY_CERTIFICATE_H

#include "conf/snapshot.h"
#include "core/list.h"
#include "io/timer.h"

#define CERTIFICATE_BYTES_MAX (256 * 1024) /* of a file; a larger one cannot be loaded */
#define CERTIFICATE_BUCKETS 64

struct certificate {
    struct list link;               /* in certificates.live */
    const struct tls_context *base; /* with all settings but the pair */
    struct tls_passwords passwords; /* that its key was tried with; in the snapshot */
    struct tls_identity digest;     /* of certificate and key, as PEM */
    struct tls_context *context;
    unsigned ref_count;
};

struct certificate_cache {
    struct list by_age; /* the least recently used entry first */
    struct list by_key[CERTIFICATE_BUCKETS];
    size_t count;
    uint64_t inactive_ms; /* how long an entry that nobody asks for stays */
};

struct certificates {
    struct list live[CERTIFICATE_BUCKETS]; /* by digest */
    struct certificate_cache *caches;      /* by certificate_cache_conf.index */
    size_t cache_count;
    struct wheel *wheel;
    struct timer expiry; /* set while an entry is cached */
};

/* The wheel outlives it. 0, or -ENOMEM; to be deinitialized in both cases. */
int certificates_init(struct certificates *all, size_t cache_count, struct wheel *wheel) MUST_USE;
/* All references but the caches' must have been given back. */
void certificates_deinit(struct certificates *all);

struct certificate_wish {
    const struct certificate_conf *conf;
    const struct tls_context *base;
    struct span certificate, key; /* what the directives came to; certificate is not empty */
    /* Of a server: all settings but the pair, and what its contexts share; else NULL. */
    const struct tls_server_settings *server;
    struct tls_server_shared *shared;
    struct arena *arena; /* for paths and the message */
    uint64_t now_ms;     /* the wheel's */
};

/* Loads it, or finds it. 0, with a reference for the caller; -EINVAL with a message that names the
 * file, in the arena; -ENOMEM. */
int certificate_take(struct certificates *all, const struct certificate_wish *wish,
                     struct certificate **out, struct span *message) MUST_USE;

/* One reference more, for the caller. Returns c. */
struct certificate *certificate_ref(struct certificate *c);
void certificate_unref(struct certificate *c); /* NULL is allowed */

#endif
