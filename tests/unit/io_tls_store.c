/* Tests of io/tls_store: what is kept, for how long, and what goes. */
#include "../tls_ends.h"

#include <sys/syscall.h>
#include <time.h>

#include "../../src/io/tls_internal.h"

static long clock_offset_s; /* how far the tests have put the monotonic clock forward */

/* In place of libc's. */
int clock_gettime(clockid_t clock, struct timespec *ts)
{
    int rc = (int)syscall(SYS_clock_gettime, clock, ts);

    if (rc == 0 && clock == CLOCK_MONOTONIC)
        ts->tv_sec += clock_offset_s;
    return rc;
}

static struct tls_store_key key(uint64_t number, uint64_t context_id)
{
    struct tls_store_key k = {.context_id = context_id};

    memcpy(k.bytes, &number, sizeof(number));
    return k;
}

static bool has(struct tls_store *s, const struct tls_store_key *k, const char *text)
{
    struct tls_client_facts *facts;
    char got[448];
    size_t len = tls_store_get(s, k, got, sizeof(got), &facts);

    tls_facts_free(facts);
    return len && span_equals(span_of(got, len), span_of_cstr(text));
}

static void put(struct tls_store *s, const struct tls_store_key *k, const char *text)
{
    assert_true(tls_store_put(s, k, 10, span_of_cstr(text), NULL));
}

static void what_is_put_is_found_by_its_key_and_settings(void **state)
{
    struct tls_store *s = tls_store_new(1 << 20);
    struct tls_store_key one = key(1, 7), two = key(2, 7), other = key(1, 8);

    (void)state;
    assert_false(has(s, &one, "one"));
    put(s, &one, "one");
    put(s, &two, "two");
    assert_true(has(s, &one, "one"));
    assert_true(has(s, &two, "two"));
    assert_false(has(s, &other, "one"));
    put(s, &one, "anew");
    assert_true(has(s, &one, "anew"));
    tls_store_free(s);
}

static void time_is_over_to_the_second(void **state)
{
    struct tls_store *s = tls_store_new(1 << 20);
    struct tls_store_key k = key(1, 7);

    (void)state;
    put(s, &k, "text");
    clock_offset_s += 8;
    assert_true(has(s, &k, "text"));
    clock_offset_s += 2;
    assert_false(has(s, &k, "text"));
    tls_store_free(s);
}

static void the_oldest_of_a_set_goes_first(void **state)
{
    struct tls_store *s = tls_store_new(1); /* one set */
    struct tls_store_key keys[9];

    (void)state;
    for (uint64_t i = 0; i < COUNT_OF(keys); i++) {
        keys[i] = key(i, 7);
        put(s, &keys[i], "text");
    }
    assert_false(has(s, &keys[0], "text"));
    for (size_t i = 1; i < COUNT_OF(keys); i++)
        assert_true(has(s, &keys[i], "text"));
    tls_store_free(s);
}

static void what_is_too_long_is_not_kept(void **state)
{
    struct tls_store *s = tls_store_new(1 << 20);
    struct tls_store_key k = key(1, 7);
    struct tls_client_facts *facts;
    char text[449] = {1};

    (void)state;
    assert_false(tls_store_put(s, &k, 10, span_of(text, 449), NULL));
    assert_true(tls_store_put(s, &k, 10, span_of(text, 448), NULL));
    assert_int_equal(tls_store_get(s, &k, text, 448, &facts), 448);
    assert_int_equal(tls_store_get(s, &k, text, 447, &facts), 0);
    tls_store_free(s);
}

static void what_is_known_of_the_client_comes_with_it(void **state)
{
    struct tls_store *s = tls_store_new(1 << 20);
    struct tls_client_facts *facts = tls_facts_new(SPAN("der"), VERDICT_GOOD, ""), *got;
    struct tls_store_key k = key(1, 7);
    char text[8];

    (void)state;
    assert_true(tls_store_put(s, &k, 10, SPAN("text"), facts));
    assert_int_equal(tls_store_get(s, &k, text, sizeof(text), &got), 4);
    assert_ptr_equal(got, facts);
    tls_facts_free(got);
    assert_true(tls_store_put(s, &k, 10, SPAN("text"), NULL));
    assert_int_equal(tls_store_get(s, &k, text, sizeof(text), &got), 4);
    assert_null(got);
    assert_true(tls_store_put(s, &k, 10, SPAN("text"), facts));
    tls_store_free(s);
    assert_int_equal(facts->references, 1);
    tls_facts_free(facts);
}

/* --- whole handshakes ------------------------------------------------------------------------ */

/* A server without tickets whose sessions the store keeps. */
static void keep_sessions(struct tls_store *s)
{
    struct tls_pair pair = bench_pair("good.pem", "leaf.key");
    struct tls_server_settings settings = bench_server_settings(&pair);

    settings.id = 1;
    settings.has_tickets = false;
    settings.store = s;
    tls_context_free(server);
    server = bench_server(&settings, shared);
}

static void sessions_are_resumed_without_tickets_of_ours(void **state)
{
    static const unsigned protocols[] = {TLS_PROTOCOL_1_2, TLS_PROTOCOL_1_3};
    struct tls_store *s = tls_store_new(1 << 20);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(protocols); i++) {
        struct tls_client_settings c = client_settings(protocols[i]);
        struct tls_ticket *ticket;

        keep_sessions(s);
        make_client(&c);
        assert_connects();
        ticket = bench_take_ticket(&b);
        assert_non_null(ticket);
        bench_disconnect(&b);
        keep_sessions(s); /* another worker */
        b.options.ticket = ticket;
        assert_connects();
        assert_true(tls_is_resumed(b.server.tls));
        bench_disconnect(&b);
    }
    tls_context_free(server);
    server = NULL;
    tls_store_free(s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_put_is_found_by_its_key_and_settings),
        TEST(time_is_over_to_the_second),
        TEST(the_oldest_of_a_set_goes_first),
        TEST(what_is_too_long_is_not_kept),
        TEST(what_is_known_of_the_client_comes_with_it),
        TEST(sessions_are_resumed_without_tickets_of_ours),
    };

    return cmocka_run_group_tests(tests, bench_init, bench_deinit);
}
