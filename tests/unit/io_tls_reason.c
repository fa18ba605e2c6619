/* Tests of peers that fail or are hostile: what is said, and that there is an end to it. */
#include "../tls_bench.h"

#define FLOOD_COUNT 20000

static struct tls_server_shared *shared;
static struct tls_context *client, *server;
static struct bench b;

static void make(unsigned of_client, unsigned of_server, const char *client_suites)
{
    struct tls_client_settings c = bench_client_settings();
    struct tls_pair pair = bench_pair("good.pem", "leaf.key");
    struct tls_server_settings s = bench_server_settings(&pair);

    c.protocols = of_client;
    c.suites = bench_suites(client_suites);
    s.protocols = of_server;
    client = bench_client(&c);
    server = bench_server(&s, shared);
}

static int set_up(void **state)
{
    (void)state;
    b = (struct bench){.options = {.sni = SPAN("a.example")}};
    shared = tls_server_shared_new();
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

#define BOTH (TLS_PROTOCOL_1_2 | TLS_PROTOCOL_1_3)

/* A client that has said hello, or a server that waits for it. */
static void start_client(void)
{
    struct span none = SPAN_NONE;

    make(BOTH, BOTH, "DEFAULT");
    b.options.output = bench_output;
    b.options.owner = &b.client;
    b.client.tls = tls_new_client(client, &b.options);
    assert_int_equal(tls_handshake(b.client.tls, &none), TLS_NEEDS_INPUT);
}

static void start_server(void)
{
    make(BOTH, BOTH, "DEFAULT");
    b.server.tls = tls_new_server(server, NULL, bench_output, &b.server);
}

/* A server that has read a hello and answered. */
static void start_server_after_hello(void)
{
    struct span hello;

    start_client();
    b.server.tls = tls_new_server(server, NULL, bench_output, &b.server);
    hello = span_of(b.client.wire, b.client.len);
    assert_int_equal(tls_handshake(b.server.tls, &hello), TLS_NEEDS_INPUT);
}

/* Gives the same bytes over and over; fails when the session goes on with all of it. Returns how
 * many bytes it took. */
static size_t flood(struct tls *t, struct span bytes, size_t count)
{
    size_t taken = 0;

    for (size_t i = 0; i < count; i++) {
        struct span input = bytes;
        enum tls_result result = tls_handshake(t, &input);

        taken += bytes.len - input.len;
        if (result != TLS_NEEDS_INPUT) {
            assert_int_equal(result, TLS_FAILED);
            return taken;
        }
    }
    fail_msg("%zu bytes and no end", taken);
    return taken;
}

static void assert_says(const struct tls *t, enum tls_failure_kind kind, const char *text)
{
    const char *reason;

    assert_int_equal(tls_failure(t, &reason), kind);
    assert_string_equal(reason, text);
}

/* --- what is not TLS ------------------------------------------------------------------------- */

static void plain_http_on_a_tls_port_is_told_apart(void **state)
{
    static const char *const requests[] = {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "p", "OPTIONS *"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        start_server();
        (void)flood(b.server.tls, span_of_cstr(requests[i]), 1);
        assert_says(b.server.tls, TLS_FAILURE_PLAIN_HTTP,
                    "client sent plain HTTP request to HTTPS port");
        assert_int_equal(b.server.len, 0);
        tear_down(state);
        set_up(state);
    }
}

static void server_that_speaks_plain_http_is_named(void **state)
{
    (void)state;
    start_client();
    (void)flood(b.client.tls, SPAN("HTTP/1.1 400 Bad Request\r\n\r\n"), 1);
    assert_says(b.client.tls, TLS_FAILURE_PROTOCOL, "peer does not speak TLS");
}

static void garbage_ends_the_handshake(void **state)
{
    char bytes[512];

    (void)state;
    for (unsigned seed = 0; seed < 60; seed++) {
        srandom(seed);
        for (size_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = (char)random();
        /* Also such that looks like records. */
        if (seed % 3)
            memcpy(bytes, "\x16\x03\x03\0\x40", 5);
        if (seed % 2) {
            start_client();
            (void)flood(b.client.tls, span_of(bytes, sizeof(bytes)), 2000);
        } else {
            start_server();
            (void)flood(b.server.tls, span_of(bytes, sizeof(bytes)), 2000);
        }
        tear_down(state);
        set_up(state);
    }
}

/* --- alerts and versions --------------------------------------------------------------------- */

static void alert_of_the_peer_is_named(void **state)
{
    (void)state;
    start_client();
    (void)flood(b.client.tls, SPAN("\x15\x03\x03\0\x02\x02\x28"), 1);
    assert_says(b.client.tls, TLS_FAILURE_PROTOCOL, "peer sent alert handshake_failure");
    tear_down(state);
    set_up(state);
    start_client();
    (void)flood(b.client.tls, SPAN("\x15\x03\x03\0\x02\x02\xee"), 1);
    assert_says(b.client.tls, TLS_FAILURE_PROTOCOL, "peer sent alert 238");
}

static void protocols_without_overlap_are_named(void **state)
{
    (void)state;
    make(TLS_PROTOCOL_1_2, TLS_PROTOCOL_1_3, "DEFAULT");
    assert_false(bench_connect(&b, client, server));
    assert_says(b.server.tls, TLS_FAILURE_PROTOCOL, "unsupported TLS version");
    assert_says(b.client.tls, TLS_FAILURE_PROTOCOL, "peer sent alert protocol_version");
    tear_down(state);
    set_up(state);
    make(TLS_PROTOCOL_1_3, TLS_PROTOCOL_1_2, "DEFAULT");
    assert_false(bench_connect(&b, client, server));
    assert_says(b.server.tls, TLS_FAILURE_PROTOCOL, "unsupported TLS version");
    assert_says(b.client.tls, TLS_FAILURE_PROTOCOL, "peer sent alert protocol_version");
}

static void suites_without_overlap_are_named(void **state)
{
    (void)state;
    make(TLS_PROTOCOL_1_2, BOTH, "aRSA");
    assert_false(bench_connect(&b, client, server));
    assert_says(b.server.tls, TLS_FAILURE_PROTOCOL, "no cipher suite in common");
    assert_says(b.client.tls, TLS_FAILURE_PROTOCOL, "peer sent alert handshake_failure");
}

static void peer_that_leaves_in_the_handshake_is_named(void **state)
{
    (void)state;
    start_client();
    (void)flood(b.client.tls, SPAN("\x15\x03\x03\0\x02\x01\0"), 1);
    assert_says(b.client.tls, TLS_FAILURE_PROTOCOL, "peer closed the connection in the handshake");
}

/* --- floods ---------------------------------------------------------------------------------- */

static const struct {
    struct span record;
    const char *what;
} floods[] = {
    {{"\x15\x03\x03\0\x02\x01\x5a", 7}, "warning alerts"},
    {{"\x14\x03\x03\0\x01\x01", 6}, "change_cipher_spec"},
    {{"\x16\x03\x03\0\0", 5}, "empty handshake records"},
    {{"\x17\x03\x03\0\0", 5}, "empty data records"},
    {{"\x16\x03\x03\0\x04\0\0\0\0", 9}, "hello requests"},
};

#define TAKEN_MAX (400 * 1024)

static void floods_come_to_an_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(floods); i++) {
        start_client();
        assert_true(flood(b.client.tls, floods[i].record, 20 * FLOOD_COUNT) < TAKEN_MAX);
        tear_down(state);
        set_up(state);
        start_server_after_hello();
        assert_true(flood(b.server.tls, floods[i].record, 20 * FLOOD_COUNT) < TAKEN_MAX);
        tear_down(state);
        set_up(state);
    }
}

