/* Tests of proxy/exchange: one request and its response, between a client and an upstream. */
#include "../exchange_fixture.h"
#include "../script_text.h"

#define GET "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

static void answer_with(struct stage *s, const char *text, const char *request_end)
{
    int fd = stage_reach_upstream(s, request_end);

    peer_write(fd, text);
    close(fd);
}

/* --- from head to head ------------------------------------------------------------------------ */

static void a_response_is_passed_on_and_the_connection_kept(void **state)
{
    struct stage *s = *state;
    int fd;

    peer_write(s->client_fd, GET);
    fd = stage_reach_upstream(s, "\r\n\r\n");
    peer_write(fd, OK);
    assert_int_equal(stage_settle(s), EXCHANGE_KEEPS);
    assert_status(s, "200 OK");
    assert_string_equal(strstr(s->got, "\r\n\r\n"), "\r\n\r\nhi");
    assert_int_equal(s->x->record.outcome, OUTCOME_DONE);
    assert_int_equal(s->x->record.request_bytes, strlen(GET));
    assert_int_equal(s->x->record.sent_body_bytes, 2);
    assert_int_equal(s->world.upstream->idle_count, 1);
    assert_false(exchange_lingers(s->x));
    close(fd);
}

static void surplus_bytes_of_an_upstream_end_its_connection(void **state)
{
    struct stage *s = *state;

    peer_write(s->client_fd, GET);
    answer_with(s, OK "more", "\r\n\r\n");
    assert_int_equal(stage_settle(s), EXCHANGE_KEEPS);
    assert_int_equal(s->world.upstream->idle_count, 0);
    assert_int_equal(atomic_load(&s->world.engine.stats.counters[COUNTER_UPSTREAM_SURPLUS]), 1);
}

static void a_draining_worker_keeps_no_connection(void **state)
{
    struct stage *s = *state;

    exchange_drain(s->x);
    peer_write(s->client_fd, GET);
    answer_with(s, OK, "\r\n\r\n");
    assert_int_equal(stage_settle(s), EXCHANGE_CLOSES);
    assert_non_null(strstr(stage_got(s), "Connection: close\r\n"));
}

