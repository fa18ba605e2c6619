/* exchange - one request and its response.
 *
 * Read it from top to bottom: the driver, then the steps in the order of time. */
#include "proxy/exchange.h"

#include <string.h>
#include <time.h>

#include "proxy/access.h"
#include "proxy/route.h"
#include "proxy/variable.h"

#define INTERNAL_REDIRECTS_MAX 10          /* as nginx; beyond: 500 */
#define DRAIN_BYTES_MAX (64 * 1024)        /* a longer body that nobody wants ends the connection */
#define INTERIM_COUNT_MAX RESPONSE_INTERIM_COUNT_MAX

/* How strictly upstreams are read is not the file's to choose. */
static const struct parser_limits response_limits = {
    .head_bytes_max = RESPONSE_HEAD_BYTES_MAX,
    .line_bytes_max = RESPONSE_LINE_BYTES_MAX,
    .field_count_max = RESPONSE_FIELD_COUNT_MAX,
    .head_bytes_first = 1024,
    .underscores_in_names = true,
};

enum progress { GO_ON, WAIT, END };
typedef enum progress (*step_fn)(struct exchange *x);

static enum progress read_head(struct exchange *x);
static enum progress route(struct exchange *x);
static enum progress choose_content(struct exchange *x);
static enum progress begin_try(struct exchange *x);
static enum progress connect_upstream(struct exchange *x);
static enum progress send_request(struct exchange *x);
static enum progress await_response(struct exchange *x);
static enum progress respond(struct exchange *x);
static enum progress relay_bodies(struct exchange *x);
static enum progress tunnel(struct exchange *x);
static enum progress drain_request(struct exchange *x);
static enum progress write_reply(struct exchange *x);

static enum progress conclude(struct exchange *x, enum outcome outcome);
static enum progress answer(struct exchange *x, unsigned status);
static enum progress wait_for_progress(struct exchange *x);

/* ---- the driver ---- */

enum exchange_result exchange_run(struct exchange *x)
{
    static const step_fn steps[STEP_COUNT] = {
        [STEP_READ_HEAD] = read_head,
        [STEP_ROUTE] = route,
        [STEP_CONTENT] = choose_content,
        [STEP_TRY] = begin_try,
        [STEP_CONNECT] = connect_upstream,
        [STEP_SEND] = send_request,
        [STEP_AWAIT] = await_response,
        [STEP_RESPOND] = respond,
        [STEP_RELAY] = relay_bodies,
        [STEP_TUNNEL] = tunnel,
        [STEP_DRAIN] = drain_request,
        [STEP_REPLY] = write_reply,
    };
    enum progress progress;

    do {
        progress = steps[x->step](x);
    } while (progress == GO_ON);
    if (progress == WAIT)
        return EXCHANGE_WAITS;
    attempt_end(&x->attempt, false);
    x->record.request_bytes = x->request.head.head_bytes + x->upload.bytes;
    if (!x->is_reported)
        access_report(&x->record);
    if (x->record.status || x->record.outcome != OUTCOME_DONE)
        access_write(&x->record);
    return x->ending;
}

static enum progress go_to(struct exchange *x, enum exchange_step step)
{
    x->step = step;
    return GO_ON;
}

static enum progress end(struct exchange *x, enum exchange_result ending)
{
    x->ending = ending;
    return END;
}

/* ---- beginning ---- */

static struct conn *client(const struct exchange *x)
{
    return x->record.client->conn;
}

static uint64_t now_ms(const struct exchange *x)
{
    return loop_now_ms(x->view->engine->loop);
}

static const struct settings *settings_of(const struct exchange *x)
{
    return &x->record.location->settings;
}

static void begin_record(struct exchange *x, const struct exchange_options *o)
{
    struct record *r = &x->record;
    struct timespec wall;

    (void)clock_gettime(CLOCK_REALTIME, &wall);
    r->engine = o->view->engine;
    r->arena = &x->arena;
    r->snapshot = o->view->snapshot;
    r->client = o->client;
    r->listen = o->listen;
    r->server = o->sni_server ? o->sni_server : o->listen->default_server;
    r->location = &r->server->root;
    r->request = &x->request.head;
    r->began_us = loop_now_us(r->engine->loop);
    r->began_ms_wall = (uint64_t)wall.tv_sec * 1000 + (uint64_t)wall.tv_nsec / 1000000;
    r->is_pipelined = o->is_pipelined;
}

