/* verdict - another try, an answer, or a cut. */
#include "proxy/verdict.h"

#include "proxy/access.h"
#include "proxy/log_escape.h"
#include "proxy/page.h"
#include "proxy/request_log.h"
#include "proxy/route.h"
#include "proxy/subrequest.h"
#include "proxy/user_variable.h"
#include "proxy/variable.h"

/* What follows once the location is known. The server's own level is none: its script was run
 * before. */
static enum progress enter_script(struct exchange *x)
{
    const struct location_conf *l = x->record.location;

    return l->script && l != &x->record.server->root ? go_to(x, STEP_SCRIPT) : enter_location(x);
}

/* The location, or that of its limit_except for such a request. */
static const struct location_conf *location_for_method(const struct location_conf *l,
                                                       const struct record *r)
{
    if (!l->except)
        return l;
    for (size_t i = 0; i < l->except->method_count; i++) {
        if (span_equals(l->except->methods[i], record_method(r)))
            return l;
    }
    return l->except->location;
}

/* The named groups of the regexes around a location, from without, so that of one name the
 * innermost counts. As deep as locations are nested, which CONF_DEPTH_MAX bounds. */
static void match_around(struct record *r, const struct location_conf *l)
{
    if (!l->regex_around)
        return;
    match_around(r, l->regex_around);
    (void)record_match(r, l->regex_around->regex, r->uri);
}

/* OUTCOME_NONE, _INTERNAL for a regex that ran away, or _NO_MEMORY. */
static enum outcome find_location(struct exchange *x)
{
    struct record *r = &x->record;
    const struct location_conf *l;
    struct captures found;

    captures_clear(&found);
    l = route_location(r->server, r->uri, r->engine->regex_scratch, &found);
    r->location = location_for_method(l, r);
    if (regex_take_runaway(r->engine->regex_scratch)) {
        r->detail = SPAN("a regex of the configuration ran away on this request");
        return OUTCOME_INTERNAL;
    }
    if (!found.regex)
        return OUTCOME_NONE;
    r->lacks_memory = false;
    match_around(r, l);
    r->captures = found;
    return r->lacks_memory || record_take_groups(r) ? OUTCOME_NO_MEMORY : OUTCOME_NONE;
}

/* ---- where a request goes ---- */

static RARE enum progress redirect_to_slash(struct exchange *x)
{
    const struct record *r = &x->record;
    struct span to = r->location->pattern;

    if (r->args.len)
        to = arena_printf(r->arena, "%.*s?%.*s", SPAN_ARG(to), SPAN_ARG(r->args));
    if (!to.data || reply_redirect(&x->reply, &x->record, 301, to))
        return conclude(x, OUTCOME_NO_MEMORY);
    return answer_with_reply(x);
}

enum progress locate(struct exchange *x)
{
    enum outcome outcome = find_location(x);

    if (outcome != OUTCOME_NONE)
        return conclude(x, outcome);
    if (x->record.location->is_internal && !x->is_internal)
        return answer(x, 404);
    if (!x->is_body_gone && exchange_body_is_too_large(x)) {
        x->record.detail = SPAN("client intended to send too large body");
        return conclude(x, OUTCOME_BODY_TOO_LARGE);
    }
    x->upload.bytes_max = exchange_settings(x)->client_max_body_size;
    if (route_wants_slash(x->record.location, x->record.uri))
        return redirect_to_slash(x);
    return enter_script(x);
}

enum progress enter_server(struct exchange *x)
{
    x->record.location = &x->record.server->root;
    return x->record.location->script ? go_to(x, STEP_REWRITE) : locate(x);
}

/* Counts one more, and makes the exchange ready for it. False: there were too many. */
static bool begin_redirect(struct exchange *x)
{
    x->redirect_count++;
    if (x->redirect_count > REDIRECTS_MAX)
        return false;
    x->is_internal = true;
    x->record.pass = NULL; /* an upstream that comes next has not been tried */
    x->last_failure = OUTCOME_NONE;
    return true;
}

