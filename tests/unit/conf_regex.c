/* Tests of conf/regex. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "conf/regex.h"

#define HEAP_FAILED 121 /* PCRE2_ERROR_HEAP_FAILED */

static bool has_no_heap;

/* PCRE2's, which allocates by itself. */
void *pcre2_compile_8(const unsigned char *pattern, size_t len, uint32_t options, int *code,
                      size_t *offset, void *context);
void *pcre2_compile_8(const unsigned char *pattern, size_t len, uint32_t options, int *code,
                      size_t *offset, void *context)
{
    void *(*compile)(const unsigned char *, size_t, uint32_t, int *, size_t *, void *);
    void *found = dlsym(RTLD_NEXT, "pcre2_compile_8");

    assert_non_null(found);
    memcpy(&compile, &found, sizeof(found));
    if (!has_no_heap)
        return compile(pattern, len, options, code, offset, context);
    *code = HEAP_FAILED;
    return NULL;
}

static struct regex *compiled(const char *pattern, bool ignores_case)
{
    struct regex *r = NULL;
    char error[256] = "";

    if (regex_new(span_of_cstr(pattern), ignores_case, &r, error, sizeof(error)) < 0)
        fail_msg("%s", error);
    return r;
}

static bool matches(const char *pattern, bool ignores_case, struct span subject,
                    struct captures *captures)
{
    struct regex_scratch *s = regex_scratch_new();
    struct regex *r = compiled(pattern, ignores_case);
    bool is_match;

    assert_non_null(s);
    is_match = regex_match(r, subject, s, captures);
    regex_free(r);
    regex_scratch_free(s);
    return is_match;
}

static void patterns_match_anywhere_unless_anchored(void **state)
{
    (void)state;
    assert_true(matches("\\.php$", false, SPAN("/a/b.php"), NULL));
    assert_false(matches("\\.php$", false, SPAN("/a/b.php/c"), NULL));
    assert_false(matches("^/b", false, SPAN("/a/b"), NULL));
    assert_true(matches("", false, SPAN_NONE, NULL));
    assert_true(matches("^$", false, SPAN_NONE, NULL));
}

static void case_is_ignored_when_asked(void **state)
{
    (void)state;
    assert_false(matches("\\.jpg$", false, SPAN("/A.JPG"), NULL));
    assert_true(matches("\\.jpg$", true, SPAN("/A.JPG"), NULL));
    assert_true(matches("(?i)\\.jpg$", false, SPAN("/A.JPG"), NULL));
}

static void subjects_are_bytes(void **state)
{
    (void)state;
    assert_true(matches("^/a\\x00b$", false, SPAN("/a\0b"), NULL));
    assert_true(matches("^..$", false, SPAN("\xff\xfe"), NULL));
    assert_true(matches("^..$", false, SPAN("\xc3\xbc"), NULL));
    assert_true(matches("(*UTF)^.$", false, SPAN("\xc3\xbc"), NULL));
}

static void captures_are_views_into_the_subject(void **state)
{
    struct span subject = SPAN("/u/ann/x.png");
    struct captures c;

    (void)state;
    assert_true(matches("^/u/([a-z]+)/(.*)\\.(png|gif)$", false, subject, &c));
    assert_int_equal(c.count, 4);
    assert_true(span_equals(c.at[0], subject));
    assert_true(span_equals(c.at[1], SPAN("ann")));
    assert_ptr_equal(c.at[1].data, subject.data + 3);
    assert_true(span_equals(c.at[2], SPAN("x")));
    assert_true(span_equals(c.at[3], SPAN("png")));
    assert_null(c.at[4].data);
}

