/* content - what answers a request: a return, a file, or an upstream. */
#include "proxy/content.h"

#include "proxy/route.h"
#include "proxy/verdict.h"

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

    if (status == FILE_IS_ELSEWHERE)
        return go_to_index(x);
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

enum progress content_choose(struct exchange *x)
{
    const struct location_conf *l = x->record.location;

    if (!x->is_body_gone && exchange_body_is_too_large(x)) {
        x->record.detail = SPAN("client intended to send too large body");
        return conclude(x, OUTCOME_BODY_TOO_LARGE);
    }
    x->upload.bytes_max = exchange_settings(x)->client_max_body_size;
    if (route_wants_slash(l, x->record.uri))
        return redirect_to_slash(x);
    if (l->return_rule.is_set)
        return answer_return(x, &l->return_rule);
    if (!l->proxy_pass.is_set)
        return answer_file(x);
    if (x->record.pass != &l->proxy_pass)
        attempt_init(&x->attempt, &x->record, x->view, x->task); /* none of its peers was tried */
    x->record.pass = &l->proxy_pass;
    return go_to(x, STEP_TRY);
}