struct exchange *exchange_new(const struct exchange_options *o)
{
    struct exchange *x = slab_take(&o->view->engine->exchanges);
    struct arena arena;

    if (!x)
        return NULL;
    arena = x->arena; /* zero when the exchange is used for the first time: fresh memory */
    *x = (struct exchange){.arena = arena, .view = o->view, .task = o->task, .timer = o->timer};
    if (!x->arena.block_bytes)
        arena_init(&x->arena, EXCHANGE_ARENA_BYTES, EXCHANGE_ARENA_BYTES_MAX);
    x->sni_server = o->sni_server;
    x->is_draining = o->is_draining;
    x->began_ms = now_ms(x);
    begin_record(x, o);
    attempt_init(&x->attempt, &x->record, o->view, o->task);
    reply_init(&x->reply, o->task);
    parser_begin_request(&x->request, &x->record.location->parser_limits, &x->arena);
    return x;
}

void exchange_free(struct exchange *x)
{
    struct slab *exchanges = &x->view->engine->exchanges;

    assert(!exchange_is_busy(x));
    assert(!x->attempt.peer);
    reply_deinit(&x->reply, &x->record);
    arena_reset(&x->arena);
    slab_give(exchanges, x);
}

/* ---- 1. the request head ---- */

static enum outcome outcome_of(enum parser_error error)
{
    switch (error) {
    case PARSER_URI_TOO_LONG:
        return OUTCOME_URI_TOO_LONG;
    case PARSER_HEAD_TOO_LARGE:
        return OUTCOME_HEAD_TOO_LARGE;
    case PARSER_CODING_UNKNOWN:
        return OUTCOME_CODING_UNKNOWN;
    case PARSER_VERSION_UNKNOWN:
        return OUTCOME_VERSION_UNKNOWN;
    case PARSER_METHOD_REFUSED:
        return OUTCOME_METHOD_REFUSED;
    case PARSER_EXPECT_UNKNOWN:
        return OUTCOME_EXPECTATION;
    case PARSER_NO_MEMORY:
        return OUTCOME_NO_MEMORY;
    default:
        return OUTCOME_BAD_REQUEST;
    }
}

static enum progress refuse_request(struct exchange *x)
{
    x->record.detail = span_of_cstr(x->request.reason);
    return conclude(x, outcome_of(x->request.error));
}

static enum progress head_is_complete(struct exchange *x)
{
    struct head *h = &x->request.head;

    x->is_head_good = true;
    x->record.uri = h->path;
    x->record.args = h->query;
    x->upload = (struct relay){.src = client(x), .parser = &x->request};
    stats_add(&x->view->engine->stats, COUNTER_REQUESTS, 1);
    return go_to(x, STEP_ROUTE);
}

/* Nothing more to read: waits, or the client is gone. */
static enum progress await_head(struct exchange *x)
{
    uint64_t deadline = x->began_ms + settings_of(x)->client_header_timeout_ms;

    if (conn_end(client(x)) != CONN_END_NONE) {
        x->record.detail = SPAN("client closed the connection in its request head");
        return conclude(x, OUTCOME_CLIENT_GONE);
    }
    if (now_ms(x) >= deadline)
        return conclude(x, OUTCOME_REQUEST_TIMEOUT);
    conn_want_input(client(x));
    timer_set(loop_wheel(x->view->engine->loop), x->timer, deadline);
    return WAIT;
}

static enum progress read_head(struct exchange *x)
{
    for (;;) {
        struct span input = conn_input(client(x)), body;
        size_t before = input.len;
        enum parser_event event = parser_next(&x->request, &input, &body);

        conn_consume(client(x), before - input.len);
        if (event == PARSER_HEAD)
            return head_is_complete(x);
        if (event == PARSER_ERROR)
            return refuse_request(x);
        assert(event == PARSER_NEED_INPUT);
        if (!conn_input(client(x)).len)
            return await_head(x);
    }
}

