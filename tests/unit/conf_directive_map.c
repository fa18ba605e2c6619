/* Tests of conf/directive_map: map, geo and split_clients: its rows, its words and its limits. */
#include "../directive_fixture.h"

#include "conf/directive_map.h"
#include "conf/geo.h"
#include "conf/split.h"
#include "conf/string_map.h"

DIRECTIVE_TABLE_CLAIMS(directive_map_table)

static void what_cannot_be_is_named(void **state)
{
    static const struct block_claim claims[] = {
        {CONTEXT_HTTP, "map $host $x { a; }", "invalid number of the map parameters"},
        {CONTEXT_HTTP, "map $host $x { a 1 2; }", "invalid number of the map parameters"},
        {CONTEXT_HTTP, "map $host x { a 1; }", "invalid variable name \"x\""},
        {CONTEXT_HTTP, "map $host $ { a 1; }", "invalid variable name \"$\""},
        {CONTEXT_HTTP, "map $host $host { a 1; }", "the duplicate \"host\" variable"},
        {CONTEXT_HTTP, "map $host $x { a $nope; }", "unknown \"nope\" variable"},
        {CONTEXT_HTTP, "map $nope $x { a 1; }", "unknown \"nope\" variable"},
        {CONTEXT_HTTP, "map $host $x { a 1; A 2; }", "conflicting parameter \"A\""},
        {CONTEXT_HTTP, "map $host $x { \\default 1; \\default 2; }",
         "conflicting parameter \"default\""},
        {CONTEXT_HTTP, "map $host $x { default 1; default 2; }", "duplicate default map parameter"},
        {CONTEXT_HTTP, "map $host $x { hostnames; a..b 1; }",
         "invalid hostname or wildcard \"a..b\""},
        {CONTEXT_HTTP, "map $host $x { ~( 1; }",
         "pcre2_compile() failed: missing closing parenthesis in \"(\""},
        {CONTEXT_HTTP, "geo $x { a; }", "invalid number of the geo parameters"},
        {CONTEXT_HTTP, "geo $x { a b c; }", "invalid number of the geo parameters"},
        {CONTEXT_HTTP, "geo a $x { 127.0.0.1 b; }", "invalid variable name \"a\""},
        {CONTEXT_HTTP, "geo $ $x { 127.0.0.1 b; }", "invalid variable name \"$\""},
        {CONTEXT_HTTP, "geo x { 127.0.0.1 b; }", "invalid variable name \"x\""},
        {CONTEXT_HTTP, "geo $x { 10.0.0.0/33 a; }", "invalid network \"10.0.0.0/33\""},
        {CONTEXT_HTTP, "geo $x { ::/129 a; }", "invalid network \"::/129\""},
        {CONTEXT_HTTP, "geo $x { unix: a; }", "invalid network \"unix:\""},
        {CONTEXT_HTTP, "geo $x { delete default; }", "invalid network \"default\""},
        {CONTEXT_HTTP, "geo $x { proxy; }", "invalid number of the geo parameters"},
        {CONTEXT_HTTP, "geo $x { proxy unix:; }", "invalid network \"unix:\""},
        {CONTEXT_HTTP, "geo $x { proxy_recursive 1; }", "invalid network \"proxy_recursive\""},
        {CONTEXT_HTTP, "geo $x { default 1; ranges; }",
         "the \"ranges\" directive must be the first directive inside \"geo\" block"},
        {CONTEXT_HTTP, "geo $x { ranges; 10.0.0.1 a; }", "invalid range \"10.0.0.1\""},
        {CONTEXT_HTTP, "geo $x { ranges; delete 10.0.0.1; }", "invalid range \"10.0.0.1\""},
        {CONTEXT_HTTP, "geo $x { ranges; 10.0.0.3-10.0.0.5 a; 10.0.0.1-10.0.0.9 b; }",
         "range \"10.0.0.1-10.0.0.9\" overlaps \"10.0.0.3-10.0.0.5\""},
        {CONTEXT_HTTP, "split_clients $host $x { 50%; }",
         "invalid number of the split_clients parameters"},
        {CONTEXT_HTTP, "split_clients $host $x { 50% a b; }",
         "invalid number of the split_clients parameters"},
        {CONTEXT_HTTP, "split_clients $host $x { 50 a; }", "invalid percent value \"50\""},
        {CONTEXT_HTTP, "split_clients $host $x { 99.99% a; 0.02% b; }",
         "percent total is greater than 100%"},
        {CONTEXT_HTTP, "split_clients $host $x { * a; 0.01% b; }",
         "percent total is greater than 100%"},
        {CONTEXT_HTTP, "split_clients $host x { 50% a; }", "invalid variable name \"x\""},
    };

    blocks_refused(*state, claims, COUNT_OF(claims));
}

