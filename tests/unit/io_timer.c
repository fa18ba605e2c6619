/* Tests of io/timer: by hand at the edges of each level, and against a naive model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../loop_fixture.h"

#define LEVEL_MS(n) (UINT64_C(1) << (WHEEL_BITS * (n)))
#define LAP_MS LEVEL_MS(WHEEL_LEVELS)

/* A timer that notes when it fired. */
struct alarm {
    struct timer timer; /* first */
    struct wheel *wheel;
    unsigned count;
    uint64_t fired_ms;
    uint64_t due_ms;      /* of the model; 0: not set */
    uint64_t again_ms;    /* sets itself again, so much later */
    struct alarm *victim; /* is stopped by this one */
};

static void on_expired(struct timer *t)
{
    struct alarm *a = (struct alarm *)t;

    assert_false(timer_is_set(t));
    a->count++;
    a->fired_ms = a->wheel->now_ms;
    if (a->victim)
        timer_stop(a->wheel, &a->victim->timer);
    if (a->again_ms)
        timer_set(a->wheel, t, a->wheel->now_ms + a->again_ms);
}

static void alarm_init(struct alarm *a, struct wheel *w)
{
    *a = (struct alarm){.wheel = w};
    timer_init(&a->timer, on_expired);
}

/* Moves on as the loop does that has nothing else to do. Returns the number of looks. */
static unsigned run_until(struct wheel *w, uint64_t end_ms)
{
    unsigned looks = 0;
    uint64_t next;

    while ((next = wheel_next_ms(w)) <= end_ms) {
        assert_true(next > w->now_ms);
        wheel_advance(w, next);
        looks++;
    }
    wheel_advance(w, end_ms);
    return looks;
}

static const uint64_t beginnings[] = {0, 1, 63, 64, 4095, 12345678901, LAP_MS - 1, LAP_MS + 5};

static void deadlines_of_every_level_are_kept_to_the_millisecond(void **state)
{
    static const uint64_t deltas[] = {
        1,
        2,
        LEVEL_MS(1) - 1,
        LEVEL_MS(1),
        LEVEL_MS(1) + 1,
        LEVEL_MS(2) - 1,
        LEVEL_MS(2),
        LEVEL_MS(2) + 1,
        LEVEL_MS(3) - 1,
        LEVEL_MS(3),
        LEVEL_MS(3) + 1,
        LEVEL_MS(4) - 1,
        LEVEL_MS(4),
        LEVEL_MS(4) + 1,
        LAP_MS - 1,
        LAP_MS,
        LAP_MS + 1,
        3 * LAP_MS + 4711,
    };
    struct wheel w;
    struct alarm a;

    for (size_t i = 0; i < COUNT_OF(beginnings) * COUNT_OF(deltas); i++) {
        uint64_t from = beginnings[i % COUNT_OF(beginnings)];
        uint64_t delta = deltas[i / COUNT_OF(beginnings)];

        wheel_init(&w, from);
        alarm_init(&a, &w);
        timer_set(&w, &a.timer, from + delta);
        assert_true(run_until(&w, from + delta - 1) <= 4 * WHEEL_LEVELS);
        assert_int_equal(a.count, 0);
        assert_int_equal(wheel_next_ms(&w), from + delta);
        wheel_advance(&w, from + delta);
        assert_int_equal(a.count, 1);
        assert_int_equal(wheel_next_ms(&w), UINT64_MAX);
    }
}

static void a_jump_over_the_deadline_fires_once(void **state)
{
    struct wheel w;
    struct alarm a;

    for (unsigned level = 0; level <= WHEEL_LEVELS; level++) {
        wheel_init(&w, 1000);
        alarm_init(&a, &w);
        timer_set(&w, &a.timer, 1000 + LEVEL_MS(level));
        wheel_advance(&w, 1000 + 3 * LAP_MS);
        assert_int_equal(a.count, 1);
        assert_int_equal(a.fired_ms, 1000 + LEVEL_MS(level));
        assert_int_equal(w.now_ms, 1000 + 3 * LAP_MS);
    }
}