/* ---- 2. which server, which location ---- */

/* RFC 9110 section 7.4: a connection whose TLS handshake was for one server does not reach another
 * that asks for a client certificate under other rules. */
static bool is_misdirected(const struct exchange *x)
{
    const struct server_conf *server = x->record.server;

    if (!x->sni_server || server == x->sni_server || server->tls == x->sni_server->tls)
        return false;
    return server->tls && server->tls->settings.verify_client != VERIFY_CLIENT_OFF;
}

/* A client certificate that is missing or did not verify, where one has to. Its reason, or NULL. */
static const char *certificate_fault(const struct exchange *x)
{
    const struct server_conf *server = x->record.server;
    enum tls_verify_client rule;
    const char *verify;

    if (!client(x)->tls || !server->tls)
        return NULL;
    rule = server->tls->settings.verify_client;
    if (rule == VERIFY_CLIENT_OFF)
        return NULL;
    verify = tls_client_certificate(client(x)->tls)->verify;
    if (!strcmp(verify, "NONE"))
        return rule == VERIFY_CLIENT_ON ? "client sent no required SSL certificate" : NULL;
    return strcmp(verify, "SUCCESS") && rule != VERIFY_CLIENT_OPTIONAL_NO_CA ? verify : NULL;
}

static bool is_body_too_large(const struct exchange *x)
{
    const struct head *h = &x->request.head;
    uint64_t most = settings_of(x)->client_max_body_size;

    return most && h->framing == FRAMING_LENGTH && h->content_length > most;
}

static void find_location(struct exchange *x)
{
    struct record *r = &x->record;

    r->location = route_location(r->server, r->uri, r->engine->regex_scratch, &r->captures);
}

static enum progress route(struct exchange *x)
{
    struct record *r = &x->record;
    const char *fault;

    r->server = route_server(r->listen, r->request->host, r->engine->regex_scratch,
                             &r->server_captures);
    r->location = &r->server->root;
    if (is_misdirected(x))
        return conclude(x, OUTCOME_MISDIRECTED);
    fault = certificate_fault(x);
    if (fault) {
        r->detail = arena_printf(r->arena, "client SSL certificate verify error: %s", fault);
        return conclude(x, OUTCOME_CLIENT_CERTIFICATE);
    }
    if (!r->server->root.return_rule.is_set)
        find_location(x);
    if (regex_take_runaway(r->engine->regex_scratch)) {
        r->detail = SPAN("a regex of the configuration ran away on this request");
        return conclude(x, OUTCOME_INTERNAL);
    }
    return go_to(x, STEP_CONTENT);
}

/* ---- 3. what answers: return, an upstream, or a file ---- */

static enum progress go_to_reply(struct exchange *x)
{
    if (x->error_status)
        x->reply.plan.status = x->error_status;
    return go_to(x, STEP_DRAIN);
}

static enum progress answer_return(struct exchange *x, const struct return_rule *rule)
{
    bool is_redirect = rule->status >= 301 && rule->status <= 308;

    if (!rule->has_text && !is_redirect && rule->status >= 400 && rule->status != 444)
        return answer(x, rule->status);
    if (reply_from_return(&x->reply, &x->record, rule))
        return conclude(x, OUTCOME_NO_MEMORY);
    return go_to_reply(x);
}

static enum progress answer_file(struct exchange *x)
{
    unsigned status = reply_from_file(&x->reply, &x->record);

    if (status >= 400 && status != 416)
        return answer(x, status);
    return go_to_reply(x);
}

static enum progress redirect_to_slash(struct exchange *x)
{
    const struct record *r = &x->record;
    struct span to = r->location->pattern;

    if (r->args.len)
        to = arena_printf(r->arena, "%.*s?%.*s", SPAN_ARG(to), SPAN_ARG(r->args));
    if (!to.data || reply_redirect(&x->reply, &x->record, 301, to))
        return conclude(x, OUTCOME_NO_MEMORY);
    return go_to_reply(x);
}

static enum progress choose_content(struct exchange *x)
{
    const struct location_conf *l = x->record.location;

