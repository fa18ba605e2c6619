/* conf_geo - what is flattened has the values that the lines gave, one address after the other.
 *
 * The input is a list of lines: what to do, and two addresses among few, so that they meet. */
#include "conf/geo.h"

#define ARENA_BYTES 65536
#define ADDRESSES 256 /* 10.0.255.128 to 10.1.0.127: around where two blocks meet */
#define FIRST UINT32_C(0x0a00ff80)
#define LINE_BYTES 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char values[] = "abcdefghijklmnopqrstuvwxyz";

static struct endpoint at(uint32_t address)
{
    return (struct endpoint){.family = AF_INET,
                             .ip = {(unsigned char)(address >> 24), (unsigned char)(address >> 16),
                                    (unsigned char)(address >> 8), (unsigned char)address}};
}

static struct network network_at(uint32_t address, unsigned bits)
{
    struct endpoint e = at(address & ~(bits == 32 ? 0 : UINT32_MAX >> bits));
    struct network n = network_of(&e);

    n.prefix_bits = bits;
    return n;
}

/* The line's value for all addresses that it is for, by the longest prefix. */
static void line_of_networks(struct geo_draft *d, const uint8_t *line, struct span value,
                             struct network *lines, struct span *line_values, size_t *count)
{
    struct network n = network_at(FIRST + line[1], 22 + line[2] % 11);
    struct span old;
    size_t i = 0;

    while (i < *count && memcmp(&lines[i], &n, sizeof(n)) != 0)
        i++;
    if (line[0] & 1) {
        bool had = geo_draft_delete(d, &n);

        assert(had == (i < *count && line_values[i].data));
        if (i < *count)
            line_values[i] = SPAN_NONE;
        return;
    }
    assert(geo_draft_set(d, &n, value, &old) == 0);
    assert(old.data == (i < *count ? line_values[i].data : NULL));
    lines[i] = n;
    line_values[i] = value;
    *count += i == *count;
}

static struct span by_the_rule(const struct network *lines, const struct span *line_values,
                               size_t count, const struct endpoint *e)
{
    const struct network *best = NULL;

    for (size_t i = 0; i < count; i++) {
        if (line_values[i].data && network_has(&lines[i], e) &&
            (!best || lines[i].prefix_bits > best->prefix_bits))
            best = &lines[i];
    }
    return best ? line_values[best - lines] : SPAN_NONE;
}

static void networks(const uint8_t *data, size_t count, struct arena *a)
{
    struct geo_draft *d = geo_draft_new();
    struct network lines[64];
    struct span line_values[64];
    size_t line_count = 0;
    struct geo g = {0};

    for (size_t i = 0; i < count && i < COUNT_OF(lines); i++)
        line_of_networks(d, data + i * LINE_BYTES, span_of(&values[i % 26], 1), lines, line_values,
                         &line_count);
    assert(geo_draft_finish(d, SPAN_NONE, a, &g) == 0);
    for (uint32_t i = 0; i < 4 * ADDRESSES; i++) {
        struct endpoint e = at(FIRST - ADDRESSES + i);

        assert(geo_find(&g, &e).data == by_the_rule(lines, line_values, line_count, &e).data);
    }
    geo_draft_free(d);
}

/* False: one of them overlaps another, which ends a configuration. */
static bool set_ranges(struct geo_draft *d, const uint8_t *data, size_t count,
                       struct span expected[ADDRESSES])
{
    for (size_t i = 0; i < count; i++) {
        const uint8_t *line = data + i * LINE_BYTES;
        uint8_t first = line[1] < line[2] ? line[1] : line[2];
        uint8_t last = line[1] < line[2] ? line[2] : line[1];
        struct span value = span_of(&values[i % 26], 1);
        struct geo_overlap old;

        if (geo_draft_set_range(d, FIRST + first, FIRST + last, value, &old) < 0)
            return false;
        for (unsigned k = first; k <= last; k++)
            expected[k] = value;
    }
    return true;
}

static void ranges(const uint8_t *data, size_t count, struct arena *a)
{
    struct geo_draft *d = geo_draft_new();
    struct span expected[ADDRESSES] = {{0}};
    struct geo g = {.is_by_ranges = true};
    bool is_taken = set_ranges(d, data, count, expected);

    assert(geo_draft_finish(d, SPAN_NONE, a, &g) == 0);
    for (uint32_t i = 0; is_taken && i < ADDRESSES; i++) {
        struct endpoint e = at(FIRST + i);

        assert(geo_find(&g, &e).data == expected[i].data);
    }
    geo_draft_free(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;

    if (!size)
        return 0;
    arena_init(&a, ARENA_BYTES, 0);
    if (data[0] & 1)
        networks(data + 1, (size - 1) / LINE_BYTES, &a);
    else
        ranges(data + 1, (size - 1) / LINE_BYTES, &a);
    arena_deinit(&a);
    return 0;
}
