/* Tests of conf/directive_server: listen, server_name and location: its rows and limits. */
#include "../directive_fixture.h"

#include "conf/directive_server.h"

DIRECTIVE_TABLE_CLAIMS(directive_server_table)

/* Names are not asked for: "localhost" is not found. */
static void what_cannot_be_is_named(void **state)
{
    static const struct block_claim claims[] = {
        {CONTEXT_SERVER, "listen 0;", "invalid port in \"0\" of the \"listen\" directive"},
        {CONTEXT_SERVER, "listen 65536;", "invalid port in \"65536\" of the \"listen\" directive"},
        {CONTEXT_SERVER, "listen :80;", "no host in \":80\" of the \"listen\" directive"},
        {CONTEXT_SERVER, "listen a:65536;",
         "invalid port in \"a:65536\" of the \"listen\" directive"},
        {CONTEXT_SERVER, "listen [::1;", "invalid host in \"[::1\" of the \"listen\" directive"},
        {CONTEXT_SERVER, "listen unix:;",
         "no path in the unix domain socket in \"unix:\" of the \"listen\" directive"},
        {CONTEXT_SERVER, "listen localhost;",
         "host not found in \"localhost\" of the \"listen\" directive"},
        {CONTEXT_SERVER, "listen 80 backlog=0;", "invalid backlog \"backlog=0\""},
        {CONTEXT_SERVER, "listen 80 backlog=2147483648;", "invalid backlog \"backlog=2147483648\""},
        {CONTEXT_SERVER, "listen 80 backlog=;", "invalid backlog \"backlog=\""},
        {CONTEXT_SERVER, "listen 80 ipv6only=x;", "invalid parameter \"ipv6only=x\""},
        {CONTEXT_SERVER, "listen 80; listen *:80;", "a duplicate listen 0.0.0.0:80"},
        {CONTEXT_SERVER, "listen 80 http2;",
         "parameter \"http2\" of \"listen\" is not supported yet"},
        {CONTEXT_SERVER, "listen 80 quic;",
         "parameter \"quic\" of \"listen\" is not supported yet"},
        {CONTEXT_SERVER, "listen 80 deferred=1;", "invalid parameter \"deferred=1\""},
        {CONTEXT_SERVER, "listen 80 accept_filter=a;",
         "accept filters \"accept_filter=a\" are not supported on this platform"},
        {CONTEXT_SERVER, "listen 80 setfib=1;", "invalid parameter \"setfib=1\""},
        {CONTEXT_SERVER, "listen 80 fastopen=x;", "invalid fastopen \"fastopen=x\""},
        {CONTEXT_SERVER, "listen 80 fastopen=2147483648;",
         "invalid fastopen \"fastopen=2147483648\""},
        {CONTEXT_SERVER, "listen 80 rcvbuf=1g;", "invalid rcvbuf \"rcvbuf=1g\""},
        {CONTEXT_SERVER, "listen 80 sndbuf=2048m;", "invalid sndbuf \"sndbuf=2048m\""},
        {CONTEXT_SERVER, "listen 80 so_keepalive=yes;", "invalid so_keepalive value: \"yes\""},
        {CONTEXT_SERVER, "listen 80 so_keepalive=::;", "invalid so_keepalive value: \"::\""},
        {CONTEXT_SERVER, "listen 80 so_keepalive=;", "invalid so_keepalive value: \"\""},
        {CONTEXT_SERVER, "listen 80 so_keepalive=1:2:3:4;",
         "invalid so_keepalive value: \"1:2:3:4\""},
        {CONTEXT_SERVER, "listen 80 so_keepalive=1:x;", "invalid so_keepalive value: \"1:x\""},
        {CONTEXT_SERVER, "server_name .;", "server name \".\" is invalid"},
        {CONTEXT_SERVER, "server_name *;", "server name \"*\" is invalid"},
        {CONTEXT_SERVER, "server_name *.;", "server name \"*.\" is invalid"},
        {CONTEXT_SERVER, "server_name .*;", "server name \".*\" is invalid"},
        {CONTEXT_SERVER, "server_name a.*.b;", "server name \"a.*.b\" is invalid"},
        {CONTEXT_SERVER, "server_name *a;", "server name \"*a\" is invalid"},
        {CONTEXT_SERVER, "server_name a*;", "server name \"a*\" is invalid"},
        {CONTEXT_SERVER, "server_name *.a.*;", "server name \"*.a.*\" is invalid"},
        {CONTEXT_SERVER, "server_name ~;", "empty regex in server name \"~\""},
    };

    struct draft *d = *state;

    d->c.options.reads_nothing = true;
    blocks_refused(d, claims, COUNT_OF(claims));
}

