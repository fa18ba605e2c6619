/* Tests of core/stats. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/stats.h"

static uint64_t counter_of(const struct stats *s, enum counter c)
{
    return atomic_load(&s->counters[c]);
}

/* Names become names of metrics: each of its own, of the letters that Prometheus takes. */
static void names_are_unique_metric_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTER_COUNT; i++) {
        const char *name = counter_name((enum counter)i);

        assert_non_null(name);
        assert_true(strlen(name) > 0);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_"), strlen(name));
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(name, counter_name((enum counter)k));
    }
}

/* Help texts stand on one line of the metrics page. */
static void each_counter_has_one_line_of_help(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTER_COUNT; i++) {
        const char *help = counter_help((enum counter)i);

        assert_non_null(help);
        assert_true(strlen(help) > 0);
        assert_null(strpbrk(help, "\n\\"));
    }
}

static void counting_adds_up(void **state)
{
    struct stats s = {0};

    (void)state;
    stats_add(&s, COUNTER_REQUESTS, 1);
    stats_add(&s, COUNTER_REQUESTS, 2);
    stats_add(&s, COUNTER_TURNS, (uint64_t)5 << 32);
    stats_count_outcome(&s, OUTCOME_DONE);
    stats_count_outcome(&s, OUTCOME_DONE);
    assert_int_equal(counter_of(&s, COUNTER_REQUESTS), 3);
    assert_true(counter_of(&s, COUNTER_TURNS) == (uint64_t)5 << 32);
    assert_int_equal(counter_of(&s, COUNTER_ACCEPTED), 0);
    assert_int_equal(atomic_load(&s.outcomes[OUTCOME_DONE]), 2);
    assert_int_equal(atomic_load(&s.outcomes[OUTCOME_NONE]), 0);
}

static void a_sum_has_every_counter_of_every_worker(void **state)
{
    struct stats workers[3] = {0};
    struct stats sum = {0};

    (void)state;
    for (size_t w = 0; w < COUNT_OF(workers); w++) {
        for (size_t i = 0; i < COUNTER_COUNT; i++)
            stats_add(&workers[w], (enum counter)i, (w + 1) * (i + 1));
        for (size_t i = 0; i < OUTCOME_COUNT; i++)
            stats_count_outcome(&workers[w], (enum outcome)i);
    }
    for (size_t w = 0; w < COUNT_OF(workers); w++)
        stats_sum(&sum, &workers[w]);
    for (size_t i = 0; i < COUNTER_COUNT; i++)
        assert_int_equal(counter_of(&sum, (enum counter)i), 6 * (i + 1));
    for (size_t i = 0; i < OUTCOME_COUNT; i++)
        assert_int_equal(atomic_load(&sum.outcomes[i]), COUNT_OF(workers));
}

#define ROUNDS 100000

static void *count_rounds(void *stats)
{
    for (size_t i = 0; i < ROUNDS; i++)
        stats_add(stats, COUNTER_TURNS, 1);
    return NULL;
}

/* What a reader in another thread sees only grows. */
static void readers_see_counters_grow(void **state)
{
    struct stats s = {0};
    uint64_t last = 0;
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, count_rounds, &s), 0);
    while (last < ROUNDS) {
        uint64_t now = counter_of(&s, COUNTER_TURNS);

        assert_true(now >= last);
        last = now;
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(counter_of(&s, COUNTER_TURNS), ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_unique_metric_names),
        cmocka_unit_test(each_counter_has_one_line_of_help),
        cmocka_unit_test(counting_adds_up),
        cmocka_unit_test(a_sum_has_every_counter_of_every_worker),
        cmocka_unit_test(readers_see_counters_grow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
