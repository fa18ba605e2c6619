/* Tests of conf/directive_limit and conf/build_limits: how often and how many may come. */
#include "../conf_snapshot.h"
#include "../directive_fixture.h"

#include "conf/directive_limit.h"

DIRECTIVE_TABLE_CLAIMS(directive_limit_table)

#define ZONES                                                 \
    "limit_req_zone $arg_a zone=often:32k rate=90r/m;"        \
    "limit_req_zone \"$arg_b-$uri\" zone=other:1m rate=2r/s;" \
    "limit_conn_zone $binary_remote_addr zone=many:64k;"

static void what_is_wrong_is_named(void **state)
{
    static const struct block_claim claims[] = {
#define ZONE(words) CONTEXT_HTTP, "limit_req_zone $arg_a " words ";"
        {ZONE("zone=a:31k rate=1r/s"), "zone \"zone=a:31k\" is too small"},
        {ZONE("zone=a:32767 rate=1r/s"), "zone \"zone=a:32767\" is too small"},
        {ZONE("zone=a rate=1r/s"), "invalid zone size \"zone=a\""},
        {ZONE("zone=a: rate=1r/s"), "invalid zone size \"zone=a:\""},
        {ZONE("zone=a:1g rate=1r/s"), "invalid zone size \"zone=a:1g\""},
        {ZONE("zone=:1m rate=1r/s"), "\"limit_req_zone\" must have \"zone\" parameter"},
        {ZONE("rate=1r/s rate=1r/s"), "\"limit_req_zone\" must have \"zone\" parameter"},
        {ZONE("zone=a:1m rate=0r/s"), "invalid rate \"rate=0r/s\""},
        {ZONE("zone=a:1m rate=1r/h"), "invalid rate \"rate=1r/h\""},
        {ZONE("zone=a:1m rate=-1"), "invalid rate \"rate=-1\""},
        {ZONE("zone=a:1m rate=1000000000001r/s"), "invalid rate \"rate=1000000000001r/s\""},
        {ZONE("zone=a:1m x"), "invalid parameter \"x\""},
        {CONTEXT_HTTP, "limit_req_zone $x zone=a:1m rate=1r/s;", "unknown \"x\" variable"},
        {CONTEXT_HTTP, "limit_conn_zone $arg_a zone=a:31k;", "zone \"zone=a:31k\" is too small"},
        {CONTEXT_HTTP, "limit_conn_zone $arg_a rate=1r/s;", "invalid parameter \"rate=1r/s\""},
        {CONTEXT_HTTP, "limit_req burst=1;", "\"limit_req\" must have \"zone\" parameter"},
        {CONTEXT_HTTP, "limit_req zone=a burst=0;", "invalid burst value \"burst=0\""},
        {CONTEXT_HTTP, "limit_req zone=a burst=x;", "invalid burst value \"burst=x\""},
        {CONTEXT_HTTP, "limit_req zone=a burst=1000000000001;",
         "invalid burst value \"burst=1000000000001\""},
        {CONTEXT_HTTP, "limit_req zone=a delay=0;", "invalid delay value \"delay=0\""},
        {CONTEXT_HTTP, "limit_req zone=a now;", "invalid parameter \"now\""},
        {CONTEXT_HTTP, "limit_req zone=a; limit_req zone=a burst=2;",
         "\"limit_req\" directive is duplicate"},
        {CONTEXT_HTTP, "limit_conn a 0;", "invalid number of connections \"0\""},
        {CONTEXT_HTTP, "limit_conn a x;", "invalid number of connections \"x\""},
        {CONTEXT_HTTP, "limit_conn a 65536;", "connection limit must be less 65536"},
        {CONTEXT_HTTP, "limit_conn a 1; limit_conn b 1; limit_conn a 1;",
         "\"limit_conn\" directive is duplicate"},
        {CONTEXT_HTTP, "limit_req_status 399;", "value must be between 400 and 599"},
        {CONTEXT_HTTP, "limit_req_status 600;", "value must be between 400 and 599"},
        {CONTEXT_HTTP, "limit_conn_status 399;", "value must be between 400 and 599"},
        {CONTEXT_HTTP, "limit_req_log_level debug;", "invalid value \"debug\""},
        {CONTEXT_HTTP, "limit_conn_log_level crit;", "invalid value \"crit\""},
        {CONTEXT_HTTP, "limit_req_dry_run x;",
         "invalid value \"x\" in \"limit_req_dry_run\" directive, it must be \"on\" or \"off\""},
    };

    blocks_refused(*state, claims, COUNT_OF(claims));
}

