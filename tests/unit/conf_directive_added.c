/* Tests of conf/directive_added: fields that are added to answers. */
#include "../conf_snapshot.h"
#include "../directive_fixture.h"

#include "conf/directive_added.h"

DIRECTIVE_TABLE_CLAIMS(directive_added_table)

static void one_beyond_a_limit_is_refused(void **state)
{
    static const struct block_claim claims[] = {
        {CONTEXT_LOCATION, "add_header a b c;", "invalid parameter \"c\""},
        {CONTEXT_LOCATION, "add_header '' b;", "invalid header name \"\""},
        {CONTEXT_LOCATION, "add_header a: b;", "invalid header name \"a:\""},
        {CONTEXT_LOCATION, "add_header a $x;", "unknown \"x\" variable"},
        {CONTEXT_LOCATION, "add_trailer a b c;", "invalid parameter \"c\""},
        {CONTEXT_LOCATION, "add_trailer a: b;", "invalid header name \"a:\""},
        {CONTEXT_LOCATION, "add_trailer te b;", "\"te\" cannot be a trailer"},
        {CONTEXT_LOCATION, "add_trailer Set-Cookie b;", "\"Set-Cookie\" cannot be a trailer"},
        {CONTEXT_LOCATION, "add_header_inherit x;", "invalid value \"x\""},
        {CONTEXT_LOCATION, "add_trailer_inherit x;", "invalid value \"x\""},
        {CONTEXT_LOCATION, "expires x;", "\"expires\" directive invalid value"},
        {CONTEXT_LOCATION, "expires often 1h;", "\"expires\" directive invalid value"},
        {CONTEXT_LOCATION, "expires $x;", "unknown \"x\" variable"},
        {CONTEXT_LOCATION, "expires modified @1h;",
         "\"expires\" directive daily time cannot be used with \"modified\" parameter"},
    };

    blocks_refused(*state, claims, COUNT_OF(claims));
}

static void fields_may_be_for_every_status(void **state)
{
    const struct add_header *headers, *trailers;
    struct block b;

    block_taken(&b, *state, CONTEXT_HTTP,
                "add_header A b; add_header etag '' always; add_trailer C d always;");
    headers = b.level.add_headers.items;
    trailers = b.level.add_trailers.items;
    assert_int_equal(b.level.add_headers.count, 2);
    assert_int_equal(b.level.add_trailers.count, 1);
    assert_false(headers[0].is_always);
    assert_int_equal(headers[0].id, FIELD_OTHER);
    assert_true(headers[1].is_always);
    assert_int_equal(headers[1].id, FIELD_ETAG);
    assert_true(trailers[0].is_always);
    assert_string_equal(trailers[0].name.data, "C");
    assert_false(headers[0].looks_back);
    block_taken(&b, *state, CONTEXT_HTTP, "add_header A a$sent_http_b; add_header A a$host;");
    headers = b.level.add_headers.items;
    assert_true(headers[0].looks_back);
    assert_false(headers[1].looks_back);
}

static void expiry_is_known_or_found_for_each_answer(void **state)
{
    const struct expires_rule *rule;
    struct block b;

    block_taken(&b, *state, CONTEXT_HTTP, "expires modified 1m;");
    rule = b.level.settings.expires;
    assert_int_equal(rule->kind, EXPIRES_AFTER_CHANGE);
    assert_int_equal(rule->seconds, 60);
    assert_null(rule->value.text.data);
    block_taken(&b, *state, CONTEXT_HTTP, "expires $host;");
    rule = b.level.settings.expires;
    assert_int_equal(rule->kind, EXPIRES_AFTER_ACCESS);
    assert_string_equal(rule->value.text.data, "$host");
}

static const struct settings *of(const struct conf_text *t, size_t i)
{
    return &root_of(t)->prefixes[i]->settings;
}

static void fields_are_inherited_as_is_said(void **state)
{
    static const char text[] =
        SERVER("add_header A 1; add_header B 2; add_trailer C 3; expires 1h;"
               "location /1234 { add_header D 4; }"
               "location /123 { add_header_inherit off; expires off; }"
               "location /12 { add_header_inherit merge; add_header D 4; add_trailer_inherit off; }"
               "location /1 { add_header_inherit merge; }");
    static const size_t counts[] = {1, 0, 3, 2};
    struct conf_text t;

    taken(&t, text);
    for (size_t i = 0; i < COUNT_OF(counts); i++)
        assert_int_equal(of(&t, i)->add_header_count, counts[i]);
    assert_span(of(&t, 2)->add_headers[0].name, "D");
    assert_span(of(&t, 2)->add_headers[1].name, "A");
    assert_int_equal(of(&t, 1)->add_trailer_count, 1);
    assert_int_equal(of(&t, 2)->add_trailer_count, 0);
    assert_int_equal(of(&t, 0)->expires->seconds, 3600);
    assert_null(of(&t, 1)->expires);
    conf_text_deinit(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTIVE_TABLE_TESTS,
        DRAFT_TEST(one_beyond_a_limit_is_refused),
        DRAFT_TEST(fields_may_be_for_every_status),
        DRAFT_TEST(expiry_is_known_or_found_for_each_answer),
        cmocka_unit_test(fields_are_inherited_as_is_said),
    };

    return cmocka_run_group_tests_name("conf_directive_added", tests, NULL, NULL);
}