    if (is_body_too_large(x)) {
        x->record.detail = SPAN("client intended to send too large body");
        return conclude(x, OUTCOME_BODY_TOO_LARGE);
    }
    x->upload.bytes_max = settings_of(x)->client_max_body_size;
    if (l->return_rule.is_set)
        return answer_return(x, &l->return_rule);
    if (route_wants_slash(l, x->record.uri))
        return redirect_to_slash(x);
    if (!l->proxy_pass.is_set)
        return answer_file(x);
    x->record.pass = &l->proxy_pass;
    return go_to(x, STEP_TRY);
}

/* ---- 4. a peer, and a connection to it ---- */

/* The try has failed: reports it, and tries again or answers. */
static enum progress try_failed(struct exchange *x, enum outcome outcome)
{
    struct record *r = &x->record;
    bool may_retry = !x->is_head_sent &&
                     attempt_may_retry(&x->attempt, outcome, 0, x->upload.bytes > 0);

    r->outcome = outcome;
    access_report(r);
    attempt_fail(&x->attempt, outcome);
    x->last_failure = outcome;
    if (!may_retry) {
        x->is_reported = true;
        return conclude(x, outcome);
    }
    r->outcome = OUTCOME_NONE;
    r->detail = SPAN_NONE;
    stats_add(&r->engine->stats, COUNTER_RETRIES, 1);
    return go_to(x, STEP_TRY);
}

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
    if (conn_end(client(x)) == CONN_END_FAILED)
        return conclude(x, OUTCOME_CLIENT_GONE);
    deadline = attempt_deadline_ms(&x->attempt);
    timer_set(loop_wheel(x->view->engine->loop), x->timer, deadline);
    return WAIT;
}

/* ---- 5. the request goes out ---- */

static struct conn *upstream(const struct exchange *x)
{
    return &x->attempt.conn->conn;
}

static enum framing upload_framing(const struct exchange *x)
{
    return x->is_body_gone ? FRAMING_NONE : x->request.head.framing;
}

static enum progress head_not_written(struct exchange *x, int error)
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
    int error = heads_write_request(r, upstream(x), upload_framing(x));

    if (error)
        return head_not_written(x, error);
    x->attempt.has_sent = true;
    x->attempt.conn->request_count++;
    x->upload.dst = upstream(x);
    x->upload.framing = upload_framing(x);
    x->upload.is_done = x->is_body_gone;
    x->has_upload_failed = false;
    x->interim_count = 0;
    if (r->request->expects_continue && !r->asked_to_continue &&
        conn_write(client(x), SPAN("HTTP/1.1 100 Continue\r\n\r\n")))
        return conclude(x, OUTCOME_NO_MEMORY);
    parser_begin_response(&x->response, &response_limits, &x->arena,
                          (struct parser_request_facts){
                              .was_head = r->request->method == METHOD_HEAD,
                              .asked_for_upgrade = r->asked_for_upgrade,
                          });
    conn_want_input(upstream(x));
    return go_to(x, STEP_AWAIT);
}

/* ---- 6. the body goes up, and the response head comes ---- */

/* Moves the request's body on. OUTCOME_NONE, or what is wrong with the client. */
static enum outcome upload(struct exchange *x)
{
    if (x->upload.is_done || x->has_upload_failed)
        return OUTCOME_NONE;
    if (upstream(x)->error) {
        x->has_upload_failed = true;
        return OUTCOME_NONE;
    }
    switch (relay_run(&x->upload)) {
    case RELAY_WAITS:
        return OUTCOME_NONE;
    case RELAY_DONE:
        /* What comes next tells of a client that goes away, or is its next request. */
        if (!conn_input(client(x)).len)
            conn_want_input(client(x));
        return OUTCOME_NONE;
    case RELAY_CUT:
        x->record.detail = SPAN("client closed the connection in its request body");
        return OUTCOME_CLIENT_GONE;
    case RELAY_BAD:
        x->record.detail = span_of_cstr(x->request.reason);
        return outcome_of(x->request.error);
    case RELAY_TOO_LARGE:
        x->record.detail = SPAN("client intended to send too large chunked body");
        return OUTCOME_BODY_TOO_LARGE;
    case RELAY_NO_MEMORY:
        break;
    }
    return OUTCOME_NO_MEMORY;
}