static void a_body_goes_up_before_the_answer(void **state)
{
    struct stage *s = *state;

    peer_write(s->client_fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel");
    (void)exchange_run(s->x);
    assert_true(exchange_lingers(s->x));
    peer_write(s->client_fd, "lo");
    answer_with(s, OK, "hello");
    assert_int_equal(stage_settle(s), EXCHANGE_KEEPS);
    assert_false(exchange_lingers(s->x));
}

/* --- what a client does wrong ----------------------------------------------------------------- */

static void a_bad_request_is_answered_and_the_connection_closed(void **state)
{
    struct stage *s = *state;

    peer_write(s->client_fd, "GET\r\n\r\n");
    assert_int_equal(stage_settle(s), EXCHANGE_CLOSES);
    assert_status(s, "400 ");
    assert_int_equal(s->x->record.outcome, OUTCOME_BAD_REQUEST);
    assert_true(exchange_lingers(s->x));
}

static void a_client_that_leaves_in_its_head_is_cut(void **state)
{
    struct stage *s = *state;

    peer_write(s->client_fd, "GET / HTT");
    shutdown(s->client_fd, SHUT_WR);
    assert_int_equal(stage_settle(s), EXCHANGE_CUTS);
    assert_int_equal(s->x->record.outcome, OUTCOME_CLIENT_GONE);
    assert_int_equal(s->x->record.status, 499);
    assert_string_equal(stage_got(s), "");
}

static void a_head_that_does_not_come_is_a_408(void **state)
{
    struct stage *s = *state;

    s->server.root.settings.client_header_timeout_ms = 30;
    peer_write(s->client_fd, "GET / HTT");
    assert_int_equal(stage_settle(s), EXCHANGE_CLOSES);
    assert_true(loop_now_ms(s->world.t.loop) >= s->x->began_ms + 30);
    assert_int_equal(s->x->record.outcome, OUTCOME_REQUEST_TIMEOUT);
    assert_status(s, "408 ");
}

static void a_body_is_as_large_as_it_may_be(void **state)
{
    struct stage *s = *state;

    s->server.root.settings.client_max_body_size = 4;
    peer_write(s->client_fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n1234");
    answer_with(s, OK, "1234");
    assert_int_equal(stage_settle(s), EXCHANGE_KEEPS);
    assert_status(s, "200 ");
}

static void a_body_of_one_byte_more_is_a_413(void **state)
{
    struct stage *s = *state;

    s->server.root.settings.client_max_body_size = 4;
    peer_write(s->client_fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n1234");
    assert_int_equal(stage_settle(s), EXCHANGE_CLOSES);
    assert_true(exchange_lingers(s->x));
    assert_status(s, "413 ");
    assert_int_equal(s->x->record.try_count, 0);
}

static void a_chunked_body_of_one_byte_more_is_a_413(void **state)
{
    struct stage *s = *state;
    int fd;

    s->server.root.settings.client_max_body_size = 4;
    peer_write(s->client_fd, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                             "4\r\n1234\r\n");
    fd = stage_reach_upstream(s, "1234\r\n");
    peer_write(s->client_fd, "1\r\n5\r\n0\r\n\r\n");
    assert_int_equal(stage_settle(s), EXCHANGE_CLOSES);
    assert_status(s, "413 ");
    assert_int_equal(s->x->record.outcome, OUTCOME_BODY_TOO_LARGE);
    assert_int_equal(s->world.shared[0].failures, 0);
    close(fd);
}

static void a_body_that_stops_coming_is_a_408(void **state)
{
    struct stage *s = *state;
    int fd;

    s->server.root.settings.client_body_timeout_ms = 30;
    peer_write(s->client_fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
    fd = stage_reach_upstream(s, "\r\n\r\n");
    assert_int_equal(stage_settle(s), EXCHANGE_CLOSES);
    assert_status(s, "408 ");
    assert_int_equal(s->x->record.outcome, OUTCOME_CLIENT_STALLED);
    assert_int_equal(s->world.shared[0].failures, 0);
    close(fd);
}

static void a_short_body_that_nobody_wants_is_dropped(void **state)
{
    struct stage *s = *state;

    s->server.root.script = SCRIPT_OF_RETURN(204);
    peer_write(s->client_fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n1");
    assert_int_equal(exchange_run(s->x), EXCHANGE_WAITS);
    for (int i = 0; i < 4; i++) {
        char *bytes = pattern(16384 - (i == 0));

        assert_int_equal(write(s->client_fd, bytes, 16384 - (size_t)(i == 0)), 16384 - (i == 0));
        free(bytes);
    }
    assert_int_equal(stage_settle(s), EXCHANGE_KEEPS);
    assert_status(s, "204 ");
}

static void a_longer_body_that_nobody_wants_ends_the_connection(void **state)
{
    struct stage *s = *state;

    s->server.root.script = SCRIPT_OF_RETURN(204);
    peer_write(s->client_fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n1");
    assert_int_equal(stage_settle(s), EXCHANGE_CLOSES);
    assert_status(s, "204 ");
}

static void a_chunked_request_gets_a_length_for_http_1_0(void **state)
{
    struct stage *s = *state;
    int fd;

    s->server.root.settings.proxy_http_version_minor = 0;
    s->server.root.settings.client_body_buffer_size = 100;
    peer_write(s->client_fd, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                             "5\r\nhello\r\n0\r\n\r\n");
    fd = stage_accept(s);
    assert_non_null(strstr(stage_request(s, fd, "hello"), "\r\nContent-Length: 5\r\n"));
    peer_write(fd, OK);
    close(fd);
    (void)stage_settle(s);
    assert_status(s, "200 ");
}

/* --- what an upstream does wrong -------------------------------------------------------------- */

static void an_upstream_that_says_nothing_is_a_502(void **state)
{
    struct stage *s = *state;

    peer_write(s->client_fd, GET);
    answer_with(s, "", "\r\n\r\n");
    assert_int_equal(stage_settle(s), EXCHANGE_KEEPS);
    assert_status(s, "502 ");
    assert_int_equal(s->x->record.outcome, OUTCOME_CLOSED_EARLY);
    assert_int_equal(s->world.shared[0].failures, 1);
}

static void an_upstream_that_is_late_is_a_504(void **state)
{
    struct stage *s = *state;
    int fd;

    s->server.root.settings.proxy_read_timeout_ms = 30;
    peer_write(s->client_fd, GET);
    assert_int_equal(stage_settle(s), EXCHANGE_KEEPS);
    assert_status(s, "504 ");
    assert_int_equal(s->x->record.outcome, OUTCOME_READ_TIMEOUT);
    fd = accept(s->world.listener, NULL, NULL);
    assert_true(fd >= 0);
    close(fd);
}

static void another_peer_gets_the_whole_body_again(void **state)
{
    struct stage *s = *state;
    int fd;

    s->world.peers[1].is_down = false;
    s->server.root.settings.proxy_next_upstream |= NEXT_NON_IDEMPOTENT;
    peer_write(s->client_fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    close(stage_reach_upstream(s, "hello"));
    fd = stage_reach_upstream(s, "\r\n\r\nhello");
    peer_write(fd, OK);
    assert_int_equal(stage_settle(s), EXCHANGE_KEEPS);
    assert_status(s, "200 ");
    assert_int_equal(s->x->record.try_count, 2);
    close(fd);
}

static void an_invalid_head_is_a_502(void **state)
{
    struct stage *s = *state;

    peer_write(s->client_fd, GET);
    answer_with(s, "no HTTP\r\n\r\n", "\r\n\r\n");
    assert_int_equal(stage_settle(s), EXCHANGE_KEEPS);
    assert_status(s, "502 ");
    assert_int_equal(s->x->record.outcome, OUTCOME_BAD_RESPONSE);
}

static void a_body_that_is_cut_cuts_the_client(void **state)
{
    struct stage *s = *state;

    peer_write(s->client_fd, GET);
    answer_with(s, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi", "\r\n\r\n");
    assert_int_equal(stage_settle(s), EXCHANGE_CUTS);
    assert_int_equal(s->x->record.outcome, OUTCOME_RESPONSE_CUT);
    assert_status(s, "200 OK"); /* the head was passed on: nothing else can be said */
}

static void answer_behind_interim(struct stage *s, size_t count)
{
    int fd;

    peer_write(s->client_fd, GET);
    fd = stage_reach_upstream(s, "\r\n\r\n");
    for (size_t i = 0; i < count; i++)
        peer_write(fd, "HTTP/1.1 103 Early Hints\r\n\r\n");
    peer_write(fd, OK);
    assert_int_equal(stage_settle(s), EXCHANGE_KEEPS);
    close(fd);
}

static void as_many_interim_responses_as_may_be_are_dropped(void **state)
{
    answer_behind_interim(*state, RESPONSE_INTERIM_COUNT_MAX);
    assert_status((struct stage *)*state, "200 ");
}

static void one_interim_response_more_is_a_502(void **state)
{
    answer_behind_interim(*state, RESPONSE_INTERIM_COUNT_MAX + 1);
    assert_status((struct stage *)*state, "502 ");
}

/* --- ends that others make -------------------------------------------------------------------- */

static void plain_http_is_refused_where_tls_is_spoken(void **state)
{
    struct stage *s = *state;

    s->listen.is_tls = true;
    peer_write(s->client_fd, GET);
    assert_int_equal(stage_settle(s), EXCHANGE_CLOSES);
    assert_status(s, "400 ");
    assert_int_equal(s->x->record.outcome, OUTCOME_PLAIN_TO_TLS);
}

static void an_abort_lets_go_of_the_upstream(void **state)
{
    struct stage *s = *state;
    int fd;

    peer_write(s->client_fd, GET);
    fd = stage_reach_upstream(s, "\r\n\r\n");
    assert_int_equal(s->world.shared[0].active_count, 1);
    exchange_abort(s->x);
    assert_int_equal(s->x->record.outcome, OUTCOME_CLIENT_GONE);
    assert_null(s->x->attempt.peer);
    assert_int_equal(s->world.shared[0].active_count, 0);
    assert_int_equal(s->world.shared[0].failures, 0); /* the peer is not to blame */
    assert_true(peer_has_ended(&s->world.t, fd));
    close(fd);
}

static void return_444_ends_without_a_word(void **state)
{
    struct stage *s = *state;

    s->server.root.script = SCRIPT_OF_RETURN(444);
    peer_write(s->client_fd, GET);
    assert_int_equal(stage_settle(s), EXCHANGE_CUTS);
    assert_int_equal(s->x->record.status, 444);
    assert_string_equal(stage_got(s), "");
}

static void a_tunnel_ends_when_both_sides_have(void **state)
{
    struct stage *s = *state;
    struct set_header fields[] = {
        {SPAN("Upgrade"), FIELD_UPGRADE, stage_compiled(s, "$http_upgrade")},
        {SPAN("Connection"), FIELD_CONNECTION, stage_compiled(s, "upgrade")},
    };
    enum exchange_result result;
    char got[4];
    int fd;

    s->server.root.settings.proxy_set_headers = fields;
    s->server.root.settings.proxy_set_header_count = COUNT_OF(fields);
    peer_write(s->client_fd,
               "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nup");
    fd = stage_reach_upstream(s, "\r\n\r\n");
    peer_write(fd, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
                   "down");
    stage_run_while(s, result, read(fd, got, sizeof(got)) != 2);
    assert_int_equal(result, EXCHANGE_WAITS);
    assert_memory_equal(got, "up", 2);
    shutdown(s->client_fd, SHUT_WR);
    stage_run_while(s, result, read(fd, got, sizeof(got)) != 0);
    assert_int_equal(result, EXCHANGE_WAITS); /* the other side may go on */
    close(fd);
    assert_int_equal(stage_settle(s), EXCHANGE_CLOSES);
    assert_status(s, "101 ");
    assert_string_equal(strstr(s->got, "\r\n\r\n"), "\r\n\r\ndown");
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, stage_set_up, stage_tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(a_response_is_passed_on_and_the_connection_kept),
        CLAIM(surplus_bytes_of_an_upstream_end_its_connection),
        CLAIM(a_draining_worker_keeps_no_connection),
        CLAIM(a_body_goes_up_before_the_answer),
        CLAIM(a_bad_request_is_answered_and_the_connection_closed),
        CLAIM(a_client_that_leaves_in_its_head_is_cut),
        CLAIM(a_head_that_does_not_come_is_a_408),
        CLAIM(a_body_is_as_large_as_it_may_be),
        CLAIM(a_body_of_one_byte_more_is_a_413),
        CLAIM(a_chunked_body_of_one_byte_more_is_a_413),
        CLAIM(a_body_that_stops_coming_is_a_408),
        CLAIM(a_short_body_that_nobody_wants_is_dropped),
        CLAIM(a_longer_body_that_nobody_wants_ends_the_connection),
        CLAIM(a_chunked_request_gets_a_length_for_http_1_0),
        CLAIM(an_upstream_that_says_nothing_is_a_502),
        CLAIM(an_upstream_that_is_late_is_a_504),
        CLAIM(another_peer_gets_the_whole_body_again),
        CLAIM(an_invalid_head_is_a_502),
        CLAIM(a_body_that_is_cut_cuts_the_client),
        CLAIM(as_many_interim_responses_as_may_be_are_dropped),
        CLAIM(one_interim_response_more_is_a_502),
        CLAIM(plain_http_is_refused_where_tls_is_spoken),
        CLAIM(an_abort_lets_go_of_the_upstream),
        CLAIM(return_444_ends_without_a_word),
        CLAIM(a_tunnel_ends_when_both_sides_have),
    };

    return cmocka_run_group_tests_name("proxy_exchange", tests, bench_init, bench_deinit);
}
