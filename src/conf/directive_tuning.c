/* directive_tuning - ringway's own directives in events: their table. */
#include "conf/directive_tuning.h"

#include <inttypes.h>

#include "conf/setter.h"

#define OWN "ringway's own"

static const struct setter_bounds entries_bounds = {RING_ENTRIES_MIN, RING_ENTRIES_MAX};

static const struct setter_bounds busy_poll_bounds = {0, BUSY_POLL_US_MAX};
static const struct setter_bounds zerocopy_bounds = {OUT_BYTES_LENT_MIN, OUT_BYTES_PER_SEND};
static const struct setter_bounds high_water_bounds = {OUT_BYTES_HIGH_MIN, OUT_BYTES_HIGH_MAX};

static int check_power_of_two(struct conf *c, const struct node *n, uint64_t number)
{
    return number & (number - 1) ? conf_fail(c, n, "value must be a power of two") : 0;
}

static int set_ring_entries(struct conf *c, struct scope *s, const struct directive *d,
                            const struct node *n)
{
    const uint64_t *entries = setter_value(s, d);
    int rc = set_number(c, s, d, n);

    return rc ? rc : check_power_of_two(c, n, *entries);
}

/* set_size(), within bounds. */
static int set_bounded_size(struct conf *c, struct scope *s, const struct directive *d,
                            const struct node *n)
{
    const struct setter_bounds *bounds = d->detail;
    const uint64_t *bytes = setter_value(s, d);
    int rc = set_size(c, s, d, n);

    if (!rc && (*bytes < bounds->min || *bytes > bounds->max))
        return conf_fail(c, n, "value must be between %" PRIu64 " and %" PRIu64, bounds->min,
                         bounds->max);
    return rc;
}

static int set_send_zerocopy(struct conf *c, struct scope *s, const struct directive *d,
                             const struct node *n)
{
    uint64_t *bytes = setter_value(s, d);

    *bytes = 0;
    return span_equals(n->words[1], SPAN("off")) ? 0 : set_bounded_size(c, s, d, n);
}

static int set_receive_buffers(struct conf *c, struct scope *s, const struct directive *d,
                               const struct node *n)
{
    uint64_t *count = &c->main.conf.tuning.receive_buffer_count;
    uint64_t *bytes = &c->main.conf.tuning.receive_buffer_bytes;

    (void)s;
    (void)d;
    if (span_to_u64(n->words[1], count) < 0)
        return conf_fail(c, n, "invalid number \"%.*s\"", SPAN_ARG(n->words[1]));
    if (*count < 1 || *count > LARGE_BUFFER_COUNT_MAX)
        return conf_fail(c, n, "value must be between 1 and %d", LARGE_BUFFER_COUNT_MAX);
    if (setter_parse_size(n->words[2], false, bytes) < 0)
        return conf_fail(c, n, "invalid size \"%.*s\"", SPAN_ARG(n->words[2]));
    if (*bytes < LARGE_BUFFER_BYTES_MIN || *bytes > CHUNK_BYTES)
        return conf_fail(c, n, "size must be between %dk and %dk", LARGE_BUFFER_BYTES_MIN >> 10,
                         CHUNK_BYTES >> 10);
    return check_power_of_two(c, n, *count);
}

static const struct directive rows[] = {
    {
        .name = "ring_entries",
        .syntax = "number",
        .preset = "4096",
        .contexts = CONTEXT_EVENTS,
        .args_min = 1,
        .args_max = 1,
        .set = set_ring_entries,
        .detail = &entries_bounds,
        ROW_AT(struct main_draft, conf.tuning.ring_entries),
        .help = "operations that a worker hands to the kernel at once, at most; a power of two "
                "from 1 to 32768",
        .difference = OWN,
    },
    {
        .name = "receive_buffers",
        .syntax = "number size",
        .preset = "32 32k",
        .contexts = CONTEXT_EVENTS,
        .args_min = 2,
        .args_max = 2,
        .set = set_receive_buffers,
        .help = "buffers of each worker for what comes in bulk: as many receives can be filled in "
                "one turn of its loop; a power of two from 1 to 32768, each of 4k to 32k",
        .difference = OWN,
    },
    {
        .name = "send_high_water",
        .syntax = "size",
        .preset = "128k",
        .contexts = CONTEXT_EVENTS,
        .args_min = 1,
        .args_max = 1,
        .set = set_bounded_size,
        .detail = &high_water_bounds,
        ROW_AT(struct main_draft, conf.tuning.send_high_water),
        .help = "how much may wait in a connection to be sent before its source is not read any "
                "more; it is again at half of that; 16k to 16m",
        .difference = OWN,
    },
    {
        .name = "send_zerocopy",
        .syntax = "off | size",
        .preset = "off",
        .contexts = CONTEXT_EVENTS,
        .args_min = 1,
        .args_max = 1,
        .set = set_send_zerocopy,
        .detail = &zerocopy_bounds,
        ROW_AT(struct main_draft, conf.tuning.send_zerocopy_bytes),
        .help = "sends of at least that size are not copied by the kernel, where it and the "
                "network card can do so; what the peer has not acknowledged counts for "
                "send_high_water; 16k to 260096",
        .difference = OWN,
    },
    {
        .name = "busy_poll",
        .syntax = "microseconds",
        .preset = "0",
        .contexts = CONTEXT_EVENTS,
        .args_min = 1,
        .args_max = 1,
        .set = set_number,
        .detail = &busy_poll_bounds,
        ROW_AT(struct main_draft, conf.tuning.busy_poll_us),
        .help = "how long a worker that has nothing to do looks for news before it sleeps: saves "
                "the time to wake up, and takes its CPU; 0 to 1000000",
        .difference = OWN,
    },
};

const struct directive_table directive_tuning_table = {rows, COUNT_OF(rows)};
