/* Tests of io/tls_accept: which context, and which certificate, a client gets. */
#include "../tls_ends.h"

static const struct bench_certificate certificates[] = {
    {"root", NULL, "/CN=root", BENCH_CA},
    {"good", "root", "/CN=good", BENCH_SAN},
    {"second", "root", "/CN=second", BENCH_LEAF "subjectAltName=DNS:b.example\n"},
    {"rsa", "root", "/CN=rsa", BENCH_SAN, .key = "rsa"},
    {"ed448", "root", "/CN=ed448", BENCH_SAN, .key = "ed448"},
};

static const char more[] =
    "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key\n"
    "openssl genpkey -algorithm ED448 -out ed448.key\n";

static struct tls_context *named[2];

static struct tls_context *select_by_name(void *owner, struct span sni)
{
    (void)owner;
    if (span_equals(sni, SPAN("b.example")))
        return named[1];
    return span_equals(sni, SPAN("a.example")) || !sni.len ? named[0] : NULL;
}

static void name_selects_everything_of_a_server(void **state)
{
    struct tls_context *second = new_server("second.pem", "leaf.key", TLS_PROTOCOL_1_2, 2);

    (void)state;
    named[0] = server;
    named[1] = second;
    b.select = select_by_name;
    b.options.sni = SPAN("B.Example");
    b.options.names[0].text = SPAN("b.example");
    assert_connects();
    assert_string_equal(tls_protocol_name(b.client.tls), "TLSv1.2");
    assert_true(span_equals(tls_server_name(b.server.tls), SPAN("B.Example")));
    bench_disconnect(&b);
    b.options.sni = SPAN("a.example");
    b.options.names[0].text = SPAN("a.example");
    assert_connects();
    assert_string_equal(tls_protocol_name(b.client.tls), "TLSv1.3");
    bench_disconnect(&b);
    tls_context_free(second);
}

static void ticket_of_one_name_opens_nothing_under_another(void **state)
{
    struct tls_context *second = new_server("second.pem", "leaf.key", BOTH, 2);
    struct tls_ticket *ticket;

    (void)state;
    named[0] = server;
    named[1] = second;
    b.select = select_by_name;
    assert_connects();
    ticket = bench_take_ticket(&b);
    assert_non_null(ticket);
    bench_disconnect(&b);
    b.options.sni = SPAN("b.example");
    b.options.names[0].text = SPAN("b.example");
    b.options.ticket = ticket;
    assert_connects();
    assert_false(tls_is_resumed(b.server.tls));
    bench_disconnect(&b);
    tls_context_free(second);
}

static void handshake_that_gets_no_context_is_refused(void **state)
{
    (void)state;
    named[0] = named[1] = server;
    b.select = select_by_name;
    b.options.sni = SPAN("c.example");
    assert_client_fails(TLS_FAILURE_PROTOCOL, "peer sent alert internal_error");
    assert_failure(&b.server, TLS_FAILURE_PROTOCOL, "no certificate for this handshake");
}

static void certificate_fits_what_the_client_can_verify(void **state)
{
    struct tls_pair pairs[] = {bench_pair("rsa.pem", "rsa.key"), bench_pair("good.pem", "leaf.key"),
                               bench_pair("ed448.pem", "ed448.key")};
    static const struct {
        const char *suites, *chosen;
        unsigned protocols;
    } cases[] = {
        {"aRSA", "ECDHE-RSA-AES256-GCM-SHA384", TLS_PROTOCOL_1_2},
        {"aECDSA", "ECDHE-ECDSA-AES256-GCM-SHA384", TLS_PROTOCOL_1_2},
        {"DEFAULT", "ECDHE-ECDSA-AES256-GCM-SHA384", TLS_PROTOCOL_1_2},
        {"DEFAULT", "TLS_AES_128_GCM_SHA256", TLS_PROTOCOL_1_3},
    };
    struct tls_server_settings s = bench_server_settings(pairs);

    (void)state;
    s.pair_count = 3;
    tls_context_free(server);
    server = bench_server(&s, shared);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct tls_client_settings c = client_settings(cases[i].protocols);

        c.suites = bench_suites(cases[i].suites);
        make_client(&c);
        assert_connects();
        assert_string_equal(tls_suite_name(b.client.tls), cases[i].chosen);
        bench_disconnect(&b);
    }
}

static void server_may_prefer_its_own_order(void **state)
{
    struct tls_pair pair = bench_pair("good.pem", "leaf.key");
    struct tls_server_settings s = bench_server_settings(&pair);
    struct tls_client_settings c = client_settings(TLS_PROTOCOL_1_2);

    (void)state;
    c.suites = bench_suites("ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES128-GCM-SHA256");
    make_client(&c);
    for (int prefers = 0; prefers < 2; prefers++) {
        s.prefers_server_suites = prefers;
        s.suites = bench_suites("ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA");
        tls_context_free(server);
        server = bench_server(&s, shared);
        assert_connects();
        assert_string_equal(tls_suite_name(b.client.tls),
                            prefers ? "ECDHE-ECDSA-AES128-GCM-SHA256" : "ECDHE-ECDSA-AES128-SHA");
        bench_disconnect(&b);
    }
}

static int set_up_all(void **state)
{
    if (bench_init(state))
        return -1;
    bench_shell(more);
    bench_make(certificates, COUNT_OF(certificates));
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(name_selects_everything_of_a_server),
        TEST(ticket_of_one_name_opens_nothing_under_another),
        TEST(handshake_that_gets_no_context_is_refused),
        TEST(certificate_fits_what_the_client_can_verify),
        TEST(server_may_prefer_its_own_order),
    };

    return cmocka_run_group_tests(tests, set_up_all, bench_deinit);
}
