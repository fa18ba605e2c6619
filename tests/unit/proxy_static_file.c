/* Tests of proxy/static_file. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/static_file.h"

#define ETAG SPAN("\"64a0f2c8-1f4\"")
#define MODIFIED_S 784111777
#define MODIFIED SPAN("Sun, 06 Nov 1994 08:49:37 GMT")
#define BEFORE SPAN("Sun, 06 Nov 1994 08:49:36 GMT")
#define AFTER SPAN("Sun, 06 Nov 1994 08:49:38 GMT")
#define NO_DATE SPAN("yesterday")

static void assert_joined(const char *root, const char *path, const char *full)
{
    struct span joined;
    struct arena a;

    arena_init(&a, 4096, 0);
    assert_int_equal(static_path_join(span_of_cstr(root), span_of_cstr(path), &a, &joined), 0);
    assert_string_equal(joined.data, full);
    assert_int_equal(joined.len, strlen(full));
    arena_deinit(&a);
}

static void paths_are_joined_to_the_root(void **state)
{
    (void)state;
    assert_joined("/srv/www", "/a/b.png", "/srv/www/a/b.png");
    assert_joined("/srv/www/", "/a", "/srv/www/a");
    assert_joined("/srv/www", "/", "/srv/www/");
    assert_joined("/srv/www", "/a/", "/srv/www/a/");
    assert_joined("/", "/a", "/a");
    assert_joined("", "/a", "/a");
    assert_joined("html", "/a", "html/a");
    assert_joined("/srv", "/..a/b../...", "/srv/..a/b../...");
    assert_joined("/srv", "//etc/passwd", "/srv//etc/passwd");
}

static void an_alias_stands_for_what_is_not_there(void **state)
{
    static const struct {
        const char *alias, *rest, *full; /* full NULL: refused */
    } rows[] = {
        {"/srv/b/", "c.png", "/srv/b/c.png"},
        {"/srv/b", "/c", "/srv/b/c"},
        {"/srv/b", "c", "/srv/bc"},
        {"/srv/a.html", "", "/srv/a.html"},
        {"/srv/../b/", "c", "/srv/../b/c"},
        {"/srv/b/", "", "/srv/b/"},
        {"/srv/b/", "../c", NULL},
        {"/srv/b/", "..", NULL},
        {"/srv/b", "/../c", NULL},
        {"/srv/.", "./c", NULL},
        {"b", "/../c", NULL},
        {"/srv/b/", "..c", "/srv/b/..c"},
    };
    struct span joined;
    struct arena a;

    (void)state;
    arena_init(&a, 4096, 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int rc =
            static_alias_join(span_of_cstr(rows[i].alias), span_of_cstr(rows[i].rest), &a, &joined);

        assert_int_equal(rc, rows[i].full ? 0 : -EINVAL);
        if (rows[i].full)
            assert_string_equal(joined.data, rows[i].full);
    }
    assert_int_equal(static_alias_join(SPAN("/b"), span_of("a\0b", 3), &a, &joined), -EINVAL);
    arena_deinit(&a);
}

static int join_status(struct span path)
{
    struct span joined;
    struct arena a;
    int status;

    arena_init(&a, 8192, 0);
    status = static_path_join(SPAN("/srv"), path, &a, &joined);
    arena_deinit(&a);
    return status;
}

static void paths_that_leave_the_root_are_refused(void **state)
{
    (void)state;
    assert_int_equal(join_status(SPAN("/..")), -EINVAL);
    assert_int_equal(join_status(SPAN("/../etc")), -EINVAL);
    assert_int_equal(join_status(SPAN("/a/../b")), -EINVAL);
    assert_int_equal(join_status(SPAN("/a/..")), -EINVAL);
    assert_int_equal(join_status(SPAN("/a//..//b")), -EINVAL);
    assert_int_equal(join_status(SPAN("../a")), -EINVAL);
    assert_int_equal(join_status(SPAN("a")), -EINVAL);
    assert_int_equal(join_status(SPAN("*")), -EINVAL);
    assert_int_equal(join_status(SPAN("")), -EINVAL);
    assert_int_equal(join_status(SPAN("/a\0.png")), -EINVAL);
}

static void paths_have_the_length_that_open_takes(void **state)
{
    char path[PATH_MAX];

    (void)state;
    memset(path, 'a', sizeof(path));
    path[0] = '/';
    assert_int_equal(join_status(span_of(path, PATH_MAX - 1 - strlen("/srv"))), 0);
    assert_int_equal(join_status(span_of(path, PATH_MAX - strlen("/srv"))), -ENAMETOOLONG);
}

