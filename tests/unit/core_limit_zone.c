/* Tests of core/limit_zone. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/limit_zone.h"

#define STATES_MIN (LIMIT_ZONE_BYTES_MIN / LIMIT_STATE_BYTES)
#define THREADS 4
#define ROUNDS 5000

static struct keyed_hash numbered(const struct limit_zone *z, unsigned number)
{
    return limit_zone_key(z, span_of((const char *)&number, sizeof(number)));
}

static int set_up(void **state)
{
    *state = limit_zone_new(LIMIT_ZONE_BYTES_MIN);
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    limit_zone_unref(*state);
    return 0;
}

/* One request more, that counts. */
static bool comes(struct limit_zone *z, unsigned who, const struct limit_rate *rate, uint64_t at_ms,
                  uint64_t *excess)
{
    return limit_zone_check(z, &(struct limit_visit){numbered(z, who), at_ms, .is_counted = true},
                            rate, excess);
}

static void excess_is_in_thousandths_and_melts_with_time(void **state)
{
    static const struct {
        uint64_t at_ms, excess;
        bool fits;
    } rows[] = {
        {1000, 0, true},     /* the first exceeds nothing */
        {1000, 1000, true},  /* at once behind it */
        {1100, 1800, true},  /* two a second: 100 ms are 200 thousandths */
        {1100, 2800, false}, /* more than the burst: not counted */
        {1100, 2800, false}, {1500, 2000, true},
        {1501, 2998, false}, {1000, 3000, false}, /* a clock that is behind: no time has passed */
        {9000, 0, true},     {9000, 1000, true},
    };
    const struct limit_rate rate = {.per_second = 2000, .burst = 2000};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t excess;
        bool fits = comes(*state, 7, &rate, rows[i].at_ms, &excess);

        if (fits != rows[i].fits || excess != rows[i].excess)
            fail_msg("row %zu: %d with %llu", i, fits, (unsigned long long)excess);
    }
}

/* The same, but for being counted. */
static bool looks(struct limit_zone *z, unsigned who, const struct limit_rate *rate, uint64_t at_ms,
                  uint64_t *excess)
{
    const struct limit_visit visit = {numbered(z, who), at_ms, .is_counted = false};

    return limit_zone_check(z, &visit, rate, excess);
}

static void a_look_counts_nothing(void **state)
{
    const struct limit_rate rate = {.per_second = 1000, .burst = 0};
    uint64_t excess;

    for (unsigned i = 0; i < 3; i++)
        assert_true(looks(*state, 1, &rate, 5, &excess));
    assert_true(comes(*state, 1, &rate, 5, &excess));
    for (unsigned i = 0; i < 3; i++) {
        assert_false(looks(*state, 1, &rate, 5, &excess));
        assert_int_equal(excess, 1000);
    }
    assert_true(comes(*state, 2, &rate, 5, &excess)); /* somebody else */
}

static void a_clock_far_behind_is_another_one(void **state)
{
    const struct limit_rate rate = {.per_second = 1000, .burst = 9000};
    uint64_t excess;

    assert_true(comes(*state, 1, &rate, 100000, &excess));
    assert_true(comes(*state, 1, &rate, 100000 - 60000, &excess)); /* no time has passed */
    assert_int_equal(excess, 1000);
    assert_true(comes(*state, 1, &rate, 100000 - 60001, &excess)); /* a millisecond has */
    assert_int_equal(excess, 1999);
    assert_true(comes(*state, 1, &rate, 100000 - 60001, &excess));
    assert_int_equal(excess, 2999);
}

static void long_times_and_high_rates_do_not_overflow(void **state)
{
    const struct limit_rate rate = {.per_second = UINT64_C(1000000000000000), .burst = 0};
    uint64_t excess;

    assert_true(comes(*state, 1, &rate, 0, &excess));
    assert_false(comes(*state, 1, &rate, 0, &excess));
    assert_true(comes(*state, 1, &rate, UINT64_C(1) << 60, &excess));
    assert_int_equal(excess, 0);
}

static void a_full_zone_forgets_whoever_was_not_seen_for_longest(void **state)
{
    const struct limit_rate rate = {.per_second = 1, .burst = 0};
    uint64_t excess;

    for (unsigned i = 0; i < STATES_MIN; i++)
        assert_true(comes(*state, i, &rate, 1, &excess));
    assert_false(comes(*state, 0, &rate, 1, &excess)); /* seen again, though refused */
    assert_true(comes(*state, STATES_MIN, &rate, 1, &excess));
    assert_false(comes(*state, 0, &rate, 1, &excess));
    assert_false(comes(*state, 2, &rate, 1, &excess));
    assert_true(comes(*state, 1, &rate, 1, &excess));
}

