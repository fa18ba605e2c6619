/* destination - upstreams that requests name: hosts which variables in proxy_pass make, and which
 * are no upstream of the file.
 *
 * Owned by a worker's view, one for each host and port, with the addresses that the host has. When
 * these change, another takes its place, and it goes with the last exchange and the last connection
 * that use it. Invariant: its addresses never change. */
#ifndef RINGWAY_PROXY_DESTINATION_H
#define RINGWAY_PROXY_DESTINATION_H

#include "io/resolver.h"
#include "proxy/view.h"

#define DESTINATIONS_MAX 1024 /* beyond, what was not used for the longest time goes */

struct destination_key {
    struct span host; /* as in struct upstream_conf of an implicit one */
    uint16_t port;
    const struct address *addresses; /* their ports do not count */
    size_t address_count;            /* at least 1 */
};

/* The upstream for it, used by one more. NULL: no memory. */
struct upstream *destination_take(struct view *v, const struct destination_key *k) MUST_USE;

/* Used by one less. */
void destination_leave(struct upstream *u);

/* What an exchange has of them: the one that it waits for, and those that its tries tell of. In
 * its arena. */
struct destination_use {
    struct destination_use *next;
    struct resolver_wait wait;
    struct upstream *upstream; /* NULL: none yet */
};

/* Ends all waits and uses of an exchange. */
void destinations_leave(struct destination_use *uses);

#endif
