/* Tests of proxy/exchange: requests to upstreams over TLS. */
#include "../exchange_fixture.h"

#define GET "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
#define UNTIL_CLOSE "HTTP/1.1 200 OK\r\n\r\n"

static int set_up(void **state)
{
    struct proxy_pass *pass;
    struct stage *s;

    (void)stage_set_up(state);
    s = *state;
    pass = &s->server.root.proxy_pass;
    pass->is_tls = true;
    pass->tls = &s->world.profiles[0];
    return 0;
}

/* --- the upstream's side ---------------------------------------------------------------------- */

/* Waits for a connection, and talks TLS on it. */
static void take(struct stage *s, struct end *peer)
{
    struct world *w = &s->world;

    end_init(peer, &w->t);
    conn_init(&peer->conn, w->t.loop, &w->t.chunks, stage_accept(s), &peer->task);
    conn_start_tls(&peer->conn,
                   tls_new_server(w->server_context, NULL, conn_tls_output, &peer->conn));
    loop_ready(w->t.loop, &peer->task);
}

static bool has_request(const struct end *peer)
{
    return peer->got_len >= 4 && memcmp(peer->got + peer->got_len - 4, "\r\n\r\n", 4) == 0;
}

static void await_request(struct stage *s, struct end *peer)
{
    enum exchange_result result;

    stage_run_while(s, result, !has_request(peer));
    assert_int_equal(result, EXCHANGE_WAITS);
}

static void say(struct end *peer, const char *text)
{
    assert_int_equal(conn_write(&peer->conn, span_of_cstr(text)), 0);
}

/* A request that was made comes on a new connection, and is answered. */
static void exchange_behind(struct stage *s, struct end *peer)
{
    take(s, peer);
    await_request(s, peer);
    say(peer, OK);
    assert_int_equal(stage_settle(s), EXCHANGE_KEEPS);
    assert_status(s, "200 ");
}

static void exchange_one(struct stage *s, struct end *peer)
{
    peer_write(s->client_fd, GET);
    exchange_behind(s, peer);
}

/* --- handshakes ------------------------------------------------------------------------------- */

static void a_request_goes_to_a_verified_peer(void **state)
{
    struct stage *s = *state;
    struct try_record *t = &s->x->record.tries[0];
    struct end peer;

    exchange_one(s, &peer);
    assert_memory_equal(peer.got, "GET /a HTTP/1.1\r\n", 17);
    assert_true(t->is_tls);
    assert_false(t->is_resumed);
    assert_string_equal(t->protocol, "TLSv1.3");
    assert_string_equal(strstr(s->got, "\r\n\r\n"), "\r\n\r\nhi");
    assert_int_equal(s->world.upstream->idle_count, 1);
    end_deinit(&peer);
}

static void assert_not_verified(struct stage *s, struct end *peer)
{
    assert_int_equal(stage_settle(s), EXCHANGE_KEEPS);
    assert_status(s, "502 ");
    assert_int_equal(s->x->record.outcome, OUTCOME_NOT_VERIFIED);
    turn_until(s->world.t.loop, peer->progress == CONN_FAILED || peer->end != CONN_END_NONE);
    assert_int_equal(peer->got_len, 0);
}

static void a_peer_that_is_not_verified_gets_no_byte_of_the_request(void **state)
{
    struct stage *s = *state;
    struct end peer;

    s->world.peers[0].host = SPAN("b.example");
    peer_write(s->client_fd, GET);
    take(s, &peer);
    assert_not_verified(s, &peer);
    assert_int_equal(s->world.shared[0].failures, 1);
    end_deinit(&peer);
}

static void another_peer_is_tried_where_one_is_not_verified(void **state)
{
    struct stage *s = *state;
    struct end peers[2];

    s->world.peers[0].host = SPAN("b.example");
    s->world.peers[1].is_down = false;
    peer_write(s->client_fd, GET);
    take(s, &peers[0]);
    take(s, &peers[1]);
    await_request(s, &peers[1]);
    say(&peers[1], OK);
    assert_int_equal(stage_settle(s), EXCHANGE_KEEPS);
    assert_status(s, "200 ");
    assert_int_equal(s->x->record.tries[0].status, 502);
    assert_int_equal(peers[0].got_len, 0);
    end_deinit(&peers[0]);
    end_deinit(&peers[1]);
}

static void a_peer_that_does_not_shake_hands_is_a_504(void **state)
{
    struct stage *s = *state;
    int fd;

    s->server.root.settings.proxy_connect_timeout_ms = 50;
    peer_write(s->client_fd, GET);
    fd = stage_accept(s);
    assert_int_equal(stage_settle(s), EXCHANGE_KEEPS);
    assert_status(s, "504 ");
    assert_int_equal(s->x->record.outcome, OUTCOME_HANDSHAKE_TIMEOUT);
    close(fd);
}

/* --- connections and sessions that are used again --------------------------------------------- */

static void a_kept_connection_needs_no_handshake(void **state)
{
    struct stage *s = *state;
    struct end peer;

    exchange_one(s, &peer);
    stage_next(s);
    peer.got_len = 0;
    peer_write(s->client_fd, GET);
    await_request(s, &peer);
    say(&peer, OK);
    assert_int_equal(stage_settle(s), EXCHANGE_KEEPS);
    assert_true(s->x->record.tries[0].is_reused);
    assert_int_equal(s->world.shared[0].handshakes_full, 1);
    assert_int_equal(s->world.shared[0].handshakes_resumed, 0);
    end_deinit(&peer);
}

