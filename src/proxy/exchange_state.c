/* exchange_state - beginning and giving back an exchange; what can be told from one. */
#include "proxy/exchange_state.h"

#include <string.h>

#include "proxy/added_fields.h"
#include "proxy/browser.h"
#include "proxy/request_body.h"

static void begin_record(struct exchange *x, const struct exchange_options *o)
{
    struct record *r = &x->record;

    r->engine = o->view->engine;
    r->arena = &x->arena;
    r->snapshot = o->view->snapshot;
    r->client = o->client;
    r->listen = o->listen;
    r->server = o->sni_server ? o->sni_server : o->listen->default_server;
    r->location = &r->server->root;
    r->request = &x->request.head;
    r->began_us = loop_turn_us(r->engine->loop);
    r->is_pipelined = o->is_pipelined;
    captures_clear(&r->captures);
}

void exchange_count_request(struct exchange *x)
{
    x->record.request_bytes = conn_consumed_bytes(client_of(x)) - x->taken_before;
    if (x->upload.framing == FRAMING_TUNNEL) /* which is no body of the request */
        x->record.request_bytes -= x->upload.bytes;
}

struct exchange *exchange_new(const struct exchange_options *o)
{
    struct exchange *x = slab_take(&o->view->engine->exchanges);

    if (!x)
        return NULL;
    /* Zero when the exchange is used for the first time: fresh memory. */
    if (!x->arena.block_bytes)
        arena_init(&x->arena, EXCHANGE_ARENA_BYTES, EXCHANGE_ARENA_BYTES_MAX);
    memset(&x->view, 0,
           offsetof(struct exchange, record) + RECORD_CLEARED_END -
               offsetof(struct exchange, view));
    x->view = o->view;
    x->task = o->task;
    x->timer = o->timer;
    x->sni_server = o->sni_server;
    x->is_draining = o->is_draining;
    x->pace.resume_ms = 0;
    x->began_ms = exchange_now_ms(x);
    begin_record(x, o);
    x->taken_before = conn_consumed_bytes(client_of(x));
    attempt_init(&x->attempt, &x->record, o->view, o->task);
    reply_init(&x->reply, o->task);
    parser_begin_request(&x->request, &x->record.location->parser_limits, &x->arena);
    return x;
}

bool exchange_is_busy(const struct exchange *x)
{
    return reply_is_busy(&x->reply) || request_body_is_busy(x->record.body);
}

void exchange_free(struct exchange *x)
{
    struct slab *exchanges = &x->view->engine->exchanges;

    assert(!exchange_is_busy(x));
    assert(!x->attempt.peer);
    limit_release(x->holds);
    destinations_leave(x->destinations);
    relay_forget(&x->upload);
    request_body_deinit(x->record.body);
    reply_deinit(&x->reply, &x->record);
    arena_reset(&x->arena);
    slab_give(exchanges, x);
}

void exchanges_deinit(struct slab *exchanges)
{
    for (size_t i = 0; i < exchanges->count_touched; i++)
        arena_deinit(&((struct exchange *)slab_at(exchanges, i))->arena);
}

enum outcome outcome_of_parser(enum parser_error error)
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

bool exchange_is_misdirected(const struct exchange *x)
{
    const struct server_conf *server = x->record.server;

    if (!x->sni_server || server == x->sni_server || server->tls == x->sni_server->tls)
        return false;
    return server->tls && server->tls->settings.verify_client != VERIFY_CLIENT_OFF;
}

enum outcome exchange_certificate_fault(const struct exchange *x, const char **reason)
{
    const struct tls_server_profile *profile = x->record.server->tls;
    const struct tls_client_certificate *certificate;

    if (!client_of(x)->tls || !profile || profile->settings.verify_client == VERIFY_CLIENT_OFF)
        return OUTCOME_NONE;
    certificate = tls_client_certificate(client_of(x)->tls);
    *reason = certificate->verify;
    switch (certificate->verdict) {
    case TLS_CLIENT_ACCEPTED:
        break;
    case TLS_CLIENT_MISSING:
        *reason = "client sent no required SSL certificate";
        return OUTCOME_CERTIFICATE_MISSING;
    case TLS_CLIENT_REFUSED:
        return OUTCOME_CLIENT_CERTIFICATE;
    }
    return OUTCOME_NONE;
}

bool exchange_body_is_too_large(const struct exchange *x)
{
    const struct head *h = &x->request.head;
    uint64_t most = exchange_settings(x)->client_max_body_size;

    return most && h->framing == FRAMING_LENGTH && h->content_length > most;
}

