/* Tests of conf/directive_ssl: TLS on both sides: its rows and limits. */
#include "../directive_fixture.h"

#include "conf/setter.h"
#include "conf/directive_ssl.h"

DIRECTIVE_TABLE_CLAIMS(directive_ssl_table)

static void limits_are_taken_up_to_the_last(void **state)
{
    static const struct block_number rows[] = {
        {CONTEXT_HTTP, "ssl_verify_depth 0;", 0},
        {CONTEXT_HTTP, "ssl_verify_depth 100;", 100},
        {CONTEXT_HTTP, "proxy_ssl_verify_depth 0;", 0},
        {CONTEXT_HTTP, "proxy_ssl_verify_depth 100;", 100},
        {CONTEXT_HTTP, "proxy_ssl_session_tickets 1;", 1},
        {CONTEXT_HTTP, "proxy_ssl_session_tickets 1024;", 1024},
        {CONTEXT_HTTP, "ssl_session_timeout 0;", 0},
        {CONTEXT_HTTP, "ssl_session_timeout 10000000000;", TIME_MS_MAX},
        {CONTEXT_HTTP, "ssl_verify_client off;", VERIFY_CLIENT_OFF},
        {CONTEXT_HTTP, "ssl_verify_client on;", VERIFY_CLIENT_ON},
        {CONTEXT_HTTP, "ssl_verify_client optional;", VERIFY_CLIENT_OPTIONAL},
        {CONTEXT_HTTP, "ssl_verify_client optional_no_ca;", VERIFY_CLIENT_OPTIONAL_NO_CA},
        {CONTEXT_HTTP, "ssl_protocols TLSv1.2;", TLS_PROTOCOL_1_2},
        {CONTEXT_HTTP, "proxy_ssl_protocols tlsv1.3;", TLS_PROTOCOL_1_3},
        {CONTEXT_HTTP, "ssl_protocols TLSv1.3 TLSv1.2;", TLS_PROTOCOL_1_2 | TLS_PROTOCOL_1_3},
    };

    blocks_leave(*state, rows, COUNT_OF(rows));
}

static void one_beyond_a_limit_is_refused(void **state)
{
    static const struct block_claim claims[] = {
        {CONTEXT_HTTP, "ssl_verify_depth 101;", "value must be between 0 and 100"},
        {CONTEXT_HTTP, "ssl_verify_depth -1;", "\"ssl_verify_depth\" directive invalid number"},
        {CONTEXT_HTTP, "proxy_ssl_verify_depth 101;", "value must be between 0 and 100"},
        {CONTEXT_HTTP, "proxy_ssl_verify_depth -1;",
         "\"proxy_ssl_verify_depth\" directive invalid number"},
        {CONTEXT_HTTP, "proxy_ssl_session_tickets 0;", "value must be between 1 and 1024"},
        {CONTEXT_HTTP, "proxy_ssl_session_tickets 1025;", "value must be between 1 and 1024"},
        {CONTEXT_HTTP, "proxy_ssl_session_tickets on;",
         "\"proxy_ssl_session_tickets\" directive invalid number"},
        {CONTEXT_HTTP, "ssl_session_timeout 10000000001;",
         "\"ssl_session_timeout\" directive invalid value"},
        {CONTEXT_HTTP, "ssl_session_timeout 1ms;",
         "\"ssl_session_timeout\" directive invalid value"},
        {CONTEXT_HTTP, "ssl_verify_client x;", "invalid value \"x\""},
        {CONTEXT_HTTP, "ssl_protocols TLSv1.4;", "invalid value \"TLSv1.4\""},
        {CONTEXT_HTTP, "ssl_certificate '';", "invalid value \"\""},
        {CONTEXT_HTTP, "ssl_certificate_key '';", "invalid value \"\""},
        {CONTEXT_HTTP, "ssl_certificate data:a;",
         "\"data:\" and \"engine:\" in \"ssl_certificate\" are not supported yet"},
        {CONTEXT_HTTP, "ssl_crl $a;", "variables in \"ssl_crl\" are not supported yet"},
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
        {CONTEXT_HTTP, "ssl_session_cache x;", "invalid session cache \"x\""},
        {CONTEXT_HTTP, "ssl_session_cache builtin:;", "invalid session cache \"builtin:\""},
        {CONTEXT_HTTP, "ssl_session_cache builtin:x;", "invalid session cache \"builtin:x\""},
        {CONTEXT_HTTP, "ssl_session_cache shared:;", "invalid session cache \"shared:\""},
        {CONTEXT_HTTP, "ssl_session_cache shared:a;", "invalid session cache \"shared:a\""},
        {CONTEXT_HTTP, "ssl_session_cache shared::1m;", "invalid session cache \"shared::1m\""},
        {CONTEXT_HTTP, "ssl_session_cache shared:a:x;", "invalid session cache \"shared:a:x\""},
        {CONTEXT_HTTP, "ssl_session_cache shared:a:1g;", "invalid session cache \"shared:a:1g\""},
    };

    blocks_refused(*state, claims, COUNT_OF(claims));
}