/* The upstream's stream ended where a head should come. */
static enum progress no_head(struct exchange *x)
{
    const struct conn *c = upstream(x);
    bool is_untouched = parser_is_at_start(&x->response) && !x->interim_count;
    const char *reason = NULL;

    if (c->tls && tls_failure(c->tls, &reason) != TLS_FAILURE_NONE)
        x->record.detail = arena_printf(&x->arena, "SSL failure while reading response header "
                                                   "from upstream: %s", reason);
    else if (c->error)
        x->record.detail = arena_printf(&x->arena, "upstream connection failed: %s",
                                        strerror(-c->error));
    else
        x->record.detail = SPAN("upstream prematurely closed connection while reading response "
                                "header from upstream");
    if (x->attempt.is_reused && is_untouched)
        return try_failed(x, OUTCOME_STALE_CONNECTION);
    return try_failed(x, OUTCOME_CLOSED_EARLY);
}

static enum progress bad_response(struct exchange *x, const char *reason)
{
    x->record.detail =
        arena_printf(&x->arena, "upstream sent an invalid response: %s", reason);
    return try_failed(x, OUTCOME_BAD_RESPONSE);
}

/* A 1xx: 100 is passed on where it was asked for, the others are dropped. */
static enum progress interim_response(struct exchange *x)
{
    struct span input = SPAN_NONE, body;

    if (++x->interim_count > INTERIM_COUNT_MAX)
        return bad_response(x, "too many 1xx responses");
    if (x->response.head.status == 100 && x->record.asked_to_continue &&
        heads_write_interim(&x->record, &x->response.head))
        return conclude(x, OUTCOME_NO_MEMORY);
    if (parser_next(&x->response, &input, &body) != PARSER_END)
        return bad_response(x, "1xx response with a body");
    parser_begin_response(&x->response, &response_limits, &x->arena, x->response.answers);
    return GO_ON;
}

static enum progress response_head_is_complete(struct exchange *x)
{
    struct record *r = &x->record;
    unsigned status = x->response.head.status;

    if (status < 200 && status != 101)
        return interim_response(x);
    x->attempt.try_now->header_us = loop_now_us(r->engine->loop) - x->attempt.try_now->began_us;
    x->attempt.try_now->status = status;
    if (!attempt_may_retry(&x->attempt, OUTCOME_DONE, status, x->upload.bytes > 0))
        return go_to(x, STEP_RESPOND);
    if (!balance_pick(x->attempt.upstream, x->attempt.tried | balance_bit(x->attempt.peer),
                      now_ms(x)))
        return go_to(x, STEP_RESPOND);
    attempt_fail_status(&x->attempt, status);
    stats_add(&r->engine->stats, COUNTER_RETRIES, 1);
    return go_to(x, STEP_TRY);
}

static enum progress await_response(struct exchange *x)
{
    enum outcome outcome = upload(x);
    struct span input, body;
    enum parser_event event;
    size_t before;

    if (outcome != OUTCOME_NONE)
        return conclude(x, outcome);
    input = conn_input(upstream(x));
    before = input.len;
    event = parser_next(&x->response, &input, &body);
    conn_consume(upstream(x), before - input.len);
    upstream_save_tickets(x->attempt.conn);
    if (event == PARSER_HEAD)
        return response_head_is_complete(x);
    if (event == PARSER_ERROR)
        return bad_response(x, x->response.reason);
    assert(event == PARSER_NEED_INPUT);
    if (conn_input(upstream(x)).len)
        return GO_ON;
    if (conn_end(upstream(x)) != CONN_END_NONE)
        return no_head(x);
    conn_want_input(upstream(x));
    return wait_for_progress(x);
}

/* ---- 7. the response head goes out ---- */

/* RFC 9112 section 9.3, and what the file allows. */
static bool may_keep_alive(const struct exchange *x)
{
    const struct settings *s = settings_of(x);
    const struct client_facts *c = x->record.client;

    return x->is_head_good && x->request.head.is_persistent && !x->is_draining &&
           s->keepalive_timeout_ms && c->request_count < s->keepalive_requests &&
           now_ms(x) - c->since_ms < s->keepalive_time_ms &&
           conn_end(c->conn) == CONN_END_NONE && !x->view->is_retired;
}

