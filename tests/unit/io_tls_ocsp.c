/* Tests of io/tls_ocsp: what cannot be an answer. Good ones, and each kind of bad one, are fetched
 * in the system's tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../conf_certificates.h"

#include "io/tls_ocsp.h"

/* A certificate that signed itself is its own issuer. */
static struct tls_ocsp *one(void)
{
    struct tls_ocsp *o;

    assert_int_equal(tls_ocsp_new(span_of_cstr(one_pem), SPAN_NONE, false, &o), 0);
    return o;
}

static void without_its_issuer_there_is_nothing_to_ask(void **state)
{
    static const char broken[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    struct tls_ocsp *o = NULL;

    (void)state;
    assert_int_equal(tls_ocsp_new(span_of_cstr(broken), SPAN_NONE, false, &o), -EINVAL);
    assert_int_equal(tls_ocsp_new(span_of_cstr(broken), span_of_cstr(one_pem), false, &o), -EINVAL);
    assert_null(o);
}

static void request_names_the_certificate_by_its_serial(void **state)
{
    static const char serial[] = {2, 2, 0x10, 0x01};
    struct tls_ocsp *o = one();
    char request[TLS_OCSP_REQUEST_BYTES];
    size_t len = tls_ocsp_request(o, request);

    (void)state;
    assert_int_equal(request[0], 0x30);
    assert_int_equal(request[1], len - 2);
    assert_memory_equal(request + len - sizeof(serial), serial, sizeof(serial));
    assert_int_equal(tls_ocsp_url(o).len, 0);
    tls_ocsp_free(o);
}

/* Each cut and each changed byte of something that is nearly an answer. */
static void noise_is_no_answer(void **state)
{
    static const unsigned char nearly[] = {
        0x30, 0x30, 0x0a, 1,    0,    0xa0, 0x2b, 0x30, 0x29, 6,    9, 0x2b, 6, 1,    5, 5,   7,
        0x30, 1,    1,    4,    0x1c, 0x30, 0x1a, 0x30, 0x10, 0xa1, 2, 5,    0, 0x18, 1, '1', 0x30,
        7,    0x30, 5,    0x30, 0,    0x80, 0,    4,    0x30, 2,    6, 0,    3, 2,    0, 1};
    struct tls_ocsp *o = one();
    char reason[TLS_REASON_BYTES];
    int64_t expires_s;

    (void)state;
    assert_true(tls_ocsp_is_answer(span_of((const char *)nearly, sizeof(nearly))));
    for (size_t len = 0; len <= sizeof(nearly); len++) {
        char *copy = malloc(len + 1);

        assert_non_null(copy);
        for (unsigned change = 0; change < 256; change += len ? 5 : 255) {
            memcpy(copy, nearly, len);
            if (len)
                copy[len - 1] ^= (char)change;
            *reason = '\0';
            assert_false(tls_ocsp_check(o, span_of(copy, len), 0, &expires_s, reason));
            assert_true(*reason);
        }
        assert_false(len < sizeof(nearly) && tls_ocsp_is_answer(span_of(copy, len)));
        free(copy);
    }
    tls_ocsp_free(o);
}

static void errors_of_the_responder_are_told(void **state)
{
    static const unsigned char busy[] = {0x30, 3, 0x0a, 1, 3};
    struct span answer = span_of((const char *)busy, sizeof(busy));
    struct tls_ocsp *o = one();
    char reason[TLS_REASON_BYTES];
    int64_t expires_s;

    (void)state;
    assert_false(tls_ocsp_check(o, answer, 0, &expires_s, reason));
    assert_string_equal(reason, "the responder answers with error 3");
    assert_false(tls_ocsp_is_answer(answer));
    tls_ocsp_free(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_its_issuer_there_is_nothing_to_ask),
        cmocka_unit_test(request_names_the_certificate_by_its_serial),
        cmocka_unit_test(noise_is_no_answer),
        cmocka_unit_test(errors_of_the_responder_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
