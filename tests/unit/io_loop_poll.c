/* Tests of io/loop: looking for completions before it sleeps. */
#include "../op_fixture.h"

#include <time.h>

#define BUSY_US 50000

static uint64_t cpu_us(void)
{
    struct timespec ts;

    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts), 0);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void polling(struct turning *t, uint64_t busy_poll_us)
{
    const struct turning_sizes sizes = {16, 2, 2, 1, .busy_poll_us = busy_poll_us};

    turning_init_with(t, &sizes);
}

/* CPU time of one turn in which nothing comes. */
static uint64_t cpu_us_of_turn(uint64_t busy_poll_us, uint64_t wait_ms)
{
    struct turning t;
    uint64_t began_us, used_us;

    polling(&t, busy_poll_us);
    began_us = cpu_us();
    loop_turn(t.loop, wait_ms);
    used_us = cpu_us() - began_us;
    turning_deinit(&t);
    return used_us;
}

static void it_is_awake_for_that_long_and_sleeps_then(void **state)
{
    assert_true(cpu_us_of_turn(0, 200) < BUSY_US / 5);
    assert_in_range(cpu_us_of_turn(BUSY_US, 400), BUSY_US / 5, 2 * BUSY_US);
    assert_true(cpu_us_of_turn(1, 200) < BUSY_US / 5);
}

static void a_turn_that_does_not_wait_does_not_poll(void **state)
{
    assert_true(cpu_us_of_turn(UINT64_C(60) * 1000000, 0) < BUSY_US);
}

static void the_whole_wait_is_kept_to(void **state)
{
    static const uint64_t waits_ms[] = {1, 30, 90}; /* shorter than it polls, and longer */

    for (size_t i = 0; i < COUNT_OF(waits_ms); i++) {
        uint64_t began_us, passed_us;
        struct turning t;

        polling(&t, BUSY_US);
        began_us = loop_now_us(t.loop);
        loop_turn(t.loop, waits_ms[i]);
        passed_us = loop_now_us(t.loop) - began_us;
        assert_true(passed_us >= waits_ms[i] * 1000);
        assert_true(passed_us < PATIENCE_US);
        turning_deinit(&t);
    }
}

static bool has_rung;

static void on_alarm(struct timer *t)
{
    has_rung = true;
}

/* It would poll for a minute. */
static void a_timer_that_is_due_ends_it(void **state)
{
    uint64_t began_ms;
    struct turning t;
    struct timer timer;

    polling(&t, UINT64_C(60) * 1000000);
    has_rung = false;
    began_ms = loop_now_us(t.loop) / 1000;
    timer_init(&timer, on_alarm);
    timer_set(loop_wheel(t.loop), &timer, began_ms + 30);
    turn_until(t.loop, has_rung);
    assert_true(loop_now_ms(t.loop) >= began_ms + 30);
    assert_true(loop_now_ms(t.loop) < began_ms + PATIENCE_US / 1000);
    turning_deinit(&t);
}

/* What was started is submitted by the first look, and its completion ends it. */
static void a_completion_ends_it(void **state)
{
    struct recorded r;
    struct turning t;
    int fds[2];

    polling(&t, UINT64_C(60) * 1000000);
    make_pair(fds);
    recorded_init(&r, &t);
    loop_recv(t.loop, &r.op, fds[0], false);
    assert_int_equal(write(fds[1], "x", 1), 1);
    loop_turn(t.loop, UINT64_MAX);
    assert_int_equal(r.count, 1);
    assert_string_equal(r.text, "x");
    close_pair(fds);
    turning_deinit(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_awake_for_that_long_and_sleeps_then),
        cmocka_unit_test(a_turn_that_does_not_wait_does_not_poll),
        cmocka_unit_test(the_whole_wait_is_kept_to),
        cmocka_unit_test(a_timer_that_is_due_ends_it),
        cmocka_unit_test(a_completion_ends_it),
    };

    return cmocka_run_group_tests_name("io_loop_poll", tests, NULL, NULL);
}