static void what_is_odd_is_warned_about(void **state)
{
    static const struct {
        const char *text, *line;
    } rows[] = {
        {"geo $x { 10.0.0.1/8 a; }", "low address bits of 10.0.0.1/8 are meaningless"},
        {"geo $x { 10.0.0.1 a; 10.0.0.1/32 b; }",
         "duplicate network \"10.0.0.1/32\", value: \"b\", old value: \"a\""},
        {"geo $x { delete 10.0.0.0/8; }", "no network \"10.0.0.0/8\" to delete"},
        {"geo $x { ranges; 10.0.0.3-10.0.0.5 a; 10.0.0.3-10.0.0.5 b; }",
         "duplicate range \"10.0.0.3-10.0.0.5\", value: \"b\", old value: \"a\""},
        {"geo $x { ranges; delete 10.0.0.3-10.0.0.5; }",
         "no address range \"10.0.0.3-10.0.0.5\" to delete"},
        {"geo $x { ranges; default a; default b; }",
         "duplicate default geo range value: \"b\", old value: \"a\""},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char whole[256];
        struct block b;
        const char *said;

        assert_int_equal(block_read(&b, *state, CONTEXT_HTTP, rows[i].text), 0);
        said = draft_said(*state);
        snprintf(whole, sizeof(whole), "ringway: [warn] %s in t.conf:1\n", rows[i].line);
        if (strcmp(said, whole) != 0)
            fail_msg("\"%s\" says %s", rows[i].text, said);
    }
}

static const struct user_variable *variable(struct draft *d, const char *text)
{
    const struct user_variable *v;
    struct block b;

    block_taken(&b, d, CONTEXT_HTTP, text);
    v = conf_user_variable(&d->c, SPAN("x"));
    assert_non_null(v);
    return v;
}

static void a_map_has_its_lines(void **state)
{
    const struct user_variable *v =
        variable(*state, "map $uri $x { hostnames; default d; a A; *.b B; ~c C; ~*D $1; \\~e E; "
                         "\\hostnames H; }");
    const struct string_map *m = v->source;

    assert_int_equal(v->kind, USER_VARIABLE_MAP);
    assert_false(v->is_volatile);
    assert_int_equal(m->source.parts[0].variable, VARIABLE_URI);
    assert_string_equal(m->preset->text.data, "d");
    assert_string_equal(string_map_find(m, SPAN("A"))->text.data, "A");
    assert_string_equal(string_map_find(m, SPAN("x.b"))->text.data, "B");
    assert_string_equal(string_map_find(m, SPAN("~e"))->text.data, "E");
    assert_string_equal(string_map_find(m, SPAN("hostnames"))->text.data, "H");
    assert_null(string_map_find(m, SPAN("c")));
    assert_int_equal(m->regex_count, 2);
    assert_string_equal(m->regexes[0].value->text.data, "C");
    assert_false(m->regexes[1].value->is_literal);
}

static void a_map_may_be_volatile(void **state)
{
    assert_true(variable(*state, "map $uri $x { volatile; a A; }")->is_volatile);
    /* The later block counts, and says so itself. */
    assert_false(variable(*state, "map $uri $x { a A; }")->is_volatile);
}

static void a_geo_may_be_volatile(void **state)
{
    assert_true(variable(*state, "geo $x { volatile; default a; }")->is_volatile);
    assert_false(variable(*state, "geo $x { default a; }")->is_volatile);
}

