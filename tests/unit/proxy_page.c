/* Tests of proxy/page: what nginx says for each status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proxy/page.h"

#define PAGE(title, heading, more)                                                      \
    "<html>\r\n<head><title>" title "</title></head>\r\n<body>\r\n<center><h1>" heading \
    "</h1></center>\r\n" more "<hr><center>ringway</center>\r\n</body>\r\n</html>\r\n"

static int set_up(void **state)
{
    static struct arena a;

    arena_init(&a, 4096, 0);
    *state = &a;
    return 0;
}

static int tear_down(void **state)
{
    arena_deinit(*state);
    return 0;
}

static void assert_page(struct arena *a, unsigned status, const char *text)
{
    struct span page = page_make(status, false, a);

    assert_true(span_equals(page, span_of_cstr(text)));
}

static void titles_are_nginxs(void **state)
{
    assert_page(*state, 302, PAGE("302 Found", "302 Found", ""));
    assert_page(*state, 401, PAGE("401 Authorization Required", "401 Authorization Required", ""));
    assert_page(*state, 504, PAGE("504 Gateway Time-out", "504 Gateway Time-out", ""));
}

static void kinds_of_400_say_what_is_the_matter(void **state)
{
    assert_page(*state, 494,
                PAGE("400 Request Header Or Cookie Too Large", "400 Bad Request",
                     "<center>Request Header Or Cookie Too Large</center>\r\n"));
    assert_page(*state, 497,
                PAGE("400 The plain HTTP request was sent to HTTPS port", "400 Bad Request",
                     "<center>The plain HTTP request was sent to HTTPS port</center>\r\n"));
    assert_int_equal(page_status(493), 493);
    assert_int_equal(page_status(494), 400);
    assert_int_equal(page_status(497), 400);
    assert_int_equal(page_status(498), 498);
}

static void a_version_is_shown_where_it_may_be(void **state)
{
    struct span page = page_make(404, true, *state);

    assert_true(span_ends_with(page, SPAN("<center>ringway/" RINGWAY_VERSION
                                          "</center>\r\n</body>\r\n</html>\r\n")));
}

static void what_has_no_name_has_no_page(void **state)
{
    struct span page = page_make(599, true, *state);

    assert_int_equal(page.len, 0);
    assert_non_null(page.data);
}

static void errors_of_framing_and_of_ours_end_a_connection(void **state)
{
    static const unsigned last[] = {400, 413, 414, 495, 496, 497, 500, 501};
    static const unsigned others[] = {301, 401, 403, 404, 405, 408, 412,
                                      416, 494, 498, 502, 503, 504};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(last); i++)
        assert_true(page_ends_connection(last[i]));
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_false(page_ends_connection(others[i]));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(titles_are_nginxs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(kinds_of_400_say_what_is_the_matter, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_version_is_shown_where_it_may_be, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_has_no_name_has_no_page, set_up, tear_down),
        cmocka_unit_test(errors_of_framing_and_of_ours_end_a_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
