/* Tests of core/span. */
#include "core/span.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void equality_is_of_length_and_bytes(void **state)
{
    assert_true(span_equals(SPAN("abc"), SPAN("abc")));
    assert_true(span_equals(SPAN("a\0c"), SPAN("a\0c")));
    assert_false(span_equals(SPAN("a\0c"), SPAN("a\0d")));
    assert_false(span_equals(SPAN("abc"), SPAN("abcd")));
    assert_false(span_equals(SPAN("abc"), SPAN("ABC")));
    assert_true(span_equals(SPAN_NONE, SPAN("")));
    assert_true(span_equals(SPAN_NONE, SPAN_NONE));
}

static void only_ascii_letters_have_case(void **state)
{
    assert_true(span_equals_nocase(SPAN("aZ-0"), SPAN("Az-0")));
    assert_false(span_equals_nocase(SPAN("a"), SPAN("ab")));
    assert_false(span_equals_nocase(SPAN("[@"), SPAN("{`")));
    assert_false(span_equals_nocase(SPAN("\xc3\xa9"), SPAN("\xc3\x89")));
    assert_true(span_equals_nocase(SPAN_NONE, SPAN("")));
    for (int c = 0; c < 256; c++) {
        bool is_upper = c >= 'A' && c <= 'Z';

        assert_int_equal(ascii_lower((char)c), (char)(is_upper ? c + 32 : c));
    }
}

static void beginnings_and_ends_are_compared(void **state)
{
    assert_true(span_starts_with(SPAN("abc"), SPAN("ab")));
    assert_true(span_starts_with(SPAN("abc"), SPAN("")));
    assert_true(span_starts_with(SPAN_NONE, SPAN_NONE));
    assert_false(span_starts_with(SPAN("ab"), SPAN("abc")));
    assert_false(span_starts_with(SPAN("abc"), SPAN("bc")));
    assert_true(span_starts_with_nocase(SPAN("ABc"), SPAN("ab")));
    assert_false(span_starts_with_nocase(SPAN("a"), SPAN("ab")));
    assert_true(span_ends_with(SPAN("abc"), SPAN("bc")));
    assert_true(span_ends_with(SPAN("abc"), SPAN("")));
    assert_true(span_ends_with(SPAN_NONE, SPAN_NONE));
    assert_false(span_ends_with(SPAN("bc"), SPAN("abc")));
    assert_false(span_ends_with(SPAN("abc"), SPAN("ab")));
}

static void spans_are_cut(void **state)
{
    assert_true(span_equals(span_skip(SPAN("abc"), 1), SPAN("bc")));
    assert_true(span_is_empty(span_skip(SPAN("abc"), 3)));
    assert_true(span_is_empty(span_skip(SPAN_NONE, 0)));
    assert_true(span_equals(span_take(SPAN("abc"), 2), SPAN("ab")));
    assert_true(span_is_empty(span_take(SPAN_NONE, 0)));
    assert_true(span_equals(span_of_cstr("abc"), SPAN("abc")));
    assert_true(span_is_empty(span_of_cstr(NULL)));
}

static void bytes_are_found(void **state)
{
    assert_int_equal(span_index_of(SPAN("abcb"), 'b'), 1);
    assert_int_equal(span_last_index_of(SPAN("abcb"), 'b'), 3);
    assert_int_equal(span_index_of(SPAN("abc"), 'x'), 3);
    assert_int_equal(span_last_index_of(SPAN("abc"), 'x'), 3);
    assert_int_equal(span_index_of(SPAN("a\0b"), '\0'), 1);
    assert_int_equal(span_index_of(SPAN("a\xff"), (char)0xff), 1);
    assert_int_equal(span_index_of(SPAN_NONE, 'a'), 0);
    assert_int_equal(span_last_index_of(SPAN_NONE, 'a'), 0);
}

static void only_spaces_and_tabs_are_trimmed(void **state)
{
    assert_true(span_equals(span_trim(SPAN(" \ta b\t ")), SPAN("a b")));
    assert_true(span_equals(span_trim(SPAN("\va\r\n")), SPAN("\va\r\n")));
    assert_int_equal(span_trim(SPAN(" \t ")).len, 0);
    assert_int_equal(span_trim(SPAN_NONE).len, 0);
}

static void lists_give_their_elements(void **state)
{
    struct span list = SPAN(" a ,b c,, ,\td\t,");
    struct span element = SPAN_NONE;

    assert_true(span_next_element(&list, &element));
    assert_true(span_equals(element, SPAN("a")));
    assert_true(span_next_element(&list, &element));
    assert_true(span_equals(element, SPAN("b c")));
    assert_true(span_next_element(&list, &element));
    assert_true(span_equals(element, SPAN("d")));
    assert_false(span_next_element(&list, &element));
    assert_false(span_next_element(&list, &element));
    list = SPAN(" , ,");
    assert_false(span_next_element(&list, &element));
    list = SPAN_NONE;
    assert_false(span_next_element(&list, &element));
}