static void wildcards_begin_with_hostnames(void **state)
{
    const struct string_map *m =
        variable(*state, "map $uri $x { *.a 1; hostnames; *.a 2; }")->source;

    assert_string_equal(string_map_find(m, SPAN("*.a"))->text.data, "1");
    assert_string_equal(string_map_find(m, SPAN("b.a"))->text.data, "2");
}

static void groups_of_a_maps_regex_are_variables(void **state)
{
    struct draft *d = *state;
    struct block b;

    /* As in a configuration: what makes variables is learnt first. */
    block_parse(&b, d, CONTEXT_HTTP, "map $uri $x { ~^(?<group>.)$ $group; ~(?<x>y) 1; }");
    assert_int_equal(b.tree.root.first->row->learn(&d->c, b.tree.root.first), 0);
    assert_int_equal(conf_user_variable(&d->c, SPAN("group"))->kind, USER_VARIABLE_CAPTURE);
    assert_int_equal(conf_user_variable(&d->c, SPAN("x"))->kind, USER_VARIABLE_MAP);
    assert_int_equal(scope_read(&d->c, &b.scope), 0);
    assert_int_equal(conf_user_variable(&d->c, SPAN("x"))->kind, USER_VARIABLE_MAP);
}

static void a_geo_has_its_lines(void **state)
{
    const struct endpoint home = {.family = AF_INET, .ip = {127, 0, 0, 1}};
    const struct endpoint other = {.family = AF_INET6};
    const struct user_variable *v;
    const struct geo *g;

    v = variable(*state, "geo $x { default d; 127.0.0.0/8 home; 10.0.0.0/8 x; "
                         "delete 10.0.0.0/8; }");
    g = v->source;
    assert_int_equal(v->kind, USER_VARIABLE_GEO);
    assert_int_equal(g->source.part_count, 0);
    assert_string_equal(geo_find(g, &home).data, "home");
    assert_string_equal(geo_find(g, &other).data, "d");
    g = variable(*state, "geo $x { proxy 10.0.0.0/8; proxy ::1; proxy_recursive; }")->source;
    assert_int_equal(g->trust.count, 2);
    assert_int_equal(g->trust.proxies[1].kind, NETWORK_IP6);
    assert_true(g->trust.is_recursive);
    g = variable(*state, "geo $arg_a $x { ranges; ranges; 0.0.0.0-127.0.0.1 low; "
                         "default d; }")
            ->source;
    assert_int_equal(g->source.parts[0].variable, VARIABLE_ARG_);
    assert_string_equal(geo_find(g, &home).data, "low");
    assert_string_equal(geo_find(g, &other).data, "d");
}

static void shares_add_up_to_the_whole(void **state)
{
    const struct user_variable *v =
        variable(*state, "split_clients $uri $x { 0.01% a; 99.99% $uri; }");
    const struct split *s = v->source;

    assert_int_equal(v->kind, USER_VARIABLE_SPLIT);
    assert_int_equal(s->part_count, 2);
    assert_int_equal(s->parts[0].end, split_width(1));
    assert_int_equal(s->parts[1].end, split_width(1) + split_width(9999));
    assert_string_equal(s->parts[1].value.data, "$uri");
    s = variable(*state, "split_clients $uri $x { 50% a; * b; * c; }")->source;
    assert_false(s->parts[0].is_rest);
    assert_true(s->parts[1].is_rest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTIVE_TABLE_TESTS,
        DRAFT_TEST(what_cannot_be_is_named),
        DRAFT_TEST(what_is_odd_is_warned_about),
        DRAFT_TEST(a_map_has_its_lines),
        DRAFT_TEST(a_map_may_be_volatile),
        DRAFT_TEST(a_geo_may_be_volatile),
        DRAFT_TEST(wildcards_begin_with_hostnames),
        DRAFT_TEST(groups_of_a_maps_regex_are_variables),
        DRAFT_TEST(a_geo_has_its_lines),
        DRAFT_TEST(shares_add_up_to_the_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
