/* Tests of io/tls_peer: what comes of a handshake, by what the peer's certificates say. What each
 * chain is worth is in io_tls_verify.c, what is shown of clients in io_tls_facts.c. */
#include "../tls_ends.h"

#include "io/tls_verify.h"

static const struct bench_certificate certificates[] = {
    {"root", NULL, "/CN=root", BENCH_CA},
    {"other", NULL, "/CN=other", BENCH_CA},
    {"int", "root", "/CN=int", BENCH_CA},
    {"good", "root", "/CN=good", BENCH_SAN},
    {"good-int", "int", "/CN=good", BENCH_SAN},
    {"stranger", "other", "/CN=x", BENCH_SAN},
    {"alone", NULL, "/CN=x", BENCH_SAN},
    {"client-only", "root", "/CN=x", BENCH_SAN "extendedKeyUsage=clientAuth\n"},
    {"revoked", "root", "/CN=x", BENCH_SAN, .more = "-set_serial 0x1001"},
    {"cn-only", "root", "/CN=a.example", BENCH_LEAF},
    {"names", "root", "/CN=cn.example",
     BENCH_LEAF "subjectAltName=DNS:B.Example,DNS:*.w.example,DNS:f*.p.example,DNS:*.com,"
                "DNS:a.*.example,DNS:192.0.2.9,IP:192.0.2.1,IP:2001:db8::1\n"},
    /* DNS:"a.example\0.evil.example" */
    {"nul", "root", "/CN=x",
     BENCH_LEAF "subjectAltName=DER:30:19:82:17:61:2e:65:78:61:6d:70:6c:65:00:2e:65:76:69:6c:2e:65:"
                "78:61:6d:70:6c:65\n"},
};

/* One that was good in January 2020, a list that names another, and chains: as many certificates
 * as are looked at, one more, and those that the path needs at both ends. */
static const char script[] =
    "printf '[c]\\ndatabase=db\\ndefault_md=sha256\\nnew_certs_dir=.\\nrand_serial=yes\\n"
    "policy=p\\n[p]\\ncommonName=supplied\\n' >ca.cnf; : >db\n"
    "ca() { openssl ca -config ca.cnf -name c -cert root.pem -keyfile ca.key -batch \"$@\"; }\n"
    "openssl req -new -key leaf.key -subj /CN=x -config good.cnf -out expired.csr\n"
    "ca -in expired.csr -out expired.pem -startdate 20200101000000Z -enddate 20200201000000Z "
    "-extfile good.cnf -extensions x -notext\n"
    "t=$(printf '\\t')\n"
    "echo \"R${t}300101000000Z${t}240101000000Z${t}1001${t}unknown${t}/CN=x\" >db\n"
    "ca -gencrl -crldays 30 -out root.crl\n"
    "chain() { cat $1; i=2; while [ $i -lt $2 ]; do cat other.pem; i=$((i + 1)); done; cat $3; }\n"
    "cat good-int.pem int.pem >chain.pem\n"
    "chain good-int.pem 12 int.pem >chain12.pem\n"
    "chain good-int.pem 13 int.pem >chain13.pem\n";

static_assert(TLS_CHAIN_MAX == 12, "chains of tests are as long");

static const unsigned protocols[] = {TLS_PROTOCOL_1_2, TLS_PROTOCOL_1_3};

static void serve(const char *certificate)
{
    tls_context_free(server);
    server = new_server(certificate, "leaf.key", BOTH, 1);
}

/* What the client says, in both protocols; NULL: it is content. alert: that the server reads. */
static void assert_client_says(const struct tls_client_settings *settings, const char *reason,
                               const char *alert)
{
    for (size_t i = 0; i < COUNT_OF(protocols); i++) {
        struct tls_client_settings s = *settings;

        s.protocols = protocols[i];
        make_client(&s);
        if (!reason) {
            assert_connects();
        } else {
            assert_false(bench_connect(&b, client, server));
            assert_failure(&b.client, TLS_FAILURE_NOT_VERIFIED, reason);
            assert_failure(&b.server, TLS_FAILURE_PROTOCOL, alert);
        }
        bench_disconnect(&b);
    }
}

/* --- servers ---------------------------------------------------------------------------------- */

static void verdict_is_told_by_its_alert(void **state)
{
    static const struct {
        const char *certificate, *reason, *alert;
    } cases[] = {
        {"good.pem", NULL, NULL},
        {"stranger.pem", "unable to get local issuer certificate", "peer sent alert unknown_ca"},
        {"alone.pem", "self-signed certificate", "peer sent alert unknown_ca"},
        {"expired.pem", "certificate has expired", "peer sent alert certificate_expired"},
        {"revoked.pem", "certificate revoked", "peer sent alert certificate_revoked"},
        {"client-only.pem", "unsupported certificate purpose", "peer sent alert bad_certificate"},
    };
    struct tls_client_settings s = bench_client_settings();

    (void)state;
    s.crl_pem = bench_file("root.crl");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        serve(cases[i].certificate);
        assert_client_says(&s, cases[i].reason, cases[i].alert);
    }
}

