/* Tests of io/tls_replay: what is known again, and what is refused for want of room or time. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/io/tls_internal.h"

#define NOW_S 1000
#define WINDOW_S 30
#define SLOTS 8
#define BACKWARD_S 5

/* The n-th of those that fall into one set. */
static void make_id(unsigned char id[TLS_REPLAY_ID_BYTES], unsigned n)
{
    memset(id, 0, TLS_REPLAY_ID_BYTES);
    id[0] = 7;
    memcpy(id + 4, &n, sizeof(n));
}

static bool use_of(struct tls_replay *r, unsigned n, struct tls_replay_era era, int64_t now_s)
{
    unsigned char id[TLS_REPLAY_ID_BYTES];

    make_id(id, n);
    return tls_replay_use(r, id, &era, now_s);
}

/* Of the era that there is. */
static bool use(struct tls_replay *r, unsigned n, int64_t now_s)
{
    return use_of(r, n, tls_replay_era(r, now_s), now_s);
}

static bool is_same(struct tls_replay_era a, struct tls_replay_era b)
{
    return memcmp(&a, &b, sizeof(a)) == 0;
}

static void replay_takes_each_ticket_once(void **state)
{
    struct tls_replay *r = tls_replay_new(NOW_S);

    assert_non_null(r);
    assert_true(use(r, 1, NOW_S));
    assert_false(use(r, 1, NOW_S));
    assert_true(use(r, 2, NOW_S));
    assert_false(use(r, 2, NOW_S + WINDOW_S));
    assert_false(use(r, 1, NOW_S + 100 * WINDOW_S)); /* as long as nobody needs its place */
    tls_replay_free(r);
}

static void replay_refuses_where_it_has_no_room(void **state)
{
    struct tls_replay *r = tls_replay_new(NOW_S);

    assert_non_null(r);
    for (unsigned n = 0; n < SLOTS; n++)
        assert_true(use(r, n, NOW_S + n));
    assert_false(use(r, SLOTS, NOW_S + SLOTS));
    assert_false(use(r, SLOTS, NOW_S + WINDOW_S));
    assert_true(use(r, SLOTS, NOW_S + WINDOW_S + 1)); /* in the place of the oldest */
    assert_false(use(r, SLOTS + 1, NOW_S + WINDOW_S + 1));
    assert_false(use(r, 1, NOW_S + WINDOW_S + 1));
    tls_replay_free(r);
}

/* Each process has its own, whatever its keys. */
static void replay_takes_no_ticket_of_another_memory(void **state)
{
    struct tls_replay *r = tls_replay_new(NOW_S), *other = tls_replay_new(NOW_S);

    assert_non_null(r);
    assert_non_null(other);
    assert_false(use_of(r, 1, tls_replay_era(other, NOW_S), NOW_S));
    assert_false(use_of(r, 1, tls_replay_era(other, NOW_S), NOW_S + 100 * WINDOW_S));
    assert_true(use_of(other, 1, tls_replay_era(other, NOW_S), NOW_S));
    tls_replay_free(r);
    tls_replay_free(other);
}

/* A copy that is too late is of the right age once more, and its place was given away. */
static void replay_takes_no_ticket_from_before_the_clock_went_back(void **state)
{
    struct tls_replay *r = tls_replay_new(NOW_S);
    int64_t late_s = NOW_S + 10 * WINDOW_S;
    struct tls_replay_era before;

    assert_non_null(r);
    before = tls_replay_era(r, NOW_S);
    assert_true(use_of(r, 1, before, NOW_S));
    for (unsigned n = 2; n < 2 + SLOTS; n++)
        assert_true(use_of(r, n, before, late_s));
    assert_false(use_of(r, 1, before, NOW_S));
    assert_false(use_of(r, 1, before, late_s)); /* nor when it has caught up */
    assert_false(use_of(r, 100, before, late_s));
    assert_false(is_same(before, tls_replay_era(r, late_s)));
    assert_true(use(r, 1, late_s));
    assert_false(use(r, 1, late_s));
    tls_replay_free(r);
}

static void replay_era_ends_wherever_the_clock_is_seen_to_be_back(void **state)
{
    struct tls_replay *r = tls_replay_new(NOW_S);
    struct tls_replay_era first, second;

    assert_non_null(r);
    first = tls_replay_era(r, NOW_S);
    assert_true(is_same(first, tls_replay_era(r, NOW_S + 1000)));
    assert_true(is_same(first, tls_replay_era(r, NOW_S + 1000 - BACKWARD_S)));
    assert_true(is_same(first, tls_replay_era(r, NOW_S + 1000)));
    second = tls_replay_era(r, NOW_S + 1000 - BACKWARD_S - 1);
    assert_false(is_same(first, second));
    assert_true(is_same(second, tls_replay_era(r, NOW_S + 1000 - BACKWARD_S - 1)));
    assert_true(is_same(second, tls_replay_era(r, NOW_S + 2000)));
    assert_false(is_same(first, tls_replay_era(r, 0)));
    tls_replay_free(r);
}

/* By little and little it is as far. */
static void replay_remembers_while_the_clock_goes_back_a_little(void **state)
{
    struct tls_replay *r = tls_replay_new(NOW_S);

    assert_non_null(r);
    assert_true(use(r, 1, NOW_S));
    assert_false(use(r, 1, NOW_S - BACKWARD_S));
    for (unsigned n = 2; n < 1 + SLOTS; n++)
        assert_true(use(r, n, NOW_S + WINDOW_S));
    assert_false(use(r, 1 + SLOTS, NOW_S + WINDOW_S));
    assert_false(use(r, 1, NOW_S + WINDOW_S - BACKWARD_S));
    tls_replay_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replay_takes_each_ticket_once),
        cmocka_unit_test(replay_refuses_where_it_has_no_room),
        cmocka_unit_test(replay_takes_no_ticket_of_another_memory),
        cmocka_unit_test(replay_takes_no_ticket_from_before_the_clock_went_back),
        cmocka_unit_test(replay_era_ends_wherever_the_clock_is_seen_to_be_back),
        cmocka_unit_test(replay_remembers_while_the_clock_goes_back_a_little),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
