/* Tests of io/tls_ticket: what a client keeps of a session, and for how long. */
#include "../scarce_memory.h"
#include "../tls_ends.h"

#define DAY_S 86400u

/* A ticket of a server that says so long, after a full handshake. */
static struct tls_ticket *ticket_for(unsigned protocol, unsigned lifetime_s)
{
    struct tls_pair pair = bench_pair("good.pem", "leaf.key");
    struct tls_server_settings s = bench_server_settings(&pair);
    struct tls_ticket *ticket;

    set_protocols(protocol, protocol);
    tls_context_free(server);
    s.ticket_lifetime_s = lifetime_s;
    server = bench_server(&s, shared);
    assert_connects();
    ticket = bench_take_ticket(&b);
    assert_non_null(ticket);
    bench_disconnect(&b);
    return ticket;
}

static void lifetime_is_the_servers_word_within_7_days(void **state)
{
    static const struct {
        unsigned said_s, kept_s;
    } cases[] = {{0, 3600},
                 {60, 60},
                 {7 * DAY_S - 1, 7 * DAY_S - 1},
                 {7 * DAY_S, 7 * DAY_S},
                 {7 * DAY_S + 1, 7 * DAY_S},
                 {UINT32_MAX, 7 * DAY_S}};

    (void)state;
    for (unsigned protocol = TLS_PROTOCOL_1_2; protocol <= TLS_PROTOCOL_1_3; protocol++) {
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            struct tls_ticket *ticket = ticket_for(protocol, cases[i].said_s);

            assert_int_equal(tls_ticket_lifetime_ms(ticket), cases[i].kept_s * 1000ull);
            tls_ticket_free(ticket);
        }
    }
}

static void tickets_of_tls13_serve_once(void **state)
{
    struct tls_ticket *old = ticket_for(TLS_PROTOCOL_1_2, 0);
    struct tls_ticket *new = ticket_for(TLS_PROTOCOL_1_3, 0);

    (void)state;
    assert_false(tls_ticket_is_single_use(old));
    assert_true(tls_ticket_is_single_use(new));
    tls_ticket_free(old);
    tls_ticket_free(new);
    tls_ticket_free(NULL);
}

static void copy_outlives_its_original(void **state)
{
    struct tls_ticket *ticket = ticket_for(TLS_PROTOCOL_1_2, 60);
    struct tls_ticket *copy = tls_ticket_copy(ticket);

    (void)state;
    assert_non_null(copy);
    tls_ticket_free(ticket);
    assert_false(tls_ticket_is_single_use(copy));
    assert_int_equal(tls_ticket_lifetime_ms(copy), 60000);
    b.options.ticket = copy;
    assert_connects();
    assert_true(tls_is_resumed(b.client.tls));
}

static void nothing_is_taken_before_the_handshake_is_finished(void **state)
{
    struct span none = SPAN_NONE;

    (void)state;
    b.options.output = bench_output;
    b.options.owner = &b.client;
    b.client.tls = tls_new_client(client, &b.options);
    assert_null(tls_take_ticket(b.client.tls));
    assert_int_equal(tls_handshake(b.client.tls, &none), TLS_NEEDS_INPUT);
    assert_null(tls_take_ticket(b.client.tls));
    assert_int_equal(tls_session_id(b.client.tls).len, 0);
}

static void each_ticket_is_taken_once(void **state)
{
    struct tls_ticket *ticket;

    (void)state;
    set_protocols(TLS_PROTOCOL_1_2, TLS_PROTOCOL_1_2);
    assert_connects();
    ticket = tls_take_ticket(b.client.tls);
    assert_non_null(ticket);
    tls_ticket_free(ticket);
    assert_null(tls_take_ticket(b.client.tls));
}

/* RFC 5077 section 3.4; the id is behind the client's random. */
static void ticket_goes_without_a_session_id(void **state)
{
    static const size_t id_length_at = 5 + 4 + 2 + 32;
    struct span none = SPAN_NONE;

    (void)state;
    b.options.ticket = ticket_for(TLS_PROTOCOL_1_2, 0);
    b.options.output = bench_output;
    b.options.owner = &b.client;
    b.client.tls = tls_new_client(client, &b.options);
    assert_int_equal(tls_handshake(b.client.tls, &none), TLS_NEEDS_INPUT);
    assert_true(b.client.len > id_length_at);
    assert_int_equal(b.client.wire[id_length_at], 0);
}

