/* Tests of conf/directive_client: limits, timeouts and keep-alive: its rows. */
#include "../directive_fixture.h"

#include "conf/setter.h"
#include "conf/directive_client.h"

DIRECTIVE_TABLE_CLAIMS(directive_client_table)

static void limits_are_taken_up_to_the_last(void **state)
{
    static const struct block_number rows[] = {
        {CONTEXT_HTTP, "client_header_timeout 1ms;", 1},
        {CONTEXT_HTTP, "client_header_timeout 10000000000000ms;", TIME_MS_MAX},
        {CONTEXT_HTTP, "client_body_timeout 1ms;", 1},
        {CONTEXT_HTTP, "client_body_timeout 10000000000000ms;", TIME_MS_MAX},
        {CONTEXT_HTTP, "send_timeout 1ms;", 1},
        {CONTEXT_HTTP, "send_timeout 10000000000000ms;", TIME_MS_MAX},
        {CONTEXT_HTTP, "keepalive_time 0;", 0},
        {CONTEXT_HTTP, "keepalive_time 10000000000000ms;", TIME_MS_MAX},
        {CONTEXT_HTTP, "keepalive_min_timeout 0;", 0},
        {CONTEXT_HTTP, "keepalive_min_timeout 10000000000000ms;", TIME_MS_MAX},
        {CONTEXT_HTTP, "lingering_time 0;", 0},
        {CONTEXT_HTTP, "lingering_time 10000000000000ms;", TIME_MS_MAX},
        {CONTEXT_HTTP, "lingering_timeout 0;", 0},
        {CONTEXT_HTTP, "lingering_timeout 10000000000000ms;", TIME_MS_MAX},
        {CONTEXT_HTTP, "client_header_buffer_size 1;", 1},
        {CONTEXT_HTTP, "client_header_buffer_size 9223372036854775807;", INT64_MAX},
        {CONTEXT_HTTP, "client_body_buffer_size 1;", 1},
        {CONTEXT_HTTP, "client_body_buffer_size 9223372036854775807;", INT64_MAX},
        {CONTEXT_HTTP, "client_max_body_size 0;", 0},
        {CONTEXT_HTTP, "client_max_body_size 1g;", 1 << 30},
        {CONTEXT_HTTP, "client_max_body_size 8589934591g;", UINT64_C(8589934591) << 30},
        {CONTEXT_HTTP, "max_headers 1;", 1},
        {CONTEXT_HTTP, "max_headers 9223372036854775807;", INT64_MAX},
        {CONTEXT_HTTP, "keepalive_requests 0;", 0},
        {CONTEXT_HTTP, "keepalive_requests 9223372036854775807;", INT64_MAX},
    };

    blocks_leave(*state, rows, COUNT_OF(rows));
}

static void one_beyond_a_limit_is_refused(void **state)
{
    static const struct block_claim claims[] = {
        {CONTEXT_HTTP, "client_header_timeout 0;",
         "\"client_header_timeout\" cannot be 0: nothing is ever that quick"},
        {CONTEXT_HTTP, "client_header_timeout 10000000000001ms;",
         "\"client_header_timeout\" directive invalid value"},
        {CONTEXT_HTTP, "client_body_timeout 0;",
         "\"client_body_timeout\" cannot be 0: nothing is ever that quick"},
        {CONTEXT_HTTP, "client_body_timeout 10000000000001ms;",
         "\"client_body_timeout\" directive invalid value"},
        {CONTEXT_HTTP, "send_timeout 0;",
         "\"send_timeout\" cannot be 0: nothing is ever that quick"},
        {CONTEXT_HTTP, "send_timeout 10000000000001ms;",
         "\"send_timeout\" directive invalid value"},
        {CONTEXT_HTTP, "keepalive_time 10000000000001ms;",
         "\"keepalive_time\" directive invalid value"},
        {CONTEXT_HTTP, "keepalive_time x;", "\"keepalive_time\" directive invalid value"},
        {CONTEXT_HTTP, "keepalive_min_timeout 10000000000001ms;",
         "\"keepalive_min_timeout\" directive invalid value"},
        {CONTEXT_HTTP, "keepalive_min_timeout x;",
         "\"keepalive_min_timeout\" directive invalid value"},
        {CONTEXT_HTTP, "lingering_time 10000000000001ms;",
         "\"lingering_time\" directive invalid value"},
        {CONTEXT_HTTP, "lingering_time x;", "\"lingering_time\" directive invalid value"},
        {CONTEXT_HTTP, "lingering_timeout 10000000000001ms;",
         "\"lingering_timeout\" directive invalid value"},
        {CONTEXT_HTTP, "lingering_timeout x;", "\"lingering_timeout\" directive invalid value"},
        {CONTEXT_HTTP, "client_header_buffer_size 0;",
         "\"client_header_buffer_size\" directive invalid value"},
        {CONTEXT_HTTP, "client_header_buffer_size 9223372036854775808;",
         "\"client_header_buffer_size\" directive invalid value"},
        {CONTEXT_HTTP, "client_header_buffer_size 1g;",
         "\"client_header_buffer_size\" directive invalid value"},
        {CONTEXT_HTTP, "client_body_buffer_size 0;",
         "\"client_body_buffer_size\" directive invalid value"},
        {CONTEXT_HTTP, "client_body_buffer_size 9223372036854775808;",
         "\"client_body_buffer_size\" directive invalid value"},
        {CONTEXT_HTTP, "client_body_buffer_size 1g;",
         "\"client_body_buffer_size\" directive invalid value"},
        {CONTEXT_HTTP, "client_max_body_size 8589934592g;",
         "\"client_max_body_size\" directive invalid value"},
        {CONTEXT_HTTP, "client_max_body_size -1;",
         "\"client_max_body_size\" directive invalid value"},
        {CONTEXT_HTTP, "max_headers 0;", "value must be equal to or greater than 1"},
        {CONTEXT_HTTP, "max_headers 18446744073709551616;",
         "\"max_headers\" directive invalid number"},
        {CONTEXT_HTTP, "keepalive_requests 18446744073709551616;",
         "\"keepalive_requests\" directive invalid number"},
    };

    blocks_refused(*state, claims, COUNT_OF(claims));
}

