/* content - what answers a request: a return, a file, or an upstream. */
#ifndef RINGWAY_PROXY_CONTENT_H
#define RINGWAY_PROXY_CONTENT_H

#include "proxy/exchange_state.h"

/* The step of an exchange whose location is known: makes the reply and goes on to sending it, or
 * to the first try at an upstream. */
enum progress content_choose(struct exchange *x);

/* Answers as a "return" says. */
enum progress content_return(struct exchange *x, const struct return_rule *rule);

#endif
