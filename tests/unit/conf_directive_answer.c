/* Tests of conf/directive_answer and conf/build_field_rules: what becomes of upstreams' answers. */
#include "../conf_snapshot.h"
#include "../directive_fixture.h"

#include "conf/directive_answer.h"

DIRECTIVE_TABLE_CLAIMS(directive_answer_table)

static void what_is_wrong_is_named(void **state)
{
    static const struct block_claim claims[] = {
        {CONTEXT_LOCATION, "proxy_redirect x;", "invalid parameter \"x\""},
        {CONTEXT_LOCATION, "proxy_redirect off; proxy_redirect off;",
         "\"proxy_redirect\" directive is duplicate"},
        {CONTEXT_LOCATION, "proxy_redirect off; proxy_redirect a b;",
         "\"proxy_redirect\" directive is duplicate"},
        {CONTEXT_LOCATION, "proxy_redirect a b; proxy_redirect off;",
         "\"proxy_redirect\" directive is duplicate"},
        {CONTEXT_LOCATION, "proxy_redirect default; proxy_pass http://127.0.0.1:1;",
         "\"proxy_redirect default\" should be placed after the \"proxy_pass\" directive"},
        {CONTEXT_HTTP, "proxy_redirect default;",
         "\"proxy_redirect default\" should be placed after the \"proxy_pass\" directive"},
        {CONTEXT_LOCATION, "proxy_redirect a $nothing_such;", "unknown \"nothing_such\" variable"},
        {CONTEXT_LOCATION, "proxy_cookie_domain default;", "invalid parameter \"default\""},
        {CONTEXT_LOCATION, "proxy_cookie_domain off; proxy_cookie_domain a b;",
         "\"proxy_cookie_domain\" directive is duplicate"},
        {CONTEXT_LOCATION, "proxy_cookie_path a b; proxy_cookie_path off;",
         "\"proxy_cookie_path\" directive is duplicate"},
        {CONTEXT_LOCATION, "proxy_cookie_flags a;", "invalid parameter \"a\""},
        {CONTEXT_LOCATION, "proxy_cookie_flags off; proxy_cookie_flags a secure;",
         "\"proxy_cookie_flags\" directive is duplicate"},
        {CONTEXT_LOCATION, "proxy_cookie_flags a secure; proxy_cookie_flags off;",
         "\"proxy_cookie_flags\" directive is duplicate"},
    };

    blocks_refused(*state, claims, COUNT_OF(claims));
}

static void regexes_say_what_is_wrong_with_them(void **state)
{
    assert_refused("http {\nproxy_redirect ~*(a b; }",
                   "pcre2_compile() failed: missing closing parenthesis in \"(a\" in t.conf:2");
    assert_refused("http {\nproxy_cookie_flags ~* secure; }",
                   "pcre2_compile() failed: quantifier does not follow a repeatable item in \"*\" "
                   "at \"*\" in t.conf:2");
    assert_refused("http {\nproxy_redirect a b c; }",
                   "invalid number of arguments in \"proxy_redirect\" directive in t.conf:2");
}

static void a_word_that_is_no_flag_is_warned_of(void **state)
{
    struct block b;

    assert_int_equal(block_read(&b, *state, CONTEXT_LOCATION, "proxy_cookie_flags a $uri secured;"),
                     0);
    draft_assert_said(*state, "[warn] \"secured\" is no flag of a cookie: it is overlooked in "
                              "t.conf:1");
}

static void ignored_fields_add_up(void **state)
{
    static const struct block_number rows[] = {
        {CONTEXT_LOCATION, "proxy_ignore_headers x-accel-redirect;", IGNORE_X_ACCEL_REDIRECT},
        {CONTEXT_LOCATION, "proxy_ignore_headers X-Accel-Limit-Rate X-Accel-Buffering;",
         IGNORE_X_ACCEL_LIMIT_RATE | IGNORE_X_ACCEL_BUFFERING},
        {CONTEXT_LOCATION, "proxy_ignore_headers X-Accel-Redirect; proxy_ignore_headers Vary;",
         IGNORE_X_ACCEL_REDIRECT | IGNORE_VARY},
        {CONTEXT_LOCATION, "proxy_intercept_errors on;", true},
    };
    static const struct block_claim claims[] = {
        {CONTEXT_LOCATION, "proxy_ignore_headers Server;", "invalid value \"Server\""},
    };

    blocks_leave(*state, rows, COUNT_OF(rows));
    blocks_refused(*state, claims, COUNT_OF(claims));
}

static const struct field_rules *rules_of(const struct location_conf *l)
{
    return l->settings.field_rules;
}

static void assert_redirect(const struct location_conf *l, size_t i, const char *from,
                            const char *to)
{
    assert_non_null(rules_of(l));
    assert_true(i < rules_of(l)->redirects.count);
    assert_span(rules_of(l)->redirects.rows[i].from.text, from);
    assert_span(rules_of(l)->redirects.rows[i].to.text, to);
}

