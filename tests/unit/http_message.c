/* Tests of http/message and http/bytes: tables, look-ups, paths. */
#include "http/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/bytes.h"

static void byte_sets_are_those_of_the_rfcs(void **state)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    for (int c = 0; c < 256; c++) {
        bool is_plain = c && (strchr(letters, c) || c == '-');
        bool is_token = is_plain || (c && strchr("!#$%&'*+-.^_`|~", c));
        bool is_reg_name = is_plain || (c && strchr("-._~!$&'()*+,;=", c));
        bool is_path = is_reg_name || (c && strchr(":@/", c));

        assert_int_equal(byte_is((char)c, BYTE_PLAIN), is_plain);
        assert_int_equal(byte_is((char)c, BYTE_TOKEN), is_token);
        assert_int_equal(byte_is((char)c, BYTE_REG_NAME), is_reg_name);
        assert_int_equal(byte_is((char)c, BYTE_PATH), is_path);
    }
}

static void hex_digits_have_their_values(void **state)
{
    for (int c = 0; c < 256; c++) {
        const char *digits = "0123456789abcdef";
        const char *at = c ? strchr(digits, ascii_lower((char)c)) : NULL;

        assert_int_equal(byte_hex_value((char)c), at ? (int)(at - digits) : -1);
    }
}

static void every_field_of_the_table_is_found(void **state)
{
    for (int id = FIELD_OTHER + 1; id < FIELD_ID_COUNT; id++) {
        struct span name = field_name((enum field_id)id);
        char other_case[64];

        assert_in_range(name.len, 1, sizeof(other_case));
        assert_int_equal(field_id_of(name), id);
        for (size_t i = 0; i < name.len; i++)
            other_case[i] = name.data[i] == '-' ? '-' : (char)(name.data[i] ^ 0x20);
        assert_int_equal(field_id_of(span_of(other_case, name.len)), id);
    }
}

static void names_that_are_nearly_known_are_other(void **state)
{
    for (int id = FIELD_OTHER + 1; id < FIELD_ID_COUNT; id++) {
        struct span name = field_name((enum field_id)id);
        char copy[64];

        if (id == FIELD_X_ACCEL)
            continue;
        memcpy(copy, name.data, name.len);
        copy[name.len] = 'x';
        assert_int_equal(field_id_of(span_of(copy, name.len + 1)), FIELD_OTHER);
        assert_int_equal(field_id_of(span_take(name, name.len - 1)), FIELD_OTHER);
        for (size_t i = 0; i < name.len; i++) {
            /* Each of these looks like the right byte to a careless way of ignoring case. */
            copy[i] = (char)(name.data[i] ^ (name.data[i] == '-' ? 0x20 : 0x80));
            assert_int_equal(field_id_of(span_of(copy, name.len)), FIELD_OTHER);
            copy[i] = name.data[i];
        }
    }
    assert_int_equal(field_id_of(SPAN("")), FIELD_OTHER);
    assert_int_equal(field_id_of(SPAN("X-Accel")), FIELD_OTHER);
    assert_int_equal(field_id_of(SPAN("X-Something-Very-Long-That-Nobody-Knows")), FIELD_OTHER);
}

static void x_accel_is_a_family(void **state)
{
    assert_int_equal(field_id_of(SPAN("X-Accel-Redirect")), FIELD_X_ACCEL);
    assert_int_equal(field_id_of(SPAN("x-accel-buffering")), FIELD_X_ACCEL);
    assert_int_equal(field_id_of(SPAN("X-Accel-")), FIELD_X_ACCEL);
}

static void flags_guard_framing_and_routing(void **state)
{
    assert_int_equal(field_flags(FIELD_OTHER), 0);
    assert_true(field_flags(FIELD_CONNECTION) & FIELD_HOP_BY_HOP);
    assert_true(field_flags(FIELD_HOST) & FIELD_NOT_REMOVABLE);
    assert_true(field_flags(FIELD_CONTENT_LENGTH) & FIELD_NOT_IN_TRAILERS);
    assert_true(field_flags(FIELD_TRANSFER_ENCODING) & FIELD_NOT_REMOVABLE);
}

static void fields_are_found_unless_dropped(void **state)
{
    struct field fields[] = {
        {.name = SPAN("Cookie"), .value = SPAN("1"), .id = FIELD_COOKIE, .is_dropped = true},
        {.name = SPAN("X-Foo"), .value = SPAN("2")},
        {.name = SPAN("cookie"), .value = SPAN("3"), .id = FIELD_COOKIE},
    };
    struct head h = {.fields = fields, .field_count = COUNT_OF(fields)};

    assert_ptr_equal(head_find(&h, FIELD_COOKIE), &fields[2]);
    assert_null(head_find(&h, FIELD_HOST));
}