static void a_deadline_that_is_past_comes_with_the_next_millisecond(void **state)
{
    static const uint64_t deadlines[] = {1, 999, 1000};
    struct wheel w;
    struct alarm a;

    for (size_t i = 0; i < COUNT_OF(deadlines); i++) {
        wheel_init(&w, 1000);
        alarm_init(&a, &w);
        timer_set(&w, &a.timer, deadlines[i]);
        wheel_advance(&w, 1000);
        assert_int_equal(a.count, 0);
        assert_int_equal(wheel_next_ms(&w), 1001);
        wheel_advance(&w, 1001);
        assert_int_equal(a.count, 1);
    }
}

static void a_deadline_moves_both_ways(void **state)
{
    static const uint64_t deadlines[] = {1005, 1500, 9000, LAP_MS, 2 * LAP_MS};
    struct wheel w;
    struct alarm a;

    for (size_t i = 0; i < COUNT_OF(deadlines) * COUNT_OF(deadlines); i++) {
        uint64_t first = deadlines[i % COUNT_OF(deadlines)];
        uint64_t then = deadlines[i / COUNT_OF(deadlines)];

        wheel_init(&w, 1000);
        alarm_init(&a, &w);
        timer_set(&w, &a.timer, first);
        timer_set(&w, &a.timer, then);
        (void)run_until(&w, then - 1);
        assert_int_equal(a.count, 0);
        (void)run_until(&w, then);
        assert_int_equal(a.count, 1);
        (void)run_until(&w, then + 3 * LAP_MS);
        assert_int_equal(a.count, 1);
    }
}

/* What the header promises of deadlines that every byte of progress pushes on. */
static void pushing_a_deadline_on_leaves_its_slot_alone(void **state)
{
    struct wheel w;
    struct alarm a;

    wheel_init(&w, 1000);
    alarm_init(&a, &w);
    timer_set(&w, &a.timer, 2000);
    for (uint64_t now = 1000; now < 1900; now += 100) {
        wheel_advance(&w, now);
        timer_set(&w, &a.timer, now + 1000);
        assert_true(wheel_next_ms(&w) <= 2000);
    }
    assert_int_equal(run_until(&w, 2799) > 0, true);
    assert_int_equal(a.count, 0);
    (void)run_until(&w, 2800);
    assert_int_equal(a.count, 1);
}

static void a_stopped_timer_never_fires_and_leaves_nothing_behind(void **state)
{
    struct wheel w;
    struct alarm a;

    wheel_init(&w, 1000);
    alarm_init(&a, &w);
    timer_stop(&w, &a.timer);
    for (unsigned level = 0; level <= WHEEL_LEVELS; level++) {
        timer_set(&w, &a.timer, w.now_ms + LEVEL_MS(level));
        assert_true(timer_is_set(&a.timer));
        timer_stop(&w, &a.timer);
        assert_false(timer_is_set(&a.timer));
        assert_int_equal(wheel_next_ms(&w), UINT64_MAX);
        wheel_advance(&w, w.now_ms + 2 * LEVEL_MS(level));
    }
    assert_int_equal(a.count, 0);
}

static void a_timer_may_set_itself_again(void **state)
{
    struct wheel w;
    struct alarm a;

    wheel_init(&w, 0);
    alarm_init(&a, &w);
    a.again_ms = 7;
    timer_set(&w, &a.timer, 7);
    wheel_advance(&w, 7 * 1000 + 6);
    assert_int_equal(a.count, 1000);
    assert_int_equal(a.fired_ms, 7000);
}