/* How the body goes on, with the framing that this client understands. */
static void plan_framing(struct exchange *x, struct response_plan *plan)
{
    const struct head *h = &x->response.head;

    plan->framing = h->framing;
    plan->content_length = h->content_length;
    plan->has_content_length = h->has_content_length;
    if (h->framing != FRAMING_CHUNKED && h->framing != FRAMING_UNTIL_CLOSE)
        return;
    plan->framing = FRAMING_CHUNKED;
    if (x->request.head.version_minor == 0) {
        plan->framing = FRAMING_UNTIL_CLOSE;
        plan->keeps_alive = false;
    }
}

static enum progress respond(struct exchange *x)
{
    struct record *r = &x->record;
    struct response_plan plan = {
        .status = x->error_status ? x->error_status : x->response.head.status,
        .reason = x->error_status ? SPAN_NONE : x->response.head.reason,
        .upstream = &x->response.head,
        .keeps_alive = may_keep_alive(x),
    };
    int error;

    plan_framing(x, &plan);
    r->response = &x->response.head;
    x->keeps_alive = plan.keeps_alive;
    error = heads_write_response(r, &plan);
    if (error == -ENOMEM)
        return conclude(x, OUTCOME_NO_MEMORY);
    if (error)
        return bad_response(x, "its head is too large to be passed on");
    x->is_head_sent = true;
    x->download = (struct relay){
        .src = upstream(x),
        .dst = client(x),
        .parser = &x->response,
        .framing = plan.framing,
        .drops_trailers = !x->request.head.accepts_trailers,
    };
    if (plan.framing != FRAMING_TUNNEL)
        return go_to(x, STEP_RELAY);
    x->upload = (struct relay){.src = client(x), .dst = upstream(x), .framing = FRAMING_TUNNEL};
    return go_to(x, STEP_TUNNEL);
}

/* ---- 8. the bodies ---- */

static void count_body(struct exchange *x)
{
    x->record.sent_bytes += x->download.bytes - x->record.sent_body_bytes;
    x->record.sent_body_bytes = x->download.bytes;
    if (x->attempt.try_now)
        x->attempt.try_now->response_length = x->download.bytes;
}

/* The response has ended as it should: may both connections be used again? */
static enum progress response_is_complete(struct exchange *x)
{
    bool is_clean = x->upload.is_done && x->response.head.is_persistent &&
                    x->response.head.framing != FRAMING_UNTIL_CLOSE &&
                    !x->record.asked_to_close && !upstream(x)->error;

    if (is_clean && conn_input(upstream(x)).len) {
        stats_add(&x->view->engine->stats, COUNTER_UPSTREAM_SURPLUS, 1);
        is_clean = false;
    }
    attempt_end(&x->attempt, is_clean);
    x->record.outcome = OUTCOME_DONE;
    return end(x, x->keeps_alive && x->upload.is_done ? EXCHANGE_KEEPS : EXCHANGE_CLOSES);
}

static enum progress response_is_cut(struct exchange *x, const char *what)
{
    struct conn *c = upstream(x);
    const char *reason = what;

    if (!reason && (!c->tls || tls_failure(c->tls, &reason) == TLS_FAILURE_NONE))
        reason = conn_end(c) == CONN_END_CUT ? "upstream closed without close_notify"
                 : c->error                  ? strerror(-c->error)
                                             : "upstream prematurely closed connection";
    x->record.detail =
        arena_printf(&x->arena, "%s while reading response body from upstream", reason);
    return try_failed(x, OUTCOME_RESPONSE_CUT);
}

static enum progress relay_bodies(struct exchange *x)
{
    enum outcome outcome = upload(x);
    enum relay_result result;

