/* Tests of proxy/browser: which browsers, and after which requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proxy/browser.h"

#define MAC "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_5) "

static bool closes(enum method method, const char *agent, unsigned disabled)
{
    struct field field = {.id = FIELD_USER_AGENT, .value = span_of_cstr(agent)};
    struct head head = {.method = method, .fields = &field, .field_count = agent[0] ? 1 : 0};

    return browser_needs_close(&head, disabled);
}

static void msie_closes_after_post(void **state)
{
    static const char six[] = "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)";

    (void)state;
    assert_true(closes(METHOD_POST, six, BROWSER_MSIE6));
    assert_true(closes(METHOD_POST, six, BROWSER_MSIE6 | BROWSER_SAFARI));
    assert_true(closes(METHOD_POST, "MSIE 4.x", BROWSER_MSIE6));
    assert_true(closes(METHOD_POST, "MSIE 5.5", BROWSER_MSIE6));
    assert_false(closes(METHOD_GET, six, BROWSER_MSIE6));
    assert_false(closes(METHOD_POST, six, BROWSER_SAFARI));
    assert_false(closes(METHOD_POST, six, 0));
}

static void others_stay(void **state)
{
    (void)state;
    assert_false(closes(METHOD_POST, "", BROWSER_MSIE6 | BROWSER_SAFARI));
    assert_false(closes(METHOD_POST, "MSIE 6.0; Windows NT 5.1; SV1", BROWSER_MSIE6));
    assert_false(closes(METHOD_POST, "MSIE 6.0) Opera 8", BROWSER_MSIE6));
    assert_false(closes(METHOD_POST, "MSIE 7.0", BROWSER_MSIE6));
    assert_false(closes(METHOD_POST, "MSIE 10.0", BROWSER_MSIE6));
    assert_false(closes(METHOD_POST, "MSIE 6.", BROWSER_MSIE6));
    assert_false(closes(METHOD_POST, "MSIE ", BROWSER_MSIE6));
}

static void safari_closes_after_all(void **state)
{
    (void)state;
    assert_true(closes(METHOD_GET, MAC "Version/3.1 Safari/525", BROWSER_SAFARI));
    assert_true(closes(METHOD_POST, MAC "Version/3.1 Safari/525", BROWSER_SAFARI));
    assert_false(closes(METHOD_GET, MAC "Version/3.1 Safari/525", BROWSER_MSIE6));
    assert_false(closes(METHOD_GET, MAC "Chrome/1 Safari/525", BROWSER_SAFARI));
    assert_false(closes(METHOD_GET, MAC "Gecko/2008 Safari/525", BROWSER_SAFARI));
    assert_false(closes(METHOD_GET, "Windows Safari/525", BROWSER_SAFARI));
    assert_false(closes(METHOD_GET, MAC "Version/3.1", BROWSER_SAFARI));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(msie_closes_after_post),
        cmocka_unit_test(others_stay),
        cmocka_unit_test(safari_closes_after_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
