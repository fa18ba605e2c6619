/* Tests of proxy/verdict: another try, an answer, an error_page, or a cut. */
#include "../exchange_fixture.h"

/* An exchange that has read a request and is about to try a peer. */
static void take_request(struct stage *s, const char *text)
{
    struct span input = span_of_cstr(text), body;
    struct exchange *x = s->x;

    parser_begin_request(&x->request, &s->server.root.parser_limits, &x->arena);
    assert_int_equal(parser_next(&x->request, &input, &body), PARSER_HEAD);
    x->is_head_good = true;
    x->record.uri = x->request.head.path;
    x->record.args = x->request.head.query;
    x->record.pass = &s->server.root.proxy_pass;
    x->upload = (struct relay){.src = client_of(x), .parser = &x->request, .is_keeping = true};
}

static void set_page(struct stage *s, struct error_page *page, const char *uri)
{
    page->uri = stage_compiled(s, uri);
    s->server.root.settings.error_pages = page;
    s->server.root.settings.error_page_count = 1;
}

static void begin_try(struct stage *s)
{
    take_request(s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(attempt_begin(&s->x->attempt), OUTCOME_NONE);
}

/* --- ends ------------------------------------------------------------------------------------- */

static void the_first_outcome_wins(void **state)
{
    struct stage *s = *state;

    assert_int_equal(conclude(s->x, OUTCOME_FORBIDDEN), GO_ON);
    assert_int_equal(s->x->step, STEP_DRAIN);
    assert_int_equal(s->x->reply.plan.status, 403);
    assert_int_equal(conclude(s->x, OUTCOME_INTERNAL), GO_ON);
    assert_int_equal(s->x->record.outcome, OUTCOME_FORBIDDEN);
    assert_int_equal(s->x->reply.plan.status, 403);
}

static void behind_a_head_there_is_only_a_cut(void **state)
{
    struct stage *s = *state;

    s->x->is_head_sent = true;
    s->x->record.status = 200;
    assert_int_equal(conclude(s->x, OUTCOME_RESPONSE_CUT), END);
    assert_int_equal(s->x->ending, EXCHANGE_CUTS);
    assert_int_equal(s->x->record.status, 200); /* as it was sent */
    assert_int_equal(s->x->record.outcome, OUTCOME_RESPONSE_CUT);
}

static void a_client_that_is_gone_gets_no_answer(void **state)
{
    struct stage *s = *state;

    assert_int_equal(conclude(s->x, OUTCOME_CLIENT_GONE), END);
    assert_int_equal(s->x->ending, EXCHANGE_CUTS);
    assert_int_equal(s->x->record.status, 499);
    s->x->record.status = 404; /* an error_page was on its way */
    assert_int_equal(conclude(s->x, OUTCOME_CLIENT_GONE), END);
    assert_int_equal(s->x->record.status, 499);
}

static void an_end_lets_go_of_the_peer(void **state)
{
    struct stage *s = *state;

    begin_try(s);
    assert_int_equal(s->world.shared[0].active_count, 1);
    assert_int_equal(conclude(s->x, OUTCOME_INTERNAL), GO_ON);
    assert_null(s->x->attempt.peer);
    assert_int_equal(s->world.shared[0].active_count, 0);
}

static void an_answer_without_memory_is_a_cut(void **state)
{
    struct stage *s = *state;

    s->x->arena.total_bytes_max = 1;
    assert_int_equal(answer(s->x, 404), END);
    assert_int_equal(s->x->ending, EXCHANGE_CUTS);
    assert_int_equal(s->x->record.outcome, OUTCOME_NO_MEMORY);
}

/* --- error_page ------------------------------------------------------------------------------- */

static void a_page_is_a_get_of_its_uri(void **state)
{
    struct stage *s = *state;
    struct error_page page = {.status = 404};

    take_request(s, "POST /a?x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n");
    set_page(s, &page, "/404.html?from=$uri");
    assert_int_equal(answer(s->x, 404), GO_ON);
    assert_int_equal(s->x->step, STEP_CONTENT);
    assert_int_equal(s->x->error_status, 404);
    assert_true(span_equals(s->x->record.uri, SPAN("/404.html")));
    assert_true(span_equals(s->x->record.args, SPAN("from=/a")));
    assert_int_equal(s->x->request.head.method, METHOD_GET);
    assert_true(span_equals(s->x->request.head.method_text, SPAN("GET")));
    assert_true(s->x->is_body_gone);
    assert_true(exchange_can_resend(s->x));
}

static void behind_some_errors_the_connection_ends_also_with_a_page(void **state)
{
    struct error_page page = {.status = 497};
    struct stage *s = *state;

    take_request(s, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    set_page(s, &page, "/b");
    assert_true(exchange_may_keep_alive(s->x));
    assert_int_equal(answer(s->x, 497), GO_ON);
    assert_true(span_equals(s->x->record.uri, SPAN("/b")));
    assert_false(exchange_may_keep_alive(s->x));
}

static void a_page_for_head_stays_without_a_body(void **state)
{
    struct stage *s = *state;
    struct error_page page = {.status = 404};

    take_request(s, "HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n");
    set_page(s, &page, "/404.html");
    assert_int_equal(answer(s->x, 404), GO_ON);
    assert_int_equal(s->x->request.head.method, METHOD_HEAD);
    assert_int_equal(s->x->record.args.len, 0);
}

static void a_page_may_change_the_status(void **state)
{
    static const struct {
        unsigned new_status;
        bool takes_status;
        unsigned shown;
    } rows[] = {{0, false, 404}, {200, false, 200}, {0, true, 0}};
    struct stage *s = *state;

    take_request(s, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct error_page page = {
            .status = 404, .new_status = rows[i].new_status, .takes_status = rows[i].takes_status};

        set_page(s, &page, "/404.html");
        s->x->redirect_count = 0;
        s->x->shows_error_page = false;
        assert_int_equal(answer(s->x, 404), GO_ON);
        assert_int_equal(s->x->error_status, rows[i].shown);
    }
}

static void a_page_that_fails_has_no_page_of_its_own(void **state)
{
    struct stage *s = *state;
    struct error_page page = {.status = 404};

    take_request(s, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    set_page(s, &page, "/404.html");
    assert_int_equal(answer(s->x, 404), GO_ON);
    assert_int_equal(s->x->step, STEP_CONTENT);
    assert_int_equal(answer(s->x, 404), GO_ON);
    assert_int_equal(s->x->step, STEP_DRAIN);
    assert_int_equal(s->x->reply.plan.status, 404);
}

static void a_page_that_fails_is_an_error_of_its_own(void **state)
{
    struct stage *s = *state;
    struct error_page page = {.status = 502};

    take_request(s, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    set_page(s, &page, "/502.html");
    assert_int_equal(answer(s->x, 502), GO_ON);
    assert_int_equal(answer(s->x, 404), GO_ON); /* there is no such file */
    assert_int_equal(s->x->reply.plan.status, 404);
}

/* Nothing of it gets further than to the log. */
static void a_request_that_was_not_understood_has_a_page_of_nobodys(void **state)
{
    struct span input = SPAN("POST /%zz HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nX: y\r\n\r\n");
    struct span body;
    struct stage *s = *state;
    struct error_page page = {.status = 400};
    const struct head *h = &s->x->request.head;

    parser_begin_request(&s->x->request, &s->server.root.parser_limits, &s->x->arena);
    assert_int_equal(parser_next(&s->x->request, &input, &body), PARSER_ERROR);
    assert_true(h->field_count > 0);
    set_page(s, &page, "/400.html");
    assert_int_equal(answer(s->x, 400), GO_ON);
    assert_int_equal(s->x->step, STEP_CONTENT);
    assert_true(span_equals(s->x->record.uri, SPAN("/400.html")));
    assert_int_equal(s->x->error_status, 400);
    assert_int_equal(h->method, METHOD_GET);
    assert_int_equal(h->field_count, 0);
    assert_int_equal(h->framing, FRAMING_NONE);
    assert_true(s->x->is_body_gone && s->x->upload.is_done);
    assert_true(span_equals(h->request_line, SPAN("POST /%zz HTTP/1.1")));
}

static void a_head_that_did_not_come_has_no_page(void **state)
{
    struct stage *s = *state;
    struct error_page page = {.status = 408};

    set_page(s, &page, "/408.html");
    assert_int_equal(answer(s->x, 408), GO_ON);
    assert_int_equal(s->x->step, STEP_DRAIN);
    assert_int_equal(s->x->redirect_count, 0);
}

static void a_named_location_keeps_the_uri(void **state)
{
    struct stage *s = *state;
    struct error_page page = {.status = 404};
    struct location_conf named = {.kind = LOCATION_NAMED, .pattern = SPAN("@other")};
    struct location_conf *list[] = {&named};

    s->server.named = list;
    s->server.named_count = 1;
    take_request(s, "GET /a?x HTTP/1.1\r\nHost: a\r\n\r\n");
    set_page(s, &page, "@other");
    assert_int_equal(answer(s->x, 404), GO_ON);
    assert_ptr_equal(s->x->record.location, &named);
    assert_true(span_equals(s->x->record.uri, SPAN("/a")));
    assert_true(span_equals(s->x->record.args, SPAN("x")));
    assert_false(s->x->record.is_rewritten);
    s->x->record.location = &s->server.root;
}

static void a_named_location_has_the_method_and_the_body(void **state)
{
    static const struct {
        unsigned status;
        bool is_gone; /* a body that was refused is not passed on */
    } rows[] = {{404, false}, {413, true}};
    struct stage *s = *state;
    struct location_conf named = {.kind = LOCATION_NAMED, .pattern = SPAN("@other")};
    struct location_conf *list[] = {&named};

    s->server.named = list;
    s->server.named_count = 1;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct error_page page = {.status = rows[i].status};

        s->x->record.location = &s->server.root;
        s->x->shows_error_page = false;
        take_request(s, "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n");
        set_page(s, &page, "@other");
        assert_int_equal(answer(s->x, rows[i].status), GO_ON);
        assert_int_equal(s->x->request.head.method, METHOD_POST);
        assert_int_equal(s->x->is_body_gone, rows[i].is_gone);
    }
    s->x->record.location = &s->server.root;
}

/* A rewrite to nothing is an error, which its page cannot mend. */
static void a_named_location_wants_a_uri(void **state)
{
    struct stage *s = *state;
    struct error_page page = {.status = 500};
    struct location_conf named = {.kind = LOCATION_NAMED, .pattern = SPAN("@other")};
    struct location_conf *list[] = {&named};

    s->server.named = list;
    s->server.named_count = 1;
    take_request(s, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    set_page(s, &page, "@other");
    s->x->record.uri = SPAN("");
    assert_int_equal(answer(s->x, 500), GO_ON);
    assert_ptr_equal(s->x->record.location, &s->server.root);
    assert_int_equal(s->x->reply.plan.status, 500);
    assert_true(span_equals(s->x->record.detail,
                            SPAN("empty URI in redirect to named location \"@other\"")));
}

static void a_named_location_that_is_not_there_is_an_error(void **state)
{
    struct stage *s = *state;
    struct error_page page = {.status = 404};

    take_request(s, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    set_page(s, &page, "@none");
    assert_int_equal(answer(s->x, 404), GO_ON);
    assert_int_equal(s->x->reply.plan.status, 500);
    assert_true(span_equals(s->x->record.detail, SPAN("could not find named location \"@none\"")));
}

static void pages_of_pages_are_wanted_by_the_file(void **state)
{
    struct stage *s = *state;
    struct error_page page = {.status = 404};

    take_request(s, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    set_page(s, &page, "/404.html");
    s->server.root.settings.recursive_error_pages = true;
    for (int i = 0; i < REDIRECTS_MAX; i++) {
        assert_int_equal(answer(s->x, 404), GO_ON);
        assert_int_equal(s->x->step, STEP_CONTENT);
    }
    assert_int_equal(answer(s->x, 404), GO_ON);
    assert_int_equal(s->x->step, STEP_DRAIN);
    assert_int_equal(s->x->reply.plan.status, 500);
    assert_true(span_equals(s->x->record.detail,
                            SPAN("rewrite or internal redirection cycle while internally "
                                 "redirecting to \"/404.html\"")));
}

/* What stands for the error is another request: the upstream that failed is out of it. */
static void a_page_begins_without_the_error(void **state)
{
    struct stage *s = *state;
    struct error_page page = {.status = 502};

    begin_try(s);
    set_page(s, &page, "/502.html");
    assert_int_equal(conclude(s->x, OUTCOME_CONNECT_FAILED), GO_ON);
    assert_int_equal(s->x->step, STEP_CONTENT);
    assert_int_equal(s->x->record.outcome, OUTCOME_NONE);
    assert_int_equal(s->x->record.status, 502);
    assert_null(s->x->record.pass);
    assert_int_equal(conclude(s->x, OUTCOME_FORBIDDEN), GO_ON);
    assert_int_equal(s->x->reply.plan.status, 403);
}

static void a_url_is_a_redirect(void **state)
{
    static const struct {
        unsigned new_status, status;
    } rows[] = {{0, 302}, {301, 301}};
    struct stage *s = *state;

    take_request(s, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct error_page page = {.status = 404, .new_status = rows[i].new_status};

        set_page(s, &page, i ? "http://b.example/" : "https://b.example$uri");
        s->x->redirect_count = 0;
        s->x->shows_error_page = false;
        assert_int_equal(answer(s->x, 404), GO_ON);
        assert_int_equal(s->x->step, STEP_DRAIN);
        assert_int_equal(s->x->reply.plan.status, rows[i].status);
    }
}

/* --- tries ------------------------------------------------------------------------------------ */

static uint64_t retries(const struct stage *s)
{
    return atomic_load(&s->world.engine.stats.counters[COUNTER_RETRIES]);
}

static void a_failed_try_is_followed_by_another(void **state)
{
    struct stage *s = *state;

    begin_try(s);
    s->x->record.detail = SPAN("of the first");
    assert_int_equal(try_failed(s->x, OUTCOME_CONNECT_FAILED), GO_ON);
    assert_int_equal(s->x->step, STEP_TRY);
    assert_int_equal(s->x->record.outcome, OUTCOME_NONE);
    assert_int_equal(s->x->record.detail.len, 0);
    assert_int_equal(s->x->last_failure, OUTCOME_CONNECT_FAILED);
    assert_false(s->x->is_reported);
    assert_int_equal(s->world.shared[0].failures, 1);
    assert_int_equal(retries(s), 1);
}

static void assert_tried_no_more(struct stage *s, enum outcome outcome)
{
    enum progress progress = try_failed(s->x, outcome);

    assert_int_equal(progress, s->x->is_head_sent ? END : GO_ON);
    assert_int_not_equal(s->x->step, STEP_TRY);
    assert_int_equal(s->x->record.outcome, outcome);
    assert_true(s->x->is_reported);
    assert_int_equal(retries(s), 0);
    assert_null(s->x->attempt.peer);
}

static void what_the_rules_do_not_name_is_not_tried_again(void **state)
{
    struct stage *s = *state;

    begin_try(s);
    assert_tried_no_more(s, OUTCOME_BAD_RESPONSE);
    assert_int_equal(s->x->reply.plan.status, 502);
}

static void behind_a_head_nothing_is_tried_again(void **state)
{
    struct stage *s = *state;

    begin_try(s);
    s->x->is_head_sent = true;
    assert_tried_no_more(s, OUTCOME_CLOSED_EARLY);
    assert_int_equal(s->x->ending, EXCHANGE_CUTS);
}

static void a_body_that_was_not_kept_is_not_sent_again(void **state)
{
    struct stage *s = *state;

    begin_try(s);
    s->x->upload.is_keeping = false;
    s->x->upload.bytes = 1;
    assert_tried_no_more(s, OUTCOME_CLOSED_EARLY);
}

/* --- waits ------------------------------------------------------------------------------------ */

static void a_wait_sets_the_nearest_deadline(void **state)
{
    struct stage *s = *state;

    assert_int_equal(wait_for_progress(s->x), WAIT);
    assert_false(timer_is_set(&s->timer)); /* there is none */
    take_request(s, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n");
    conn_want_input(&s->client_conn);
    assert_int_equal(wait_for_progress(s->x), WAIT);
    assert_true(s->timer.deadline_ms == s->client_conn.progress_ms + 20 * 1000);
}

static void a_client_that_stalls_is_answered(void **state)
{
    struct stage *s = *state;

    take_request(s, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n");
    conn_want_input(&s->client_conn);
    s->client_conn.progress_ms = exchange_now_ms(s->x) - 20 * 1000 + 1;
    assert_int_equal(wait_for_progress(s->x), WAIT);
    s->client_conn.progress_ms--;
    assert_int_equal(wait_for_progress(s->x), GO_ON);
    assert_int_equal(s->x->record.outcome, OUTCOME_CLIENT_STALLED);
    assert_int_equal(s->x->reply.plan.status, 408);
}

static void an_error_of_the_client_s_ends_a_wait(void **state)
{
    struct stage *s = *state;

    s->client_conn.error = -EPIPE;
    assert_int_equal(wait_for_progress(s->x), END);
    assert_int_equal(s->x->record.outcome, OUTCOME_CLIENT_GONE);
}

static void a_peer_that_is_late_costs_a_try(void **state)
{
    struct stage *s = *state;
    struct conn *c;

    begin_try(s);
    s->x->upload.is_done = true;
    c = upstream_of(s->x);
    c->wants_input = true;
    c->progress_ms = exchange_now_ms(s->x) - 20 * 1000;
    assert_int_equal(wait_for_progress(s->x), GO_ON);
    assert_int_equal(s->x->step, STEP_TRY);
    assert_int_equal(s->x->last_failure, OUTCOME_READ_TIMEOUT);
    assert_int_equal(s->x->record.tries[0].status, 504);
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, stage_set_up, stage_tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(the_first_outcome_wins),
        CLAIM(behind_a_head_there_is_only_a_cut),
        CLAIM(a_client_that_is_gone_gets_no_answer),
        CLAIM(an_end_lets_go_of_the_peer),
        CLAIM(an_answer_without_memory_is_a_cut),
        CLAIM(a_page_is_a_get_of_its_uri),
        CLAIM(a_page_for_head_stays_without_a_body),
        CLAIM(behind_some_errors_the_connection_ends_also_with_a_page),
        CLAIM(a_page_may_change_the_status),
        CLAIM(a_page_that_fails_has_no_page_of_its_own),
        CLAIM(a_page_that_fails_is_an_error_of_its_own),
        CLAIM(a_request_that_was_not_understood_has_a_page_of_nobodys),
        CLAIM(a_head_that_did_not_come_has_no_page),
        CLAIM(a_named_location_keeps_the_uri),
        CLAIM(a_named_location_has_the_method_and_the_body),
        CLAIM(a_named_location_wants_a_uri),
        CLAIM(a_named_location_that_is_not_there_is_an_error),
        CLAIM(pages_of_pages_are_wanted_by_the_file),
        CLAIM(a_page_begins_without_the_error),
        CLAIM(a_url_is_a_redirect),
        CLAIM(a_failed_try_is_followed_by_another),
        CLAIM(what_the_rules_do_not_name_is_not_tried_again),
        CLAIM(behind_a_head_nothing_is_tried_again),
        CLAIM(a_body_that_was_not_kept_is_not_sent_again),
        CLAIM(a_wait_sets_the_nearest_deadline),
        CLAIM(a_client_that_stalls_is_answered),
        CLAIM(an_error_of_the_client_s_ends_a_wait),
        CLAIM(a_peer_that_is_late_costs_a_try),
    };

    return cmocka_run_group_tests_name("proxy_verdict", tests, bench_init, bench_deinit);
}
