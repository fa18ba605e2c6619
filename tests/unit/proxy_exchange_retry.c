/* Tests of proxy/exchange: requests that are sent once more, and those that must not be. */
#include "../exchange_fixture.h"

#define GET "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
#define BAD "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\nbad"

static uint64_t retry_count(const struct stage *s)
{
    return atomic_load(&s->world.engine.stats.counters[COUNTER_RETRIES]);
}

static void answer_at(int fd, const char *text)
{
    peer_write(fd, text);
    close(fd);
}

/* --- a kept connection that its peer has given up --------------------------------------------- */

/* A first request leaves a connection behind: its other end. Another one follows. */
static int warm_up(struct stage *s)
{
    int fd;

    peer_write(s->client_fd, GET);
    fd = stage_reach_upstream(s, "\r\n\r\n");
    peer_write(fd, OK);
    assert_int_equal(stage_settle(s), EXCHANGE_KEEPS);
    assert_int_equal(s->world.upstream->idle_count, 1);
    stage_next(s);
    return fd;
}

/* The second request arrives on the kept connection, and gets so much of an answer. */
static void send_on_kept(struct stage *s, const char *request, const char *request_end,
                         const char *answer)
{
    int fd = warm_up(s);

    peer_write(s->client_fd, request);
    (void)stage_request(s, fd, request_end);
    answer_at(fd, answer);
}

static void assert_tried_on_a_new_connection(struct stage *s, const char *request_end)
{
    answer_at(stage_reach_upstream(s, request_end), OK);
    assert_int_equal(stage_settle(s), EXCHANGE_KEEPS);
    assert_status(s, "200 ");
    assert_int_equal(s->x->record.try_count, 2);
    assert_true(s->x->record.tries[0].is_reused);
    assert_false(s->x->record.tries[1].is_reused);
    assert_ptr_equal(s->x->record.tries[1].peer, &s->world.peers[0]);
    assert_int_equal(s->world.shared[0].failures, 0); /* nothing is wrong with the peer */
    assert_int_equal(retry_count(s), 1);
}

static void assert_answered_with_502(struct stage *s, enum outcome outcome)
{
    assert_int_equal(stage_settle(s), EXCHANGE_KEEPS);
    assert_status(s, "502 ");
    assert_int_equal(s->x->record.outcome, outcome);
    assert_int_equal(accept(s->world.listener, NULL, NULL), -1); /* nobody was asked again */
    assert_int_equal(retry_count(s), 0);
}

static void a_request_on_a_stale_connection_is_sent_on_a_new_one(void **state)
{
    struct stage *s = *state;

    send_on_kept(s, GET, "\r\n\r\n", "");
    assert_tried_on_a_new_connection(s, "\r\n\r\n");
}

/* A connection that nothing was sent on, given to be kept; its other end. */
static int keep_another(struct stage *s)
{
    struct world *w = &s->world;
    struct lane_key key = {.pass = &s->server.root.proxy_pass};
    struct lane *l = lane_find(&w->upstream->peers[0], &key);
    struct upstream_conn *u;
    int error, fd;

    assert_non_null(l);
    u = upstream_open(l, &no_link, &w->task, &error);
    assert_non_null(u);
    turn_until(w->t.loop, conn_is_open(&u->conn));
    fd = accept4(w->listener, NULL, NULL, SOCK_NONBLOCK);
    assert_true(fd >= 0);
    upstream_give(u);
    return fd;
}

/* Others that were kept may be as stale. */
static void a_stale_connection_is_not_followed_by_another_kept_one(void **state)
{
    struct stage *s = *state;
    int fds[2];

    fds[0] = warm_up(s);
    fds[1] = keep_another(s); /* the last one that was given is the first that is taken */
    assert_int_equal(s->world.upstream->idle_count, 2);
    peer_write(s->client_fd, GET);
    (void)stage_request(s, fds[1], "\r\n\r\n");
    close(fds[1]);
    assert_tried_on_a_new_connection(s, "\r\n\r\n");
    close(fds[0]);
}

/* It is no failure that the rules could name. */
static void a_stale_connection_is_not_asked_for_by_the_rules(void **state)
{
    struct stage *s = *state;

    s->server.root.settings.proxy_next_upstream = NEXT_OFF;
    s->server.root.settings.proxy_next_upstream_tries = 1;
    send_on_kept(s, GET, "\r\n\r\n", "");
    assert_tried_on_a_new_connection(s, "\r\n\r\n");
}

