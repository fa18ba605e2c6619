/* Tests of core/time_text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "core/time_text.h"

#define S_2026 1795214760 /* Fri, 20 Nov 2026 22:46:00 GMT */

static void use_zone(const char *zone)
{
    assert_int_equal(setenv("TZ", zone, 1), 0);
    tzset();
}

static void assert_local(const char *zone, int64_t unix_s, const char *local, const char *iso8601)
{
    struct time_cache c = {0};

    use_zone(zone);
    time_cache_set(&c, unix_s * 1000);
    assert_string_equal(c.local, local);
    assert_string_equal(c.iso8601, iso8601);
    assert_true(span_equals(time_cache_local(&c), span_of_cstr(local)));
    assert_true(span_equals(time_cache_iso8601(&c), span_of_cstr(iso8601)));
}

static void local_times_carry_their_offset(void **state)
{
    (void)state;
    assert_local("UTC", S_2026, "20/Nov/2026:22:46:00 +0000", "2026-11-20T22:46:00+00:00");
    assert_local("UTC", 0, "01/Jan/1970:00:00:00 +0000", "1970-01-01T00:00:00+00:00");
    assert_local("CET-1", S_2026, "20/Nov/2026:23:46:00 +0100", "2026-11-20T23:46:00+01:00");
    assert_local("XXX-5:45", S_2026, "21/Nov/2026:04:31:00 +0545", "2026-11-21T04:31:00+05:45");
    assert_local("XXX+3:30", S_2026, "20/Nov/2026:19:16:00 -0330", "2026-11-20T19:16:00-03:30");
}

static void the_cache_changes_with_the_second(void **state)
{
    struct time_cache c = {0};

    (void)state;
    use_zone("UTC");
    time_cache_set(&c, S_2026 * 1000LL + 1);
    assert_string_equal(c.http, "Fri, 20 Nov 2026 22:46:00 GMT");
    c.http[0] = '!';
    time_cache_set(&c, S_2026 * 1000LL + 999);
    assert_int_equal(c.http[0], '!');
    assert_true(c.unix_ms == S_2026 * 1000LL + 999);
    time_cache_set(&c, S_2026 * 1000LL + 1000);
    assert_true(span_equals(time_cache_http(&c), SPAN("Fri, 20 Nov 2026 22:46:01 GMT")));
    /* A clock may be set back. */
    time_cache_set(&c, S_2026 * 1000LL - 1);
    assert_string_equal(c.iso8601, "2026-11-20T22:45:59+00:00");
}

static void assert_http(int64_t unix_s, const char *expected)
{
    char out[TIME_HTTP_BYTES];

    assert_int_equal(time_format_http(unix_s, out), strlen(expected));
    assert_string_equal(out, expected);
}

static void http_dates_are_fixed_and_in_gmt(void **state)
{
    (void)state;
    use_zone("CET-1");
    assert_http(784111777, "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_http(S_2026, "Fri, 20 Nov 2026 22:46:00 GMT");
    assert_http(951782400, "Tue, 29 Feb 2000 00:00:00 GMT");
    assert_http(0, "Thu, 01 Jan 1970 00:00:00 GMT");
    assert_http(253402300799, "Fri, 31 Dec 9999 23:59:59 GMT");
}

static void times_outside_of_what_can_be_written_are_bounded(void **state)
{
    struct time_cache c = {0};

    (void)state;
    use_zone("UTC");
    assert_http(-1, "Thu, 01 Jan 1970 00:00:00 GMT");
    assert_http(INT64_MIN, "Thu, 01 Jan 1970 00:00:00 GMT");
    assert_http(253402300800, "Fri, 31 Dec 9999 23:59:59 GMT");
    assert_http(INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT");
    time_cache_set(&c, INT64_MAX);
    assert_string_equal(c.local, "31/Dec/9999:23:59:59 +0000");
    time_cache_set(&c, INT64_MIN);
    assert_string_equal(c.iso8601, "1970-01-01T00:00:00+00:00");
}

static void the_three_forms_of_http_dates_are_read(void **state)
{
    static const char *const same[] = {
        "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",      "Sun Nov 06 08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:37",     "Sunday, 06-Nov-94 08:49:37",
    };
    int64_t unix_s;

    (void)state;
    use_zone("CET-1");
    for (size_t i = 0; i < COUNT_OF(same); i++) {
        assert_int_equal(time_parse_http(span_of_cstr(same[i]), &unix_s), 0);
        assert_true(unix_s == 784111777);
    }
    assert_int_equal(time_parse_http(SPAN("Friday, 20-Nov-26 22:46:00 GMT"), &unix_s), 0);
    assert_true(unix_s == S_2026);
    assert_int_equal(time_parse_http(SPAN("Sat, 31 Dec 2016 23:59:60 GMT"), &unix_s), 0);
    assert_true(unix_s == 1483228800);
    assert_int_equal(time_parse_http(SPAN("Tue, 29 Feb 2000 00:00:00 GMT"), &unix_s), 0);
}

static void what_is_written_is_read_again(void **state)
{
    char out[TIME_HTTP_BYTES];
    int64_t unix_s;

    (void)state;
    for (int64_t t = 0; t <= 253402300799; t += 86400LL * 365 + 12345) {
        size_t len = time_format_http(t, out);

        assert_int_equal(time_parse_http(span_of(out, len), &unix_s), 0);
        assert_true(unix_s == t);
    }
}

static void other_texts_are_no_dates(void **state)
{
    static const char *const bad[] = {
        "",
        "0",
        "Sun, 06 Nov 1994 08:49:37 ",
        "Sun, 06 Nov 1994 08:49",
        "Sunday, 06-Nov-94 08:49:3",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        " Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "sun, 06 nov 1994 08:49:37 gmt",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 31 Apr 1994 08:49:37 GMT",
        "Sun, 29 Feb 1995 08:49:37 GMT",
        "Sun, -6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Xxx 1994 08:49:37 GMT",
        "Xxx, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sun Nov   6 08:49:37 1994",
    };
    int64_t unix_s;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(time_parse_http(span_of_cstr(bad[i]), &unix_s), -EINVAL);
    assert_int_equal(time_parse_http(SPAN("Sun, 06 Nov 1994 08:49:37 GMT\0"), &unix_s), -EINVAL);
    assert_int_equal(time_parse_http(SPAN_NONE, &unix_s), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(local_times_carry_their_offset),
        cmocka_unit_test(the_cache_changes_with_the_second),
        cmocka_unit_test(http_dates_are_fixed_and_in_gmt),
        cmocka_unit_test(times_outside_of_what_can_be_written_are_bounded),
        cmocka_unit_test(the_three_forms_of_http_dates_are_read),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(other_texts_are_no_dates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
