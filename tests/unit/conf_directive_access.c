/* Tests of conf/directive_access and conf/build_gate: who may come. */
#include "../conf_snapshot.h"
#include "../directive_fixture.h"

#include "conf/directive_access.h"

DIRECTIVE_TABLE_CLAIMS(directive_access_table)

static void what_is_wrong_is_named(void **state)
{
    static const struct block_claim claims[] = {
        {CONTEXT_LOCATION, "deny x;", "invalid parameter \"x\""},
        {CONTEXT_LOCATION, "allow 10.0.0.0/33;", "invalid parameter \"10.0.0.0/33\""},
        {CONTEXT_LOCATION, "deny ALL;", "invalid parameter \"ALL\""},
        {CONTEXT_LOCATION, "auth_basic $x;", "unknown \"x\" variable"},
        {CONTEXT_LOCATION, "auth_basic_user_file $x;", "unknown \"x\" variable"},
        {CONTEXT_LOCATION, "auth_delay x;", "\"auth_delay\" directive invalid value"},
        {CONTEXT_LOCATION, "set_real_ip_from 10.0.0.0/33;",
         "host not found in set_real_ip_from \"10.0.0.0/33\""},
        {CONTEXT_LOCATION, "set_real_ip_from all;", "host not found in set_real_ip_from \"all\""},
        {CONTEXT_LOCATION, "satisfy x;", "invalid value \"x\""},
        {CONTEXT_LOCATION, "limit_except FOO { }", "invalid method \"FOO\""},
        {CONTEXT_LOCATION, "limit_except GET POSTS { }", "invalid method \"POSTS\""},
    };

    blocks_refused(*state, claims, COUNT_OF(claims));
}

static void low_bits_are_warned_of(void **state)
{
    struct block b;

    assert_int_equal(block_read(&b, *state, CONTEXT_LOCATION, "deny 10.0.0.1/8;"), 0);
    draft_assert_said(*state, "[warn] low address bits of 10.0.0.1/8 are meaningless in t.conf:1");
}

static void rules_keep_their_order(void **state)
{
    struct block b;
    const struct access_rule *rules;

    block_taken(&b, *state, CONTEXT_LOCATION, "deny 192.0.2.1; allow unix:; deny all;");
    rules = b.level.gate.rules.items;
    assert_int_equal(b.level.gate.rules.count, 3);
    assert_false(rules[0].allows);
    assert_int_equal(rules[0].network.kind, NETWORK_IP4);
    assert_true(rules[1].allows);
    assert_int_equal(rules[1].network.kind, NETWORK_UNIX);
    assert_false(rules[2].allows);
    assert_int_equal(rules[2].network.kind, NETWORK_ALL);
}

static const struct gate_conf *gate_of(const struct conf_text *t, size_t i)
{
    return t->snapshot->servers[0]->root.prefixes[i]->settings.gate;
}

static void rules_are_inherited_by_levels_that_have_none(void **state)
{
    struct conf_text t;

    taken(&t, "http { deny all; server {\n"
              "location /long { satisfy any; }\n"
              "location /own { allow all; deny all; } } }");
    assert_int_equal(gate_of(&t, 0)->rule_count, 1);
    assert_true(gate_of(&t, 0)->satisfies_any);
    assert_int_equal(gate_of(&t, 1)->rule_count, 2);
    assert_false(gate_of(&t, 1)->satisfies_any);
    conf_text_deinit(&t);
}

static void a_level_without_any_has_no_gate(void **state)
{
    struct conf_text t;

    taken(&t, "http { server { satisfy any; location / { } } }");
    assert_null(gate_of(&t, 0));
    conf_text_deinit(&t);
}

static void a_password_is_asked_for_with_a_realm_and_a_file(void **state)
{
    const struct gate_conf *gate;
    struct conf_text t;

    taken(&t, "http { auth_basic_user_file users; server { auth_basic $host; auth_delay 2s;\n"
              "location /a { }\n"
              "location /b { auth_basic off; }\n"
              "location /c { limit_except GET { auth_basic other; } auth_basic off; }\n"
              "location /d { auth_basic_user_file /own; } } }");
    gate = gate_of(&t, 0);
    assert_span(gate->basic->realm.text, "$host");
    assert_span(gate->basic->user_file.text, "users");
    assert_int_equal(gate->auth_delay_ms, 2000);
    assert_null(gate_of(&t, 1));
    assert_null(gate_of(&t, 2));
    gate = t.snapshot->servers[0]->root.prefixes[2]->except->location->settings.gate;
    assert_span(gate->basic->realm.text, "other");
    assert_span(gate_of(&t, 3)->basic->user_file.text, "/own");
    conf_text_deinit(&t);
    /* As in nginx, without a file there is no question. */
    taken(&t, "http { server { auth_basic x; location /a { } } }");
    assert_null(gate_of(&t, 0));
    conf_text_deinit(&t);
}