static void the_default_is_made_of_the_location(void **state)
{
    struct location_conf **l;
    struct conf_text t;

    taken(&t, "http { server { location /long { proxy_pass http://127.0.0.1:1/u;\n"
              "location /long/in { proxy_pass http://127.0.0.1:2/v; } }\n"
              "location /mid { proxy_pass http://127.0.0.1:1; proxy_redirect a b;\n"
              "proxy_redirect default; }\n"
              "location /at { root /; }\n"
              "location /o { proxy_pass http://127.0.0.1:1; proxy_redirect off; } } }");
    l = t.snapshot->servers[0]->root.prefixes;
    assert_redirect(l[0], 0, "http://127.0.0.1:1/u", "/long");
    /* As in nginx what the location around it has is inherited, also where nobody wrote it. */
    assert_redirect(l[0]->prefixes[0], 0, "http://127.0.0.1:1/u", "/long");
    assert_redirect(l[1], 0, "a", "b");
    assert_redirect(l[1], 1, "http://127.0.0.1:1/", "/");
    assert_null(rules_of(l[2]));
    assert_null(rules_of(l[3]));
    conf_text_deinit(&t);
}

static void rules_are_inherited_by_levels_that_have_none(void **state)
{
    const struct field_rules *rules;
    struct location_conf **l;
    struct conf_text t;

    taken(&t, "http { proxy_redirect a b; proxy_cookie_domain .a .b; proxy_cookie_path ~*c d;\n"
              "server { location /long { proxy_pass http://127.0.0.1:1; }\n"
              "location /own { proxy_redirect c d; proxy_cookie_domain off; }\n"
              "location /off { proxy_redirect off; proxy_cookie_path off;\n"
              "proxy_cookie_flags ~x secure $uri; } } }");
    l = t.snapshot->servers[0]->root.prefixes;
    assert_redirect(l[0], 0, "a", "b");
    rules = rules_of(l[0]);
    assert_int_equal(rules->redirects.count, 1);
    assert_span(rules->cookie_domains.rows[0].from.text, "a");
    assert_span(rules->cookie_domains.rows[0].to.text, "b");
    assert_non_null(rules->cookie_paths.rows[0].regex);
    assert_int_equal(rules->cookie_flags_count, 0);
    rules = rules_of(l[1]);
    assert_int_equal(rules->cookie_domains.count, 1);
    assert_int_equal(rules->redirects.count, 0);
    assert_int_equal(rules->cookie_paths.count, 0);
    assert_int_equal(rules->cookie_flags[0].flag_count, 2);
    assert_redirect(l[2], 0, "c", "d");
    assert_int_equal(rules_of(l[2])->cookie_domains.count, 0);
    conf_text_deinit(&t);
}

static const struct settings *settings_of(const struct conf_text *t, size_t i)
{
    return &t->snapshot->servers[0]->root.prefixes[i]->settings;
}

static void what_changes_a_request_is_inherited_by_parts(void **state)
{
    const struct request_changes *changes;
    struct conf_text t;

    taken(&t, "http { server {\n"
              "location /unchanged { proxy_method \"\"; proxy_pass_request_body on; }\n"
              "location /outer { proxy_method PUT; proxy_pass_request_headers off;\n"
              "location /outer/in { proxy_set_body $uri; } } } }");
    assert_null(settings_of(&t, 0)->request_changes);
    changes = settings_of(&t, 1)->request_changes;
    assert_true(changes->has_method);
    assert_true(changes->drops_fields);
    assert_false(changes->has_body);
    assert_false(changes->drops_body);
    changes = t.snapshot->servers[0]->root.prefixes[1]->prefixes[0]->settings.request_changes;
    assert_span(changes->method.text, "PUT");
    assert_true(changes->drops_fields);
    assert_span(changes->body.text, "$uri");
    assert_true(changes->has_body);
    conf_text_deinit(&t);
}

static void an_empty_body_is_one(void **state)
{
    struct conf_text t;

    taken(&t, "http { server { location / { proxy_set_body \"\"; } } }");
    assert_true(settings_of(&t, 0)->request_changes->has_body);
    conf_text_deinit(&t);
}

static void early_hints_add_up_on_one_level(void **state)
{
    const struct condition *hints;
    struct conf_text t;

    taken(&t, "http { early_hints $uri; server { location /long { }\n"
              "location /own { early_hints a b; early_hints c; } } }");
    hints = settings_of(&t, 0)->early_hints;
    assert_int_equal(hints->count, 1);
    hints = settings_of(&t, 1)->early_hints;
    assert_int_equal(hints->count, 3);
    assert_span(hints->texts[2].text, "c");
    conf_text_deinit(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTIVE_TABLE_TESTS,
        DRAFT_TEST(what_is_wrong_is_named),
        cmocka_unit_test(regexes_say_what_is_wrong_with_them),
        DRAFT_TEST(a_word_that_is_no_flag_is_warned_of),
        DRAFT_TEST(ignored_fields_add_up),
        cmocka_unit_test(what_changes_a_request_is_inherited_by_parts),
        cmocka_unit_test(an_empty_body_is_one),
        cmocka_unit_test(early_hints_add_up_on_one_level),
        cmocka_unit_test(the_default_is_made_of_the_location),
        cmocka_unit_test(rules_are_inherited_by_levels_that_have_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
