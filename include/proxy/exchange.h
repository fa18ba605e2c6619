/* exchange - one request and its response: the state machine between a client and an upstream.
 */
#ifndef RINGWAY_PROXY_EXCHANGE_H
#define RINGWAY_PROXY_EXCHANGE_H

#include "proxy/exchange_state.h"

/* Runs steps until one waits, or it has ended. */
enum exchange_result exchange_run(struct exchange *x);

/* The client's connection is gone: lets go of everything. */
void exchange_abort(struct exchange *x);

/* The worker ends: the connection is not kept after this exchange. */
void exchange_drain(struct exchange *x);

/* True when the client may still be sending: its conn has to linger. */
bool exchange_lingers(const struct exchange *x);

#endif