/* A message that says it has 16 MB, and 16 KB of it at a time. */
static void endless_messages_come_to_an_end(void **state)
{
    static char record[5 + 16384];
    static const char types[] = {0, 2, 11, 12, 22};

    (void)state;
    memcpy(record, "\x16\x03\x03\x40\0", 5);
    for (size_t i = 0; i < sizeof(types); i++) {
        record[5] = types[i];
        memset(record + 6, 0xff, 3);
        start_client();
        assert_true(flood(b.client.tls, span_of(record, sizeof(record)), 1000) < TAKEN_MAX);
        tear_down(state);
        set_up(state);
        start_server_after_hello();
        assert_true(flood(b.server.tls, span_of(record, sizeof(record)), 1000) < TAKEN_MAX);
        tear_down(state);
        set_up(state);
    }
}

static void oversized_records_are_refused(void **state)
{
    static char record[5 + 65535];

    (void)state;
    memcpy(record, "\x16\x03\x03\xff\xff", 5);
    start_client();
    (void)flood(b.client.tls, span_of(record, sizeof(record)), 1);
    tear_down(state);
    set_up(state);
    start_server_after_hello();
    (void)flood(b.server.tls, span_of(record, sizeof(record)), 1);
}

/* --- after the handshake --------------------------------------------------------------------- */

