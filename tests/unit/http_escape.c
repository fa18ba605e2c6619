/* Tests of http/escape. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/escape.h"
#include "http/message.h"

static void assert_text(struct span got, const char *expected)
{
    if (!span_equals(got, span_of_cstr(expected)))
        fail_msg("%.*s and not %s", SPAN_ARG(got), expected);
}

static void escaped_paths_come_back(void **state)
{
    struct arena a;
    char all[256];
    struct span escaped;
    struct span back;

    arena_init(&a, 64, 0);
    assert_true(span_equals(path_escape(SPAN("/a b?c#d%"), &a), SPAN("/a%20b%3Fc%23d%25")));
    assert_true(span_equals(path_escape(SPAN("/\r\n\xff\""), &a), SPAN("/%0D%0A%FF%22")));
    assert_true(
        span_equals(path_escape(SPAN("/a:@!$&'()*+,;=-._~[]"), &a), SPAN("/a:@!$&'()*+,;=-._~[]")));
    all[0] = '/';
    for (int c = 1; c < 256; c++)
        all[c] = (char)c;
    escaped = path_escape(span_of(all, sizeof(all)), &a);
    assert_true(field_value_is_valid(escaped));
    assert_int_equal(path_normalize(escaped, false, &a, &back), 0);
    assert_true(span_equals(back, span_of(all, sizeof(all))));
    arena_deinit(&a);
}

static void what_means_something_among_arguments_is_escaped(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, 1024, 0);
    assert_text(args_escape(SPAN("a b&c+d%e#f;g?h"), &a), "a%20b%26c%2Bd%25e%23f%3Bg%3Fh");
    assert_text(args_escape(SPAN("\"<>\\^`{|}"), &a), "%22%3C%3E%5C%5E%60%7B%7C%7D");
    assert_text(args_escape(SPAN("\x01\x1f\x7f\xc3\xbc"), &a), "%01%1F%7F%C3%BC");
    assert_text(args_escape(span_of("\0", 1), &a), "%00");
    arena_deinit(&a);
}

static void the_rest_of_arguments_is_not_copied(void **state)
{
    struct span plain = SPAN("azAZ09-._~!$'()*,/:=@[]");
    struct arena a;

    (void)state;
    arena_init(&a, 1024, 0);
    assert_ptr_equal(args_escape(plain, &a).data, plain.data);
    assert_ptr_equal(redirect_unescape(plain, &a).data, plain.data);
    arena_deinit(&a);
}

static void what_is_no_target_is_escaped(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, 1024, 0);
    assert_text(target_escape(SPAN("/a b\r\n\x7f\xc3\xbc?%20&+#\"<"), &a),
                "/a%20b%0D%0A%7F%C3%BC?%20&+#\"<");
    arena_deinit(&a);
}

static void printable_bytes_of_a_redirect_are_decoded(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, 1024, 0);
    assert_text(redirect_unescape(SPAN("/%41%2f%7e%26"), &a), "/A/~&");
    assert_text(redirect_unescape(SPAN("/%20%25%24%7F%c3%00"), &a), "/%20%25%24%7F%c3%00");
    arena_deinit(&a);
}

static void arguments_of_a_redirect_stay_as_they_are(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, 1024, 0);
    assert_text(redirect_unescape(SPAN("/%41?%41"), &a), "/A?%41");
    assert_text(redirect_unescape(SPAN("/%41%3f%41"), &a), "/A?%41");
    arena_deinit(&a);
}

static void a_broken_escape_goes(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, 1024, 0);
    assert_text(redirect_unescape(SPAN("/a%zzb"), &a), "/azzb");
    assert_text(redirect_unescape(SPAN("/a%4xb"), &a), "/ab");
    assert_text(redirect_unescape(SPAN("/a%"), &a), "/a");
    assert_text(redirect_unescape(SPAN("/a%4"), &a), "/a");
    assert_text(redirect_unescape(SPAN("%%41"), &a), "%41");
    arena_deinit(&a);
}

static void want_of_memory_is_told(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, 64, 1);
    assert_null(path_escape(SPAN("/ "), &a).data);
    assert_non_null(path_escape(SPAN("/a"), &a).data);
    assert_null(args_escape(SPAN(" "), &a).data);
    assert_null(target_escape(SPAN(" "), &a).data);
    assert_null(redirect_unescape(SPAN("%41"), &a).data);
    arena_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escaped_paths_come_back),
        cmocka_unit_test(what_means_something_among_arguments_is_escaped),
        cmocka_unit_test(the_rest_of_arguments_is_not_copied),
        cmocka_unit_test(what_is_no_target_is_escaped),
        cmocka_unit_test(printable_bytes_of_a_redirect_are_decoded),
        cmocka_unit_test(arguments_of_a_redirect_stay_as_they_are),
        cmocka_unit_test(a_broken_escape_goes),
        cmocka_unit_test(want_of_memory_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
