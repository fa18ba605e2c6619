/* http_path - what is left of a path when it is normalized, and that it can be written again.
 *
 * The first byte says whether slashes are merged. */
#include "http/escape.h"
#include "http/message.h"

#define ARENA_BYTES (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No segment that leads anywhere else, no NUL, and no two slashes where they are merged. */
static void check_normalized(struct span path, bool merges)
{
    assert(path.len);
    assert(path.data[0] == '/');
    assert(span_index_of(path, '\0') == path.len);
    for (size_t i = 0; i < path.len;) {
        struct span rest = span_skip(path, i + 1);
        struct span segment = span_take(rest, span_index_of(rest, '/'));

        assert(path.data[i] == '/');
        assert(!span_equals(segment, SPAN(".")));
        assert(!span_equals(segment, SPAN("..")));
        assert(!merges || segment.len || !rest.len);
        i += 1 + segment.len;
    }
}

/* Escaped, it is a target's path, which comes to the same again. */
static void check_escaped(struct span path, bool merges, struct arena *a)
{
    struct span escaped = path_escape(path, a), again;
    int result;

    assert(escaped.data);
    for (size_t i = 0; i < escaped.len; i++) {
        char c = escaped.data[i];

        assert(c > 0x20 && c < 0x7f);
        assert(c != '?' && c != '#');
    }
    result = path_normalize(escaped, merges, a, &again);
    assert(result == 0);
    assert(span_equals(again, path));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span raw, path;
    struct arena a;
    bool merges;

    if (!size)
        return 0;
    merges = data[0] & 1;
    raw = span_of((const char *)data + 1, size - 1);
    /* What a target may hold: the parser refuses the rest before. */
    for (size_t i = 0; i < raw.len; i++) {
        if (raw.data[i] <= 0x20 || raw.data[i] >= 0x7f || raw.data[i] == '?' || raw.data[i] == '#')
            return 0;
    }
    arena_init(&a, ARENA_BYTES, 0);
    if (path_normalize(raw, merges, &a, &path) == 0) {
        check_normalized(path, merges);
        check_escaped(path, merges, &a);
    }
    arena_deinit(&a);
    return 0;
}
