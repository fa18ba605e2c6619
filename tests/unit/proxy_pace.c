/* Tests of proxy/pace: what has accrued, and when there is more. */
#include "../record_fixture.h"

#include "proxy/pace.h"

static struct pace pace_of(uint64_t rate, uint64_t free_bytes)
{
    return (struct pace){.limits = {{rate, free_bytes}}, .began_ms = 1000};
}

static void a_tenth_of_a_second_is_free(void **state)
{
    struct pace p = pace_of(1000, 0);

    (void)state;
    assert_int_equal(pace_allowance(&p, 0, 1000), 0); /* one byte short of a step */
    assert_int_equal(p.resume_ms, 1001);
    assert_int_equal(pace_allowance(&p, 0, 1001), 101);
    assert_int_equal(p.resume_ms, 0);
}

static void then_it_is_a_step_at_a_time(void **state)
{
    struct pace p = pace_of(1000, 0);

    (void)state;
    assert_int_equal(pace_allowance(&p, 101, 1001), 0);
    assert_int_equal(p.resume_ms, 1102);
    assert_int_equal(pace_allowance(&p, 101, 1101), 0);
    assert_int_equal(pace_allowance(&p, 101, 1102), 101);
    assert_int_equal(pace_allowance(&p, 101, 2000), 999);
}

static void what_is_free_does_not_wait(void **state)
{
    struct pace p = pace_of(10, 500);

    (void)state;
    assert_int_equal(pace_allowance(&p, 0, 1000), 501);
    assert_int_equal(pace_allowance(&p, 499, 1000), 2);
    assert_int_equal(pace_allowance(&p, 501, 1000), 0);
    assert_int_equal(p.resume_ms, 1200);
    assert_int_equal(pace_allowance(&p, 501, 1200), 2);
}

static void a_byte_takes_its_second(void **state)
{
    struct pace p = pace_of(1, 0);

    (void)state;
    assert_int_equal(pace_allowance(&p, 0, 1000), 0);
    assert_int_equal(p.resume_ms, 1900);
    assert_int_equal(pace_allowance(&p, 0, 1900), 1);
}

static void the_narrower_limit_counts(void **state)
{
    struct pace p = {.limits = {{1000, 0}, {100, 0}}, .began_ms = 1000};

    (void)state;
    assert_int_equal(pace_allowance(&p, 0, 2000), 110);
    assert_int_equal(pace_allowance(&p, 110, 2000), 0);
    assert_int_equal(p.resume_ms, 2110);
}

static void the_largest_rate_does_not_overflow(void **state)
{
    struct pace p = pace_of(PACE_RATE_MAX - 1, 0);
    uint64_t year_ms = UINT64_C(366) * 24 * 3600 * 1000 / 2;

    (void)state;
    assert_true(pace_allowance(&p, 0, 1000 + year_ms) > year_ms * (PACE_RATE_MAX / 1024));
}

/* --- what says it ----------------------------------------------------------------------------- */

static bool begins(struct fixture *f, const char *rate, const char *after, const char *upstream,
                   bool is_proxied, struct pace *p)
{
    struct rate_conf *conf = arena_zalloc(&f->conf_arena, sizeof(*conf));

    conf->limit_rate = compiled(f, rate);
    conf->limit_rate_after = compiled(f, after);
    conf->proxy_limit_rate = compiled(f, upstream);
    f->location.settings.rates = conf;
    return pace_begin(p, &f->record, is_proxied);
}

static void rates_are_sizes_with_variables(void **state)
{
    struct fixture *f = *state;
    struct pace p;

    take_request(f, "GET /?r=4k&a=1m HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(begins(f, "$arg_r", "$arg_a", "8k", true, &p));
    assert_int_equal(p.limits[0].rate, 4096);
    assert_int_equal(p.limits[0].free_bytes, 1 << 20);
    assert_int_equal(p.limits[1].rate, 8192);
    assert_int_equal(f->record.limit_rate, 4096);
}

static void an_answer_of_ours_has_no_upstream(void **state)
{
    struct fixture *f = *state;
    struct pace p;

    take_request(f, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_false(begins(f, "0", "0", "8k", false, &p));
    assert_true(begins(f, "0", "0", "8k", true, &p));
}

static void what_is_no_size_limits_nothing(void **state)
{
    static const char *const rates[] = {"0", "$arg_none", "x$arg_none", "68719476736", "1t"};
    struct fixture *f = *state;
    struct pace p;

    take_request(f, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    for (size_t i = 0; i < COUNT_OF(rates); i++) {
        f->record.has_limit_rate = false;
        assert_false(begins(f, rates[i], "0", "0", true, &p));
    }
}

static void a_rate_that_was_set_wins(void **state)
{
    struct fixture *f = *state;
    struct pace p;

    take_request(f, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    pace_set_text(&f->record, SPAN("2k"));
    pace_set_text(&f->record, SPAN("nonsense"));
    assert_true(begins(f, "0", "0", "0", false, &p));
    assert_int_equal(p.limits[0].rate, 2048);
    pace_set_rate(&f->record, 0);
    assert_false(begins(f, "4k", "0", "0", false, &p));
}

static void without_a_directive_a_rate_may_be_set(void **state)
{
    struct fixture *f = *state;
    struct pace p;

    pace_set_rate(&f->record, 77);
    assert_true(pace_begin(&p, &f->record, true));
    assert_int_equal(p.limits[0].rate, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tenth_of_a_second_is_free),
        cmocka_unit_test(then_it_is_a_step_at_a_time),
        cmocka_unit_test(what_is_free_does_not_wait),
        cmocka_unit_test(a_byte_takes_its_second),
        cmocka_unit_test(the_narrower_limit_counts),
        cmocka_unit_test(the_largest_rate_does_not_overflow),
        cmocka_unit_test_setup_teardown(rates_are_sizes_with_variables, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_answer_of_ours_has_no_upstream, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_size_limits_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_rate_that_was_set_wins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_directive_a_rate_may_be_set, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
