/* fuzz_parts - inputs of a fuzzer that are several texts with a NUL between them: how they change.
 *
 * The second of them is a configuration. */
#ifndef RINGWAY_TESTS_FUZZ_PARTS_H
#define RINGWAY_TESTS_FUZZ_PARTS_H

#include <string.h>

#include "core/span.h"

#define PARTS_MAX 7
#define PART_BYTES_MAX 65536

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t size_max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *other,
                                 size_t other_size, uint8_t *out, size_t size_max, unsigned seed);

/* Returns their number. */
static size_t parts_of(struct span input, struct span parts[PARTS_MAX])
{
    size_t count = 0;

    while (input.len && count < PARTS_MAX) {
        parts[count] = span_take(input, span_index_of(input, '\0'));
        input = span_skip(input, size_min(parts[count].len + 1, input.len));
        count++;
    }
    return count;
}

static size_t parts_join(const struct span *parts, size_t count, uint8_t *out, size_t size_max)
{
    size_t len = 0;

    for (size_t i = 0; i < count; i++) {
        if (parts[i].len + 1 > size_max - len)
            break;
        memcpy(out + len, parts[i].data, parts[i].len);
        len += parts[i].len;
        out[len++] = '\0';
    }
    return len;
}

/* One part changes, however short it is beside the others, and stays one. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed)
{
    static char whole[PART_BYTES_MAX], part[PART_BYTES_MAX];
    struct span parts[PARTS_MAX];
    size_t count, at, len;

    if (!size || size > sizeof(whole) || seed % 8 == 0)
        return LLVMFuzzerMutate(data, size, size_max);
    memcpy(whole, data, size);
    count = parts_of(span_of(whole, size), parts);
    at = seed / 8 % count;
    memcpy(part, parts[at].data, parts[at].len);
    len = LLVMFuzzerMutate((uint8_t *)part, parts[at].len, sizeof(part));
    for (size_t i = 0; i < len; i++)
        part[i] = part[i] ? part[i] : ' ';
    parts[at] = span_of(part, len);
    return parts_join(parts, count, data, size_max);
}

/* Where the statement ends that is at so many bytes of a configuration. */
static size_t statement_end(struct span text, size_t at)
{
    while (at < text.len && !strchr(";{}", text.data[at]))
        at++;
    return size_min(at + 1, text.len);
}

/* A few statements of the other text, behind one of this one. */
static struct span parts_mixed(struct span text, struct span other, unsigned seed, char *out)
{
    size_t at = statement_end(text, text.len ? seed / 3 % text.len : 0);
    size_t from = statement_end(other, other.len ? seed / 5 % other.len : 0), to = from;

    for (unsigned i = 0; i <= seed % 4; i++)
        to = statement_end(other, to);
    if (text.len + to - from > PART_BYTES_MAX)
        return text;
    memcpy(out, text.data, at);
    memcpy(out + at, other.data + from, to - from);
    memcpy(out + at + to - from, text.data + at, text.len - at);
    return span_of(out, text.len + to - from);
}

/* Some parts of the one, and some of the other; or its server with statements of the other's. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *other,
                                 size_t other_size, uint8_t *out, size_t size_max, unsigned seed)
{
    static char text[PART_BYTES_MAX];
    struct span ones[PARTS_MAX], others[PARTS_MAX];
    size_t one_count = parts_of(span_of((const char *)one, one_size), ones);
    size_t other_count = parts_of(span_of((const char *)other, other_size), others);

    if (one_count < 2 || other_count < 2)
        return 0;
    if (seed % 2)
        ones[1] = parts_mixed(ones[1], others[1], seed / 2, text);
    for (size_t i = 0; seed % 2 == 0 && i < size_min(one_count, other_count); i++) {
        if (seed >> (i + 1) & 1)
            ones[i] = others[i];
    }
    return parts_join(ones, one_count, out, size_max);
}

#endif
