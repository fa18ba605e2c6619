/* Tests of io/tls_facts: what is known and shown of clients with certificates. */
#include "../tls_bench.h"

#include "io/tls_dn.h"
#include "io/tls_trust.h"

/* For the -subj of openssl(1), where a backslash escapes. */
#define WEIRD_SUBJECT                                                              \
    "/C=DE/O=A, B \\+ \"C\" <x>; \\\\ 1/OU=#first/OU= space /CN=J\xc3\xbcrgen\\/x" \
    "+serialNumber=77+GN=G/emailAddress=a@b.example/UID=u1"

static const struct bench_certificate certificates[] = {
    {"root", NULL, "/CN=root", BENCH_CA},
    {"other", NULL, "/CN=other", BENCH_CA},
    {"int", "root", "/CN=int", BENCH_CA},
    {"good", "root", "/CN=good", BENCH_SAN},
    {"client", "root", "/C=DE/O=Org/CN=client", BENCH_LEAF "extendedKeyUsage=clientAuth\n",
     .more = "-set_serial 0x00ABCDEF0123456789"},
    {"client-int", "int", "/CN=client", BENCH_LEAF},
    {"stranger", "other", "/CN=stranger", BENCH_LEAF},
    {"alone", NULL, "/CN=alone", BENCH_LEAF},
    {"server-only", "root", "/CN=x", BENCH_LEAF "extendedKeyUsage=serverAuth\n"},
    {"weird", "root", WEIRD_SUBJECT, BENCH_LEAF, .more = "-multivalue-rdn"},
};

static const char chains[] = "cat client-int.pem int.pem >client-chain.pem\n";

static struct tls_server_shared *shared;
static struct tls_context *client, *server;
static struct bench b;

static int set_up(void **state)
{
    (void)state;
    shared = tls_server_shared_new();
    b = (struct bench){.options = {.sni = SPAN("a.example")}};
    return shared ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    bench_disconnect(&b);
    tls_context_free(client);
    tls_context_free(server);
    client = server = NULL;
    tls_server_shared_free(shared);
    return 0;
}

/* certificate: of the client; NULL: it has none. */
static void make(enum tls_verify_client mode, unsigned protocol, const char *certificate)
{
    struct tls_pair pair = bench_pair("good.pem", "leaf.key");
    struct tls_server_settings s = bench_server_settings(&pair);
    struct tls_client_settings c = bench_client_settings();

    s.verify_client = mode;
    s.client_ca_pem = bench_file("root.pem");
    c.protocols = protocol;
    if (certificate)
        c.pair = bench_pair(certificate, "leaf.key");
    tls_context_free(client);
    tls_context_free(server);
    client = bench_client(&c);
    server = bench_server(&s, shared);
}

/* What the server says of the client, after both have talked. */
static const struct tls_client_certificate *connect_and_ask(void)
{
    const char *reason = "", *other = "";
    char out[16];
    size_t len;

    if (!bench_connect(&b, client, server)) {
        (void)tls_failure(b.client.tls, &reason);
        (void)tls_failure(b.server.tls, &other);
        fail_msg("client: \"%s\", server: \"%s\"", reason, other);
    }
    assert_int_equal(tls_seal(b.client.tls, SPAN("request")), 0);
    assert_int_equal(bench_open(&b.server, &b.client, out, sizeof(out), &len), TLS_NEEDS_INPUT);
    assert_int_equal(len, 7);
    return tls_client_certificate(b.server.tls);
}

