/* Tests of server/stapler: when answers are asked for again. What it fetches is in the system's
 * tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/stapler.h"

#define NOW 1000000

static void answers_are_renewed_in_the_middle_of_their_time(void **state)
{
    (void)state;
    assert_int_equal(stapler_refresh_s(NOW, NOW + 1000), NOW + 500);
    assert_int_equal(stapler_refresh_s(NOW, NOW + 120), NOW + 60);
    assert_int_equal(stapler_refresh_s(NOW, NOW + 7200), NOW + 3600);
}

static void not_at_once_and_not_too_late(void **state)
{
    (void)state;
    assert_int_equal(stapler_refresh_s(NOW, NOW + 1), NOW + 60);
    assert_int_equal(stapler_refresh_s(NOW, NOW + 119), NOW + 60);
    assert_int_equal(stapler_refresh_s(NOW, NOW + 7201), NOW + 3600);
    assert_int_equal(stapler_refresh_s(NOW, INT64_MAX), NOW + 3600);
}

static void nobody_to_ask_needs_no_thread(void **state)
{
    struct snapshot snapshot = {.ref_count = 1};
    struct stapler *s = (void *)&snapshot;

    (void)state;
    stapler_start(&snapshot, &s);
    assert_null(s);
    assert_int_equal(snapshot.ref_count, 1);
    stapler_stop(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_renewed_in_the_middle_of_their_time),
        cmocka_unit_test(not_at_once_and_not_too_late),
        cmocka_unit_test(nobody_to_ask_needs_no_thread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
