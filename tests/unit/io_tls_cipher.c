/* Tests of io/tls_cipher: strings select what they select with openssl(1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "io/tls_cipher.h"

#define TEXT_BYTES 8192

/* The names of TLS 1.2 in a list that we have, each with a colon behind. */
static void keep_ours(const char *list, char *out)
{
    struct tls_suites all;
    char copy[TEXT_BYTES], error[200];

    assert_int_equal(tls_suites_select(SPAN("ALL"), &all, error, sizeof(error)), 0);
    (void)snprintf(copy, sizeof(copy), "%s", list);
    out[0] = '\0';
    for (char *name = strtok(copy, ":\n"); name; name = strtok(NULL, ":\n")) {
        for (size_t i = 0; i < all.count; i++) {
            if (!all.rows[i]->is_tls13 && strcmp(all.rows[i]->openssl_name, name) == 0)
                strcat(strcat(out, name), ":");
        }
    }
}

static void openssl_says(const char *string, char *out)
{
    char command[512], list[TEXT_BYTES] = "";
    FILE *f;

    /* Debian's default security level leaves out what clients may still ask for. */
    (void)snprintf(command, sizeof(command), "openssl ciphers -tls1_2 '%s:@SECLEVEL=0'", string);
    f = popen(command, "r");
    assert_non_null(f);
    assert_non_null(fgets(list, sizeof(list), f));
    (void)pclose(f);
    keep_ours(list, out);
}

static const char *const strings[] = {
    "HIGH:!aNULL:!MD5",
    "DEFAULT",
    "ALL",
    "ECDHE+AESGCM:DHE+AESGCM",
    "!kRSA:ALL",
    "ALL:-AES:AES128",
    "ALL:+aRSA:+AES256",
    "ECDHE:@STRENGTH",
    "AES128:AES256:@STRENGTH",
    "AES128:AES256@STRENGTH",
    "ALL:-ECDHE:ALL",
    "kDHE:ECDHE:!SHA1",
    "TLSv1.2+ECDHE",
    "SHA384:SHA256",
    "ALL:+SHA1:-CHACHA20:CHACHA20",
    "ALL:-AES128:-AES256:AES",
    "EECDH+ECDSA+AESGCM:EECDH+aRSA+AESGCM:EECDH:EDH+aRSA:!aNULL:!eNULL:!LOW:!3DES:!MD5:!RC4",
    "ALL:!ADH:!EXPORT:+HIGH:+MEDIUM",
    "ECDHE-RSA-AES128-GCM-SHA256:ALL",
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-SHA:AES128-SHA:DES-CBC3-SHA",
    "FIPS:@STRENGTH",
    "SSLv3",
    "TLSv1",
    "AESGCM AES,CHACHA20;SHA",
    "DH:!DHE-RSA-AES128-SHA",
    "HIGH:@SECLEVEL=1",
};

static void strings_select_what_openssl_selects(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(strings); i++) {
        char expected[TEXT_BYTES], ours[TEXT_BYTES], text[TEXT_BYTES], error[200] = "";
        struct tls_suites s;
        size_t len;

        openssl_says(strings[i], expected);
        if (tls_suites_select(span_of_cstr(strings[i]), &s, error, sizeof(error)))
            fail_msg("%s: %s", strings[i], error);
        len = tls_suites_text(&s, text, sizeof(text));
        assert_int_equal(len, strlen(text));
        keep_ours(text, ours);
        if (strcmp(ours, expected) != 0)
            fail_msg("%s: %s instead of %s", strings[i], ours, expected);
    }
}

static void assert_selects(const char *string, const char *expected)
{
    char error[200] = "", text[TEXT_BYTES];
    struct tls_suites s;

    if (tls_suites_select(span_of_cstr(string), &s, error, sizeof(error)))
        fail_msg("%s: %s", string, error);
    (void)tls_suites_text(&s, text, sizeof(text));
    assert_string_equal(text, expected);
}

static void tls13_stays_unless_it_is_named(void **state)
{
#define ALL_OF_TLS13 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

    (void)state;
    assert_selects("ECDHE-RSA-AES128-SHA", ALL_OF_TLS13 ":ECDHE-RSA-AES128-SHA");
    assert_selects("TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384");
    assert_selects("TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:ECDHE-RSA-AES128-SHA",
                   "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:ECDHE-RSA-AES128-SHA");
    assert_selects("!TLS_AES_128_GCM_SHA256:ECDHE-RSA-AES128-SHA",
                   "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:ECDHE-RSA-AES128-SHA");
    assert_selects("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", ALL_OF_TLS13 ":ECDHE-RSA-AES128-SHA");
}