bool exchange_request_is_complete(const struct exchange *x)
{
    const struct head *h = &x->request.head;
    bool has_body = h->framing == FRAMING_CHUNKED || h->content_length;

    return x->is_head_good && (!has_body || parser_is_at_end(&x->request));
}

bool exchange_replaces_body(const struct exchange *x)
{
    const struct request_changes *changes = exchange_settings(x)->request_changes;

    return changes && (changes->has_body || changes->drops_body);
}

bool exchange_can_resend(const struct exchange *x)
{
    return x->is_body_gone || x->record.body || exchange_replaces_body(x) ||
           relay_can_replay(&x->upload);
}

bool exchange_may_keep_alive(const struct exchange *x)
{
    const struct settings *s = exchange_settings(x);
    const struct client_facts *c = x->record.client;

    return x->is_head_good && x->request.head.is_persistent && !x->is_draining &&
           s->keepalive_timeout_ms && c->request_count < s->keepalive_requests &&
           exchange_now_ms(x) - c->since_ms < s->keepalive_time_ms &&
           conn_end(c->conn) == CONN_END_NONE && !x->view->is_retired && !x->reply.is_last &&
           !browser_needs_close(&x->request.head, s->keepalive_disable);
}

/* proxy_method can make the upstream answer a HEAD where the client did not, or the reverse. */
static bool plan_for_other_method(const struct exchange *x, struct response_plan *plan)
{
    bool is_head = x->request.head.method == METHOD_HEAD;

    if (is_head == (x->record.asked_method == METHOD_HEAD))
        return false;
    plan->framing = FRAMING_NONE;
    if (!is_head && status_has_content(x->response.head.status)) {
        plan->framing = FRAMING_LENGTH;
        plan->content_length = 0;
    }
    return true;
}

/* An error_page gives a status that has content to an answer that has none: else the client would
 * wait for it. */
static bool must_be_framed(const struct exchange *x, const struct response_plan *plan)
{
    return status_has_content(plan->status) && x->response.head.framing == FRAMING_NONE &&
           x->request.head.method != METHOD_HEAD;
}

void exchange_plan_framing(const struct exchange *x, struct response_plan *plan)
{
    bool may_chunk = exchange_settings(x)->chunked_transfer_encoding;
    const struct head *h = &x->response.head;

    plan->framing = h->framing;
    plan->content_length = h->content_length;
    plan->has_content_length = h->has_content_length;
    if (h->framing == FRAMING_TUNNEL || plan_for_other_method(x, plan))
        return;
    if (h->framing != FRAMING_CHUNKED && h->framing != FRAMING_UNTIL_CLOSE &&
        !must_be_framed(x, plan) &&
        !(may_chunk && added_trailers_are_wanted(&x->record, plan->status)))
        return;
    plan->framing = FRAMING_CHUNKED;
    if (x->request.head.version_minor == 0 || !may_chunk) {
        plan->framing = FRAMING_UNTIL_CLOSE;
        plan->keeps_alive = false;
    }
}

const char *exchange_upstream_end(const struct exchange *x)
{
    const struct conn *c = upstream_of(x);
    const char *reason;

    if (c->tls && tls_failure(c->tls, &reason) != TLS_FAILURE_NONE)
        return reason;
    if (c->error)
        return strerror(-c->error);
    if (conn_end(c) == CONN_END_CUT)
        return "upstream closed without close_notify";
    return "upstream prematurely closed connection";
}

static void sooner(struct deadline *d, uint64_t at_ms, enum outcome outcome)
{
    if (at_ms < d->at_ms)
        *d = (struct deadline){at_ms, outcome};
}

struct deadline exchange_deadline(const struct exchange *x)
{
    const struct settings *s = exchange_settings(x);
    const struct conn *c = client_of(x);
    struct deadline d = {UINT64_MAX, OUTCOME_NONE};
    bool is_uploading = !x->upload.is_done && !x->has_upload_failed;

    if (conn_out_bytes(c))
        sooner(&d, c->progress_ms + s->send_timeout_ms, OUTCOME_CLIENT_STALLED);
    if (is_uploading && c->wants_input && x->step != STEP_TUNNEL)
        sooner(&d, c->progress_ms + s->client_body_timeout_ms, OUTCOME_CLIENT_STALLED);
    if (!x->attempt.conn)
        return d;
    if (conn_out_bytes(upstream_of(x)))
        sooner(&d, upstream_of(x)->progress_ms + s->proxy_send_timeout_ms, OUTCOME_SEND_TIMEOUT);
    if ((!is_uploading || x->is_head_sent) && upstream_of(x)->wants_input)
        sooner(&d, upstream_of(x)->progress_ms + s->proxy_read_timeout_ms, OUTCOME_READ_TIMEOUT);
    return d;
}
