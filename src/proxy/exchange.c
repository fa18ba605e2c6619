/* exchange - one request and its response.
 *
 * Read it from top to bottom: the driver, then the steps in the order of time. A step that stands
 * in a room of its own is named at its place. */
#include "proxy/exchange.h"

#include "proxy/access.h"
#include "proxy/auth_answer.h"
#include "proxy/content.h"
#include "proxy/forced_range.h"
#include "proxy/gate.h"
#include "proxy/heads_request.h"
#include "proxy/pass.h"
#include "proxy/real_ip.h"
#include "proxy/request_body.h"
#include "proxy/response_fault.h"
#include "proxy/rewrite.h"
#include "proxy/route.h"
#include "proxy/subrequest.h"
#include "proxy/takeover.h"
#include "proxy/upload.h"
#include "proxy/user_variable.h"
#include "proxy/variable.h"
#include "proxy/verdict.h"

#define DRAIN_BYTES_MAX (64 * 1024) /* a longer body that nobody wants ends the connection */
#define INTERIM_COUNT_MAX RESPONSE_INTERIM_COUNT_MAX

typedef enum progress (*step_fn)(struct exchange *x);

static enum progress read_head(struct exchange *x);
static enum progress route(struct exchange *x);
static enum progress begin_try(struct exchange *x);
static enum progress connect_upstream(struct exchange *x);
static enum progress send_request(struct exchange *x);
static enum progress await_response(struct exchange *x);
static enum progress respond(struct exchange *x);
static enum progress relay_bodies(struct exchange *x);
static enum progress tunnel(struct exchange *x);
static enum progress drain_request(struct exchange *x);
static enum progress write_reply(struct exchange *x);
static enum progress settle(struct exchange *x);

/* ---- the driver ---- */

enum exchange_result exchange_run(struct exchange *x)
{
    static const step_fn steps[STEP_COUNT] = {
        [STEP_READ_HEAD] = read_head,
        [STEP_ROUTE] = route,
        [STEP_REWRITE] = rewrite_in_server,
        [STEP_SCRIPT] = rewrite_in_location,
        [STEP_GATE] = gate_run,
        [STEP_CONTENT] = content_choose,
        [STEP_RESOLVE] = pass_resolve,
        [STEP_TAKE_BODY] = upload_take_body,
        [STEP_TRY] = begin_try,
        [STEP_CONNECT] = connect_upstream,
        [STEP_SEND] = send_request,
        [STEP_AWAIT] = await_response,
        [STEP_RESPOND] = respond,
        [STEP_RELAY] = relay_bodies,
        [STEP_TUNNEL] = tunnel,
        [STEP_DRAIN] = drain_request,
        [STEP_REPLY] = write_reply,
        [STEP_SETTLE] = settle,
    };
    enum progress progress;

    do {
        progress = steps[x->step](x);
    } while (progress == GO_ON);
    if (progress == WAIT)
        return EXCHANGE_WAITS;
    if (request_body_is_busy(x->record.body)) {
        x->step = STEP_SETTLE;
        return EXCHANGE_WAITS;
    }
    attempt_end(&x->attempt, false);
    subrequest_abandon(x);
    exchange_count_request(x);
    if (!x->is_reported)
        access_report(&x->record);
    if (x->record.status || x->record.outcome != OUTCOME_DONE)
        access_write(&x->record);
    return x->ending;
}

/* ---- 1. the request head ---- */

static RARE enum progress refuse_request(struct exchange *x)
{
    x->record.detail = span_of_cstr(x->request.reason);
    return conclude(x, outcome_of_parser(x->request.error));
}

static enum progress head_is_complete(struct exchange *x)
{
    struct head *h = &x->request.head;

    x->is_head_good = true;
    x->record.uri = h->path;
    x->record.args = h->query;
    x->record.request_bytes = h->head_bytes;
    x->upload.src = client_of(x);
    x->upload.parser = &x->request;
    x->upload.is_keeping = true;
    stats_add(&x->view->engine->stats, COUNTER_REQUESTS, 1);
    return go_to(x, STEP_ROUTE);
}

/* Nothing more to read: waits, or the client is gone. */
static enum progress await_head(struct exchange *x)
{
    uint64_t deadline = x->began_ms + exchange_settings(x)->client_header_timeout_ms;

