/* Tests of io/tls_key_log: lines as packet analysers read them, each of a session's secrets. */
#include "../tls_ends.h"

#define HEX_DIGITS "0123456789abcdef"
#define RANDOM_AT (5 + 4 + 2) /* in a ClientHello */
#define RANDOM_BYTES 32

static char text[8192];

/* One handshake of a client with a log; its random as hex. */
static void connect_with_log(unsigned protocol, const char *file, char random[2 * RANDOM_BYTES + 1])
{
    struct tls_client_settings s = client_settings(protocol);
    struct span none = SPAN_NONE;

    s.key_log_path = bench_path(file);
    make_client(&s);
    b.options.output = bench_output;
    b.options.owner = &b.client;
    b.client.tls = tls_new_client(client, &b.options);
    b.server.tls = tls_new_server(server, NULL, bench_output, &b.server);
    assert_int_equal(tls_handshake(b.client.tls, &none), TLS_NEEDS_INPUT);
    for (size_t i = 0; i < RANDOM_BYTES; i++)
        (void)sprintf(random + 2 * i, "%02x", (unsigned char)b.client.wire[RANDOM_AT + i]);
    assert_true(bench_shake_hands(&b.client, &b.server, SIZE_MAX));
    bench_disconnect(&b);
}

static void read_log(const char *file)
{
    FILE *f = fopen(bench_path(file), "r");

    assert_non_null(f);
    text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
    (void)fclose(f);
}

/* The line "label random secret". Returns how many bytes the secret has. */
static size_t secret_bytes(const char *label, const char *random)
{
    char start[128];
    const char *line;
    size_t digits;

    (void)snprintf(start, sizeof(start), "%s %s ", label, random);
    line = strstr(text, start);
    if (!line || (line > text && line[-1] != '\n'))
        fail_msg("no line \"%s\" in \"%s\"", start, text);
    line += strlen(start);
    digits = strspn(line, HEX_DIGITS);
    assert_int_equal(line[digits], '\n');
    assert_int_equal(digits % 2, 0);
    return digits / 2;
}

static void tls12_has_one_secret(void **state)
{
    char random[2 * RANDOM_BYTES + 1];

    (void)state;
    connect_with_log(TLS_PROTOCOL_1_2, "keys12", random);
    read_log("keys12");
    assert_int_equal(secret_bytes("CLIENT_RANDOM", random), 48);
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void tls13_has_one_of_each_side_and_stage(void **state)
{
    static const char *const labels[] = {"CLIENT_HANDSHAKE_TRAFFIC_SECRET",
                                         "SERVER_HANDSHAKE_TRAFFIC_SECRET",
                                         "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"};
    char random[2 * RANDOM_BYTES + 1];

    (void)state;
    connect_with_log(TLS_PROTOCOL_1_3, "keys13", random);
    read_log("keys13");
    for (size_t i = 0; i < COUNT_OF(labels); i++) {
        size_t bytes = secret_bytes(labels[i], random);

        assert_true(bytes == 32 || bytes == 48);
    }
}

static void sessions_are_appended(void **state)
{
    char first[2 * RANDOM_BYTES + 1], second[2 * RANDOM_BYTES + 1];

    (void)state;
    connect_with_log(TLS_PROTOCOL_1_2, "keys", first);
    connect_with_log(TLS_PROTOCOL_1_2, "keys", second);
    read_log("keys");
    assert_string_not_equal(first, second);
    assert_int_equal(secret_bytes("CLIENT_RANDOM", first), 48);
    assert_int_equal(secret_bytes("CLIENT_RANDOM", second), 48);
}

/* /dev/full takes no byte. */
static void full_disk_costs_the_log_only(void **state)
{
    struct tls_client_settings s = client_settings(BOTH);

    (void)state;
    s.key_log_path = "/dev/full";
    make_client(&s);
    assert_connects();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tls12_has_one_secret),
        TEST(tls13_has_one_of_each_side_and_stage),
        TEST(sessions_are_appended),
        TEST(full_disk_costs_the_log_only),
    };

    return cmocka_run_group_tests(tests, bench_init, bench_deinit);
}
