/* Tests of proxy/password. Lines as openssl passwd, htpasswd and crypt(3) write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/password.h"

#define LONG "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct line {
    const char *password, *stored;
} lines[] = {
    {"correct", "{PLAIN}correct"},
    {"", "{PLAIN}"},
    {"correct", "{SHA}MXmmXv8lI7veU8mbKZtxnBCjUjU="},
    {"correct", "{SHA}MXmmXv8lI7veU8mbKZtxnBCjUjU"},
    {"correct", "{SSHA}2rlfI8DfIeNQFPZuOcV2hWQp5TBzYWx0"},
    {"p", "$apr1$saltsalt$DvQTBz1xHwXJP55FHhmOj."},
    {"", "$apr1$saltsalt$a8ml/vK5HEjiZ5oypDWA7/"},
    {"correct", "$apr1$saltsalt$M2b95Jota4AKoI/tH3eyJ/"},
    {"0123456789abcdefX", "$apr1$saltsalt$LfuSL9ZILkjbm4wSfIBPn."},
    {LONG, "$apr1$saltsalt$Fb3oq0W8TKx2bES51Nn6q1"},
    {"correct", "$1$saltsalt$vJGv3yjnb4q1hmqlwCuXG0"},
    {"correct", "$5$saltsalt$bM2NOMXBvP/yo4CGWbQ.USJSeF5uzaT2H3bDmiXYqo1"},
    {"correct", "$6$saltsalt$VFNygchiuqzGiJ9btXBYiRPWRSB8Mft4djhLapjuz82wz4q5uySRx4UUVvzmJaOudX"
                "yOkZbCLlWgcj/gdgAe.1"},
    {"correct", "abpWIu4f4hFp2"},
    {"correct", "$2y$04$abcdefghijklmnopqrstuu2Vo3TWutZSHUfluiaHt5gekKPzGepHC"},
    {"correct", "$y$j75$saltsalt$6rNG5il4HwlaB/uv3k7n1WLB7L3mMIXUOfC27UczG14"},
};

static int set_up(void **state)
{
    *state = password_scratch_new();
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    password_scratch_free(*state);
    return 0;
}

static bool fits(void **state, const char *password, const char *stored)
{
    return password_fits(span_of_cstr(password), span_of_cstr(stored), *state);
}

static void the_password_of_a_line_fits(void **state)
{
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        if (!fits(state, lines[i].password, lines[i].stored))
            fail_msg("%s", lines[i].stored);
    }
}

static void no_other_password_fits(void **state)
{
    static const char *const wrong[] = {"correcT", "correc", "correct ", "Correct", "x", LONG "a"};

    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        for (size_t k = 0; k < COUNT_OF(wrong); k++) {
            if (fits(state, wrong[k], lines[i].stored))
                fail_msg("%s fits %s", wrong[k], lines[i].stored);
        }
    }
}

static void a_line_that_is_cut_fits_nothing(void **state)
{
    char stored[128];

    for (size_t i = 2; i < COUNT_OF(lines); i++) {
        size_t len = strlen(lines[i].stored);

        if (i == 2) /* its '=' can be missing */
            continue;
        memcpy(stored, lines[i].stored, len);
        for (size_t cut = 0; cut < len; cut++) {
            if (i == 4 && cut >= sizeof("{SSHA}") - 1 + 28)
                continue; /* the digest with less of its salt is another one, whole */
            if (password_fits(span_of_cstr(lines[i].password), span_of(stored, cut), *state))
                fail_msg("%.*s", (int)cut, stored);
        }
    }
}

static void what_is_no_scheme_fits_nothing(void **state)
{
    static const char *const bad[] = {"",       "*",       "*0",    "*1",  "!",        "x",
                                      "{SHA}",  "{SSHA}",  "$1$",   "$6$", "$apr1$",   "$apr1$$",
                                      "{MD5}a", "$2y$99$", "$9$a$", ":",   "{SHA}####"};

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (fits(state, "", bad[i]) || fits(state, "*0", bad[i]) || fits(state, bad[i], bad[i]))
            fail_msg("%s", bad[i]);
    }
}

static void a_password_has_512_bytes_at_most_and_no_nul_for_crypt(void **state)
{
    char password[PASSWORD_BYTES_MAX + 1], stored[PASSWORD_BYTES_MAX + 16] = "{PLAIN}";

    memset(password, 'a', sizeof(password));
    memcpy(stored + 7, password, sizeof(password));
    assert_true(password_fits(span_of(password, PASSWORD_BYTES_MAX),
                              span_of(stored, 7 + PASSWORD_BYTES_MAX), *state));
    assert_false(password_fits(span_of(password, PASSWORD_BYTES_MAX + 1),
                               span_of(stored, 7 + PASSWORD_BYTES_MAX + 1), *state));
    assert_false(password_fits(SPAN("correct\0x"), SPAN("abpWIu4f4hFp2"), *state));
    assert_false(password_fits(SPAN("correct"), SPAN("abpWIu4f4hFp2\0"), *state));
    /* Of the longest password each part of the digest is taken. */
    assert_false(password_fits(span_of(password, PASSWORD_BYTES_MAX),
                               SPAN("$apr1$saltsalt$Fb3oq0W8TKx2bES51Nn6q1"), *state));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_password_of_a_line_fits),
        TEST(no_other_password_fits),
        TEST(a_line_that_is_cut_fits_nothing),
        TEST(what_is_no_scheme_fits_nothing),
        TEST(a_password_has_512_bytes_at_most_and_no_nul_for_crypt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