static void every_mode_says_what_nginx_says(void **state)
{
    static const struct {
        enum tls_verify_client mode;
        const char *certificate, *verify;
        enum tls_client_verdict verdict;
    } cases[] = {
        {VERIFY_CLIENT_OFF, NULL, "NONE", TLS_CLIENT_ACCEPTED},
        {VERIFY_CLIENT_OFF, "client.pem", "NONE", TLS_CLIENT_ACCEPTED},
        {VERIFY_CLIENT_ON, NULL, "NONE", TLS_CLIENT_MISSING},
        {VERIFY_CLIENT_ON, "client.pem", "SUCCESS", TLS_CLIENT_ACCEPTED},
        {VERIFY_CLIENT_ON, "client-chain.pem", "SUCCESS", TLS_CLIENT_ACCEPTED},
        {VERIFY_CLIENT_ON, "client-int.pem", "FAILED:unable to verify the first certificate",
         TLS_CLIENT_REFUSED},
        {VERIFY_CLIENT_ON, "stranger.pem", "FAILED:unable to verify the first certificate",
         TLS_CLIENT_REFUSED},
        {VERIFY_CLIENT_ON, "alone.pem", "FAILED:self-signed certificate", TLS_CLIENT_REFUSED},
        {VERIFY_CLIENT_ON, "server-only.pem", "FAILED:unsupported certificate purpose",
         TLS_CLIENT_REFUSED},
        {VERIFY_CLIENT_OPTIONAL, NULL, "NONE", TLS_CLIENT_ACCEPTED},
        {VERIFY_CLIENT_OPTIONAL, "client.pem", "SUCCESS", TLS_CLIENT_ACCEPTED},
        {VERIFY_CLIENT_OPTIONAL, "stranger.pem", "FAILED:unable to verify the first certificate",
         TLS_CLIENT_REFUSED},
        {VERIFY_CLIENT_OPTIONAL_NO_CA, "stranger.pem",
         "FAILED:unable to verify the first certificate", TLS_CLIENT_ACCEPTED},
        {VERIFY_CLIENT_OPTIONAL_NO_CA, "alone.pem", "FAILED:self-signed certificate",
         TLS_CLIENT_ACCEPTED},
        {VERIFY_CLIENT_OPTIONAL_NO_CA, "server-only.pem", "FAILED:unsupported certificate purpose",
         TLS_CLIENT_REFUSED},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (unsigned protocol = TLS_PROTOCOL_1_2; protocol <= TLS_PROTOCOL_1_3; protocol++) {
            const struct tls_client_certificate *c;

            make(cases[i].mode, protocol, cases[i].certificate);
            c = connect_and_ask();
            assert_string_equal(c->verify, cases[i].verify);
            assert_int_equal(c->verdict, cases[i].verdict);
            assert_int_equal(c->pem.len > 0,
                             cases[i].certificate && cases[i].mode != VERIFY_CLIENT_OFF);
            bench_disconnect(&b);
        }
    }
}

static void intermediates_of_one_client_serve_no_other(void **state)
{
    (void)state;
    make(VERIFY_CLIENT_ON, TLS_PROTOCOL_1_3, "client-chain.pem");
    assert_string_equal(connect_and_ask()->verify, "SUCCESS");
    bench_disconnect(&b);
    tls_context_free(client);
    {
        struct tls_client_settings c = bench_client_settings();

        c.pair = bench_pair("client-int.pem", "leaf.key");
        client = bench_client(&c);
    }
    assert_string_equal(connect_and_ask()->verify, "FAILED:unable to verify the first certificate");
}

/* --- what it shows --------------------------------------------------------------------------- */

/* The first line that openssl(1) says of a certificate. */
static void openssl_says(const char *arguments, char *out, size_t size)
{
    char command[512];
    FILE *f;

    (void)snprintf(command, sizeof(command), "openssl x509 -noout -in %s", bench_path(arguments));
    f = popen(command, "r");
    assert_non_null(f);
    assert_non_null(fgets(out, (int)size, f));
    (void)pclose(f);
    out[strcspn(out, "\n")] = '\0';
}

static void assert_says(struct span shown, const char *arguments, const char *prefix)
{
    char text[1024];

    openssl_says(arguments, text, sizeof(text));
    assert_true(strncmp(text, prefix, strlen(prefix)) == 0);
    if (!span_equals(shown, span_of_cstr(text + strlen(prefix))))
        fail_msg("\"%.*s\" instead of \"%s\"", SPAN_ARG(shown), text + strlen(prefix));
}

static void certificate_is_shown_as_openssl_shows_it(void **state)
{
    const struct tls_client_certificate *c;
    struct span pem = bench_file("client.pem");

    (void)state;
    make(VERIFY_CLIENT_ON, TLS_PROTOCOL_1_3, "client.pem");
    c = connect_and_ask();
    assert_true(span_equals(c->subject_dn, SPAN("CN=client,O=Org,C=DE")));
    assert_true(span_equals(c->subject_dn_legacy, SPAN("/C=DE/O=Org/CN=client")));
    assert_true(span_equals(c->issuer_dn, SPAN("CN=root")));
    assert_true(span_equals(c->issuer_dn_legacy, SPAN("/CN=root")));
    assert_true(span_equals(c->serial, SPAN("ABCDEF0123456789")));
    assert_says(c->not_before, "client.pem -startdate", "notBefore=");
    assert_says(c->not_after, "client.pem -enddate", "notAfter=");
    assert_int_equal(c->fingerprint.len, 40);
    assert_true(span_equals(c->pem, pem));
    assert_true(c->not_after_unix_s > 1700000000);
}

