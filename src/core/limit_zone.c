/* limit_zone - how often somebody came of late, or how many of them are here: shared by all
 * workers. */
#include "core/limit_zone.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>

#define STATES_PER_SHARD_MIN 1024 /* a small zone has fewer shards */
#define REQUEST 1000              /* thousandths */
#define CLOCK_BACK_MS_MAX 60000   /* as in nginx: a clock that is further back is another one */

/* Links are indices + 1 among the shard's states; 0: none. */
struct state {
    struct keyed_hash key;
    uint64_t excess, last_ms; /* of a rate */
    uint32_t here;            /* of a count */
    uint32_t next;            /* with the same bucket, or free */
    uint32_t newer, older;
};

static_assert(sizeof(struct state) + 2 * sizeof(uint32_t) <= LIMIT_STATE_BYTES,
              "with its share of the buckets, at most two for each state");

struct shard {
    pthread_mutex_t lock;
    struct state *states;
    uint32_t *buckets;
    size_t state_count, touched_count, bucket_mask;
    uint32_t free, newest, oldest;
};

struct limit_zone {
    _Atomic unsigned ref_count;
    unsigned char secret[KEYED_HASH_KEY_BYTES];
    size_t shard_count;
    struct shard shards[LIMIT_SHARDS_MAX];
};

/* ---- making ---- */

static size_t shards_for(size_t states)
{
    size_t count = 1;

    while (count < LIMIT_SHARDS_MAX && states / (2 * count) >= STATES_PER_SHARD_MIN)
        count *= 2;
    return count;
}

static int init_shard(struct shard *s, size_t states)
{
    size_t buckets = 1;

    while (buckets < states)
        buckets *= 2;
    (void)pthread_mutex_init(&s->lock, NULL);
    s->state_count = states;
    s->bucket_mask = buckets - 1;
    /* Large blocks of calloc(3) are mapped: what was never used costs no memory. */
    s->states = calloc(states, sizeof(*s->states));
    s->buckets = calloc(buckets, sizeof(*s->buckets));
    return s->states && s->buckets ? 0 : -ENOMEM;
}

static void free_zone(struct limit_zone *z)
{
    for (size_t i = 0; i < z->shard_count; i++) {
        (void)pthread_mutex_destroy(&z->shards[i].lock);
        free(z->shards[i].states);
        free(z->shards[i].buckets);
    }
    free(z);
}

struct limit_zone *limit_zone_new(size_t bytes)
{
    size_t states = bytes / LIMIT_STATE_BYTES;
    struct limit_zone *z = calloc(1, sizeof(*z));
    size_t shards = shards_for(states);
    int rc = 0;

    assert(bytes >= LIMIT_ZONE_BYTES_MIN);
    if (!z)
        return NULL;
    atomic_init(&z->ref_count, 1);
    if (getrandom(z->secret, sizeof(z->secret), 0) != sizeof(z->secret))
        rc = -EIO;
    for (; z->shard_count < shards && !rc; z->shard_count++)
        rc = init_shard(&z->shards[z->shard_count], size_min(states / shards, UINT32_MAX / 2));
    if (!rc)
        return z;
    free_zone(z);
    return NULL;
}

struct limit_zone *limit_zone_ref(struct limit_zone *z)
{
    atomic_fetch_add_explicit(&z->ref_count, 1, memory_order_relaxed);
    return z;
}

void limit_zone_unref(struct limit_zone *z)
{
    /* Whoever frees must see all that the others did with it. */
    if (z && atomic_fetch_sub_explicit(&z->ref_count, 1, memory_order_acq_rel) == 1)
        free_zone(z);
}

struct keyed_hash limit_zone_key(const struct limit_zone *z, struct span key)
{
    return keyed_hash(key, z->secret);
}

/* ---- the states of a shard, whose lock is held ---- */

static struct state *state_at(const struct shard *s, uint32_t link)
{
    assert(link > 0);
    return &s->states[link - 1];
}

static uint32_t link_of(const struct shard *s, const struct state *state)
{
    return (uint32_t)(state - s->states) + 1;
}

static uint32_t *bucket_of(const struct shard *s, struct keyed_hash key)
{
    return &s->buckets[key.words[0] & s->bucket_mask];
}

static void unlink_age(struct shard *s, struct state *state)
{
    if (state->newer)
        state_at(s, state->newer)->older = state->older;
    else
        s->newest = state->older;
    if (state->older)
        state_at(s, state->older)->newer = state->newer;
    else
        s->oldest = state->newer;
}

