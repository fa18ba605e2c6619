/* Tests of conf/template. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/template.h"

#define ARENA_BYTES 4096

static const struct user_variable rows[] = {
    {.name = SPAN("user")}, {.name = SPAN("arg_shadowed")}, {.name = SPAN("zone")}};
static const struct user_variables user = {rows, COUNT_OF(rows)};

static int set_up(void **state)
{
    struct arena *a = malloc(sizeof(*a));

    assert_non_null(a);
    arena_init(a, ARENA_BYTES, 0);
    *state = a;
    return 0;
}

static int tear_down(void **state)
{
    arena_deinit(*state);
    free(*state);
    return 0;
}

static struct template compiled(struct arena *a, const char *text)
{
    struct template t;
    char error[TEMPLATE_ERROR_BYTES] = "";

    if (template_compile(span_of_cstr(text), &user, a, &t, error) < 0)
        fail_msg("%s: %s", text, error);
    return t;
}

/* Every variable is worth its own name in brackets; a family shows what follows it; $remote_user
 * has no value. */
static struct span show(void *source, const struct template_part *part)
{
    struct arena *a = source;

    if (part->variable == VARIABLE_REMOTE_USER)
        return SPAN_NONE;
    if (part->variable == VARIABLE_CAPTURE)
        return arena_printf(a, "<%u>", part->number);
    return arena_printf(a, "<%s%.*s>", variable_name(part->variable), SPAN_ARG(part->text));
}

static void assert_expands(struct arena *a, const char *text, const char *expanded)
{
    struct template t = compiled(a, text);
    struct span out;

    assert_int_equal(template_expand(&t, show, a, a, &out), 0);
    assert_int_equal(out.len, strlen(expanded));
    assert_memory_equal(out.data ? out.data : "", expanded, out.len);
    assert_true(span_equals(t.text, span_of_cstr(text)));
}

static void literals_stay_as_they_are(void **state)
{
    struct template t = compiled(*state, "/a b{c}?d=\xff");
    struct span out;

    assert_true(t.is_literal);
    assert_int_equal(template_expand(&t, show, *state, *state, &out), 0);
    assert_true(span_equals(out, SPAN("/a b{c}?d=\xff")));
    assert_ptr_equal(out.data, t.text.data);
    t = compiled(*state, "");
    assert_true(t.is_literal);
    assert_int_equal(t.part_count, 0);
    assert_expands(*state, "", "");
}

static void variables_stand_alone_or_in_braces(void **state)
{
    assert_expands(*state, "$host", "<host>");
    assert_expands(*state, "${host}", "<host>");
    assert_expands(*state, "$host$uri", "<host><uri>");
    assert_expands(*state, "${host}name", "<host>name");
    assert_expands(*state, "a-$host-b", "a-<host>-b");
    assert_expands(*state, "https://$host:8443$request_uri", "https://<host>:8443<request_uri>");
    assert_expands(*state, "$host}", "<host>}");
    assert_expands(*state, "{$host}", "{<host>}");
}

static void a_name_ends_where_its_letters_end(void **state)
{
    assert_expands(*state, "$host.example", "<host>.example");
    assert_expands(*state, "$scheme://", "<scheme>://");
    assert_expands(*state, "$request_uri", "<request_uri>");
    assert_expands(*state, "$proxy_add_x_forwarded_for", "<proxy_add_x_forwarded_for>");
}

static void names_have_no_case(void **state)
{
    assert_expands(*state, "$HOST ${Host}", "<host> <host>");
    assert_expands(*state, "$HTTP_User_Agent", "<http_user_agent>");
}

static void families_know_what_follows(void **state)
{
    assert_expands(*state, "$http_user_agent", "<http_user_agent>");
    assert_expands(*state, "$arg_a1", "<arg_a1>");
    assert_expands(*state, "$cookie_sid.", "<cookie_sid>.");
    assert_expands(*state, "$sent_http_x", "<sent_http_x>");
    assert_expands(*state, "$upstream_http_http_x", "<upstream_http_http_x>");
    assert_expands(*state, "$http_", "<http_>");
}

static void exact_names_win_over_families(void **state)
{
    struct template t = compiled(*state, "$upstream_addr");

    assert_int_equal(t.parts[0].variable, VARIABLE_UPSTREAM_ADDR);
    t = compiled(*state, "$http_host");
    assert_int_equal(t.parts[0].variable, VARIABLE_HTTP_);
    assert_true(span_equals(t.parts[0].text, SPAN("host")));
}

static void digits_are_captures(void **state)
{
    struct template t = compiled(*state, "$1");

    assert_int_equal(t.parts[0].variable, VARIABLE_CAPTURE);
    assert_int_equal(t.parts[0].number, 1);
    assert_false(t.is_literal);
    assert_expands(*state, "/$2/$1x$9", "/<2>/<1>x<9>");
    assert_expands(*state, "$10", "<1>0");
}

static void what_the_file_makes_comes_first(void **state)
{
    struct template t = compiled(*state, "/${ZONE}");

    assert_int_equal(t.parts[1].variable, VARIABLE_USER);
    assert_int_equal(t.parts[1].number, 2);
    assert_expands(*state, "/$user/${user}s", "/<user>/<user>s");
    assert_int_equal(compiled(*state, "$arg_shadowed").parts[0].variable, VARIABLE_USER);
    assert_int_equal(compiled(*state, "$arg_shadowed_").parts[0].variable, VARIABLE_ARG_);
}