    if (conn_end(client_of(x)) != CONN_END_NONE) {
        x->record.detail = SPAN("client closed the connection in its request head");
        return conclude(x, OUTCOME_CLIENT_GONE);
    }
    if (exchange_now_ms(x) >= deadline)
        return conclude(x, OUTCOME_REQUEST_TIMEOUT);
    conn_want_input(client_of(x));
    timer_set(loop_wheel(x->view->engine->loop), x->timer, deadline);
    return WAIT;
}

static enum progress read_head(struct exchange *x)
{
    for (;;) {
        struct span input = conn_input(client_of(x)), body;
        size_t before = input.len;
        enum parser_event event = parser_next(&x->request, &input, &body);

        conn_consume(client_of(x), before - input.len);
        if (event == PARSER_HEAD)
            return head_is_complete(x);
        if (event == PARSER_ERROR)
            return refuse_request(x);
        assert(event == PARSER_NEED_INPUT);
        if (!conn_input(client_of(x)).len)
            return await_head(x);
    }
}

/* ---- 2. which server ---- */

static enum progress route(struct exchange *x)
{
    struct record *r = &x->record;
    const struct gate_conf *gate;
    const char *reason;
    enum outcome fault;

    r->server = route_server(r->listen, r->request->host, r->engine->regex_scratch, &r->captures);
    r->location = &r->server->root;
    if (r->captures.regex && record_take_groups(r))
        return conclude(x, OUTCOME_NO_MEMORY);
    if (r->listen->is_tls && !record_is_tls(r)) {
        r->detail = SPAN("client sent plain HTTP request to HTTPS port");
        return conclude(x, OUTCOME_PLAIN_TO_TLS);
    }
    if (exchange_is_misdirected(x))
        return conclude(x, OUTCOME_MISDIRECTED);
    fault = exchange_certificate_fault(x, &reason);
    if (fault != OUTCOME_NONE) {
        r->detail = arena_printf(r->arena, "client SSL certificate verify error: %s", reason);
        return conclude(x, fault);
    }
    gate = exchange_settings(x)->gate;
    if (gate && gate->real_ip && real_ip_find(r, gate->real_ip))
        return conclude(x, OUTCOME_NO_MEMORY);
    return enter_server(x);
}

/* ---- 3. scripts, and which location: rewrite_in_server(), rewrite_in_location() ---- */

/* ---- 4. who may come: gate_run() ---- */

/* ---- 5. what answers, an upstream or a file: content_choose() ---- */

/* ---- 6. the host that the request named: pass_resolve() ---- */

/* ---- 7. its body, taken in before an upstream is asked: upload_take_body() ---- */

/* ---- 8. a peer, and a connection to it ---- */

static enum progress begin_try(struct exchange *x)
{
    enum outcome outcome = attempt_begin(&x->attempt);

    if (outcome == OUTCOME_NONE)
        return go_to(x, STEP_CONNECT);
    if (outcome != OUTCOME_NO_PEER)
        return try_failed(x, outcome);
    if (x->last_failure == OUTCOME_NONE)
        return conclude(x, OUTCOME_NO_PEER);
    x->is_reported = true;
    return conclude(x, x->last_failure);
}

static enum progress connect_upstream(struct exchange *x)
{
    enum outcome outcome = OUTCOME_NONE;
    uint64_t deadline;

    switch (attempt_run(&x->attempt, &outcome)) {
    case ATTEMPT_IS_READY:
        return go_to(x, STEP_SEND);
    case ATTEMPT_HAS_FAILED:
        return try_failed(x, outcome);
    case ATTEMPT_WAITS:
        break;
    }
    if (exchange_client_is_gone(x) || (conn_end(client_of(x)) == CONN_END_FAILED &&
                                       !exchange_settings(x)->proxy_ignore_client_abort))
        return conclude(x, OUTCOME_CLIENT_GONE);
    if (x->request.head.framing == FRAMING_NONE)
        exchange_watch_client(x); /* as it is watched from here on */
    exchange_hear_client(x);
    deadline = attempt_deadline_ms(&x->attempt);
    timer_set(loop_wheel(x->view->engine->loop), x->timer, deadline);
    return WAIT;
}

/* ---- 9. the request goes out ---- */

static RARE enum progress head_not_written(struct exchange *x, int error)
{
    if (error == -ENOMEM)
        return conclude(x, OUTCOME_NO_MEMORY);
    if (error == -EMSGSIZE)
        return conclude(x, OUTCOME_HEAD_TOO_LARGE);
    x->record.detail = SPAN("the request head for the upstream cannot be written");
    return conclude(x, OUTCOME_INTERNAL);
}

static enum progress send_request(struct exchange *x)
{
    struct record *r = &x->record;
    int error;