static enum progress refuse_redirect(struct exchange *x, const char *what, struct span to)
{
    struct span shown = log_escape_copy(LOG_ESCAPE_DEFAULT, to, &x->arena);

    x->record.detail = arena_printf(&x->arena, "%s \"%.*s\"", what, SPAN_ARG(shown));
    return conclude(x, OUTCOME_INTERNAL);
}

enum progress redirect_within(struct exchange *x, struct span uri, struct span args)
{
    struct record *r = &x->record;

    if (!begin_redirect(x))
        return refuse_redirect(
            x, "rewrite or internal redirection cycle while internally redirecting to", uri);
    r->uri = uri;
    r->args = args;
    r->is_rewritten = true;
    r->keeps_uri = false;
    r->adds_uri_to_alias = false;
    return enter_server(x);
}

enum progress redirect_to_named(struct exchange *x, struct span name)
{
    const struct location_conf *l = route_named(x->record.server, name);

    if (!begin_redirect(x))
        return refuse_redirect(
            x, "rewrite or internal redirection cycle while redirect to named location", name);
    if (!x->record.uri.len && x->is_head_good) /* one that was refused has none, and is answered */
        return refuse_redirect(x, "empty URI in redirect to named location", name);
    if (!l)
        return refuse_redirect(x, "could not find named location", name);
    x->record.location = location_for_method(l, &x->record);
    return enter_script(x);
}

enum progress redirect_to(struct exchange *x, struct span to)
{
    size_t query = span_index_of(to, '?');

    if (to.len && to.data[0] == '@')
        return redirect_to_named(x, to);
    return redirect_within(x, span_take(to, query),
                           query < to.len ? span_skip(to, query + 1) : SPAN_NONE);
}

/* ---- answers ---- */

/* What is shown in place of a status; NULL: nothing else. */
static const struct error_page *page_for(const struct exchange *x, unsigned status)
{
    if (x->shows_error_page || x->redirect_count > REDIRECTS_MAX)
        return NULL;
    /* Its head never came to an end. */
    if (!x->is_head_good && status == 408)
        return NULL;
    return reply_error_page(&x->record, status);
}

/* The page's own fate is another one: what it is shown for is in the log before. */
static void settle_error(struct exchange *x)
{
    struct record *r = &x->record;

    if (!x->is_reported && r->outcome != OUTCOME_NONE)
        access_report(r);
    else if (!x->is_reported && r->detail.len)
        request_log(r, LOG_LEVEL_ERROR, "%.*s", SPAN_ARG(r->detail));
    x->is_reported = false;
    r->outcome = OUTCOME_NONE;
    r->detail = SPAN_NONE;
}

static void lose_body(struct exchange *x)
{
    x->is_body_gone = true;
    relay_forget(&x->upload);
    x->upload.dst = NULL;
}

void become_get(struct exchange *x)
{
    struct head *h = &x->request.head;

    lose_body(x);
    if (h->method == METHOD_HEAD)
        return;
    h->method = METHOD_GET;
    h->method_text = SPAN("GET");
}

/* Of a request that was not understood nothing goes on but that there was one. */
static void forget_request(struct exchange *x)
{
    struct head *h = &x->request.head;

    *h = (struct head){
        .request_line = h->request_line,
        .method = h->method,
        .method_text = h->method_text,
        .version_minor = h->version_minor,
        .head_bytes = h->head_bytes,
        .target = SPAN("/"),
        .raw_path = SPAN("/"),
        .path = SPAN("/"),
    };
    x->upload.is_done = true;
    become_get(x);
}

static enum progress redirect_to_page(struct exchange *x, const struct error_page *page,
                                      struct span url)
{
    unsigned status = status_is_redirect(page->new_status) ? page->new_status : 302;

