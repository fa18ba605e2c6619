/* Tests of proxy/balance, and of a peer's health in proxy/view. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/balance.h"

#define PEERS_MAX 130

struct group {
    struct upstream upstream;
    struct upstream_conf conf;
    struct peer peers[PEERS_MAX];
    struct peer_conf peer_confs[PEERS_MAX];
    struct peer_shared shared[PEERS_MAX];
    uint64_t now_ms;
};

static const struct peer_set none_tried;

/* Peers of weight 1 that fail once in ten seconds, as nginx's defaults are. */
static struct group *group_of(size_t count)
{
    static struct group g;

    memset(&g, 0, sizeof(g));
    g.now_ms = 1000 * 1000;
    g.conf = (struct upstream_conf){.peers = g.peer_confs, .peer_count = count};
    g.upstream = (struct upstream){.conf = &g.conf, .peers = g.peers};
    for (size_t i = 0; i < count; i++) {
        g.peer_confs[i] = (struct peer_conf){.weight = 1,
                                             .max_fails = 1,
                                             .fail_timeout_ms = 10000,
                                             .index = (unsigned)i,
                                             .shared = &g.shared[i]};
        g.peers[i] =
            (struct peer){.conf = &g.peer_confs[i], .upstream = &g.upstream, .effective_weight = 1};
    }
    return &g;
}

static void set_weight(struct group *g, size_t i, unsigned weight)
{
    g->peer_confs[i].weight = weight;
    g->peers[i].effective_weight = weight;
}

/* The picks as letters, each used for no time; '-': none. */
static const char *picks(struct group *g, size_t count)
{
    static char text[64];

    assert_true(count < sizeof(text));
    for (size_t i = 0; i < count; i++) {
        struct peer *p = balance_pick(&g->upstream, &none_tried, g->now_ms);

        text[i] = p ? (char)('a' + p->conf->index) : '-';
    }
    text[count] = '\0';
    return text;
}

/* What is left when the peers of these bits had their try. */
static struct peer *pick_beside(struct group *g, uint64_t tried)
{
    struct peer_set set = {.first = tried};

    return balance_pick(&g->upstream, &set, g->now_ms);
}

static void has_failed(struct group *g, size_t i)
{
    peer_begin(&g->peers[i]);
    peer_end(&g->peers[i], PEER_FAILED, g->now_ms);
}

static void has_succeeded(struct group *g, size_t i)
{
    peer_begin(&g->peers[i]);
    peer_end(&g->peers[i], PEER_SERVED, g->now_ms);
}

/* --- round robin ------------------------------------------------------------------------------ */

static void peers_take_turns(void **state)
{
    assert_string_equal(picks(group_of(3), 7), "abcabca");
    assert_string_equal(picks(group_of(1), 3), "aaa");
    assert_string_equal(picks(group_of(0), 1), "-");
}

/* nginx's own example: 5, 1, 1. */
static void weights_are_served_smoothly(void **state)
{
    struct group *g = group_of(3);

    set_weight(g, 0, 5);
    assert_string_equal(picks(g, 14), "aabacaaaabacaa");
}

static void skipping_begins_with_another_peer(void **state)
{
    struct group *g = group_of(3);

    balance_skip(&g->upstream, 0, g->now_ms);
    assert_string_equal(picks(g, 3), "abc");
    balance_skip(&g->upstream, 2, g->now_ms);
    assert_string_equal(picks(g, 4), "cabc");
}

static void peers_that_are_down_or_tried_are_left_out(void **state)
{
    struct group *g = group_of(3);

    g->peer_confs[1].is_down = true;
    assert_string_equal(picks(g, 4), "acac");
    assert_ptr_equal(pick_beside(g, 1u << 0), &g->peers[2]);
    assert_null(pick_beside(g, 1u << 0 | 1u << 2));
}

static void backups_serve_only_when_no_other_is_left(void **state)
{
    struct group *g = group_of(3);

    g->peer_confs[2].is_backup = true;
    assert_string_equal(picks(g, 4), "abab");
    assert_ptr_equal(pick_beside(g, 3), &g->peers[2]);
    assert_null(pick_beside(g, 7));
    has_failed(g, 0);
    has_failed(g, 1);
    assert_string_equal(picks(g, 2), "cc");
}

