/* static_file - paths, media types, validators, conditions and ranges of files. */
#include "proxy/static_file.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "core/time_text.h"

static bool has_parent_segment(struct span path)
{
    while (path.len) {
        size_t end = span_index_of(path, '/');

        if (span_equals(span_take(path, end), SPAN("..")))
            return true;
        path = span_skip(path, size_min(end + 1, path.len));
    }
    return false;
}

static int join(struct span base, struct span rest, struct arena *a, struct span *full)
{
    if (span_index_of(rest, '\0') < rest.len)
        return -EINVAL;
    if (base.len + rest.len >= PATH_MAX)
        return -ENAMETOOLONG;
    *full = arena_printf(a, "%.*s%.*s", SPAN_ARG(base), SPAN_ARG(rest));
    return full->data ? 0 : -ENOMEM;
}

int static_path_join(struct span root, struct span path, struct arena *a, struct span *full)
{
    if (!path.len || path.data[0] != '/' || has_parent_segment(path))
        return -EINVAL;
    if (root.len && root.data[root.len - 1] == '/')
        root.len--;
    return join(root, path, a, full);
}

int static_alias_join(struct span alias, struct span rest, struct arena *a, struct span *full)
{
    size_t slash = span_last_index_of(alias, '/');
    struct span joined;
    int result = join(alias, rest, a, &joined);

    if (result < 0)
        return result;
    /* What follows may end a name that the alias began: "/srv/." and "./b". */
    if (rest.len && has_parent_segment(span_skip(joined, slash < alias.len ? slash + 1 : 0)))
        return -EINVAL;
    *full = joined;
    return 0;
}

static struct span extension_of(struct span path)
{
    size_t slash = span_last_index_of(path, '/');
    struct span name = slash < path.len ? span_skip(path, slash + 1) : path;
    size_t dot = span_last_index_of(name, '.');

    return dot > 0 && dot < name.len ? span_skip(name, dot + 1) : SPAN_NONE;
}

struct span static_media_type(const struct span_table *types, struct span path,
                              struct span default_type)
{
    struct span extension = extension_of(path);
    const struct span *type = extension.len ? span_table_find(types, extension) : NULL;

    return type ? *type : default_type;
}

size_t static_etag(const struct stat *st, char out[STATIC_ETAG_BYTES])
{
    return (size_t)snprintf(out, STATIC_ETAG_BYTES, "\"%" PRIx64 "-%" PRIx64 "\"",
                            (uint64_t)st->st_mtime, (uint64_t)st->st_size);
}

/* Takes the next entity tag of a list (RFC 9110 section 8.8.3), in its quotes. False at the end,
 * and at what is no entity tag. */
static bool next_etag(struct span *list, struct span *etag, bool *is_weak)
{
    size_t end;

    while (list->len && (list->data[0] == ',' || list->data[0] == ' ' || list->data[0] == '\t'))
        *list = span_skip(*list, 1);
    *is_weak = span_starts_with(*list, SPAN("W/"));
    if (*is_weak)
        *list = span_skip(*list, 2);
    if (!list->len || list->data[0] != '"')
        return false;
    end = 1 + span_index_of(span_skip(*list, 1), '"');
    if (end >= list->len)
        return false;
    *etag = span_take(*list, end + 1);
    *list = span_skip(*list, end + 1);
    return true;
}

/* RFC 9110 section 8.8.3.2: a weak tag of the list equals ours only where weak comparison does. */
static bool list_has_etag(struct span list, struct span etag, bool compares_weakly)
{
    struct span other;
    bool is_weak;

    if (span_equals(span_trim(list), SPAN("*")))
        return true;
    while (etag.len && next_etag(&list, &other, &is_weak)) {
        if ((compares_weakly || !is_weak) && span_equals(other, etag))
            return true;
    }
    return false;
}

static bool precondition_holds(const struct static_conditions *c, struct span etag,
                               int64_t modified_s)
{
    int64_t date;

    if (c->if_match.data)
        return list_has_etag(c->if_match, etag, false);
    if (c->if_unmodified_since.data && time_parse_http(c->if_unmodified_since, &date) == 0)
        return modified_s <= date;
    return true;
}

static bool is_modified(const struct static_conditions *c, struct span etag, int64_t modified_s)
{
    int64_t date;

    /* RFC 9110 section 13.1.3: the date is not looked at beside the tag. */
    if (c->if_none_match.data)
        return !list_has_etag(c->if_none_match, etag, true);
    if (!c->if_modified_since.data || c->since == STATIC_SINCE_OFF ||
        time_parse_http(c->if_modified_since, &date) < 0)
        return true;
    return c->since == STATIC_SINCE_EXACT ? modified_s != date : modified_s > date;
}

enum static_verdict static_evaluate(const struct static_conditions *c, struct span etag,
                                    int64_t modified_s)
{
    if (!precondition_holds(c, etag, modified_s))
        return STATIC_PRECONDITION_FAILED;
    return is_modified(c, etag, modified_s) ? STATIC_SEND : STATIC_NOT_MODIFIED;
}

bool static_range_is_wanted(struct span if_range, struct span etag, int64_t modified_s)
{
    int64_t date;

    if (!if_range.data)
        return true;
    if (if_range.len && if_range.data[0] == '"')
        return etag.len && span_equals(if_range, etag);
    return time_parse_http(if_range, &date) == 0 && date == modified_s;
}
