/* Tests of conf/directive_ssl: TLS towards upstreams: its rows and limits. */
#include "../directive_fixture.h"

#include "conf/directive_ssl.h"

DIRECTIVE_TABLE_CLAIMS(directive_ssl_table)

static void limits_are_taken_up_to_the_last(void **state)
{
    static const struct block_number rows[] = {
        {CONTEXT_HTTP, "proxy_ssl_verify_depth 0;", 0},
        {CONTEXT_HTTP, "proxy_ssl_verify_depth 100;", 100},
        {CONTEXT_HTTP, "proxy_ssl_session_tickets 1;", 1},
        {CONTEXT_HTTP, "proxy_ssl_session_tickets 1024;", 1024},
        {CONTEXT_HTTP, "proxy_ssl_protocols tlsv1.3;", TLS_PROTOCOL_1_3},
    };

    blocks_leave(*state, rows, COUNT_OF(rows));
}

static void one_beyond_a_limit_is_refused(void **state)
{
    static const struct block_claim claims[] = {
        {CONTEXT_HTTP, "proxy_ssl_verify_depth 101;", "value must be between 0 and 100"},
        {CONTEXT_HTTP, "proxy_ssl_verify_depth -1;",
         "\"proxy_ssl_verify_depth\" directive invalid number"},
        {CONTEXT_HTTP, "proxy_ssl_session_tickets 0;", "value must be between 1 and 1024"},
        {CONTEXT_HTTP, "proxy_ssl_session_tickets 1025;", "value must be between 1 and 1024"},
        {CONTEXT_HTTP, "proxy_ssl_session_tickets on;",
         "\"proxy_ssl_session_tickets\" directive invalid number"},
        {CONTEXT_HTTP, "proxy_ssl_name $x;", "unknown \"x\" variable"},
        {CONTEXT_HTTP, "proxy_ssl_certificate data:$x;", "unknown \"x\" variable"},
        {CONTEXT_HTTP, "proxy_ssl_certificate store:a;",
         "\"engine:\" and \"store:\" in \"proxy_ssl_certificate\" are not supported"},
        {CONTEXT_HTTP, "proxy_ssl_certificate_key engine:$host;",
         "\"engine:\" and \"store:\" in \"proxy_ssl_certificate_key\" are not supported"},
        {CONTEXT_HTTP, "proxy_ssl_conf_command MinProtocol x;",
         "invalid value \"x\" of \"MinProtocol\" in \"proxy_ssl_conf_command\""},
        {CONTEXT_HTTP, "proxy_ssl_certificate_cache max=0;", "invalid parameter \"max=0\""},
        {CONTEXT_HTTP, "proxy_ssl_certificate_cache max=;", "invalid parameter \"max=\""},
        {CONTEXT_HTTP, "proxy_ssl_certificate_cache max=x;", "invalid parameter \"max=x\""},
        {CONTEXT_HTTP, "proxy_ssl_certificate_cache max=1 valid=1ms;",
         "invalid parameter \"valid=1ms\""},
        {CONTEXT_HTTP, "proxy_ssl_certificate_cache max=1 inactive=;",
         "invalid parameter \"inactive=\""},
        {CONTEXT_HTTP, "proxy_ssl_certificate_cache x;", "invalid parameter \"x\""},
        {CONTEXT_HTTP, "proxy_ssl_certificate_cache off max=1;", "invalid parameter \"off\""},
        {CONTEXT_HTTP, "proxy_ssl_certificate_cache valid=1s;",
         "\"proxy_ssl_certificate_cache\" must have the \"max\" parameter"},
    };

    blocks_refused(*state, claims, COUNT_OF(claims));
}

static void a_certificate_cache_has_nginxs_defaults(void **state)
{
    static const struct {
        const char *text;
        struct certificate_cache_conf is;
    } rows[] = {
        {"proxy_ssl_certificate_cache max=1;", {0, 1, 10 * 1000, 60 * 1000}},
        {"proxy_ssl_certificate_cache valid=1d max=5 inactive=1m;", {1, 5, 60 * 1000, 86400000}},
        {"proxy_ssl_certificate_cache inactive=0 valid=0 max=2;", {2, 2, 0, 0}},
    };
    struct draft *d = *state;
    struct block b;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct certificate_cache_conf *cache;

        block_taken(&b, d, CONTEXT_HTTP, rows[i].text);
        cache = b.level.client_tls.certificate_cache;
        assert_non_null(cache);
        assert_int_equal(cache->index, rows[i].is.index);
        assert_int_equal(cache->entries_max, rows[i].is.entries_max);
        assert_int_equal(cache->inactive_ms, rows[i].is.inactive_ms);
        assert_int_equal(cache->valid_ms, rows[i].is.valid_ms);
    }
    block_taken(&b, d, CONTEXT_HTTP, "proxy_ssl_certificate_cache off;");
    assert_null(b.level.client_tls.certificate_cache);
    assert_int_equal(d->c.certificate_cache_count, COUNT_OF(rows));
}

static void client_certificates_are_paths_or_data_or_variables(void **state)
{
    static const struct {
        const char *text, *file, *value;
        bool is_literal;
    } rows[] = {
        {"proxy_ssl_certificate a;", "/etc/a", "a", true},
        {"proxy_ssl_certificate /a;", "/a", "/a", true},
        {"proxy_ssl_certificate data:a;", "data:a", "data:a", true},
        {"proxy_ssl_certificate $host.pem;", "$host.pem", "$host.pem", false},
        {"proxy_ssl_certificate data:$host;", "data:$host", "data:$host", false},
        {"proxy_ssl_certificate '';", "", "", true},
    };
    struct draft *d = *state;
    struct block b;

    d->c.options.conf_prefix = SPAN("/etc/");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct certificate_draft *is = &b.level.client_tls.certificate;

        block_taken(&b, d, CONTEXT_LOCATION, rows[i].text);
        assert_true(span_equals(is->file.text, span_of_cstr(rows[i].file)));
        assert_int_equal(is->file.origin.line, 1);
        assert_true(span_equals(is->value.text, span_of_cstr(rows[i].value)));
        assert_int_equal(is->value.is_literal, rows[i].is_literal);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTIVE_TABLE_TESTS,
        DRAFT_TEST(limits_are_taken_up_to_the_last),
        DRAFT_TEST(one_beyond_a_limit_is_refused),
        DRAFT_TEST(a_certificate_cache_has_nginxs_defaults),
        DRAFT_TEST(client_certificates_are_paths_or_data_or_variables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
