/* Tests of proxy/user_variable. */
#include "record_fixture.h"

#include "proxy/user_variable.h"
#include "proxy/variable.h"

static const struct template_part shadowed = {.variable = VARIABLE_HTTP_, .text = SPAN("x")};
static const struct user_variable rows[] = {
    {.name = SPAN("plain"), .kind = USER_VARIABLE_SET},
    {.name = SPAN("http_x"), .kind = USER_VARIABLE_SET, .source = &shadowed},
    {.name = SPAN("group"), .kind = USER_VARIABLE_CAPTURE},
    {.name = SPAN("changing"), .kind = USER_VARIABLE_SET, .source = &shadowed, .is_volatile = true},
};
enum { PLAIN, SHADOWING, GROUP, CHANGING };

static int set_up_variables(void **state)
{
    struct fixture *f;

    (void)set_up(state);
    f = *state;
    f->snapshot.user_variables = (struct user_variables){rows, COUNT_OF(rows)};
    f->engine.regex_scratch = regex_scratch_new();
    assert_non_null(f->engine.regex_scratch);
    return 0;
}

static int tear_down_variables(void **state)
{
    struct fixture *f = *state;

    regex_scratch_free(f->engine.regex_scratch);
    return tear_down(state);
}

/* The error log is a file that the test reads. */
static FILE *open_log(struct fixture *f, struct log_target *target)
{
    FILE *file = tmpfile();

    assert_non_null(file);
    *target = (struct log_target){.fd = fileno(file), .level = LOG_LEVEL_WARN};
    f->location.settings.error_log = (struct log){.targets = target, .target_count = 1};
    return file;
}

static size_t count_lines(FILE *file, const char *text)
{
    char line[LOG_LINE_BYTES_MAX];
    size_t count = 0;

    rewind(file);
    while (fgets(line, sizeof(line), file))
        count += strstr(line, text) != NULL;
    return count;
}

static struct span get(struct fixture *f, size_t index)
{
    return user_variable_get(&f->record, index, variable_get);
}

static void what_is_assigned_is_read(void **state)
{
    struct fixture *f = *state;

    assert_null(f->record.user_values);
    assert_int_equal(user_variable_set(&f->record, PLAIN, SPAN("one")), 0);
    assert_true(span_equals(get(f, PLAIN), SPAN("one")));
    assert_int_equal(user_variable_set(&f->record, PLAIN, SPAN("two")), 0);
    assert_true(span_equals(get(f, PLAIN), SPAN("two")));
    assert_null(get(f, GROUP).data);
}

static void reading_what_was_not_set_is_empty_and_logged_once(void **state)
{
    struct fixture *f = *state;
    struct log_target target;
    FILE *file = open_log(f, &target);

    take_request(f, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    f->location.settings.uninitialized_variable_warn = true;
    for (int i = 0; i < 2; i++) {
        assert_non_null(get(f, PLAIN).data);
        assert_int_equal(get(f, PLAIN).len, 0);
    }
    assert_int_equal(count_lines(file, "using uninitialized \"plain\" variable, client: 192"), 1);
    (void)fclose(file);
}

static void reading_what_was_not_set_may_be_silent(void **state)
{
    struct fixture *f = *state;
    struct log_target target;
    FILE *file = open_log(f, &target);

    take_request(f, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(get(f, PLAIN).len, 0);
    assert_int_equal(count_lines(file, "uninitialized"), 0);
    (void)fclose(file);
}

static void a_variable_is_what_it_shadows_until_it_is_set(void **state)
{
    struct fixture *f = *state;

    take_request(f, "GET / HTTP/1.1\r\nHost: a\r\nX: of the client\r\n\r\n");
    assert_true(span_equals(get(f, SHADOWING), SPAN("of the client")));
    assert_int_equal(user_variable_set(&f->record, SHADOWING, SPAN("mine")), 0);
    assert_true(span_equals(get(f, SHADOWING), SPAN("mine")));
}

static void a_value_is_made_once_unless_it_is_volatile(void **state)
{
    struct fixture *f = *state;

    take_request(f, "GET / HTTP/1.1\r\nHost: a\r\nX: first\r\n\r\n");
    assert_true(span_equals(get(f, SHADOWING), SPAN("first")));
    assert_true(span_equals(get(f, CHANGING), SPAN("first")));
    take_request(f, "GET / HTTP/1.1\r\nHost: a\r\nX: second\r\n\r\n");
    assert_true(span_equals(get(f, SHADOWING), SPAN("first")));
    assert_true(span_equals(get(f, CHANGING), SPAN("second")));
}

/* Asks for the same variable while it is made. */
static struct span ask_again(void *source, const struct template_part *part)
{
    (void)part;
    return user_variable_get(source, SHADOWING, ask_again);
}

static void a_circle_ends_and_is_logged(void **state)
{
    struct fixture *f = *state;
    struct log_target target;
    FILE *file = open_log(f, &target);

    take_request(f, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_null(user_variable_get(&f->record, SHADOWING, ask_again).data);
    assert_int_equal(count_lines(file, "cycle while evaluating variable \"http_x\""), 1);
    (void)fclose(file);
}

static void a_match_assigns_its_groups(void **state)
{
    struct fixture *f = *state;
    struct regex *r;
    char error[128];

    assert_int_equal(regex_new(SPAN("(.)(?<group>.*)"), false, &r, error, sizeof(error)), 0);
    regex_bind(r, 0, GROUP);
    assert_false(record_match(&f->record, r, SPAN("")));
    assert_null(f->record.user_values);
    assert_true(record_match(&f->record, r, SPAN("abc")));
    assert_true(span_equals(get(f, GROUP), SPAN("bc")));
    assert_true(span_equals(f->record.captures.at[1], SPAN("a")));
    /* What matches later leaves it its value. */
    captures_clear(&f->record.captures);
    assert_true(span_equals(get(f, GROUP), SPAN("bc")));
    regex_free(r);
}

static void want_of_memory_is_told(void **state)
{
    struct fixture *f = *state;

    f->arena.total_bytes_max = 1;
    assert_int_equal(user_variable_set(&f->record, PLAIN, SPAN("x")), -ENOMEM);
    assert_null(get(f, PLAIN).data);
    assert_true(f->record.lacks_memory);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up_variables, tear_down_variables)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_assigned_is_read),
        TEST(reading_what_was_not_set_is_empty_and_logged_once),
        TEST(reading_what_was_not_set_may_be_silent),
        TEST(a_variable_is_what_it_shadows_until_it_is_set),
        TEST(a_value_is_made_once_unless_it_is_volatile),
        TEST(a_circle_ends_and_is_logged),
        TEST(a_match_assigns_its_groups),
        TEST(want_of_memory_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
