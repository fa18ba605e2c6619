/* takeover - answers of upstreams that do more than to be passed on: X-Accel-*, and those that
 * proxy_intercept_errors has another page for. */
#include "proxy/takeover.h"

#include <string.h>

#include "proxy/field_rewrite.h"
#include "proxy/log_escape.h"
#include "proxy/pace.h"
#include "proxy/request_log.h"
#include "proxy/response_fault.h"
#include "proxy/upload.h"
#include "proxy/verdict.h"

/* ---- the connection ---- */

void takeover_release(struct exchange *x)
{
    const struct head *h = &x->response.head;
    bool is_clean = upload_is_complete(x) && !x->has_upload_failed && h->is_persistent &&
                    h->framing != FRAMING_UNTIL_CLOSE && !x->record.asked_to_close &&
                    !upstream_of(x)->error;

    if (is_clean && conn_input(upstream_of(x)).len) {
        stats_add(&x->view->engine->stats, COUNTER_UPSTREAM_SURPLUS, 1);
        is_clean = false;
    }
    attempt_end(&x->attempt, is_clean);
}

void takeover_drop(struct exchange *x)
{
    x->download = (struct relay){.src = upstream_of(x), .parser = &x->response};
    if (relay_run(&x->download) == RELAY_DONE)
        takeover_release(x);
    else
        attempt_end(&x->attempt, false);
}

/* ---- fields that stay ---- */

static bool stays_for_redirect(const struct field *f)
{
    switch (f->id) {
    case FIELD_CONTENT_TYPE:
    case FIELD_SET_COOKIE:
    case FIELD_CACHE_CONTROL:
    case FIELD_ACCEPT_RANGES:
    case FIELD_EXPIRES:
        return true;
    case FIELD_OTHER:
        return span_equals_nocase(f->name, SPAN("Content-Disposition"));
    default:
        return false;
    }
}

static bool stays_for_401(const struct field *f)
{
    return f->id == FIELD_WWW_AUTHENTICATE;
}

/* Adds fields of the response to those that whatever answers in its place is to send. 0; -ENOMEM;
 * -ELOOP. */
static int keep_fields(struct exchange *x, bool (*stays)(const struct field *))
{
    struct record *r = &x->record;
    const struct head *h = &x->response.head;
    struct field *all = arena_alloc(r->arena, (r->kept_count + h->field_count) * sizeof(*all));
    size_t count = r->kept_count;
    int rc = 0;

    if (!all)
        return -ENOMEM;
    if (count)
        memcpy(all, r->kept_fields, count * sizeof(*all));
    for (size_t i = 0; i < h->field_count && !rc; i++) {
        struct field *kept = &all[count];

        if (h->fields[i].is_dropped || !stays(&h->fields[i]))
            continue;
        *kept = h->fields[i];
        count++;
        if (r->location->settings.field_rules)
            rc = field_rewrite(r, kept->id, &kept->value);
    }
    r->kept_fields = all;
    r->kept_count = count;
    return rc;
}

/* ---- X-Accel-Redirect ---- */

/* "..", also where dots are escaped. */
static bool leads_up(struct span segment)
{
    for (int i = 0; i < 2; i++) {
        if (span_starts_with(segment, SPAN(".")))
            segment = span_skip(segment, 1);
        else if (span_starts_with_nocase(segment, SPAN("%2e")))
            segment = span_skip(segment, 3);
        else
            return false;
    }
    return !segment.len;
}

/* An escaped slash is one. */
static size_t segment_end(struct span path, size_t *slash_len)
{
    for (size_t i = 0; i < path.len; i++) {
        *slash_len = path.data[i] == '/' ? 1 : 3;
        if (path.data[i] == '/' || span_starts_with_nocase(span_skip(path, i), SPAN("%2f")))
            return i;
    }
    *slash_len = 0;
    return path.len;
}

static bool has_segment_that_leads_up(struct span path)
{
    while (path.len) {
        size_t slash_len;
        size_t end = segment_end(path, &slash_len);

        if (leads_up(span_take(path, end)))
            return true;
        path = span_skip(path, end + slash_len);
    }
    return false;
}