    if (upload_framing(x) == FRAMING_CHUNKED && !exchange_settings(x)->proxy_http_version_minor) {
        r->detail = SPAN("a chunked request cannot be passed on with proxy_http_version 1.0");
        return conclude(x, OUTCOME_LENGTH_REQUIRED);
    }
    error = heads_write_request(r, upstream_of(x), upload_framing(x));
    if (error)
        return head_not_written(x, error);
    x->attempt.has_sent = true;
    x->attempt.conn->request_count++;
    x->interim_count = 0;
    if (r->request->expects_continue && !x->is_body_gone && !r->asked_to_continue &&
        !x->has_sent_continue && upload_invite(x))
        return conclude(x, OUTCOME_NO_MEMORY);
    parser_begin_response(&x->response, exchange_settings(x)->response_limits, &x->arena,
                          (struct parser_request_facts){
                              .was_head = r->asked_method == METHOD_HEAD,
                              .asked_for_upgrade = r->asked_for_upgrade,
                          });
    conn_want_input(upstream_of(x));
    if (upload_begin(x))
        return conclude(x, OUTCOME_NO_MEMORY);
    return go_to(x, STEP_AWAIT);
}

/* ---- 10. the body goes up, and the response head comes ---- */

static bool passes_interim(struct exchange *x, unsigned status)
{
    const struct condition *early_hints = exchange_settings(x)->early_hints;

    if (status == 100)
        return x->record.asked_to_continue;
    return status == 103 && early_hints && !x->subrequest && x->request.head.version_minor > 0 &&
           record_count_fulfilled(&x->record, early_hints);
}

/* A 1xx: 100 is passed on where it was asked for, 103 by early_hints; the others are dropped. */
static RARE enum progress interim_response(struct exchange *x)
{
    struct span input = SPAN_NONE, body;

    if (++x->interim_count > INTERIM_COUNT_MAX)
        return response_bad(x, "too many 1xx responses");
    if (passes_interim(x, x->response.head.status) &&
        heads_write_interim(&x->record, &x->response.head))
        return conclude(x, OUTCOME_NO_MEMORY);
    if (parser_next(&x->response, &input, &body) != PARSER_END)
        return response_bad(x, "1xx response with a body");
    parser_begin_response(&x->response, exchange_settings(x)->response_limits, &x->arena,
                          x->response.answers);
    return GO_ON;
}

static enum progress response_head_is_complete(struct exchange *x)
{
    struct record *r = &x->record;
    unsigned status = x->response.head.status;

    if (status < 200 && status != 101)
        return interim_response(x);
    attempt_note_head(&x->attempt, status);
    if (!attempt_may_retry(&x->attempt, OUTCOME_DONE, status) || !exchange_can_resend(x) ||
        !attempt_has_another_peer(&x->attempt))
        return go_to(x, STEP_RESPOND);
    attempt_fail_status(&x->attempt, status);
    stats_add(&r->engine->stats, COUNTER_RETRIES, 1);
    return go_to(x, STEP_TRY);
}

static enum progress await_response(struct exchange *x)
{
    enum outcome outcome = upload_run(x);
    struct span input, body;
    enum parser_event event;
    size_t before;

    if (outcome != OUTCOME_NONE)
        return conclude(x, outcome);
    input = conn_input(upstream_of(x));
    before = input.len;
    event = parser_next(&x->response, &input, &body);
    conn_consume(upstream_of(x), before - input.len);
    upstream_save_tickets(x->attempt.conn);
    if (event == PARSER_HEAD)
        return response_head_is_complete(x);
    if (event == PARSER_ERROR)
        return response_unparsed(x);
    assert(event == PARSER_NEED_INPUT);
    if (conn_input(upstream_of(x)).len)
        return GO_ON;
    if (conn_end(upstream_of(x)) != CONN_END_NONE)
        return response_missing(x);
    conn_want_input(upstream_of(x));
    return wait_for_progress(x);
}

/* ---- 11. the response head goes out ---- */

/* Of an upstream's answer, for the client; 0: as the loop has it, which is never exceeded. */
static size_t waiting_max(const struct exchange *x)
{
    const struct settings *s = exchange_settings(x);
    bool is_buffered = x->record.buffering == BUFFERING_AS_SET
                           ? s->proxy_buffering
                           : x->record.buffering == BUFFERING_ON;
    size_t most = is_buffered ? s->response_waiting_max : s->response_limits->head_bytes_max;

    return most < loop_send_high_water(x->view->engine->loop) ? most : 0;
}

