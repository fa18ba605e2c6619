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

/* The bit of a peer in `tried`. */
uint64_t balance_bit(const struct peer *p);

#endif
