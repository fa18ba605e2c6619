/* pass - where a request is passed to: what proxy_pass says, also with variables in it. */
#ifndef RINGWAY_PROXY_PASS_H
#define RINGWAY_PROXY_PASS_H

#include "proxy/exchange_state.h"

/* Goes on with the location's proxy_pass. */
enum progress pass_begin(struct exchange *x);

/* STEP_RESOLVE: waits until the addresses of the host that the request named are known. */
enum progress pass_resolve(struct exchange *x);

#endif