static void a_new_connection_resumes_the_session(void **state)
{
    struct stage *s = *state;
    struct end peers[2];

    s->world.group.keepalive_max = 0;
    exchange_one(s, &peers[0]);
    stage_next(s);
    exchange_one(s, &peers[1]);
    assert_false(s->x->record.tries[0].is_reused);
    assert_true(s->x->record.tries[0].is_resumed);
    assert_int_equal(s->world.shared[0].handshakes_full, 1);
    assert_int_equal(s->world.shared[0].handshakes_resumed, 1);
    end_deinit(&peers[0]);
    end_deinit(&peers[1]);
}

static void a_session_is_not_resumed_where_none_is_reused(void **state)
{
    struct stage *s = *state;
    struct end peers[2];

    s->world.group.keepalive_max = 0;
    s->world.profiles[0].reuses_sessions = false;
    for (size_t i = 0; i < COUNT_OF(peers); i++) {
        if (i > 0)
            stage_next(s);
        exchange_one(s, &peers[i]);
        assert_false(s->x->record.tries[0].is_resumed);
        end_deinit(&peers[i]);
    }
    assert_int_equal(s->world.shared[0].handshakes_full, 2);
}

/* A peer that was verified by one name is not thereby verified by another. */
static void neither_connection_nor_session_serves_another_name(void **state)
{
    struct stage *s = *state;
    struct settings *c = &s->server.root.settings;
    struct end peers[2];

    exchange_one(s, &peers[0]);
    stage_next(s);
    c->proxy_ssl_name = (struct template){.is_literal = true, .text = SPAN("b.example")};
    c->proxy_ssl_name_is_set = true;
    peer_write(s->client_fd, GET);
    take(s, &peers[1]);
    assert_not_verified(s, &peers[1]);
    assert_int_equal(s->world.shared[0].handshakes_resumed, 0);
    end_deinit(&peers[0]);
    end_deinit(&peers[1]);
}

/* Nothing of an answer has come. */
static void follow_a_stale_one(struct stage *s, bool is_clean)
{
    struct end peers[2];

    exchange_one(s, &peers[0]);
    stage_next(s);
    peers[0].got_len = 0;
    peer_write(s->client_fd, GET);
    await_request(s, &peers[0]);
    if (is_clean)
        conn_finish(&peers[0].conn, false);
    else
        conn_abort(&peers[0].conn, false);
    exchange_behind(s, &peers[1]);
    assert_int_equal(s->x->record.try_count, 2);
    assert_true(s->x->record.tries[0].is_reused);
    assert_int_equal(s->world.shared[0].failures, 0);
    end_deinit(&peers[0]);
    end_deinit(&peers[1]);
}

static void a_connection_that_was_closed_is_followed_by_a_new_one(void **state)
{
    follow_a_stale_one(*state, true);
}

static void a_connection_that_was_cut_is_followed_by_a_new_one(void **state)
{
    follow_a_stale_one(*state, false);
}

/* --- how an answer ends ----------------------------------------------------------------------- */

/* A body that goes on until the connection ends. */
static enum exchange_result end_body(struct stage *s, bool is_clean)
{
    enum exchange_result result;
    struct end peer;

    peer_write(s->client_fd, GET);
    take(s, &peer);
    await_request(s, &peer);
    say(&peer, UNTIL_CLOSE "all");
    stage_run_while(s, result, s->x->record.sent_body_bytes < 3);
    assert_int_equal(result, EXCHANGE_WAITS);
    if (is_clean)
        conn_finish(&peer.conn, false);
    else
        conn_abort(&peer.conn, false);
    result = stage_settle(s);
    end_deinit(&peer);
    return result;
}

static void a_body_ends_with_close_notify(void **state)
{
    struct stage *s = *state;

    assert_int_equal(end_body(s, true), EXCHANGE_KEEPS);
    assert_int_equal(s->x->record.outcome, OUTCOME_DONE);
    assert_string_equal(strstr(stage_got(s), "\r\n\r\n"), "\r\n\r\n3\r\nall\r\n0\r\n\r\n");
}

/* RFC 8446 section 6.1: somebody in between may have cut it. */
static void a_body_without_close_notify_is_cut(void **state)
{
    struct stage *s = *state;

    assert_int_equal(end_body(s, false), EXCHANGE_CUTS);
    assert_int_equal(s->x->record.outcome, OUTCOME_RESPONSE_CUT);
    assert_true(
        span_starts_with(s->x->record.detail, SPAN("upstream closed without close_notify")));
    assert_null(strstr(stage_got(s), "0\r\n\r\n")); /* the client can tell */
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, set_up, stage_tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(a_request_goes_to_a_verified_peer),
        CLAIM(a_peer_that_is_not_verified_gets_no_byte_of_the_request),
        CLAIM(another_peer_is_tried_where_one_is_not_verified),
        CLAIM(a_peer_that_does_not_shake_hands_is_a_504),
        CLAIM(a_kept_connection_needs_no_handshake),
        CLAIM(a_new_connection_resumes_the_session),
        CLAIM(a_session_is_not_resumed_where_none_is_reused),
        CLAIM(neither_connection_nor_session_serves_another_name),
        CLAIM(a_connection_that_was_closed_is_followed_by_a_new_one),
        CLAIM(a_connection_that_was_cut_is_followed_by_a_new_one),
        CLAIM(a_body_ends_with_close_notify),
        CLAIM(a_body_without_close_notify_is_cut),
    };

    return cmocka_run_group_tests_name("proxy_exchange_tls", tests, bench_init, bench_deinit);
}
