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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(token_is_made_of_tchar),
        cmocka_unit_test(plain_names_are_letters_digits_and_dashes),
        cmocka_unit_test(reg_name_is_unreserved_and_sub_delims),
        cmocka_unit_test(path_is_pchar_and_slashes),
        cmocka_unit_test(class_may_be_one_of_several),
        cmocka_unit_test(hex_digits_have_their_value_and_nothing_else_has_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
