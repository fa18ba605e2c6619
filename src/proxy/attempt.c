/* attempt - from a peer's choice to a verified connection, and what comes of it. */
#include "proxy/attempt.h"

#include <string.h>

#include "proxy/log_escape.h"
#include "proxy/request_log.h"
#include "proxy/variable.h"

static uint64_t now_ms(const struct attempt *a)
{
    return loop_now_ms(a->view->engine->loop);
}

static uint64_t now_us(const struct attempt *a)
{
    return loop_turn_us(a->view->engine->loop);
}

static const struct settings *settings_of(const struct attempt *a)
{
    return &a->record->location->settings;
}

static void enter(struct attempt *a, enum attempt_state state)
{
    a->state = state;
    a->state_began_ms = now_ms(a);
}

void attempt_init(struct attempt *a, struct record *r, struct view *v, struct task *task)
{
    *a = (struct attempt){.record = r, .view = v, .task = task};
    ticket_wait_init(&a->ticket_wait, task);
}

/* ---- picking and opening ---- */

/* The client certificate that the request chooses; NULL: its location leaves no choice, or it
 * chose none. */
static enum outcome find_certificate(struct attempt *a, struct certificate **out)
{
    struct record *r = a->record;
    struct certificate_wish wish = {
        .conf = r->pass->certificate, .arena = r->arena, .now_ms = now_ms(a)};
    int rc;

    *out = NULL;
    if (!wish.conf)
        return OUTCOME_NONE;
    wish.base = a->view->client_contexts[r->pass->tls->index];
    if (record_expand(r, &wish.conf->certificate, &wish.certificate))
        return OUTCOME_NO_MEMORY;
    if (!wish.certificate.len)
        return OUTCOME_NONE;
    if (record_expand(r, &wish.conf->key, &wish.key))
        return OUTCOME_NO_MEMORY;
    rc = certificate_take(&a->view->certificates, &wish, out, &r->detail);
    if (rc == -EINVAL)
        return OUTCOME_INTERNAL;
    return rc ? OUTCOME_NO_MEMORY : OUTCOME_NONE;
}

static enum outcome find_lane(struct attempt *a)
{
    struct lane_key key = {.pass = a->record->pass};
    enum outcome outcome;

    if (key.pass->is_tls && settings_of(a)->proxy_ssl_name_is_set &&
        record_expand(a->record, &settings_of(a)->proxy_ssl_name, &key.name))
        return OUTCOME_NO_MEMORY;
    outcome = find_certificate(a, &key.certificate);
    if (outcome != OUTCOME_NONE)
        return outcome;
    a->lane = lane_find(a->peer, &key);
    certificate_unref(key.certificate); /* the lane has its own reference */
    return a->lane ? OUTCOME_NONE : OUTCOME_NO_MEMORY;
}

static void note_try(struct attempt *a, bool is_first)
{
    struct record *r = a->record;

    assert(r->try_count < TRIES_MAX);
    a->try_now = &r->tries[r->try_count++];
    *a->try_now = (struct try_record){
        .peer = a->peer->conf,
        .is_first = is_first,
        .began_us = now_us(a),
        .connect_us = NOT_MEASURED,
        .header_us = NOT_MEASURED,
        .response_us = NOT_MEASURED,
    };
}

static void note_failure(struct attempt *a, const char *what, const char *why)
{
    a->record->detail = arena_printf(a->record->arena, "%s: %s", what, why);
}

static enum outcome open_connection(struct attempt *a, const struct upstream_link *link)
{
    int error;

    a->conn = upstream_open(a->lane, link, a->task, &error);
    if (a->conn) {
        enter(a, ATTEMPT_CONNECTING);
        return OUTCOME_NONE;
    }
    /* No slot, or socket(2) or bind(2) failed: the peer has no part in it. */
    note_failure(a, "no connection to upstream can be opened", strerror(-error));
    return link->local.family == AF_UNSPEC ? OUTCOME_NO_MEMORY : OUTCOME_INTERNAL;
}

/* As nginx: what is no address binds to none. */
static enum outcome find_link(struct attempt *a, struct upstream_link *link)
{
    const struct bind_conf *conf = settings_of(a)->proxy_bind;
    struct span text;

