/* Tests of io/tls_context: settings that work, and what is said of those that do not. */
#include <sys/stat.h>

#include "../tls_bench.h"

static const struct bench_certificate certificates[] = {
    {"root", NULL, "/CN=root", BENCH_CA},
    {"good", "root", "/CN=good", BENCH_SAN},
    {"ed", "root", "/CN=ed", BENCH_SAN, .key = "ed25519"},
    {"rsa", "root", "/CN=rsa", BENCH_SAN, .key = "rsa"},
};

/* The same key in every wrapping that openssl(1) knows. */
static const char keys[] =
    "openssl genpkey -algorithm ED25519 -out ed25519.key\n"
    "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key\n"
    "openssl pkcs8 -topk8 -in leaf.key -out pkcs8.key -passout pass:secret\n"
    "openssl pkcs8 -topk8 -in leaf.key -out pkcs8-3des.key -v2 des3 -passout pass:secret\n"
    "openssl ec -in leaf.key -out aes.key -aes128 -passout pass:secret\n"
    "openssl ec -in leaf.key -out 3des.key -des3 -passout pass:secret\n"
    "openssl ec -in leaf.key -out sec1.key\n"
    "openssl rsa -in rsa.key -out pkcs1.key -traditional\n"
    "openssl rsa -in rsa.key -out rsa-aes.key -aes256 -passout pass:secret -traditional\n"
    "openssl pkcs8 -topk8 -in rsa.key -out rsa-pkcs8.key -passout pass:secret\n"
    "openssl genpkey -genparam -algorithm DH -pkeyopt group:ffdhe2048 -out dh.pem\n"
    "openssl dhparam -dsaparam -out dh-1984.pem 1984\n"
    "printf '%s\\n' '-----BEGIN CERTIFICATE-----' 'AAAA' '-----END CERTIFICATE-----' >broken.pem\n"
    "printf '%s\\n' '-----BEGIN PRIVATE KEY-----' 'AAAA' '-----END PRIVATE KEY-----' >broken.key\n";

static struct tls_server_shared *shared;

/* The message for a server with this pair; empty when it works. */
static const char *complaint(const char *certificate, const char *key,
                             const struct tls_passwords *passwords)
{
    static char error[TLS_ERROR_BYTES];
    struct tls_pair pair = bench_pair(certificate, key);
    struct tls_server_settings s = bench_server_settings(&pair);
    struct tls_context *c = NULL;
    int rc;

    if (passwords)
        s.passwords = *passwords;
    rc = tls_context_new_server(&s, shared, &c, error);
    assert_int_equal(rc, error[0] ? -EINVAL : 0);
    tls_context_free(c);
    return error;
}

static void pairs_of_every_kind_are_loaded(void **state)
{
    (void)state;
    assert_string_equal(complaint("good.pem", "leaf.key", NULL), "");
    assert_string_equal(complaint("good.pem", "sec1.key", NULL), "");
    assert_string_equal(complaint("rsa.pem", "rsa.key", NULL), "");
    assert_string_equal(complaint("rsa.pem", "pkcs1.key", NULL), "");
    assert_string_equal(complaint("ed.pem", "ed25519.key", NULL), "");
    assert_string_equal(complaint("joined.pem", "joined.pem", NULL), "");
    assert_string_equal(complaint("with-text.pem", "leaf.key", NULL), "");
}

static void bad_pairs_are_named(void **state)
{
    static const char bad[] =
        "cannot load certificate: bad PEM, or of a kind that wolfSSL does not read";

    (void)state;
    assert_string_equal(complaint("leaf.key", "leaf.key", NULL),
                        "cannot load certificate: no PEM certificate found");
    assert_string_equal(complaint("good.pem", "good.pem", NULL),
                        "cannot load key: no PEM private key found");
    assert_string_equal(complaint("good.pem", "ca.key", NULL),
                        "key does not match the certificate");
    assert_string_equal(complaint("good.pem", "rsa.key", NULL),
                        "key does not match the certificate");
    assert_string_equal(complaint("broken.pem", "leaf.key", NULL), bad);
    assert_true(strlen(complaint("good.pem", "broken.key", NULL)) > 0);
}

