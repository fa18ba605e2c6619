/* auth_answer - what an upstream answers to a subrequest: its head counts, its body is dropped.
 *
 * The body is read to its end, so that the connection can serve others; what is wrong with it ends
 * the connection, and no more. */
#ifndef RINGWAY_PROXY_AUTH_ANSWER_H
#define RINGWAY_PROXY_AUTH_ANSWER_H

#include "proxy/exchange_state.h"

/* In place of passing the head on: goes on to the body, or ends the subrequest. */
enum progress auth_answer_take(struct exchange *x) RARE;

/* x->download, which leads nowhere, came to this: WAIT, or the subrequest's end. */
enum progress auth_answer_drop_body(struct exchange *x, enum relay_result result) RARE;

#endif