static void groups_that_took_no_part_have_no_data(void **state)
{
    struct captures c;

    (void)state;
    memset(&c, 0xff, sizeof(c));
    assert_true(matches("(a)|(b)|()c(d)?", false, SPAN("b"), &c));
    assert_null(c.at[1].data);
    assert_true(span_equals(c.at[2], SPAN("b")));
    assert_null(c.at[3].data);
    assert_null(c.at[4].data);
    assert_null(c.at[9].data);
    assert_true(matches("(a)|(b)|()c(d)?", false, SPAN("c"), &c));
    assert_non_null(c.at[3].data);
    assert_int_equal(c.at[3].len, 0);
    assert_null(c.at[4].data);
}

static void no_match_leaves_captures_alone(void **state)
{
    struct captures c = {.count = 7, .at[1] = SPAN("kept")};

    (void)state;
    assert_false(matches("(a)", false, SPAN("b"), &c));
    assert_int_equal(c.count, 7);
    assert_true(span_equals(c.at[1], SPAN("kept")));
}

static void groups_beyond_the_ninth_are_not_captured(void **state)
{
    struct captures c;

    (void)state;
    assert_true(matches("(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)", false, SPAN("abcdefghijk"), &c));
    assert_int_equal(c.count, REGEX_CAPTURES_MAX);
    assert_true(span_equals(c.at[9], SPAN("i")));
}

static void named_groups_have_numbers(void **state)
{
    struct regex *r = compiled("^(?<user>[a-z]+)-(x)-(?P<part>.+)$", false);
    size_t number, user;
    struct span name;

    (void)state;
    /* In the order of their names. */
    assert_true(regex_named_group(r, 0, &name, &number));
    assert_true(span_equals(name, SPAN("part")));
    assert_int_equal(number, 3);
    assert_true(regex_named_group(r, 1, &name, &user));
    assert_true(span_equals(name, SPAN("user")));
    assert_int_equal(user, 1);
    assert_false(regex_named_group(r, 2, &name, &number));
    regex_free(r);
}

static void named_groups_are_bound_to_variables(void **state)
{
    struct regex *r = compiled("^(?<user>[a-z]+)-(x)-(?P<part>.+)$", false);
    size_t number, variable;

    (void)state;
    regex_bind(r, 0, 7);
    regex_bind(r, 1, 2);
    assert_true(regex_bound_group(r, 0, &number, &variable));
    assert_int_equal(number, 3);
    assert_int_equal(variable, 7);
    assert_true(regex_bound_group(r, 1, &number, &variable));
    assert_int_equal(number, 1);
    assert_int_equal(variable, 2);
    assert_false(regex_bound_group(r, 2, &number, &variable));
    regex_free(r);
}

static void captures_tell_which_regex_matched(void **state)
{
    struct regex_scratch *s = regex_scratch_new();
    struct regex *r = compiled("^(?<a>.)", false);
    struct captures c = {0};

    (void)state;
    assert_true(regex_match(r, SPAN("xy"), s, &c));
    assert_ptr_equal(c.regex, r);
    assert_true(span_equals(c.at[1], SPAN("x")));
    regex_free(r);
    regex_scratch_free(s);
}

static void assert_refused(const char *pattern, const char *message)
{
    char error[256] = "";
    struct regex *r;

    assert_int_equal(regex_new(span_of_cstr(pattern), false, &r, error, sizeof(error)), -EINVAL);
    assert_string_equal(error, message);
}

static void bad_patterns_are_refused_in_nginx_words(void **state)
{
    (void)state;
    assert_refused("(a", "pcre2_compile() failed: missing closing parenthesis in \"(a\"");
    assert_refused("a**b",
                   "pcre2_compile() failed: quantifier does not follow a repeatable item in "
                   "\"a**b\" at \"*b\"");
    assert_refused("(.)(.)(.)(.)(.)(.)(.)(.)(.)(?<late>.)",
                   "group \"late\" is beyond the 9th in "
                   "\"(.)(.)(.)(.)(.)(.)(.)(.)(.)(?<late>.)\"");
}

