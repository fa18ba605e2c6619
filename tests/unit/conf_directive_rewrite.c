/* Tests of conf/directive_rewrite and conf/condition: the rows, and what they compile to. */
#include "../directive_fixture.h"

#include "conf/directive_rewrite.h"

DIRECTIVE_TABLE_CLAIMS(directive_rewrite_table)

/* As conf/build does it before anything is set. */
static int learn(struct draft *d, const struct node *block)
{
    int rc = 0;

    for (const struct node *n = block->first; n && !rc; n = n->next) {
        rc = n->row->learn ? n->row->learn(&d->c, n) : 0;
        if (!rc)
            rc = learn(d, n);
    }
    return rc;
}

/* The instructions of a location's text. */
static const struct script_op *compiled(struct block *b, struct draft *d, const char *text)
{
    block_parse(b, d, CONTEXT_LOCATION, text);
    if (learn(d, &b->tree.root) || scope_read(&d->c, &b->scope))
        fail_msg("%s: %s", text, draft_said(d));
    draft_assert_said(d, "");
    return b->level.script.items;
}

static void assert_refused(struct draft *d, const char *text, const char *line)
{
    char whole[256];
    struct block b;
    int rc;

    d->c.variables = (struct vector){0};
    block_parse(&b, d, CONTEXT_LOCATION, text);
    rc = learn(d, &b.tree.root);
    if (!rc)
        rc = scope_read(&d->c, &b.scope);
    assert_int_equal(rc, -EINVAL);
    snprintf(whole, sizeof(whole), "[emerg] %s in t.conf:1", line);
    draft_assert_said(d, whole);
}

static void what_cannot_be_is_named(void **state)
{
    static const char *const claims[][2] = {
        {"set x 1;", "invalid variable name \"x\""},
        {"set $uri 1;", "the duplicate \"uri\" variable"},
        {"set $x $none;", "unknown \"none\" variable"},
        {"return 199;", "invalid return code \"199\""},
        {"return 1000;", "invalid return code \"1000\""},
        {"return x;", "invalid return code \"x\""},
        {"return HTTP://a;", "invalid return code \"HTTP://a\""},
        {"return http://a b;", "invalid return code \"http://a\""},
        {"return 200 $x;", "unknown \"x\" variable"},
        {"rewrite ^ '';", "empty replacement"},
        {"rewrite ^ /a first;", "invalid parameter \"first\""},
        {"rewrite ^ /a?$x;", "unknown \"x\" variable"},
        {"if ($uri = a b) { }", "invalid condition \"$uri\""},
        {"if ($uri = a b c d e) { }", "invalid condition \"$uri\""},
        {"if ($uri ! a) { }", "unexpected \"!\" in condition"},
        {"if ($uri !~** a) { }", "unexpected \"!~**\" in condition"},
        {"if ($uri = $none) { }", "unknown \"none\" variable"},
        {"if (-f) { }", "invalid condition \"-f\""},
        {"if (-g a) { }", "invalid condition \"-g\""},
        {"if (!f a) { }", "invalid condition \"!f\""},
        {"if ($uri) { return x; }", "invalid return code \"x\""},
    };

    for (size_t i = 0; i < COUNT_OF(claims); i++)
        assert_refused(*state, claims[i][0], claims[i][1]);
}

static void returns_have_a_status_from_200_to_999(void **state)
{
    static const struct {
        const char *text;
        unsigned status;
        bool has_text;
    } rows[] = {
        {"return 200;", 200, false},        {"return 999 a;", 999, true},
        {"return 444;", 444, false},        {"return https://a;", 302, true},
        {"return $scheme://a;", 302, true}, {"return 301 /a;", 301, true},
    };
    struct block b;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct script_op *op = compiled(&b, *state, rows[i].text);

        assert_int_equal(op->kind, SCRIPT_RETURN);
        assert_int_equal(op->answer.status, rows[i].status);
        assert_int_equal(op->answer.has_text, rows[i].has_text);
    }
}

static void a_replacement_is_a_path_and_arguments(void **state)
{
    static const struct {
        const char *text, *uri, *args;
        bool keeps_args;
        unsigned status;
        enum script_flow flow;
    } rows[] = {
        {"rewrite ^ /a;", "/a", NULL, true, 0, SCRIPT_GOES_ON},
        {"rewrite ^ /a? last;", "/a", NULL, false, 0, SCRIPT_ENDS},
        {"rewrite ^ /a?b=$1 break;", "/a", "b=$1", true, 0, SCRIPT_BREAKS},
        {"rewrite ^ /a?b?c?;", "/a", "b?c", false, 0, SCRIPT_GOES_ON},
        {"rewrite ^ /a?b redirect;", "/a?b", "", true, 302, SCRIPT_ENDS},
        {"rewrite ^ /a? permanent;", "/a", NULL, false, 301, SCRIPT_ENDS},
        {"rewrite ^ http://a/;", "http://a/", NULL, true, 302, SCRIPT_ENDS},
        {"rewrite ^ $scheme://a break;", "$scheme://a", NULL, true, 302, SCRIPT_BREAKS},
    };
    struct block b;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct script_rewrite *r = &compiled(&b, *state, rows[i].text)->rewrite;

        assert_true(span_equals(r->uri.text, span_of_cstr(rows[i].uri)));
        assert_int_equal(r->has_args, rows[i].args != NULL);
        if (r->has_args)
            assert_true(span_equals(r->args.text, span_of_cstr(rows[i].args)));
        assert_int_equal(r->keeps_args, rows[i].keeps_args);
        assert_int_equal(r->status, rows[i].status);
        assert_int_equal(r->flow, rows[i].flow);
    }
}