static void without_verification_every_server_is_taken(void **state)
{
    static const char *const names[] = {"stranger.pem", "alone.pem", "expired.pem", "cn-only.pem"};
    struct tls_client_settings s = bench_client_settings();

    (void)state;
    s.verifies = false;
    b.options.names[0].text = SPAN("nobody.example");
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        serve(names[i]);
        assert_client_says(&s, NULL, NULL);
    }
}

/* Each way from the leaf to the root, and what is too many for the directive or for us. */
static void chains_are_as_long_as_they_may_be(void **state)
{
    struct tls_client_settings s = bench_client_settings();

    (void)state;
    s.verify_depth = 1;
    serve("chain.pem");
    assert_client_says(&s, NULL, NULL);
    serve("chain12.pem");
    assert_client_says(&s, NULL, NULL);
    s.verify_depth = 0;
    assert_client_says(&s, "certificate chain too long", "peer sent alert bad_certificate");
}

static void chain_of_more_certificates_is_refused(void **state)
{
    (void)state;
    serve("chain13.pem");
    for (size_t i = 0; i < COUNT_OF(protocols); i++) {
        set_protocols(protocols[i], BOTH);
        serve("chain13.pem");
        assert_client_fails(TLS_FAILURE_NOT_VERIFIED, "certificate chain too long");
        assert_failure(&b.server, TLS_FAILURE_PROTOCOL, "peer sent alert bad_certificate");
        bench_disconnect(&b);
    }
}

static void intermediates_of_one_server_serve_no_other(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(protocols); i++) {
        set_protocols(protocols[i], BOTH);
        serve("chain.pem");
        assert_connects();
        bench_disconnect(&b);
        serve("good-int.pem");
        assert_client_fails(TLS_FAILURE_NOT_VERIFIED, "unable to get local issuer certificate");
        bench_disconnect(&b);
    }
}

static void server_that_is_refused_leaves_nothing_to_resume(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(protocols); i++) {
        set_protocols(protocols[i], BOTH);
        serve("alone.pem");
        assert_client_fails(TLS_FAILURE_NOT_VERIFIED, "self-signed certificate");
        assert_null(tls_take_ticket(b.client.tls));
        assert_int_equal(tls_session_id(b.client.tls).len, 0);
        bench_disconnect(&b);
    }
}

/* --- names ----------------------------------------------------------------------------------- */

static void assert_named(const char *name, bool is_good)
{
    struct tls_client_settings s = bench_client_settings();
    char reason[128];

    (void)snprintf(reason, sizeof(reason), "no subject alternative name matches \"%s\"", name);
    b.options.names[0].text = span_of_cstr(name);
    b.options.name_count = 1;
    assert_client_says(&s, is_good ? NULL : reason, "peer sent alert bad_certificate");
}

static void names_are_alternative_names_only(void **state)
{
    (void)state;
    serve("names.pem");
    assert_named("b.example", true);
    assert_named("B.eXAMPLE", true);
    assert_named("b.example.", true);
    assert_named("b.example..", false);
    assert_named("a.b.example", false);
    assert_named("cn.example", false);
    serve("cn-only.pem");
    assert_named("a.example", false);
    serve("nul.pem");
    assert_named("a.example", false);
}

static void wildcards_are_whole_first_labels(void **state)
{
    (void)state;
    serve("names.pem");
    assert_named("a.w.example", true);
    assert_named("A.W.Example.", true);
    assert_named("w.example", false);
    assert_named("a.b.w.example", false);
    assert_named("foo.p.example", false);
    assert_named("f*.p.example", false);
    assert_named("a.b.example", false);
    assert_named("a.com", false);
    assert_named("*.w.example", false);
}

static void addresses_are_alternative_addresses(void **state)
{
    (void)state;
    serve("names.pem");
    assert_named("192.0.2.1", true);
    assert_named("2001:db8::1", true);
    assert_named("[2001:0DB8:0::1]", true);
    assert_named("192.0.2.2", false);
    assert_named("2001:db8::2", false);
    assert_named("192.0.2.9", false); /* a DNS name there */
}

static void one_of_two_names_is_enough(void **state)
{
    static const struct {
        struct span first, second;
        bool is_good;
    } cases[] = {
        {SPAN("a.example"), SPAN("x.example"), true},
        {SPAN("x.example"), SPAN("a.example"), true},
        {SPAN("x.example"), SPAN("y.example"), false},
    };
    struct tls_client_settings s = bench_client_settings();

    (void)state;
    b.options.name_count = 2;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        b.options.names[0].text = cases[i].first;
        b.options.names[1].text = cases[i].second;
        assert_client_says(
            &s,
            cases[i].is_good ? NULL
                             : "no subject alternative name matches \"x.example\" or \"y.example\"",
            "peer sent alert bad_certificate");
    }
}