static void an_underscore_of_a_variable_is_also_a_dash(void **state)
{
    assert_true(field_name_is_variable(SPAN("X-Foo"), SPAN("x_foo")));
    assert_true(field_name_is_variable(SPAN("x_bar"), SPAN("X_BAR")));
    assert_false(field_name_is_variable(SPAN("x_bar"), SPAN("x-bar")));
    assert_false(field_name_is_variable(SPAN("x-foo"), SPAN("x_fooo")));
    assert_false(field_name_is_variable(SPAN("x-fooo"), SPAN("x_foo")));
    assert_false(field_name_is_variable(SPAN("x-fo"), SPAN("x_ba")));
}

static void methods_are_known_by_their_case(void **state)
{
    assert_int_equal(method_of(SPAN("GET")), METHOD_GET);
    assert_int_equal(method_of(SPAN("HEAD")), METHOD_HEAD);
    assert_int_equal(method_of(SPAN("POST")), METHOD_POST);
    assert_int_equal(method_of(SPAN("PUT")), METHOD_PUT);
    assert_int_equal(method_of(SPAN("DELETE")), METHOD_DELETE);
    assert_int_equal(method_of(SPAN("OPTIONS")), METHOD_OPTIONS);
    assert_int_equal(method_of(SPAN("PATCH")), METHOD_PATCH);
    assert_int_equal(method_of(SPAN("TRACE")), METHOD_TRACE);
    assert_int_equal(method_of(SPAN("CONNECT")), METHOD_CONNECT);
    assert_int_equal(method_of(SPAN("get")), METHOD_OTHER);
    assert_int_equal(method_of(SPAN("GETS")), METHOD_OTHER);
    assert_int_equal(method_of(SPAN("")), METHOD_OTHER);
}

static void idempotent_methods_are_those_of_the_rfc(void **state)
{
    assert_true(method_is_idempotent(METHOD_GET));
    assert_true(method_is_idempotent(METHOD_HEAD));
    assert_true(method_is_idempotent(METHOD_PUT));
    assert_true(method_is_idempotent(METHOD_DELETE));
    assert_true(method_is_idempotent(METHOD_OPTIONS));
    assert_true(method_is_idempotent(METHOD_TRACE));
    assert_false(method_is_idempotent(METHOD_POST));
    assert_false(method_is_idempotent(METHOD_PATCH));
    assert_false(method_is_idempotent(METHOD_CONNECT));
    assert_false(method_is_idempotent(METHOD_OTHER));
}

static void statuses_have_reasons(void **state)
{
    assert_true(span_equals(status_reason(200), SPAN("OK")));
    assert_true(span_equals(status_reason(431), SPAN("Request Header Fields Too Large")));
    assert_true(span_equals(status_reason(511), SPAN("Network Authentication Required")));
    assert_int_equal(status_reason(299).len, 0);
    assert_int_equal(status_reason(512).len, 0);
    assert_int_equal(status_reason(999).len, 0);
    assert_non_null(status_reason(999).data);
}

static void values_hold_no_control_byte_but_tab(void **state)
{
    char value[24];

    for (size_t len = 0; len < sizeof(value); len++) {
        memset(value, 'a', sizeof(value));
        assert_true(field_value_is_valid(span_of(value, len)));
        for (size_t at = 0; at < len; at++) {
            for (int c = 0; c < 256; c++) {
                bool is_valid = (c >= 0x20 && c != 0x7f) || c == '\t';

                value[at] = (char)c;
                assert_int_equal(field_value_is_valid(span_of(value, len)), is_valid);
            }
            value[at] = '\t';
        }
    }
    assert_true(field_value_is_valid(SPAN_NONE));
}

static void names_are_tokens(void **state)
{
    assert_true(field_name_is_valid(SPAN("X-Foo_1!~")));
    assert_false(field_name_is_valid(SPAN("")));
    assert_false(field_name_is_valid(SPAN("X Foo")));
    assert_false(field_name_is_valid(SPAN("X:")));
    assert_false(field_name_is_valid(SPAN("X\xe9")));
    assert_false(field_name_is_valid(SPAN("X\0")));
}

