/* verdict - how an exchange goes on when something ends it: another try, an answer, or a cut.
 *
 * Each call records the outcome, sets the step that follows, and returns what that step function
 * is to return. */
#ifndef RINGWAY_PROXY_VERDICT_H
#define RINGWAY_PROXY_VERDICT_H

#include "proxy/exchange_state.h"

/* GO_ON with another step. */
static inline enum progress go_to(struct exchange *x, enum exchange_step step)
{
    x->step = step;
    return GO_ON;
}

/* END, with what becomes of the client's connection. */
static inline enum progress end(struct exchange *x, enum exchange_result ending)
{
    x->ending = ending;
    return END;
}

/* GO_ON with what follows the scripts: the gate of the location where it has one, and else what
 * answers. */
static inline enum progress enter_location(struct exchange *x)
{
    return go_to(x, x->record.location->settings.gate ? STEP_GATE : STEP_CONTENT);
}

/* Finds the location of record.uri, with its captures, and enters it. */
enum progress locate(struct exchange *x);

/* Goes where a request begins in its server, and each internal redirect to a URI. */
enum progress enter_server(struct exchange *x);

/* Internal redirects, of which there are REDIRECTS_MAX: to another URI with its own arguments; to
 * a location "@name", which leaves both as they are; to the one or the other, by a text that
 * configuration made. */
enum progress redirect_within(struct exchange *x, struct span uri, struct span args);
enum progress redirect_to_named(struct exchange *x, struct span name);
enum progress redirect_to(struct exchange *x, struct span to);

/* The request becomes a GET without a body, for what stands in for another answer; HEAD stays. */
void become_get(struct exchange *x);

/* Records how it ended, and tells the client while that can be told. */
enum progress conclude(struct exchange *x, enum outcome outcome) RARE;

/* The subrequest came to this status: the request goes on in its gate. Of what follows, the answer
 * to a subrequest is just its status. */
enum progress end_subrequest(struct exchange *x, unsigned status);

/* Answers with an error or a redirect: the file's error_page for it, else the built-in page. */
enum progress answer(struct exchange *x, unsigned status);

/* The reply was made: sends it, unless there is an error_page for its status. */
enum progress answer_with_reply(struct exchange *x);

/* The try has failed: reports it, and tries again where the rules allow it, or concludes. */
enum progress try_failed(struct exchange *x, enum outcome outcome) RARE;

/* WAIT, with the nearest deadline set; or what it means that this has come. */
enum progress wait_for_progress(struct exchange *x);

#endif