/* The message for a server whose files are these texts; empty when it works. */
static const char *complaint_of(struct span certificate, struct span key)
{
    static char error[TLS_ERROR_BYTES];
    struct span right = SPAN("secret");
    struct tls_pair pair = {certificate, key};
    struct tls_server_settings s = bench_server_settings(&pair);
    struct tls_context *c = NULL;
    int rc;

    s.passwords = (struct tls_passwords){&right, 1};
    rc = tls_context_new_server(&s, shared, &c, error);
    assert_int_equal(rc, error[0] ? -EINVAL : 0);
    tls_context_free(c);
    return error;
}

#define CUT ": the PEM block in line %zu is cut, it has no END line"
#define BEGIN_BYTES (sizeof("-----BEGIN ") - 1)

/* The leaf, or what stands behind it. */
static void cut_chains_are_refused(void **state)
{
    struct span leaf = bench_file("good.pem"), root = bench_file("root.pem");
    struct span key = bench_file("leaf.key");
    char chain[8192], expected[TLS_ERROR_BYTES];
    size_t line = 1;

    (void)state;
    for (size_t i = 0; i < leaf.len; i++)
        line += leaf.data[i] == '\n';
    (void)snprintf(chain, sizeof(chain), "%.*s%.*s", SPAN_ARG(leaf), SPAN_ARG(root));
    (void)snprintf(expected, sizeof(expected), "cannot load certificate" CUT, (size_t)1);
    for (size_t len = BEGIN_BYTES; len + 1 < leaf.len; len++)
        assert_string_equal(complaint_of(span_take(leaf, len), key), expected);
    (void)snprintf(expected, sizeof(expected), "cannot load certificate" CUT, line);
    for (size_t len = BEGIN_BYTES; len + 1 < root.len; len++)
        assert_string_equal(complaint_of(span_of(chain, leaf.len + len), key), expected);
    assert_string_equal(complaint_of(span_of(chain, leaf.len + root.len - 1), key), "");
}

/* Also an encrypted one: it is not the password that is wrong. */
static void cut_keys_are_refused(void **state)
{
    static const char *const names[] = {"leaf.key", "sec1.key", "aes.key", "pkcs8.key"};
    struct span leaf = bench_file("good.pem");

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct span key = bench_file(names[i]);

        for (size_t len = BEGIN_BYTES; len + 1 < key.len; len++)
            assert_string_equal(complaint_of(leaf, span_take(key, len)),
                                "cannot load key: the PEM block in line 1 is cut, it has no END "
                                "line");
        assert_string_equal(complaint_of(leaf, span_take(key, key.len - 1)), "");
    }
}

static void passwords_are_tried_in_turn(void **state)
{
    static const char *const wrapped[] = {"pkcs8.key", "pkcs8-3des.key", "aes.key", "3des.key"};
    static const char *const wrapped_rsa[] = {"rsa-aes.key", "rsa-pkcs8.key"};
    struct span right[] = {SPAN("wrong"), SPAN("secret")}, wrong[] = {SPAN("wrong"), SPAN("")};
    struct tls_passwords fitting = {right, 2}, useless = {wrong, 2};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrapped); i++) {
        assert_string_equal(complaint("good.pem", wrapped[i], &fitting), "");
        assert_string_equal(complaint("good.pem", wrapped[i], &useless),
                            "key is encrypted and no password fits");
        assert_string_equal(complaint("good.pem", wrapped[i], NULL),
                            "key is encrypted and no password fits");
    }
    for (size_t i = 0; i < COUNT_OF(wrapped_rsa); i++)
        assert_string_equal(complaint("rsa.pem", wrapped_rsa[i], &fitting), "");
}

