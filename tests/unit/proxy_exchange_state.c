/* Tests of proxy/exchange_state: what can be told from an exchange without changing it. */
#include "../exchange_fixture.h"

#define POST_HEAD "POST / HTTP/1.1\r\nHost: a\r\n"

/* The exchange reads a head, and no more. */
static void take_head(struct stage *s, const char *text)
{
    struct span input = span_of_cstr(text), body;

    arena_reset(&s->x->arena);
    parser_begin_request(&s->x->request, &s->server.root.parser_limits, &s->x->arena);
    assert_int_equal(parser_next(&s->x->request, &input, &body), PARSER_HEAD);
    s->x->is_head_good = true;
}

static void take_response(struct stage *s, const char *text)
{
    struct span input = span_of_cstr(text), body;

    parser_begin_response(&s->x->response, &stage_response_limits, &s->x->arena,
                          (struct parser_request_facts){.was_head = false});
    assert_int_equal(parser_next(&s->x->response, &input, &body), PARSER_HEAD);
}

/* --- beginning and end ------------------------------------------------------------------------ */

static void an_exchange_begins_at_the_default_server(void **state)
{
    struct stage *s = *state;
    struct server_conf other = s->server;
    struct exchange_options o = stage_options(s);

    assert_int_equal(s->x->step, STEP_READ_HEAD);
    assert_ptr_equal(s->x->record.server, &s->server);
    assert_ptr_equal(s->x->record.location, &s->server.root);
    assert_int_equal(s->x->record.outcome, OUTCOME_NONE);
    assert_false(exchange_is_busy(s->x));
    exchange_free(s->x);
    o.sni_server = &other;
    o.is_pipelined = o.is_draining = true;
    s->x = exchange_new(&o);
    assert_ptr_equal(s->x->record.server, &other);
    assert_true(s->x->record.is_pipelined);
    assert_true(s->x->is_draining);
    s->x->record.location = &s->server.root;
}

static void no_more_exchanges_begin_than_the_worker_has(void **state)
{
    struct stage *s = *state;
    struct exchange_options o = stage_options(s);
    struct exchange *more[EXCHANGES_MAX - 1];

    for (size_t i = 0; i < COUNT_OF(more); i++) {
        more[i] = exchange_new(&o);
        assert_non_null(more[i]);
    }
    assert_null(exchange_new(&o));
    exchange_free(more[0]);
    more[0] = exchange_new(&o);
    assert_non_null(more[0]);
    for (size_t i = 0; i < COUNT_OF(more); i++)
        exchange_free(more[i]);
}

static void an_exchange_that_is_used_again_remembers_nothing(void **state)
{
    struct stage *s = *state;
    struct exchange_options o = stage_options(s);
    struct exchange *before = s->x;
    struct arena_block *block;

    take_head(s, "GET /secret HTTP/1.1\r\nHost: a\r\n\r\n");
    block = s->x->arena.first;
    assert_non_null(block);
    s->x->record.outcome = OUTCOME_DONE;
    s->x->redirect_count = s->x->error_status = 1;
    s->x->is_internal = s->x->shows_error_page = true;
    s->x->record.is_rewritten = s->x->record.adds_uri_to_alias = true;
    s->x->is_head_sent = s->x->keeps_alive = s->x->has_sent_continue = true;
    exchange_free(s->x);
    s->x = exchange_new(&o);
    assert_ptr_equal(s->x, before);
    assert_ptr_equal(s->x->arena.first, block); /* but its memory is kept */
    assert_int_equal(s->x->request.head.path.len, 0);
    assert_int_equal(s->x->record.outcome, OUTCOME_NONE);
    assert_int_equal(s->x->redirect_count + s->x->error_status, 0);
    assert_false(s->x->is_internal || s->x->shows_error_page);
    assert_false(s->x->record.is_rewritten || s->x->record.adds_uri_to_alias);
    assert_false(s->x->is_head_good || s->x->is_head_sent || s->x->keeps_alive);
    assert_false(s->x->has_sent_continue);
}

/* --- requests --------------------------------------------------------------------------------- */

