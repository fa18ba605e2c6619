/* Tests of conf/directive_ssl_server: TLS towards clients: its rows and limits. */
#include "../directive_fixture.h"

#include "conf/setter.h"
#include "conf/directive_ssl_server.h"

DIRECTIVE_TABLE_CLAIMS(directive_ssl_server_table)

static void limits_are_taken_up_to_the_last(void **state)
{
    static const struct block_number rows[] = {
        {CONTEXT_HTTP, "ssl_verify_depth 0;", 0},
        {CONTEXT_HTTP, "ssl_verify_depth 100;", 100},
        {CONTEXT_HTTP, "ssl_session_timeout 0;", 0},
        {CONTEXT_HTTP, "ssl_session_timeout 10000000000;", TIME_MS_MAX},
        {CONTEXT_HTTP, "ssl_verify_client off;", VERIFY_CLIENT_OFF},
        {CONTEXT_HTTP, "ssl_verify_client on;", VERIFY_CLIENT_ON},
        {CONTEXT_HTTP, "ssl_verify_client optional;", VERIFY_CLIENT_OPTIONAL},
        {CONTEXT_HTTP, "ssl_verify_client optional_no_ca;", VERIFY_CLIENT_OPTIONAL_NO_CA},
        {CONTEXT_HTTP, "ssl_reject_handshake on;", true},
        {CONTEXT_HTTP, "ssl_early_data off;", false},
        {CONTEXT_HTTP, "ssl_early_data on;", true},
        {CONTEXT_HTTP, "ssl_buffer_size 1;", 1},
        {CONTEXT_HTTP, "ssl_buffer_size 1m;", 1024 * 1024},
        {CONTEXT_HTTP, "ssl_protocols TLSv1.2;", TLS_PROTOCOL_1_2},
        {CONTEXT_HTTP, "ssl_protocols TLSv1.3 TLSv1.2;", TLS_PROTOCOL_1_2 | TLS_PROTOCOL_1_3},
        {CONTEXT_HTTP, "ssl_protocols TLSv1.3; ssl_protocols TLSv1.2;",
         TLS_PROTOCOL_1_2 | TLS_PROTOCOL_1_3},
    };

    blocks_leave(*state, rows, COUNT_OF(rows));
}

static void one_beyond_a_limit_is_refused(void **state)
{
    static const struct block_claim claims[] = {
        {CONTEXT_HTTP, "ssl_verify_depth 101;", "value must be between 0 and 100"},
        {CONTEXT_HTTP, "ssl_verify_depth -1;", "\"ssl_verify_depth\" directive invalid number"},
        {CONTEXT_HTTP, "ssl_session_timeout 10000000001;",
         "\"ssl_session_timeout\" directive invalid value"},
        {CONTEXT_HTTP, "ssl_session_timeout 1ms;",
         "\"ssl_session_timeout\" directive invalid value"},
        {CONTEXT_HTTP, "ssl_verify_client x;", "invalid value \"x\""},
        {CONTEXT_HTTP, "ssl_protocols TLSv1.4;", "invalid value \"TLSv1.4\""},
        {CONTEXT_HTTP, "ssl_certificate '';", "invalid value \"\""},
        {CONTEXT_HTTP, "ssl_certificate_key '';", "invalid value \"\""},
        {CONTEXT_HTTP, "ssl_certificate engine:a;",
         "\"engine:\" and \"store:\" in \"ssl_certificate\" are not supported"},
        {CONTEXT_HTTP, "ssl_early_data maybe;",
         "invalid value \"maybe\" in \"ssl_early_data\" directive, it must be \"on\" or \"off\""},
        {CONTEXT_HTTP, "ssl_certificate_cache valid=1s;",
         "\"ssl_certificate_cache\" must have the \"max\" parameter"},
        {CONTEXT_HTTP, "ssl_certificate data:$nobody;", "unknown \"nobody\" variable"},
        {CONTEXT_HTTP, "ssl_session_ticket_key '';", "invalid value \"\""},
        {CONTEXT_HTTP, "ssl_session_ticket_key data:a;",
         "\"data:\" and \"engine:\" in \"ssl_session_ticket_key\" are not supported yet"},
        {CONTEXT_HTTP, "ssl_buffer_size 0;", "invalid value \"0\""},
        {CONTEXT_HTTP, "ssl_buffer_size x;", "\"ssl_buffer_size\" directive invalid value"},
        {CONTEXT_HTTP, "ssl_conf_command Options KTLS;",
         "invalid value \"KTLS\" of \"Options\" in \"ssl_conf_command\""},
        {CONTEXT_HTTP, "ssl_conf_command VerifyMode x;",
         "command \"VerifyMode\" of \"ssl_conf_command\" is not supported: there are MinProtocol, "
         "MaxProtocol, Protocol, CipherString and Ciphersuites, Curves, Groups and Options"},
        {CONTEXT_HTTP, "ssl_crl $a;", "variables in \"ssl_crl\" are not supported yet"},
        {CONTEXT_HTTP, "ssl_session_cache x;", "invalid session cache \"x\""},
        {CONTEXT_HTTP, "ssl_session_cache builtin:;", "invalid session cache \"builtin:\""},
        {CONTEXT_HTTP, "ssl_session_cache builtin:x;", "invalid session cache \"builtin:x\""},
        {CONTEXT_HTTP, "ssl_session_cache shared:;", "invalid session cache \"shared:\""},
        {CONTEXT_HTTP, "ssl_session_cache shared:a;", "invalid session cache \"shared:a\""},
        {CONTEXT_HTTP, "ssl_session_cache shared::1m;", "invalid session cache \"shared::1m\""},
        {CONTEXT_HTTP, "ssl_session_cache shared:a:32767;",
         "session cache \"shared:a:32767\" is too small"},
        {CONTEXT_HTTP, "ssl_session_cache shared:a:x;", "invalid session cache \"shared:a:x\""},
        {CONTEXT_HTTP, "ssl_session_cache shared:a:1g;", "invalid session cache \"shared:a:1g\""},
    };

    blocks_refused(*state, claims, COUNT_OF(claims));
}

