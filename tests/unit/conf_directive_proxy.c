/* Tests of conf/directive_proxy: proxying: its rows and limits. */
#include "../directive_fixture.h"

#include "conf/setter.h"
#include "conf/directive_proxy.h"

DIRECTIVE_TABLE_CLAIMS(directive_proxy_table)

static void limits_are_taken_up_to_the_last(void **state)
{
    static const struct block_number rows[] = {
        {CONTEXT_LOCATION, "proxy_connect_timeout 1ms;", 1},
        {CONTEXT_LOCATION, "proxy_connect_timeout 10000000000000ms;", TIME_MS_MAX},
        {CONTEXT_LOCATION, "proxy_send_timeout 1ms;", 1},
        {CONTEXT_LOCATION, "proxy_send_timeout 10000000000000ms;", TIME_MS_MAX},
        {CONTEXT_LOCATION, "proxy_read_timeout 1ms;", 1},
        {CONTEXT_LOCATION, "proxy_read_timeout 10000000000000ms;", TIME_MS_MAX},
        {CONTEXT_LOCATION, "proxy_next_upstream_timeout 0;", 0},
        {CONTEXT_LOCATION, "proxy_next_upstream_timeout 10000000000000ms;", TIME_MS_MAX},
        {CONTEXT_LOCATION, "proxy_next_upstream_tries 0;", 0},
        {CONTEXT_LOCATION, "proxy_next_upstream_tries 9223372036854775807;", INT64_MAX},
        {CONTEXT_LOCATION, "proxy_http_version 1.0;", 0},
        {CONTEXT_LOCATION, "proxy_http_version 1.1;", 1},
    };

    blocks_leave(*state, rows, COUNT_OF(rows));
}

static void one_beyond_a_limit_is_refused(void **state)
{
    static const struct block_claim claims[] = {
        {CONTEXT_LOCATION, "proxy_connect_timeout 0;",
         "\"proxy_connect_timeout\" cannot be 0: nothing is ever that quick"},
        {CONTEXT_LOCATION, "proxy_connect_timeout 10000000000001ms;",
         "\"proxy_connect_timeout\" directive invalid value"},
        {CONTEXT_LOCATION, "proxy_send_timeout 0;",
         "\"proxy_send_timeout\" cannot be 0: nothing is ever that quick"},
        {CONTEXT_LOCATION, "proxy_send_timeout 10000000000001ms;",
         "\"proxy_send_timeout\" directive invalid value"},
        {CONTEXT_LOCATION, "proxy_read_timeout 0;",
         "\"proxy_read_timeout\" cannot be 0: nothing is ever that quick"},
        {CONTEXT_LOCATION, "proxy_read_timeout 10000000000001ms;",
         "\"proxy_read_timeout\" directive invalid value"},
        {CONTEXT_LOCATION, "proxy_next_upstream_timeout 10000000000001ms;",
         "\"proxy_next_upstream_timeout\" directive invalid value"},
        {CONTEXT_LOCATION, "proxy_next_upstream_tries 18446744073709551616;",
         "\"proxy_next_upstream_tries\" directive invalid number"},
        {CONTEXT_LOCATION, "proxy_next_upstream_tries -1;",
         "\"proxy_next_upstream_tries\" directive invalid number"},
        {CONTEXT_LOCATION, "proxy_http_version 2;", "HTTP/2 to upstreams is not supported yet"},
        {CONTEXT_LOCATION, "proxy_http_version 1.2;", "invalid value \"1.2\""},
    };

    blocks_refused(*state, claims, COUNT_OF(claims));
}