static void each_broken_rule_has_its_outcome(void **state)
{
    static const struct {
        enum parser_error error;
        enum outcome outcome;
        unsigned status;
    } rows[] = {
        {PARSER_URI_TOO_LONG, OUTCOME_URI_TOO_LONG, 414},
        {PARSER_HEAD_TOO_LARGE, OUTCOME_HEAD_TOO_LARGE, 431},
        {PARSER_CODING_UNKNOWN, OUTCOME_CODING_UNKNOWN, 501},
        {PARSER_VERSION_UNKNOWN, OUTCOME_VERSION_UNKNOWN, 505},
        {PARSER_METHOD_REFUSED, OUTCOME_METHOD_REFUSED, 405},
        {PARSER_EXPECT_UNKNOWN, OUTCOME_EXPECTATION, 417},
        {PARSER_NO_MEMORY, OUTCOME_NO_MEMORY, 503},
        {PARSER_BAD_SYNTAX, OUTCOME_BAD_REQUEST, 400},
        {PARSER_EARLY_END, OUTCOME_BAD_REQUEST, 400},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(outcome_of_parser(rows[i].error), rows[i].outcome);
        assert_int_equal(outcome_row(rows[i].outcome)->status, rows[i].status);
    }
}

static void a_connection_reaches_no_other_server_with_rules_of_its_own(void **state)
{
    struct stage *s = *state;
    struct tls_server_profile open = {.index = 0}, strict = {.index = 1};
    struct server_conf by_sni = {.tls = &open};

    strict.settings.verify_client = VERIFY_CLIENT_ON;
    s->server.tls = &strict;
    assert_false(exchange_is_misdirected(s->x)); /* no TLS */
    s->x->sni_server = &by_sni;
    assert_true(exchange_is_misdirected(s->x));
    s->server.tls = &open; /* the same rules */
    assert_false(exchange_is_misdirected(s->x));
    by_sni.tls = &strict; /* asked for more than the server does */
    assert_false(exchange_is_misdirected(s->x));
    s->server.tls = NULL;
    assert_false(exchange_is_misdirected(s->x));
    s->server.tls = &strict;
    by_sni.tls = &open;
    s->x->sni_server = &s->server;
    assert_false(exchange_is_misdirected(s->x));
}

/* A handshake without a client certificate, after which the server asks whether it is good. */
static enum outcome fault_without_certificate(struct stage *s, enum tls_verify_client mode,
                                              const char **reason)
{
    struct tls_client_settings of_client = bench_client_settings();
    struct tls_pair pair = bench_pair("good.pem", "leaf.key");
    struct tls_server_profile profile = {.settings = bench_server_settings(&pair)};
    struct tls_context *client, *server;
    struct bench b = {
        .options = {.sni = SPAN("a.example"), .names = {{SPAN("a.example")}}, .name_count = 1}};
    enum outcome outcome;

    profile.settings.verify_client = mode;
    profile.settings.client_ca_pem = bench_file("root.pem");
    client = bench_client(&of_client);
    server = bench_server(&profile.settings, s->world.server_shared);
    assert_true(bench_connect(&b, client, server));
    s->server.tls = &profile;
    s->client_conn.tls = b.server.tls;
    outcome = exchange_certificate_fault(s->x, reason);
    s->client_conn.tls = NULL;
    assert_int_equal(exchange_certificate_fault(s->x, reason), OUTCOME_NONE); /* no TLS */
    s->server.tls = NULL;
    bench_disconnect(&b);
    tls_context_free(client);
    tls_context_free(server);
    return outcome;
}

static void a_certificate_is_missed_where_it_must_be_sent(void **state)
{
    struct stage *s = *state;
    const char *reason = "";

    assert_int_equal(fault_without_certificate(s, VERIFY_CLIENT_OFF, &reason), OUTCOME_NONE);
    assert_int_equal(fault_without_certificate(s, VERIFY_CLIENT_OPTIONAL, &reason), OUTCOME_NONE);
    assert_int_equal(fault_without_certificate(s, VERIFY_CLIENT_ON, &reason),
                     OUTCOME_CERTIFICATE_MISSING);
    assert_string_equal(reason, "client sent no required SSL certificate");
}

