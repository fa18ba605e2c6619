/* upload - a request's body on its way to an upstream: taken in first, or streamed.
 *
 * As proxy_request_buffering says. A body that was taken in can be sent to one peer after the
 * other; of one that is streamed, what fits into a chunk. */
#ifndef RINGWAY_PROXY_UPLOAD_H
#define RINGWAY_PROXY_UPLOAD_H

#include "proxy/exchange_state.h"

/* The step for a request whose upstream is known: STEP_TAKE_BODY, or STEP_TRY. */
enum exchange_step upload_first_step(const struct exchange *x);

/* STEP_TAKE_BODY: takes the body in. Then the request is one with a length, whatever it was. */
enum progress upload_take_body(struct exchange *x);

/* 100 Continue of our own, for a client that waits for it. 0, -ENOMEM. */
int upload_invite(struct exchange *x) MUST_USE;

/* How the body goes to the upstream. */
enum framing upload_framing(const struct exchange *x);

/* The head stands in the output of a new try: the body follows, from its beginning. 0, -ENOMEM. */
int upload_begin(struct exchange *x) MUST_USE;

/* upload_run() for a body of which something is left. */
enum outcome upload_go_on(struct exchange *x) MUST_USE;

/* Moves the body on. OUTCOME_NONE, or what is wrong with the client or with us. */
static inline enum outcome upload_run(struct exchange *x)
{
    bool has_moved = x->upload.is_done && !x->record.body;

    return has_moved || x->has_upload_failed ? OUTCOME_NONE : upload_go_on(x);
}

/* True once the upstream has, or will have, all of it. */
bool upload_is_complete(const struct exchange *x);

#endif