static void make_newest(struct shard *s, struct state *state)
{
    state->newer = 0;
    state->older = s->newest;
    if (s->newest)
        state_at(s, s->newest)->newer = link_of(s, state);
    else
        s->oldest = link_of(s, state);
    s->newest = link_of(s, state);
}

static struct state *find(const struct shard *s, struct keyed_hash key)
{
    for (uint32_t link = *bucket_of(s, key); link; link = state_at(s, link)->next) {
        if (keyed_hash_equals(state_at(s, link)->key, key))
            return state_at(s, link);
    }
    return NULL;
}

/* Becomes free. */
static void forget(struct shard *s, struct state *state)
{
    uint32_t link = link_of(s, state), *at = bucket_of(s, state->key);

    while (*at != link)
        at = &state_at(s, *at)->next;
    *at = state->next;
    unlink_age(s, state);
    state->next = s->free;
    s->free = link;
}

static struct state *take_free(struct shard *s)
{
    struct state *state;

    if (!s->free && s->touched_count < s->state_count)
        return &s->states[s->touched_count++];
    if (!s->free && s->oldest && !state_at(s, s->oldest)->here)
        forget(s, state_at(s, s->oldest));
    if (!s->free)
        return NULL;
    state = state_at(s, s->free);
    s->free = state->next;
    return state;
}

/* NULL: all states are of somebody who is here. */
static struct state *add(struct shard *s, struct keyed_hash key, uint64_t now_ms)
{
    struct state *state = take_free(s);
    uint32_t *bucket = bucket_of(s, key);

    if (!state)
        return NULL;
    *state = (struct state){.key = key, .last_ms = now_ms, .next = *bucket};
    *bucket = link_of(s, state);
    make_newest(s, state);
    return state;
}

static struct shard *lock_shard(struct limit_zone *z, struct keyed_hash key)
{
    struct shard *s = &z->shards[key.words[1] & (z->shard_count - 1)];

    (void)pthread_mutex_lock(&s->lock);
    return s;
}

static void unlock_shard(struct shard *s)
{
    (void)pthread_mutex_unlock(&s->lock);
}

/* ---- rates ---- */

/* Workers' clocks differ by a turn or so. */
static uint64_t passed_ms(const struct state *state, uint64_t now_ms)
{
    if (now_ms >= state->last_ms)
        return now_ms - state->last_ms;
    return state->last_ms - now_ms > CLOCK_BACK_MS_MAX ? 1 : 0;
}

static uint64_t excess_now(const struct state *state, uint64_t per_second, uint64_t ms)
{
    uint64_t gone, grown = state->excess + REQUEST;

    if (__builtin_mul_overflow(per_second, ms, &gone))
        return 0;
    gone /= 1000;
    return grown > gone ? grown - gone : 0;
}

static void check_state(struct shard *s, struct state *state, const struct limit_visit *v,
                        const struct limit_rate *rate, uint64_t *excess)
{
    uint64_t ms = passed_ms(state, v->now_ms);

    unlink_age(s, state);
    make_newest(s, state);
    *excess = excess_now(state, rate->per_second, ms);
    if (!v->is_counted || *excess > rate->burst)
        return;
    state->excess = *excess;
    if (ms)
        state->last_ms = v->now_ms;
}

/* Somebody who comes for the first time exceeds nothing. */
bool limit_zone_check(struct limit_zone *z, const struct limit_visit *v,
                      const struct limit_rate *rate, uint64_t *excess)
{
    struct shard *s = lock_shard(z, v->key);
    struct state *state = find(s, v->key);

    *excess = 0;
    if (state)
        check_state(s, state, v, rate, excess);
    else if (v->is_counted)
        (void)add(s, v->key, v->now_ms); /* nobody is "here" in a zone of rates: there is room */
    unlock_shard(s);
    return *excess <= rate->burst;
}

/* ---- counts ---- */

enum limit_entry limit_zone_enter(struct limit_zone *z, struct keyed_hash key, unsigned most)
{
    struct shard *s = lock_shard(z, key);
    struct state *state = find(s, key);
    enum limit_entry entry = LIMIT_ENTERED;

    if (!state)
        state = add(s, key, 0);
    if (!state)
        entry = LIMIT_NO_ROOM;
    else if (state->here >= most)
        entry = LIMIT_FULL;
    else
        state->here++;
    unlock_shard(s);
    return entry;
}

void limit_zone_leave(struct limit_zone *z, struct keyed_hash key)
{
    struct shard *s = lock_shard(z, key);
    struct state *state = find(s, key);

    assert(state);
    assert(state->here > 0);
    if (--state->here == 0)
        forget(s, state);
    unlock_shard(s);
}
