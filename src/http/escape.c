/* escape - bytes of a decoded URI on their way back into a URL. */
#include "http/escape.h"

#include <string.h>

#include "http/bytes.h"

/* ---- escaping ---- */

static bool stands_in_target(char c)
{
    unsigned char byte = (unsigned char)c;

    return byte > ' ' && byte < 0x7f;
}

/* As nginx, which leaves '[' and ']': a target may have them in its path. */
static bool stands_in_path(char c)
{
    return byte_is(c, BYTE_PATH) || c == '[' || c == ']';
}

static bool stands_in_args(char c)
{
    return stands_in_target(c) && !strchr("\"#%&+;<>?\\^`{|}", c);
}

static struct span escape(struct span text, bool (*stays)(char c), struct arena *a)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t escaped_count = 0;
    size_t n = 0;
    char *out;

    for (size_t i = 0; i < text.len; i++)
        escaped_count += !stays(text.data[i]);
    if (!escaped_count)
        return text;
    out = arena_alloc(a, text.len + 2 * escaped_count);
    if (!out)
        return SPAN_NONE;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (stays(text.data[i])) {
            out[n++] = text.data[i];
            continue;
        }
        out[n++] = '%';
        out[n++] = hex[c >> 4];
        out[n++] = hex[c & 15];
    }
    return span_of(out, n);
}

struct span path_escape(struct span path, struct arena *a)
{
    return escape(path, stands_in_path, a);
}

struct span args_escape(struct span text, struct arena *a)
{
    return escape(text, stands_in_args, a);
}

struct span target_escape(struct span text, struct arena *a)
{
    return escape(text, stands_in_target, a);
}

/* ---- redirects ---- */

/* Text that is taken apart from its begin. */
struct decoder {
    struct span rest;
    char *out;
    size_t len;
};

static void copy(struct decoder *d, size_t count)
{
    if (count)
        memcpy(d->out + d->len, d->rest.data, count);
    d->len += count;
    d->rest = span_skip(d->rest, count);
}

/* What begins with '%'. */
static void take_escape(struct decoder *d)
{
    int high = d->rest.len > 1 ? byte_hex_value(d->rest.data[1]) : -1;
    int low = d->rest.len > 2 ? byte_hex_value(d->rest.data[2]) : -1;
    int byte = high * 16 + low;

    if (high < 0 || low < 0) {
        d->rest = span_skip(d->rest, size_min(high < 0 ? 1 : 3, d->rest.len));
        if (high < 0)
            copy(d, size_min(1, d->rest.len));
        return;
    }
    if (byte <= '%' || byte >= 0x7f) {
        copy(d, 3);
        return;
    }
    d->out[d->len++] = (char)byte;
    d->rest = span_skip(d->rest, 3);
    if (byte == '?')
        copy(d, d->rest.len);
}

struct span redirect_unescape(struct span text, struct arena *a)
{
    struct decoder d = {.rest = text};

    if (span_index_of(text, '%') == text.len)
        return text;
    d.out = arena_alloc(a, text.len);
    if (!d.out)
        return SPAN_NONE;
    while (d.rest.len) {
        if (d.rest.data[0] == '%')
            take_escape(&d);
        else
            copy(&d, d.rest.data[0] == '?' ? d.rest.len : 1);
    }
    return span_of(d.out, d.len);
}
