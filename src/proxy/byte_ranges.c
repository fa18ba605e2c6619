/* byte_ranges - what a Range field asks for of a file, and how the parts are told. */
#include "proxy/byte_ranges.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- what is asked for ---- */

/* Digits; a number that is too large for us is larger than any file. */
static int parse_position(struct span text, uint64_t *position)
{
    int status = span_to_u64(span_trim(text), position);

    if (status != -ERANGE)
        return status;
    *position = UINT64_MAX;
    return 0;
}

/* "a-b", "a-" or "-n": *end is behind the last byte. Nothing of the file where *first is not below
 * it. 0, or -EINVAL. */
static int parse_spec(struct span spec, uint64_t size, uint64_t *first, uint64_t *end)
{
    size_t dash = span_index_of(spec, '-');
    struct span behind = span_trim(span_skip(spec, size_min(dash + 1, spec.len)));
    uint64_t last = UINT64_MAX;

    if (dash == spec.len || (behind.len && parse_position(behind, &last) < 0))
        return -EINVAL;
    *end = last < size ? last + 1 : size;
    if (dash > 0)
        return parse_position(span_take(spec, dash), first);
    if (!behind.len)
        return -EINVAL;
    *first = size - u64_min(last, size);
    *end = size;
    return 0;
}

static size_t element_count_max(struct span list)
{
    size_t count = 1;

    for (size_t i = 0; i < list.len; i++)
        count += list.data[i] == ',';
    return count;
}

/* False: the whole is to be answered. */
static bool add_part(struct byte_ranges *r, uint64_t first, uint64_t end, uint64_t count_max)
{
    if (first >= end)
        return first > 0;
    if (r->count == count_max)
        return false;
    r->parts[r->count++] = (struct byte_range){first, end - 1};
    return true;
}

static bool are_longer_than(const struct byte_ranges *r, uint64_t size)
{
    uint64_t left = size;

    for (size_t i = 0; i < r->count; i++) {
        uint64_t bytes = r->parts[i].last - r->parts[i].first + 1;

        if (bytes > left)
            return true;
        left -= bytes;
    }
    return false;
}

struct byte_ranges byte_ranges_parse(struct span value, uint64_t size, uint64_t count_max,
                                     struct arena *a)
{
    const struct byte_ranges whole = {.kind = BYTES_WHOLE};
    const struct byte_ranges unsatisfiable = {.kind = BYTES_UNSATISFIABLE};
    struct byte_ranges found = {.kind = BYTES_PARTS};
    const struct span unit = SPAN("bytes=");
    struct span spec;

    if (!span_starts_with_nocase(value, unit) || value.len == unit.len || !count_max)
        return whole;
    value = span_skip(value, unit.len);
    found.parts = arena_alloc(a, element_count_max(value) * sizeof(*found.parts));
    if (!found.parts)
        return whole;
    while (span_next_element(&value, &spec)) {
        uint64_t first, end;

        if (parse_spec(spec, size, &first, &end) < 0)
            return unsatisfiable;
        if (!add_part(&found, first, end, count_max))
            return whole;
    }
    if (!found.count)
        return unsatisfiable;
    return are_longer_than(&found, size) ? whole : found;
}

/* ---- how it is told ---- */

size_t content_range(const struct byte_range *part, uint64_t size, char out[CONTENT_RANGE_BYTES])
{
    int len;

    if (part)
        len = snprintf(out, CONTENT_RANGE_BYTES, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
                       part->first, part->last, size);
    else
        len = snprintf(out, CONTENT_RANGE_BYTES, "bytes */%" PRIu64, size);
    return (size_t)len;
}

struct span multipart_type(const struct multipart *m, struct arena *a)
{
    return arena_printf(a, "multipart/byteranges; boundary=%020" PRIu64, m->boundary);
}

size_t multipart_head(const struct multipart *m, size_t i, char *out, size_t out_size)
{
    char range[CONTENT_RANGE_BYTES];
    int len;

    if (i == m->ranges.count) {
        len = snprintf(out, out_size, "\r\n--%020" PRIu64 "--\r\n", m->boundary);
    } else {
        (void)content_range(&m->ranges.parts[i], m->size, range);
        len = snprintf(out, out_size, "\r\n--%020" PRIu64 "\r\n%s%.*s%sContent-Range: %s\r\n\r\n",
                       m->boundary, m->type.len ? "Content-Type: " : "", SPAN_ARG(m->type),
                       m->type.len ? "\r\n" : "", range);
    }
    assert(len > 0);
    assert((size_t)len < out_size);
    return (size_t)len;
}

uint64_t multipart_bytes(const struct multipart *m)
{
    struct multipart plain = *m;
    char head[MULTIPART_HEAD_BYTES];
    uint64_t bytes = 0;

    plain.type = SPAN_NONE;
    for (size_t i = 0; i <= m->ranges.count; i++)
        bytes += multipart_head(&plain, i, head, sizeof(head));
    for (size_t i = 0; i < m->ranges.count; i++)
        bytes += m->ranges.parts[i].last - m->ranges.parts[i].first + 1;
    if (m->type.len)
        bytes += m->ranges.count * (SPAN("Content-Type: \r\n").len + m->type.len);
    return bytes;
}
