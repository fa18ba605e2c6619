/* Tests of conf/directive_flow: how fast and how far ahead answers go: its rows and limits. */
#include "../directive_fixture.h"

#include "conf/directive_flow.h"

DIRECTIVE_TABLE_CLAIMS(directive_flow_table)

static void one_beyond_a_limit_is_refused(void **state)
{
    static const struct block_claim claims[] = {
        {CONTEXT_LOCATION, "limit_rate -1;", "\"limit_rate\" directive invalid value"},
        {CONTEXT_LOCATION, "limit_rate 1g;", "\"limit_rate\" directive invalid value"},
        {CONTEXT_LOCATION, "limit_rate_after 1t;", "\"limit_rate_after\" directive invalid value"},
        {CONTEXT_LOCATION, "proxy_buffer_size 0;", "\"proxy_buffer_size\" directive invalid value"},
        {CONTEXT_LOCATION, "proxy_buffers 1 1;", "there must be at least 2 \"proxy_buffers\""},
        {CONTEXT_LOCATION, "proxy_buffers 2 0;", "\"proxy_buffers\" directive invalid value"},
        {CONTEXT_LOCATION, "proxy_buffers 18446744073709551615 2;",
         "\"proxy_buffers\" directive invalid value"},
        {CONTEXT_LOCATION, "proxy_temp_path /a 0;", "\"proxy_temp_path\" directive invalid value"},
        {CONTEXT_LOCATION, "proxy_temp_path /a 10;", "\"proxy_temp_path\" directive invalid value"},
    };

    blocks_refused(*state, claims, COUNT_OF(claims));
}

static void sizes_are_kept_with_their_place(void **state)
{
    struct block b;

    block_taken(&b, *state, CONTEXT_SERVER,
                "\nproxy_buffers 4 8k; proxy_buffer_size 1;\nproxy_busy_buffers_size 16k;");
    assert_int_equal(b.level.flow.proxy_buffers.count, 4);
    assert_int_equal(b.level.flow.proxy_buffers.size, 8192);
    assert_int_equal(b.level.flow.proxy_buffers.origin.line, 2);
    assert_true(b.level.flow.proxy_buffers.is_given);
    assert_int_equal(b.level.flow.proxy_buffer_size.size, 1);
    assert_int_equal(b.level.flow.proxy_busy_buffers_size.size, 16384);
    assert_int_equal(b.level.flow.proxy_busy_buffers_size.origin.line, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTIVE_TABLE_TESTS,
        DRAFT_TEST(one_beyond_a_limit_is_refused),
        DRAFT_TEST(sizes_are_kept_with_their_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