static void caches_without_effect_are_taken_in_all_forms(void **state)
{
    static const char *const texts[] = {
        "ssl_session_cache off;",
        "ssl_session_cache builtin builtin:0;",
        "ssl_session_cache none shared:a:1m;",
    };
    struct block b;

    for (size_t i = 0; i < COUNT_OF(texts); i++)
        block_taken(&b, *state, CONTEXT_HTTP, texts[i]);
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

static void files_start_where_the_configuration_is(void **state)
{
    struct draft *d = *state;
    const struct word *pairs;
    struct block b;

    d->c.options.conf_prefix = SPAN("/etc/");
    block_taken(&b, d, CONTEXT_SERVER,
                "ssl_certificate a; ssl_certificate /b; ssl_certificate_key c; ssl_crl d; "
                "proxy_ssl_certificate '';");
    pairs = b.level.server_tls.certificates.items;
    assert_int_equal(b.level.server_tls.certificates.count, 2);
    assert_string_equal(pairs[0].text.data, "/etc/a");
    assert_string_equal(pairs[1].text.data, "/b");
    assert_int_equal(pairs[1].origin.line, 1);
    assert_int_equal(b.level.server_tls.certificate_keys.count, 1);
    assert_string_equal(b.level.server_tls.crl.text.data, "/etc/d");
    assert_int_equal(b.level.client_tls.certificate.file.text.len, 0);
}

static void old_protocols_leave_nothing(void **state)
{
    struct block b;

    assert_int_equal(block_read(&b, *state, CONTEXT_HTTP, "ssl_protocols TLSv1 TLSv1.2 SSLv3;"), 0);
    assert_non_null(strstr(draft_said(*state), "\"TLSv1\" in \"ssl_protocols\" is dropped"));
    assert_int_equal(b.level.server_tls.protocols, TLS_PROTOCOL_1_2);
    assert_int_equal(block_read(&b, *state, CONTEXT_HTTP, "ssl_protocols TLSv1.1;"), -EINVAL);
    assert_non_null(strstr(draft_said(*state), "leaves no protocol"));
}

static void ciphers_must_select_something(void **state)
{
    static const char *const names[] = {"ssl_ciphers", "proxy_ssl_ciphers"};
    struct block b;
    char text[64];

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        snprintf(text, sizeof(text), "%s HIGH;", names[i]);
        block_taken(&b, *state, CONTEXT_HTTP, text);
        snprintf(text, sizeof(text), "%s @x;", names[i]);
        assert_int_equal(block_read(&b, *state, CONTEXT_HTTP, text), -EINVAL);
        assert_non_null(strstr(draft_said(*state), " in t.conf:1\n"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTIVE_TABLE_TESTS,
        DRAFT_TEST(limits_are_taken_up_to_the_last),
        DRAFT_TEST(one_beyond_a_limit_is_refused),
        DRAFT_TEST(caches_without_effect_are_taken_in_all_forms),
        DRAFT_TEST(a_certificate_cache_has_nginxs_defaults),
        DRAFT_TEST(client_certificates_are_paths_or_data_or_variables),
        DRAFT_TEST(files_start_where_the_configuration_is),
        DRAFT_TEST(old_protocols_leave_nothing),
        DRAFT_TEST(ciphers_must_select_something),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
