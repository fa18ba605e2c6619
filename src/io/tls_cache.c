/* tls_cache - one worker's tickets to resume upstream sessions with, by identity.
 *
 * Two hash tables over the same pools: by identity, and by peer to tell a peer that is new from
 * one whose settings changed. A pool is made with its first ticket and goes, least recently used
 * first, when there are too many. */
#include "io/tls_cache.h"

#include "tls_internal.h" /* first: wolfSSL's headers need its options */

#include <stdlib.h>
#include <string.h>

#include <wolfssl/wolfcrypt/sha256.h>

static_assert(TLS_IDENTITY_BYTES == WC_SHA256_DIGEST_SIZE, "an identity is a SHA-256 digest");

/* The tickets of one identity, in tickets[0, count): the oldest first. */
struct pool {
    struct list by_age; /* in cache.by_age */
    struct list by_identity;
    struct list by_peer;
    struct tls_identity identity;
    uint64_t peer_hash;
    bool has_lost_to_time; /* the last ticket that went was past its lifetime */
    size_t count, tickets_max;
    struct tls_ticket *tickets[];
};

struct tls_cache {
    size_t pools_max;
    size_t pool_count;
    size_t bucket_mask;
    struct list by_age; /* the least recently used first */
    struct list *by_identity;
    struct list *by_peer;
};

const char *tls_miss_word(enum tls_miss m)
{
    static const char *const words[] = {
#define X(id, word) [TLS_MISS_##id] = word,
        TLS_MISSES(X)
#undef X
    };

    assert(m >= 0);
    assert(m < TLS_MISS_COUNT);
    return words[m];
}

/* --- identities ------------------------------------------------------------------------------ */

void tls_identity_make(struct tls_identity *id, const struct span *parts, size_t part_count)
{
    wc_Sha256 sha;
    int rc = wc_InitSha256(&sha);

    for (size_t i = 0; i < part_count; i++) {
        uint64_t len = parts[i].len;

        rc |= wc_Sha256Update(&sha, (const unsigned char *)&len, sizeof(len));
        if (len)
            rc |= wc_Sha256Update(&sha, (const unsigned char *)parts[i].data, (word32)len);
    }
    rc |= wc_Sha256Final(&sha, id->digest);
    assert(rc == 0); /* in software it has no way to fail */
    wc_Sha256Free(&sha);
}

/* --- pools ----------------------------------------------------------------------------------- */

static struct list *identity_bucket(const struct tls_cache *c, const struct tls_identity *id)
{
    uint64_t hash;

    memcpy(&hash, id->digest, sizeof(hash)); /* a digest is its own hash */
    return &c->by_identity[hash & c->bucket_mask];
}

static struct list *peer_bucket(const struct tls_cache *c, uint64_t peer_hash)
{
    return &c->by_peer[(peer_hash ^ peer_hash >> 32) & c->bucket_mask];
}

static struct pool *find(const struct tls_cache *c, const struct tls_identity *id)
{
    list_for_each (link, identity_bucket(c, id)) {
        struct pool *p = list_entry(link, struct pool, by_identity);

        if (tls_identity_equals(&p->identity, id))
            return p;
    }
    return NULL;
}

static bool has_peer(const struct tls_cache *c, struct span peer)
{
    uint64_t hash = span_hash(peer);

    list_for_each (link, peer_bucket(c, hash)) {
        if (list_entry(link, struct pool, by_peer)->peer_hash == hash)
            return true;
    }
    return false;
}

static void free_pool(struct tls_cache *c, struct pool *p)
{
    for (size_t i = 0; i < p->count; i++)
        tls_ticket_free(p->tickets[i]);
    list_remove(&p->by_age);
    list_remove(&p->by_identity);
    list_remove(&p->by_peer);
    c->pool_count--;
    free(p);
}

static struct pool *new_pool(struct tls_cache *c, const struct tls_place *place)
{
    struct pool *p;

    if (c->pool_count == c->pools_max)
        free_pool(c, list_entry(c->by_age.next, struct pool, by_age));
    p = calloc(1, sizeof(*p) + place->tickets_max * sizeof(p->tickets[0]));
    if (!p)
        return NULL;
    p->identity = *place->identity;
    p->peer_hash = span_hash(place->peer);
    p->tickets_max = place->tickets_max;
    list_init(&p->by_age);
    list_init(&p->by_identity);
    list_init(&p->by_peer);
    list_push_back(&c->by_age, &p->by_age);
    list_push_back(identity_bucket(c, place->identity), &p->by_identity);
    list_push_back(peer_bucket(c, p->peer_hash), &p->by_peer);
    c->pool_count++;
    return p;
}

static void touch(struct tls_cache *c, struct pool *p)
{
    list_remove(&p->by_age);
    list_push_back(&c->by_age, &p->by_age);
}

