/* latency - how long each request of a load took, and the line of JSON that tells it.
 *
 * A table of counts: exact to a microsecond below 128, to 1/64 above. What is longer than the
 * table reaches counts as its last row. */
#ifndef RINGWAY_BENCH_LATENCY_H
#define RINGWAY_BENCH_LATENCY_H

#include <stdint.h>
#include <stdio.h>
#include <time.h>

enum { LATENCY_STEPS = 64, LATENCY_ROWS = 24 * LATENCY_STEPS };

struct latency {
    uint64_t counts[LATENCY_ROWS];
    uint64_t total;
};

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void latency_add(struct latency *l, uint64_t us)
{
    unsigned shift = 0;
    uint64_t row;

    while (us >> shift >= 2 * LATENCY_STEPS)
        shift++;
    row = shift * LATENCY_STEPS + (us >> shift);
    l->counts[row < LATENCY_ROWS ? row : LATENCY_ROWS - 1]++;
    l->total++;
}

/* The time that this share of all requests did not exceed, in microseconds; 0 without any. */
static uint64_t latency_us(const struct latency *l, double share)
{
    uint64_t seen = 0;
    unsigned row = 0;

    while (row < LATENCY_ROWS - 1 && (seen += l->counts[row]) < (double)l->total * share)
        row++;
    if (row < 2 * LATENCY_STEPS)
        return row;
    return (uint64_t)(row % LATENCY_STEPS + LATENCY_STEPS) << (row / LATENCY_STEPS - 1);
}

/* As wrk.lua does: the last line that a load says. */
static void latency_print(const struct latency *l, const char *more)
{
    printf("{\"requests\": %llu, \"p50\": %llu, \"p99\": %llu%s}\n", (unsigned long long)l->total,
           (unsigned long long)latency_us(l, 0.5), (unsigned long long)latency_us(l, 0.99), more);
}

#endif
