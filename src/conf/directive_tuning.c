/* directive_tuning - ringway's own directives in events: their table. */
#include "conf/directive_tuning.h"

#include <inttypes.h>

#include "conf/setter.h"

#define OWN "ringway's own"

static const struct setter_bounds entries_bounds = {RING_ENTRIES_MIN, RING_ENTRIES_MAX};

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
};

const struct directive_table directive_tuning_table = {rows, COUNT_OF(rows)};
