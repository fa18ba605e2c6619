/* log_escape - escaping of values for access records, one function for each kind. */
#include "proxy/log_escape.h"

#include <string.h>

/* The letter behind the backslash for bytes that JSON has a short form for, else 0. */
static char json_letter(char byte)
{
    switch (byte) {
    case '"':
    case '\\':
        return byte;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return '\0';
    }
}

/* Writes one byte for JSON into out and returns how many bytes that made. */
static size_t escape_json_byte(char byte, char out[LOG_ESCAPE_GROWTH_MAX])
{
    static const char hex[] = "0123456789ABCDEF";
    unsigned char value = (unsigned char)byte;
    char letter = json_letter(byte);

    if (letter) {
        out[0] = '\\';
        out[1] = letter;
        return 2;
    }
    if (value >= 0x20) {
        out[0] = byte;
        return 1;
    }
    memcpy(out, "\\u00", 4);
    out[4] = hex[value >> 4];
    out[5] = hex[value & 15];
    return 6;
}

static size_t escape_json(struct span value, char *out, size_t size)
{
    size_t len = 0;

    for (size_t i = 0; i < value.len; i++) {
        char bytes[LOG_ESCAPE_GROWTH_MAX];
        size_t n = escape_json_byte(value.data[i], bytes);

        if (n > size - len)
            break;
        memcpy(out + len, bytes, n);
        len += n;
    }
    return len;
}

static size_t copy(struct span value, char *out, size_t size)
{
    size_t len = size_min(value.len, size);

    if (len)
        memcpy(out, value.data, len);
    return len;
}

size_t log_escape(enum log_escape kind, struct span value, char *out, size_t size)
{
    if (kind == LOG_ESCAPE_NONE)
        return copy(value, out, size);
    if (kind == LOG_ESCAPE_JSON)
        return escape_json(value, out, size);
    return value.data ? span_escape(value, out, size) : copy(SPAN("-"), out, size);
}

/* True for bytes that some kind escapes; those that only one does are none of an ordinary value. */
static bool is_special(char c)
{
    return c < 0x20 || c > 0x7e || c == '"' || c == '\\';
}

static size_t special_count(struct span value)
{
    size_t count = 0;

    for (size_t i = 0; i < value.len; i++)
        count += is_special(value.data[i]) ? 1 : 0;
    return count;
}

struct span log_escape_copy(enum log_escape kind, struct span value, struct arena *a)
{
    size_t specials = special_count(value);
    size_t size = value.len + specials * (LOG_ESCAPE_GROWTH_MAX - 1);
    char *out;

    if (!value.data)
        return kind == LOG_ESCAPE_DEFAULT ? SPAN("-") : SPAN("");
    if (kind == LOG_ESCAPE_NONE || specials == 0)
        return value;
    out = arena_alloc(a, size);
    if (!out)
        return SPAN_NONE;
    return span_of(out, log_escape(kind, value, out, size));
}
