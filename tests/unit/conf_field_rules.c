/* Tests of conf/field_rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conf/field_rules.h"

static void each_flag_has_a_bit_of_its_own(void **state)
{
    static const char *const words[] = {"secure",          "nosecure",     "httponly",
                                        "nohttponly",      "samesite=lax", "samesite=none",
                                        "SameSite=Strict", "NOSAMESITE"};
    unsigned all = 0;

    for (size_t i = 0; i < COUNT_OF(words); i++) {
        unsigned flag = cookie_flag_of(span_of_cstr(words[i]));

        assert_int_not_equal(flag, 0);
        assert_int_equal(all & flag, 0);
        all |= flag;
    }
    assert_int_equal(all, 255);
}

static void other_words_are_no_flags(void **state)
{
    static const char *const words[] = {"", "secur", "secured", "samesite", "samesite=", "max-age"};

    for (size_t i = 0; i < COUNT_OF(words); i++)
        assert_int_equal(cookie_flag_of(span_of_cstr(words[i])), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_flag_has_a_bit_of_its_own),
        cmocka_unit_test(other_words_are_no_flags),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