    if (outcome == OUTCOME_CLIENT_GONE || outcome == OUTCOME_NO_MEMORY)
        return conclude(x, outcome);
    if (outcome != OUTCOME_NONE)
        x->has_upload_failed = true; /* the answer is on its way: the connection ends after it */
    if (client(x)->error)
        return conclude(x, OUTCOME_CLIENT_GONE);
    result = relay_run(&x->download);
    upstream_save_tickets(x->attempt.conn);
    count_body(x);
    switch (result) {
    case RELAY_WAITS:
        return wait_for_progress(x);
    case RELAY_DONE:
        return response_is_complete(x);
    case RELAY_BAD:
        return response_is_cut(x, x->response.reason);
    case RELAY_NO_MEMORY:
        return conclude(x, OUTCOME_NO_MEMORY);
    default:
        return response_is_cut(x, NULL);
    }
}

/* After 101 both sides send what they like until both have ended: RFC 9110 section 7.8. */
static enum progress tunnel(struct exchange *x)
{
    enum relay_result up = relay_run(&x->upload);
    enum relay_result down = relay_run(&x->download);
    bool has_ended = x->download.is_done || (x->upload.is_done && up != RELAY_DONE);

    count_body(x);
    if (client(x)->error || up == RELAY_NO_MEMORY || down == RELAY_NO_MEMORY)
        return conclude(x, OUTCOME_CLIENT_GONE);
    if (x->upload.is_done && !conn_out_bytes(upstream(x)))
        has_ended = true;
    if (!has_ended)
        return wait_for_progress(x);
    x->record.outcome = OUTCOME_DONE;
    return end(x, EXCHANGE_CLOSES);
}

/* ---- answers of ours ---- */

/* RFC 9112 section 9.3: a connection goes on only behind the whole request. What of its body is
 * there, or short and on its way, is read and dropped. */
static enum progress drain_request(struct exchange *x)
{
    struct head *h = &x->request.head;
    bool is_short = h->framing == FRAMING_LENGTH && h->content_length <= DRAIN_BYTES_MAX &&
                    !h->expects_continue;
    enum relay_result result;

    if (!x->is_head_good || x->request.error || x->upload.dst)
        return go_to(x, STEP_REPLY);
    result = relay_run(&x->upload);
    if (result != RELAY_WAITS || !is_short)
        return go_to(x, STEP_REPLY);
    return wait_for_progress(x);
}

/* True when the request was read to its end. */
static bool is_request_complete(const struct exchange *x)
{
    return x->is_head_good && parser_is_at_end(&x->request);
}

static enum progress write_reply(struct exchange *x)
{
    enum reply_result result;

    if (x->reply.closes_without_answer) {
        x->record.status = 444;
        x->record.outcome = OUTCOME_DONE;
        return end(x, EXCHANGE_CUTS);
    }
    if (!x->is_head_sent) {
        x->keeps_alive = may_keep_alive(x) && is_request_complete(x);
        x->reply.plan.keeps_alive = x->keeps_alive;
        x->is_head_sent = true;
    }
    if (client(x)->error)
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

static enum progress show_error_page(struct exchange *x, const struct error_page *page,
                                     unsigned status)
{
    struct record *r = &x->record;
    struct span to;
    size_t query;

    x->redirect_count++;
    if (record_expand(r, &page->uri, &to))
        return conclude(x, OUTCOME_NO_MEMORY);
    if (span_starts_with(to, SPAN("http://")) || span_starts_with(to, SPAN("https://"))) {
        if (reply_redirect(&x->reply, r, page->new_status ? page->new_status : 302, to))
            return conclude(x, OUTCOME_NO_MEMORY);
        return go_to(x, STEP_DRAIN);
    }
    x->error_status = page->takes_status ? 0 : page->new_status ? page->new_status : status;
    x->is_body_gone = true;
    if (r->request->method != METHOD_HEAD) {
        x->request.head.method = METHOD_GET;
        x->request.head.method_text = SPAN("GET");
    }
    if (to.len && to.data[0] == '@') {
        r->location = route_named(r->server, to);
        if (!r->location)
            return conclude(x, OUTCOME_INTERNAL);
        return go_to(x, STEP_CONTENT);
    }
    query = span_index_of(to, '?');
    r->uri = span_take(to, query);
    r->args = query < to.len ? span_skip(to, query + 1) : SPAN_NONE;
    find_location(x);
    return go_to(x, STEP_CONTENT);
}

/* Answers with an error: the file's error_page for it, else the built-in page. */
static enum progress answer(struct exchange *x, unsigned status)
{
    const struct error_page *page = reply_error_page(&x->record, status);