static RARE enum progress refuse_range(struct exchange *x, enum forced_range forced,
                                       struct span content_range)
{
    enum progress progress;

    if (forced == FORCED_NO_MEMORY)
        return conclude(x, OUTCOME_NO_MEMORY);
    attempt_end(&x->attempt, false);
    progress = answer(x, 416);
    if (x->step == STEP_DRAIN)
        x->reply.plan.content_range = content_range;
    return progress;
}

/* NULL: nothing limits how fast the answer goes. */
static inline struct pace *begin_pace(struct exchange *x, bool is_proxied)
{
    bool is_limited = exchange_settings(x)->rates || x->record.has_limit_rate;

    return is_limited && pace_begin(&x->pace, &x->record, is_proxied) ? &x->pace : NULL;
}

static enum progress response_is_passed_on(struct exchange *x)
{
    x->record.outcome = OUTCOME_DONE;
    return end(x, x->keeps_alive && exchange_request_is_complete(x) ? EXCHANGE_KEEPS
                                                                    : EXCHANGE_CLOSES);
}

static enum progress respond(struct exchange *x)
{
    struct record *r = &x->record;
    struct response_plan plan = {
        .status = x->error_status ? x->error_status : x->response.head.status,
        .reason = x->error_status ? SPAN_NONE : x->response.head.reason,
        .upstream = &x->response.head,
        .keeps_alive = exchange_may_keep_alive(x),
    };
    enum forced_range forced = FORCED_WHOLE;
    enum progress progress;
    int error;

    if (x->subrequest)
        return auth_answer_take(x);
    if (takeover_run(x, &progress))
        return progress;
    if (x->error_status && !status_has_content(x->error_status)) {
        attempt_end(&x->attempt, false);
        return answer(x, x->error_status);
    }
    exchange_plan_framing(x, &plan);
    relay_forget(&x->upload);
    r->response = &x->response.head;
    if (exchange_settings(x)->proxy_force_ranges)
        forced = forced_range_plan(r, &plan, &x->response.head, &x->part);
    if (forced == FORCED_NO_MEMORY || forced == FORCED_UNSATISFIABLE)
        return refuse_range(x, forced, plan.content_range);
    r->passes_trailers =
        exchange_settings(x)->proxy_pass_trailers && x->request.head.accepts_trailers;
    x->keeps_alive = plan.keeps_alive;
    error = heads_write_response(r, &plan);
    if (error)
        return response_not_passed_on(x, error);
    x->is_head_sent = true;
    if (plan.framing == FRAMING_NONE && x->response.head.framing != FRAMING_NONE) {
        takeover_drop(x); /* the client asked for no body, the upstream was by proxy_method */
        return response_is_passed_on(x);
    }
    x->download = (struct relay){
        .src = upstream_of(x),
        .dst = client_of(x),
        .parser = &x->response,
        .framing = plan.framing,
        .drops_trailers = !r->passes_trailers,
        .adds_trailers = exchange_settings(x)->add_trailer_count ? r : NULL,
        .waiting_max = waiting_max(x),
        .part = forced == FORCED_PART ? &x->part : NULL,
    };
    if (plan.framing != FRAMING_TUNNEL) {
        x->download.pace = begin_pace(x, true);
        return go_to(x, STEP_RELAY);
    }
    x->upload =
        (struct relay){.src = client_of(x), .dst = upstream_of(x), .framing = FRAMING_TUNNEL};
    return go_to(x, STEP_TUNNEL);
}

/* ---- 12. the bodies ---- */

static void count_body(struct exchange *x)
{
    uint64_t bytes = x->download.bytes + x->download.framing_bytes;

    x->record.sent_bytes += bytes - x->record.sent_body_bytes;
    x->record.sent_body_bytes = bytes;
}

static enum progress response_is_complete(struct exchange *x)
{
    takeover_release(x);
    return response_is_passed_on(x);
}

static enum progress relay_bodies(struct exchange *x)
{
    enum outcome outcome = upload_run(x);
    enum relay_result result;