    *link = (struct upstream_link){.is_probed = settings_of(a)->proxy_socket_keepalive};
    if (!conf)
        return OUTCOME_NONE;
    link->is_transparent = conf->is_transparent;
    if (record_expand(a->record, &conf->address, &text))
        return OUTCOME_NO_MEMORY;
    if (text.len && endpoint_parse(text, &link->local) < 0) {
        text = log_escape_copy(LOG_ESCAPE_DEFAULT, text, a->record->arena);
        request_log(a->record, LOG_LEVEL_ERROR, "invalid local address \"%.*s\"", SPAN_ARG(text));
    }
    return OUTCOME_NONE;
}

/* proxy_allow_upstream. */
static bool is_allowed(struct attempt *a)
{
    const struct condition *c = a->record->location->settings.allow_upstream;

    if (!c || record_count_fulfilled(a->record, c) == c->count)
        return true;
    request_log(a->record, LOG_LEVEL_ERROR, "access to upstream \"%.*s\" is not allowed",
                SPAN_ARG(a->peer->conf->address_text));
    return false;
}

/* NULL: there is none left. */
static struct peer *begin_with_peer(struct attempt *a)
{
    struct peer *p;

    do {
        p = balance_pick(a->upstream, &a->tried, now_ms(a));
    } while (p && !peer_begin(p));
    return p;
}

enum outcome attempt_begin(struct attempt *a)
{
    bool is_first = !a->first_began_ms;
    struct upstream_link link;
    enum outcome outcome;

    assert(!a->peer && !a->conn);
    a->upstream = a->named ? a->named : &a->view->upstreams[a->record->pass->upstream->index];
    if (a->record->try_count == TRIES_MAX)
        return OUTCOME_NO_PEER;
    if (peer_set_reserve(&a->tried, a->upstream->conf->peer_count, a->record->arena))
        return OUTCOME_NO_MEMORY;
    a->peer = begin_with_peer(a);
    if (!a->peer)
        return OUTCOME_NO_PEER;
    if (is_first)
        a->first_began_ms = now_ms(a);
    a->has_sent = false;
    a->has_counted_handshake = false;
    note_try(a, is_first);
    if (!is_allowed(a))
        return OUTCOME_FORBIDDEN;
    outcome = find_link(a, &link);
    if (outcome == OUTCOME_NONE)
        outcome = find_lane(a);
    if (outcome != OUTCOME_NONE)
        return outcome;
    a->conn = a->wants_new_connection ? NULL : upstream_lease(a->lane, &link, a->task);
    a->is_reused = a->conn != NULL;
    a->try_now->is_reused = a->is_reused;
    a->sent_before = 0;
    a->received_before = 0;
    if (!a->is_reused)
        return open_connection(a, &link);
    a->sent_before = a->conn->conn.sent_bytes;
    a->received_before = a->conn->conn.received_bytes;
    enter(a, ATTEMPT_READY);
    return OUTCOME_NONE;
}

/* ---- connecting, waiting for a ticket, handshaking ---- */

/* The names that were looked for, for a message: "a.example" or "b.example". */
static struct span names_text(const struct attempt *a)
{
    const struct lane *l = a->lane;
    struct arena *arena = a->record->arena;
    struct span first, second;

    if (!l->name_count)
        return SPAN("no name");
    first = log_escape_copy(LOG_ESCAPE_DEFAULT, l->names[0].text, arena);
    if (l->name_count == 1)
        return arena_printf(arena, "\"%.*s\"", SPAN_ARG(first));
    second = log_escape_copy(LOG_ESCAPE_DEFAULT, l->names[1].text, arena);
    return arena_printf(arena, "\"%.*s\" or \"%.*s\"", SPAN_ARG(first), SPAN_ARG(second));
}

static enum outcome handshake_failure(struct attempt *a)
{
    const struct conn *c = &a->conn->conn;
    const char *reason = "the peer closed the connection";
    enum tls_failure_kind kind = tls_failure(c->tls, &reason);
    struct span names = names_text(a);

    if (kind == TLS_FAILURE_NONE && c->error)
        reason = strerror(-c->error);
    else if (kind == TLS_FAILURE_NONE)
        reason = "the peer closed the connection";
    a->record->detail =
        arena_printf(a->record->arena, "%s: %s (peer %.*s, name looked for: %.*s)",
                     kind == TLS_FAILURE_NOT_VERIFIED ? "upstream SSL certificate verify error"
                                                      : "SSL handshake with upstream failed",
                     reason, SPAN_ARG(a->peer->conf->address_text), SPAN_ARG(names));
    if (kind == TLS_FAILURE_NOT_VERIFIED)
        return OUTCOME_NOT_VERIFIED;
    /* A peer may have changed so much since (its versions, its suites) that offering an old session
     * alone ends the handshake: once more without it. */
    return a->conn->had_ticket ? OUTCOME_TICKET_BROKE_HANDSHAKE : OUTCOME_HANDSHAKE_FAILED;
}

