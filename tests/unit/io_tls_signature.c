/* Tests of io/tls_signature: what is signed by whom, and what is not. */
#include "../tls_bench.h"

#include "io/tls_trust.h"

static const struct bench_certificate certificates[] = {
    {"root", NULL, "/CN=root", BENCH_CA},
    {"rsa-root", NULL, "/CN=rsa-root", BENCH_CA, .key = "rsa"},
    {"rsa256", "rsa-root", "/CN=x", BENCH_LEAF, .more = "-sha256"},
    {"rsa384", "rsa-root", "/CN=x", BENCH_LEAF, .more = "-sha384"},
    {"rsa512", "rsa-root", "/CN=x", BENCH_LEAF, .more = "-sha512"},
    {"rsa1", "rsa-root", "/CN=x", BENCH_LEAF, .more = "-sha1"},
    {"rsa224", "rsa-root", "/CN=x", BENCH_LEAF, .more = "-sha224"},
    {"pss256", "rsa-root", "/CN=x", BENCH_LEAF,
     .more = "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest"},
    {"pss512", "rsa-root", "/CN=x", BENCH_LEAF,
     .more = "-sha512 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest"},
    {"pss-salt", "rsa-root", "/CN=x", BENCH_LEAF,
     .more = "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20"},
    {"pss-mask", "rsa-root", "/CN=x", BENCH_LEAF,
     .more = "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest "
             "-sigopt rsa_mgf1_md:sha512"},
    {"ec256", "root", "/CN=x", BENCH_LEAF, .more = "-sha256"},
    {"ec384", "root", "/CN=x", BENCH_LEAF, .more = "-sha384"},
    {"ec512", "root", "/CN=x", BENCH_LEAF, .more = "-sha512"},
    {"ec1", "root", "/CN=x", BENCH_LEAF, .more = "-sha1"},
    {"ed25519-root", NULL, "/CN=ed25519-root", BENCH_CA, .key = "ed25519"},
    {"ed25519", "ed25519-root", "/CN=x", BENCH_LEAF},
    {"ed448-root", NULL, "/CN=ed448-root", BENCH_CA, .key = "ed448"},
    {"ed448", "ed448-root", "/CN=x", BENCH_LEAF},
    {"short", NULL, "/CN=x", BENCH_LEAF, .key = "short"},
};

static const char keys[] = "g() { openssl genpkey -algorithm \"$@\"; }\n"
                           "g RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key\n"
                           "g RSA -pkeyopt rsa_keygen_bits:2040 -out short.key\n"
                           "g ED25519 -out ed25519.key\n"
                           "g ED448 -out ed448.key\n";

static const struct {
    const char *name, *issuer;
} good[] = {
    {"rsa256", "rsa-root"},
    {"rsa384", "rsa-root"},
    {"rsa512", "rsa-root"},
    {"pss256", "rsa-root"},
    {"pss512", "rsa-root"},
    {"ec256", "root"},
    {"ec384", "root"},
    {"ec512", "root"},
    {"ed25519", "ed25519-root"},
    {"ed448", "ed448-root"},
    {"ed25519-root", "ed25519-root"},
};

/* A certificate that is read from its file, and the memo of what was found good. */
static struct tls_trust *load(const char *name)
{
    char file[64], error[200];
    struct tls_trust *t = NULL;

    (void)snprintf(file, sizeof(file), "%s.pem", name);
    if (tls_trust_new(&(struct tls_trust_pem){bench_file(file), SPAN_NONE, SPAN_NONE}, &t, error,
                      sizeof(error)))
        fail_msg("%s: %s", name, error);
    return t;
}

static const struct x509_certificate *certificate_of(const struct tls_trust *t)
{
    return &t->anchors[0].certificate;
}

static void assert_signed(const char *name, const char *issuer, enum tls_signature expected)
{
    struct tls_trust *c = load(name), *ca = load(issuer);
    struct tls_signature_memo memo = {.digests = {{0}}};
    struct x509_signed sealed = certificate_of(c)->sealed;

    if (tls_signature_check(&sealed, certificate_of(ca)->key, &memo) != expected)
        fail_msg("%s by %s: not %d", name, issuer, (int)expected);
    tls_trust_free(c);
    tls_trust_free(ca);
}

static void signatures_of_every_kind_are_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++)
        assert_signed(good[i].name, good[i].issuer, SIGNATURE_GOOD);
}

/* Whatever the kinds of the signature and of the key. */
static void key_of_another_signs_nothing(void **state)
{
    static const char *const others[] = {"good", "rsa-root", "ed25519", "short", "ed448-root"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        for (size_t k = 0; k < COUNT_OF(others); k++) {
            if (strcmp(good[i].issuer, others[k]) != 0)
                assert_signed(good[i].name, others[k], SIGNATURE_BAD);
        }
    }
}

static void sha1_is_weak_also_when_it_is_right(void **state)
{
    (void)state;
    assert_signed("rsa1", "rsa-root", SIGNATURE_WEAK);
    assert_signed("ec1", "root", SIGNATURE_WEAK);
    assert_signed("ec1", "good", SIGNATURE_WEAK);
}