static void client_needs_authorities_to_verify(void **state)
{
    struct tls_client_settings s = bench_client_settings();
    char error[TLS_ERROR_BYTES];
    struct tls_context *c = NULL;

    (void)state;
    s.ca_pem = SPAN_NONE;
    assert_int_equal(tls_context_new_client(&s, &c, error), -EINVAL);
    assert_string_equal(error, "cannot load CA certificates: no PEM certificate found");
    s.ca_pem = bench_file("root.pem");
    s.crl_pem = SPAN("no list");
    assert_int_equal(tls_context_new_client(&s, &c, error), -EINVAL);
    assert_string_equal(error, "cannot load CRL: no PEM CRL found");
    s.crl_pem = SPAN_NONE;
    s.key_log_path = "/nonexistent/keys";
    assert_int_equal(tls_context_new_client(&s, &c, error), -EINVAL);
    assert_string_equal(error,
                        "cannot open key log \"/nonexistent/keys\": No such file or directory");
}

static void suites_have_to_fit_the_protocols(void **state)
{
    struct tls_client_settings s = bench_client_settings();
    char error[TLS_ERROR_BYTES];
    struct tls_context *c = NULL;

    (void)state;
    s.suites = bench_suites("TLS_AES_128_GCM_SHA256");
    s.protocols = TLS_PROTOCOL_1_2;
    assert_int_equal(tls_context_new_client(&s, &c, error), -EINVAL);
    assert_string_equal(error, "no cipher suite for the protocols");
}

/* Every suite of the table is one that wolfSSL has: it loads, and both ends agree on it. */
static void every_suite_works(void **state)
{
    struct tls_suites all = bench_suites("ALL");

    (void)state;
    for (size_t i = 0; i < all.count; i++) {
        const char *name = all.rows[i]->openssl_name;
        bool is_rsa = strstr(name, "-RSA-") != NULL;
        struct tls_pair pair =
            is_rsa ? bench_pair("rsa.pem", "rsa.key") : bench_pair("good.pem", "leaf.key");
        struct tls_client_settings c = bench_client_settings();
        struct tls_server_settings s = bench_server_settings(&pair);
        struct tls_context *client, *server;
        struct bench b = {.options = {.sni = SPAN("a.example")}};

        s.dh_params_pem = bench_file("dh.pem");
        c.suites = bench_suites(name);
        c.protocols = all.rows[i]->is_tls13 ? TLS_PROTOCOL_1_3 : TLS_PROTOCOL_1_2;
        client = bench_client(&c);
        server = bench_server(&s, shared);
        if (!bench_connect(&b, client, server))
            fail_msg("%s", name);
        assert_string_equal(tls_suite_name(b.client.tls), name);
        bench_disconnect(&b);
        tls_context_free(client);
        tls_context_free(server);
    }
}

static void curves_are_taken_in_their_order(void **state)
{
    static const struct {
        const char *curves, *used;
    } cases[] = {
        {"", "X25519"},
        {"auto", "X25519"},
        {"X25519:P-256", "X25519"},
        {"prime256v1", "prime256v1"},
        {"secp384r1:X448", "secp384r1"},
        {"secp521r1", "secp521r1"},
    };
    struct tls_pair pair = bench_pair("good.pem", "leaf.key");
    struct tls_server_settings s = bench_server_settings(&pair);
    struct tls_client_settings c = bench_client_settings();
    char error[TLS_ERROR_BYTES];
    struct tls_context *client = bench_client(&c), *server;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bench b = {.options = {.sni = SPAN("a.example")}};

        s.curves = span_of_cstr(cases[i].curves);
        server = bench_server(&s, shared);
        assert_true(bench_connect(&b, client, server));
        assert_string_equal(tls_curve_name(b.client.tls), cases[i].used);
        bench_disconnect(&b);
        tls_context_free(server);
    }
    s.curves = SPAN("X25519:foo");
    assert_int_equal(tls_context_new_server(&s, shared, &server, error), -EINVAL);
    assert_string_equal(error, "unknown curve \"foo\"");
    tls_context_free(client);
}