static void note_connected(struct attempt *a)
{
    const struct tls *tls = a->conn->conn.tls;

    a->try_now->connect_us = now_us(a) - a->try_now->began_us;
    if (!tls)
        return;
    a->try_now->is_tls = true;
    a->try_now->is_resumed = tls_is_resumed(tls);
    a->try_now->protocol = tls_protocol_name(tls);
    a->try_now->cipher = tls_suite_name(tls);
}

static bool has_expired(const struct attempt *a)
{
    return now_ms(a) >= attempt_deadline_ms(a);
}

/* Returns OUTCOME_NONE while it waits and once it has gone on. */
static enum outcome connecting(struct attempt *a)
{
    const struct conn *c = &a->conn->conn;

    if (conn_end(c) != CONN_END_NONE) {
        note_failure(a, "connect() failed", strerror(-c->error));
        return OUTCOME_CONNECT_FAILED;
    }
    if (conn_is_open(c)) {
        enter(a, a->lane->profile ? ATTEMPT_WAITING_FOR_TICKET : ATTEMPT_READY);
        return OUTCOME_NONE;
    }
    return has_expired(a) ? OUTCOME_CONNECT_TIMEOUT : OUTCOME_NONE;
}

static enum outcome waiting_for_ticket(struct attempt *a)
{
    uint64_t waited_ms = now_ms(a) - a->state_began_ms;

    if (waited_ms < TICKET_WAIT_MS && upstream_should_wait(a->lane, &a->ticket_wait)) {
        if (!waited_ms)
            stats_add(&a->view->engine->stats, COUNTER_TICKET_WAITS, 1);
        return OUTCOME_NONE;
    }
    ticket_wait_stop(&a->ticket_wait);
    if (upstream_start_tls(a->conn))
        return OUTCOME_NO_MEMORY;
    enter(a, ATTEMPT_HANDSHAKING);
    return OUTCOME_NONE;
}

static enum outcome handshaking(struct attempt *a)
{
    enum conn_progress progress = conn_handshake(&a->conn->conn);

    if (progress == CONN_WAITS)
        return has_expired(a) ? OUTCOME_HANDSHAKE_TIMEOUT : OUTCOME_NONE;
    upstream_handshake_done(a->conn, progress == CONN_READY);
    a->has_counted_handshake = true;
    if (progress == CONN_FAILED)
        return handshake_failure(a);
    enter(a, ATTEMPT_READY);
    return OUTCOME_NONE;
}

enum attempt_result attempt_run(struct attempt *a, enum outcome *outcome)
{
    static enum outcome (*const steps[])(struct attempt *) = {
        [ATTEMPT_CONNECTING] = connecting,
        [ATTEMPT_WAITING_FOR_TICKET] = waiting_for_ticket,
        [ATTEMPT_HANDSHAKING] = handshaking,
    };

    while (a->state != ATTEMPT_READY) {
        enum attempt_state before = a->state;

        *outcome = steps[before](a);
        if (*outcome != OUTCOME_NONE)
            return ATTEMPT_HAS_FAILED;
        if (a->state == before)
            return ATTEMPT_WAITS;
    }
    if (a->try_now->connect_us == NOT_MEASURED)
        note_connected(a);
    return ATTEMPT_IS_READY;
}

uint64_t attempt_deadline_ms(const struct attempt *a)
{
    switch (a->state) {
    case ATTEMPT_CONNECTING:
    case ATTEMPT_HANDSHAKING:
        return a->state_began_ms + settings_of(a)->proxy_connect_timeout_ms;
    case ATTEMPT_WAITING_FOR_TICKET:
        return a->state_began_ms + TICKET_WAIT_MS;
    default:
        return UINT64_MAX;
    }
}

/* ---- the response ---- */

void attempt_note_head(struct attempt *a, unsigned status)
{
    a->try_now->header_us = now_us(a) - a->try_now->began_us;
    a->try_now->status = status;
    a->taken_before_body = conn_consumed_bytes(&a->conn->conn);
}

void attempt_count_body(struct attempt *a)
{
    a->try_now->response_length = conn_consumed_bytes(&a->conn->conn) - a->taken_before_body;
}

/* ---- the end of a try ---- */

