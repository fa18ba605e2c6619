/* Tests of conf/advice_group. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "conf/advice_group.h"

static void groups_are_found_by_number_and_by_name(void **state)
{
    static const struct {
        const char *pattern, *name;
        const char *inside; /* NULL: there is none */
    } rows[] = {
        {"^/a(/.*)$", "1", "/.*)$"},
        {"^/a(/.*)$", "2", NULL},
        {"(a)(b)", "2", "b)"},
        {"(a(b))(c)", "3", "c)"},
        {"\\((a)", "1", "a)"},
        {"[(](a)", "1", "a)"},
        {"[]()](a)", "1", "a)"},
        {"[^](](a)", "1", "a)"},
        {"[\\](](a)", "1", "a)"},
        {"(?:a)(b)", "1", "b)"},
        {"(?=a)(?!a)(?<=a)(?<!a)(b)", "1", "b)"},
        {"(*UTF8)(b)", "1", "b)"},
        {"(?i)(b)", "1", "b)"},
        {"(?<x>a)(b)", "2", "b)"},
        {"(?<x>a)", "1", "a)"},
        {"(?<x>a)", "x", "a)"},
        {"(?<x>a)", "X", "a)"},
        {"(?P<x_1>a)", "x_1", "a)"},
        {"(?'x'a)", "x", "a)"},
        {"(?<xy>a)", "x", NULL},
        {"(?<x>a)", "xy", NULL},
        {"(?<x", "x", NULL},
        {"(?<", "x", NULL},
        {"(x)", "x", NULL},
        {"(", "1", ""},
        {"\\", "1", NULL},
        {"[", "1", NULL},
        {"[a\\", "1", NULL},
        {"", "1", NULL},
        {"(a)", "", NULL},
        {"(a)", "0", NULL},
        {"()()()()()()()()(a)(b)", "9", "a)(b)"},
        {"()()()()()()()()()(b)", ":", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct span inside = SPAN_NONE;
        bool found =
            advice_group_find(span_of_cstr(rows[i].pattern), span_of_cstr(rows[i].name), &inside);

        if (found != (rows[i].inside != NULL) ||
            (found && !span_equals(inside, span_of_cstr(rows[i].inside))))
            fail_msg("%s of %s: %d, %.*s", rows[i].name, rows[i].pattern, found, SPAN_ARG(inside));
    }
}

static void words_with_a_tilde_are_regexes(void **state)
{
    struct span pattern;

    (void)state;
    assert_true(advice_regex_word(SPAN("~^a"), &pattern));
    assert_true(span_equals(pattern, SPAN("^a")));
    assert_true(advice_regex_word(SPAN("~*a"), &pattern));
    assert_true(span_equals(pattern, SPAN("a")));
    assert_true(advice_regex_word(SPAN("~"), &pattern));
    assert_true(span_is_empty(pattern));
    assert_false(advice_regex_word(SPAN("a~"), &pattern));
    assert_false(advice_regex_word(SPAN(""), &pattern));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_are_found_by_number_and_by_name),
        cmocka_unit_test(words_with_a_tilde_are_regexes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