static void a_timer_may_stop_one_that_is_due_with_it(void **state)
{
    struct wheel w;
    struct alarm first, second;

    wheel_init(&w, 0);
    alarm_init(&first, &w);
    alarm_init(&second, &w);
    first.victim = &second;
    timer_set(&w, &first.timer, 100);
    timer_set(&w, &second.timer, 100);
    wheel_advance(&w, 1000);
    assert_int_equal(first.count, 1);
    assert_int_equal(second.count, 0);
    assert_int_equal(wheel_next_ms(&w), UINT64_MAX);
}

static void set_to_no_deadline(void)
{
    struct wheel w;
    struct timer t;

    wheel_init(&w, 5);
    timer_init(&t, on_expired);
    timer_set(&w, &t, 0);
}

static void zero_is_no_deadline(void **state)
{
    assert_true(aborts(set_to_no_deadline));
}

/* --- a naive model ---------------------------------------------------------------------------- */

#define ALARMS 64
#define OPERATIONS 40000

static uint64_t random_state;

static uint64_t random_below(uint64_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % n;
}

/* As often short as long. */
static uint64_t random_delta(void)
{
    return random_below(LEVEL_MS(random_below(WHEEL_LEVELS + 1)) * 2);
}

static uint64_t first_due(const struct alarm *alarms)
{
    uint64_t first = UINT64_MAX;

    for (size_t i = 0; i < ALARMS; i++) {
        if (alarms[i].due_ms)
            first = u64_min(first, alarms[i].due_ms);
    }
    return first;
}

/* A step that often ends close to a deadline, on either side. */
static void advance_somewhere(struct wheel *w, struct alarm *alarms)
{
    uint64_t before = w->now_ms;
    uint64_t first = first_due(alarms);
    uint64_t to = before + 1 + random_delta();

    if (first != UINT64_MAX && first > before + 1 && random_below(2))
        to = first - random_below(2);
    wheel_advance(w, to);
    for (size_t i = 0; i < ALARMS; i++) {
        struct alarm *a = &alarms[i];
        bool is_due = a->due_ms && a->due_ms <= to;

        assert_int_equal(a->count, is_due);
        assert_int_equal(timer_is_set(&a->timer), a->due_ms && !is_due);
        if (is_due)
            assert_int_equal(a->fired_ms, a->due_ms > before ? a->due_ms : before + 1);
        if (is_due)
            a->due_ms = 0;
        a->count = 0;
    }
}

static void it_does_what_a_naive_model_does(void **state)
{
    struct wheel w;
    struct alarm alarms[ALARMS];

    random_state = 88172645463325252;
    wheel_init(&w, 1000);
    for (size_t i = 0; i < ALARMS; i++)
        alarm_init(&alarms[i], &w);
    for (unsigned n = 0; n < OPERATIONS; n++) {
        struct alarm *a = &alarms[random_below(ALARMS)];
        uint64_t choice = random_below(8);

        if (choice < 5) {
            a->due_ms = w.now_ms + random_delta() - random_below(3);
            timer_set(&w, &a->timer, a->due_ms);
        } else if (choice < 6) {
            a->due_ms = 0;
            timer_stop(&w, &a->timer);
        } else {
            advance_somewhere(&w, alarms);
        }
        assert_true(wheel_next_ms(&w) > w.now_ms);
        if (first_due(alarms) > w.now_ms)
            assert_true(wheel_next_ms(&w) <= first_due(alarms));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deadlines_of_every_level_are_kept_to_the_millisecond),
        cmocka_unit_test(a_jump_over_the_deadline_fires_once),
        cmocka_unit_test(a_deadline_that_is_past_comes_with_the_next_millisecond),
        cmocka_unit_test(a_deadline_moves_both_ways),
        cmocka_unit_test(pushing_a_deadline_on_leaves_its_slot_alone),
        cmocka_unit_test(a_stopped_timer_never_fires_and_leaves_nothing_behind),
        cmocka_unit_test(a_timer_may_set_itself_again),
        cmocka_unit_test(a_timer_may_stop_one_that_is_due_with_it),
        cmocka_unit_test(zero_is_no_deadline),
        cmocka_unit_test(it_does_what_a_naive_model_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