static void a_body_may_be_as_long_as_the_limit(void **state)
{
    struct stage *s = *state;

    s->server.root.settings.client_max_body_size = 10;
    take_head(s, POST_HEAD "Content-Length: 10\r\n\r\n");
    assert_false(exchange_body_is_too_large(s->x));
    take_head(s, POST_HEAD "Content-Length: 11\r\n\r\n");
    assert_true(exchange_body_is_too_large(s->x));
    s->server.root.settings.client_max_body_size = 0;
    assert_false(exchange_body_is_too_large(s->x));
    s->server.root.settings.client_max_body_size = 1;
    take_head(s, POST_HEAD "Transfer-Encoding: chunked\r\n\r\n");
    assert_false(exchange_body_is_too_large(s->x)); /* is not known yet */
}

static void a_request_is_complete_when_its_body_was_read(void **state)
{
    struct stage *s = *state;
    struct span input = SPAN("hello"), body;

    take_head(s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(exchange_request_is_complete(s->x));
    s->x->is_head_good = false;
    assert_false(exchange_request_is_complete(s->x));
    take_head(s, POST_HEAD "Content-Length: 0\r\n\r\n");
    assert_true(exchange_request_is_complete(s->x));
    take_head(s, POST_HEAD "Transfer-Encoding: chunked\r\n\r\n");
    assert_false(exchange_request_is_complete(s->x));
    take_head(s, POST_HEAD "Content-Length: 5\r\n\r\n");
    assert_false(exchange_request_is_complete(s->x));
    assert_int_equal(parser_next(&s->x->request, &input, &body), PARSER_BODY);
    assert_int_equal(parser_next(&s->x->request, &input, &body), PARSER_END);
    assert_true(exchange_request_is_complete(s->x));
}

static void a_body_that_is_gone_is_no_hindrance_to_another_try(void **state)
{
    struct stage *s = *state;

    s->x->upload.is_keeping = false;
    s->x->upload.bytes = 1;
    assert_false(exchange_can_resend(s->x));
    s->x->is_body_gone = true;
    assert_true(exchange_can_resend(s->x));
}

/* --- keep-alive ------------------------------------------------------------------------------- */

static void each_reason_alone_ends_keep_alive(void **state)
{
    struct stage *s = *state;
    struct settings *c = &s->server.root.settings;

    take_head(s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
#define ENDS_IT(set, unset)                         \
    do {                                            \
        assert_true(exchange_may_keep_alive(s->x)); \
        set;                                        \
        if (exchange_may_keep_alive(s->x))          \
            fail_msg("kept with %s", #set);         \
        unset;                                      \
    } while (0)
    ENDS_IT(s->x->is_head_good = false, s->x->is_head_good = true);
    ENDS_IT(s->x->request.head.is_persistent = false, s->x->request.head.is_persistent = true);
    ENDS_IT(s->x->is_draining = true, s->x->is_draining = false);
    ENDS_IT(c->keepalive_timeout_ms = 0, c->keepalive_timeout_ms = 1);
    ENDS_IT(c->keepalive_requests = 0, c->keepalive_requests = 1000);
    ENDS_IT(c->keepalive_time_ms = 0, c->keepalive_time_ms = 3600 * 1000);
    ENDS_IT(s->client_conn.end = CONN_END_CLEAN, s->client_conn.end = CONN_END_NONE);
    ENDS_IT(s->world.view->is_retired = true, s->world.view->is_retired = false);
    assert_true(exchange_may_keep_alive(s->x));
}

static void the_last_request_and_moment_of_a_connection_end_it(void **state)
{
    struct stage *s = *state;
    struct settings *c = &s->server.root.settings;

    take_head(s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    c->keepalive_requests = 3;
    s->client.request_count = 2;
    assert_true(exchange_may_keep_alive(s->x));
    s->client.request_count = 3;
    assert_false(exchange_may_keep_alive(s->x));
    s->client.request_count = 1;
    c->keepalive_time_ms = 1000;
    s->client.since_ms = exchange_now_ms(s->x) - 999;
    assert_true(exchange_may_keep_alive(s->x));
    s->client.since_ms--;
    assert_false(exchange_may_keep_alive(s->x));
}

/* --- responses -------------------------------------------------------------------------------- */

static void framing_is_for_the_method_of_the_client(void **state)
{
    static const char length[] = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n";
    static const char none[] = "HTTP/1.1 204 No Content\r\n\r\n";
    struct response_plan plan = {.keeps_alive = true};
    struct stage *s = *state;

    take_head(s, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    s->x->record.asked_method = METHOD_GET;
    take_response(s, length);
    exchange_plan_framing(s->x, &plan);
    assert_int_equal(plan.framing, FRAMING_NONE);
    assert_int_equal(plan.content_length, 7);
    take_head(s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    s->x->record.asked_method = METHOD_HEAD;
    take_response(s, length);
    exchange_plan_framing(s->x, &plan);
    assert_int_equal(plan.framing, FRAMING_LENGTH);
    assert_int_equal(plan.content_length, 0);
    take_response(s, none);
    exchange_plan_framing(s->x, &plan);
    assert_int_equal(plan.framing, FRAMING_NONE);
}

static void a_body_of_the_files_can_be_sent_again(void **state)
{
    struct request_changes changes = {.has_method = true};
    struct stage *s = *state;

    take_head(s, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
    s->x->upload.bytes = 1;
    assert_false(exchange_can_resend(s->x));
    s->server.root.settings.request_changes = &changes;
    assert_false(exchange_can_resend(s->x));
    changes.has_body = true;
    assert_true(exchange_can_resend(s->x));
    changes = (struct request_changes){.drops_body = true};
    assert_true(exchange_can_resend(s->x));
    s->server.root.settings.request_changes = NULL;
}

static void framing_is_what_the_client_understands(void **state)
{
    static const struct {
        const char *field;
        enum framing of_1_1, of_1_0;
    } rows[] = {
        {"Content-Length: 7\r\n", FRAMING_LENGTH, FRAMING_LENGTH},
        {"Transfer-Encoding: chunked\r\n", FRAMING_CHUNKED, FRAMING_UNTIL_CLOSE},
        {"", FRAMING_CHUNKED, FRAMING_UNTIL_CLOSE},
    };
    struct stage *s = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct response_plan plan = {.keeps_alive = true};
        char text[128];

        s->server.root.settings.chunked_transfer_encoding = true;

        (void)snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\n%s\r\n", rows[i].field);
        take_head(s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        take_response(s, text);
        exchange_plan_framing(s->x, &plan);
        assert_int_equal(plan.framing, rows[i].of_1_1);
        assert_true(plan.keeps_alive);
        s->server.root.settings.chunked_transfer_encoding = false;
        exchange_plan_framing(s->x, &plan);
        assert_int_equal(plan.framing, rows[i].of_1_0);
        assert_int_equal(plan.keeps_alive, i == 0);
        plan.keeps_alive = true;
        assert_int_equal(plan.has_content_length, i == 0);
        assert_int_equal(plan.content_length, i == 0 ? 7 : 0);
        take_head(s, "GET / HTTP/1.0\r\n\r\n");
        take_response(s, text);
        exchange_plan_framing(s->x, &plan);
        assert_int_equal(plan.framing, rows[i].of_1_0);
        assert_int_equal(plan.keeps_alive, rows[i].of_1_0 != FRAMING_UNTIL_CLOSE);
    }
}

/* As an error_page does; without a framing of its own the client would wait for the end of a
 * connection that goes on. */
static void no_content_that_is_shown_with_another_status_is_framed(void **state)
{
    static const char *const heads[] = {
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
    };
    struct stage *s = *state;

    s->server.root.settings.chunked_transfer_encoding = true;
    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        struct response_plan plan = {.status = 200, .keeps_alive = true};

        take_head(s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        take_response(s, heads[i]);
        exchange_plan_framing(s->x, &plan);
        assert_int_equal(plan.framing, FRAMING_CHUNKED);
        assert_true(plan.keeps_alive);
        take_head(s, "GET / HTTP/1.0\r\n\r\n");
        take_response(s, heads[i]);
        exchange_plan_framing(s->x, &plan);
        assert_int_equal(plan.framing, FRAMING_UNTIL_CLOSE);
        assert_false(plan.keeps_alive);
        take_head(s, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
        s->x->record.asked_method = METHOD_HEAD;
        take_response(s, heads[i]);
        plan = (struct response_plan){.status = 200, .keeps_alive = true};
        exchange_plan_framing(s->x, &plan);
        assert_int_equal(plan.framing, FRAMING_NONE);
        s->x->record.asked_method = METHOD_GET;
    }
}

/* --- deadlines -------------------------------------------------------------------------------- */

static void assert_deadline(const struct stage *s, uint64_t at_ms, enum outcome outcome)
{
    struct deadline d = exchange_deadline(s->x);

    assert_true(d.at_ms == at_ms);
    assert_int_equal(d.outcome, outcome);
}

static void nothing_to_wait_for_has_no_deadline(void **state)
{
    struct stage *s = *state;

    assert_deadline(s, UINT64_MAX, OUTCOME_NONE);
}

static void the_nearest_deadline_counts(void **state)
{
    struct stage *s = *state;
    struct settings *c = &s->server.root.settings;
    struct upstream_conn u = {.request_count = 0};

    c->send_timeout_ms = 400;
    c->client_body_timeout_ms = 300;
    c->proxy_send_timeout_ms = 200;
    c->proxy_read_timeout_ms = 100;
    s->client_conn.progress_ms = u.conn.progress_ms = 5000;
    s->client_conn.out.bytes = 1;
    assert_deadline(s, 5400, OUTCOME_CLIENT_STALLED);
    s->client_conn.wants_input = true;
    assert_deadline(s, 5300, OUTCOME_CLIENT_STALLED);
    s->x->step = STEP_TUNNEL; /* the client may be silent there */
    assert_deadline(s, 5400, OUTCOME_CLIENT_STALLED);
    s->x->step = STEP_AWAIT;
    s->x->attempt.conn = &u;
    u.conn.wants_input = true; /* no answer is due before the request is there */
    assert_deadline(s, 5300, OUTCOME_CLIENT_STALLED);
    u.conn.staged.bytes = 1;
    assert_deadline(s, 5200, OUTCOME_SEND_TIMEOUT);
    s->x->upload.is_done = true;
    assert_deadline(s, 5100, OUTCOME_READ_TIMEOUT);
    u.conn.progress_ms = 5150; /* progress puts it off */
    assert_deadline(s, 5250, OUTCOME_READ_TIMEOUT);
    s->x->upload.is_done = false;
    s->x->has_upload_failed = true; /* an answer may come all the same */
    assert_deadline(s, 5250, OUTCOME_READ_TIMEOUT);
    s->x->has_upload_failed = false;
    s->x->is_head_sent = true;
    assert_deadline(s, 5250, OUTCOME_READ_TIMEOUT);
    s->x->attempt.conn = NULL;
    s->client_conn.out.bytes = 0;
}

static void an_upstream_s_end_is_told_in_words(void **state)
{
    struct stage *s = *state;
    struct upstream_conn u = {.request_count = 0};

    s->x->attempt.conn = &u;
    assert_string_equal(exchange_upstream_end(s->x), "upstream prematurely closed connection");
    u.conn.end = CONN_END_CUT;
    assert_string_equal(exchange_upstream_end(s->x), "upstream closed without close_notify");
    u.conn.error = -ECONNRESET;
    assert_string_equal(exchange_upstream_end(s->x), "Connection reset by peer");
    s->x->attempt.conn = NULL;
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, stage_set_up, stage_tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(an_exchange_begins_at_the_default_server),
        CLAIM(no_more_exchanges_begin_than_the_worker_has),
        CLAIM(an_exchange_that_is_used_again_remembers_nothing),
        CLAIM(each_broken_rule_has_its_outcome),
        CLAIM(a_connection_reaches_no_other_server_with_rules_of_its_own),
        CLAIM(a_certificate_is_missed_where_it_must_be_sent),
        CLAIM(a_body_may_be_as_long_as_the_limit),
        CLAIM(a_request_is_complete_when_its_body_was_read),
        CLAIM(a_body_that_is_gone_is_no_hindrance_to_another_try),
        CLAIM(each_reason_alone_ends_keep_alive),
        CLAIM(the_last_request_and_moment_of_a_connection_end_it),
        CLAIM(framing_is_for_the_method_of_the_client),
        CLAIM(a_body_of_the_files_can_be_sent_again),
        CLAIM(framing_is_what_the_client_understands),
        CLAIM(no_content_that_is_shown_with_another_status_is_framed),
        CLAIM(nothing_to_wait_for_has_no_deadline),
        CLAIM(the_nearest_deadline_counts),
        CLAIM(an_upstream_s_end_is_told_in_words),
    };

    return cmocka_run_group_tests_name("proxy_exchange_state", tests, bench_init, bench_deinit);
}
