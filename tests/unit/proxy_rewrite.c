/* Tests of proxy/rewrite: scripts made by hand, run on a request that stands before its server. */
#include "../exchange_fixture.h"

#include "proxy/rewrite.h"
#include "proxy/user_variable.h"
#include "proxy/variable.h"

static const struct user_variable rows[] = {{.name = SPAN("v"), .kind = USER_VARIABLE_SET}};
static const struct user_variables variables = {rows, COUNT_OF(rows)};

static int set_up(void **state)
{
    struct stage *s;

    (void)stage_set_up(state);
    s = *state;
    s->world.snapshot.user_variables = variables;
    return 0;
}

static struct template compiled(struct stage *s, const char *text)
{
    struct template t;
    char error[TEMPLATE_ERROR_BYTES] = "";

    if (template_compile(span_of_cstr(text), &variables, &s->x->arena, &t, error))
        fail_msg("%s: %s", text, error);
    return t;
}

/* As if the head had come; the request's target is as it would have been written. */
static void ask(struct stage *s, const char *target, const char *path)
{
    struct record *r = &s->x->record;

    s->x->is_head_good = true;
    s->x->request.head.target = span_of_cstr(target);
    r->uri = span_of_cstr(path);
    r->server = &s->server;
    r->location = &s->server.root;
}

/* Runs the script as the server's. */
static enum progress run(struct stage *s, const struct script_op *ops, size_t count)
{
    struct script script = {ops, count};
    enum progress progress;

    s->server.root.script = &script;
    progress = rewrite_in_server(s->x);
    s->server.root.script = NULL; /* it is this function's */
    return progress;
}

static struct span value(struct stage *s)
{
    return user_variable_get(&s->x->record, 0, variable_get);
}

static struct script_op set_op(struct stage *s, const char *text)
{
    return (struct script_op){.kind = SCRIPT_SET, .set = {.value = compiled(s, text)}};
}

static struct script_op rewrite_op(struct stage *s, struct regex *regex, const char *uri)
{
    return (struct script_op){.kind = SCRIPT_REWRITE,
                              .rewrite = {.regex = regex,
                                          .pattern = SPAN("pattern"),
                                          .uri = compiled(s, uri),
                                          .keeps_args = true}};
}

static struct regex *regex_of(const char *pattern)
{
    struct regex *r;
    char error[128];

    assert_int_equal(regex_new(span_of_cstr(pattern), false, &r, error, sizeof(error)), 0);
    return r;
}

static void instructions_run_in_order(void **state)
{
    struct stage *s = *state;
    struct script_op ops[] = {set_op(s, "a"), set_op(s, "$v-b"), set_op(s, "${v}c$v")};

    ask(s, "/", "/");
    assert_int_equal(run(s, ops, COUNT_OF(ops)), GO_ON);
    assert_true(span_equals(value(s), SPAN("a-bca-b")));
    assert_int_equal(s->x->step, STEP_CONTENT);
    assert_false(s->x->record.is_rewritten);
}

static void what_is_in_a_false_if_is_left_out(void **state)
{
    struct stage *s = *state;
    struct location_conf within = s->server.root;
    struct script_op ops[] = {
        {.kind = SCRIPT_IF,
         .condition = {.subject = compiled(s, "$arg_a"), .location = &within, .op_count = 2}},
        set_op(s, "in if"),
        set_op(s, "$v twice"),
        set_op(s, "$v behind")};

    ask(s, "/", "/");
    assert_int_equal(run(s, ops, COUNT_OF(ops)), GO_ON);
    assert_true(span_equals(value(s), SPAN(" behind")));
    s->x->record.args = SPAN("a=1");
    assert_int_equal(run(s, ops, COUNT_OF(ops)), GO_ON);
    assert_true(span_equals(value(s), SPAN("in if twice behind")));
}