/* The message for a server with these settings and so many certificates. */
static const char *complaint_of_server(struct tls_server_settings *s, size_t pair_count)
{
    static char error[TLS_ERROR_BYTES];
    struct tls_pair pairs[9];
    struct tls_context *c = NULL;
    int rc;

    assert_true(pair_count <= COUNT_OF(pairs));
    for (size_t i = 0; i < pair_count; i++)
        pairs[i] = bench_pair("good.pem", "leaf.key");
    s->pairs = pairs;
    s->pair_count = pair_count;
    rc = tls_context_new_server(s, shared, &c, error);
    assert_int_equal(rc, error[0] ? -EINVAL : 0);
    assert_int_equal(c == NULL, rc != 0);
    tls_context_free(c);
    return error;
}

static void server_has_one_to_eight_certificates(void **state)
{
    struct tls_server_settings s = bench_server_settings(NULL);

    (void)state;
    assert_string_equal(complaint_of_server(&s, 0), "no certificate is set");
    assert_string_equal(complaint_of_server(&s, 1), "");
    assert_string_equal(complaint_of_server(&s, 8), "");
    assert_string_equal(complaint_of_server(&s, 9), "too many certificates, 8 are possible");
    tls_context_free(NULL);
}

/* As of the second pair, where the first one is good. */
static void each_pair_of_a_server_is_checked(void **state)
{
    struct tls_pair pairs[] = {bench_pair("good.pem", "leaf.key"), bench_pair("rsa.pem", "ca.key")};
    struct tls_server_settings s = bench_server_settings(pairs);
    char error[TLS_ERROR_BYTES];
    struct tls_context *c = NULL;

    (void)state;
    s.pair_count = 2;
    assert_int_equal(tls_context_new_server(&s, shared, &c, error), -EINVAL);
    assert_string_equal(error, "key does not match the certificate");
    assert_null(c);
}

static void parameters_of_dh_have_2048_bits(void **state)
{
    static const char bad[] = "cannot load DH parameters: bad PEM, or under 2048 bits";
    static const char *const refused[] = {"dh-1984.pem", "good.pem", "broken.pem"};
    struct tls_server_settings s = bench_server_settings(NULL);

    (void)state;
    s.dh_params_pem = bench_file("dh.pem");
    assert_string_equal(complaint_of_server(&s, 1), "");
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        s.dh_params_pem = bench_file(refused[i]);
        assert_string_equal(complaint_of_server(&s, 1), bad);
    }
}

static void server_that_verifies_names_what_it_cannot_read(void **state)
{
    struct tls_server_settings s = bench_server_settings(NULL);

    (void)state;
    s.crl_pem = SPAN("no list"); /* not looked at where nothing is verified */
    assert_string_equal(complaint_of_server(&s, 1), "");
    s.verify_client = VERIFY_CLIENT_ON;
    s.client_ca_pem = bench_file("root.pem");
    assert_string_equal(complaint_of_server(&s, 1), "cannot load CRL: no PEM CRL found");
    s.crl_pem = SPAN_NONE;
    assert_string_equal(complaint_of_server(&s, 1), "");
    s.client_ca_pem = SPAN("no authority");
    assert_true(strlen(complaint_of_server(&s, 1)) > 0);
}

#define TEN "X25519:X25519:X25519:X25519:X25519:X25519:X25519:X25519:X25519:P-256"

static void curves_are_known_by_all_their_names(void **state)
{
    static const struct {
        const char *curves, *message;
    } rows[] = {
        {"x25519", ""},
        {"PRIME256V1:secp256r1:P-256", ""},
        {"secp384r1:P-384:secp521r1:P-521", ""},
        {"X448", ""},
        {"X25519:", ""},
        {"X25519::P-256", "unknown curve \"\""},
        {":", "unknown curve \"\""},
        {"auto:X25519", "unknown curve \"auto\""},
        {"X2551", "unknown curve \"X2551\""},
        {TEN, ""},
        {TEN ":P-384", "unknown curve \"P-384\""},
    };
    struct tls_server_settings s = bench_server_settings(NULL);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        s.curves = span_of_cstr(rows[i].curves);
        assert_string_equal(complaint_of_server(&s, 1), rows[i].message);
    }
}