static void unknown_algorithms_and_parameters_are_bad(void **state)
{
    (void)state;
    assert_signed("rsa224", "rsa-root", SIGNATURE_BAD);
    assert_signed("pss-salt", "rsa-root", SIGNATURE_BAD);
    assert_signed("pss-mask", "rsa-root", SIGNATURE_BAD);
}

static void any_changed_byte_is_bad(void **state)
{
    struct tls_signature_memo memo = {.digests = {{0}}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        struct tls_trust *c = load(good[i].name), *ca = load(good[i].issuer);
        struct span key = certificate_of(ca)->key;
        struct x509_signed s = certificate_of(c)->sealed;
        /* In the trust's own bytes: the last one signed, and both ends of the signature. */
        size_t places[] = {(size_t)(s.text.data - c->der) + s.text.len - 1,
                           (size_t)(s.signature.data - c->der) + s.signature.len / 2,
                           (size_t)(s.signature.data - c->der) + s.signature.len - 1};

        assert_int_equal(tls_signature_check(&s, key, &memo), SIGNATURE_GOOD);
        for (size_t k = 0; k < COUNT_OF(places); k++) {
            c->der[places[k]] ^= 1;
            assert_int_equal(tls_signature_check(&s, key, &memo), SIGNATURE_BAD);
            c->der[places[k]] ^= 1;
        }
        s.signature.len--;
        assert_int_equal(tls_signature_check(&s, key, &memo), SIGNATURE_BAD);
        s.signature.len = 0;
        assert_int_equal(tls_signature_check(&s, key, &memo), SIGNATURE_BAD);
        tls_trust_free(c);
        tls_trust_free(ca);
    }
}

static bool is_empty(const struct tls_signature_memo *memo)
{
    static const struct tls_signature_memo empty;

    return memcmp(memo, &empty, sizeof(empty)) == 0;
}

static void only_good_signatures_are_remembered(void **state)
{
    struct tls_signature_memo memo = {.digests = {{0}}}, before;
    struct tls_trust *c = load("ec256"), *ca = load("root"), *other = load("good");
    const struct x509_signed *s = &certificate_of(c)->sealed;

    (void)state;
    assert_int_equal(tls_signature_check(s, certificate_of(other)->key, &memo), SIGNATURE_BAD);
    assert_true(is_empty(&memo));
    assert_int_equal(tls_signature_check(s, certificate_of(ca)->key, &memo), SIGNATURE_GOOD);
    assert_false(is_empty(&memo));
    before = memo;
    assert_int_equal(tls_signature_check(s, certificate_of(ca)->key, &memo), SIGNATURE_GOOD);
    assert_int_equal(tls_signature_check(s, certificate_of(other)->key, &memo), SIGNATURE_BAD);
    assert_memory_equal(&memo, &before, sizeof(memo));
    tls_trust_free(c);
    tls_trust_free(ca);
    tls_trust_free(other);
}

static void garbage_is_no_key_and_no_signature(void **state)
{
    struct tls_signature_memo memo = {.digests = {{0}}};
    struct tls_trust *ca = load("root");
    struct x509_signed s = certificate_of(ca)->sealed;

    (void)state;
    assert_int_equal(tls_signature_check(&s, SPAN("\x30\x02\x05\x00"), &memo), SIGNATURE_BAD);
    s.algorithm = SPAN("\x30\x02\x05\x00");
    assert_int_equal(tls_signature_check(&s, certificate_of(ca)->key, &memo), SIGNATURE_BAD);
    s.algorithm = SPAN_NONE;
    assert_int_equal(tls_signature_check(&s, certificate_of(ca)->key, &memo), SIGNATURE_BAD);
    tls_trust_free(ca);
}

static void rsa_needs_2048_bits(void **state)
{
    static const struct {
        const char *name;
        bool is_strong;
    } cases[] = {{"rsa-root", true}, {"short", false}, {"root", true}, {"ed25519-root", true}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct tls_trust *t = load(cases[i].name);

        assert_int_equal(tls_key_is_strong(certificate_of(t)->key), cases[i].is_strong);
        tls_trust_free(t);
    }
}

static int set_up(void **state)
{
    if (bench_init(state))
        return -1;
    bench_shell(keys);
    bench_make(certificates, COUNT_OF(certificates));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_of_every_kind_are_good),
        cmocka_unit_test(key_of_another_signs_nothing),
        cmocka_unit_test(sha1_is_weak_also_when_it_is_right),
        cmocka_unit_test(unknown_algorithms_and_parameters_are_bad),
        cmocka_unit_test(any_changed_byte_is_bad),
        cmocka_unit_test(only_good_signatures_are_remembered),
        cmocka_unit_test(garbage_is_no_key_and_no_signature),
        cmocka_unit_test(rsa_needs_2048_bits),
    };

    return cmocka_run_group_tests(tests, set_up, bench_deinit);
}
