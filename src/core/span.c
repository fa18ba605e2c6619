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

static uint64_t load_8(const char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    return word;
}

/* Up to seven bytes, each of them at least once. */
static uint64_t load_short(struct span s)
{
    uint32_t first, last;

    if (s.len < 4) {
        const unsigned char *byte = (const unsigned char *)s.data;

        return s.len ? byte[0] | (uint64_t)byte[s.len / 2] << 8 | (uint64_t)byte[s.len - 1] << 16
                     : 0;
    }
    memcpy(&first, s.data, sizeof(first));
    memcpy(&last, s.data + s.len - sizeof(last), sizeof(last));
    return first | (uint64_t)last << 32;
}

static uint64_t mixed(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 32;
}

uint64_t span_hash(struct span s)
{
    uint64_t hash = s.len;

    if (s.len < 8)
        return mixed(hash, load_short(s));
    for (size_t i = 0; i + 8 < s.len; i += 8)
        hash = mixed(hash, load_8(s.data + i));
    /* The last eight, some of them for the second time. */
    return mixed(hash, load_8(s.data + s.len - 8));
}

uint64_t span_hash_nocase(struct span s)
{
    uint64_t hash = FNV_OFFSET;

    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ (unsigned char)ascii_lower(s.data[i])) * FNV_PRIME;
    return hash;
}