    if (page && x->is_head_good && !x->redirect_count)
        return show_error_page(x, page, status);
    if (reply_from_status(&x->reply, &x->record, x->error_status ? x->error_status : status)) {
        x->record.outcome = OUTCOME_NO_MEMORY;
        return end(x, EXCHANGE_CUTS);
    }
    return go_to(x, STEP_DRAIN);
}

/* ---- the end ---- */

/* Records how it ended, and tells the client while that can be told. */
static enum progress conclude(struct exchange *x, enum outcome outcome)
{
    struct record *r = &x->record;

    if (r->outcome == OUTCOME_NONE)
        r->outcome = outcome;
    attempt_fail(&x->attempt, outcome);
    if (x->is_head_sent || r->outcome == OUTCOME_CLIENT_GONE) {
        if (!r->status)
            r->status = outcome_row(r->outcome)->status;
        return end(x, EXCHANGE_CUTS);
    }
    return answer(x, outcome_row(r->outcome)->status);
}

/* The nearest deadline of all that it waits for, and what it means when it has come. */
struct deadline {
    uint64_t at_ms;
    enum outcome outcome;
};

static void sooner(struct deadline *d, uint64_t at_ms, enum outcome outcome)
{
    if (at_ms < d->at_ms)
        *d = (struct deadline){at_ms, outcome};
}

static struct deadline next_deadline(const struct exchange *x)
{
    const struct settings *s = settings_of(x);
    const struct conn *c = client(x);
    struct deadline d = {UINT64_MAX, OUTCOME_NONE};
    bool is_uploading = !x->upload.is_done && !x->has_upload_failed;

    if (conn_out_bytes(c))
        sooner(&d, c->progress_ms + s->send_timeout_ms, OUTCOME_CLIENT_STALLED);
    if (is_uploading && c->wants_input && x->step != STEP_TUNNEL)
        sooner(&d, c->progress_ms + s->client_body_timeout_ms, OUTCOME_CLIENT_STALLED);
    if (!x->attempt.conn)
        return d;
    if (conn_out_bytes(upstream(x)))
        sooner(&d, upstream(x)->progress_ms + s->proxy_send_timeout_ms, OUTCOME_SEND_TIMEOUT);
    if ((!is_uploading || x->is_head_sent) && upstream(x)->wants_input)
        sooner(&d, upstream(x)->progress_ms + s->proxy_read_timeout_ms, OUTCOME_READ_TIMEOUT);
    return d;
}

static enum progress wait_for_progress(struct exchange *x)
{
    struct deadline d = next_deadline(x);

    if (client(x)->error)
        return conclude(x, OUTCOME_CLIENT_GONE);
    if (d.at_ms > now_ms(x)) {
        if (d.at_ms != UINT64_MAX)
            timer_set(loop_wheel(x->view->engine->loop), x->timer, d.at_ms);
        return WAIT;
    }
    if (d.outcome == OUTCOME_CLIENT_STALLED)
        return conclude(x, d.outcome);
    x->record.detail = SPAN("upstream timed out");
    return try_failed(x, d.outcome);
}

void exchange_refuse(struct exchange *x, enum outcome outcome)
{
    (void)conclude(x, outcome);
}

void exchange_abort(struct exchange *x)
{
    if (x->record.outcome == OUTCOME_NONE)
        x->record.outcome = OUTCOME_CLIENT_GONE;
    attempt_fail(&x->attempt, OUTCOME_CLIENT_GONE);
    if (x->is_head_good && !x->is_reported) {
        access_report(&x->record);
        access_write(&x->record);
    }
}

void exchange_drain(struct exchange *x)
{
    x->is_draining = true;
}

bool exchange_is_busy(const struct exchange *x)
{
    return reply_is_busy(&x->reply);
}

bool exchange_lingers(const struct exchange *x)
{
    return !is_request_complete(x);
}

void exchanges_deinit(struct slab *exchanges)
{
    for (size_t i = 0; i < exchanges->count_touched; i++)
        arena_deinit(&((struct exchange *)slab_at(exchanges, i))->arena);
}