/* What is not set there is not zero. */
static void dirty_the_stack(void)
{
    volatile char below[4096];

    for (size_t i = 0; i < sizeof(below); i++)
        below[i] = 0x5a;
}

static void session_caches_are_zones(void **state)
{
    static const struct {
        const char *text, *name;
        uint64_t bytes;
    } rows[] = {
        {"ssl_session_cache builtin;", "", 20480 * 512},
        {"ssl_session_cache builtin:0;", "", 20480 * 512},
        {"ssl_session_cache shared:a:1m;", "a", 1024 * 1024},
        {"ssl_session_cache shared:b:32k;", "b", 32 * 1024},
        {"ssl_session_cache builtin:5 shared:a:1m;", "a", 1024 * 1024},
        {"ssl_session_cache shared:a:1m builtin:5;", "a", 1024 * 1024},
        {"ssl_session_cache none shared:a:1m;", "a", 1024 * 1024},
        {"ssl_session_cache shared:b:32k; ssl_session_cache shared:a:1m;", "a", 1024 * 1024},
    };
    struct draft *d = *state;
    const struct session_zone *zone;
    struct block b;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        dirty_the_stack();
        block_taken(&b, d, CONTEXT_HTTP, rows[i].text);
        zone = b.level.server_tls.session_zone;
        assert_non_null(zone);
        assert_true(span_equals(zone->name, span_of_cstr(rows[i].name)));
        assert_int_equal(zone->bytes, rows[i].bytes);
        assert_null(zone->store);
    }
    assert_int_equal(d->snapshot.session_zone_count, 3); /* one for each name */
    block_taken(&b, d, CONTEXT_HTTP, "ssl_session_cache off;");
    assert_null(b.level.server_tls.session_zone);
    assert_int_equal(block_read(&b, d, CONTEXT_HTTP, "ssl_session_cache shared:a:2m;"), -EINVAL);
    assert_non_null(strstr(draft_said(d), "the size 2097152 of session cache \"a\" conflicts with "
                                          "already declared size 1048576 in t.conf:1"));
}

static void files_start_where_the_configuration_is(void **state)
{
    struct draft *d = *state;
    const struct certificate_draft *pairs;
    struct block b;

    d->c.options.conf_prefix = SPAN("/etc/");
    block_taken(&b, d, CONTEXT_SERVER,
                "ssl_certificate a; ssl_certificate /b; ssl_certificate_key c; ssl_crl d; "
                "proxy_ssl_certificate '';");
    pairs = b.level.server_tls.certificates.items;
    assert_int_equal(b.level.server_tls.certificates.count, 2);
    assert_string_equal(pairs[0].file.text.data, "/etc/a");
    assert_string_equal(pairs[1].file.text.data, "/b");
    assert_int_equal(pairs[1].file.origin.line, 1);
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
        DRAFT_TEST(session_caches_are_zones),
        DRAFT_TEST(files_start_where_the_configuration_is),
        DRAFT_TEST(old_protocols_leave_nothing),
        DRAFT_TEST(ciphers_must_select_something),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