static void so_many_may_be_here(void **state)
{
    struct keyed_hash who = numbered(*state, 1), other = numbered(*state, 2);

    assert_int_equal(limit_zone_enter(*state, who, 2), LIMIT_ENTERED);
    assert_int_equal(limit_zone_enter(*state, who, 2), LIMIT_ENTERED);
    assert_int_equal(limit_zone_enter(*state, who, 2), LIMIT_FULL);
    assert_int_equal(limit_zone_enter(*state, other, 2), LIMIT_ENTERED);
    limit_zone_leave(*state, who);
    assert_int_equal(limit_zone_enter(*state, who, 2), LIMIT_ENTERED);
    limit_zone_leave(*state, who);
    limit_zone_leave(*state, who);
    limit_zone_leave(*state, other);
}

static void whoever_is_here_is_not_forgotten(void **state)
{
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < STATES_MIN; i++)
            assert_int_equal(limit_zone_enter(*state, numbered(*state, i), 1), LIMIT_ENTERED);
        assert_int_equal(limit_zone_enter(*state, numbered(*state, STATES_MIN), 1), LIMIT_NO_ROOM);
        assert_int_equal(limit_zone_enter(*state, numbered(*state, 0), 1), LIMIT_FULL);
        limit_zone_leave(*state, numbered(*state, 5));
        assert_int_equal(limit_zone_enter(*state, numbered(*state, STATES_MIN), 1), LIMIT_ENTERED);
        limit_zone_leave(*state, numbered(*state, STATES_MIN));
        assert_int_equal(limit_zone_enter(*state, numbered(*state, 5), 1), LIMIT_ENTERED);
        for (unsigned i = 0; i < STATES_MIN; i++)
            limit_zone_leave(*state, numbered(*state, i));
    }
}

/* ---- threads ---- */

struct crowd {
    struct limit_zone *zone;
    _Atomic unsigned here, let_in;
};

static void *come_and_go(void *arg)
{
    const struct limit_rate rate = {.per_second = 1, .burst = 99 * 1000};
    struct crowd *c = arg;
    struct keyed_hash rated = numbered(c->zone, 1), counted = numbered(c->zone, 2);

    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t excess;

        if (limit_zone_check(c->zone, &(struct limit_visit){rated, 1, .is_counted = true}, &rate,
                             &excess))
            atomic_fetch_add(&c->let_in, 1);
        assert_true(limit_zone_check(
            c->zone, &(struct limit_visit){numbered(c->zone, 100 + i), 1, .is_counted = true},
            &rate, &excess));
        if (limit_zone_enter(c->zone, counted, 2) != LIMIT_ENTERED)
            continue;
        assert_true(atomic_fetch_add(&c->here, 1) < 2);
        atomic_fetch_sub(&c->here, 1);
        limit_zone_leave(c->zone, counted);
    }
    limit_zone_unref(c->zone);
    return NULL;
}

/* Under TSan this is a test of the locks as well. Of many shards none may lose the count. */
static void threads_count_together(void **state)
{
    struct crowd c = {.zone = limit_zone_new(4 * 1024 * 1024)};
    pthread_t threads[THREADS];

    (void)state;
    assert_non_null(c.zone);
    for (size_t i = 0; i < THREADS; i++) {
        (void)limit_zone_ref(c.zone);
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, &c), 0);
    }
    limit_zone_unref(c.zone);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(c.let_in, 100);
}

static void keys_of_another_zone_are_other_numbers(void **state)
{
    struct limit_zone *other = limit_zone_new(LIMIT_ZONE_BYTES_MIN);

    assert_non_null(other);
    assert_false(keyed_hash_equals(numbered(*state, 1), numbered(other, 1)));
    assert_true(keyed_hash_equals(numbered(*state, 1), numbered(*state, 1)));
    limit_zone_unref(other);
    limit_zone_unref(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(excess_is_in_thousandths_and_melts_with_time),
        TEST(a_look_counts_nothing),
        TEST(a_clock_far_behind_is_another_one),
        TEST(long_times_and_high_rates_do_not_overflow),
        TEST(a_full_zone_forgets_whoever_was_not_seen_for_longest),
        TEST(so_many_may_be_here),
        TEST(whoever_is_here_is_not_forgotten),
        TEST(keys_of_another_zone_are_other_numbers),
        cmocka_unit_test(threads_count_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
