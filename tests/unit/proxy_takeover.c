/* Tests of proxy/takeover: what an answer asks for without being taken over. The rest is in the
 * system tests. */
#include "../exchange_fixture.h"

#include "proxy/takeover.h"

/* A response head of the exchange's upstream, and whether it is taken over. */
static bool takes_over(struct stage *s, const char *text)
{
    struct span input = span_of_cstr(text), body;
    enum progress progress;

    s->x->record.buffering = BUFFERING_AS_SET;
    s->x->record.has_limit_rate = false;
    parser_begin_response(&s->x->response, &stage_response_limits, &s->x->arena,
                          (struct parser_request_facts){.was_head = false});
    assert_int_equal(parser_next(&s->x->response, &input, &body), PARSER_HEAD);
    return takeover_run(s->x, &progress);
}

#define OK "HTTP/1.1 200 OK\r\n"

static void an_answer_chooses_its_buffering(void **state)
{
    struct stage *s = *state;

    assert_false(takes_over(s, OK "X-Accel-Buffering: no\r\n\r\n"));
    assert_int_equal(s->x->record.buffering, BUFFERING_OFF);
    assert_false(takes_over(s, OK "x-accel-buffering: YES\r\n\r\n"));
    assert_int_equal(s->x->record.buffering, BUFFERING_ON);
    assert_false(takes_over(s, OK "X-Accel-Buffering: off\r\n\r\n"));
    assert_int_equal(s->x->record.buffering, BUFFERING_AS_SET);
    assert_false(takes_over(s, OK "X-Accel-Buffering-: no\r\n\r\n"));
    assert_int_equal(s->x->record.buffering, BUFFERING_AS_SET);
    s->server.root.settings.proxy_ignore_headers = IGNORE_X_ACCEL_BUFFERING;
    assert_false(takes_over(s, OK "X-Accel-Buffering: no\r\n\r\n"));
    assert_int_equal(s->x->record.buffering, BUFFERING_AS_SET);
}

static void an_answer_chooses_its_rate(void **state)
{
    struct stage *s = *state;

    assert_false(takes_over(s, OK "X-Accel-Limit-Rate: 4096\r\n\r\n"));
    assert_true(s->x->record.has_limit_rate);
    assert_int_equal(s->x->record.limit_rate, 4096);
    assert_false(takes_over(s, OK "X-Accel-Limit-Rate: 4k\r\n\r\n"));
    assert_false(s->x->record.has_limit_rate);
    s->server.root.settings.proxy_ignore_headers = IGNORE_X_ACCEL_LIMIT_RATE;
    assert_false(takes_over(s, OK "X-Accel-Limit-Rate: 4096\r\n\r\n"));
    assert_false(s->x->record.has_limit_rate);
}

static void what_is_ignored_or_has_no_page_passes(void **state)
{
    struct stage *s = *state;

    s->server.root.settings.proxy_intercept_errors = true;
    s->server.root.settings.proxy_ignore_headers = IGNORE_X_ACCEL_REDIRECT;
    assert_false(takes_over(s, OK "X-Accel-Redirect: /a\r\n\r\n"));
    assert_false(takes_over(s, OK "X-Accel-Expires: 5\r\nX-Accel-Charset: x\r\n\r\n"));
    assert_false(takes_over(s, "HTTP/1.1 404 No\r\n\r\n"));
    assert_int_equal(s->x->record.kept_count, 0);
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, stage_set_up, stage_tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(an_answer_chooses_its_buffering),
        CLAIM(an_answer_chooses_its_rate),
        CLAIM(what_is_ignored_or_has_no_page_passes),
    };

    return cmocka_run_group_tests_name("proxy_takeover", tests, bench_init, bench_deinit);
}
