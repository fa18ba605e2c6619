/* Tests of proxy/value: digits, times, lists, and what is found in heads, arguments and cookies. */
#include "../record_fixture.h"

#include "proxy/value.h"

#define assert_value(value, text)                                                 \
    do {                                                                          \
        struct span value_ = (value);                                             \
                                                                                  \
        if (!value_.data || !span_equals(value_, span_of_cstr(text)))             \
            fail_msg("\"%.*s\", not \"%s\"", (int)value_.len, value_.data, text); \
    } while (0)

static void numbers_are_told_to_their_last_digit(void **state)
{
    struct record *r = &((struct fixture *)*state)->record;

    assert_value(value_u64(r, 0), "0");
    assert_value(value_u64(r, UINT64_MAX), "18446744073709551615");
    assert_value(value_seconds(r, 0), "0.000");
    assert_value(value_seconds(r, 999), "0.999");
    assert_value(value_seconds(r, 1000), "1.000");
    assert_value(value_seconds(r, 61002), "61.002");
    assert_value(value_seconds(r, UINT64_MAX), "18446744073709551.615");
    assert_value(value_hex(r, span_of("\x00\x9f\xff", 3)), "009fff");
    assert_value(value_hex(r, SPAN("")), "");
}

static void addresses_are_told_without_their_port(void **state)
{
    struct record *r = &((struct fixture *)*state)->record;
    struct endpoint a;

    a = endpoint_at("255.255.255.255", 65535);
    assert_value(value_host(r, &a), "255.255.255.255");
    assert_value(value_port(r, &a), "65535");
    a = endpoint_at("0.0.0.0", 1);
    assert_value(value_host(r, &a), "0.0.0.0");
    assert_value(value_port(r, &a), "1");
    a = endpoint_at("2001:db8::1", 80);
    assert_value(value_host(r, &a), "2001:db8::1");
    a = endpoint_at("unix:/run/x", 0);
    assert_value(value_port(r, &a), "");
}

static void a_list_has_separators_between_only(void **state)
{
    static const struct span parts[] = {SPAN("a"), SPAN(""), SPAN("bc")};
    struct record *r = &((struct fixture *)*state)->record;

    assert_value(value_join(r, parts, 3, SPAN(", ")), "a, , bc");
    assert_value(value_join(r, parts, 3, SPAN("")), "abc");
    assert_value(value_join(r, parts, 2, SPAN("-")), "a-");
    assert_ptr_equal(value_join(r, parts, 1, SPAN("-")).data, parts[0].data); /* no copy */
}

static void fields_that_repeat_are_joined(void **state)
{
    struct fixture *f = *state;
    struct record *r = &f->record;

    take_request(f, "GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nx-a: 2\r\nCookie: a=1\r\n"
                    "Cookie: b=2\r\nEmpty:\r\n\r\n");
    assert_value(value_fields(r, r->request, SPAN("x_a")), "1, 2");
    assert_value(value_fields(r, r->request, SPAN("cookie")), "a=1; b=2");
    assert_value(value_fields(r, r->request, SPAN("empty")), "");
    assert_null(value_fields(r, r->request, SPAN("x")).data);
    assert_null(value_fields(r, r->request, SPAN("x_ab")).data);
}