static void a_condition_may_stand_in_words_of_its_own(void **state)
{
    static const struct {
        const char *text;
        enum script_test test;
        bool is_negated;
        const char *subject, *value;
    } rows[] = {
        {"if ($uri) { }", SCRIPT_TEST_TRUE, false, "$uri", ""},
        {"if ( $uri ) { }", SCRIPT_TEST_TRUE, false, "$uri", ""},
        {"if ($uri = 'a b') { }", SCRIPT_TEST_EQUALS, false, "$uri", "a b"},
        {"if ($uri != '') { }", SCRIPT_TEST_EQUALS, true, "$uri", ""},
        {"if ( $uri = a$host ) { }", SCRIPT_TEST_EQUALS, false, "$uri", "a$host"},
        {"if (-f $host/a) { }", SCRIPT_TEST_IS_FILE, false, "$host/a", ""},
        {"if (!-d /a) { }", SCRIPT_TEST_IS_DIRECTORY, true, "/a", ""},
        {"if (!-e /a) { }", SCRIPT_TEST_EXISTS, true, "/a", ""},
        {"if (-x /a) { }", SCRIPT_TEST_IS_EXECUTABLE, false, "/a", ""},
    };
    struct block b;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct script_if *c = &compiled(&b, *state, rows[i].text)->condition;

        assert_int_equal(c->test, rows[i].test);
        assert_int_equal(c->is_negated, rows[i].is_negated);
        assert_true(span_equals(c->subject.text, span_of_cstr(rows[i].subject)));
        assert_true(span_equals(c->value.text, span_of_cstr(rows[i].value)));
        assert_int_equal(c->op_count, 0);
    }
}

static void regexes_of_conditions_heed_case_where_they_should(void **state)
{
    static const struct {
        const char *text;
        bool is_negated, ignores_case;
    } rows[] = {
        {"if ($uri ~ ^a) { }", false, false},
        {"if ($uri ~* ^a) { }", false, true},
        {"if ($uri !~ ^a) { }", true, false},
        {"if ($uri !~* ^a) { }", true, true},
    };
    struct regex_scratch *s = regex_scratch_new();
    struct block b;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct script_if *c = &compiled(&b, *state, rows[i].text)->condition;

        assert_int_equal(c->test, SCRIPT_TEST_MATCHES);
        assert_int_equal(c->is_negated, rows[i].is_negated);
        assert_true(span_equals(c->pattern, SPAN("^a")));
        assert_true(regex_match(c->regex, SPAN("a"), s, NULL));
        assert_int_equal(regex_match(c->regex, SPAN("A"), s, NULL), rows[i].ignores_case);
    }
    regex_scratch_free(s);
}

static void instructions_of_an_if_follow_it(void **state)
{
    static const enum script_op_kind kinds[] = {SCRIPT_SET,     SCRIPT_IF,    SCRIPT_SET_ARGS,
                                                SCRIPT_REWRITE, SCRIPT_BREAK, SCRIPT_RETURN};
    struct block b;
    const struct script_op *ops =
        compiled(&b, *state,
                 "set $x 1; if ($x) { set $args 2; add_header a b; rewrite ^ /a; "
                 "break; } return 204;");
    const struct if_draft *drafts = b.level.ifs.items;

    assert_int_equal(b.level.script.count, COUNT_OF(kinds));
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        assert_int_equal(ops[i].kind, kinds[i]);
    assert_int_equal(ops[1].condition.op_count, 3);
    assert_int_equal(b.level.ifs.count, 1);
    assert_int_equal(drafts[0].op, 1);
    assert_int_equal(b.level.add_headers.count, 0); /* it is of the location within */
}

static void set_knows_its_variable(void **state)
{
    struct draft *d = *state;
    struct block b;
    const struct script_op *ops =
        compiled(&b, d, "set $first 1; set $Second $first; set $FIRST $second;");

    assert_int_equal(ops[0].set.variable, 0);
    assert_int_equal(ops[1].set.variable, 1);
    assert_int_equal(ops[2].set.variable, 0);
    assert_int_equal(ops[2].set.value.parts[0].number, 1);
    assert_int_equal(d->c.variables.count, 2);
}

static void memory_at_its_end_is_no_wrong_script(void **state)
{
    static const char *const texts[] = {"set $x $host;", "return 200 $host;", "rewrite ^ /$1?$2;",
                                        "break;", "if ($uri = $host) { break; }"};

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        int rc = -ENOMEM;

        for (size_t bytes = 0; rc && bytes < 65536; bytes += 16) {
            struct draft *d;
            struct block b;

            assert_int_equal(draft_set_up(state), 0);
            d = *state;
            block_parse(&b, d, CONTEXT_LOCATION, texts[i]);
            assert_int_equal(learn(d, &b.tree.root), 0);
            draft_leave_bytes(d, bytes);
            rc = scope_read(&d->c, &b.scope);
            if (rc)
                draft_assert_said_no_memory(d);
            (void)draft_tear_down(state);
        }
        assert_int_equal(rc, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTIVE_TABLE_TESTS,
        DRAFT_TEST(what_cannot_be_is_named),
        DRAFT_TEST(returns_have_a_status_from_200_to_999),
        DRAFT_TEST(a_replacement_is_a_path_and_arguments),
        DRAFT_TEST(a_condition_may_stand_in_words_of_its_own),
        DRAFT_TEST(regexes_of_conditions_heed_case_where_they_should),
        DRAFT_TEST(instructions_of_an_if_follow_it),
        DRAFT_TEST(set_knows_its_variable),
        cmocka_unit_test(memory_at_its_end_is_no_wrong_script),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
