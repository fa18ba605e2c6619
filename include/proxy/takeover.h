/* takeover - answers of upstreams that do more than to be passed on: X-Accel-*, and those that
 * proxy_intercept_errors has another page for. */
#ifndef RINGWAY_PROXY_TAKEOVER_H
#define RINGWAY_PROXY_TAKEOVER_H

#include "proxy/exchange_state.h"

/* What a final response head asks for is done. True: the response is not passed on, its upstream
 * connection is let go, and *progress is what the step is to return. */
bool takeover_run(struct exchange *x, enum progress *progress) MUST_USE;

/* The response is over: its connection is kept for others, where both messages on it have ended as
 * they should. Bytes behind the response are counted. */
void takeover_release(struct exchange *x);

/* The same for a response whose body nobody wants: what has come of it is dropped, and its
 * connection is kept where that was all. Nobody waits for more. */
void takeover_drop(struct exchange *x);

#endif
