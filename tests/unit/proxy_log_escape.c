/* Tests of proxy/log_escape. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/log_escape.h"

static void assert_escaped(enum log_escape kind, struct span value, const char *expected)
{
    struct span want = span_of_cstr(expected);
    struct span copy;
    struct arena a;
    char out[2048];
    size_t len = log_escape(kind, value, out, sizeof(out));

    assert_int_equal(len, want.len);
    assert_memory_equal(out, expected, len);
    arena_init(&a, 4096, 0);
    copy = log_escape_copy(kind, value, &a);
    assert_non_null(copy.data);
    assert_true(span_equals(copy, want));
    arena_deinit(&a);
}

static void plain_text_stays(void **state)
{
    (void)state;
    for (int kind = LOG_ESCAPE_DEFAULT; kind <= LOG_ESCAPE_NONE; kind++) {
        assert_escaped((enum log_escape)kind, SPAN("GET /a?b=c HTTP/1.1 ~"),
                       "GET /a?b=c HTTP/1.1 ~");
        assert_escaped((enum log_escape)kind, SPAN(""), "");
    }
}

static void default_hides_quotes_controls_and_high_bytes(void **state)
{
    (void)state;
    assert_escaped(LOG_ESCAPE_DEFAULT, SPAN("a\"b\\c"), "a\\x22b\\x5Cc");
    assert_escaped(LOG_ESCAPE_DEFAULT, SPAN("\n\x1f \x7e\x7f"), "\\x0A\\x1F ~\\x7F");
    assert_escaped(LOG_ESCAPE_DEFAULT, SPAN("\xc3\xbc\0"), "\\xC3\\xBC\\x00");
}

static void json_gives_the_inside_of_a_string(void **state)
{
    (void)state;
    assert_escaped(LOG_ESCAPE_JSON, SPAN("a\"b\\c/"), "a\\\"b\\\\c/");
    assert_escaped(LOG_ESCAPE_JSON, SPAN("\b\f\n\r\t"), "\\b\\f\\n\\r\\t");
    assert_escaped(LOG_ESCAPE_JSON, SPAN("\0\x01\x1f\x7f"), "\\u0000\\u0001\\u001F\x7f");
    assert_escaped(LOG_ESCAPE_JSON, SPAN("\xc3\xbc\xff"), "\xc3\xbc\xff");
}

static void none_changes_nothing(void **state)
{
    (void)state;
    assert_escaped(LOG_ESCAPE_NONE, SPAN("a\"\n\\\xff"), "a\"\n\\\xff");
}

static void a_value_that_is_not_there_is_a_dash_by_default(void **state)
{
    (void)state;
    assert_escaped(LOG_ESCAPE_DEFAULT, SPAN_NONE, "-");
    assert_escaped(LOG_ESCAPE_JSON, SPAN_NONE, "");
    assert_escaped(LOG_ESCAPE_NONE, SPAN_NONE, "");
}

static void every_byte_fits_into_the_stated_growth(void **state)
{
    (void)state;
    for (int kind = LOG_ESCAPE_DEFAULT; kind <= LOG_ESCAPE_NONE; kind++) {
        for (int byte = 0; byte < 256; byte++) {
            char in = (char)byte, out[LOG_ESCAPE_GROWTH_MAX + 1];
            size_t n = log_escape((enum log_escape)kind, span_of(&in, 1), out, sizeof(out));

            assert_true(n >= 1);
            assert_true(n <= LOG_ESCAPE_GROWTH_MAX);
        }
    }
}

static void what_does_not_fit_is_cut_between_escapes(void **state)
{
    char out[8];

    (void)state;
    assert_int_equal(log_escape(LOG_ESCAPE_DEFAULT, SPAN("abcd\n"), out, 8), 8);
    assert_int_equal(log_escape(LOG_ESCAPE_DEFAULT, SPAN("abcde\n"), out, 8), 5);
    assert_int_equal(log_escape(LOG_ESCAPE_DEFAULT, SPAN_NONE, out, 0), 0);
    assert_int_equal(log_escape(LOG_ESCAPE_JSON, SPAN("ab\x01"), out, 8), 8);
    assert_int_equal(log_escape(LOG_ESCAPE_JSON, SPAN("abc\x01"), out, 8), 3);
    assert_int_equal(log_escape(LOG_ESCAPE_JSON, SPAN("abcdefg\n"), out, 8), 7);
    assert_int_equal(log_escape(LOG_ESCAPE_NONE, SPAN("abcdefghi"), out, 8), 8);
}

static void plain_values_are_not_copied(void **state)
{
    struct span value = SPAN("curl/8.0");
    struct arena a;

    (void)state;
    arena_init(&a, 64, 64);
    assert_ptr_equal(log_escape_copy(LOG_ESCAPE_DEFAULT, value, &a).data, value.data);
    assert_ptr_equal(log_escape_copy(LOG_ESCAPE_JSON, value, &a).data, value.data);
    assert_int_equal(a.total_bytes, 0);
    arena_deinit(&a);
}

static void a_full_arena_is_reported(void **state)
{
    struct arena a;
    char value[64];

    (void)state;
    memset(value, '"', sizeof(value));
    arena_init(&a, 64, 64);
    assert_null(log_escape_copy(LOG_ESCAPE_DEFAULT, span_of(value, sizeof(value)), &a).data);
    arena_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_stays),
        cmocka_unit_test(default_hides_quotes_controls_and_high_bytes),
        cmocka_unit_test(json_gives_the_inside_of_a_string),
        cmocka_unit_test(none_changes_nothing),
        cmocka_unit_test(a_value_that_is_not_there_is_a_dash_by_default),
        cmocka_unit_test(every_byte_fits_into_the_stated_growth),
        cmocka_unit_test(what_does_not_fit_is_cut_between_escapes),
        cmocka_unit_test(plain_values_are_not_copied),
        cmocka_unit_test(a_full_arena_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
