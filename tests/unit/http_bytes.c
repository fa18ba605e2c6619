/* Tests of http/bytes: the table against the grammars, written out a second time. */
#include "http/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ALPHA "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGIT "0123456789"
#define UNRESERVED ALPHA DIGIT "-._~" /* RFC 3986 section 2.3 */
#define SUB_DELIMS "!$&'()*+,;="      /* RFC 3986 section 2.2 */

static void assert_set(unsigned class, const char *members)
{
    for (int i = 0; i < 256; i++) {
        bool is_member = i && strchr(members, i);

        if (byte_is((char)i, class) != is_member)
            fail_msg("byte 0x%02x: %s", (unsigned)i, is_member ? "missing" : "too much");
    }
}

static void token_is_made_of_tchar(void **state)
{
    assert_set(BYTE_TOKEN, "!#$%&'*+-.^_`|~" DIGIT ALPHA);
}

static void plain_names_are_letters_digits_and_dashes(void **state)
{
    assert_set(BYTE_PLAIN, ALPHA DIGIT "-");
}

static void reg_name_is_unreserved_and_sub_delims(void **state)
{
    assert_set(BYTE_REG_NAME, UNRESERVED SUB_DELIMS);
}

static void path_is_pchar_and_slashes(void **state)
{
    assert_set(BYTE_PATH, UNRESERVED SUB_DELIMS ":@/");
}

static void class_may_be_one_of_several(void **state)
{
    assert_set(BYTE_PLAIN | BYTE_PATH, UNRESERVED SUB_DELIMS ":@/");
    assert_set(0, "");
}

static void hex_digits_have_their_value_and_nothing_else_has_one(void **state)
{
    static const char digits[] = "0123456789abcdef", capitals[] = "0123456789ABCDEF";

    for (int i = 0; i < 256; i++) {
        const char *at = i ? strchr(digits, i) : NULL;
        int expected = at ? (int)(at - digits) : -1;

        at = i ? strchr(capitals, i) : NULL;
        if (at)
            expected = (int)(at - capitals);
        assert_int_equal(byte_hex_value((char)i), expected);
    }
}

static size_t text_end_byte_by_byte(struct span s)
{
    size_t i = 0;

    while (i < s.len && (s.data[i] == '\t' || (unsigned char)s.data[i] >= 0x20) &&
           s.data[i] != 0x7f)
        i++;
    return i;
}

static void text_ends_at_the_first_control_byte(void **state)
{
    static const char bytes[] = "\t\t\ta\x80\xff ~\x1f\x7f\r\n";
    unsigned short seed[3] = {1, 2, 3};
    char text[40];

    for (int round = 0; round < 100000; round++) {
        /* Few control bytes in some rounds, many in others. */
        size_t kinds = round % 2 ? sizeof(bytes) : 9;
        struct span s = span_of(text, (size_t)nrand48(seed) % (sizeof(text) + 1));

        for (size_t i = 0; i < sizeof(text); i++)
            text[i] = bytes[(size_t)nrand48(seed) % kinds];
        assert_int_equal(text_end(s), text_end_byte_by_byte(s));
    }
    assert_int_equal(text_end(SPAN_NONE), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(token_is_made_of_tchar),
        cmocka_unit_test(plain_names_are_letters_digits_and_dashes),
        cmocka_unit_test(reg_name_is_unreserved_and_sub_delims),
        cmocka_unit_test(path_is_pchar_and_slashes),
        cmocka_unit_test(class_may_be_one_of_several),
        cmocka_unit_test(hex_digits_have_their_value_and_nothing_else_has_one),
        cmocka_unit_test(text_ends_at_the_first_control_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