/* In a location: another one would be sought in a server. */
static void a_true_if_brings_its_settings(void **state)
{
    struct stage *s = *state;
    struct location_conf within = s->server.root, around = s->server.root;
    struct script_op op = {.kind = SCRIPT_IF,
                           .condition = {.subject = compiled(s, "$arg_a"), .location = &within}};
    struct script script = {&op, 1};

    ask(s, "/", "/");
    around.script = &script;
    s->x->record.location = &around;
    assert_int_equal(rewrite_in_location(s->x), GO_ON);
    assert_ptr_equal(s->x->record.location, &around);
    s->x->record.args = SPAN("a=0");
    assert_int_equal(rewrite_in_location(s->x), GO_ON);
    assert_ptr_equal(s->x->record.location, &around);
    s->x->record.args = SPAN("a=00");
    assert_int_equal(rewrite_in_location(s->x), GO_ON);
    assert_ptr_equal(s->x->record.location, &within);
    s->x->record.location = &s->server.root;
}

static void captures_are_escaped_where_the_path_was(void **state)
{
    struct stage *s = *state;
    struct regex *r = regex_of("^/(.*)$");
    struct script_op ops[] = {{.kind = SCRIPT_IF,
                               .condition = {.test = SCRIPT_TEST_MATCHES,
                                             .subject = compiled(s, "$uri"),
                                             .regex = r,
                                             .op_count = 1}},
                              set_op(s, "$1"),
                              rewrite_op(s, r, "/new/$1"),
                              set_op(s, "$v $1")};

    ops[2].rewrite.has_args = true;
    ops[2].rewrite.args = compiled(s, "a=$1");
    ask(s, "/a%20b", "/a b");
    assert_int_equal(run(s, ops, COUNT_OF(ops)), GO_ON);
    assert_true(span_equals(s->x->record.uri, SPAN("/new/a b")));
    assert_true(span_equals(s->x->record.args, SPAN("a=a%20b")));
    assert_true(span_equals(value(s), SPAN("a%20b a b"))); /* a rewrite ends it, as in nginx */
    s->x->record.args = SPAN_NONE;
    ask(s, "/a&b?%", "/a&b"); /* only the path counts */
    assert_int_equal(run(s, ops, COUNT_OF(ops)), GO_ON);
    assert_true(span_equals(s->x->record.args, SPAN("a=a&b")));
    regex_free(r);
}

static void a_rewrite_is_told_to_who_passes_the_request_on(void **state)
{
    struct stage *s = *state;
    struct regex *r = regex_of("^");
    struct script_op ops[] = {rewrite_op(s, r, "/b"), {.kind = SCRIPT_BREAK}};

    ask(s, "/a", "/a");
    assert_int_equal(run(s, ops, 1), GO_ON);
    assert_true(s->x->record.is_rewritten);
    assert_true(s->x->is_internal);
    assert_false(s->x->record.keeps_uri);
    assert_int_equal(run(s, ops, 2), GO_ON);
    assert_true(s->x->record.keeps_uri);
    s->x->record.keeps_uri = false;
    ops[0].rewrite.flow = SCRIPT_BREAKS;
    assert_int_equal(run(s, ops, 1), GO_ON);
    assert_true(s->x->record.keeps_uri);
    s->x->record.keeps_uri = false;
    assert_int_equal(run(s, &ops[1], 1), GO_ON); /* nothing was rewritten */
    assert_false(s->x->record.keeps_uri);
    regex_free(r);
}

static void locations_are_sought_ten_times(void **state)
{
    struct stage *s = *state;
    struct regex *r = regex_of("^");
    struct script_op op = rewrite_op(s, r, "/again");
    struct script script = {&op, 1};
    struct location_conf around = s->server.root;

    around.script = &script;
    ask(s, "/", "/");
    for (int i = 0; i < REDIRECTS_MAX; i++) {
        s->x->record.location = &around;
        assert_int_equal(rewrite_in_location(s->x), GO_ON);
        assert_int_equal(s->x->step, STEP_CONTENT);
    }
    s->x->record.location = &around;
    assert_int_equal(rewrite_in_location(s->x), GO_ON);
    assert_int_equal(s->x->step, STEP_DRAIN);
    assert_int_equal(s->x->reply.plan.status, 500);
    assert_true(
        span_equals(s->x->record.detail,
                    SPAN("rewrite or internal redirection cycle while processing \"/again\"")));
    s->x->record.location = &s->server.root;
    regex_free(r);
}