/* --- the tried -------------------------------------------------------------------------------- */

static void assert_each_is_tried_once(size_t count)
{
    struct group *g = group_of(count);
    struct peer_set tried = {0};
    struct arena a;

    arena_init(&a, 256, 0);
    assert_int_equal(peer_set_reserve(&tried, count, &a), 0);
    for (size_t i = 0; i < count; i++) {
        struct peer *p = balance_pick(&g->upstream, &tried, g->now_ms);

        assert_ptr_equal(p, &g->peers[i]);
        assert_false(peer_set_has(&tried, p));
        assert_int_equal(balance_has_another(&g->upstream, &tried, p, g->now_ms), i + 1 < count);
        peer_set_add(&tried, p);
        assert_true(peer_set_has(&tried, p));
    }
    assert_null(balance_pick(&g->upstream, &tried, g->now_ms));
    arena_deinit(&a);
}

static void each_peer_of_any_number_is_tried_once(void **state)
{
    assert_each_is_tried_once(63);
    assert_each_is_tried_once(64);
    assert_each_is_tried_once(65);
    assert_each_is_tried_once(128);
    assert_each_is_tried_once(129);
    assert_each_is_tried_once(130);
}

static void up_to_64_peers_take_no_memory(void **state)
{
    struct group *g = group_of(65);
    struct peer_set tried = {0};
    struct arena a;

    arena_init(&a, 256, 1); /* full */
    assert_int_equal(peer_set_reserve(&tried, 64, &a), 0);
    assert_null(tried.more);
    assert_int_equal(peer_set_reserve(&tried, 65, &a), -ENOMEM);
    assert_false(peer_set_has(&tried, &g->peers[64]));
    arena_deinit(&a);
}

static void room_is_made_once(void **state)
{
    struct group *g = group_of(65);
    struct peer_set tried = {0};
    struct arena a;

    arena_init(&a, 256, 0);
    assert_int_equal(peer_set_reserve(&tried, 65, &a), 0);
    peer_set_add(&tried, &g->peers[64]);
    assert_int_equal(peer_set_reserve(&tried, 65, &a), 0);
    assert_true(peer_set_has(&tried, &g->peers[64]));
    assert_int_equal(a.total_bytes, 256);
    arena_deinit(&a);
}

/* --- max_conns, least_conn -------------------------------------------------------------------- */

static void a_full_peer_gets_no_more(void **state)
{
    struct group *g = group_of(2);

    g->peer_confs[0].max_conns = 2;
    peer_begin(&g->peers[0]);
    assert_string_equal(picks(g, 2), "ab");
    peer_begin(&g->peers[0]);
    assert_string_equal(picks(g, 2), "bb");
    peer_end(&g->peers[0], PEER_SERVED, g->now_ms);
    assert_non_null(strchr(picks(g, 2), 'a'));
}

/* Two workers picked the peer when there was room for one. */
static void the_last_of_max_conns_is_taken_once(void **state)
{
    struct group *g = group_of(2);

    (void)state;
    g->peer_confs[0].max_conns = 1;
    has_failed(g, 0);
    g->now_ms += 10000;
    assert_non_null(strchr(picks(g, 4), 'a'));
    assert_true(peer_begin(&g->peers[0]));
    assert_false(peer_begin(&g->peers[0]));
    assert_string_equal(picks(g, 4), "bbbb");
    peer_end(&g->peers[0], PEER_UNTRIED, g->now_ms);
    assert_non_null(strchr(picks(g, 4), 'a'));
    assert_true(peer_begin(&g->peers[0]));
}

/* What did not begin was no trial. */
static void a_trial_that_another_worker_took_goes_on(void **state)
{
    struct group *g = group_of(2);

    (void)state;
    g->peer_confs[0].max_conns = 1;
    has_failed(g, 0);
    g->now_ms += 10000;
    g->peers[0].conf->shared->active_count = 1;
    g->peers[0].trial_began_ms = g->now_ms;
    assert_false(peer_begin(&g->peers[0]));
    g->peers[0].conf->shared->active_count = 0;
    assert_non_null(strchr(picks(g, 4), 'a'));
}