static void proxies_are_trusted_by_address_and_name(void **state)
{
    const struct real_ip_conf *r;
    struct conf_text t;

    taken(&t, "http { set_real_ip_from 10.0.0.0/8; set_real_ip_from unix:; server {\n"
              "location /a { real_ip_recursive on; real_ip_header X-Forwarded-For; }\n"
              "location /b { set_real_ip_from localhost; } } }");
    r = gate_of(&t, 0)->real_ip;
    assert_int_equal(r->trust.count, 2);
    assert_int_equal(r->trust.proxies[1].kind, NETWORK_UNIX);
    assert_true(r->trust.is_recursive);
    assert_span(r->field, "X-Forwarded-For");
    r = gate_of(&t, 1)->real_ip;
    assert_true(r->trust.count > 0);
    assert_int_not_equal(r->trust.proxies[0].kind, NETWORK_UNIX);
    assert_span(r->field, "X-Real-IP");
    assert_false(r->trust.is_recursive);
    conf_text_deinit(&t);
}

static void a_uri_is_asked_with_variables_of_its_answer(void **state)
{
    const struct auth_request_conf *auth;
    struct conf_text t;

    taken(&t, "http { auth_request_set $a $upstream_http_a; server { auth_request /auth;\n"
              "location /a { }\n"
              "location /b { auth_request off; auth_request_set $b b; }\n"
              "location /c { auth_request_set $b $a; log_subrequest on; } } }");
    auth = gate_of(&t, 0)->auth_request;
    assert_span(auth->uri, "/auth");
    assert_int_equal(auth->variable_count, 1);
    assert_span(t.snapshot->user_variables.rows[auth->variables[0].index].name, "a");
    assert_span(auth->variables[0].value.text, "$upstream_http_a");
    assert_null(gate_of(&t, 1));
    auth = gate_of(&t, 2)->auth_request;
    assert_int_equal(auth->variable_count, 1);
    assert_span(t.snapshot->user_variables.rows[auth->variables[0].index].name, "b");
    assert_true(t.snapshot->servers[0]->root.prefixes[2]->settings.log_subrequest);
    conf_text_deinit(&t);
}

static void limit_except_is_a_location_of_its_own(void **state)
{
    const struct location_conf *l;
    struct conf_text t;

    taken(&t, "http { server { location /a { proxy_pass http://127.0.0.1:1/u;\n"
              "limit_except get PUT { deny all; } } } }");
    l = t.snapshot->servers[0]->root.prefixes[0];
    assert_null(l->settings.gate);
    assert_int_equal(l->except->method_count, 3);
    assert_span(l->except->methods[0], "GET");
    assert_span(l->except->methods[1], "HEAD");
    assert_span(l->except->methods[2], "PUT");
    assert_int_equal(l->except->location->settings.gate->rule_count, 1);
    assert_span(l->except->location->pattern, "/a");
    assert_ptr_equal(l->except->location->proxy_pass.upstream, l->proxy_pass.upstream);
    assert_span(l->except->location->proxy_pass.uri, "/u");
    conf_text_deinit(&t);
}

static void limit_except_takes_no_uri_for_the_upstream(void **state)
{
    assert_refused(
        "http { server { location /a {\nlimit_except GET { proxy_pass http://127.0.0.1:1/u; } } "
        "} }",
        "\"proxy_pass\" cannot have URI part in location given by regular expression, or "
        "inside named location, or inside \"if\" statement, or inside \"limit_except\" block "
        "in t.conf:2");
    assert_refused("http { server { location /a { limit_except GET {}\nlimit_except PUT {} } } }",
                   "\"limit_except\" directive is duplicate in t.conf:2");
    assert_refused(
        "http { server { location /a { limit_except GET {\nroot /; } } } }",
        "\"root\" directive is not allowed here in t.conf:2; block \"limit_except\" opened in "
        "t.conf:1 is still open");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTIVE_TABLE_TESTS,
        DRAFT_TEST(what_is_wrong_is_named),
        DRAFT_TEST(low_bits_are_warned_of),
        DRAFT_TEST(rules_keep_their_order),
        cmocka_unit_test(rules_are_inherited_by_levels_that_have_none),
        cmocka_unit_test(a_level_without_any_has_no_gate),
        cmocka_unit_test(a_password_is_asked_for_with_a_realm_and_a_file),
        cmocka_unit_test(proxies_are_trusted_by_address_and_name),
        cmocka_unit_test(a_uri_is_asked_with_variables_of_its_answer),
        cmocka_unit_test(limit_except_is_a_location_of_its_own),
        cmocka_unit_test(limit_except_takes_no_uri_for_the_upstream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