/* --- the end of memory ----------------------------------------------------------------------- */

static size_t read_log(const char *name, char *out, size_t size)
{
    FILE *f = fopen(bench_path(name), "r");
    size_t len;

    assert_non_null(f);
    len = fread(out, 1, size - 1, f);
    out[len] = '\0';
    (void)fclose(f);
    return len;
}

/* Up to what the client's last step of a handshake of TLS 1.2 reads. */
static void come_to_the_last_step(void)
{
    b.options.output = bench_output;
    b.options.owner = &b.client;
    b.client.tls = tls_new_client(client, &b.options);
    b.server.tls = tls_new_server(server, NULL, bench_output, &b.server);
    b.client.result = b.server.result = TLS_NEEDS_INPUT;
    bench_step(&b.client, &b.server, SIZE_MAX);
    bench_step(&b.server, &b.client, SIZE_MAX);
    bench_step(&b.client, &b.server, SIZE_MAX);
    bench_step(&b.server, &b.client, SIZE_MAX);
    assert_int_equal(b.server.result, TLS_OK);
}

/* Secrets that are not known are not logged: a log of zeros would only puzzle. */
static void without_memory_a_session_goes_on_without_ticket_and_log(void **state)
{
    struct tls_client_settings s = client_settings(TLS_PROTOCOL_1_2);
    size_t without_ticket = 0, without_line = 0, logged = 0;
    bool has_failed = true;
    char log[8192];

    (void)state;
    s.key_log_path = bench_path("short-of-memory");
    make_client(&s);
    for (unsigned i = 0; has_failed; i++) {
        struct tls_ticket *ticket;
        const char *reason;
        size_t len;

        come_to_the_last_step();
        memory_is_scarce(0, i);
        bench_step(&b.client, &b.server, SIZE_MAX);
        has_failed = memory_was_scarce();
        ticket = tls_take_ticket(b.client.tls);
        len = read_log("short-of-memory", log, sizeof(log));
        if (b.client.result == TLS_OK) {
            without_ticket += ticket == NULL;
            without_line += len == logged;
            assert_true(has_failed || ticket);
        } else {
            assert_int_equal(tls_failure(b.client.tls, &reason), TLS_FAILURE_MEMORY);
            assert_null(ticket);
        }
        logged = len;
        tls_ticket_free(ticket);
        bench_disconnect(&b);
    }
    assert_true(without_ticket >= 3); /* to read the session, to make another one, for us */
    assert_int_equal(without_line, 1);
    assert_null(strstr(log, " 00000000"));
}

static void without_memory_there_is_no_copy(void **state)
{
    struct tls_ticket *ticket = bench_ticket(TLS_PROTOCOL_1_2), *copy;
    unsigned failures = 0;
    bool has_failed = true;

    (void)state;
    while (has_failed) {
        memory_is_scarce(0, failures);
        copy = tls_ticket_copy(ticket);
        has_failed = memory_was_scarce();
        assert_int_equal(copy == NULL, has_failed);
        tls_ticket_free(copy);
        failures += has_failed;
    }
    assert_true(failures >= 2);
    tls_ticket_free(ticket);
}

/* Also then the ticket is taken over. */
static void without_memory_there_is_no_client(void **state)
{
    size_t none = 0;
    bool has_failed = true;

    (void)state;
    for (unsigned i = 0; has_failed; i++) {
        b.options.ticket = bench_ticket(TLS_PROTOCOL_1_3);
        memory_is_scarce(0, i);
        b.client.tls = tls_new_client(client, &b.options);
        has_failed = memory_was_scarce();
        none += b.client.tls == NULL;
        assert_true(has_failed || b.client.tls);
        bench_disconnect(&b);
    }
    assert_true(none >= 3); /* ours, wolfSSL's, the names */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lifetime_is_the_servers_word_within_7_days),
        TEST(tickets_of_tls13_serve_once),
        TEST(copy_outlives_its_original),
        TEST(nothing_is_taken_before_the_handshake_is_finished),
        TEST(each_ticket_is_taken_once),
        TEST(ticket_goes_without_a_session_id),
        TEST(without_memory_a_session_goes_on_without_ticket_and_log),
        TEST(without_memory_there_is_no_copy),
        TEST(without_memory_there_is_no_client),
    };

    return cmocka_run_group_tests(tests, bench_init, bench_deinit);
}