/* RFC 9110 section 9.2.2: the peer may have done what it was asked for. */
static void what_is_not_idempotent_is_not_sent_on_another_connection(void **state)
{
    struct stage *s = *state;

    send_on_kept(s, POST, "hello", "");
    assert_answered_with_502(s, OUTCOME_STALE_CONNECTION);
}

static void what_is_not_idempotent_is_sent_again_where_the_file_says_so(void **state)
{
    struct stage *s = *state;

    s->server.root.settings.proxy_next_upstream |= NEXT_NON_IDEMPOTENT;
    send_on_kept(s, POST, "hello", "");
    assert_tried_on_a_new_connection(s, "\r\n\r\nhello");
}

static void the_first_byte_of_an_answer_makes_it_a_failure(void **state)
{
    struct stage *s = *state;

    s->server.root.settings.proxy_next_upstream = NEXT_OFF;
    send_on_kept(s, GET, "\r\n\r\n", "H");
    assert_answered_with_502(s, OUTCOME_CLOSED_EARLY);
    assert_int_equal(s->world.shared[0].failures, 1);
}

static void an_interim_response_makes_it_a_failure(void **state)
{
    struct stage *s = *state;

    s->server.root.settings.proxy_next_upstream = NEXT_OFF;
    send_on_kept(s, GET, "\r\n\r\n", "HTTP/1.1 103 Early Hints\r\n\r\n");
    assert_answered_with_502(s, OUTCOME_CLOSED_EARLY);
}

static void a_new_connection_is_never_stale(void **state)
{
    struct stage *s = *state;

    s->server.root.settings.proxy_next_upstream = NEXT_OFF;
    peer_write(s->client_fd, GET);
    close(stage_reach_upstream(s, "\r\n\r\n"));
    assert_answered_with_502(s, OUTCOME_CLOSED_EARLY);
    assert_int_equal(s->world.shared[0].failures, 1);
}

/* Once: what fails on the new connection is the peer's failure. */
static void behind_a_stale_connection_the_new_one_is_the_last(void **state)
{
    struct stage *s = *state;

    s->server.root.settings.proxy_next_upstream = NEXT_OFF;
    send_on_kept(s, GET, "\r\n\r\n", "");
    close(stage_reach_upstream(s, "\r\n\r\n"));
    assert_int_equal(stage_settle(s), EXCHANGE_KEEPS);
    assert_status(s, "502 ");
    assert_int_equal(s->x->record.outcome, OUTCOME_CLOSED_EARLY);
    assert_int_equal(s->x->record.try_count, 2);
    assert_int_equal(s->world.shared[0].failures, 1);
    assert_int_equal(accept(s->world.listener, NULL, NULL), -1);
}

static void write_put(struct stage *s, size_t len)
{
    char head[128], *body = malloc(len + 1);

    assert_non_null(body);
    memset(body, 'x', len);
    memcpy(body + len - 3, "end", 4);
    (void)snprintf(head, sizeof(head), "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
                   len);
    peer_write(s->client_fd, head);
    peer_write(s->client_fd, body);
    free(body);
}

/* One that is longer than what is kept of it cannot be sent again. */
static void send_a_body_on_kept(struct stage *s, size_t len)
{
    int fd = warm_up(s);

    write_put(s, len);
    (void)stage_request(s, fd, "end");
    close(fd);
}

static void a_body_that_was_kept_is_sent_again(void **state)
{
    struct stage *s = *state;

    send_a_body_on_kept(s, CHUNK_ROOM);
    assert_tried_on_a_new_connection(s, "xend");
}

static void a_body_that_is_gone_is_not_sent_again(void **state)
{
    struct stage *s = *state;

    send_a_body_on_kept(s, CHUNK_ROOM + 1);
    assert_answered_with_502(s, OUTCOME_STALE_CONNECTION);
}

/* --- by status -------------------------------------------------------------------------------- */

static void have_two_peers(struct stage *s, unsigned rules)
{
    s->world.peers[1].is_down = false;
    s->server.root.settings.proxy_next_upstream = rules;
}

