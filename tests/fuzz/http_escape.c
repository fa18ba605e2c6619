/* http_escape - what rewriting escapes can be decoded again, and what it decodes brings up no byte
 * that would end a field or a URL.
 *
 * The first byte says whose input the rest is. */
#include "http/escape.h"

#include <string.h>

#include "http/bytes.h"

#define ARENA_BYTES 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_plain(char c)
{
    return c > ' ' && c < 0x7f;
}

static void check_args(struct span text, struct arena *a)
{
    struct span escaped = args_escape(text, a);
    size_t n = 0;

    assert(escaped.data || !text.len);
    for (size_t i = 0; i < escaped.len; i++, n++) {
        char c = escaped.data[i];

        assert(n < text.len);
        assert(is_plain(c) && !strchr("\"#&+;<>?\\^`{|}", c));
        if (c == '%') {
            assert(i + 2 < escaped.len);
            c = (char)(byte_hex_value(escaped.data[i + 1]) * 16 +
                       byte_hex_value(escaped.data[i + 2]));
            i += 2;
        }
        assert(c == text.data[n]);
    }
    assert(n == text.len);
}

static void check_target(struct span text, struct arena *a)
{
    struct span escaped = target_escape(text, a);

    assert(escaped.data || !text.len);
    for (size_t i = 0; i < escaped.len; i++)
        assert(is_plain(escaped.data[i]));
    assert(span_equals(target_escape(escaped, a), escaped));
}

static void check_redirect(struct span text, struct arena *a)
{
    struct span decoded = redirect_unescape(text, a);

    assert(decoded.data || !text.len);
    assert(decoded.len <= text.len);
    for (size_t i = 0; i < decoded.len; i++)
        assert(is_plain(decoded.data[i]) || memchr(text.data, decoded.data[i], text.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_of((const char *)data + 1, size ? size - 1 : 0);
    struct arena a;

    if (!size)
        return 0;
    arena_init(&a, ARENA_BYTES, 0);
    if (data[0] % 3 == 0)
        check_args(text, &a);
    else if (data[0] % 3 == 1)
        check_target(text, &a);
    else
        check_redirect(text, &a);
    arena_deinit(&a);
    return 0;
}
