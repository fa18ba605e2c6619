/* Tests of io/tls: a client and a server of ours that talk over memory. */
#include "../tls_ends.h"

#include "core/limits.h"

static const struct bench_certificate certificates[] = {
    {"root", NULL, "/CN=root", BENCH_CA}, {"other", NULL, "/CN=other", BENCH_CA},
    {"int", "root", "/CN=int", BENCH_CA}, {"good", "root", "/CN=good", BENCH_SAN},
    {"bad", NULL, "/CN=bad", BENCH_SAN},  {"good-int", "int", "/CN=good", BENCH_SAN},
};

static const char chains[] = "cat good-int.pem int.pem >chain.pem\n";

/* --- the ordinary path ----------------------------------------------------------------------- */

static void send_text(struct bench_end *from, struct bench_end *to, const char *text)
{
    char out[256];
    size_t len;

    assert_int_equal(tls_seal(from->tls, span_of_cstr(text)), 0);
    assert_int_equal(bench_open(to, from, out, sizeof(out), &len), TLS_NEEDS_INPUT);
    assert_int_equal(len, strlen(text));
    assert_memory_equal(out, text, len);
}

static void assert_talks(void)
{
    send_text(&b.client, &b.server, "question");
    send_text(&b.server, &b.client, "answer");
    send_text(&b.client, &b.server, "another");
}

static void sessions_talk_in_both_protocols(void **state)
{
    static const unsigned protocols[] = {TLS_PROTOCOL_1_2, TLS_PROTOCOL_1_3, BOTH};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(protocols); i++) {
        set_protocols(protocols[i], BOTH);
        assert_connects();
        assert_string_equal(tls_protocol_name(b.client.tls), i ? "TLSv1.3" : "TLSv1.2");
        assert_string_equal(tls_suite_name(b.server.tls),
                            i ? "TLS_AES_128_GCM_SHA256" : "ECDHE-ECDSA-AES256-GCM-SHA384");
        assert_string_equal(tls_curve_name(b.client.tls), "X25519");
        assert_false(tls_is_resumed(b.client.tls));
        assert_true(span_equals(tls_server_name(b.server.tls), SPAN("a.example")));
        assert_talks();
        bench_disconnect(&b);
    }
}

static void handshake_may_come_byte_by_byte(void **state)
{
    static const unsigned protocols[] = {TLS_PROTOCOL_1_2, TLS_PROTOCOL_1_3};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(protocols); i++) {
        set_protocols(protocols[i], BOTH);
        b.options.output = bench_output;
        b.options.owner = &b.client;
        b.client.tls = tls_new_client(client, &b.options);
        b.server.tls = tls_new_server(server, NULL, bench_output, &b.server);
        assert_true(bench_shake_hands(&b.client, &b.server, 1));
        assert_talks();
        bench_disconnect(&b);
    }
}

static void close_notify_ends_what_can_be_read(void **state)
{
    char out[16];
    size_t len;

    (void)state;
    assert_connects();
    assert_int_equal(tls_seal(b.client.tls, SPAN("last")), 0);
    tls_seal_close_notify(b.client.tls);
    tls_seal_close_notify(b.client.tls);
    assert_int_equal(bench_open(&b.server, &b.client, out, sizeof(out), &len), TLS_END);
    assert_int_equal(len, 4);
    assert_int_equal(b.client.len, 0);
    assert_int_equal(bench_open(&b.server, &b.client, out, sizeof(out), &len), TLS_END);
    /* The other direction is still open. */
    assert_int_equal(tls_seal(b.server.tls, SPAN("answer")), 0);
}

static void records_hold_up_to_16384_bytes(void **state)
{
    static const size_t sizes[] = {1, 100, RECORD_BYTES_MAX - 1, RECORD_BYTES_MAX};
    static char plain[RECORD_BYTES_MAX], out[2 * RECORD_BYTES_MAX];
    size_t len;

    (void)state;
    assert_connects();
    for (size_t i = 0; i < sizeof(plain); i++)
        plain[i] = (char)(i * 7);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        assert_int_equal(tls_seal(b.client.tls, span_of(plain, sizes[i])), 0);
        assert_true(b.client.len <= sizes[i] + RECORD_OVERHEAD_BYTES);
        assert_int_equal(bench_open(&b.server, &b.client, out, sizeof(out), &len), TLS_NEEDS_INPUT);
        assert_int_equal(len, sizes[i]);
        assert_memory_equal(out, plain, len);
    }
}

