/* Tests of io/tls_validity. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../conf_certificates.h"
#include "io/tls_validity.h"

#define YEAR_2020_S INT64_C(1577836800)
#define YEAR_2120_S INT64_C(4733510400)

static struct span joined(struct arena *a, const char *first, const char *second)
{
    struct span text = arena_printf(a, "%s%s", first, second);

    assert_non_null(text.data);
    return text;
}

static void each_certificate_is_read(void **state)
{
    struct tls_validity v;
    struct arena a;
    struct span pem;

    arena_init(&a, 4096, 0);
    pem = joined(&a, one_pem, two_pem);
    assert_true(tls_validity_next(&pem, &a, &v));
    assert_string_equal(v.subject, "CN=one.example");
    assert_int_equal(v.not_before_s, YEAR_2020_S);
    assert_int_equal(v.not_after_s, YEAR_2120_S);
    assert_true(tls_validity_next(&pem, &a, &v));
    assert_string_equal(v.subject, "CN=two.example");
    assert_false(tls_validity_next(&pem, &a, &v));
    arena_deinit(&a);
}

static void what_is_no_certificate_is_passed_over(void **state)
{
    static const char bad[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    static const char worse[] = "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n";
    struct tls_validity v;
    struct arena a;
    struct span pem;

    arena_init(&a, 4096, 0);
    pem = joined(&a, bad, one_key);
    pem = joined(&a, pem.data, worse);
    pem = joined(&a, pem.data, two_pem);
    assert_true(tls_validity_next(&pem, &a, &v));
    assert_string_equal(v.subject, "CN=two.example");
    pem = SPAN("");
    assert_false(tls_validity_next(&pem, &a, &v));
    arena_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_certificate_is_read),
        cmocka_unit_test(what_is_no_certificate_is_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