static void a_name_is_one_zone(void **state)
{
    assert_refused("http { " ZONES "\nlimit_req_zone $arg_c zone=often:32k rate=1r/s; }",
                   "limit_req_zone \"often\" is already bound to key \"$arg_a\" in t.conf:2");
    assert_refused("http { " ZONES "\nlimit_conn_zone $arg_c zone=many:32k; }",
                   "limit_conn_zone \"many\" is already bound to key \"$binary_remote_addr\" in "
                   "t.conf:2");
    assert_refused("http { " ZONES "\nlimit_conn_zone $arg_c zone=often:32k; }",
                   "the shared memory zone \"often\" is already declared for a different use in "
                   "t.conf:2");
    assert_refused("http { " ZONES "\nlimit_conn often 1; }",
                   "the shared memory zone \"often\" is already declared for a different use in "
                   "t.conf:2");
    assert_refused("http { " ZONES "\nlimit_req zone=many; }",
                   "the shared memory zone \"many\" is already declared for a different use in "
                   "t.conf:2");
    assert_refused("http { " ZONES "\nlimit_req zone=none; }",
                   "zero size shared memory zone \"none\" in t.conf:2");
    assert_refused("http { server {\nlimit_conn none 1; } }",
                   "zero size shared memory zone \"none\" in t.conf:2");
}

static const struct limits_conf *limits_of(const struct conf_text *t, size_t i)
{
    const struct gate_conf *gate = t->snapshot->servers[0]->root.prefixes[i]->settings.gate;

    return gate ? gate->limits : NULL;
}

static void limits_are_inherited_by_levels_that_have_none(void **state)
{
    const struct limits_conf *l;
    struct conf_text t;

    taken(&t, "http { limit_req zone=often; limit_req_status 429; " ZONES "server {\n"
              "location /aaaa { limit_conn many 65535; }\n"
              "location /bbb { limit_req zone=other burst=5 delay=2;"
              " limit_req zone=often burst=7 nodelay; limit_req_dry_run on; } } }");
    l = limits_of(&t, 0);
    assert_int_equal(l->request_count, 1);
    assert_span(l->requests[0].zone->name, "often");
    assert_int_equal(l->requests[0].zone->per_second, 1500);
    assert_int_equal(l->requests[0].burst, 0);
    assert_int_equal(l->requests[0].delay, 0);
    assert_int_equal(l->request_policy.status, 429);
    assert_int_equal(l->connection_policy.status, 503);
    assert_int_equal(l->request_policy.level, LOG_LEVEL_ERROR);
    assert_int_equal(l->connection_count, 1);
    assert_int_equal(l->connections[0].most, 65535);
    l = limits_of(&t, 1);
    assert_int_equal(l->request_count, 2);
    assert_int_equal(l->requests[0].burst, 5000);
    assert_int_equal(l->requests[0].delay, 2000);
    assert_true(l->requests[1].delay == UINT64_MAX);
    assert_true(l->request_policy.is_dry_run);
    assert_int_equal(l->connection_count, 0);
    conf_text_deinit(&t);
}

static struct limit_zone *zone_named(const struct conf_text *t, const char *name)
{
    for (size_t i = 0; i < t->snapshot->limit_zone_count; i++) {
        if (span_equals(t->snapshot->limit_zones[i]->name, span_of_cstr(name)))
            return t->snapshot->limit_zones[i]->zone;
    }
    fail_msg("no zone %s", name);
    return NULL;
}

static void build_over(struct conf_text *t, const char *text, const struct snapshot *before)
{
    char error[256] = "";

    taken(t, text);
    assert_int_equal(snapshot_take_zones(t->snapshot, before, error, sizeof(error)), 0);
    assert_string_equal(error, "");
}

static void a_zone_that_stays_the_same_goes_on_counting(void **state)
{
    struct conf_text before, after;
    struct limit_zone *often;

    build_over(&before, "http { server { } " ZONES "}", NULL);
    often = zone_named(&before, "often");
    assert_non_null(often);
    build_over(&after,
               "http { server { } limit_req_zone $arg_a zone=often:32k rate=5r/s;"
               "limit_req_zone $arg_b zone=other:1m rate=2r/s;"
               "limit_conn_zone $binary_remote_addr zone=many:65k; }",
               before.snapshot);
    assert_ptr_equal(zone_named(&after, "often"), often); /* the rate may change */
    assert_ptr_not_equal(zone_named(&after, "other"), zone_named(&before, "other"));
    assert_ptr_not_equal(zone_named(&after, "many"), zone_named(&before, "many"));
    conf_text_deinit(&before);
    assert_int_equal(limit_zone_enter(often, limit_zone_key(often, SPAN("a")), 1), LIMIT_ENTERED);
    conf_text_deinit(&after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTIVE_TABLE_TESTS,
        DRAFT_TEST(what_is_wrong_is_named),
        cmocka_unit_test(a_name_is_one_zone),
        cmocka_unit_test(limits_are_inherited_by_levels_that_have_none),
        cmocka_unit_test(a_zone_that_stays_the_same_goes_on_counting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
