/* balance - round robin by weight, and least connections. */
#include "proxy/balance.h"

/* ---- which peers had their try ---- */

int peer_set_reserve(struct peer_set *s, size_t peer_count, struct arena *a)
{
    if (peer_count <= PEER_SET_INLINE || s->more)
        return 0;
    s->more = arena_zalloc(a, (peer_count - 1) / 64 * sizeof(*s->more));
    return s->more ? 0 : -ENOMEM;
}

static uint64_t bit_of(unsigned index)
{
    return UINT64_C(1) << index % 64;
}

void peer_set_add(struct peer_set *s, const struct peer *p)
{
    unsigned index = p->conf->index;

    assert(index < PEER_SET_INLINE || s->more);
    if (index < PEER_SET_INLINE)
        s->first |= bit_of(index);
    else
        s->more[index / 64 - 1] |= bit_of(index);
}

bool peer_set_has(const struct peer_set *s, const struct peer *p)
{
    unsigned index = p->conf->index;

    if (index < PEER_SET_INLINE)
        return s->first & bit_of(index);
    return s->more && s->more[index / 64 - 1] & bit_of(index);
}

/* ---- which peers may have one ---- */

static uint32_t active_count(const struct peer *p)
{
    return atomic_load_explicit(&p->conf->shared->active_count, memory_order_relaxed);
}

/* A group of one is never taken out: there is nothing to turn to. As in nginx, a peer on trial gets
 * one request per fail_timeout: were it still dead, it would cost all others their time. */
static bool is_up(const struct peer *p, uint64_t now_ms)
{
    const struct peer_conf *conf = p->conf;

    if (p->upstream->conf->peer_count == 1)
        return true;
    if (atomic_load_explicit(&conf->shared->down_until_ms, memory_order_relaxed) > now_ms)
        return false;
    return !peer_is_on_trial(p) || now_ms - p->trial_began_ms >= conf->fail_timeout_ms;
}

static bool is_eligible(const struct peer *p, const struct peer_set *tried, uint64_t now_ms)
{
    const struct peer_conf *conf = p->conf;

    if (conf->is_down || peer_set_has(tried, p) || !is_up(p, now_ms))
        return false;
    return !conf->max_conns || active_count(p) < conf->max_conns;
}

/* True when a has fewer active connections for its weight. */
static bool is_less_busy(const struct peer *a, const struct peer *b)
{
    return (uint64_t)active_count(a) * b->conf->weight <
           (uint64_t)active_count(b) * a->conf->weight;
}

static bool is_as_busy(const struct peer *a, const struct peer *b)
{
    return !is_less_busy(a, b) && !is_less_busy(b, a);
}

/* With least_conn: only the least busy peers take part in the round robin. */
static struct peer *least_busy(struct upstream *u, bool backups, const struct peer_set *tried,
                               uint64_t now_ms)
{
    struct peer *best = NULL;

    for (size_t i = 0; i < u->conf->peer_count; i++) {
        struct peer *p = &u->peers[i];

        if (p->conf->is_backup == backups && is_eligible(p, tried, now_ms) &&
            (!best || is_less_busy(p, best)))
            best = p;
    }
    return best;
}

/* Smooth weighted round robin: each peer gains its weight, the highest is taken and pays all. */
static struct peer *pick(struct upstream *u, bool backups, const struct peer_set *tried,
                         uint64_t now_ms)
{
    bool by_load = u->conf->balance == BALANCE_LEAST_CONN;
    struct peer *least = by_load ? least_busy(u, backups, tried, now_ms) : NULL;
    struct peer *best = NULL;
    int64_t total = 0;

    if (by_load && !least)
        return NULL;
    for (size_t i = 0; i < u->conf->peer_count; i++) {
        struct peer *p = &u->peers[i];

        if (p->conf->is_backup != backups || !is_eligible(p, tried, now_ms))
            continue;
        if (by_load && !is_as_busy(p, least))
            continue;
        p->current_weight += p->effective_weight;
        total += p->effective_weight;
        if (p->effective_weight < p->conf->weight)
            p->effective_weight++;
        if (!best || p->current_weight > best->current_weight)
            best = p;
    }
    if (!best)
        return least; /* the counts are all workers' words, and moved while we looked */
    best->current_weight -= total;
    return best;
}

void balance_skip(struct upstream *u, unsigned count, uint64_t now_ms)
{
    const struct peer_set none = {0};

    for (unsigned i = 0; i < count; i++)
        (void)pick(u, false, &none, now_ms);
}

struct peer *balance_pick(struct upstream *u, const struct peer_set *tried, uint64_t now_ms)
{
    struct peer *p = pick(u, false, tried, now_ms);

    if (!p)
        p = pick(u, true, tried, now_ms);
    if (p && peer_is_on_trial(p))
        p->trial_began_ms = now_ms;
    return p;
}

bool balance_has_another(const struct upstream *u, const struct peer_set *tried,
                         const struct peer *current, uint64_t now_ms)
{
    for (size_t i = 0; i < u->conf->peer_count; i++) {
        if (&u->peers[i] != current && is_eligible(&u->peers[i], tried, now_ms))
            return true;
    }
    return false;
}
