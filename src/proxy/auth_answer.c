/* auth_answer - what an upstream answers to a subrequest: its head counts, its body is dropped. */
#include "proxy/auth_answer.h"

#include "proxy/subrequest.h"
#include "proxy/takeover.h"
#include "proxy/verdict.h"

enum progress auth_answer_take(struct exchange *x)
{
    x->record.response = &x->response.head;
    if (x->response.head.status == 101) {
        attempt_end(&x->attempt, false);
        return end_subrequest(x, 101);
    }
    x->download = (struct relay){
        .src = upstream_of(x), .parser = &x->response, .bytes_max = SUBREQUEST_BODY_BYTES_MAX};
    return go_to(x, STEP_RELAY);
}

enum progress auth_answer_drop_body(struct exchange *x, enum relay_result result)
{
    if (result == RELAY_WAITS && exchange_deadline(x).at_ms > exchange_now_ms(x))
        return wait_for_progress(x);
    if (result == RELAY_DONE)
        takeover_release(x);
    else
        attempt_end(&x->attempt, false);
    return end_subrequest(x, x->response.head.status);
}
