/* base64 - RFC 4648 section 4, read. */
#include "core/base64.h"

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '/')
        return c == '+' ? 62 : 63;
    return -1;
}

ssize_t base64_decode(struct span text, char *out)
{
    struct span digits = span_take(text, span_index_of(text, '='));
    unsigned bits = 0, bit_count = 0;
    ssize_t len = 0;

    if (digits.len % 4 == 1)
        return -EINVAL;
    for (size_t i = 0; i < digits.len; i++) {
        int value = value_of(digits.data[i]);

        if (value < 0)
            return -EINVAL;
        bits = bits << 6 | (unsigned)value;
        bit_count += 6;
        if (bit_count < 8)
            continue;
        bit_count -= 8;
        out[len++] = (char)(bits >> bit_count);
    }
    return len;
}