static void opened_bytes_wait_for_room(void **state)
{
    struct span input;
    char out[4];
    size_t len;

    (void)state;
    assert_connects();
    assert_int_equal(tls_seal(b.client.tls, SPAN("abcdefg")), 0);
    assert_false(tls_has_opened_bytes(b.server.tls));
    input = span_of(b.client.wire, b.client.len);
    assert_int_equal(tls_open(b.server.tls, &input, out, sizeof(out), &len), TLS_OK);
    assert_int_equal(len, 4);
    assert_int_equal(input.len, 0);
    assert_true(tls_has_opened_bytes(b.server.tls));
    assert_int_equal(tls_open(b.server.tls, &input, out, sizeof(out), &len), TLS_OK);
    assert_int_equal(len, 3);
    assert_false(tls_has_opened_bytes(b.server.tls));
    assert_int_equal(tls_open(b.server.tls, &input, out, sizeof(out), &len), TLS_NEEDS_INPUT);
}

static void bytes_behind_the_handshake_stay(void **state)
{
    char wire[8192];
    struct span input;
    size_t len;

    (void)state;
    b.options.output = bench_output;
    b.options.owner = &b.client;
    b.client.tls = tls_new_client(client, &b.options);
    b.server.tls = tls_new_server(server, NULL, bench_output, &b.server);
    b.client.result = b.server.result = TLS_NEEDS_INPUT;
    bench_step(&b.client, &b.server, 0);
    bench_step(&b.server, &b.client, SIZE_MAX);
    bench_step(&b.client, &b.server, SIZE_MAX);
    assert_int_equal(b.client.result, TLS_OK);
    assert_int_equal(tls_seal(b.client.tls, SPAN("early")), 0);
    len = b.client.len;
    memcpy(wire, b.client.wire, len);
    input = span_of(wire, len);
    assert_int_equal(tls_handshake(b.server.tls, &input), TLS_OK);
    assert_true(input.len > 5);
    assert_int_equal(tls_open(b.server.tls, &input, wire, sizeof(wire), &len), TLS_OK);
    assert_int_equal(len, 5);
}

static int no_room(void *owner, struct span sealed)
{
    (void)owner;
    (void)sealed;
    return -ENOMEM;
}

static void output_without_room_fails_the_session(void **state)
{
    struct span none = SPAN_NONE;
    const char *reason;

    (void)state;
    b.options.output = no_room;
    b.client.tls = tls_new_client(client, &b.options);
    assert_int_equal(tls_handshake(b.client.tls, &none), TLS_FAILED);
    assert_int_equal(tls_failure(b.client.tls, &reason), TLS_FAILURE_MEMORY);
}

/* --- resumption ------------------------------------------------------------------------------ */

/* A ticket of a full handshake; the connection is gone. */
static struct tls_ticket *ticket_of_first(void)
{
    struct tls_ticket *ticket;

    assert_connects();
    assert_false(tls_is_resumed(b.client.tls));
    ticket = bench_take_ticket(&b);
    assert_non_null(ticket);
    bench_disconnect(&b);
    return ticket;
}

static void assert_resumes(struct tls_ticket *ticket, bool is_resumed)
{
    b.options.ticket = ticket;
    assert_connects();
    assert_int_equal(tls_is_resumed(b.client.tls), is_resumed);
    assert_int_equal(tls_is_resumed(b.server.tls), is_resumed);
    assert_talks();
}