static void assert_normal(const char *raw, bool merge_slashes, const char *expected)
{
    struct span path = SPAN_NONE;
    struct arena a;

    arena_init(&a, 64, 0);
    assert_int_equal(path_normalize(span_of_cstr(raw), merge_slashes, &a, &path), 0);
    if (!span_equals(path, span_of_cstr(expected)))
        fail_msg("%s became %.*s, not %s", raw, SPAN_ARG(path), expected);
    arena_deinit(&a);
}

static void paths_are_normalized_as_nginx_does(void **state)
{
    assert_normal("/", true, "/");
    assert_normal("/a/b.c/d..e/...", true, "/a/b.c/d..e/...");
    assert_normal("/a//b/../c", true, "/a/c");
    assert_normal("/a/./b", true, "/a/b");
    assert_normal("/a/.", true, "/a/");
    assert_normal("/a/..", true, "/");
    assert_normal("/a/b/..", true, "/a/");
    assert_normal("/a/b/../", true, "/a/");
    assert_normal("/a/b/../../c", true, "/c");
    assert_normal("/./././a", true, "/a");
    assert_normal("//a///b//", true, "/a/b/");
    assert_normal("/.a/..b/c./d..", true, "/.a/..b/c./d..");
    assert_normal("/%61%2Fb%2f%2fc", true, "/a/b/c");
    assert_normal("/a/%2e%2E/b", true, "/b");
    assert_normal("/a/.%2e/b", true, "/b");
    assert_normal("/a/%2e/b", true, "/a/b");
    assert_normal("/a%2f..%2fb", true, "/b");
    assert_normal("/a%252e%252e/b", true, "/a%2e%2e/b");
    assert_normal("/%c3%a9%20%3f%23%0a", true, "/\xc3\xa9 ?#\n");
}

static void slashes_stay_where_they_are_not_merged(void **state)
{
    assert_normal("//a///b//", false, "//a///b//");
    assert_normal("/a//../b", false, "/a/b");
    assert_normal("/a//./b", false, "/a//b");
    assert_normal("/a/%2f/b", false, "/a///b");
    assert_normal("//..", false, "/");
}

static void bad_paths_are_refused(void **state)
{
    static const char *const raws[] = {
        "",
        "a",
        "*",
        "%2fa",
        "/..",
        "/../a",
        "/a/../..",
        "/./..",
        "/%",
        "/%2",
        "/%2x",
        "/%x2",
        "/a%00",
        "/%g0",
        "/% 2",
        "/%+2",
        "/%2e.",
        "/a/../..",
        "/%2e%2e%2fetc",
        "/a/%2e%2e/%2e%2e/b",
    };
    struct span path;
    struct arena a;

    arena_init(&a, 64, 0);
    for (size_t i = 0; i < COUNT_OF(raws); i++) {
        struct span raw = span_of_cstr(raws[i]);

        assert_int_equal(path_normalize(raw, true, &a, &path), -EINVAL);
        assert_int_equal(path_normalize(raw, false, &a, &path), -EINVAL);
    }
    arena_deinit(&a);
}

static void paths_without_memory_are_said_so(void **state)
{
    struct span path;
    struct arena a;

    arena_init(&a, 16, 8);
    assert_int_equal(path_normalize(SPAN("/a/b"), true, &a, &path), 0);
    assert_int_equal(path_normalize(SPAN("/%61"), true, &a, &path), -ENOMEM);
    arena_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(byte_sets_are_those_of_the_rfcs),
        cmocka_unit_test(hex_digits_have_their_values),
        cmocka_unit_test(every_field_of_the_table_is_found),
        cmocka_unit_test(names_that_are_nearly_known_are_other),
        cmocka_unit_test(x_accel_is_a_family),
        cmocka_unit_test(flags_guard_framing_and_routing),
        cmocka_unit_test(fields_are_found_unless_dropped),
        cmocka_unit_test(an_underscore_of_a_variable_is_also_a_dash),
        cmocka_unit_test(methods_are_known_by_their_case),
        cmocka_unit_test(idempotent_methods_are_those_of_the_rfc),
        cmocka_unit_test(statuses_have_reasons),
        cmocka_unit_test(values_hold_no_control_byte_but_tab),
        cmocka_unit_test(names_are_tokens),
        cmocka_unit_test(paths_are_normalized_as_nginx_does),
        cmocka_unit_test(slashes_stay_where_they_are_not_merged),
        cmocka_unit_test(bad_paths_are_refused),
        cmocka_unit_test(paths_without_memory_are_said_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