static void a_listen_has_the_defaults_of_nginx(void **state)
{
    const struct listen_draft *l;
    struct block b;

    block_taken(&b, *state, CONTEXT_SERVER, "listen 65535; listen [::1]; listen unix:/a;");
    l = b.level.listens.items;
    assert_int_equal(b.level.listens.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(l[i].backlog, 511);
        assert_int_equal(l[i].ipv6only, i == 1);
        assert_false(l[i].is_default || l[i].is_tls || l[i].has_options);
    }
    assert_int_equal(address_port(&l[0].address), 65535);
    assert_int_equal(address_port(&l[1].address), 80);
    assert_string_equal(l[2].text.data, "unix:/a");
}

static void a_listen_takes_its_parameters_up_to_the_last(void **state)
{
    const struct listen_draft *l;
    struct block b;

    block_taken(&b, *state, CONTEXT_SERVER,
                "listen 1 default_server ssl; listen 2 backlog=2147483647; listen 3 default bind; "
                "listen [::]:4 ipv6only=off reuseport; listen 5 ipv6only=on; listen 6 backlog=1;");
    l = b.level.listens.items;
    assert_int_equal(b.level.listens.count, 6);
    assert_true(l[0].is_default && l[0].is_tls && !l[0].has_options);
    assert_int_equal(l[1].backlog, 2147483647);
    assert_true(l[1].has_options);
    assert_true(l[2].is_default && l[2].has_options);
    assert_true(l[3].has_options && !l[3].ipv6only);
    assert_false(l[4].ipv6only); /* there is none of IPv4 */
    assert_int_equal(l[5].backlog, 1);
}

static void server_names_are_in_lower_case(void **state)
{
    const struct server_name_draft *names;
    struct block b;

    block_taken(&b, *state, CONTEXT_SERVER, "server_name A.b *.C .D e.*; server_name '' ~^F;");
    names = b.level.server_names.items;
    assert_int_equal(b.level.server_names.count, 6);
    assert_true(span_equals(names[0].name, SPAN("a.b")));
    assert_true(span_equals(names[1].name, SPAN("*.c")));
    assert_true(span_equals(names[2].name, SPAN(".d")));
    assert_true(span_equals(names[3].name, SPAN("e.*")));
    assert_int_equal(names[4].name.len, 0);
    assert_null(names[4].regex);
    assert_true(span_equals(names[5].name, SPAN("~^F")));
    assert_non_null(names[5].regex);
}

static void a_name_with_a_slash_is_suspicious(void **state)
{
    struct block b;

    assert_int_equal(block_read(&b, *state, CONTEXT_SERVER, "server_name a/b;"), 0);
    draft_assert_said(*state, "[warn] server name \"a/b\" has suspicious symbols in t.conf:1");
}

static int parse_location(struct draft *d, const char *text, struct location_conf *l)
{
    struct block b;
    char whole[64];

    snprintf(whole, sizeof(whole), "location %s {}", text);
    block_taken(&b, d, CONTEXT_SERVER, whole);
    *l = (struct location_conf){0};
    return location_parse(&d->c, b.tree.root.first, l);
}