/* --- one settings, several certificates ------------------------------------------------------- */

/* The subject that a server sees; empty without a certificate. */
static const char *shown_subject(struct tls_context *client, struct tls_context *server)
{
    struct bench b = {.options = {.sni = SPAN("a.example")}};
    static char subject[64];
    const struct tls_client_certificate *seen;

    assert_true(bench_connect(&b, client, server));
    seen = tls_client_certificate(b.server.tls);
    (void)snprintf(subject, sizeof(subject), "%.*s", SPAN_ARG(seen->subject_dn));
    bench_disconnect(&b);
    return subject;
}

static void a_certified_context_shows_its_own_pair(void **state)
{
    struct tls_pair pair = bench_pair("good.pem", "leaf.key"),
                    rsa = bench_pair("rsa.pem", "rsa-pkcs8.key");
    struct tls_server_settings s = bench_server_settings(&pair);
    struct tls_client_settings settings = bench_client_settings();
    const struct span secret = SPAN("secret");
    const struct tls_passwords none = {NULL, 0}, fitting = {&secret, 1};
    struct tls_context *base = bench_client(&settings), *good, *other, *server;
    char error[TLS_ERROR_BYTES];

    (void)state;
    s.verify_client = VERIFY_CLIENT_OPTIONAL;
    s.client_ca_pem = bench_file("root.pem");
    server = bench_server(&s, shared);
    assert_int_equal(tls_context_new_certified(base, &pair, &none, &good, error), 0);
    assert_int_equal(tls_context_new_certified(base, &rsa, &fitting, &other, error), 0);
    assert_string_equal(shown_subject(base, server), "");
    assert_string_equal(shown_subject(good, server), "CN=good");
    assert_string_equal(shown_subject(other, server), "CN=rsa");
    tls_context_free(good);
    assert_string_equal(shown_subject(other, server), "CN=rsa"); /* nothing shared went with it */
    tls_context_free(other);
    tls_context_free(base);
    tls_context_free(server);
}

static void a_certified_context_trusts_as_its_base_does(void **state)
{
    struct tls_pair pair = bench_pair("good.pem", "leaf.key");
    struct tls_server_settings s = bench_server_settings(&pair);
    struct tls_client_settings settings = bench_client_settings();
    const struct tls_passwords none = {NULL, 0};
    char error[TLS_ERROR_BYTES];

    (void)state;
    settings.protocols = TLS_PROTOCOL_1_2;
    for (int verifies = 0; verifies < 2; verifies++) {
        struct bench b = {.options = {.sni = SPAN("a.example"), .name_count = (size_t)verifies}};
        struct tls_context *base, *certified, *server = bench_server(&s, shared);

        b.options.names[0].text = SPAN("b.example");
        settings.verifies = verifies;
        base = bench_client(&settings);
        assert_int_equal(tls_context_new_certified(base, &pair, &none, &certified, error), 0);
        assert_int_equal(bench_connect(&b, certified, server), !verifies);
        if (!verifies)
            assert_string_equal(tls_protocol_name(b.client.tls), "TLSv1.2");
        bench_disconnect(&b);
        tls_context_free(certified);
        tls_context_free(base);
        tls_context_free(server);
    }
}

