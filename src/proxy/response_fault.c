/* response_fault - answers of upstreams that cannot be passed on: what is wrong, what follows. */
#include "proxy/response_fault.h"

#include "proxy/verdict.h"

enum progress response_missing(struct exchange *x)
{
    bool is_untouched = parser_is_at_start(&x->response) && !x->interim_count;

    x->record.detail = arena_printf(&x->arena, "%s while reading response header from upstream",
                                    exchange_upstream_end(x));
    if (x->attempt.is_reused && is_untouched)
        return try_failed(x, OUTCOME_STALE_CONNECTION);
    return try_failed(x, OUTCOME_CLOSED_EARLY);
}

enum progress response_bad(struct exchange *x, const char *reason)
{
    x->record.detail = arena_printf(&x->arena, "upstream sent an invalid response: %s", reason);
    return try_failed(x, OUTCOME_BAD_RESPONSE);
}

enum progress response_unparsed(struct exchange *x)
{
    if (x->response.error != PARSER_HEAD_TOO_LARGE)
        return response_bad(x, x->response.reason);
    x->record.detail = SPAN("upstream sent too big header while reading response header from "
                            "upstream");
    return try_failed(x, OUTCOME_BAD_RESPONSE);
}

enum progress response_not_passed_on(struct exchange *x, int error)
{
    if (error == -ENOMEM)
        return conclude(x, OUTCOME_NO_MEMORY);
    if (error != -ELOOP)
        return response_bad(x, "its head is too large to be passed on");
    x->record.detail = SPAN("a regex of the configuration ran away on a field of the answer");
    return conclude(x, OUTCOME_INTERNAL);
}

enum progress response_cut(struct exchange *x, const char *reason)
{
    x->record.detail =
        arena_printf(&x->arena, "%s while reading response body from upstream", reason);
    return try_failed(x, OUTCOME_RESPONSE_CUT);
}