static void fields_that_were_dropped_are_none(void **state)
{
    struct fixture *f = *state;
    struct record *r = &f->record;

    take_request(f, "GET / HTTP/1.1\r\nHost: a\r\nConnection: x-named\r\nX-Named: 1\r\n"
                    "X_A: smuggled\r\nX-A: 2\r\nTE: gzip\r\nUpgrade: h2c\r\n\r\n");
    assert_null(value_fields(r, r->request, SPAN("x_named")).data);
    assert_value(value_fields(r, r->request, SPAN("x_a")), "2");
    assert_value(value_fields(r, r->request, SPAN("connection")), "x-named");
    assert_value(value_fields(r, r->request, SPAN("te")), "gzip");
    assert_null(value_fields(r, r->request, SPAN("upgrade")).data); /* Connection has it not */
    take_request(f, "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
    assert_value(value_fields(r, r->request, SPAN("upgrade")), "x");
}

static void written_fields_end_with_the_head(void **state)
{
    static const struct span head = SPAN("X-A: no HTTP/1.1\r\nX-A: 1\r\nX-B:\r\nx-a:  2 \r\n"
                                         "X-A: 3\r\nno colon\r\n\r\nX-A: 4\r\n");
    struct record *r = &((struct fixture *)*state)->record;

    assert_value(value_written_fields(r, head, SPAN("x_a")), "1, 2, 3");
    assert_value(value_written_fields(r, head, SPAN("x_b")), "");
    assert_null(value_written_fields(r, head, SPAN("x_c")).data);
    assert_null(value_written_fields(r, SPAN(""), SPAN("x_a")).data);
    assert_value(value_written_fields(r, SPAN("x\r\nX-A: 1"), SPAN("x_a")), "1");
}

static void the_first_argument_of_a_name_counts(void **state)
{
    (void)state;
    assert_value(value_argument(SPAN("a=1&a=2"), SPAN("a")), "1");
    assert_value(value_argument(SPAN("ab=1&A=%20&b"), SPAN("a")), "%20");
    assert_value(value_argument(SPAN("&&a="), SPAN("a")), "");
    assert_value(value_argument(SPAN("a=b=c"), SPAN("a")), "b=c");
    assert_null(value_argument(SPAN("a"), SPAN("a")).data);
    assert_null(value_argument(SPAN("ba=1&c=a=1"), SPAN("a")).data);
    assert_null(value_argument(SPAN(""), SPAN("a")).data);
}

static void a_cookie_ends_at_the_next(void **state)
{
    (void)state;
    assert_value(value_cookie(SPAN("a=1; b=2"), SPAN("a")), "1");
    assert_value(value_cookie(SPAN("a=1; B=2"), SPAN("b")), "2");
    assert_value(value_cookie(SPAN("ab=1;a = 2"), SPAN("a")), "2");
    assert_null(value_cookie(SPAN("a"), SPAN("a")).data);
    assert_value(value_cookie(SPAN("x=1,a=2,3"), SPAN("a")), "2,3");
    assert_value(value_cookie(SPAN("a="), SPAN("a")), "");
    assert_null(value_cookie(SPAN("xa=1; ;"), SPAN("a")).data);
    assert_null(value_cookie(SPAN(""), SPAN("a")).data);
}

static void empty_and_zero_are_false(void **state)
{
    (void)state;
    assert_false(value_is_true(SPAN_NONE));
    assert_false(value_is_true(SPAN("")));
    assert_false(value_is_true(SPAN("0")));
    assert_true(value_is_true(SPAN("00")));
    assert_true(value_is_true(SPAN(" ")));
    assert_true(value_is_true(SPAN("off")));
}

static void a_copy_is_another_text_with_a_nul_behind(void **state)
{
    static const struct span text = SPAN("abc");
    struct record *r = &((struct fixture *)*state)->record;
    struct span copy = value_copy(r, span_take(text, 2));

    assert_value(copy, "ab");
    assert_string_equal(copy.data, "ab");
    assert_ptr_not_equal(copy.data, text.data);
}

static void want_of_memory_is_noted_by_all(void **state)
{
    static const struct span parts[] = {SPAN("a"), SPAN("b")};
    struct fixture *f = *state;
    struct record *r = &f->record;

    take_request(f, "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nX: 2\r\n\r\n");
    f->arena.total_bytes_max = f->arena.total_bytes;
    while (arena_alloc(&f->arena, 1))
        ;
#define LACKS(value)                  \
    do {                              \
        r->lacks_memory = false;      \
        assert_null((value).data);    \
        assert_true(r->lacks_memory); \
    } while (0)
    LACKS(value_u64(r, 1));
    LACKS(value_copy(r, SPAN("a")));
    LACKS(value_seconds(r, 1));
    LACKS(value_hex(r, SPAN("a")));
    LACKS(value_host(r, &f->client.address));
    LACKS(value_port(r, &f->client.address));
    LACKS(value_join(r, parts, 2, SPAN("")));
    LACKS(value_fields(r, r->request, SPAN("x")));
    LACKS(value_written_fields(r, SPAN("s\r\nX: 1\r\nX: 2\r\n\r\n"), SPAN("x")));
    r->lacks_memory = false;
    assert_null(value_alloc(r, 1));
    assert_true(r->lacks_memory);
}

static void lines_are_values_from_the_first_on(void **state)
{
    struct fixture *f = *state;
    struct record *r = &f->record;
    struct span lines = SPAN("X-Sum: 1\r\nX-Other: 2\r\nx-sum:  3 \r\n");

    assert_value(value_written_lines(r, lines, SPAN("x_sum")), "1, 3");
    assert_value(value_written_lines(r, lines, SPAN("x_other")), "2");
    assert_null(value_written_lines(r, lines, SPAN("x_none")).data);
    assert_null(value_written_lines(r, SPAN(""), SPAN("x_sum")).data);
}

/* An arena of 1 MB holds what the longest head comes to, once. */
static void many_lines_of_a_name_cost_as_much_as_their_value(void **state)
{
    enum { LINES = 2000 };
    static const struct span line = SPAN("X-A: 0123456789012345678901234567890123456789\r\n");
    struct fixture *f = *state;
    struct record *r = &f->record;
    char *lines = malloc(LINES * line.len);
    size_t before = f->arena.total_bytes;
    struct span value;

    assert_non_null(lines);
    for (size_t i = 0; i < LINES; i++)
        memcpy(lines + i * line.len, line.data, line.len);
    value = value_written_lines(r, span_of(lines, LINES * line.len), SPAN("x_a"));
    assert_int_equal(value.len, LINES * 42 - 2);
    assert_true(span_ends_with(value, SPAN("9, 0123456789012345678901234567890123456789")));
    assert_true(f->arena.total_bytes - before < 2 * value.len);
    assert_value(value_written_lines(r, SPAN("X-A:\r\nX-A: 2\r\n"), SPAN("x_a")), ", 2");
    free(lines);
}

static void a_cookie_that_is_set_stands_in_front(void **state)
{
    static const struct {
        const char *field, *value; /* NULL: none */
    } rows[] = {
        {"a=1", "1"},         {"A=1; Path=/", "1"}, {"a = 1;b", "1"},   {"a=", ""},
        {"a=x=y,z", "x=y,z"}, {"ab=1", NULL},       {"b=1; a=2", NULL}, {"a", NULL},
        {"a;b=1", NULL},      {"", NULL},           {" a=1", NULL},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct span value = value_set_cookie(span_of_cstr(rows[i].field), SPAN("a"));

        if (rows[i].value)
            assert_value(value, rows[i].value);
        else
            assert_null(value.data);
    }
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(numbers_are_told_to_their_last_digit),
        CLAIM(addresses_are_told_without_their_port),
        CLAIM(a_list_has_separators_between_only),
        CLAIM(fields_that_repeat_are_joined),
        CLAIM(fields_that_were_dropped_are_none),
        CLAIM(written_fields_end_with_the_head),
        CLAIM(the_first_argument_of_a_name_counts),
        CLAIM(a_cookie_ends_at_the_next),
        CLAIM(want_of_memory_is_noted_by_all),
        CLAIM(lines_are_values_from_the_first_on),
        CLAIM(many_lines_of_a_name_cost_as_much_as_their_value),
        CLAIM(a_cookie_that_is_set_stands_in_front),
        CLAIM(empty_and_zero_are_false),
        CLAIM(a_copy_is_another_text_with_a_nul_behind),
    };

    return cmocka_run_group_tests_name("proxy_value", tests, NULL, NULL);
}
