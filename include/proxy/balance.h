/* balance - which peer gets a try: the policies, in one file.
 *
 * Weights move per worker (smooth weighted round robin, as in nginx); health and the number of
 * active connections are words that all workers share. */
#ifndef RINGWAY_PROXY_BALANCE_H
#define RINGWAY_PROXY_BALANCE_H

#include "proxy/view.h"

/* The next peer that is up, not full and not among those tried (a bit per peer index; peers beyond
 * 63 share bit 63 and are tried at most once); backups when no other is left. NULL: none. */
struct peer *balance_pick(struct upstream *u, uint64_t tried, uint64_t now_ms) MUST_USE;

/* True when balance_pick() would find one; picks none. */
bool balance_has_another(struct upstream *u, uint64_t tried, uint64_t now_ms);

/* Goes on as if that many had been picked. Workers that all begin with the first peer would give it
 * the first requests of each of them. */
void balance_skip(struct upstream *u, unsigned count, uint64_t now_ms);

/* The bit of a peer in `tried`. */
uint64_t balance_bit(const struct peer *p);

#endif
