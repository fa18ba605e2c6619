/* Tests of io/tls_trust: what is taken out of PEM, what is passed over, and what is an error. */
#include "../tls_bench.h"

#include "io/tls_trust.h"

#define BAD_CERTIFICATE "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"
#define NO_BASE64 "-----BEGIN CERTIFICATE-----\n????\n-----END CERTIFICATE-----\n"

static char error[200];

/* The root's certificate between two texts. */
static struct span around(const char *before, const char *after)
{
    static char text[2][8192];
    static unsigned turn;
    char *out = text[turn++ % 2];
    int len =
        snprintf(out, sizeof(text[0]), "%s%.*s%s", before, SPAN_ARG(bench_file("root.pem")), after);

    assert_true(len > 0 && len < (int)sizeof(text[0]));
    return span_of(out, (size_t)len);
}

static void assert_count(struct span pem, struct span more, size_t count)
{
    struct tls_trust *t = NULL;

    if (tls_trust_new(&(struct tls_trust_pem){pem, more, SPAN_NONE}, &t, error, sizeof(error)))
        fail_msg("%s", error);
    assert_int_equal(t->anchor_count, count);
    assert_false(t->has_crls);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(t->anchors[i].subject_hash, span_hash(t->anchors[i].certificate.subject));
    tls_trust_free(t);
}

static void assert_refused(struct span pem, struct span more, struct span crl, const char *text)
{
    struct tls_trust *t = NULL;

    assert_int_equal(
        tls_trust_new(&(struct tls_trust_pem){pem, more, crl}, &t, error, sizeof(error)), -EINVAL);
    assert_string_equal(error, text);
    assert_null(t);
}

static void certificates_of_both_texts_are_taken(void **state)
{
    struct span root = bench_file("root.pem"), good = bench_file("good.pem");

    (void)state;
    assert_count(root, SPAN_NONE, 1);
    assert_count(SPAN_NONE, good, 1);
    assert_count(root, good, 2);
    assert_count(around("words before\n", "words behind\n"), SPAN_NONE, 1);
    assert_count(SPAN_NONE, SPAN_NONE, 0);
}

static void unreadable_certificates_are_passed_over(void **state)
{
    (void)state;
    assert_count(around(BAD_CERTIFICATE, ""), SPAN_NONE, 1);
    assert_count(around(NO_BASE64, BAD_CERTIFICATE), SPAN_NONE, 1);
    assert_count(around("-----BEGIN EC PRIVATE KEY-----\nMAA=\n-----END EC PRIVATE KEY-----\n", ""),
                 SPAN_NONE, 1);
}

static void text_without_a_certificate_is_an_error(void **state)
{
    static const char *const texts[] = {"x", BAD_CERTIFICATE, NO_BASE64};
    struct span root = bench_file("root.pem");

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct span text = span_of_cstr(texts[i]);

        assert_refused(text, root, SPAN_NONE,
                       "cannot load CA certificates: no PEM certificate found");
        assert_refused(root, text, SPAN_NONE,
                       "cannot load trusted certificates: no PEM certificate found");
    }
}

#define CUT ": the PEM block in line %zu is cut, it has no END line"

static size_t lines_of(struct span text)
{
    size_t lines = 0;

    for (size_t i = 0; i < text.len; i++)
        lines += text.data[i] == '\n';
    return lines;
}

/* Each list and certificate, cut at every byte of it, behind a good one and alone. */
static void cut_blocks_are_refused_wherever_they_stand(void **state)
{
    static const char *const files[] = {"root.pem", "root.crl"};
    struct span root = bench_file("root.pem");
    char text[8192], ca[200], more[200], crl[200];

    (void)state;
    for (size_t i = 0; i < 2 * COUNT_OF(files); i++) {
        struct span block = bench_file(files[i % 2]), good = i < 2 ? block : SPAN_NONE;
        size_t line = lines_of(good) + 1;

        (void)snprintf(ca, sizeof(ca), "cannot load CA certificates" CUT, line);
        (void)snprintf(more, sizeof(more), "cannot load trusted certificates" CUT, line);
        (void)snprintf(crl, sizeof(crl), "cannot load CRL" CUT, line);
        for (size_t len = sizeof("-----BEGIN ") - 1; len + 1 < block.len; len++) {
            struct span cut = span_of(text, good.len + len);

            (void)snprintf(text, sizeof(text), "%.*s%.*s", SPAN_ARG(good),
                           SPAN_ARG(span_take(block, len)));
            assert_refused(cut, SPAN_NONE, SPAN_NONE, ca);
            assert_refused(root, cut, SPAN_NONE, more);
            assert_refused(root, SPAN_NONE, cut, crl);
        }
    }
}

/* Of two files in one, only the first of which breaks off. */
static void cut_block_before_a_good_one_is_refused(void **state)
{
    struct span root = bench_file("root.pem"), list = bench_file("root.crl");
    char text[8192];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const char *between = i ? "\n" : "";

        (void)snprintf(text, sizeof(text), "%.*s%s%.*s", SPAN_ARG(span_take(list, list.len / 2)),
                       between, SPAN_ARG(list));
        assert_refused(root, SPAN_NONE, span_of_cstr(text),
                       "cannot load CRL: the PEM block in line 1 is cut, it has no END line");
        (void)snprintf(text, sizeof(text), "%.*s%s%.*s", SPAN_ARG(span_take(root, root.len / 2)),
                       between, SPAN_ARG(root));
        assert_refused(span_of_cstr(text), SPAN_NONE, SPAN_NONE,
                       "cannot load CA certificates: the PEM block in line 1 is cut, it has no "
                       "END line");
    }
}

static void lists_are_taken_all_or_none(void **state)
{
    struct span root = bench_file("root.pem"), crl = bench_file("root.crl");
    char both[8192];
    struct tls_trust *t = NULL;
    int len = snprintf(both, sizeof(both),
                       "%.*s-----BEGIN X509 CRL-----\nMAA=\n-----END X509 "
                       "CRL-----\n",
                       SPAN_ARG(crl));

    (void)state;
    assert_int_equal(
        tls_trust_new(&(struct tls_trust_pem){root, SPAN_NONE, crl}, &t, error, sizeof(error)), 0);
    assert_true(t->has_crls);
    assert_int_equal(t->crl_count, 1);
    assert_true(span_equals(t->crls[0].issuer, t->anchors[0].certificate.subject));
    tls_trust_free(t);
    assert_refused(root, SPAN_NONE, span_of(both, (size_t)len),
                   "cannot load CRL: a list in it cannot be read");
    assert_refused(root, SPAN_NONE, root, "cannot load CRL: no PEM CRL found");
    tls_trust_free(NULL);
}

static int set_up(void **state)
{
    if (bench_init(state))
        return -1;
    bench_shell("printf '[c]\\ndatabase=db\\ndefault_md=sha256\\n' >crl.cnf; : >db\n"
                "openssl ca -gencrl -config crl.cnf -name c -cert root.pem -keyfile ca.key "
                "-crldays 30 -out root.crl\n");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates_of_both_texts_are_taken),
        cmocka_unit_test(unreadable_certificates_are_passed_over),
        cmocka_unit_test(text_without_a_certificate_is_an_error),
        cmocka_unit_test(cut_blocks_are_refused_wherever_they_stand),
        cmocka_unit_test(cut_block_before_a_good_one_is_refused),
        cmocka_unit_test(lists_are_taken_all_or_none),
    };

    return cmocka_run_group_tests(tests, set_up, bench_deinit);
}
