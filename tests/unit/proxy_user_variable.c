/* Tests of proxy/user_variable. */
#include "record_fixture.h"

#include "conf/geo.h"
#include "conf/split.h"
#include "conf/string_map.h"
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

/* What a variable of that kind is worth; "-": nothing. */
static const char *made(struct fixture *f, enum user_variable_kind kind, const void *source)
{
    const struct user_variable row = {.name = SPAN("x"), .kind = kind, .source = source};
    struct span value;

    f->snapshot.user_variables = (struct user_variables){&row, 1};
    f->record.user_values = NULL;
    value = arena_copy(&f->arena, get(f, 0));
    f->snapshot.user_variables = (struct user_variables){rows, COUNT_OF(rows)};
    f->record.user_values = NULL;
    assert_non_null(value.data);
    return value.data;
}

static void a_map_is_its_key_else_its_regex_else_its_default(void **state)
{
    struct fixture *f = *state;
    struct template a = compiled(f, "is a"), nothing = compiled(f, "is empty");
    struct template number = compiled(f, "number $1"), rest = compiled(f, "rest $arg_k");
    struct string_map m = {.source = compiled(f, "$arg_k")};
    struct string_map_regex regex = {.value = &number};
    struct regex *r;
    char error[128];

    assert_int_equal(regex_new(SPAN("^([0-9]*)$"), false, &r, error, sizeof(error)), 0);
    regex.regex = r;
    assert_int_equal(string_map_add(&m, &f->conf_arena, SPAN("a"), &a), 0);
    assert_int_equal(string_map_add(&m, &f->conf_arena, SPAN("7"), &a), 0);
    m.regexes = &regex;
    m.regex_count = 1;
    take_request(f, "GET /?k=A HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_string_equal(made(f, USER_VARIABLE_MAP, &m), "is a");
    take_request(f, "GET /?k=7 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_string_equal(made(f, USER_VARIABLE_MAP, &m), "is a");
    take_request(f, "GET /?k=12 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_string_equal(made(f, USER_VARIABLE_MAP, &m), "number 12");
    take_request(f, "GET /?k=b HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_string_equal(made(f, USER_VARIABLE_MAP, &m), "");
    m.preset = &rest;
    assert_string_equal(made(f, USER_VARIABLE_MAP, &m), "rest b");
    /* No regex is asked about an empty text, but a key may be one. */
    take_request(f, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_string_equal(made(f, USER_VARIABLE_MAP, &m), "rest ");
    assert_int_equal(string_map_add(&m, &f->conf_arena, SPAN(""), &nothing), 0);
    assert_string_equal(made(f, USER_VARIABLE_MAP, &m), "is empty");
    regex_free(r);
}

static void a_geo_is_by_the_client_or_by_a_text(void **state)
{
    static const struct geo_address begins[] = {
        {0, 0}, {0, 0xc0000200}, {0, 0xc0000300}, {0, 0xffffffff}};
    static const struct span values[] = {SPAN("low"), SPAN("client"), SPAN_NONE, SPAN("none")};
    struct fixture *f = *state;
    struct geo g = {.ip4 = {begins, values, COUNT_OF(begins)}};
    struct network client = network_of(&f->client.address);

    take_request(f, "GET /?k=1.2.3.4 HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n");
    assert_string_equal(made(f, USER_VARIABLE_GEO, &g), "client"); /* 192.0.2.1 */
    g.trust = (struct forwarded_trust){.proxies = &client, .count = 1};
    assert_string_equal(made(f, USER_VARIABLE_GEO, &g), "low"); /* it asks for somebody */
    g.trust.count = 0;
    g.source = compiled(f, "$arg_k");
    assert_string_equal(made(f, USER_VARIABLE_GEO, &g), "low");
    take_request(f, "GET /?k=200.1.1.1 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_string_equal(made(f, USER_VARIABLE_GEO, &g), "");
    take_request(f, "GET /?k=1.2.3 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_string_equal(made(f, USER_VARIABLE_GEO, &g), "none");
}

static void a_split_is_by_the_hash_of_its_text(void **state)
{
    const struct split_part parts[] = {{.end = split_width(5000), .value = SPAN("lower")}};
    struct fixture *f = *state;
    struct split s = {.source = compiled(f, "$arg_k"), .parts = parts, .part_count = 1};

    take_request(f, "GET /?k=ab HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(split_hash(SPAN("ab")) < parts[0].end);
    assert_string_equal(made(f, USER_VARIABLE_SPLIT, &s), "lower");
    take_request(f, "GET /?k=foo HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(split_hash(SPAN("foo")) > parts[0].end);
    assert_string_equal(made(f, USER_VARIABLE_SPLIT, &s), "");
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
        TEST(a_map_is_its_key_else_its_regex_else_its_default),
        TEST(a_geo_is_by_the_client_or_by_a_text),
        TEST(a_split_is_by_the_hash_of_its_text),
        TEST(want_of_memory_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