static void words_have_their_numbers(void **state)
{
    static const struct block_number rows[] = {
        {CONTEXT_HTTP, "lingering_close off;", 0},
        {CONTEXT_HTTP, "lingering_close on;", 1},
        {CONTEXT_HTTP, "lingering_close always;", 2},
        {CONTEXT_HTTP, "keepalive_disable msie6;", 1},
        {CONTEXT_HTTP, "keepalive_disable safari;", 2},
        {CONTEXT_HTTP, "keepalive_disable msie6 safari;", 3},
        {CONTEXT_HTTP, "keepalive_disable msie6; keepalive_disable safari;", 3},
    };

    blocks_leave(*state, rows, COUNT_OF(rows));
}

static void other_words_are_refused(void **state)
{
    static const struct block_claim claims[] = {
        {CONTEXT_HTTP, "lingering_close x;", "invalid value \"x\""},
        {CONTEXT_HTTP, "keepalive_disable safari x;", "invalid value \"x\""},
        {CONTEXT_HTTP, "keepalive_requests 9223372036854775808;",
         "\"keepalive_requests\" directive invalid number"},
        {CONTEXT_HTTP, "tcp_nodelay 1;",
         "invalid value \"1\" in \"tcp_nodelay\" directive, it must be \"on\" or \"off\""},
    };

    blocks_refused(*state, claims, COUNT_OF(claims));
}

static void keep_alive_may_have_a_time_for_the_header(void **state)
{
    struct draft *d = *state;
    struct block b;

    block_taken(&b, d, CONTEXT_HTTP, "keepalive_timeout 75s 1y;");
    assert_int_equal(b.level.settings.keepalive_timeout_ms, 75000);
    assert_int_equal(b.level.settings.keepalive_header_s, 365 * 86400);
    block_taken(&b, d, CONTEXT_HTTP, "keepalive_timeout 0;");
    assert_int_equal(b.level.settings.keepalive_timeout_ms, 0);
    assert_int_equal(b.level.settings.keepalive_header_s, 0);
    block_refused(d, CONTEXT_HTTP, "keepalive_timeout 1M;",
                  "\"keepalive_timeout\" directive invalid value");
    block_refused(d, CONTEXT_HTTP, "keepalive_timeout 1 1ms;",
                  "\"keepalive_timeout\" directive invalid value");
}

static void large_buffers_are_a_number_and_a_size(void **state)
{
    static const char *const bad[] = {"0 8k", "4 0", "x 8k", "4 x", "-1 8k", "4 1g"};
    struct draft *d = *state;
    struct block b;
    char text[64];

    block_taken(&b, d, CONTEXT_SERVER, "large_client_header_buffers 20 8k;"); /* just the limit */
    assert_int_equal(b.level.settings.large_header_buffer_count, 20);
    assert_int_equal(b.level.settings.large_header_buffer_size, 8192);
    assert_int_equal(20 * 8192, WRITTEN_HEAD_BYTES_MAX);
    assert_int_equal(block_read(&b, d, CONTEXT_SERVER, "large_client_header_buffers 1 163841;"), 0);
    draft_assert_said(d, "[warn] \"large_client_header_buffers\" allows heads of more than 163840 "
                         "bytes: that is the limit in t.conf:1");
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        snprintf(text, sizeof(text), "large_client_header_buffers %s;", bad[i]);
        block_refused(d, CONTEXT_SERVER, text,
                      "\"large_client_header_buffers\" directive invalid value");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTIVE_TABLE_TESTS,
        DRAFT_TEST(limits_are_taken_up_to_the_last),
        DRAFT_TEST(one_beyond_a_limit_is_refused),
        DRAFT_TEST(words_have_their_numbers),
        DRAFT_TEST(other_words_are_refused),
        DRAFT_TEST(keep_alive_may_have_a_time_for_the_header),
        DRAFT_TEST(large_buffers_are_a_number_and_a_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