static void least_conn_prefers_the_idle_by_weight(void **state)
{
    struct group *g = group_of(3);

    g->conf.balance = BALANCE_LEAST_CONN;
    set_weight(g, 0, 3);
    peer_begin(&g->peers[0]);
    peer_begin(&g->peers[0]); /* 2 of weight 3 are less than 1 of weight 1 */
    peer_begin(&g->peers[1]);
    peer_begin(&g->peers[2]);
    assert_string_equal(picks(g, 2), "aa");
    peer_begin(&g->peers[0]); /* all the same now: round robin by weight */
    assert_int_equal(strspn(picks(g, 20), "a") < 20, true);
    peer_begin(&g->peers[0]);
    assert_null(strchr(picks(g, 20), 'a'));
}

static void least_conn_takes_turns_among_equals(void **state)
{
    struct group *g = group_of(3);

    g->conf.balance = BALANCE_LEAST_CONN;
    assert_string_equal(picks(g, 6), "abcabc");
    peer_begin(&g->peers[1]);
    assert_string_equal(picks(g, 4), "acac");
}

static void least_conn_leaves_out_the_tried_and_the_full(void **state)
{
    struct group *g = group_of(3);

    g->conf.balance = BALANCE_LEAST_CONN;
    g->peer_confs[2].is_backup = true;
    g->peer_confs[1].max_conns = 1;
    assert_ptr_equal(pick_beside(g, 1), &g->peers[1]);
    peer_begin(&g->peers[1]);
    assert_ptr_equal(pick_beside(g, 1), &g->peers[2]);
    assert_null(pick_beside(g, 5));
}

struct busy {
    struct group *group;
    _Atomic bool is_over;
};

static void *be_busy(void *arg)
{
    struct busy *b = arg;

    while (!b->is_over) {
        for (size_t i = 0; i < 2; i++)
            peer_begin(&b->group->peers[i]);
        for (size_t i = 0; i < 2; i++)
            peer_end(&b->group->peers[i], PEER_SERVED, b->group->now_ms);
    }
    return NULL;
}

/* How often there was no peer, while another thread begins and ends: the counts belong to all
 * workers and move while one looks at them. */
static unsigned none_while_others_are_busy(struct group *g)
{
    struct busy b = {.group = g};
    pthread_t thread;
    unsigned none = 0;

    g->conf.balance = BALANCE_LEAST_CONN;
    assert_int_equal(pthread_create(&thread, NULL, be_busy, &b), 0);
    for (unsigned i = 0; i < 300000; i++)
        none += balance_pick(&g->upstream, &none_tried, g->now_ms) == NULL;
    b.is_over = true;
    assert_int_equal(pthread_join(thread, NULL), 0);
    return none;
}

static void least_conn_finds_a_peer_while_others_begin_and_end(void **state)
{
    assert_int_equal(none_while_others_are_busy(group_of(2)), 0);
}

static void least_conn_survives_peers_that_come_free_meanwhile(void **state)
{
    struct group *g = group_of(2);

    g->peer_confs[0].max_conns = 1;
    g->peer_confs[1].max_conns = 1;
    (void)none_while_others_are_busy(g); /* there may be none at any moment */
}

/* --- max_fails -------------------------------------------------------------------------------- */

static void a_failure_takes_a_peer_out_for_fail_timeout(void **state)
{
    struct group *g = group_of(2);

    has_failed(g, 0);
    g->now_ms += 9999;
    assert_string_equal(picks(g, 2), "bb");
    g->now_ms += 1;
    assert_non_null(strchr(picks(g, 2), 'a'));
    assert_int_equal(g->shared[0].failures, 1);
    assert_int_equal(g->shared[0].active_count, 0);
}

static void max_fails_counts_within_a_window(void **state)
{
    struct group *g = group_of(2);

    g->peer_confs[0].max_fails = 3;
    set_weight(g, 0, 30);
    has_failed(g, 0);
    g->now_ms += 10000;
    has_failed(g, 0);
    assert_non_null(strchr(picks(g, 4), 'a'));
    g->now_ms += 1; /* the first one is too long ago: a new window begins */
    has_failed(g, 0);
    has_failed(g, 0);
    assert_non_null(strchr(picks(g, 4), 'a'));
    has_failed(g, 0);
    assert_null(strchr(picks(g, 4), 'a'));
    assert_true(g->shared[0].down_until_ms == g->now_ms + 10000);
}