static void words_that_nobody_knows_select_nothing_and_are_named(void **state)
{
    static const struct {
        const char *string, *unknown;
    } cases[] = {
        {"ECDHE-RSA-AES128-SHA:foo:bar", "foo"},
        {"foo+AES128:ECDHE-RSA-AES128-SHA", "foo"},
        {"ECDHE-RSA-AES128-SHA:!ecdhe", "ecdhe"},
        {"ECDHE-RSA-AES256-GCM-SHA512:ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES256-GCM-SHA512"},
        {"ECDHE-RSA-AES128-SHA:TLS13-AES-256-GCM-SHA384", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct tls_suites s;
        char error[200];

        assert_int_equal(tls_suites_select(span_of_cstr(cases[i].string), &s, error, sizeof(error)),
                         0);
        assert_true(span_equals(s.unknown, span_of_cstr(cases[i].unknown)));
        assert_selects(cases[i].string, ALL_OF_TLS13 ":ECDHE-RSA-AES128-SHA");
    }
}

static void what_is_no_cipher_string_is_refused(void **state)
{
    static const struct {
        const char *string, *error;
    } cases[] = {
        {"HIGH:!", "a name is missing"},
        {"ECDHE++RSA", "a name is missing"},
        {"foo", "no cipher match in \"foo\""},
        {"ECDHE+", "nothing follows the \"+\" of \"ECDHE+\""},
        {"HIGH:@FOO", "unknown cipher command \"@FOO\""},
        {"HIGH:@SECLEVEL=x", "unknown cipher command \"@SECLEVEL=x\""},
        {"HIGH:@SECLEVEL=3", "security level 3 is not supported, 2 is the highest"},
        {"RC4", "no cipher match in \"RC4\""},
        {"", "no cipher match in \"\""},
        {"kRSA:3DES", "no cipher match in \"kRSA:3DES\""},
        {"TLS_AES_128_GCM_SHA256:!TLS_AES_128_GCM_SHA256",
         "no cipher match in \"TLS_AES_128_GCM_SHA256:!TLS_AES_128_GCM_SHA256\""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct tls_suites s;
        char error[200];

        assert_int_equal(tls_suites_select(span_of_cstr(cases[i].string), &s, error, sizeof(error)),
                         -EINVAL);
        assert_string_equal(error, cases[i].error);
    }
}

static void words_that_openssl_knows_are_no_error(void **state)
{
    static const char *const known[] = {
        "aNULL",
        "eNULL",
        "NULL",
        "kRSA",
        "RSA",
        "CAMELLIA",
        "ARIA",
        "SEED",
        "IDEA",
        "GOST",
        "PSK",
        "SRP",
        "EXPORT",
        "LOW",
        "MEDIUM",
        "3DES",
        "RC4",
        "MD5",
        "AESCCM",
        "COMPLEMENTOFDEFAULT",
        "AES256-SHA",
        "EXP-RC4-MD5",
        "DHE-DSS-AES256-SHA",
        "EDH-RSA-DES-CBC3-SHA",
        "NULL-SHA256",
        "ECDHE-ECDSA-AES256-CCM8",
        "SRP-RSA-AES-256-CBC-SHA",
        "TLS_RSA_WITH_AES_128_CBC_SHA",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        char string[200], error[200];
        struct tls_suites s;

        (void)snprintf(string, sizeof(string), "HIGH:!%s:%s", known[i], known[i]);
        if (tls_suites_select(span_of_cstr(string), &s, error, sizeof(error)))
            fail_msg("%s", error);
    }
}

static void suites_are_found_by_number(void **state)
{
    struct tls_suites all;
    char error[200];

    (void)state;
    assert_int_equal(tls_suites_select(SPAN("ALL"), &all, error, sizeof(error)), 0);
    for (size_t i = 0; i < all.count; i++)
        assert_ptr_equal(tls_suite_by_id(all.rows[i]->id), all.rows[i]);
    assert_null(tls_suite_by_id(0x0005));
}

static void suites_with_dhe_are_known(void **state)
{
    static const struct {
        const char *text;
        bool have_dhe;
    } rows[] = {
        {"HIGH", true}, {"ECDHE", false}, {"DHE-RSA-AES128-SHA", true}, {"!DHE:HIGH", false}};
    struct tls_suites suites;
    char error[256];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(
            tls_suites_select(span_of_cstr(rows[i].text), &suites, error, sizeof(error)), 0);
        assert_int_equal(tls_suites_have_dhe(&suites), rows[i].have_dhe);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_select_what_openssl_selects),
        cmocka_unit_test(suites_with_dhe_are_known),
        cmocka_unit_test(tls13_stays_unless_it_is_named),
        cmocka_unit_test(words_that_nobody_knows_select_nothing_and_are_named),
        cmocka_unit_test(what_is_no_cipher_string_is_refused),
        cmocka_unit_test(words_that_openssl_knows_are_no_error),
        cmocka_unit_test(suites_are_found_by_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
