/* span - comparing, cutting and escaping views of bytes. */
#include "core/span.h"

#include <string.h>

struct span span_of_cstr(const char *text)
{
    return text ? span_of(text, strlen(text)) : SPAN_NONE;
}

bool span_equals_nocase(struct span a, struct span b)
{
    return a.len == b.len && span_starts_with_nocase(a, b);
}

bool span_starts_with_nocase(struct span s, struct span prefix)
{
    if (s.len < prefix.len)
        return false;
    for (size_t i = 0; i < prefix.len; i++) {
        if (ascii_lower(s.data[i]) != ascii_lower(prefix.data[i]))
            return false;
    }
    return true;
}

bool span_ends_with(struct span s, struct span suffix)
{
    return s.len >= suffix.len && span_equals(span_skip(s, s.len - suffix.len), suffix);
}

size_t span_index_of(struct span s, char byte)
{
    const char *at = s.len ? memchr(s.data, byte, s.len) : NULL;

    return at ? (size_t)(at - s.data) : s.len;
}

size_t span_last_index_of(struct span s, char byte)
{
    const char *at = s.len ? memrchr(s.data, byte, s.len) : NULL;

    return at ? (size_t)(at - s.data) : s.len;
}

static bool is_ows(char c)
{
    return c == ' ' || c == '\t';
}

struct span span_trim(struct span s)
{
    while (s.len && is_ows(s.data[0]))
        s = span_skip(s, 1);
    while (s.len && is_ows(s.data[s.len - 1]))
        s.len--;
    return s;
}

bool span_next_element(struct span *list, struct span *element)
{
    while (list->len) {
        size_t end = span_index_of(*list, ',');

        *element = span_trim(span_take(*list, end));
        *list = span_skip(*list, size_min(end + 1, list->len));
        if (element->len)
            return true;
    }
    return false;
}

int span_to_u64(struct span s, uint64_t *value)
{
    uint64_t sum = 0;

    if (!s.len)
        return -EINVAL;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned)(unsigned char)s.data[i] - '0';

        if (digit > 9)
            return -EINVAL;
        if (sum > (UINT64_MAX - digit) / 10)
            return -ERANGE;
        sum = sum * 10 + digit;
    }
    *value = sum;
    return 0;
}

static bool is_printable(char c)
{
    return c >= 0x20 && c <= 0x7e && c != '"' && c != '\\';
}

size_t span_escape(struct span s, char *out, size_t size)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.data[i];

        if (is_printable(s.data[i])) {
            if (n == size)
                break;
            out[n++] = s.data[i];
            continue;
        }
        if (size - n < 4)
            break;
        out[n++] = '\\';
        out[n++] = 'x';
        out[n++] = hex[c >> 4];
        out[n++] = hex[c & 15];
    }
    return n;
}

#define FNV_OFFSET 0xcbf29ce484222325u
#define FNV_PRIME 0x100000001b3u

uint64_t span_hash(struct span s)
{
    uint64_t hash = FNV_OFFSET;

    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ (unsigned char)s.data[i]) * FNV_PRIME;
    return hash;
}

uint64_t span_hash_nocase(struct span s)
{
    uint64_t hash = FNV_OFFSET;

    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ (unsigned char)ascii_lower(s.data[i])) * FNV_PRIME;
    return hash;
}
