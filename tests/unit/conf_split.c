/* Tests of conf/split. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/split.h"

static void shares_are_hundredths_of_a_percent(void **state)
{
    static const struct {
        const char *text;
        uint64_t hundredths; /* 0: refused */
    } rows[] = {
        {"50%", 5000},
        {"0.5%", 50},
        {"33.33%", 3333},
        {".5%", 50},
        {"5.%", 500},
        {"0.01%", 1},
        {"100%", 10000},
        {"101%", 10100},
        {"05%", 500},
        {"", 0},
        {"%", 0},
        {"50", 0},
        {"0%", 0},
        {"0.00%", 0},
        {"0.001%", 0},
        {"1..2%", 0},
        {"-1%", 0},
        {"+1%", 0},
        {"50%%", 0},
        {"1e2%", 0},
        {".%", 0},
        {" 5%", 0},
        {"*", 0},
        {"1000000%", 100000000},
        {"99999999999999999999999%", 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t hundredths = 0;
        int rc = split_parse_share(span_of_cstr(rows[i].text), &hundredths);

        if (rc != (rows[i].hundredths ? 0 : -EINVAL) || (!rc && hundredths != rows[i].hundredths))
            fail_msg("%s: %d, %llu", rows[i].text, rc, (unsigned long long)hundredths);
    }
}

/* The texts' values are those that a running nginx gave: split_clients $arg_k with 0.5% a;
 * 33.33% b; 20% c; * d, and "${arg_k}x" with 10% a; 0.01% b; 80% c. */
static void texts_fall_where_nginx_puts_them(void **state)
{
    static const struct {
        const char *text, *first, *second;
    } rows[] = {
        {"", "a", "a"},          {"a", "d", "c"},
        {"ab", "b", "c"},        {"abc", "b", "c"},
        {"abcd", "b", "c"},      {"abcde", "c", ""},
        {"foo", "d", "c"},       {"bar", "b", "a"},
        {"baz", "d", "c"},       {"q1", "c", "c"},
        {"q2", "b", "c"},        {"q6", "b", ""},
        {"q7", "d", "a"},        {"q8", "d", "c"},
        {"192.0.2.1", "d", "c"}, {"longer-string-here-0123456789", "d", "c"},
    };
    const struct split_part first_parts[] = {
        {.end = split_width(50), .value = SPAN("a")},
        {.end = split_width(50) + split_width(3333), .value = SPAN("b")},
        {.end = split_width(50) + split_width(3333) + split_width(2000), .value = SPAN("c")},
        {.is_rest = true, .value = SPAN("d")},
    };
    const struct split_part second_parts[] = {
        {.end = split_width(1000), .value = SPAN("a")},
        {.end = split_width(1000) + split_width(1), .value = SPAN("b")},
        {.end = split_width(1000) + split_width(1) + split_width(8000), .value = SPAN("c")},
    };
    const struct split first = {.parts = first_parts, .part_count = COUNT_OF(first_parts)};
    const struct split second = {.parts = second_parts, .part_count = COUNT_OF(second_parts)};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char with_x[64];
        struct span a = split_find(&first, span_of_cstr(rows[i].text));
        struct span b;

        assert_true(snprintf(with_x, sizeof(with_x), "%sx", rows[i].text) > 0);
        b = split_find(&second, span_of_cstr(with_x));
        if (!span_equals(a, span_of_cstr(rows[i].first)) ||
            !span_equals(b, span_of_cstr(rows[i].second)))
            fail_msg("%s: %.*s, %.*s", rows[i].text, SPAN_ARG(a), SPAN_ARG(b));
    }
}

/* Four hundred texts, counted as they fell in nginx. */
static void shares_come_out_as_nginx_counts_them(void **state)
{
    const struct split_part parts[] = {
        {.end = split_width(50), .value = SPAN("a")},
        {.end = split_width(50) + split_width(3333), .value = SPAN("b")},
        {.end = split_width(50) + split_width(3333) + split_width(2000), .value = SPAN("c")},
        {.is_rest = true, .value = SPAN("d")},
    };
    const struct split s = {.parts = parts, .part_count = COUNT_OF(parts)};
    unsigned counts[4] = {0};

    (void)state;
    for (int i = 1; i <= 400; i++) {
        char text[32];

        assert_true(snprintf(text, sizeof(text), "client-%d", i) > 0);
        counts[split_find(&s, span_of_cstr(text)).data[0] - 'a']++;
    }
    assert_int_equal(counts[0], 2);
    assert_int_equal(counts[1], 136);
    assert_int_equal(counts[2], 81);
    assert_int_equal(counts[3], 181);
}

static void what_falls_behind_the_last_part_has_no_value(void **state)
{
    const struct split_part nothing[] = {{.end = 0, .value = SPAN("a")}};
    const struct split s = {.parts = nothing, .part_count = 1};
    const struct split none = {.parts = NULL, .part_count = 0};

    (void)state;
    assert_null(split_find(&s, SPAN("a")).data);
    assert_null(split_find(&none, SPAN("a")).data);
    assert_int_equal(split_width(SPLIT_WHOLE), UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_are_hundredths_of_a_percent),
        cmocka_unit_test(texts_fall_where_nginx_puts_them),
        cmocka_unit_test(shares_come_out_as_nginx_counts_them),
        cmocka_unit_test(what_falls_behind_the_last_part_has_no_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