static void messages_fit_into_what_the_caller_has(void **state)
{
    char error[16];
    struct regex *r;

    (void)state;
    assert_int_equal(regex_new(SPAN("(a"), false, &r, error, sizeof(error)), -EINVAL);
    assert_string_equal(error, "pcre2_compile()");
}

static double seconds(void)
{
    struct timespec t;

    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t), 0);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void runaway_patterns_are_stopped_and_reported(void **state)
{
    struct regex_scratch *s = regex_scratch_new();
    struct regex *r = compiled("^(a+)+$", false);
    double begin = seconds();
    char subject[4096];

    (void)state;
    memset(subject, 'a', sizeof(subject));
    subject[sizeof(subject) - 1] = '!';
    assert_false(regex_take_runaway(s));
    assert_false(regex_match(r, span_of(subject, sizeof(subject)), s, NULL));
    assert_true(seconds() - begin < 0.2);
    assert_true(regex_take_runaway(s));
    assert_false(regex_take_runaway(s));
    assert_false(regex_match(r, SPAN("b"), s, NULL));
    assert_false(regex_take_runaway(s));
    assert_true(regex_match(r, span_of(subject, sizeof(subject) - 1), s, NULL));
    regex_free(r);
    regex_scratch_free(s);
}

static void bytes_that_are_no_utf8_do_not_slip_by_unnoticed(void **state)
{
    struct regex_scratch *s = regex_scratch_new();
    struct regex *r = compiled("(*UTF)^/private", false);

    (void)state;
    assert_false(regex_match(r, SPAN("/private/\xff"), s, NULL));
    assert_true(regex_take_runaway(s));
    regex_free(r);
    regex_scratch_free(s);
}

#define ROUNDS 2000

static void *match_many_times(void *regex)
{
    struct regex_scratch *s = regex_scratch_new();
    struct captures c;

    for (size_t i = 0; s && i < ROUNDS; i++) {
        if (!regex_match(regex, SPAN("/a/12"), s, &c) || !span_equals(c.at[1], SPAN("12")))
            return regex;
    }
    regex_scratch_free(s);
    return s ? NULL : regex;
}

static void threads_share_a_regex(void **state)
{
    struct regex *r = compiled("^/a/([0-9]+)$", false);
    pthread_t threads[4];
    void *result;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, match_many_times, r), 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_null(result);
    }
    regex_free(r);
}

static void nothing_may_be_freed(void **state)
{
    (void)state;
    regex_free(NULL);
    regex_scratch_free(NULL);
}

static void lack_of_memory_is_no_fault_of_the_pattern(void **state)
{
    struct regex *r = NULL;
    char error[256] = "";

    (void)state;
    has_no_heap = true;
    assert_int_equal(regex_new(SPAN("a"), false, &r, error, sizeof(error)), -ENOMEM);
    has_no_heap = false;
    assert_null(r);
    assert_string_equal(error, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match_anywhere_unless_anchored),
        cmocka_unit_test(lack_of_memory_is_no_fault_of_the_pattern),
        cmocka_unit_test(case_is_ignored_when_asked),
        cmocka_unit_test(subjects_are_bytes),
        cmocka_unit_test(captures_are_views_into_the_subject),
        cmocka_unit_test(groups_that_took_no_part_have_no_data),
        cmocka_unit_test(no_match_leaves_captures_alone),
        cmocka_unit_test(groups_beyond_the_ninth_are_not_captured),
        cmocka_unit_test(named_groups_have_numbers),
        cmocka_unit_test(named_groups_are_bound_to_variables),
        cmocka_unit_test(captures_tell_which_regex_matched),
        cmocka_unit_test(bad_patterns_are_refused_in_nginx_words),
        cmocka_unit_test(messages_fit_into_what_the_caller_has),
        cmocka_unit_test(runaway_patterns_are_stopped_and_reported),
        cmocka_unit_test(bytes_that_are_no_utf8_do_not_slip_by_unnoticed),
        cmocka_unit_test(threads_share_a_regex),
        cmocka_unit_test(nothing_may_be_freed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