/* Takes one ticket out; the others keep their order. */
static struct tls_ticket *pull(struct pool *p, size_t at)
{
    struct tls_ticket *ticket = p->tickets[at];

    p->count--;
    memmove(&p->tickets[at], &p->tickets[at + 1], (p->count - at) * sizeof(p->tickets[0]));
    p->has_lost_to_time = false;
    return ticket;
}

static void drop_expired(struct pool *p, uint64_t now_ms)
{
    for (size_t i = 0; i < p->count;) {
        if (p->tickets[i]->expires_ms > now_ms) {
            i++;
            continue;
        }
        tls_ticket_free(pull(p, i));
        p->has_lost_to_time = true;
    }
}

/* --- the cache ------------------------------------------------------------------------------- */

struct tls_cache *tls_cache_new(size_t identities_max)
{
    struct tls_cache *c = calloc(1, sizeof(*c));
    size_t buckets = 16;

    assert(identities_max > 0);
    if (!c)
        return NULL;
    while (buckets < identities_max)
        buckets *= 2;
    c->pools_max = identities_max;
    c->bucket_mask = buckets - 1;
    list_init(&c->by_age);
    c->by_identity = malloc(buckets * sizeof(struct list));
    c->by_peer = malloc(buckets * sizeof(struct list));
    if (!c->by_identity || !c->by_peer) {
        tls_cache_free(c);
        return NULL;
    }
    for (size_t i = 0; i < buckets; i++) {
        list_init(&c->by_identity[i]);
        list_init(&c->by_peer[i]);
    }
    return c;
}

void tls_cache_free(struct tls_cache *c)
{
    if (!c)
        return;
    list_for_each_safe (link, &c->by_age)
        free_pool(c, list_entry(link, struct pool, by_age));
    free(c->by_identity);
    free(c->by_peer);
    free(c);
}

struct tls_ticket *tls_cache_take(struct tls_cache *c, const struct tls_identity *id,
                                  struct span peer, uint64_t now_ms, enum tls_miss *miss)
{
    struct pool *p = find(c, id);
    struct tls_ticket *newest;

    *miss = TLS_MISS_COLD;
    if (!p) {
        if (has_peer(c, peer))
            *miss = TLS_MISS_IDENTITY_CHANGED;
        return NULL;
    }
    touch(c, p);
    drop_expired(p, now_ms);
    if (!p->count) {
        *miss = p->has_lost_to_time ? TLS_MISS_EXPIRED : TLS_MISS_POOL_EMPTY;
        return NULL;
    }
    newest = p->tickets[p->count - 1];
    if (newest->is_single_use)
        return pull(p, p->count - 1);
    *miss = TLS_MISS_POOL_EMPTY; /* only without memory */
    return tls_ticket_copy(newest);
}

void tls_cache_put(struct tls_cache *c, const struct tls_place *place, struct tls_ticket *ticket,
                   uint64_t now_ms)
{
    struct pool *p = find(c, place->identity);

    assert(place->tickets_max > 0);
    /* One that was lent keeps the time that its first owner gave it. */
    if (!ticket->expires_ms)
        ticket->expires_ms = now_ms + ticket->lifetime_ms;
    if (!p && ticket->expires_ms > now_ms)
        p = new_pool(c, place);
    if (!p || ticket->expires_ms <= now_ms) {
        tls_ticket_free(ticket);
        return;
    }
    touch(c, p);
    drop_expired(p, now_ms);
    if (p->count == p->tickets_max)
        tls_ticket_free(pull(p, 0));
    p->tickets[p->count++] = ticket;
    p->has_lost_to_time = false;
}

void tls_cache_refused(struct tls_cache *c, const struct tls_identity *id, uint64_t now_ms)
{
    struct pool *p = find(c, id);

    (void)now_ms;
    while (p && p->count)
        tls_ticket_free(pull(p, p->count - 1));
}

size_t tls_cache_count(const struct tls_cache *c, const struct tls_identity *id, uint64_t now_ms)
{
    const struct pool *p = find(c, id);
    size_t count = 0;

    for (size_t i = 0; p && i < p->count; i++)
        count += p->tickets[i]->expires_ms > now_ms;
    return count;
}

size_t tls_cache_lend(struct tls_cache *c, const struct tls_identity *id, uint64_t now_ms,
                      struct tls_ticket **out, size_t most)
{
    struct pool *p = find(c, id);
    size_t count = 0, wanted;

    if (!p)
        return 0;
    drop_expired(p, now_ms);
    wanted = size_min(most, size_max(p->count / 2, 1));
    /* A session that may be used again is copied: its owner goes on with it. */
    for (size_t i = 0; i < p->count && count < wanted;) {
        bool is_single_use = p->tickets[i]->is_single_use;

        out[count] = is_single_use ? pull(p, i) : tls_ticket_copy(p->tickets[i++]);
        if (!out[count])
            break;
        count++;
    }
    return count;
}
