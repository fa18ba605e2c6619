/* Tests of conf/directive_http: files, types, fields and redirects: its rows and limits. */
#include "../directive_fixture.h"

#include "conf/directive_http.h"

DIRECTIVE_TABLE_CLAIMS(directive_http_table)

static void one_beyond_a_limit_is_refused(void **state)
{
    static const struct block_claim claims[] = {
        {CONTEXT_HTTP, "index '';", "index \"\" in \"index\" directive is invalid"},
        {CONTEXT_HTTP, "index a '' b;", "index \"\" in \"index\" directive is invalid"},
        {CONTEXT_HTTP, "index a $b;", "unknown \"b\" variable"},
        {CONTEXT_LOCATION, "error_page 299 /a;", "value \"299\" must be between 300 and 599"},
        {CONTEXT_LOCATION, "error_page 600 /a;", "value \"600\" must be between 300 and 599"},
        {CONTEXT_LOCATION, "error_page 499 /a;", "invalid value \"499\""},
        {CONTEXT_LOCATION, "error_page x /a;", "invalid value \"x\""},
        {CONTEXT_LOCATION, "error_page 404 =199 /a;", "invalid value \"=199\""},
        {CONTEXT_LOCATION, "error_page 404 =1000 /a;", "invalid value \"=1000\""},
        {CONTEXT_LOCATION, "error_page 404 =x /a;", "invalid value \"=x\""},
        {CONTEXT_LOCATION, "error_page =200 /a;", "invalid value \"=200\""},
        {CONTEXT_LOCATION, "error_page 404 $x;", "unknown \"x\" variable"},
        {CONTEXT_LOCATION, "server_tokens x;", "invalid value \"x\""},
        {CONTEXT_LOCATION, "server_tokens '';", "invalid value \"\""},
    };

    blocks_refused(*state, claims, COUNT_OF(claims));
}

static void flags_have_their_values(void **state)
{
    static const struct block_number rows[] = {
        {CONTEXT_HTTP, "server_tokens off;", 0},   {CONTEXT_HTTP, "server_tokens on;", 1},
        {CONTEXT_HTTP, "server_tokens build;", 1}, {CONTEXT_HTTP, "absolute_redirect off;", 0},
        {CONTEXT_HTTP, "port_in_redirect on;", 1}, {CONTEXT_HTTP, "server_name_in_redirect on;", 1},
    };

    blocks_leave(*state, rows, COUNT_OF(rows));
}

static void an_error_page_is_one_for_each_status(void **state)
{
    const struct error_page *pages;
    struct block b;

    block_taken(&b, *state, CONTEXT_HTTP,
                "error_page 300 599 /a; error_page 404 =200 /b; error_page 405 =999 /b; "
                "error_page 406 = /c; error_page 497 494 /d; error_page 495 =403 /d; "
                "error_page 496 = /d; error_page 493 498 /d;");
    pages = b.level.error_pages.items;
    assert_int_equal(b.level.error_pages.count, 11);
    assert_int_equal(pages[0].status, 300);
    assert_int_equal(pages[1].status, 599);
    assert_int_equal(pages[1].new_status, 0);
    assert_false(pages[1].takes_status);
    assert_int_equal(pages[2].new_status, 200);
    assert_int_equal(pages[3].new_status, 999);
    assert_int_equal(pages[4].new_status, 0);
    assert_true(pages[4].takes_status);
    /* Kinds of 400 are shown as such. */
    assert_int_equal(pages[5].new_status, 400);
    assert_int_equal(pages[6].new_status, 400);
    assert_int_equal(pages[7].new_status, 403);
    assert_int_equal(pages[8].new_status, 0);
    assert_int_equal(pages[9].new_status, 0);
    assert_int_equal(pages[10].new_status, 0);
}

static void the_last_type_of_an_extension_counts(void **state)
{
    struct draft *d = *state;
    const struct mime_draft *types;
    struct block b;

    assert_int_equal(block_read(&b, d, CONTEXT_HTTP, "types { a/a X y; b/b x; }"), 0);
    draft_assert_said(d, "[warn] duplicate extension \"x\", content type: \"b/b\", previous "
                         "content type: \"a/a\" in t.conf:1");
    types = b.level.types.items;
    assert_int_equal(b.level.types.count, 2);
    assert_true(span_equals(types[0].extension, SPAN("x"))); /* in lower case */
    assert_true(span_equals(types[0].type, SPAN("b/b")));
    assert_true(span_equals(types[1].type, SPAN("a/a")));
}

static void index_files_keep_their_order(void **state)
{
    static const char *const files[] = {"index.$host.html", "index.0.html", "/index.html"};
    const struct template *kept;
    struct block b;

    block_taken(&b, *state, CONTEXT_LOCATION,
                "index index.$host.html;\nindex index.0.html;\n"
                "index /index.html;");
    kept = b.level.index_files.items;
    assert_int_equal(b.level.index_files.count, COUNT_OF(files));
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        assert_true(span_equals(kept[i].text, span_of_cstr(files[i])));
        assert_int_equal(kept[i].is_literal, i > 0);
    }
}

/* As nginx: what stands behind it is never asked for. */
static void an_absolute_index_file_is_the_last(void **state)
{
    struct draft *d = *state;
    struct block b;

    block_taken(&b, d, CONTEXT_LOCATION, "index a /b;");
    assert_int_equal(block_read(&b, d, CONTEXT_LOCATION, "index /a b;"), 0);
    draft_assert_said(d, "[warn] only the last index in \"index\" directive should be absolute in "
                         "t.conf:1");
}

static void memory_at_its_end_is_no_wrong_value(void **state)
{
    static const char *const texts[] = {
        "index a;",
        "index a $host;",
        "types { a/a x; }",
        "error_page 404 405 $host;",
    };
    struct draft *d = *state;

    d->c.options.prefix = SPAN("/srv/");
    blocks_want_memory(d, CONTEXT_LOCATION, texts, COUNT_OF(texts));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTIVE_TABLE_TESTS,
        DRAFT_TEST(one_beyond_a_limit_is_refused),
        DRAFT_TEST(flags_have_their_values),
        DRAFT_TEST(an_error_page_is_one_for_each_status),
        DRAFT_TEST(the_last_type_of_an_extension_counts),
        DRAFT_TEST(index_files_keep_their_order),
        DRAFT_TEST(an_absolute_index_file_is_the_last),
        DRAFT_TEST(memory_at_its_end_is_no_wrong_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
