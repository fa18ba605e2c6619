/* Tests of conf/expires. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "conf/expires.h"

static void times_and_words_are_read(void **state)
{
    static const struct {
        const char *text;
        bool is_modified;
        enum expires_kind kind;
        int64_t seconds;
    } rows[] = {
        {"off", false, EXPIRES_OFF, 0},
        {"epoch", false, EXPIRES_EPOCH, 0},
        {"max", false, EXPIRES_MAX, 0},
        {"0", false, EXPIRES_AFTER_ACCESS, 0},
        {"1h", false, EXPIRES_AFTER_ACCESS, 3600},
        {"+1h 1s", false, EXPIRES_AFTER_ACCESS, 3601},
        {"-1", false, EXPIRES_AFTER_ACCESS, -1},
        {"1y", true, EXPIRES_AFTER_CHANGE, 365 * 86400},
        {"-1d", true, EXPIRES_AFTER_CHANGE, -86400},
        {"@15h30m", false, EXPIRES_DAILY, 55800},
        {"@24h", false, EXPIRES_DAILY, 86400},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct expires_rule rule;
        const char *reason = NULL;

        if (expires_parse(span_of_cstr(rows[i].text), rows[i].is_modified, &rule, &reason))
            fail_msg("%s: %s", rows[i].text, reason);
        assert_int_equal(rule.kind, rows[i].kind);
        assert_int_equal(rule.seconds, rows[i].seconds);
        assert_null(rule.value.text.data);
    }
}

static void what_is_no_time_is_told(void **state)
{
    static const struct {
        const char *text;
        bool is_modified;
        const char *reason;
    } rows[] = {
        {"", false, "invalid value"},
        {"-", false, "invalid value"},
        {"@", false, "invalid value"},
        {"x", false, "invalid value"},
        {"1ms", false, "invalid value"},
        {"--1", false, "invalid value"},
        {"99999999999999999999", false, "invalid value"},
        {"max", true, "invalid value"},
        {"off", true, "invalid value"},
        {"@1h", true, "daily time cannot be used with \"modified\" parameter"},
        {"@24h1s", false, "daily time value must be less than 24 hours"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct expires_rule rule;
        const char *reason;

        assert_int_equal(expires_parse(span_of_cstr(rows[i].text), rows[i].is_modified, &rule,
                                       &reason),
                         -EINVAL);
        assert_string_equal(reason, rows[i].reason);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_and_words_are_read),
        cmocka_unit_test(what_is_no_time_is_told),
    };

    return cmocka_run_group_tests_name("conf_expires", tests, NULL, NULL);
}
