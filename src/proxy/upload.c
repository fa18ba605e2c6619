/* upload - taking a request's body in, and moving it to the upstream. */
#include "proxy/upload.h"

#include "proxy/request_body.h"
#include "proxy/verdict.h"

/* ---- what may be wrong with it ---- */

static enum outcome body_is_cut(struct exchange *x)
{
    x->record.detail = SPAN("client closed the connection in its request body");
    return OUTCOME_CLIENT_GONE;
}

static enum outcome body_is_bad(struct exchange *x)
{
    x->record.detail = span_of_cstr(x->request.reason);
    return outcome_of_parser(x->request.error);
}

static enum outcome body_is_too_large(struct exchange *x)
{
    x->record.detail = SPAN("client intended to send too large chunked body");
    return OUTCOME_BODY_TOO_LARGE;
}

/* ---- taking it in ---- */

enum exchange_step upload_first_step(const struct exchange *x)
{
    const struct head *h = &x->request.head;
    bool is_empty = h->framing == FRAMING_LENGTH && !h->content_length;
    bool has_begun = x->upload.bytes || x->upload.is_done; /* for an upstream that was left */

    if (h->framing == FRAMING_NONE || is_empty || x->is_body_gone || x->record.body || has_begun)
        return STEP_TRY;
    /* An upstream of HTTP/1.0 takes a body with a length alone. */
    if (h->framing == FRAMING_CHUNKED && !exchange_settings(x)->proxy_http_version_minor)
        return STEP_TAKE_BODY;
    return exchange_settings(x)->proxy_request_buffering ? STEP_TAKE_BODY : STEP_TRY;
}

int upload_invite(struct exchange *x)
{
    x->has_sent_continue = true;
    return conn_write(client_of(x), SPAN("HTTP/1.1 100 Continue\r\n\r\n"));
}

/* RFC 9110 section 10.1.1: no invitation for what comes unasked. */
static int begin_taking(struct exchange *x)
{
    x->record.body = request_body_new(&x->record, x->task);
    if (!x->record.body)
        return -ENOMEM;
    if (!x->request.head.expects_continue || conn_input(client_of(x)).len)
        return 0;
    return upload_invite(x);
}

static enum progress body_is_whole(struct exchange *x)
{
    struct head *h = &x->request.head;

    exchange_count_request(x);
    h->framing = FRAMING_LENGTH;
    h->content_length = x->record.body->bytes;
    h->has_content_length = true;
    h->expects_continue = false; /* it was met here */
    x->upload.is_done = true;
    exchange_watch_client(x);
    return go_to(x, STEP_TRY);
}

static enum progress take_body(struct exchange *x)
{
    enum request_body_result result;

    if (!x->record.body && begin_taking(x))
        return conclude(x, OUTCOME_NO_MEMORY);
    result = request_body_take(x->record.body, client_of(x), &x->request);
    x->upload.bytes = x->record.body->bytes;
    switch (result) {
    case REQUEST_BODY_WAITS:
        return wait_for_progress(x);
    case REQUEST_BODY_DONE:
        return body_is_whole(x);
    case REQUEST_BODY_CUT:
        return conclude(x, body_is_cut(x));
    case REQUEST_BODY_BAD:
        return conclude(x, body_is_bad(x));
    case REQUEST_BODY_TOO_LARGE:
        return conclude(x, body_is_too_large(x));
    case REQUEST_BODY_NO_MEMORY:
        break;
    case REQUEST_BODY_NO_FILE:
        return conclude(x, OUTCOME_INTERNAL);
    }
    return conclude(x, OUTCOME_NO_MEMORY);
}

/* What is there of a body that went wrong is not for whoever answers in its place. */
enum progress upload_take_body(struct exchange *x)
{
    enum progress progress = take_body(x);

    if (x->step != STEP_TAKE_BODY && !x->upload.is_done)
        x->is_body_gone = true;
    return progress;
}

/* ---- moving it on ---- */

enum framing upload_framing(const struct exchange *x)
{
    if (exchange_replaces_body(x))
        return exchange_settings(x)->request_changes->has_body ? FRAMING_LENGTH : FRAMING_NONE;
    return x->is_body_gone ? FRAMING_NONE : x->request.head.framing;
}

/* The request's own is read and dropped, while there is some. */
static int begin_replaced(struct exchange *x)
{
    relay_forget(&x->upload);
    x->upload.dst = NULL;
    x->upload.is_done |= x->is_body_gone;
    return conn_write(upstream_of(x), x->record.set_body);
}

int upload_begin(struct exchange *x)
{
    x->has_upload_failed = false;
    if (exchange_replaces_body(x))
        return begin_replaced(x);
    x->upload.framing = upload_framing(x);
    x->upload.is_done |= x->is_body_gone;
    if (x->is_body_gone)
        return 0;
    if (x->upload.framing == FRAMING_NONE && !x->upload.is_done) {
        x->upload.is_done = true;
        exchange_watch_client(x);
    }
    if (!x->record.body)
        return relay_replay(&x->upload, upstream_of(x));
    request_body_rewind(x->record.body);
    return 0;
}

static enum outcome send_body(struct exchange *x)
{
    switch (request_body_send(x->record.body, upstream_of(x))) {
    case REQUEST_BODY_WAITS:
    case REQUEST_BODY_DONE:
        return OUTCOME_NONE;
    case REQUEST_BODY_NO_FILE:
        return OUTCOME_INTERNAL;
    default:
        return OUTCOME_NO_MEMORY;
    }
}

static enum outcome stream_body(struct exchange *x)
{
    switch (relay_run(&x->upload)) {
    case RELAY_WAITS:
        return OUTCOME_NONE;
    case RELAY_DONE:
        exchange_watch_client(x);
        return OUTCOME_NONE;
    case RELAY_CUT:
        return body_is_cut(x);
    case RELAY_BAD:
        return body_is_bad(x);
    case RELAY_TOO_LARGE:
        return body_is_too_large(x);
    case RELAY_NO_MEMORY:
        break;
    }
    return OUTCOME_NO_MEMORY;
}

enum outcome upload_go_on(struct exchange *x)
{
    if (exchange_replaces_body(x) && !x->upload.is_done)
        return stream_body(x);
    if (upload_is_complete(x))
        return OUTCOME_NONE;
    if (upstream_of(x)->error) {
        x->has_upload_failed = true;
        return OUTCOME_NONE;
    }
    return x->upload.is_done ? send_body(x) : stream_body(x);
}

bool upload_is_complete(const struct exchange *x)
{
    if (exchange_replaces_body(x))
        return true;
    if (!x->upload.is_done)
        return false;
    return !x->record.body || x->is_body_gone || request_body_is_sent(x->record.body);
}
