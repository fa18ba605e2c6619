/* response_fault - answers of upstreams that cannot be passed on: what is wrong, and what follows.
 *
 * Each ends the try, and returns what the step is to return. */
#ifndef RINGWAY_PROXY_RESPONSE_FAULT_H
#define RINGWAY_PROXY_RESPONSE_FAULT_H

#include "proxy/exchange_state.h"

/* The upstream's stream ended where a head should come. */
enum progress response_missing(struct exchange *x) RARE;

/* It is none, for this reason. */
enum progress response_bad(struct exchange *x, const char *reason) RARE;

/* The parser refused its head, or what came in place of one. */
enum progress response_unparsed(struct exchange *x) RARE;

/* heads_write_response(), or field_rewrite(), failed with this error. */
enum progress response_not_passed_on(struct exchange *x, int error) RARE;

/* Its body ended early, for this reason. */
enum progress response_cut(struct exchange *x, const char *reason) RARE;

#endif