static void names_of_the_program_are_found(void **state)
{
    struct template_part part;

    (void)state;
    variable_find(SPAN("HOST"), &part);
    assert_int_equal(part.variable, VARIABLE_HOST);
    assert_int_equal(part.text.len, 0);
    variable_find(SPAN("upstream_http_x"), &part);
    assert_int_equal(part.variable, VARIABLE_UPSTREAM_HTTP_);
    assert_true(span_equals(part.text, SPAN("x")));
    variable_find(SPAN("user"), &part);
    assert_int_equal(part.variable, VARIABLE_NONE);
}

static void values_that_are_not_there_are_empty(void **state)
{
    assert_expands(*state, "$remote_user", "");
    assert_expands(*state, "a${remote_user}b", "ab");
}

static void many_parts_expand_in_order(void **state)
{
    char text[40 * 9 + 1] = "", expanded[40 * 9 + 1] = "";

    for (int i = 0; i < 40; i++) {
        (void)sprintf(text + strlen(text), "-%d$host", i);
        (void)sprintf(expanded + strlen(expanded), "-%d<host>", i);
    }
    assert_expands(*state, text, expanded);
}

static void every_name_of_the_table_compiles(void **state)
{
    for (size_t i = VARIABLE_NONE + 1; i < VARIABLE_CAPTURE; i++) {
        struct span text = arena_printf(*state, "$%s", variable_name((enum variable_id)i));
        struct template t = compiled(*state, text.data);

        assert_int_equal(t.part_count, 1);
        assert_int_equal(t.parts[0].variable, i);
    }
}

static void assert_refused(struct arena *a, const char *text, const char *message)
{
    char error[TEMPLATE_ERROR_BYTES] = "";
    struct template t;

    assert_int_equal(template_compile(span_of_cstr(text), &user, a, &t, error), -EINVAL);
    assert_string_equal(error, message);
}

static void unknown_variables_are_named(void **state)
{
    struct template t;
    char error[TEMPLATE_ERROR_BYTES];

    assert_refused(*state, "$foo", "unknown \"foo\" variable");
    assert_refused(*state, "a${Foo_1}b", "unknown \"Foo_1\" variable");
    assert_refused(*state, "$hostname_x", "unknown \"hostname_x\" variable");
    assert_refused(*state, "$http", "unknown \"http\" variable");
    assert_refused(*state, "${1}", "unknown \"1\" variable");
    assert_refused(*state, "$0", "unknown \"0\" variable");
    assert_int_equal(template_compile(SPAN("$user"), NULL, *state, &t, error), -EINVAL);
    assert_string_equal(error, "unknown \"user\" variable");
}

static void a_dollar_needs_a_name(void **state)
{
    assert_refused(*state, "$", "invalid variable name");
    assert_refused(*state, "a$", "invalid variable name");
    assert_refused(*state, "$ a", "invalid variable name");
    assert_refused(*state, "$$host", "invalid variable name");
    assert_refused(*state, "$-", "invalid variable name");
    assert_refused(*state, "${", "invalid variable name");
    assert_refused(*state, "${}", "invalid variable name");
}

static void a_brace_needs_its_end(void **state)
{
    assert_refused(*state, "${host", "the closing bracket in \"host\" variable is missing");
    assert_refused(*state, "${host name}", "the closing bracket in \"host\" variable is missing");
    assert_refused(*state, "${-}", "the closing bracket in \"\" variable is missing");
}

static void the_text_may_go_after_compiling(void **state)
{
    char text[] = "a$host-$http_x";
    struct template t = compiled(*state, text);
    struct span out;

    memset(text, '!', sizeof(text));
    assert_int_equal(template_expand(&t, show, *state, *state, &out), 0);
    assert_true(span_equals(out, SPAN("a<host>-<http_x>")));
    assert_true(span_equals(t.text, SPAN("a$host-$http_x")));
}

static void an_arena_at_its_end_is_reported(void **state)
{
    struct template t = compiled(*state, "$host$host");
    struct arena small;
    struct span out;
    char error[TEMPLATE_ERROR_BYTES];

    arena_init(&small, 64, 64);
    while (arena_alloc(&small, 1))
        ;
    assert_int_equal(template_expand(&t, show, *state, &small, &out), -ENOMEM);
    assert_int_equal(template_compile(SPAN("$host"), NULL, &small, &t, error), -ENOMEM);
    arena_deinit(&small);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(literals_stay_as_they_are),
        TEST(variables_stand_alone_or_in_braces),
        TEST(a_name_ends_where_its_letters_end),
        TEST(names_have_no_case),
        TEST(families_know_what_follows),
        TEST(exact_names_win_over_families),
        TEST(digits_are_captures),
        TEST(what_the_file_makes_comes_first),
        TEST(names_of_the_program_are_found),
        TEST(values_that_are_not_there_are_empty),
        TEST(many_parts_expand_in_order),
        TEST(every_name_of_the_table_compiles),
        TEST(unknown_variables_are_named),
        TEST(a_dollar_needs_a_name),
        TEST(a_brace_needs_its_end),
        TEST(the_text_may_go_after_compiling),
        TEST(an_arena_at_its_end_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
