/* proxy_static_file - paths stay below their root, parts inside of their file, dates what they are.
 *
 * The first byte says whose input the rest is, the next eight are the size of the file. */
#include "proxy/static_file.h"

#include <string.h>

#include "core/time_text.h"
#include "proxy/byte_ranges.h"

#define ARENA_BYTES 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is behind the base has no segment that leads up. */
static void check_below(struct span full, struct span base)
{
    struct span rest = span_skip(full, base.len);

    assert(span_starts_with(full, base));
    assert(strlen(full.data) == full.len);
    while (rest.len) {
        size_t end = span_index_of(rest, '/');

        assert(!span_equals(span_take(rest, end), SPAN("..")));
        rest = span_skip(rest, size_min(end + 1, rest.len));
    }
}

static void check_path(struct span path)
{
    struct span full;
    struct arena a;

    arena_init(&a, ARENA_BYTES, 0);
    if (static_path_join(SPAN("/srv"), path, &a, &full) == 0)
        check_below(full, SPAN("/srv/"));
    if (static_alias_join(SPAN("/srv/b/"), path, &a, &full) == 0)
        check_below(full, SPAN("/srv/b/"));
    arena_deinit(&a);
}

static void check_range(struct span value, uint64_t size)
{
    struct multipart m = {.size = size, .boundary = size, .type = SPAN("a/b")};
    char out[MULTIPART_HEAD_BYTES];
    uint64_t bytes = 0, sum = 0;
    struct arena a;

    arena_init(&a, ARENA_BYTES, 0);
    m.ranges = byte_ranges_parse(value, size, size % 7, &a);
    assert(m.ranges.count <= size % 7);
    assert((m.ranges.kind == BYTES_PARTS) == (m.ranges.count > 0));
    for (size_t i = 0; i < m.ranges.count; i++) {
        assert(m.ranges.parts[i].first <= m.ranges.parts[i].last);
        assert(m.ranges.parts[i].last < size);
        sum += m.ranges.parts[i].last - m.ranges.parts[i].first + 1;
        bytes += multipart_head(&m, i, out, sizeof(out));
        assert(sum <= size);
    }
    bytes += multipart_head(&m, m.ranges.count, out, sizeof(out));
    assert(multipart_bytes(&m) == bytes + sum);
    arena_deinit(&a);
}

static void check_date(struct span text)
{
    char out[TIME_HTTP_BYTES];
    int64_t first, second;
    int status;

    if (time_parse_http(text, &first) < 0 || first < 0)
        return;
    status = time_parse_http(span_of(out, time_format_http(first, out)), &second);
    assert(status == 0);
    /* The leap second at the end of the year 9999 is the first one that cannot be written. */
    assert(first == second || first == second + 1);
}

static void check_conditions(struct span list)
{
    const struct span etag = SPAN("\"a\"");
    struct static_conditions c = {.if_match = list};
    bool is_held = static_evaluate(&c, etag, 0) == STATIC_SEND;

    c = (struct static_conditions){.if_none_match = list};
    /* What compares equal strongly does so weakly. */
    if (is_held)
        assert(static_evaluate(&c, etag, 0) == STATIC_NOT_MODIFIED);
    (void)static_range_is_wanted(list, etag, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input;
    uint64_t file_bytes;

    if (size < 1 + sizeof(file_bytes))
        return 0;
    memcpy(&file_bytes, data + 1, sizeof(file_bytes));
    input = span_of((const char *)data + 1 + sizeof(file_bytes), size - 1 - sizeof(file_bytes));
    switch (data[0] & 3) {
    case 0:
        check_path(input);
        break;
    case 1:
        check_range(input, file_bytes);
        break;
    case 2:
        check_date(input);
        break;
    default:
        check_conditions(input);
        break;
    }
    return 0;
}