static void a_certified_context_needs_a_good_pair(void **state)
{
    static const struct {
        const char *certificate, *key, *message;
        bool is_of_key;
    } rows[] = {
        {"good.pem", "ca.key", "key does not match the certificate", false},
        {"leaf.key", "leaf.key", "cannot load certificate: no PEM certificate found", false},
        {"good.pem", "good.pem", "cannot load key: no PEM private key found", true},
        {"good.pem", "pkcs8.key", "key is encrypted and no password fits", true},
    };
    struct tls_client_settings settings = bench_client_settings();
    struct tls_context *base = bench_client(&settings), *certified = NULL;
    const struct tls_passwords none = {NULL, 0};
    const struct tls_pair empty = {SPAN_NONE, SPAN_NONE};
    char error[TLS_ERROR_BYTES];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct tls_pair pair = bench_pair(rows[i].certificate, rows[i].key);

        assert_int_equal(tls_context_new_certified(base, &pair, &none, &certified, error), -EINVAL);
        assert_string_equal(error, rows[i].message);
        assert_int_equal(tls_error_is_of_key(error), rows[i].is_of_key);
    }
    assert_int_equal(tls_context_new_certified(base, &empty, &none, &certified, error), -EINVAL);
    assert_null(certified);
    tls_context_free(base);
}

/* It is closed with the base, and with nothing else. */
static void a_certified_context_logs_where_its_base_does(void **state)
{
    struct tls_pair pair = bench_pair("good.pem", "leaf.key");
    struct tls_server_settings s = bench_server_settings(&pair);
    struct tls_client_settings settings = bench_client_settings();
    const struct tls_passwords none = {NULL, 0};
    struct tls_context *base, *certified, *server = bench_server(&s, shared);
    struct tls_context *clients[2];
    char error[TLS_ERROR_BYTES];
    struct stat before, after;

    (void)state;
    settings.key_log_path = bench_path("keys");
    base = bench_client(&settings);
    assert_int_equal(tls_context_new_certified(base, &pair, &none, &certified, error), 0);
    clients[0] = certified;
    clients[1] = base;
    for (size_t i = 0; i < COUNT_OF(clients); i++) {
        struct bench b = {.options = {.sni = SPAN("a.example")}};

        assert_int_equal(stat(bench_path("keys"), &before), 0);
        assert_true(bench_connect(&b, clients[i], server));
        bench_disconnect(&b);
        assert_int_equal(stat(bench_path("keys"), &after), 0);
        assert_true(after.st_size > before.st_size);
        tls_context_free(clients[i]);
    }
    tls_context_free(server);
}

static int set_up_all(void **state)
{
    if (bench_init(state))
        return -1;
    bench_shell(keys);
    bench_make(certificates, COUNT_OF(certificates));
    bench_shell("cat leaf.key good.pem >joined.pem; (echo text; cat good.pem root.pem) "
                ">with-text.pem\n");
    shared = tls_server_shared_new();
    return shared ? 0 : -1;
}

static int tear_down_all(void **state)
{
    tls_server_shared_free(shared);
    return bench_deinit(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_of_every_kind_are_loaded),
        cmocka_unit_test(bad_pairs_are_named),
        cmocka_unit_test(cut_chains_are_refused),
        cmocka_unit_test(cut_keys_are_refused),
        cmocka_unit_test(passwords_are_tried_in_turn),
        cmocka_unit_test(client_needs_authorities_to_verify),
        cmocka_unit_test(suites_have_to_fit_the_protocols),
        cmocka_unit_test(every_suite_works),
        cmocka_unit_test(curves_are_taken_in_their_order),
        cmocka_unit_test(server_has_one_to_eight_certificates),
        cmocka_unit_test(each_pair_of_a_server_is_checked),
        cmocka_unit_test(parameters_of_dh_have_2048_bits),
        cmocka_unit_test(server_that_verifies_names_what_it_cannot_read),
        cmocka_unit_test(curves_are_known_by_all_their_names),
        cmocka_unit_test(a_certified_context_shows_its_own_pair),
        cmocka_unit_test(a_certified_context_trusts_as_its_base_does),
        cmocka_unit_test(a_certified_context_needs_a_good_pair),
        cmocka_unit_test(a_certified_context_logs_where_its_base_does),
    };

    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