static void sessions_are_resumed(void **state)
{
    struct tls_ticket *ticket;

    (void)state;
    set_protocols(TLS_PROTOCOL_1_3, BOTH);
    ticket = ticket_of_first();
    for (int i = 0; i < 3; i++) {
        assert_true(tls_ticket_is_single_use(ticket));
        assert_true(tls_ticket_lifetime_ms(ticket) >= 3600 * 1000);
        assert_resumes(ticket, true);
        assert_string_equal(tls_protocol_name(b.client.tls), "TLSv1.3");
        ticket = bench_take_ticket(&b);
        bench_disconnect(&b);
    }
    tls_ticket_free(ticket);
}

static void session_of_tls12_serves_again(void **state)
{
    struct tls_ticket *ticket;

    (void)state;
    set_protocols(TLS_PROTOCOL_1_2, BOTH);
    ticket = ticket_of_first();
    assert_false(tls_ticket_is_single_use(ticket));
    for (int i = 0; i < 3; i++) {
        assert_resumes(tls_ticket_copy(ticket), true);
        assert_null(bench_take_ticket(&b));
        bench_disconnect(&b);
    }
    tls_ticket_free(ticket);
}

static void tickets_open_with_every_worker(void **state)
{
    struct tls_ticket *ticket = ticket_of_first();

    (void)state;
    tls_context_free(server);
    server = new_server("good.pem", "leaf.key", BOTH, 1);
    assert_resumes(ticket, true);
}

static void tickets_of_other_settings_mean_a_full_handshake(void **state)
{
    static const unsigned protocols[] = {TLS_PROTOCOL_1_2, TLS_PROTOCOL_1_3};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(protocols); i++) {
        struct tls_ticket *ticket;

        set_protocols(protocols[i], BOTH);
        ticket = ticket_of_first();
        tls_context_free(server);
        server = new_server("good.pem", "leaf.key", BOTH, 2);
        assert_resumes(ticket, false);
        bench_disconnect(&b);
    }
}

static void tickets_of_another_process_mean_a_full_handshake(void **state)
{
    struct tls_server_shared *mine = shared;
    struct tls_ticket *ticket = ticket_of_first();

    (void)state;
    shared = tls_server_shared_new();
    tls_context_free(server);
    server = new_server("good.pem", "leaf.key", BOTH, 1);
    tls_server_shared_free(mine);
    assert_resumes(ticket, false);
}

static void ticket_of_tls13_is_no_use_to_a_server_of_tls12(void **state)
{
    struct tls_ticket *ticket = ticket_of_first();

    (void)state;
    tls_context_free(server);
    server = new_server("good.pem", "leaf.key", TLS_PROTOCOL_1_2, 1);
    assert_resumes(ticket, false);
    assert_string_equal(tls_protocol_name(b.client.tls), "TLSv1.2");
    ticket = bench_take_ticket(&b);
    bench_disconnect(&b);
    assert_resumes(ticket, true);
}

/* The certificate of the full handshake is verified, whatever wolfSSL thought before. */
static void refused_ticket_brings_no_trust(void **state)
{
    static const unsigned protocols[] = {TLS_PROTOCOL_1_2, TLS_PROTOCOL_1_3, BOTH};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(protocols); i++) {
        set_protocols(protocols[i], BOTH);
        b.options.ticket = ticket_of_first();
        tls_context_free(server);
        server = new_server("bad.pem", "leaf.key", i < 2 ? BOTH : TLS_PROTOCOL_1_2, 2);
        assert_client_fails(TLS_FAILURE_NOT_VERIFIED, "self-signed certificate");
        bench_disconnect(&b);
    }
}

static void tickets_can_be_switched_off(void **state)
{
    struct tls_pair pair = bench_pair("good.pem", "leaf.key");
    struct tls_server_settings s = bench_server_settings(&pair);

    (void)state;
    s.has_tickets = false;
    tls_context_free(server);
    server = bench_server(&s, shared);
    for (unsigned protocol = TLS_PROTOCOL_1_2; protocol <= TLS_PROTOCOL_1_3; protocol++) {
        struct tls_client_settings c = client_settings(protocol);

        make_client(&c);
        assert_connects();
        assert_null(bench_take_ticket(&b));
        assert_talks();
        bench_disconnect(&b);
    }
}

/* --- verification ---------------------------------------------------------------------------- */

