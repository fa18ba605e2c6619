/* balance - which peer gets a try: the policies, in one file.
 *
 * Weights move per worker (smooth weighted round robin, as in nginx); health and the number of
 * active connections are words that all workers share. */
#ifndef RINGWAY_PROXY_BALANCE_H
#define RINGWAY_PROXY_BALANCE_H

#include "proxy/view.h"

#define PEER_SET_INLINE 64 /* peers that a set holds without a word from an arena */

/* Peers of one group, by their index. Zero: none. */
struct peer_set {
    uint64_t first; /* the group's first peers */
    uint64_t *more; /* those beyond; from the arena of peer_set_reserve(); NULL: none are held */
};

/* Makes room for the peers of a group of that many. 0 or -ENOMEM. */
int peer_set_reserve(struct peer_set *s, size_t peer_count, struct arena *a) MUST_USE;

/* There must be room for it. */
void peer_set_add(struct peer_set *s, const struct peer *p);
bool peer_set_has(const struct peer_set *s, const struct peer *p);

/* The next peer that is up, not full and not among those tried; backups when no other is left. A
 * peer that comes back from fail_timeout gets one try in each fail_timeout, until it serves.
 * NULL: none. */
struct peer *balance_pick(struct upstream *u, const struct peer_set *tried,
                          uint64_t now_ms) MUST_USE;

/* True when balance_pick() would find one but `current`; picks none. */
bool balance_has_another(const struct upstream *u, const struct peer_set *tried,
                         const struct peer *current, uint64_t now_ms);

/* Goes on as if that many had had their turn; begins no trial. Workers that all begin with the
 * first peer would give it the first requests of each of them. */
void balance_skip(struct upstream *u, unsigned count, uint64_t now_ms);

#endif
