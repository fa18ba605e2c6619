/* tls_replay - tickets that early data came with (RFC 8446 section 8).
 *
 * Who sees a client's first bytes may send them again. wolfSSL refuses a ticket whose age the
 * client gives wrong by more than some 11 seconds, which a copy does that comes later; within that
 * time a ticket is known here by its nonce. A set whose places are all that young knows no more:
 * then it is as if the ticket had been used, which costs its client a round trip.
 *
 * wolfSSL goes by the host's clock. Where that is set back, copies that are forgotten have the
 * right age once more; and another process with the same keys never knew them. So a ticket is good
 * for early data in the era that it was given in: a new one begins with a memory, and when the
 * clock has gone back. */
#include "tls_internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Sets of a few slots each: 1 MiB, for some thousand new connections with early data a second. */
#define SETS 8192
#define SLOTS 8

#define COPY_S 12    /* a copy is no more than so late */
#define BACKWARD_S 5 /* threads that read the clock and then wait, and leap seconds */
#define WINDOW_S 30

static_assert(WINDOW_S > COPY_S + BACKWARD_S + 1, "a ticket is remembered until no copy is good");

struct replay_slot {
    unsigned char id[TLS_REPLAY_ID_BYTES];
    uint32_t used_s; /* since the era began; 0: empty */
};

struct tls_replay {
    pthread_mutex_t lock;
    struct tls_replay_era era;
    int64_t began_s;
    int64_t latest_s; /* what the clock has shown in this era */
    struct replay_slot slots[SETS][SLOTS];
};

static void begin_era(struct tls_replay *r, int64_t now_s)
{
    r->era.number++;
    r->began_s = now_s - 1;
    r->latest_s = now_s;
    memset(r->slots, 0, sizeof(r->slots));
}

struct tls_replay *tls_replay_new(int64_t now_s)
{
    struct tls_replay *r = calloc(1, sizeof(*r));

    if (!r)
        return NULL;
    if (getrandom(r->era.memory, sizeof(r->era.memory), 0) != sizeof(r->era.memory)) {
        free(r);
        return NULL;
    }
    (void)pthread_mutex_init(&r->lock, NULL);
    begin_era(r, now_s);
    return r;
}

void tls_replay_free(struct tls_replay *r)
{
    if (!r)
        return;
    (void)pthread_mutex_destroy(&r->lock);
    free(r);
}

/* Under the lock. */
static void follow_clock(struct tls_replay *r, int64_t now_s)
{
    if (now_s < r->latest_s - BACKWARD_S)
        begin_era(r, now_s);
    else if (now_s > r->latest_s)
        r->latest_s = now_s;
}

struct tls_replay_era tls_replay_era(struct tls_replay *r, int64_t now_s)
{
    struct tls_replay_era era;

    (void)pthread_mutex_lock(&r->lock);
    follow_clock(r, now_s);
    era = r->era;
    (void)pthread_mutex_unlock(&r->lock);
    return era;
}

/* Under the lock. The slot for a ticket that is used for the first time, or NULL. */
static struct replay_slot *find_room(struct tls_replay *r, const unsigned char *id, uint32_t age_s)
{
    struct replay_slot *set = r->slots[(id[0] | id[1] << 8) % SETS], *oldest = set;

    for (size_t i = 0; i < SLOTS; i++) {
        if (set[i].used_s && memcmp(set[i].id, id, TLS_REPLAY_ID_BYTES) == 0)
            return NULL;
        if (set[i].used_s < oldest->used_s)
            oldest = &set[i];
    }
    return !oldest->used_s || age_s - oldest->used_s > WINDOW_S ? oldest : NULL;
}

/* Under the lock. */
static bool mark_used(struct tls_replay *r, const unsigned char *id)
{
    uint32_t age_s = (uint32_t)(r->latest_s - r->began_s);
    struct replay_slot *slot = find_room(r, id, age_s);

    if (!slot)
        return false;
    memcpy(slot->id, id, TLS_REPLAY_ID_BYTES);
    slot->used_s = age_s;
    return true;
}

bool tls_replay_use(struct tls_replay *r, const unsigned char id[TLS_REPLAY_ID_BYTES],
                    const struct tls_replay_era *era, int64_t now_s)
{
    bool is_first;

    (void)pthread_mutex_lock(&r->lock);
    follow_clock(r, now_s);
    is_first = memcmp(era, &r->era, sizeof(*era)) == 0 && mark_used(r, id);
    (void)pthread_mutex_unlock(&r->lock);
    return is_first;
}