/* As nginx: a peer that fails every other time is taken out all the same. */
static void a_success_takes_no_failure_back_within_fail_timeout(void **state)
{
    struct group *g = group_of(2);

    g->peer_confs[0].max_fails = 2;
    has_failed(g, 0);
    g->now_ms += 9999;
    has_succeeded(g, 0);
    has_failed(g, 0);
    assert_true(g->shared[0].down_until_ms == g->now_ms + 10000);
    assert_int_equal(g->shared[0].requests, 3);
}

/* It began before the failure: it proves nothing of what the peer is like now. */
static void a_late_success_brings_no_peer_back(void **state)
{
    struct group *g = group_of(2);

    peer_begin(&g->peers[0]);
    has_failed(g, 0);
    g->now_ms += 5000;
    peer_end(&g->peers[0], PEER_SERVED, g->now_ms);
    assert_string_equal(picks(g, 2), "bb");
}

static void a_peer_that_is_back_is_on_trial_until_it_serves(void **state)
{
    for (int serves = 0; serves < 2; serves++) {
        struct group *g = group_of(2);

        g->peer_confs[0].max_fails = 2;
        has_failed(g, 0);
        has_failed(g, 0);
        g->now_ms += 10000;
        assert_non_null(strchr(picks(g, 4), 'a'));
        if (serves)
            has_succeeded(g, 0);
        g->now_ms += 1;
        has_failed(g, 0);
        assert_int_equal(g->shared[0].down_until_ms > g->now_ms, !serves);
    }
}

/* As nginx: the others wait for what comes of it. */
static void one_request_at_a_time_tries_a_peer_on_trial(void **state)
{
    struct group *g = group_of(2);

    has_failed(g, 0);
    g->now_ms += 10000;
    assert_string_equal(picks(g, 6), "babbbb"); /* it lost weight, too */
    g->now_ms += 9999;
    assert_string_equal(picks(g, 4), "bbbb");
    g->now_ms += 1; /* the first one hangs: another one may try */
    assert_string_equal(picks(g, 6), "babbbb");
    has_succeeded(g, 0);
    assert_string_equal(picks(g, 6), "bababa");
}

static void a_trial_that_fails_takes_the_peer_out_again(void **state)
{
    struct group *g = group_of(2);

    has_failed(g, 0);
    g->now_ms += 10000;
    assert_non_null(strchr(picks(g, 2), 'a'));
    g->now_ms += 3000;
    has_failed(g, 0);
    g->now_ms += 9999;
    assert_string_equal(picks(g, 4), "bbbb");
    g->now_ms += 1;
    assert_non_null(strchr(picks(g, 4), 'a'));
}

static void a_trial_that_found_a_stale_connection_goes_on(void **state)
{
    struct group *g = group_of(2);

    has_failed(g, 0);
    g->now_ms += 10000;
    assert_non_null(strchr(picks(g, 4), 'a'));
    peer_begin(&g->peers[0]);
    peer_end(&g->peers[0], PEER_UNJUDGED, g->now_ms);
    assert_null(strchr(picks(g, 4), 'a'));
    peer_begin(&g->peers[0]);
    peer_end(&g->peers[0], PEER_UNTRIED, g->now_ms);
    assert_non_null(strchr(picks(g, 4), 'a'));
}

static void looking_and_skipping_begin_no_trial(void **state)
{
    struct group *g = group_of(2);

    has_failed(g, 0);
    g->now_ms += 10000;
    assert_true(balance_has_another(&g->upstream, &none_tried, &g->peers[1], g->now_ms));
    balance_skip(&g->upstream, 4, g->now_ms);
    assert_non_null(strchr(picks(g, 4), 'a'));
    assert_false(balance_has_another(&g->upstream, &none_tried, &g->peers[1], g->now_ms));
}