static void broken_record_ends_the_session(void **state)
{
    char out[64];
    struct span input;
    size_t len;

    (void)state;
    for (unsigned protocol = TLS_PROTOCOL_1_2; protocol <= TLS_PROTOCOL_1_3; protocol++) {
        make(protocol, BOTH, "DEFAULT");
        assert_true(bench_connect(&b, client, server));
        assert_int_equal(tls_seal(b.client.tls, SPAN("text")), 0);
        b.client.wire[b.client.len - 1] ^= 1;
        input = span_of(b.client.wire, b.client.len);
        assert_int_equal(tls_open(b.server.tls, &input, out, sizeof(out), &len), TLS_FAILED);
        assert_int_equal(len, 0);
        assert_says(b.server.tls, TLS_FAILURE_PROTOCOL, "record does not decrypt");
        assert_int_equal(tls_open(b.server.tls, &input, out, sizeof(out), &len), TLS_FAILED);
        assert_int_equal(tls_seal(b.server.tls, SPAN("x")), -EPROTO);
        tear_down(state);
        set_up(state);
    }
}

static void data_in_clear_after_the_handshake_is_refused(void **state)
{
    static const struct span records[] = {
        {"\x17\x03\x03\0\x04text", 9},
        {"\x15\x03\x03\0\x02\x02\x28", 7},
        {"\x16\x03\x03\0\x04\0\0\0\0", 9},
        {"GET / HTTP/1.1\r\n\r\n", 18},
    };
    char out[64];
    size_t len;

    (void)state;
    for (unsigned protocol = TLS_PROTOCOL_1_2; protocol <= TLS_PROTOCOL_1_3; protocol++) {
        for (size_t i = 0; i < COUNT_OF(records); i++) {
            struct span input = records[i];

            make(protocol, BOTH, "DEFAULT");
            assert_true(bench_connect(&b, client, server));
            assert_int_equal(tls_open(b.server.tls, &input, out, sizeof(out), &len), TLS_FAILED);
            assert_int_equal(len, 0);
            tear_down(state);
            set_up(state);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(plain_http_on_a_tls_port_is_told_apart),
        TEST(server_that_speaks_plain_http_is_named),
        TEST(garbage_ends_the_handshake),
        TEST(alert_of_the_peer_is_named),
        TEST(protocols_without_overlap_are_named),
        TEST(suites_without_overlap_are_named),
        TEST(peer_that_leaves_in_the_handshake_is_named),
        TEST(floods_come_to_an_end),
        TEST(endless_messages_come_to_an_end),
        TEST(oversized_records_are_refused),
        TEST(broken_record_ends_the_session),
        TEST(data_in_clear_after_the_handshake_is_refused),
    };

    return cmocka_run_group_tests(tests, bench_init, bench_deinit);
}
