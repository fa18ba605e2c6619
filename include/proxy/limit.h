/* limit - limit_req and limit_conn: how often, and how many at once.
 *
 * A request is counted once, however often it is redirected within: what became of it is in the
 * record ($limit_req_status, $limit_conn_status). */
#ifndef RINGWAY_PROXY_LIMIT_H
#define RINGWAY_PROXY_LIMIT_H

#include "proxy/record.h"

/* That a request counts as here, in its arena. */
struct limit_hold {
    struct limit_hold *next;
    struct limit_zone *zone;
    struct keyed_hash key;
};

/* Returns the status that refuses the request, or 0: it may go on in *delay_ms. */
unsigned limit_requests(struct record *r, const struct limits_conf *limits, uint64_t *delay_ms);

/* Returns the status that refuses the request, or 0: it is here until limit_release(). */
unsigned limit_connections(struct record *r, const struct limits_conf *limits,
                           struct limit_hold **holds);

/* It counts as here no more, in any of them; NULL: in none. */
void limit_release(struct limit_hold *holds);

#endif