/* The path that an upstream wrote. 0, -EINVAL: it may not lead anywhere, -ENOMEM. */
static int path_of(struct exchange *x, struct span raw, struct span *path)
{
    return has_segment_that_leads_up(raw) ? -EINVAL : path_normalize(raw, false, &x->arena, path);
}

static enum progress refuse_uri(struct exchange *x, struct span uri)
{
    struct span shown = log_escape_copy(LOG_ESCAPE_DEFAULT, uri, &x->arena);

    request_log(&x->record, LOG_LEVEL_ERROR, "unsafe URI \"%.*s\" was detected", SPAN_ARG(shown));
    return answer(x, 404);
}

/* As nginx: what a URI leads to is asked by GET, a named location gets the request as it was. */
static RARE enum progress redirect(struct exchange *x, struct span to)
{
    size_t query = span_index_of(to, '?');
    struct span path;
    int rc = keep_fields(x, stays_for_redirect);

    x->record.response = &x->response.head;
    if (rc)
        return response_not_passed_on(x, rc);
    takeover_drop(x);
    if (span_starts_with(to, SPAN("@")))
        return redirect_to_named(x, to);
    rc = path_of(x, span_take(to, query), &path);
    if (rc)
        return rc == -ENOMEM ? conclude(x, OUTCOME_NO_MEMORY) : refuse_uri(x, to);
    become_get(x);
    return redirect_within(x, path, query < to.len ? span_skip(to, query + 1) : SPAN_NONE);
}

/* ---- what is asked for ---- */

/* The field of the family "X-Accel-" that the name ends, unless it is to be ignored. */
static const struct field *accel(const struct exchange *x, struct span name, unsigned ignored)
{
    const struct head *h = &x->response.head;
    size_t family = field_name(FIELD_X_ACCEL).len;

    if (exchange_settings(x)->proxy_ignore_headers & ignored)
        return NULL;
    for (size_t i = 0; i < h->field_count; i++) {
        const struct field *f = &h->fields[i];

        if (f->id == FIELD_X_ACCEL && !f->is_dropped &&
            span_equals_nocase(span_skip(f->name, family), name))
            return f;
    }
    return NULL;
}

static bool intercepts(const struct exchange *x)
{
    return exchange_settings(x)->proxy_intercept_errors && x->response.head.status >= 300 &&
           reply_error_page(&x->record, x->response.head.status);
}

static RARE enum progress intercept(struct exchange *x)
{
    unsigned status = x->response.head.status;
    int rc = status == 401 ? keep_fields(x, stays_for_401) : 0;

    x->record.response = &x->response.head;
    if (rc)
        return response_not_passed_on(x, rc);
    takeover_drop(x);
    return answer(x, status);
}

static RARE void take_limits(struct exchange *x)
{
    const struct field *rate = accel(x, SPAN("Limit-Rate"), IGNORE_X_ACCEL_LIMIT_RATE);
    const struct field *buffering = accel(x, SPAN("Buffering"), IGNORE_X_ACCEL_BUFFERING);
    uint64_t bytes;

    if (rate && span_to_u64(rate->value, &bytes) == 0)
        pace_set_rate(&x->record, bytes);
    if (buffering && span_equals_nocase(buffering->value, SPAN("no")))
        x->record.buffering = BUFFERING_OFF;
    else if (buffering && span_equals_nocase(buffering->value, SPAN("yes")))
        x->record.buffering = BUFFERING_ON;
}

bool takeover_run(struct exchange *x, enum progress *progress)
{
    const struct field *to;

    assert(!x->is_head_sent);
    if (x->response.head.status < 200)
        return false;
    if (intercepts(x)) {
        *progress = intercept(x);
        return true;
    }
    if (!x->response.head.has_accel)
        return false;
    take_limits(x);
    to = accel(x, SPAN("Redirect"), IGNORE_X_ACCEL_REDIRECT);
    if (!to)
        return false;
    *progress = redirect(x, to->value);
    return true;
}