static void peer_that_is_not_verified_is_refused(void **state)
{
    static const unsigned protocols[] = {TLS_PROTOCOL_1_2, TLS_PROTOCOL_1_3};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(protocols); i++) {
        struct tls_client_settings s = client_settings(protocols[i]);

        s.ca_pem = bench_file("other.pem");
        make_client(&s);
        assert_client_fails(TLS_FAILURE_NOT_VERIFIED, "unable to get local issuer certificate");
        assert_failure(&b.server, TLS_FAILURE_PROTOCOL, "peer sent alert unknown_ca");
        bench_disconnect(&b);
        s = client_settings(protocols[i]);
        make_client(&s);
        b.options.names[0].text = SPAN("b.example");
        assert_client_fails(TLS_FAILURE_NOT_VERIFIED,
                            "no subject alternative name matches \"b.example\"");
        assert_failure(&b.server, TLS_FAILURE_PROTOCOL, "peer sent alert bad_certificate");
        bench_disconnect(&b);
        b.options.names[0].text = SPAN("a.example");
    }
}

static void chain_is_verified_every_time(void **state)
{
    struct tls_context *with_chain, *without = NULL;

    (void)state;
    with_chain = new_server("chain.pem", "leaf.key", BOTH, 1);
    without = new_server("good-int.pem", "leaf.key", BOTH, 1);
    assert_true(bench_connect(&b, client, with_chain));
    bench_disconnect(&b);
    /* An intermediate certificate that was seen once is not trusted from then on. */
    assert_false(bench_connect(&b, client, without));
    assert_failure(&b.client, TLS_FAILURE_NOT_VERIFIED, "unable to get local issuer certificate");
    bench_disconnect(&b);
    tls_context_free(with_chain);
    tls_context_free(without);
}

static void verification_can_be_switched_off(void **state)
{
    struct tls_client_settings s = client_settings(BOTH);

    (void)state;
    s.verifies = false;
    s.ca_pem = SPAN_NONE;
    make_client(&s);
    b.options.names[0].text = SPAN("b.example");
    assert_connects();
    assert_talks();
}

/* --- key log --------------------------------------------------------------------------------- */

static void secrets_are_logged_where_asked(void **state)
{
    static const unsigned protocols[] = {TLS_PROTOCOL_1_2, TLS_PROTOCOL_1_3};
    static const char *const labels[] = {"CLIENT_RANDOM ", "CLIENT_TRAFFIC_SECRET_0 "};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(protocols); i++) {
        struct tls_client_settings s = client_settings(protocols[i]);
        char text[4096] = "";
        FILE *f;

        s.key_log_path = bench_path("keys");
        make_client(&s);
        assert_connects();
        assert_talks();
        bench_disconnect(&b);
        f = fopen(bench_path("keys"), "r");
        assert_non_null(f);
        assert_true(fread(text, 1, sizeof(text) - 1, f) > 100);
        (void)fclose(f);
        assert_non_null(strstr(text, labels[i]));
    }
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
        TEST(sessions_talk_in_both_protocols),
        TEST(handshake_may_come_byte_by_byte),
        TEST(close_notify_ends_what_can_be_read),
        TEST(records_hold_up_to_16384_bytes),
        TEST(opened_bytes_wait_for_room),
        TEST(bytes_behind_the_handshake_stay),
        TEST(output_without_room_fails_the_session),
        TEST(sessions_are_resumed),
        TEST(session_of_tls12_serves_again),
        TEST(tickets_open_with_every_worker),
        TEST(tickets_of_other_settings_mean_a_full_handshake),
        TEST(tickets_of_another_process_mean_a_full_handshake),
        TEST(ticket_of_tls13_is_no_use_to_a_server_of_tls12),
        TEST(refused_ticket_brings_no_trust),
        TEST(tickets_can_be_switched_off),
        TEST(peer_that_is_not_verified_is_refused),
        TEST(chain_is_verified_every_time),
        TEST(verification_can_be_switched_off),
        TEST(secrets_are_logged_where_asked),
    };

    return cmocka_run_group_tests(tests, set_up_all, bench_deinit);
}
