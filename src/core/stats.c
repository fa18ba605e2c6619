/* stats - names of the counters, and their sum over workers. */
#include "core/stats.h"

static const struct {
    const char *name;
    const char *help;
} rows[COUNTER_COUNT] = {
#define X(id, token, text) [COUNTER_##id] = {.name = (token), .help = (text)},
    COUNTERS(X)
#undef X
};

const char *counter_name(enum counter c)
{
    assert(c < COUNTER_COUNT);
    return rows[c].name;
}

const char *counter_help(enum counter c)
{
    assert(c < COUNTER_COUNT);
    return rows[c].help;
}

void stats_sum(struct stats *sum, const struct stats *s)
{
    for (size_t i = 0; i < COUNTER_COUNT; i++)
        stats_add(sum, (enum counter)i,
                  atomic_load_explicit(&s->counters[i], memory_order_relaxed));
    for (size_t i = 0; i < OUTCOME_COUNT; i++)
        atomic_fetch_add_explicit(&sum->outcomes[i],
                                  atomic_load_explicit(&s->outcomes[i], memory_order_relaxed),
                                  memory_order_relaxed);
}
