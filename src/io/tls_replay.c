/* tls_replay - tickets that early data came with (RFC 8446 section 8).
 *
 * Who sees a client's first bytes may send them again. wolfSSL refuses a ticket whose age the
 * client gives wrong by more than some 11 seconds, which a copy does that comes later; within that
 * time a ticket is known here by its nonce. A set whose places are all that young knows no more:
 * then it is as if the ticket had been used, which costs its client a round trip. */
#include "tls_internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Sets of a few slots each: 1 MiB, for some thousand new connections with early data a second. */
#define SETS 8192
#define SLOTS 8

#define WINDOW_S 30 /* more than a copy can be late, with the clock's seconds */

struct replay_slot {
    unsigned char id[TLS_REPLAY_ID_BYTES];
    uint32_t used_s; /* since the memory was made; 0: empty */
};

struct tls_replay {
    pthread_mutex_t lock;
    int64_t born_s;
    struct replay_slot slots[SETS][SLOTS];
};

struct tls_replay *tls_replay_new(int64_t now_s)
{
    struct tls_replay *r = calloc(1, sizeof(*r));

    if (!r)
        return NULL;
    (void)pthread_mutex_init(&r->lock, NULL);
    r->born_s = now_s - 1;
    return r;
}

void tls_replay_free(struct tls_replay *r)
{
    if (!r)
        return;
    (void)pthread_mutex_destroy(&r->lock);
    free(r);
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

bool tls_replay_use(struct tls_replay *r, const unsigned char id[TLS_REPLAY_ID_BYTES],
                    int64_t now_s, bool remembers_all)
{
    uint32_t age_s = (uint32_t)(now_s - r->born_s);
    struct replay_slot *slot;

    if (!remembers_all && age_s <= WINDOW_S)
        return false;
    (void)pthread_mutex_lock(&r->lock);
    slot = find_room(r, id, age_s);
    if (slot) {
        memcpy(slot->id, id, TLS_REPLAY_ID_BYTES);
        slot->used_s = age_s;
    }
    (void)pthread_mutex_unlock(&r->lock);
    return slot != NULL;
}