static void assert_passed_on(struct stage *s, size_t try_count, const char *body)
{
    assert_int_equal(stage_settle(s), EXCHANGE_KEEPS);
    assert_int_equal(s->x->record.try_count, try_count);
    assert_string_equal(strstr(stage_got(s), "\r\n\r\n") + 4, body);
    assert_int_equal(s->x->record.outcome, OUTCOME_DONE);
}

static void a_status_that_is_named_is_tried_at_another_peer(void **state)
{
    struct stage *s = *state;

    have_two_peers(s, NEXT_HTTP_502);
    peer_write(s->client_fd, GET);
    answer_at(stage_reach_upstream(s, "\r\n\r\n"), BAD);
    answer_at(stage_reach_upstream(s, "\r\n\r\n"), OK);
    assert_passed_on(s, 2, "hi");
    assert_status(s, "200 ");
    assert_int_equal(s->x->record.tries[0].status, 502);
    assert_int_equal(s->x->record.tries[1].status, 200);
    assert_ptr_equal(s->x->record.tries[1].peer, &s->world.peers[1]);
    assert_int_equal(s->world.shared[0].failures, 1);
    assert_int_equal(s->world.shared[1].failures, 0);
    assert_int_equal(retry_count(s), 1);
}

static void each_status_has_a_rule_of_its_own(void **state)
{
    static const struct {
        unsigned rule, status;
    } rows[] = {
        {NEXT_HTTP_403, 403}, {NEXT_HTTP_404, 404}, {NEXT_HTTP_429, 429}, {NEXT_HTTP_500, 500},
        {NEXT_HTTP_502, 502}, {NEXT_HTTP_503, 503}, {NEXT_HTTP_504, 504},
    };
    const unsigned others = ~(unsigned)NEXT_NON_IDEMPOTENT;

    for (size_t i = 0; i < 2 * COUNT_OF(rows); i++) {
        bool is_named = i % 2;
        struct stage *s;
        char text[64];

        (void)stage_set_up(state);
        s = *state;
        have_two_peers(s, is_named ? rows[i / 2].rule : others & ~rows[i / 2].rule);
        (void)snprintf(text, sizeof(text), "HTTP/1.1 %u No\r\nContent-Length: 3\r\n\r\nbad",
                       rows[i / 2].status);
        peer_write(s->client_fd, GET);
        answer_at(stage_reach_upstream(s, "\r\n\r\n"), text);
        if (is_named)
            answer_at(stage_reach_upstream(s, "\r\n\r\n"), OK);
        assert_passed_on(s, is_named ? 2 : 1, is_named ? "hi" : "bad");
        (void)stage_tear_down(state);
    }
}

