/* split - what a "split_clients" block looks up: shares of the range of a hash. */
#include "conf/split.h"

#include <string.h>

#define PERCENT_MAX 1000000 /* far beyond 100: larger ones are refused as no number */

int split_parse_share(struct span text, uint64_t *hundredths)
{
    uint64_t sum = 0;
    size_t decimals = 0;
    bool has_point = false;

    if (text.len < 2 || text.data[text.len - 1] != '%')
        return -EINVAL;
    for (size_t i = 0; i + 1 < text.len; i++) {
        unsigned digit = (unsigned)(unsigned char)text.data[i] - '0';

        if (text.data[i] == '.' && !has_point) {
            has_point = true;
            continue;
        }
        decimals += has_point;
        if (digit > 9 || decimals > 2 || sum > PERCENT_MAX)
            return -EINVAL;
        sum = sum * 10 + digit;
    }
    for (; decimals < 2; decimals++)
        sum *= 10;
    *hundredths = sum;
    return sum ? 0 : -EINVAL;
}

uint32_t split_width(uint64_t hundredths)
{
    return (uint32_t)(hundredths * UINT32_MAX / SPLIT_WHOLE);
}

/* Austin Appleby's MurmurHash2: four bytes at a time, little endian. */
uint32_t split_hash(struct span text)
{
    const uint32_t factor = 0x5bd1e995;
    const unsigned char *at = (const unsigned char *)text.data;
    uint32_t hash = (uint32_t)text.len;
    uint32_t last = 0;
    size_t left = text.len;

    for (; left >= 4; at += 4, left -= 4) {
        uint32_t word =
            at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;

        word *= factor;
        word ^= word >> 24;
        hash = hash * factor ^ word * factor;
    }
    for (size_t i = 0; i < left; i++)
        last |= (uint32_t)at[i] << 8 * i;
    if (left)
        hash = (hash ^ last) * factor;
    hash ^= hash >> 13;
    hash *= factor;
    return hash ^ hash >> 15;
}

struct span split_find(const struct split *s, struct span text)
{
    uint32_t hash = split_hash(text);

    for (size_t i = 0; i < s->part_count; i++) {
        if (s->parts[i].is_rest || hash < s->parts[i].end)
            return s->parts[i].value;
    }
    return SPAN_NONE;
}
