/* forwarded - whose request it is, by a list of addresses to which each proxy added its client. */
#include "core/forwarded.h"

bool forwarded_is_trusted(const struct forwarded_trust *trust, const struct endpoint *e)
{
    for (size_t i = 0; i < trust->count; i++) {
        if (network_has(&trust->proxies[i], e))
            return true;
    }
    return false;
}

static bool is_separator(char c)
{
    return c == ' ' || c == ',';
}

/* The last element, taken off the list. */
static struct span take_last(struct span *list)
{
    size_t end = list->len, begin;

    while (end && is_separator(list->data[end - 1]))
        end--;
    begin = end;
    while (begin && !is_separator(list->data[begin - 1]))
        begin--;
    *list = span_take(*list, end);
    return list->len ? span_of(list->data + begin, end - begin) : SPAN_NONE;
}

bool forwarded_address(struct span list, const struct forwarded_trust *trust, struct endpoint *e)
{
    bool has_changed = false;

    while (forwarded_is_trusted(trust, e)) {
        struct span last = take_last(&list);

        if (endpoint_parse(last, e) < 0)
            break;
        has_changed = true;
        list = span_take(list, (size_t)(last.data - list.data));
        if (!trust->is_recursive || !list.len)
            break;
    }
    return has_changed;
}