static void failures_have_a_bit_each(void **state)
{
    static const struct block_number rows[] = {
        {CONTEXT_HTTP, "proxy_next_upstream error;", NEXT_ERROR},
        {CONTEXT_HTTP, "proxy_next_upstream timeout;", NEXT_TIMEOUT},
        {CONTEXT_HTTP, "proxy_next_upstream invalid_header;", NEXT_INVALID_HEADER},
        {CONTEXT_HTTP, "proxy_next_upstream non_idempotent;", NEXT_NON_IDEMPOTENT},
        {CONTEXT_HTTP, "proxy_next_upstream http_403;", NEXT_HTTP_403},
        {CONTEXT_HTTP, "proxy_next_upstream http_404;", NEXT_HTTP_404},
        {CONTEXT_HTTP, "proxy_next_upstream http_429;", NEXT_HTTP_429},
        {CONTEXT_HTTP, "proxy_next_upstream http_500;", NEXT_HTTP_500},
        {CONTEXT_HTTP, "proxy_next_upstream http_502;", NEXT_HTTP_502},
        {CONTEXT_HTTP, "proxy_next_upstream http_503;", NEXT_HTTP_503},
        {CONTEXT_HTTP, "proxy_next_upstream http_504;", NEXT_HTTP_504},
        {CONTEXT_HTTP, "proxy_next_upstream off;", NEXT_OFF},
        {CONTEXT_HTTP, "proxy_next_upstream error off http_504;",
         NEXT_ERROR | NEXT_OFF | NEXT_HTTP_504},
    };

    blocks_leave(*state, rows, COUNT_OF(rows));
}

static void what_cannot_be_passed_is_named(void **state)
{
    static const struct block_claim claims[] = {
        {CONTEXT_HTTP, "proxy_next_upstream http_501;", "invalid value \"http_501\""},
        {CONTEXT_HTTP, "proxy_next_upstream error x;", "invalid value \"x\""},
        {CONTEXT_LOCATION, "proxy_pass ftp://a;", "invalid URL prefix"},
        {CONTEXT_LOCATION, "proxy_pass http:/a;", "invalid URL prefix"},
        {CONTEXT_LOCATION, "proxy_pass a;", "invalid URL prefix"},
        {CONTEXT_HTTP, "proxy_set_header \"\" a;", "invalid header name \"\""},
        {CONTEXT_HTTP, "proxy_set_header a: b;", "invalid header name \"a:\""},
        {CONTEXT_HTTP, "proxy_set_header a $x;", "unknown \"x\" variable"},
    };

    blocks_refused(*state, claims, COUNT_OF(claims));
}

static void a_url_is_kept_with_its_place(void **state)
{
    struct block b;

    block_taken(&b, *state, CONTEXT_LOCATION, "\nproxy_pass HTTPS://a/b;");
    assert_string_equal(b.level.proxy_pass.text.data, "HTTPS://a/b");
    assert_int_equal(b.level.proxy_pass.origin.line, 2);
}

static void fields_are_kept_in_the_order_of_the_text(void **state)
{
    const struct set_header *set;
    const struct span *names;
    struct block b;

    block_taken(&b, *state, CONTEXT_SERVER,
                "proxy_set_header A 1; proxy_set_header B ''; proxy_hide_header C; "
                "proxy_hide_header D; proxy_pass_header E;");
    set = b.level.set_headers.items;
    names = b.level.hide_headers.items;
    assert_int_equal(b.level.set_headers.count, 2);
    assert_string_equal(set[0].name.data, "A");
    assert_string_equal(set[1].name.data, "B");
    assert_int_equal(b.level.hide_headers.count, 2);
    assert_string_equal(names[0].data, "C");
    assert_string_equal(names[1].data, "D");
    assert_int_equal(b.level.pass_headers.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTIVE_TABLE_TESTS,
        DRAFT_TEST(limits_are_taken_up_to_the_last),
        DRAFT_TEST(one_beyond_a_limit_is_refused),
        DRAFT_TEST(failures_have_a_bit_each),
        DRAFT_TEST(what_cannot_be_passed_is_named),
        DRAFT_TEST(a_url_is_kept_with_its_place),
        DRAFT_TEST(fields_are_kept_in_the_order_of_the_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