    x->error_status = 0;
    if (reply_redirect(&x->reply, &x->record, status, url))
        return conclude(x, OUTCOME_NO_MEMORY);
    return go_to(x, STEP_DRAIN);
}

static enum progress show_error_page(struct exchange *x, const struct error_page *page,
                                     unsigned status)
{
    struct record *r = &x->record;
    struct span to;

    x->shows_error_page = !exchange_settings(x)->recursive_error_pages;
    x->error_status = page->takes_status ? 0 : page->new_status ? page->new_status : status;
    r->status = x->error_status;
    if (record_expand(r, &page->uri, &to))
        return conclude(x, OUTCOME_NO_MEMORY);
    settle_error(x);
    if (!x->is_head_good)
        forget_request(x);
    if (to.len && to.data[0] == '/') {
        become_get(x);
        return redirect_to(x, to);
    }
    if (!to.len || to.data[0] != '@')
        return redirect_to_page(x, page, to);
    if (status == 413)
        lose_body(x);
    return redirect_to_named(x, to);
}

enum progress end_subrequest(struct exchange *x, unsigned status)
{
    subrequest_end(x, status);
    return go_to(x, STEP_GATE);
}

enum progress answer(struct exchange *x, unsigned status)
{
    const struct error_page *page;

    if (x->subrequest)
        return end_subrequest(x, status);
    page = page_for(x, status);
    x->reply.is_last |= page_ends_connection(status);
    if (page)
        return show_error_page(x, page, status);
    if (reply_from_status(&x->reply, &x->record, status)) {
        x->record.outcome = OUTCOME_NO_MEMORY;
        return end(x, EXCHANGE_CUTS);
    }
    return go_to(x, STEP_DRAIN);
}

enum progress answer_with_reply(struct exchange *x)
{
    unsigned status = x->reply.plan.status;
    const struct error_page *page;

    if (x->subrequest)
        return end_subrequest(x, status);
    page = page_for(x, status);
    return page ? show_error_page(x, page, status) : go_to(x, STEP_DRAIN);
}

enum progress conclude(struct exchange *x, enum outcome outcome)
{
    struct record *r = &x->record;

    if (r->outcome == OUTCOME_NONE)
        r->outcome = outcome;
    attempt_fail(&x->attempt, outcome);
    if (x->is_head_sent || r->outcome == OUTCOME_CLIENT_GONE) {
        if (!r->status || !x->is_head_sent) /* else it is only what an error_page was to say */
            r->status = outcome_row(r->outcome)->status;
        return end(x, EXCHANGE_CUTS);
    }
    if (x->subrequest && !x->is_reported)
        access_report(r);
    return answer(x, outcome_row(r->outcome)->status);
}

/* ---- tries and waits ---- */

enum progress try_failed(struct exchange *x, enum outcome outcome)
{
    struct record *r = &x->record;
    bool may_retry =
        !x->is_head_sent && attempt_may_retry(&x->attempt, outcome, 0) && exchange_can_resend(x);

    r->outcome = outcome;
    r->is_tried_again = may_retry;
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

enum progress wait_for_progress(struct exchange *x)
{
    struct deadline d = exchange_deadline(x);

    if (exchange_client_is_gone(x))
        return conclude(x, OUTCOME_CLIENT_GONE);
    if (x->upload.is_done)
        exchange_hear_client(x);
    if (d.at_ms > exchange_now_ms(x)) {
        uint64_t wake_ms = d.at_ms;

        if (x->pace.resume_ms > exchange_now_ms(x))
            wake_ms = u64_min(wake_ms, x->pace.resume_ms);
        if (wake_ms != UINT64_MAX)
            timer_set(loop_wheel(x->view->engine->loop), x->timer, wake_ms);
        return WAIT;
    }
    if (d.outcome == OUTCOME_CLIENT_STALLED)
        return conclude(x, d.outcome);
    x->record.detail = SPAN("upstream timed out");
    return try_failed(x, d.outcome);
}
