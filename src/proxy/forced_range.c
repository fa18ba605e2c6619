/* forced_range - which part of an upstream's answer is asked for. */
#include "proxy/forced_range.h"

#include "core/time_text.h"
#include "proxy/byte_ranges.h"
#include "proxy/static_file.h"
#include "proxy/value.h"

/* Of the upstream's answer; data NULL: it has none. */
static struct span field_of(const struct record *r, enum field_id id)
{
    const struct field *f = head_find(r->response, id);

    return f ? f->value : SPAN_NONE;
}

static bool is_wanted(struct record *r)
{
    struct span if_range = value_fields(r, r->request, SPAN("if_range"));
    int64_t modified_s = -1;

    if (time_parse_http(field_of(r, FIELD_LAST_MODIFIED), &modified_s) < 0)
        modified_s = -1;
    return static_range_is_wanted(if_range, field_of(r, FIELD_ETAG), modified_s);
}

static int plan_content_range(struct record *r, struct response_plan *plan,
                              const struct byte_range *part)
{
    char text[CONTENT_RANGE_BYTES];
    size_t len = content_range(part, plan->content_length, text);

    plan->content_range = arena_copy(r->arena, span_of(text, len));
    return plan->content_range.data ? 0 : -ENOMEM;
}

/* It is we who say so. */
static void drop_accept_ranges(struct head *upstream)
{
    for (size_t i = 0; i < upstream->field_count; i++)
        upstream->fields[i].is_dropped |= upstream->fields[i].id == FIELD_ACCEPT_RANGES;
}

enum forced_range forced_range_plan(struct record *r, struct response_plan *plan,
                                    struct head *upstream, struct relay_part *part)
{
    struct span range = value_fields(r, r->request, SPAN("range"));
    struct byte_ranges ranges;
    const struct byte_range *one;

    if (plan->status != 200 || plan->framing != FRAMING_LENGTH)
        return FORCED_WHOLE;
    plan->accepts_ranges = true;
    drop_accept_ranges(upstream);
    if (!range.data || r->request->method != METHOD_GET || !is_wanted(r))
        return FORCED_WHOLE;
    ranges = byte_ranges_parse(range, plan->content_length, UINT64_MAX, r->arena);
    if (ranges.kind == BYTES_UNSATISFIABLE)
        return plan_content_range(r, plan, NULL) ? FORCED_NO_MEMORY : FORCED_UNSATISFIABLE;
    if (ranges.kind == BYTES_WHOLE || ranges.count != 1)
        return FORCED_WHOLE;
    one = &ranges.parts[0];
    if (plan_content_range(r, plan, one))
        return FORCED_NO_MEMORY;
    *part = (struct relay_part){.skip_bytes = one->first, .left_bytes = one->last - one->first + 1};
    plan->accepts_ranges = false;
    plan->status = 206;
    plan->reason = SPAN_NONE;
    plan->content_length = part->left_bytes;
    return FORCED_PART;
}
