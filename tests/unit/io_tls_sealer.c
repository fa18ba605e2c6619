/* Tests of io/tls_sealer: how long a ticket opens, and what a changed one is worth. */
#include "../tls_ends.h"

#include <sys/syscall.h>
#include <time.h>

#define KEY_LIFETIME_S (12 * 3600)
#define TAG_PADDING_BYTES 16

/* How far the tests have put the monotonic clock forward. */
static long clock_offset_s;

/* In place of libc's. */
int clock_gettime(clockid_t clock, struct timespec *ts)
{
    int rc = (int)syscall(SYS_clock_gettime, clock, ts);

    if (rc == 0 && clock == CLOCK_MONOTONIC)
        ts->tv_sec += clock_offset_s;
    return rc;
}

static const unsigned protocols[] = {TLS_PROTOCOL_1_2, TLS_PROTOCOL_1_3};

static int set_up_clock(void **state)
{
    clock_offset_s = 0;
    return set_up(state);
}

/* A ticket of a full handshake. */
static struct tls_ticket *new_ticket(unsigned protocol)
{
    struct tls_ticket *ticket;

    set_protocols(protocol, BOTH);
    assert_connects();
    assert_false(tls_is_resumed(b.server.tls));
    ticket = bench_take_ticket(&b);
    assert_non_null(ticket);
    bench_disconnect(&b);
    return ticket;
}

/* Connects with a ticket, which is used up. */
static bool resumes(struct tls_ticket *ticket)
{
    bool is_resumed;

    b.options.ticket = ticket;
    assert_connects();
    is_resumed = tls_is_resumed(b.server.tls);
    assert_int_equal(tls_is_resumed(b.client.tls), is_resumed);
    bench_disconnect(&b);
    return is_resumed;
}

static void ticket_opens_while_its_key_seals(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(protocols); i++) {
        struct tls_ticket *ticket = new_ticket(protocols[i]);

        clock_offset_s += KEY_LIFETIME_S - 60;
        assert_true(resumes(ticket));
        clock_offset_s += 2 * KEY_LIFETIME_S; /* for the next one: a fresh key */
    }
}

static void ticket_of_the_key_before_opens(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(protocols); i++) {
        struct tls_ticket *ticket = new_ticket(protocols[i]), *next;

        clock_offset_s += KEY_LIFETIME_S;
        b.options.ticket = ticket;
        assert_connects();
        assert_true(tls_is_resumed(b.server.tls));
        /* Its holder gets one of the new key, which outlives the old one. */
        next = bench_take_ticket(&b);
        assert_non_null(next);
        bench_disconnect(&b);
        clock_offset_s += KEY_LIFETIME_S;
        assert_true(resumes(next));
    }
}

static void ticket_of_an_older_key_means_a_full_handshake(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(protocols); i++) {
        struct tls_ticket *ticket = new_ticket(protocols[i]);

        clock_offset_s += KEY_LIFETIME_S;
        tls_ticket_free(new_ticket(protocols[i]));
        clock_offset_s += KEY_LIFETIME_S;
        tls_ticket_free(new_ticket(protocols[i]));
        assert_false(resumes(ticket));
    }
}

/* Nobody came in the meantime, so nobody changed the keys. */
static void key_of_an_idle_server_gets_no_older(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(protocols); i++) {
        struct tls_ticket *ticket = new_ticket(protocols[i]);

        clock_offset_s += 2 * KEY_LIFETIME_S;
        assert_false(resumes(ticket));
    }
}

/* Each worker has a view of its own, which follows the others'. */
static void workers_change_keys_together(void **state)
{
    struct tls_ticket *ticket;
    struct tls_context *other;

    (void)state;
    set_protocols(BOTH, BOTH);
    other = new_server("good.pem", "leaf.key", BOTH, 1);
    assert_true(bench_connect(&b, client, other));
    bench_disconnect(&b);
    clock_offset_s += KEY_LIFETIME_S;
    assert_connects();
    ticket = bench_take_ticket(&b);
    assert_non_null(ticket);
    bench_disconnect(&b);
    b.options.ticket = ticket;
    assert_true(bench_connect(&b, client, other));
    assert_true(tls_is_resumed(b.server.tls));
    bench_disconnect(&b);
    tls_context_free(other);
}

/* --- keys of files --------------------------------------------------------------------------- */

static const char secrets[3][80] = {"the first", "the second", "the third"};

/* Another process: nothing is left of the one before but what files say. */
static void restart(const char *const *keys, size_t count)
{
    struct tls_pair pair = bench_pair("good.pem", "leaf.key");
    struct tls_server_settings s = bench_server_settings(&pair);
    struct span spans[3];

    for (size_t i = 0; i < count; i++)
        spans[i] = span_of(keys[i], keys[i] == secrets[1] ? 48 : 80);
    s.id = 1;
    s.ticket_keys = spans;
    s.ticket_key_count = count;
    tls_context_free(server);
    tls_server_shared_free(shared);
    shared = tls_server_shared_new();
    server = bench_server(&s, shared);
}