    if (outcome == OUTCOME_CLIENT_GONE || outcome == OUTCOME_NO_MEMORY)
        return conclude(x, outcome);
    if (outcome != OUTCOME_NONE)
        x->has_upload_failed = true; /* the answer is on its way: the connection ends after it */
    if (exchange_client_is_gone(x))
        return conclude(x, OUTCOME_CLIENT_GONE);
    result = relay_run(&x->download);
    upstream_save_tickets(x->attempt.conn);
    if (x->subrequest)
        return auth_answer_drop_body(x, result);
    count_body(x);
    attempt_count_body(&x->attempt);
    switch (result) {
    case RELAY_WAITS:
        return wait_for_progress(x);
    case RELAY_DONE:
        return response_is_complete(x);
    case RELAY_BAD:
        return response_cut(x, x->response.reason);
    case RELAY_NO_MEMORY:
        return conclude(x, OUTCOME_NO_MEMORY);
    default:
        return response_cut(x, exchange_upstream_end(x));
    }
}

static bool is_broken(enum relay_result result)
{
    return result != RELAY_WAITS && result != RELAY_DONE;
}

/* After 101 both sides send what they like, until both have ended: RFC 9110 section 7.8. */
static enum progress tunnel(struct exchange *x)
{
    enum relay_result up = relay_run(&x->upload);
    enum relay_result down = relay_run(&x->download);

    count_body(x);
    if (client_of(x)->error || is_broken(up) || is_broken(down))
        return conclude(x, client_of(x)->error ? OUTCOME_CLIENT_GONE : OUTCOME_RESPONSE_CUT);
    if (up == RELAY_DONE)
        conn_end_output(upstream_of(x));
    if (down == RELAY_DONE)
        conn_end_output(client_of(x));
    if (up == RELAY_WAITS || down == RELAY_WAITS || conn_out_bytes(upstream_of(x)))
        return wait_for_progress(x);
    x->record.outcome = OUTCOME_DONE;
    return end(x, EXCHANGE_CLOSES);
}

/* ---- 13. or an answer of ours ---- */

/* RFC 9112 section 9.3: a connection goes on only behind the whole request. What of its body is
 * there, or short and on its way, is read and dropped. */
static enum progress drain_request(struct exchange *x)
{
    struct head *h = &x->request.head;
    bool is_short = h->framing == FRAMING_LENGTH && h->content_length <= DRAIN_BYTES_MAX &&
                    !h->expects_continue;
    enum relay_result result;

    if (x->subrequest)
        return end_subrequest(x, x->reply.plan.status);
    if (!x->is_head_good || x->request.error || x->upload.dst)
        return go_to(x, STEP_REPLY);
    result = relay_run(&x->upload);
    if (result != RELAY_WAITS || !is_short || x->record.outcome != OUTCOME_NONE)
        return go_to(x, STEP_REPLY);
    return wait_for_progress(x);
}

static enum progress write_reply(struct exchange *x)
{
    enum reply_result result;

    if (x->subrequest)
        return end_subrequest(x, 444);
    if (x->reply.closes_without_answer) {
        x->record.status = 444;
        x->record.outcome = OUTCOME_DONE;
        return end(x, EXCHANGE_CUTS);
    }
    if (!x->is_head_sent) {
        x->keeps_alive = exchange_may_keep_alive(x) && exchange_request_is_complete(x);
        x->reply.plan.keeps_alive = x->keeps_alive;
        x->reply.pace = begin_pace(x, false);
        x->is_head_sent = true;
    }
    if (client_of(x)->error)
        return conclude(x, OUTCOME_CLIENT_GONE);
    result = reply_run(&x->reply, &x->record);
    if (result == REPLY_WAITS)
        return wait_for_progress(x);
    if (result == REPLY_FAILED)
        return conclude(x, OUTCOME_INTERNAL);
    if (x->record.outcome == OUTCOME_NONE)
        x->record.outcome = OUTCOME_DONE;
    return end(x, x->keeps_alive ? EXCHANGE_KEEPS : EXCHANGE_CLOSES);
}

/* ---- the end ---- */

/* It has ended, but the kernel still reads or writes for its body: that is over soon. */
static enum progress settle(struct exchange *x)
{
    (void)x;
    return END;
}

void exchange_abort(struct exchange *x)
{
    if (x->record.outcome == OUTCOME_NONE)
        x->record.outcome = OUTCOME_CLIENT_GONE;
    if (!x->is_head_sent)
        x->record.status = 0; /* of an error_page that was on its way */
    attempt_fail(&x->attempt, OUTCOME_CLIENT_GONE);
    subrequest_abandon(x);
    if (x->is_head_good && !x->is_reported) {
        access_report(&x->record);
        access_write(&x->record);
    }
}

void exchange_drain(struct exchange *x)
{
    x->is_draining = true;
}

bool exchange_lingers(const struct exchange *x)
{
    return !exchange_request_is_complete(x);
}
