/* gate - the step of an exchange between its location and what answers it: may this client come?
 *
 * nginx's order: limits, addresses, passwords, then auth_request. With "satisfy any" the first
 * check that allows ends it; else each has its say. */
#ifndef RINGWAY_PROXY_GATE_H
#define RINGWAY_PROXY_GATE_H

#include "proxy/exchange_state.h"

/* Of an exchange whose location has a gate. Goes on to STEP_CONTENT, or to a refusal. */
enum progress gate_run(struct exchange *x);

#endif