static void an_empty_uri_is_an_error(void **state)
{
    struct stage *s = *state;
    struct regex *r = regex_of("^");
    struct script_op ops[] = {rewrite_op(s, r, "$arg_none"), set_op(s, "behind")};

    ask(s, "/", "/");
    assert_int_equal(run(s, ops, COUNT_OF(ops)), GO_ON);
    assert_int_equal(s->x->reply.plan.status, 500);
    assert_true(span_equals(s->x->record.detail, SPAN("the rewritten URI has a zero length")));
    assert_int_equal(value(s).len, 0);
    regex_free(r);
}

static void a_regex_that_runs_away_is_an_error(void **state)
{
    struct stage *s = *state;
    struct regex *r = regex_of("^(a+)+$");
    struct script_op op = rewrite_op(s, r, "/b");

    ask(s, "/", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab");
    assert_int_equal(run(s, &op, 1), GO_ON);
    assert_int_equal(s->x->reply.plan.status, 500);
    regex_free(r);
}

static void files_are_tested(void **state)
{
    static const struct {
        const char *path;
        enum script_test test;
        bool is_so;
    } tests[] = {
        {"/", SCRIPT_TEST_IS_DIRECTORY, true},
        {"/", SCRIPT_TEST_IS_FILE, false},
        {"/", SCRIPT_TEST_EXISTS, true},
        {"/dev/null", SCRIPT_TEST_IS_FILE, false},
        {"/dev/null", SCRIPT_TEST_EXISTS, true},
        {"/etc/passwd", SCRIPT_TEST_IS_FILE, true},
        {"/etc/passwd", SCRIPT_TEST_IS_EXECUTABLE, false},
        {"/bin/sh", SCRIPT_TEST_IS_EXECUTABLE, true},
        {"/etc/passwd/none", SCRIPT_TEST_EXISTS, false},
        {"$arg_none", SCRIPT_TEST_EXISTS, false},
    };
    struct stage *s = *state;

    ask(s, "/", "/");
    for (size_t i = 0; i < 2 * COUNT_OF(tests); i++) {
        bool is_negated = i % 2;
        struct script_op ops[] = {set_op(s, "no"),
                                  {.kind = SCRIPT_IF,
                                   .condition = {.subject = compiled(s, tests[i / 2].path),
                                                 .test = tests[i / 2].test,
                                                 .is_negated = is_negated,
                                                 .op_count = 1}},
                                  set_op(s, "yes")};

        assert_int_equal(run(s, ops, COUNT_OF(ops)), GO_ON);
        if (span_equals(value(s), SPAN("yes")) != (tests[i / 2].is_so != is_negated))
            fail_msg("%s %d", tests[i / 2].path, (int)i % 2);
    }
}

static void a_path_with_a_nul_is_no_file(void **state)
{
    struct stage *s = *state;
    struct script_op ops[] = {
        set_op(s, "no"),
        {.kind = SCRIPT_IF,
         .condition = {.subject = compiled(s, "$uri"), .test = SCRIPT_TEST_EXISTS, .op_count = 1}},
        set_op(s, "yes")};

    ask(s, "/", "/");
    s->x->record.uri = SPAN("/etc\0x");
    assert_int_equal(run(s, ops, COUNT_OF(ops)), GO_ON);
    assert_true(span_equals(value(s), SPAN("no")));
}

static void set_args_replaces_those_of_the_request(void **state)
{
    struct stage *s = *state;
    struct script_op op = {.kind = SCRIPT_SET_ARGS, .set = {.value = compiled(s, "a=1&$args")}};

    ask(s, "/?b", "/");
    s->x->record.args = SPAN("b");
    assert_int_equal(run(s, &op, 1), GO_ON);
    assert_true(span_equals(s->x->record.args, SPAN("a=1&b")));
    assert_true(s->x->record.is_rewritten);
    assert_false(s->x->is_internal);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, stage_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(instructions_run_in_order),
        TEST(what_is_in_a_false_if_is_left_out),
        TEST(a_true_if_brings_its_settings),
        TEST(captures_are_escaped_where_the_path_was),
        TEST(a_rewrite_is_told_to_who_passes_the_request_on),
        TEST(locations_are_sought_ten_times),
        TEST(an_empty_uri_is_an_error),
        TEST(a_regex_that_runs_away_is_an_error),
        TEST(files_are_tested),
        TEST(a_path_with_a_nul_is_no_file),
        TEST(set_args_replaces_those_of_the_request),
    };

    return cmocka_run_group_tests_name("proxy_rewrite", tests, bench_init, bench_deinit);
}
