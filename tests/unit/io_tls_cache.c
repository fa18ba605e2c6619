/* Tests of io/tls_cache, with tickets from handshakes over memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "io/tls_cache.h"
#include "../tls_bench.h"

#define PEER SPAN("127.0.0.1:443")
#define LIFETIME_MS (3600u * 1000)
#define TICKETS 2 /* of each identity */

static struct tls_cache *cache;

static struct tls_identity identity(const char *text)
{
    struct span part = span_of_cstr(text);
    struct tls_identity id;

    tls_identity_make(&id, &part, 1);
    return id;
}

static void put(const char *name, bool is_tls13, uint64_t now_ms)
{
    struct tls_identity id = identity(name);

    tls_cache_put(cache, &(struct tls_place){&id, PEER, TICKETS},
                  bench_ticket(is_tls13 ? TLS_PROTOCOL_1_3 : TLS_PROTOCOL_1_2), now_ms);
}

static bool takes(const char *name, uint64_t now_ms, enum tls_miss *miss)
{
    struct tls_identity id = identity(name);
    struct tls_ticket *ticket = tls_cache_take(cache, &id, PEER, now_ms, miss);

    tls_ticket_free(ticket);
    return ticket != NULL;
}

static size_t count(const char *name, uint64_t now_ms)
{
    struct tls_identity id = identity(name);

    return tls_cache_count(cache, &id, now_ms);
}

static int set_up(void **state)
{
    (void)state;
    cache = tls_cache_new(3);
    return cache ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    tls_cache_free(cache);
    return 0;
}

static void identities_do_not_collide_by_shifting_bytes(void **state)
{
    struct span a[] = {SPAN("ab"), SPAN("c")}, b[] = {SPAN("a"), SPAN("bc")}, c[] = {SPAN("abc")};
    struct tls_identity ia, ib, ic, again;

    (void)state;
    tls_identity_make(&ia, a, 2);
    tls_identity_make(&ib, b, 2);
    tls_identity_make(&ic, c, 1);
    tls_identity_make(&again, a, 2);
    assert_memory_equal(&ia, &again, sizeof(ia));
    assert_memory_not_equal(&ia, &ib, sizeof(ia));
    assert_memory_not_equal(&ia, &ic, sizeof(ia));
}

static void every_miss_has_a_word(void **state)
{
    (void)state;
    assert_string_equal(tls_miss_word(TLS_MISS_COLD), "cold");
    for (int m = 0; m < TLS_MISS_COUNT; m++)
        assert_true(strlen(tls_miss_word((enum tls_miss)m)) > 0);
}

static void ticket_of_tls13_is_used_once(void **state)
{
    enum tls_miss miss;

    (void)state;
    assert_false(takes("a", 0, &miss));
    assert_int_equal(miss, TLS_MISS_COLD);
    put("a", true, 0);
    assert_int_equal(count("a", 0), 1);
    assert_true(takes("a", 1, &miss));
    assert_false(takes("a", 2, &miss));
    assert_int_equal(miss, TLS_MISS_POOL_EMPTY);
}

static void session_of_tls12_is_used_again(void **state)
{
    enum tls_miss miss;

    (void)state;
    put("a", false, 0);
    assert_true(takes("a", 1, &miss));
    assert_true(takes("a", 2, &miss));
    assert_int_equal(count("a", 2), 1);
}

static void ticket_ends_with_its_lifetime(void **state)
{
    enum tls_miss miss;

    (void)state;
    put("a", true, 1000);
    assert_int_equal(count("a", 1000 + LIFETIME_MS - 1), 1);
    assert_int_equal(count("a", 1000 + LIFETIME_MS), 0);
    assert_false(takes("a", 1000 + LIFETIME_MS, &miss));
    assert_int_equal(miss, TLS_MISS_EXPIRED);
}

static void other_settings_for_a_known_peer_are_told_apart(void **state)
{
    enum tls_miss miss;

    (void)state;
    put("old", true, 0);
    assert_false(takes("new", 0, &miss));
    assert_int_equal(miss, TLS_MISS_IDENTITY_CHANGED);
}