static struct tls_ticket *ticket_of(unsigned protocol)
{
    struct tls_client_settings s = client_settings(protocol);
    struct tls_ticket *ticket;

    make_client(&s);
    assert_connects();
    ticket = bench_take_ticket(&b);
    assert_non_null(ticket);
    bench_disconnect(&b);
    return ticket;
}

static void ticket_of_random_keys_ends_with_the_process(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(protocols); i++) {
        struct tls_ticket *ticket = ticket_of(protocols[i]);

        restart(NULL, 0);
        assert_false(resumes(ticket));
    }
}

static void ticket_of_a_file_opens_in_another_process(void **state)
{
    static const char *const keys[] = {secrets[0]};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(protocols); i++) {
        struct tls_ticket *ticket;

        restart(keys, 1);
        ticket = ticket_of(protocols[i]);
        clock_offset_s += 60;
        restart(keys, 1);
        assert_true(resumes(ticket));
    }
}

static void first_file_seals_and_all_of_them_open(void **state)
{
    static const char *const old[] = {secrets[0]}, *const both[] = {secrets[1], secrets[0]},
                             *const new[] = {secrets[1]}, *const other[] = {secrets[2]};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(protocols); i++) {
        struct tls_ticket *ticket, *next;

        restart(old, 1);
        ticket = ticket_of(protocols[i]);
        restart(both, 2);
        b.options.ticket = ticket;
        assert_connects();
        assert_true(tls_is_resumed(b.server.tls));
        next = bench_take_ticket(&b); /* of the new key */
        assert_non_null(next);
        bench_disconnect(&b);
        ticket = ticket_of(protocols[i]);
        restart(other, 1);
        assert_false(resumes(next));
        restart(new, 1);
        assert_true(resumes(ticket));
    }
}

/* --- changed tickets ------------------------------------------------------------------------- */

/* Where the ticket is in a ClientHello of TLS 1.2: the body of extension 35. */
static struct span find_ticket(struct span hello)
{
    const unsigned char *p = (const unsigned char *)hello.data;
    size_t at = 5 + 4 + 2 + 32, len; /* behind the client's random */

    at += 1 + p[at];
    at += 2 + (size_t)(p[at] << 8 | p[at + 1]);
    at += 1 + p[at];
    for (at += 2; at + 4 <= hello.len; at += 4 + len) {
        len = (size_t)(p[at + 2] << 8 | p[at + 3]);
        if ((p[at] << 8 | p[at + 1]) == 35)
            return span_of(hello.data + at + 4, len);
    }
    fail_msg("no ticket in the hello");
    return SPAN_NONE;
}

/* A hello of TLS 1.2 whose ticket has one byte changed. Returns whether the server resumed: its
 * answer to a resumption holds no certificate, and is much shorter. */
static bool opens_with_change(const struct tls_ticket *ticket, size_t at, size_t *ticket_len)
{
    struct span none = SPAN_NONE, hello, sealed;
    bool is_resumed;

    b.options.output = bench_output;
    b.options.owner = &b.client;
    b.options.ticket = tls_ticket_copy(ticket);
    b.client.tls = tls_new_client(client, &b.options);
    b.options.ticket = NULL;
    b.server.tls = tls_new_server(server, NULL, bench_output, &b.server);
    assert_int_equal(tls_handshake(b.client.tls, &none), TLS_NEEDS_INPUT);
    hello = span_of(b.client.wire, b.client.len);
    sealed = find_ticket(hello);
    *ticket_len = sealed.len;
    if (at < sealed.len)
        b.client.wire[(size_t)(sealed.data - hello.data) + at] ^= 0x10;
    assert_int_equal(tls_handshake(b.server.tls, &hello), TLS_NEEDS_INPUT);
    assert_true(b.server.len > 0);
    is_resumed = memmem(b.server.wire, b.server.len, "good", 4) == NULL;
    bench_disconnect(&b);
    return is_resumed;
}

static void ticket_with_one_byte_changed_opens_nothing(void **state)
{
    struct tls_ticket *ticket = new_ticket(TLS_PROTOCOL_1_2);
    size_t len, ignored;

    (void)state;
    assert_true(opens_with_change(ticket, SIZE_MAX, &len));
    assert_true(len > 64);
    /* The key's name, the nonce, the length, the text and the tag, which fills half its field. */
    for (size_t at = 0; at < len - TAG_PADDING_BYTES; at++) {
        if (opens_with_change(ticket, at, &ignored))
            fail_msg("byte %zu of %zu does not count", at, len);
    }
    tls_ticket_free(ticket);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_clock, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ticket_opens_while_its_key_seals),
        TEST(ticket_of_the_key_before_opens),
        TEST(ticket_of_an_older_key_means_a_full_handshake),
        TEST(key_of_an_idle_server_gets_no_older),
        TEST(workers_change_keys_together),
        TEST(ticket_of_random_keys_ends_with_the_process),
        TEST(ticket_of_a_file_opens_in_another_process),
        TEST(first_file_seals_and_all_of_them_open),
        TEST(ticket_with_one_byte_changed_opens_nothing),
    };

    return cmocka_run_group_tests(tests, bench_init, bench_deinit);
}