static void a_modifier_may_stand_without_a_blank(void **state)
{
    static const struct {
        const char *text, *pattern;
        enum location_kind kind;
    } rows[] = {
        {"/a", "/a", LOCATION_PREFIX},         {"= /a", "/a", LOCATION_EXACT},
        {"=/a", "/a", LOCATION_EXACT},         {"^~ /a", "/a", LOCATION_PREFIX_FINAL},
        {"^~/a", "/a", LOCATION_PREFIX_FINAL}, {"~ a$", "a$", LOCATION_REGEX},
        {"~a$", "a$", LOCATION_REGEX},         {"~* a$", "a$", LOCATION_REGEX},
        {"~*a$", "a$", LOCATION_REGEX},        {"@a", "@a", LOCATION_NAMED},
    };
    struct draft *d = *state;
    struct location_conf l;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(parse_location(d, rows[i].text, &l), 0);
        assert_int_equal(l.kind, rows[i].kind);
        assert_true(span_equals(l.pattern, span_of_cstr(rows[i].pattern)));
        assert_int_equal(l.regex != NULL, l.kind == LOCATION_REGEX);
    }
    assert_int_equal(d->c.regexes.count, 2); /* with case and without */
    assert_int_equal(parse_location(d, "! /a", &l), -EINVAL);
    draft_assert_said(d, "[emerg] invalid location modifier \"!\" in t.conf:1");
}

static struct listen_draft listen_of(void **state, const char *text)
{
    struct block b;

    block_taken(&b, *state, CONTEXT_SERVER, text);
    return *(const struct listen_draft *)b.level.listens.items;
}

static void a_socket_has_its_options(void **state)
{
    struct listen_draft l = listen_of(state, "listen 80 rcvbuf=8k sndbuf=2047m fastopen=16 "
                                             "deferred proxy_protocol;");

    assert_int_equal(l.socket.receive_bytes, 8192);
    assert_int_equal(l.socket.send_bytes, 2047 << 20);
    assert_int_equal(l.socket.fastopen, 16);
    assert_true(l.socket.is_deferred);
    assert_true(l.is_proxied);
    assert_true(l.has_options);
    assert_false(listen_of(state, "listen 80 proxy_protocol;").has_options);
}

static void keepalive_is_on_off_or_three_numbers(void **state)
{
    struct listen_draft l = listen_of(state, "listen 80 so_keepalive=30m::10;");

    assert_int_equal(l.socket.keepalive, KEEPALIVE_ON);
    assert_int_equal(l.socket.keepalive_idle_s, 1800);
    assert_int_equal(l.socket.keepalive_interval_s, 0);
    assert_int_equal(l.socket.keepalive_count, 10);
    l = listen_of(state, "listen 80 so_keepalive=:5;");
    assert_int_equal(l.socket.keepalive_interval_s, 5);
    assert_int_equal(listen_of(state, "listen 80;").socket.keepalive, KEEPALIVE_AS_IS);
    assert_int_equal(listen_of(state, "listen 80 so_keepalive=on;").socket.keepalive, KEEPALIVE_ON);
    assert_int_equal(listen_of(state, "listen 80 so_keepalive=off;").socket.keepalive,
                     KEEPALIVE_OFF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTIVE_TABLE_TESTS,
        DRAFT_TEST(what_cannot_be_is_named),
        DRAFT_TEST(a_listen_has_the_defaults_of_nginx),
        DRAFT_TEST(a_listen_takes_its_parameters_up_to_the_last),
        DRAFT_TEST(server_names_are_in_lower_case),
        DRAFT_TEST(a_name_with_a_slash_is_suspicious),
        DRAFT_TEST(a_modifier_may_stand_without_a_blank),
        DRAFT_TEST(a_socket_has_its_options),
        DRAFT_TEST(keepalive_is_on_off_or_three_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