static void assert_type(const char *path, const char *expected)
{
    static const struct span html = {"text/html", 9}, png = {"image/png", 9}, gz = {"x/gzip", 6};
    struct span_table types = {.ignores_case = true};
    struct arena arena;
    struct span type;

    arena_init(&arena, 1024, 0);
    assert_int_equal(span_table_put(&types, &arena, SPAN("html"), &html), 0);
    assert_int_equal(span_table_put(&types, &arena, SPAN("png"), &png), 0);
    assert_int_equal(span_table_put(&types, &arena, SPAN("gz"), &gz), 0);
    type = static_media_type(&types, span_of_cstr(path), SPAN("none"));
    assert_true(span_equals(type, span_of_cstr(expected)));
    arena_deinit(&arena);
}

static void types_go_by_the_last_extension(void **state)
{
    struct span_table none = {.slot_count = 0};

    (void)state;
    assert_type("/a.html", "text/html");
    assert_type("/a/b.png", "image/png");
    assert_type("/a.PNG", "image/png");
    assert_type("/a.tar.gz", "x/gzip");
    assert_type("/a.gz.tar", "none");
    assert_type("/a.png/b", "none");
    assert_type("/a", "none");
    assert_type("/a.", "none");
    assert_type("/.png", "none");
    assert_type("/a/.html", "none");
    assert_type("/..png", "image/png");
    assert_type("/", "none");
    assert_true(span_equals(static_media_type(&none, SPAN("/a.png"), SPAN("d")), SPAN("d")));
}

static void etags_read_as_nginx_writes_them(void **state)
{
    struct stat st = {.st_mtime = 0x64a0f2c8, .st_size = 500};
    char out[STATIC_ETAG_BYTES];

    (void)state;
    assert_int_equal(static_etag(&st, out), ETAG.len);
    assert_string_equal(out, ETAG.data);
    st = (struct stat){.st_mtime = -1, .st_size = INT64_MAX};
    assert_int_equal(static_etag(&st, out), STATIC_ETAG_BYTES - 1);
}

static enum static_verdict verdict(struct static_conditions c)
{
    return static_evaluate(&c, ETAG, MODIFIED_S);
}

static enum static_verdict none_match(const char *list)
{
    return verdict((struct static_conditions){.if_none_match = span_of_cstr(list)});
}

static enum static_verdict match(const char *list)
{
    return verdict((struct static_conditions){.if_match = span_of_cstr(list)});
}

static void no_condition_sends(void **state)
{
    (void)state;
    assert_int_equal(verdict((struct static_conditions){.since = STATIC_SINCE_EXACT}), STATIC_SEND);
}

static void if_none_match_compares_weakly(void **state)
{
    (void)state;
    assert_int_equal(none_match("\"64a0f2c8-1f4\""), STATIC_NOT_MODIFIED);
    assert_int_equal(none_match("W/\"64a0f2c8-1f4\""), STATIC_NOT_MODIFIED);
    assert_int_equal(none_match("\"a,b\", W/\"c\" ,\t\"64a0f2c8-1f4\""), STATIC_NOT_MODIFIED);
    assert_int_equal(none_match(",, \"x\",,\"64a0f2c8-1f4\""), STATIC_NOT_MODIFIED);
    assert_int_equal(none_match("*"), STATIC_NOT_MODIFIED);
    assert_int_equal(none_match(" * "), STATIC_NOT_MODIFIED);
    assert_int_equal(none_match("\"other\""), STATIC_SEND);
    assert_int_equal(none_match("\"64A0F2C8-1F4\""), STATIC_SEND);
    assert_int_equal(none_match("64a0f2c8-1f4"), STATIC_SEND);
    assert_int_equal(none_match("\"64a0f2c8-1f4"), STATIC_SEND);
    assert_int_equal(none_match("w/\"64a0f2c8-1f4\""), STATIC_SEND);
    assert_int_equal(none_match("\""), STATIC_SEND);
    assert_int_equal(none_match("W/"), STATIC_SEND);
    assert_int_equal(none_match(""), STATIC_SEND);
    assert_int_equal(none_match("*, \"x\""), STATIC_SEND);
}

static void if_match_compares_strongly(void **state)
{
    (void)state;
    assert_int_equal(match("\"64a0f2c8-1f4\""), STATIC_SEND);
    assert_int_equal(match("\"x\", \"64a0f2c8-1f4\""), STATIC_SEND);
    assert_int_equal(match("*"), STATIC_SEND);
    assert_int_equal(match("W/\"64a0f2c8-1f4\""), STATIC_PRECONDITION_FAILED);
    assert_int_equal(match("\"other\""), STATIC_PRECONDITION_FAILED);
    assert_int_equal(match(""), STATIC_PRECONDITION_FAILED);
}

static enum static_verdict since(enum static_since how, struct span date)
{
    return verdict((struct static_conditions){.if_modified_since = date, .since = how});
}