static void pool_keeps_the_newest_tickets(void **state)
{
    enum tls_miss miss;

    (void)state;
    put("a", true, 0);
    put("a", true, 10);
    put("a", true, 20);
    assert_int_equal(count("a", 20), 2);
    assert_int_equal(count("a", LIFETIME_MS + 10), 1);
    assert_true(takes("a", LIFETIME_MS + 10, &miss));
}

static void each_identity_has_a_limit_of_its_own(void **state)
{
    struct tls_identity one = identity("one"), three = identity("three");

    (void)state;
    for (int i = 0; i < 4; i++) {
        tls_cache_put(cache, &(struct tls_place){&one, PEER, 1}, bench_ticket(TLS_PROTOCOL_1_3), 0);
        tls_cache_put(cache, &(struct tls_place){&three, PEER, 3}, bench_ticket(TLS_PROTOCOL_1_3),
                      0);
    }
    assert_int_equal(count("one", 0), 1);
    assert_int_equal(count("three", 0), 3);
}

static void least_recently_used_identity_goes(void **state)
{
    enum tls_miss miss;

    (void)state;
    put("a", true, 0);
    put("b", true, 0);
    put("c", true, 0);
    put("a", true, 0);
    put("d", true, 0);
    assert_int_equal(count("a", 0), 2);
    assert_int_equal(count("b", 0), 0);
    assert_int_equal(count("c", 0), 1);
    assert_true(takes("d", 0, &miss));
}

static void refusal_drops_what_was_there(void **state)
{
    enum tls_miss miss;
    struct tls_identity a = identity("a");

    (void)state;
    put("a", true, 0);
    put("a", true, 0);
    tls_cache_refused(cache, &a, 1);
    assert_int_equal(count("a", 1), 0);
    assert_false(takes("a", 1, &miss));
    assert_int_equal(miss, TLS_MISS_POOL_EMPTY);
    put("a", true, 2);
    assert_true(takes("a", 2, &miss));
}

static void half_is_lent_and_keeps_its_age(void **state)
{
    struct tls_identity a = identity("a"), b = identity("b"), none = identity("none");
    struct tls_ticket *lent[4];

    (void)state;
    assert_int_equal(tls_cache_lend(cache, &none, 0, lent, 4), 0);
    put("a", true, 0);
    put("a", true, 0);
    assert_int_equal(tls_cache_lend(cache, &a, 5, lent, 4), 1);
    assert_int_equal(count("a", 5), 1);
    tls_cache_put(cache, &(struct tls_place){&b, PEER, TICKETS}, lent[0], 1000);
    assert_int_equal(count("b", LIFETIME_MS - 1), 1);
    assert_int_equal(count("b", LIFETIME_MS), 0);
}

static void session_that_is_used_again_is_lent_as_a_copy(void **state)
{
    struct tls_identity a = identity("a");
    struct tls_ticket *lent[4];

    (void)state;
    put("a", false, 0);
    assert_int_equal(tls_cache_lend(cache, &a, 5, lent, 4), 1);
    assert_int_equal(count("a", 5), 1);
    tls_ticket_free(lent[0]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(identities_do_not_collide_by_shifting_bytes),
        TEST(every_miss_has_a_word),
        TEST(ticket_of_tls13_is_used_once),
        TEST(session_of_tls12_is_used_again),
        TEST(ticket_ends_with_its_lifetime),
        TEST(other_settings_for_a_known_peer_are_told_apart),
        TEST(pool_keeps_the_newest_tickets),
        TEST(each_identity_has_a_limit_of_its_own),
        TEST(least_recently_used_identity_goes),
        TEST(refusal_drops_what_was_there),
        TEST(half_is_lent_and_keeps_its_age),
        TEST(session_that_is_used_again_is_lent_as_a_copy),
    };

    return cmocka_run_group_tests(tests, bench_init, bench_deinit);
}
