/* verdict - another try, an answer, or a cut. */
#include "proxy/verdict.h"

#include "proxy/access.h"
#include "proxy/route.h"
#include "proxy/user_variable.h"
#include "proxy/variable.h"

const struct location_conf *location_for_method(const struct location_conf *l,
                                                const struct head *request)
{
    if (!l->except)
        return l;
    for (size_t i = 0; i < l->except->method_count; i++) {
        if (span_equals(l->except->methods[i], request->method_text))
            return l;
    }
    return l->except->location;
}

int find_location(struct exchange *x)
{
    struct record *r = &x->record;
    struct captures found;

    captures_clear(&found);
    r->location = location_for_method(
        route_location(r->server, r->uri, r->engine->regex_scratch, &found), r->request);
    if (regex_take_runaway(r->engine->regex_scratch)) {
        r->detail = SPAN("a regex of the configuration ran away on this request");
        return -ELOOP;
    }
    if (!found.regex)
        return 0;
    r->captures = found;
    return record_take_groups(r);
}

/* ---- answers ---- */

static enum progress redirect_to_page(struct exchange *x, const struct error_page *page,
                                      struct span url)
{
    unsigned status = page->new_status ? page->new_status : 302;

    if (reply_redirect(&x->reply, &x->record, status, url))
        return conclude(x, OUTCOME_NO_MEMORY);
    return go_to(x, STEP_DRAIN);
}

/* As nginx: what follows is a GET, and the request's body was not meant for it. */
static void become_get(struct exchange *x)
{
    struct head *h = &x->request.head;

    x->is_body_gone = true;
    relay_forget(&x->upload);
    x->upload.dst = NULL;
    if (h->method == METHOD_HEAD)
        return;
    h->method = METHOD_GET;
    h->method_text = SPAN("GET");
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
    if (span_starts_with(to, SPAN("http://")) || span_starts_with(to, SPAN("https://")))
        return redirect_to_page(x, page, to);
    x->error_status = page->takes_status ? 0 : page->new_status ? page->new_status : status;
    become_get(x);
    if (to.len && to.data[0] == '@') {
        const struct location_conf *named = route_named(r->server, to);

        r->location = named ? location_for_method(named, r->request) : &r->server->root;
        return enter_location(x);
    }
    query = span_index_of(to, '?');
    r->uri = span_take(to, query);
    r->args = query < to.len ? span_skip(to, query + 1) : SPAN_NONE;
    return find_location(x) ? conclude(x, OUTCOME_INTERNAL) : enter_location(x);
}

enum progress answer(struct exchange *x, unsigned status)
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

enum progress conclude(struct exchange *x, enum outcome outcome)
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

enum progress go_to_index(struct exchange *x)
{
    if (x->index_count == INDEX_REDIRECTS_MAX) {
        x->record.detail = SPAN("index files name each other in a circle");
        return conclude(x, OUTCOME_INTERNAL);
    }
    x->index_count++;
    return find_location(x) ? conclude(x, OUTCOME_INTERNAL) : enter_location(x);
}

/* ---- tries and waits ---- */

enum progress try_failed(struct exchange *x, enum outcome outcome)
{
    struct record *r = &x->record;
    bool may_retry =
        !x->is_head_sent && attempt_may_retry(&x->attempt, outcome, 0, !exchange_can_resend(x));

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

    if (client_of(x)->error)
        return conclude(x, OUTCOME_CLIENT_GONE);
    if (d.at_ms > exchange_now_ms(x)) {
        if (d.at_ms != UINT64_MAX)
            timer_set(loop_wheel(x->view->engine->loop), x->timer, d.at_ms);
        return WAIT;
    }
    if (d.outcome == OUTCOME_CLIENT_STALLED)
        return conclude(x, d.outcome);
    x->record.detail = SPAN("upstream timed out");
    return try_failed(x, d.outcome);
}