static void if_modified_since_obeys_the_directive(void **state)
{
    (void)state;
    assert_int_equal(since(STATIC_SINCE_EXACT, MODIFIED), STATIC_NOT_MODIFIED);
    assert_int_equal(since(STATIC_SINCE_EXACT, BEFORE), STATIC_SEND);
    assert_int_equal(since(STATIC_SINCE_EXACT, AFTER), STATIC_SEND);
    assert_int_equal(since(STATIC_SINCE_BEFORE, MODIFIED), STATIC_NOT_MODIFIED);
    assert_int_equal(since(STATIC_SINCE_BEFORE, BEFORE), STATIC_SEND);
    assert_int_equal(since(STATIC_SINCE_BEFORE, AFTER), STATIC_NOT_MODIFIED);
    assert_int_equal(since(STATIC_SINCE_OFF, MODIFIED), STATIC_SEND);
    assert_int_equal(since(STATIC_SINCE_EXACT, NO_DATE), STATIC_SEND);
    assert_int_equal(since(STATIC_SINCE_BEFORE, SPAN("")), STATIC_SEND);
}

static void if_unmodified_since_fails_for_later_changes(void **state)
{
    (void)state;
    assert_int_equal(verdict((struct static_conditions){.if_unmodified_since = MODIFIED}),
                     STATIC_SEND);
    assert_int_equal(verdict((struct static_conditions){.if_unmodified_since = AFTER}),
                     STATIC_SEND);
    assert_int_equal(verdict((struct static_conditions){.if_unmodified_since = BEFORE}),
                     STATIC_PRECONDITION_FAILED);
    assert_int_equal(verdict((struct static_conditions){.if_unmodified_since = NO_DATE}),
                     STATIC_SEND);
}

static void tags_come_before_dates(void **state)
{
    (void)state;
    assert_int_equal(verdict((struct static_conditions){.if_none_match = SPAN("\"x\""),
                                                        .if_modified_since = MODIFIED,
                                                        .since = STATIC_SINCE_EXACT}),
                     STATIC_SEND);
    assert_int_equal(verdict((struct static_conditions){.if_none_match = ETAG,
                                                        .if_modified_since = BEFORE,
                                                        .since = STATIC_SINCE_EXACT}),
                     STATIC_NOT_MODIFIED);
    assert_int_equal(
        verdict((struct static_conditions){.if_match = ETAG, .if_unmodified_since = BEFORE}),
        STATIC_SEND);
    assert_int_equal(
        verdict((struct static_conditions){.if_match = SPAN("\"x\""), .if_none_match = ETAG}),
        STATIC_PRECONDITION_FAILED);
    assert_int_equal(verdict((struct static_conditions){.if_match = ETAG, .if_none_match = ETAG}),
                     STATIC_NOT_MODIFIED);
}

static void without_an_etag_only_a_star_matches(void **state)
{
    struct static_conditions c = {.if_none_match = SPAN("\"\", \"x\"")};

    (void)state;
    assert_int_equal(static_evaluate(&c, SPAN_NONE, MODIFIED_S), STATIC_SEND);
    c.if_none_match = SPAN("*");
    assert_int_equal(static_evaluate(&c, SPAN_NONE, MODIFIED_S), STATIC_NOT_MODIFIED);
    assert_false(static_range_is_wanted(SPAN("\"\""), SPAN_NONE, MODIFIED_S));
}

static void if_range_wants_exactly_this_file(void **state)
{
    (void)state;
    assert_true(static_range_is_wanted(SPAN_NONE, ETAG, MODIFIED_S));
    assert_true(static_range_is_wanted(ETAG, ETAG, MODIFIED_S));
    assert_true(static_range_is_wanted(MODIFIED, ETAG, MODIFIED_S));
    assert_false(static_range_is_wanted(SPAN("W/\"64a0f2c8-1f4\""), ETAG, MODIFIED_S));
    assert_false(static_range_is_wanted(SPAN("\"x\""), ETAG, MODIFIED_S));
    assert_false(static_range_is_wanted(BEFORE, ETAG, MODIFIED_S));
    assert_false(static_range_is_wanted(AFTER, ETAG, MODIFIED_S));
    assert_false(static_range_is_wanted(SPAN("*"), ETAG, MODIFIED_S));
    assert_false(static_range_is_wanted(SPAN(""), ETAG, MODIFIED_S));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_joined_to_the_root),
        cmocka_unit_test(an_alias_stands_for_what_is_not_there),
        cmocka_unit_test(paths_that_leave_the_root_are_refused),
        cmocka_unit_test(paths_have_the_length_that_open_takes),
        cmocka_unit_test(types_go_by_the_last_extension),
        cmocka_unit_test(etags_read_as_nginx_writes_them),
        cmocka_unit_test(no_condition_sends),
        cmocka_unit_test(if_none_match_compares_weakly),
        cmocka_unit_test(if_match_compares_strongly),
        cmocka_unit_test(if_modified_since_obeys_the_directive),
        cmocka_unit_test(if_unmodified_since_fails_for_later_changes),
        cmocka_unit_test(tags_come_before_dates),
        cmocka_unit_test(without_an_etag_only_a_star_matches),
        cmocka_unit_test(if_range_wants_exactly_this_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