static void numbers_are_digits_only(void **state)
{
    static const char *const bad[] = {"",    "-1", "+1", " 1", "1 ", "0x1",
                                      "1.0", "a",  "1a", "/",  ":"};
    uint64_t value = 7;

    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(span_to_u64(span_of_cstr(bad[i]), &value), -EINVAL);
    assert_int_equal(span_to_u64(SPAN("1\0"), &value), -EINVAL);
    assert_int_equal(span_to_u64(SPAN_NONE, &value), -EINVAL);
    assert_int_equal(span_to_u64(SPAN("18446744073709551616"), &value), -ERANGE);
    assert_int_equal(span_to_u64(SPAN("99999999999999999999"), &value), -ERANGE);
    assert_int_equal(value, 7);
    assert_int_equal(span_to_u64(SPAN("0"), &value), 0);
    assert_int_equal(value, 0);
    assert_int_equal(span_to_u64(SPAN("0042"), &value), 0);
    assert_int_equal(value, 42);
    assert_int_equal(span_to_u64(SPAN("18446744073709551615"), &value), 0);
    assert_true(value == UINT64_MAX);
}

static void assert_escaped(struct span s, size_t size, const char *expected)
{
    /* Of its own, so that a sanitizer sees a byte too many. */
    char *out = malloc(size ? size : 1);
    size_t n;

    assert_non_null(out);
    n = span_escape(s, out, size);
    assert_true(span_equals(span_of(out, n), span_of_cstr(expected)));
    free(out);
}

static void unsafe_bytes_are_escaped(void **state)
{
    assert_escaped(SPAN("a b~"), 100, "a b~");
    assert_escaped(SPAN("a\r\n\"\\\0\x7f\xff"), 100, "a\\x0D\\x0A\\x22\\x5C\\x00\\x7F\\xFF");
    assert_escaped(SPAN_NONE, 100, "");
    for (int c = 0; c < 256; c++) {
        char byte = (char)c;
        char out[4];
        bool is_safe = c >= 0x20 && c <= 0x7e && c != '"' && c != '\\';

        assert_int_equal(span_escape(span_of(&byte, 1), out, sizeof(out)), is_safe ? 1 : 4);
    }
}

static void escapes_are_never_cut(void **state)
{
    assert_escaped(SPAN("abc"), 2, "ab");
    assert_escaped(SPAN("abc"), 0, "");
    assert_escaped(SPAN("a\nb"), 5, "a\\x0A");
    assert_escaped(SPAN("a\nb"), 4, "a");
    assert_escaped(SPAN("\n"), 3, "");
}

static void hashes_tell_texts_apart(void **state)
{
    static const char text[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    uint64_t hashes[sizeof(text)];

    for (size_t len = 0; len < sizeof(text); len++) {
        hashes[len] = span_hash(span_of(text, len));
        for (size_t i = 0; i < len; i++)
            assert_true(hashes[i] != hashes[len]);
    }
    for (size_t at = 0; at + 1 < sizeof(text); at++) {
        char other[sizeof(text)];

        memcpy(other, text, sizeof(text));
        other[at] ^= 1;
        for (size_t len = at + 1; len < sizeof(text); len++)
            assert_true(span_hash(span_of(other, len)) != hashes[len]);
    }
    assert_true(span_hash(SPAN_NONE) == span_hash(SPAN("")));
    assert_true(span_hash(SPAN("ab")) != span_hash(SPAN("ba")));
    /* The published test vector of FNV-1a. */
    assert_true(span_hash_nocase(SPAN("FooBar")) == 0x85944171f73967e8u);
    assert_true(span_hash_nocase(SPAN("\xc9")) != span_hash_nocase(SPAN("\xe9")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equality_is_of_length_and_bytes),
        cmocka_unit_test(only_ascii_letters_have_case),
        cmocka_unit_test(beginnings_and_ends_are_compared),
        cmocka_unit_test(spans_are_cut),
        cmocka_unit_test(bytes_are_found),
        cmocka_unit_test(only_spaces_and_tabs_are_trimmed),
        cmocka_unit_test(lists_give_their_elements),
        cmocka_unit_test(numbers_are_digits_only),
        cmocka_unit_test(unsafe_bytes_are_escaped),
        cmocka_unit_test(escapes_are_never_cut),
        cmocka_unit_test(hashes_tell_texts_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