/* Under a balancing by load, too, and for the one that fails more than once in a window. */
static void least_conn_gives_one_trial_too(void **state)
{
    struct group *g = group_of(2);

    g->conf.balance = BALANCE_LEAST_CONN;
    g->peer_confs[0].max_fails = 2;
    has_failed(g, 0);
    assert_non_null(strchr(picks(g, 2), 'a')); /* not on trial: it was not taken out */
    assert_non_null(strchr(picks(g, 2), 'a'));
    has_failed(g, 0);
    peer_begin(&g->peers[1]);
    g->now_ms += 10000;
    assert_string_equal(picks(g, 4), "abbb");
}

static void max_fails_0_never_takes_a_peer_out(void **state)
{
    struct group *g = group_of(2);

    g->peer_confs[0].max_fails = 0;
    for (int i = 0; i < 100; i++)
        has_failed(g, 0);
    assert_string_equal(picks(g, 4), "abab");
    assert_int_equal(g->shared[0].failures, 100);
}

static void the_only_peer_is_never_taken_out(void **state)
{
    struct group *g = group_of(1);

    has_failed(g, 0);
    assert_string_equal(picks(g, 2), "aa");
}

/* As nginx: a peer that failed comes back slowly. */
static void a_failure_costs_weight_that_grows_again(void **state)
{
    struct group *g = group_of(2);

    g->peer_confs[0].max_fails = 2;
    set_weight(g, 0, 4);
    has_failed(g, 0);
    assert_int_equal(g->peers[0].effective_weight, 2);
    has_failed(g, 0);
    has_failed(g, 0);
    assert_int_equal(g->peers[0].effective_weight, 0);
    g->now_ms += 10000;
    assert_string_equal(picks(g, 2), "ba");
    assert_int_equal(g->peers[0].effective_weight, 2);
    has_succeeded(g, 0);
    (void)picks(g, 4);
    assert_int_equal(g->peers[0].effective_weight, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peers_take_turns),
        cmocka_unit_test(weights_are_served_smoothly),
        cmocka_unit_test(skipping_begins_with_another_peer),
        cmocka_unit_test(peers_that_are_down_or_tried_are_left_out),
        cmocka_unit_test(backups_serve_only_when_no_other_is_left),
        cmocka_unit_test(each_peer_of_any_number_is_tried_once),
        cmocka_unit_test(up_to_64_peers_take_no_memory),
        cmocka_unit_test(room_is_made_once),
        cmocka_unit_test(a_full_peer_gets_no_more),
        cmocka_unit_test(the_last_of_max_conns_is_taken_once),
        cmocka_unit_test(a_trial_that_another_worker_took_goes_on),
        cmocka_unit_test(least_conn_prefers_the_idle_by_weight),
        cmocka_unit_test(least_conn_takes_turns_among_equals),
        cmocka_unit_test(least_conn_leaves_out_the_tried_and_the_full),
        cmocka_unit_test(least_conn_finds_a_peer_while_others_begin_and_end),
        cmocka_unit_test(least_conn_survives_peers_that_come_free_meanwhile),
        cmocka_unit_test(a_failure_takes_a_peer_out_for_fail_timeout),
        cmocka_unit_test(max_fails_counts_within_a_window),
        cmocka_unit_test(a_success_takes_no_failure_back_within_fail_timeout),
        cmocka_unit_test(a_late_success_brings_no_peer_back),
        cmocka_unit_test(a_peer_that_is_back_is_on_trial_until_it_serves),
        cmocka_unit_test(one_request_at_a_time_tries_a_peer_on_trial),
        cmocka_unit_test(a_trial_that_fails_takes_the_peer_out_again),
        cmocka_unit_test(a_trial_that_found_a_stale_connection_goes_on),
        cmocka_unit_test(looking_and_skipping_begin_no_trial),
        cmocka_unit_test(least_conn_gives_one_trial_too),
        cmocka_unit_test(max_fails_0_never_takes_a_peer_out),
        cmocka_unit_test(the_only_peer_is_never_taken_out),
        cmocka_unit_test(a_failure_costs_weight_that_grows_again),
    };

    return cmocka_run_group_tests_name("proxy_balance", tests, NULL, NULL);
}
