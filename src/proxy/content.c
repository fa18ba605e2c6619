/* content - what answers a request: a return, a file, or an upstream. */
#include "proxy/content.h"

#include "proxy/pass.h"
#include "proxy/try_files.h"
#include "proxy/verdict.h"

/* An error page is shown with the status that it is for. */
static enum progress go_to_reply(struct exchange *x)
{
    if (x->error_status)
        reply_show_with(&x->reply, &x->record, x->error_status);
    return go_to(x, STEP_DRAIN);
}

enum progress content_return(struct exchange *x, const struct return_rule *rule)
{
    if (!rule->has_text && rule->status >= 400 && rule->status != 444)
        return answer(x, rule->status);
    if (reply_from_return(&x->reply, &x->record, rule))
        return conclude(x, OUTCOME_NO_MEMORY);
    return status_is_redirect(rule->status) ? answer_with_reply(x) : go_to_reply(x);
}

static enum progress answer_file(struct exchange *x)
{
    /* As nginx: conditions and ranges are for what is answered as 200, and what they come to is
     * said. */
    bool is_whole = x->error_status && x->error_status != 200;
    unsigned status = reply_from_file(&x->reply, &x->record, is_whole);

    if (status == FILE_IS_ELSEWHERE)
        return redirect_within(x, x->record.uri, x->record.args);
    if (status == 301 || status == 412 || status == 416)
        return answer_with_reply(x);
    if (status >= 400)
        return answer(x, status);
    return status == 200 ? go_to_reply(x) : go_to(x, STEP_DRAIN);
}

/* Behind the files of a try_files: a status, or where to go on. */
static enum progress answer_last(struct exchange *x, const struct try_files *t, struct span last)
{
    if (!t->status)
        return redirect_to(x, last);
    if ((t->status >= 300 && t->status != 444) || t->status == 201 || t->status == 204)
        return answer(x, t->status);
    /* As nginx, for which the others end the request. */
    x->reply.closes_without_answer = true;
    return go_to(x, STEP_REPLY);
}

enum progress content_choose(struct exchange *x)
{
    const struct location_conf *l = x->record.location;
    struct span last;

    if (l->try_files) {
        enum try_result tried = try_files_run(&x->record, l->try_files, &last);

        if (tried == TRY_LAST)
            return answer_last(x, l->try_files, last);
        if (tried == TRY_FAILED)
            return conclude(x, OUTCOME_NO_MEMORY);
    }
    return l->proxy_pass.is_set ? pass_begin(x) : answer_file(x);
}
