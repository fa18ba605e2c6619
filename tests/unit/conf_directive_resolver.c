/* Tests of conf/directive_resolver: its rows, its words and its limits. */
#include "../directive_fixture.h"

#include "conf/directive_resolver.h"

DIRECTIVE_TABLE_CLAIMS(directive_resolver_table)

/* Names are not asked for: "localhost" is not found. */
static void what_cannot_be_is_named(void **state)
{
    static const struct block_claim claims[] = {
        {CONTEXT_HTTP, "resolver localhost;", "host not found in resolver \"localhost\""},
        {CONTEXT_HTTP, "resolver unix:/x;", "host not found in resolver \"unix:/x\""},
        {CONTEXT_HTTP, "resolver 127.0.0.1:0;", "invalid port in resolver \"127.0.0.1:0\""},
        {CONTEXT_HTTP, "resolver 127.0.0.1:65536;", "invalid port in resolver \"127.0.0.1:65536\""},
        {CONTEXT_HTTP, "resolver ::1;", "no host in resolver \"::1\""},
        {CONTEXT_HTTP, "resolver \"\";", "no host in resolver \"\""},
        {CONTEXT_HTTP, "resolver valid=5s;", "no name servers defined"},
        {CONTEXT_HTTP, "resolver 127.0.0.1 valid=;", "invalid parameter: valid="},
        {CONTEXT_HTTP, "resolver 127.0.0.1 valid=1500ms;", "invalid parameter: valid=1500ms"},
        {CONTEXT_HTTP, "resolver 127.0.0.1 ipv4=;", "invalid parameter: ipv4="},
        {CONTEXT_HTTP, "resolver 127.0.0.1 ipv6=yes;", "invalid parameter: ipv6=yes"},
        {CONTEXT_HTTP, "resolver 127.0.0.1 ipv4=off ipv6=off;",
         "\"ipv4\" and \"ipv6\" cannot both be \"off\""},
        {CONTEXT_HTTP, "resolver_timeout x;", "\"resolver_timeout\" directive invalid value"},
    };
    struct draft *d = *state;

    d->c.options.reads_nothing = true;
    blocks_refused(d, claims, COUNT_OF(claims));
}

static const struct resolver_conf *taken(struct draft *d, const char *text)
{
    struct block b;

    block_taken(&b, d, CONTEXT_LOCATION, text);
    assert_non_null(b.level.settings.resolver);
    return b.level.settings.resolver;
}

static void a_resolver_has_its_servers_and_parameters(void **state)
{
    struct draft *d = *state;
    const struct resolver_settings *s =
        &taken(d, "resolver 192.0.2.1 [2001:db8::1]:65535 valid=1h ipv6=off;")->settings;
    char text[ADDRESS_TEXT_BYTES];

    assert_int_equal(s->server_count, 2);
    (void)address_format(&s->servers[0], text);
    assert_string_equal(text, "192.0.2.1:53");
    (void)address_format(&s->servers[1], text);
    assert_string_equal(text, "[2001:db8::1]:65535");
    assert_true(s->has_valid && s->wants_ip4 && !s->wants_ip6);
    assert_int_equal(s->valid_ms, 3600 * 1000);
    s = &taken(d, "resolver 192.0.2.1 ipv4=off;")->settings;
    assert_true(!s->has_valid && !s->wants_ip4 && s->wants_ip6);
    s = &taken(d, "resolver 192.0.2.1 ipv4=on valid=0;")->settings;
    assert_true(s->has_valid && s->wants_ip4 && s->wants_ip6);
    assert_int_equal(s->valid_ms, 0);
}

static void resolvers_are_numbered(void **state)
{
    struct draft *d = *state;

    assert_int_equal(taken(d, "resolver 192.0.2.1;")->index, 0);
    assert_int_equal(taken(d, "resolver 192.0.2.1;")->index, 1);
    assert_int_equal(d->c.resolvers.count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTIVE_TABLE_TESTS,
        DRAFT_TEST(what_cannot_be_is_named),
        DRAFT_TEST(a_resolver_has_its_servers_and_parameters),
        DRAFT_TEST(resolvers_are_numbered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
