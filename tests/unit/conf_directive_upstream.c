/* Tests of conf/directive_upstream: groups and their servers: its rows and limits. */
#include "../directive_fixture.h"

#include "conf/setter.h"
#include "conf/directive_upstream.h"

DIRECTIVE_TABLE_CLAIMS(directive_upstream_table)

static void limits_are_taken_up_to_the_last(void **state)
{
    static const struct block_number rows[] = {
        {CONTEXT_UPSTREAM, "keepalive_time 0;", 0},
        {CONTEXT_UPSTREAM, "keepalive_time 10000000000000ms;", TIME_MS_MAX},
        {CONTEXT_UPSTREAM, "keepalive_timeout 0;", 0},
        {CONTEXT_UPSTREAM, "keepalive_timeout 10000000000000ms;", TIME_MS_MAX},
        {CONTEXT_UPSTREAM, "keepalive 0;", 0},
        {CONTEXT_UPSTREAM, "keepalive 1048576;", 1 << 20},
        {CONTEXT_UPSTREAM, "keepalive_requests 1;", 1},
    };

    blocks_leave(*state, rows, COUNT_OF(rows));
}

static void one_beyond_a_limit_is_refused(void **state)
{
    static const struct block_claim claims[] = {
        {CONTEXT_UPSTREAM, "keepalive_time 10000000000001ms;",
         "\"keepalive_time\" directive invalid value"},
        {CONTEXT_UPSTREAM, "keepalive_timeout 10000000000001ms;",
         "\"keepalive_timeout\" directive invalid value"},
        {CONTEXT_UPSTREAM, "keepalive 1048577;",
         "invalid value \"1048577\" in \"keepalive\" directive"},
        {CONTEXT_UPSTREAM, "keepalive x;", "invalid value \"x\" in \"keepalive\" directive"},
        {CONTEXT_UPSTREAM, "keepalive_requests 0;", "value must be equal to or greater than 1"},
        {CONTEXT_UPSTREAM, "server a weight=0;", "invalid parameter \"weight=0\""},
        {CONTEXT_UPSTREAM, "server a weight=1000001;", "invalid parameter \"weight=1000001\""},
        {CONTEXT_UPSTREAM, "server a weight=;", "invalid parameter \"weight=\""},
        {CONTEXT_UPSTREAM, "server a weight;", "invalid parameter \"weight\""},
        {CONTEXT_UPSTREAM, "server a max_conns=4294967296;",
         "invalid parameter \"max_conns=4294967296\""},
        {CONTEXT_UPSTREAM, "server a max_conns=-1;", "invalid parameter \"max_conns=-1\""},
        {CONTEXT_UPSTREAM, "server a max_fails=4294967296;",
         "invalid parameter \"max_fails=4294967296\""},
        {CONTEXT_UPSTREAM, "server a max_fails=x;", "invalid parameter \"max_fails=x\""},
        {CONTEXT_UPSTREAM, "server a fail_timeout=1ms;", "invalid parameter \"fail_timeout=1ms\""},
        {CONTEXT_UPSTREAM, "server a fail_timeout=;", "invalid parameter \"fail_timeout=\""},
        {CONTEXT_UPSTREAM, "server a Backup;", "invalid parameter \"Backup\""},
        {CONTEXT_UPSTREAM, "server a down=1;", "invalid parameter \"down=1\""},
        {CONTEXT_UPSTREAM, "server a x;", "invalid parameter \"x\""},
        {CONTEXT_UPSTREAM, "zone '';", "invalid zone name \"\""},
        {CONTEXT_UPSTREAM, "zone a x;", "invalid zone size \"x\""},
        {CONTEXT_UPSTREAM, "zone a 32767;", "zone \"a\" is too small"},
    };

    blocks_refused(*state, claims, COUNT_OF(claims));
}

static void a_server_has_the_defaults_of_nginx(void **state)
{
    const struct peer_draft *p;
    struct block b;

    block_taken(&b, *state, CONTEXT_UPSTREAM, "server a.example:80;");
    assert_int_equal(b.upstream.peers.count, 1);
    p = b.upstream.peers.items;
    assert_string_equal(p->url.data, "a.example:80");
    assert_int_equal(p->origin.line, 1);
    assert_int_equal(p->conf.weight, 1);
    assert_int_equal(p->conf.max_conns, 0);
    assert_int_equal(p->conf.max_fails, 1);
    assert_int_equal(p->conf.fail_timeout_ms, 10000);
    assert_false(p->conf.is_backup);
    assert_false(p->conf.is_down);
}

static void a_server_takes_its_parameters_up_to_the_last(void **state)
{
    const struct peer_draft *p;
    struct block b;

    block_taken(&b, *state, CONTEXT_UPSTREAM,
                "server a; server b weight=1000000 max_conns=4294967295 max_fails=4294967295 "
                "fail_timeout=1y backup down; zone z 32768;");
    p = b.upstream.peers.items;
    assert_int_equal(b.upstream.peers.count, 2);
    assert_int_equal(p[1].conf.weight, 1000000);
    assert_int_equal(p[1].conf.max_conns, UINT32_MAX);
    assert_int_equal(p[1].conf.max_fails, UINT32_MAX);
    assert_int_equal(p[1].conf.fail_timeout_ms, UINT64_C(365) * 86400 * 1000);
    assert_true(p[1].conf.is_backup);
    assert_true(p[1].conf.is_down);
}

static void the_method_is_warned_about_when_it_is_said_twice(void **state)
{
    struct block b;

    block_taken(&b, *state, CONTEXT_UPSTREAM, "server a;");
    assert_int_equal(b.upstream.balance, BALANCE_ROUND_ROBIN);
    block_taken(&b, *state, CONTEXT_UPSTREAM, "least_conn;");
    assert_int_equal(b.upstream.balance, BALANCE_LEAST_CONN);
    assert_int_equal(block_read(&b, *state, CONTEXT_UPSTREAM, "least_conn; least_conn;"), 0);
    draft_assert_said(*state, "[warn] load balancing method redefined in t.conf:1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTIVE_TABLE_TESTS,
        DRAFT_TEST(limits_are_taken_up_to_the_last),
        DRAFT_TEST(one_beyond_a_limit_is_refused),
        DRAFT_TEST(a_server_has_the_defaults_of_nginx),
        DRAFT_TEST(a_server_takes_its_parameters_up_to_the_last),
        DRAFT_TEST(the_method_is_warned_about_when_it_is_said_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