/* Straight from the certificate: wolfSSL reads no name with two attributes in one part. */
static void names_are_written_as_openssl_writes_them(void **state)
{
    struct tls_trust *t = NULL;
    char out[1024], error[200];
    struct span subject;

    (void)state;
    assert_int_equal(tls_trust_new(&(struct tls_trust_pem){.ca = bench_file("weird.pem")}, &t,
                                   error, sizeof(error)),
                     0);
    subject = t->anchors[0].certificate.subject;
    assert_says(span_of(out, tls_dn_format(subject, out, sizeof(out))),
                "weird.pem -subject -nameopt RFC2253", "subject=");
    assert_says(span_of(out, tls_dn_format_legacy(subject, out, sizeof(out))),
                "weird.pem -subject -nameopt compat", "subject=");
    tls_trust_free(t);
}

static void names_that_do_not_fit_are_cut(void **state)
{
    struct tls_trust *t = NULL;
    char out[1024], cut[1024], error[200];
    struct span subject;

    (void)state;
    assert_int_equal(tls_trust_new(&(struct tls_trust_pem){.ca = bench_file("weird.pem")}, &t,
                                   error, sizeof(error)),
                     0);
    subject = t->anchors[0].certificate.subject;
    for (size_t len = tls_dn_format(subject, out, sizeof(out)); len-- > 0;) {
        assert_int_equal(tls_dn_format(subject, cut, len), len);
        assert_memory_equal(cut, out, len);
    }
    tls_trust_free(t);
}

/* --- resumption ------------------------------------------------------------------------------ */

static void resumed_sessions_say_the_same(void **state)
{
    static const struct {
        const char *certificate, *verify;
    } cases[] = {
        {NULL, "NONE"},
        {"client.pem", "SUCCESS"},
        {"stranger.pem", "FAILED:unable to verify the first certificate"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (unsigned protocol = TLS_PROTOCOL_1_2; protocol <= TLS_PROTOCOL_1_3; protocol++) {
            make(VERIFY_CLIENT_OPTIONAL, protocol, cases[i].certificate);
            assert_string_equal(connect_and_ask()->verify, cases[i].verify);
            /* Tickets of resumed sessions say it as well. */
            for (int again = 0; again < 2; again++) {
                const struct tls_client_certificate *c;
                struct tls_ticket *ticket = bench_take_ticket(&b);

                bench_disconnect(&b);
                if (!ticket)
                    break; /* TLS 1.2 gives no second one */
                b.options.ticket = ticket;
                c = connect_and_ask();
                assert_true(tls_is_resumed(b.server.tls));
                assert_string_equal(c->verify, cases[i].verify);
                assert_int_equal(c->subject_dn.len > 0, cases[i].certificate != NULL);
            }
            bench_disconnect(&b);
        }
    }
}

/* The table of what is known of clients is bounded: what went out of it is asked for again. */
static void session_whose_facts_are_gone_is_not_resumed(void **state)
{
    struct tls_ticket *ticket;

    (void)state;
    make(VERIFY_CLIENT_ON, TLS_PROTOCOL_1_3, "client.pem");
    (void)connect_and_ask();
    ticket = bench_take_ticket(&b);
    bench_disconnect(&b);
    tls_server_shared_forget_clients(shared);
    b.options.ticket = ticket;
    assert_string_equal(connect_and_ask()->verify, "SUCCESS");
    assert_false(tls_is_resumed(b.server.tls));
}

static int set_up_all(void **state)
{
    if (bench_init(state))
        return -1;
    bench_make(certificates, COUNT_OF(certificates));
    bench_shell(chains);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_mode_says_what_nginx_says),
        TEST(intermediates_of_one_client_serve_no_other),
        TEST(certificate_is_shown_as_openssl_shows_it),
        TEST(names_are_written_as_openssl_writes_them),
        TEST(names_that_do_not_fit_are_cut),
        TEST(resumed_sessions_say_the_same),
        TEST(session_whose_facts_are_gone_is_not_resumed),
    };

    return cmocka_run_group_tests(tests, set_up_all, bench_deinit);
}
