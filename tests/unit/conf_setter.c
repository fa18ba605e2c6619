/* Tests of conf/setter: units of times and sizes. What setters refuse is in conf_directive.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "conf/setter.h"

static void assert_ms(const char *text, uint64_t ms)
{
    uint64_t value = UINT64_MAX;

    if (setter_parse_ms(span_of_cstr(text), &value) < 0 || value != ms)
        fail_msg("\"%s\"", text);
}

static void times_have_nginx_units(void **state)
{
    static const char *const bad[] = {"",      "x",    "s",    "1x", "-1", "+1",
                                      "1.5s",  "1s1s", "1m1h", " ",  "1M", "1y",
                                      "1ms1s", "1mss", "1 m",  "ms", "1S"};
    uint64_t value;

    (void)state;
    assert_ms("0", 0);
    assert_ms("75", 75000);
    assert_ms("500ms", 500);
    assert_ms("1s", 1000);
    assert_ms("1m", 60000);
    assert_ms("1h", 3600000);
    assert_ms("1d", 86400000);
    assert_ms("1w", 604800000);
    assert_ms("1h30m", 5400000);
    assert_ms("1h 30m 5", 5405000);
    assert_ms("1w1d1h1m1s1ms", 694861001);
    assert_ms("10000000000000ms", TIME_MS_MAX);
    assert_int_equal(setter_parse_ms(SPAN("10000000000001ms"), &value), -EINVAL);
    assert_int_equal(setter_parse_ms(SPAN("10000000001"), &value), -EINVAL);
    assert_int_equal(setter_parse_ms(SPAN("10000000000s1ms"), &value), -EINVAL);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(setter_parse_ms(span_of_cstr(bad[i]), &value), -EINVAL);
}

static void whole_seconds_have_months_and_years_too(void **state)
{
    uint64_t value;

    (void)state;
    assert_int_equal(setter_parse_seconds(SPAN("1y1M"), &value), 0);
    assert_int_equal(value, (uint64_t)395 * 86400 * 1000);
    assert_int_equal(setter_parse_seconds(SPAN("1ms"), &value), -EINVAL);
    assert_int_equal(setter_parse_seconds(SPAN("1M1y"), &value), -EINVAL);
}

static void sizes_have_nginx_units(void **state)
{
    static const char *const bad[] = {"", "k", "1kk", "-1", "1.5k", "1t", "k1", " 1", "1 k"};
    uint64_t value;

    (void)state;
    assert_int_equal(setter_parse_size(SPAN("0"), false, &value), 0);
    assert_int_equal(value, 0);
    assert_int_equal(setter_parse_size(SPAN("8k"), false, &value), 0);
    assert_int_equal(value, 8192);
    assert_int_equal(setter_parse_size(SPAN("8K"), false, &value), 0);
    assert_int_equal(value, 8192);
    assert_int_equal(setter_parse_size(SPAN("1m"), false, &value), 0);
    assert_int_equal(value, 1048576);
    assert_int_equal(setter_parse_size(SPAN("1g"), false, &value), -EINVAL);
    assert_int_equal(setter_parse_size(SPAN("1G"), true, &value), 0);
    assert_int_equal(value, 1073741824);
    assert_int_equal(setter_parse_size(SPAN("9223372036854775807"), true, &value), 0);
    assert_int_equal(setter_parse_size(SPAN("9223372036854775808"), true, &value), -EINVAL);
    assert_int_equal(setter_parse_size(SPAN("8589934591g"), true, &value), 0);
    assert_int_equal(setter_parse_size(SPAN("8589934592g"), true, &value), -EINVAL);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(setter_parse_size(span_of_cstr(bad[i]), true, &value), -EINVAL);
}

static void a_parameter_is_split_at_its_first_equals_sign(void **state)
{
    static const struct {
        const char *word, *name, *value;
        bool has_value;
    } rows[] = {
        {"max=10", "max", "10", true}, {"if=$a=b", "if", "$a=b", true}, {"gzip", "gzip", "", false},
        {"gzip=", "gzip", "", true},   {"=1", "", "1", true},           {"", "", "", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct parameter p = setter_parameter(span_of_cstr(rows[i].word));

        assert_true(span_equals(p.name, span_of_cstr(rows[i].name)));
        assert_true(span_equals(p.value, span_of_cstr(rows[i].value)));
        assert_int_equal(p.has_value, rows[i].has_value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_have_nginx_units),
        cmocka_unit_test(whole_seconds_have_months_and_years_too),
        cmocka_unit_test(sizes_have_nginx_units),
        cmocka_unit_test(a_parameter_is_split_at_its_first_equals_sign),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