static void note_end(struct attempt *a)
{
    struct try_record *t = a->try_now;

    t->response_us = now_us(a) - t->began_us;
    if (!a->conn)
        return;
    t->bytes_sent = a->conn->conn.sent_bytes - a->sent_before;
    t->bytes_received = a->conn->conn.received_bytes - a->received_before;
}

static void let_go(struct attempt *a, enum peer_verdict verdict, bool keeps)
{
    ticket_wait_stop(&a->ticket_wait);
    if (a->conn && keeps)
        upstream_give(a->conn);
    else if (a->conn)
        upstream_discard(a->conn);
    a->conn = NULL;
    peer_end(a->peer, verdict, now_ms(a));
    a->peer = NULL;
    a->state = ATTEMPT_NONE;
}

/* Nothing is wrong with the peer: what was kept of it had gone stale. */
static bool is_stale(enum outcome outcome)
{
    return outcome_row(outcome)->retry == RETRY_STALE;
}

static enum peer_verdict verdict_of(enum outcome outcome)
{
    if (is_stale(outcome))
        return PEER_UNTRIED;
    return outcome_row(outcome)->fault == FAULT_UPSTREAM ? PEER_FAILED : PEER_UNJUDGED;
}

void attempt_fail(struct attempt *a, enum outcome outcome)
{
    if (!a->peer)
        return;
    if (a->state == ATTEMPT_HANDSHAKING && !a->has_counted_handshake)
        upstream_handshake_done(a->conn, false);
    if (!a->try_now->status)
        a->try_now->status = outcome_row(outcome)->status;
    note_end(a);
    a->wants_new_connection = is_stale(outcome);
    if (is_stale(outcome))
        a->stale_count++;
    else
        peer_set_add(&a->tried, a->peer);
    let_go(a, verdict_of(outcome), false);
}

void attempt_fail_status(struct attempt *a, unsigned status)
{
    a->try_now->status = status;
    note_end(a);
    peer_set_add(&a->tried, a->peer);
    /* As nginx counts: 403 and 404 are no failures of the peer. */
    let_go(a, status == 403 || status == 404 ? PEER_SERVED : PEER_FAILED, false);
}

void attempt_end(struct attempt *a, bool keeps)
{
    if (!a->peer)
        return;
    note_end(a);
    let_go(a, PEER_SERVED, keeps);
}

bool attempt_has_another_peer(const struct attempt *a)
{
    return balance_has_another(a->upstream, &a->tried, a->peer, now_ms(a));
}

static unsigned status_bit(unsigned status)
{
    switch (status) {
    case 403:
        return NEXT_HTTP_403;
    case 404:
        return NEXT_HTTP_404;
    case 429:
        return NEXT_HTTP_429;
    case 500:
        return NEXT_HTTP_500;
    case 502:
        return NEXT_HTTP_502;
    case 503:
        return NEXT_HTTP_503;
    case 504:
        return NEXT_HTTP_504;
    default:
        return 0;
    }
}

static bool is_named(unsigned rules, enum outcome outcome, unsigned status)
{
    if (outcome == OUTCOME_DONE)
        return rules & status_bit(status);
    switch (outcome_row(outcome)->retry) {
    case RETRY_ERROR:
        return rules & NEXT_ERROR;
    case RETRY_TIMEOUT:
        return rules & NEXT_TIMEOUT;
    case RETRY_INVALID_HEADER:
        return rules & NEXT_INVALID_HEADER;
    case RETRY_STALE:
        return true;
    case RETRY_NEVER:
        break;
    }
    return false;
}

/* RFC 9110 section 9.2.2: what is not idempotent is not sent twice, unless the file says so. */
static bool is_safe(const struct attempt *a)
{
    return !a->has_sent || method_is_idempotent(a->record->asked_method) ||
           settings_of(a)->proxy_next_upstream & NEXT_NON_IDEMPOTENT;
}

bool attempt_may_retry(const struct attempt *a, enum outcome outcome, unsigned status)
{
    const struct settings *s = settings_of(a);
    uint64_t tries_max = s->proxy_next_upstream_tries ? s->proxy_next_upstream_tries : TRIES_MAX;
    uint64_t timeout_ms = s->proxy_next_upstream_timeout_ms;
    size_t counted = a->record->try_count - a->stale_count;

    if (!is_named(s->proxy_next_upstream, outcome, status) || !is_safe(a))
        return false;
    if ((counted >= tries_max && !is_stale(outcome)) || a->record->try_count >= TRIES_MAX)
        return false;
    return !timeout_ms || now_ms(a) - a->first_began_ms < timeout_ms;
}