static void a_404_is_tried_again_and_is_no_failure(void **state)
{
    struct stage *s = *state;

    have_two_peers(s, NEXT_HTTP_404);
    peer_write(s->client_fd, GET);
    answer_at(stage_reach_upstream(s, "\r\n\r\n"),
              "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    answer_at(stage_reach_upstream(s, "\r\n\r\n"), OK);
    assert_passed_on(s, 2, "hi");
    assert_int_equal(s->world.shared[0].failures, 0);
}

static void a_status_that_is_not_named_is_passed_on(void **state)
{
    struct stage *s = *state;

    have_two_peers(s, NEXT_HTTP_503 | NEXT_ERROR | NEXT_TIMEOUT | NEXT_INVALID_HEADER);
    peer_write(s->client_fd, GET);
    answer_at(stage_reach_upstream(s, "\r\n\r\n"), BAD);
    assert_passed_on(s, 1, "bad");
    assert_int_equal(s->world.shared[0].failures, 0);
}

static void the_answer_of_the_last_peer_is_passed_on(void **state)
{
    struct stage *s = *state;

    have_two_peers(s, NEXT_HTTP_502);
    peer_write(s->client_fd, GET);
    answer_at(stage_reach_upstream(s, "\r\n\r\n"), BAD);
    answer_at(stage_reach_upstream(s, "\r\n\r\n"),
              "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\n\r\nlast");
    assert_passed_on(s, 2, "last");
    assert_status(s, "502 ");
}

static void the_answer_of_the_last_try_is_passed_on(void **state)
{
    struct stage *s = *state;

    have_two_peers(s, NEXT_HTTP_502);
    s->server.root.settings.proxy_next_upstream_tries = 1;
    peer_write(s->client_fd, GET);
    answer_at(stage_reach_upstream(s, "\r\n\r\n"), BAD);
    assert_passed_on(s, 1, "bad");
}

static void a_post_is_not_tried_again_by_its_status(void **state)
{
    struct stage *s = *state;

    have_two_peers(s, NEXT_HTTP_502);
    peer_write(s->client_fd, POST);
    answer_at(stage_reach_upstream(s, "hello"), BAD);
    assert_passed_on(s, 1, "bad");
}

static void a_post_is_tried_again_where_the_file_says_so(void **state)
{
    struct stage *s = *state;

    have_two_peers(s, NEXT_HTTP_502 | NEXT_NON_IDEMPOTENT);
    peer_write(s->client_fd, POST);
    answer_at(stage_reach_upstream(s, "hello"), BAD);
    answer_at(stage_reach_upstream(s, "\r\n\r\nhello"), OK);
    assert_passed_on(s, 2, "hi");
}

static void a_status_behind_a_body_that_is_gone_is_passed_on(void **state)
{
    struct stage *s = *state;

    have_two_peers(s, NEXT_HTTP_502);
    write_put(s, CHUNK_ROOM + 1);
    answer_at(stage_reach_upstream(s, "end"), BAD);
    assert_passed_on(s, 1, "bad");
}

/* The answer comes before the whole body: what is yet to come goes to the other peer alone. */
static void a_status_before_the_end_of_the_body_is_tried_with_all_of_it(void **state)
{
    struct stage *s = *state;
    int fd;

    have_two_peers(s, NEXT_HTTP_502);
    peer_write(s->client_fd, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel");
    answer_at(stage_reach_upstream(s, "hel"), BAD);
    fd = stage_reach_upstream(s, "\r\n\r\nhel");
    peer_write(s->client_fd, "lo");
    (void)stage_request(s, fd, "lo");
    answer_at(fd, OK);
    assert_passed_on(s, 2, "hi");
}

/* --- limits ----------------------------------------------------------------------------------- */

/* The first peer takes the request and says nothing; the second one would answer. */
static void lose_the_first_try(struct stage *s, const char *request, const char *request_end)
{
    have_two_peers(s, NEXT_ERROR);
    peer_write(s->client_fd, request);
    close(stage_reach_upstream(s, request_end));
}

static void assert_tried_once(struct stage *s)
{
    assert_answered_with_502(s, OUTCOME_CLOSED_EARLY);
    assert_int_equal(s->x->record.try_count, 1);
    assert_int_equal(s->world.shared[0].failures, 1);
}

static void as_many_tries_are_made_as_may_be(void **state)
{
    struct stage *s = *state;

    s->server.root.settings.proxy_next_upstream_tries = 2;
    lose_the_first_try(s, GET, "\r\n\r\n");
    answer_at(stage_reach_upstream(s, "\r\n\r\n"), OK);
    assert_passed_on(s, 2, "hi");
}

static void one_try_more_is_not_made(void **state)
{
    struct stage *s = *state;

    s->server.root.settings.proxy_next_upstream_tries = 1;
    lose_the_first_try(s, GET, "\r\n\r\n");
    assert_tried_once(s);
}

/* Both peers have their try behind it; whether the last one may fail in turn is the limit. */
static void fail_behind_a_stale_connection(struct stage *s, uint64_t tries_max)
{
    send_on_kept(s, GET, "\r\n\r\n", "");
    have_two_peers(s, NEXT_ERROR);
    s->server.root.settings.proxy_next_upstream_tries = tries_max;
    close(stage_reach_upstream(s, "\r\n\r\n"));
}

static void a_stale_connection_is_not_counted_as_a_try(void **state)
{
    struct stage *s = *state;

    fail_behind_a_stale_connection(s, 2);
    answer_at(stage_reach_upstream(s, "\r\n\r\n"), OK);
    assert_passed_on(s, 3, "hi");
}

static void the_try_behind_a_stale_connection_is_counted(void **state)
{
    struct stage *s = *state;

    fail_behind_a_stale_connection(s, 1);
    assert_int_equal(stage_settle(s), EXCHANGE_KEEPS);
    assert_status(s, "502 ");
    assert_int_equal(s->x->record.try_count, 2);
    assert_int_equal(accept(s->world.listener, NULL, NULL), -1);
}

/* The time since the first try began, which is made to have been so long ago. */
static void lose_it_after_ms(struct stage *s, uint64_t ms)
{
    int fd;

    have_two_peers(s, NEXT_ERROR);
    s->server.root.settings.proxy_next_upstream_timeout_ms = 60 * 1000;
    peer_write(s->client_fd, GET);
    fd = stage_reach_upstream(s, "\r\n\r\n");
    s->x->attempt.first_began_ms = loop_now_ms(s->world.t.loop) - ms;
    close(fd);
}

static void within_the_time_another_try_is_made(void **state)
{
    struct stage *s = *state;

    lose_it_after_ms(s, 30 * 1000);
    answer_at(stage_reach_upstream(s, "\r\n\r\n"), OK);
    assert_passed_on(s, 2, "hi");
}

static void when_the_time_is_up_no_other_try_is_made(void **state)
{
    struct stage *s = *state;

    lose_it_after_ms(s, 60 * 1000);
    assert_tried_once(s);
}

static void a_post_that_was_sent_is_not_tried_again(void **state)
{
    struct stage *s = *state;

    lose_the_first_try(s, POST, "hello");
    assert_tried_once(s);
}

/* Nothing of it was sent to a peer that refused to connect. */
static void a_post_that_was_not_sent_is_tried_again(void **state)
{
    struct stage *s = *state;

    have_two_peers(s, NEXT_ERROR);
    close(loopback_listen(&s->world.peers[0].address));
    peer_write(s->client_fd, POST);
    answer_at(stage_reach_upstream(s, "\r\n\r\nhello"), OK);
    assert_passed_on(s, 2, "hi");
    assert_int_equal(s->x->record.tries[0].status, 502);
    assert_int_equal(s->world.shared[0].failures, 1);
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, stage_set_up, stage_tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(a_request_on_a_stale_connection_is_sent_on_a_new_one),
        CLAIM(a_stale_connection_is_not_followed_by_another_kept_one),
        CLAIM(a_stale_connection_is_not_asked_for_by_the_rules),
        CLAIM(what_is_not_idempotent_is_not_sent_on_another_connection),
        CLAIM(what_is_not_idempotent_is_sent_again_where_the_file_says_so),
        CLAIM(the_first_byte_of_an_answer_makes_it_a_failure),
        CLAIM(an_interim_response_makes_it_a_failure),
        CLAIM(a_new_connection_is_never_stale),
        CLAIM(behind_a_stale_connection_the_new_one_is_the_last),
        CLAIM(a_body_that_was_kept_is_sent_again),
        CLAIM(a_body_that_is_gone_is_not_sent_again),
        CLAIM(a_status_that_is_named_is_tried_at_another_peer),
        cmocka_unit_test(each_status_has_a_rule_of_its_own),
        CLAIM(a_404_is_tried_again_and_is_no_failure),
        CLAIM(a_status_that_is_not_named_is_passed_on),
        CLAIM(the_answer_of_the_last_peer_is_passed_on),
        CLAIM(the_answer_of_the_last_try_is_passed_on),
        CLAIM(a_post_is_not_tried_again_by_its_status),
        CLAIM(a_post_is_tried_again_where_the_file_says_so),
        CLAIM(a_status_behind_a_body_that_is_gone_is_passed_on),
        CLAIM(a_status_before_the_end_of_the_body_is_tried_with_all_of_it),
        CLAIM(as_many_tries_are_made_as_may_be),
        CLAIM(a_stale_connection_is_not_counted_as_a_try),
        CLAIM(the_try_behind_a_stale_connection_is_counted),
        CLAIM(one_try_more_is_not_made),
        CLAIM(within_the_time_another_try_is_made),
        CLAIM(when_the_time_is_up_no_other_try_is_made),
        CLAIM(a_post_that_was_sent_is_not_tried_again),
        CLAIM(a_post_that_was_not_sent_is_tried_again),
    };

    return cmocka_run_group_tests_name("proxy_exchange_retry", tests, bench_init, bench_deinit);
}