static void without_a_name_the_chain_is_enough(void **state)
{
    struct tls_client_settings s = bench_client_settings();

    (void)state;
    b.options.name_count = 0;
    serve("cn-only.pem");
    assert_client_says(&s, NULL, NULL);
    serve("stranger.pem");
    assert_client_says(&s, "unable to get local issuer certificate", "peer sent alert unknown_ca");
}

/* Names are copied: the caller's may be gone by then. */
static void names_are_the_sessions_own(void **state)
{
    char name[] = "b.example";

    (void)state;
    serve("names.pem");
    b.options.names[0].text = span_of_cstr(name);
    b.options.output = bench_output;
    b.options.owner = &b.client;
    b.client.tls = tls_new_client(client, &b.options);
    memset(name, 'x', strlen(name));
    b.server.tls = tls_new_server(server, NULL, bench_output, &b.server);
    assert_true(bench_shake_hands(&b.client, &b.server, SIZE_MAX));
}

/* --- clients --------------------------------------------------------------------------------- */

static void serve_verifying(unsigned depth, const char *crl)
{
    struct tls_pair pair = bench_pair("good.pem", "leaf.key");
    struct tls_server_settings s = bench_server_settings(&pair);

    s.verify_client = VERIFY_CLIENT_ON;
    s.client_ca_pem = bench_file("root.pem");
    s.crl_pem = crl ? bench_file(crl) : SPAN_NONE;
    s.verify_depth = depth;
    tls_context_free(server);
    server = bench_server(&s, shared);
}

/* The handshake gets through whatever the certificate is worth. */
static void assert_server_says(const char *certificate, const char *verify)
{
    for (size_t i = 0; i < COUNT_OF(protocols); i++) {
        struct tls_client_settings s = client_settings(protocols[i]);

        s.pair = bench_pair(certificate, "leaf.key");
        make_client(&s);
        assert_connects();
        assert_string_equal(tls_client_certificate(b.server.tls)->verify, verify);
        bench_disconnect(&b);
    }
}

static void bad_client_is_recorded_and_not_turned_away(void **state)
{
    (void)state;
    serve_verifying(1, "root.crl");
    assert_server_says("good.pem", "SUCCESS");
    assert_server_says("revoked.pem", "FAILED:certificate revoked");
    assert_server_says("expired.pem", "FAILED:certificate has expired");
    assert_server_says("stranger.pem", "FAILED:unable to verify the first certificate");
    assert_server_says("client-only.pem", "SUCCESS");
}

static void clients_chain_has_its_depth(void **state)
{
    (void)state;
    serve_verifying(1, NULL);
    assert_server_says("chain.pem", "SUCCESS");
    assert_server_says("chain12.pem", "SUCCESS");
    serve_verifying(0, NULL);
    assert_server_says("good.pem", "SUCCESS");
    assert_server_says("chain.pem", "FAILED:certificate chain too long");
}

static void clients_chain_of_more_certificates_ends_the_handshake(void **state)
{
    (void)state;
    serve_verifying(9, NULL);
    for (size_t i = 0; i < COUNT_OF(protocols); i++) {
        struct tls_client_settings s = client_settings(protocols[i]);

        s.pair = bench_pair("chain13.pem", "leaf.key");
        make_client(&s);
        assert_false(bench_connect(&b, client, server));
        assert_failure(&b.server, TLS_FAILURE_NOT_VERIFIED, "certificate chain too long");
        bench_disconnect(&b);
    }
}

static int set_up_all(void **state)
{
    if (bench_init(state))
        return -1;
    bench_make(certificates, COUNT_OF(certificates));
    bench_shell(script);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(verdict_is_told_by_its_alert),
        TEST(without_verification_every_server_is_taken),
        TEST(chains_are_as_long_as_they_may_be),
        TEST(chain_of_more_certificates_is_refused),
        TEST(intermediates_of_one_server_serve_no_other),
        TEST(server_that_is_refused_leaves_nothing_to_resume),
        TEST(names_are_alternative_names_only),
        TEST(wildcards_are_whole_first_labels),
        TEST(addresses_are_alternative_addresses),
        TEST(one_of_two_names_is_enough),
        TEST(without_a_name_the_chain_is_enough),
        TEST(names_are_the_sessions_own),
        TEST(bad_client_is_recorded_and_not_turned_away),
        TEST(clients_chain_has_its_depth),
        TEST(clients_chain_of_more_certificates_ends_the_handshake),
    };

    return cmocka_run_group_tests(tests, set_up_all, bench_deinit);
}
