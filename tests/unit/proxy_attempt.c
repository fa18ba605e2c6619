/* Tests of proxy/attempt: from a peer's choice to a verified connection, and what failures cost. */
#include "../upstream_fixture.h"

#include "proxy/attempt.h"

struct trial {
    struct world world; /* first: world_run() finds it by its task */
    struct arena arena;
    struct record record;
    struct location_conf location;
    struct head head;
    struct attempt attempt;
    enum outcome outcome;
};

static int set_up(void **state)
{
    struct trial *x = calloc(1, sizeof(*x));

    assert_non_null(x);
    world_init(&x->world);
    arena_init(&x->arena, 4096, 1 << 16);
    x->location.settings.proxy_connect_timeout_ms = 20 * 1000;
    x->location.settings.proxy_next_upstream = NEXT_ERROR | NEXT_TIMEOUT;
    x->head.method = METHOD_GET;
    x->record = (struct record){
        .engine = &x->world.engine,
        .arena = &x->arena,
        .snapshot = &x->world.snapshot,
        .location = &x->location,
        .request = &x->head,
        .pass = &x->world.pass,
    };
    attempt_init(&x->attempt, &x->record, x->world.view, &x->world.task);
    *state = x;
    return 0;
}

static int tear_down(void **state)
{
    struct trial *x = *state;

    view_retire(x->world.view);
    world_deinit(&x->world);
    arena_deinit(&x->arena);
    free(x);
    return 0;
}

static void be_plain(struct trial *x)
{
    x->world.pass.tls = NULL;
    x->world.pass.is_tls = false;
}

/* Goes on with the attempt as its task does, until it is decided. */
static enum attempt_result settle(struct trial *x)
{
    uint64_t give_up_us = loop_now_us(x->world.t.loop) + PATIENCE_US;
    enum attempt_result result;

    while ((result = attempt_run(&x->attempt, &x->outcome)) == ATTEMPT_WAITS) {
        loop_turn(x->world.t.loop, 5);
        if (loop_now_us(x->world.t.loop) > give_up_us)
            fail_msg("the attempt waits for ever");
    }
    return result;
}

static void begin(struct trial *x)
{
    assert_int_equal(attempt_begin(&x->attempt), OUTCOME_NONE);
}

/* The peer's side of a connection that was just opened. */
static void answer(struct trial *x, struct end *other, bool is_tls)
{
    struct world *w = &x->world;
    int fd;

    turn_until(w->t.loop, conn_is_open(&x->attempt.conn->conn));
    fd = accept4(w->listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(fd >= 0);
    end_init(other, &w->t);
    conn_init(&other->conn, w->t.loop, &w->t.chunks, fd, &other->task);
    if (is_tls)
        conn_start_tls(&other->conn,
                       tls_new_server(w->server_context, NULL, conn_tls_output, &other->conn));
    loop_ready(w->t.loop, &other->task);
}

/* --- connections ------------------------------------------------------------------------------ */

static void it_connects_and_measures(void **state)
{
    struct trial *x = *state;
    struct try_record *t = &x->record.tries[0];

    be_plain(x);
    begin(x);
    assert_int_equal(attempt_run(&x->attempt, &x->outcome), ATTEMPT_WAITS);
    assert_true(attempt_deadline_ms(&x->attempt) == x->attempt.state_began_ms + 20 * 1000);
    assert_int_equal(settle(x), ATTEMPT_IS_READY);
    assert_true(attempt_deadline_ms(&x->attempt) == UINT64_MAX);
    assert_ptr_equal(t->peer, &x->world.peers[0]);
    assert_true(t->connect_us != NOT_MEASURED);
    assert_false(t->is_tls);
    assert_int_equal(x->world.shared[0].active_count, 1);
    attempt_end(&x->attempt, false);
    attempt_end(&x->attempt, false);
    assert_int_equal(x->world.shared[0].active_count, 0);
    assert_true(t->response_us != NOT_MEASURED);
}

static void a_kept_connection_is_used_again_at_once(void **state)
{
    struct trial *x = *state;
    struct end other;

    be_plain(x);
    x->world.peers[1].is_down = true;
    begin(x);
    answer(x, &other, false);
    assert_int_equal(settle(x), ATTEMPT_IS_READY);
    assert_int_equal(conn_write(&x->attempt.conn->conn, SPAN("12345")), 0);
    turn_until(x->world.t.loop, other.got_len == 5);
    attempt_end(&x->attempt, true);
    assert_int_equal(x->record.tries[0].bytes_sent, 5);
    begin(x);
    assert_true(x->attempt.is_reused);
    assert_int_equal(attempt_run(&x->attempt, &x->outcome), ATTEMPT_IS_READY);
    assert_true(x->record.tries[1].is_reused);
    attempt_end(&x->attempt, false);
    assert_int_equal(x->record.tries[1].bytes_sent, 0); /* of this try */
    end_deinit(&other);
}

static void a_refused_peer_is_tried_once_and_counts_as_failed(void **state)
{
    struct trial *x = *state;

    be_plain(x);
    close(loopback_listen(&x->world.peers[0].address));
    x->world.peers[1].address = x->world.peers[0].address;
    for (size_t i = 0; i < 2; i++) {
        begin(x);
        assert_int_equal(settle(x), ATTEMPT_HAS_FAILED);
        assert_int_equal(x->outcome, OUTCOME_CONNECT_FAILED);
        assert_true(span_equals(x->record.detail, SPAN("connect() failed: Connection refused")));
        attempt_fail(&x->attempt, x->outcome);
        assert_int_equal(x->record.tries[i].status, 502);
        assert_int_equal(x->world.shared[i].failures, 1);
    }
    assert_int_equal(attempt_begin(&x->attempt), OUTCOME_NO_PEER);
}

/* A listener with a full queue: the kernel drops what comes then. */
static int stall(struct trial *x, int *fds, size_t count)
{
    struct address *a = &x->world.peers[0].address;
    int listener = loopback_listen(a);

    assert_int_equal(listen(listener, 0), 0);
    for (size_t i = 0; i < count; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(fds[i], &a->u.any, a->len);
    }
    return listener;
}

static void a_connect_that_hangs_times_out(void **state)
{
    struct trial *x = *state;
    int fds[3], listener = stall(x, fds, COUNT_OF(fds));
    uint64_t began_ms;

    be_plain(x);
    x->location.settings.proxy_connect_timeout_ms = 50;
    begin(x);
    began_ms = x->attempt.state_began_ms;
    assert_int_equal(settle(x), ATTEMPT_HAS_FAILED);
    assert_int_equal(x->outcome, OUTCOME_CONNECT_TIMEOUT);
    assert_true(loop_now_ms(x->world.t.loop) >= began_ms + 50);
    attempt_fail(&x->attempt, x->outcome);
    assert_int_equal(x->record.tries[0].status, 504);
    for (size_t i = 0; i < COUNT_OF(fds); i++)
        close(fds[i]);
    close(listener);
}

/* --- handshakes ------------------------------------------------------------------------------- */

static void a_verified_peer_is_ready_and_described(void **state)
{
    struct trial *x = *state;
    struct try_record *t = &x->record.tries[0];
    struct end other;

    begin(x);
    answer(x, &other, true);
    assert_int_equal(settle(x), ATTEMPT_IS_READY);
    assert_true(t->is_tls);
    assert_false(t->is_resumed);
    assert_string_equal(t->protocol, "TLSv1.3");
    assert_non_null(t->cipher);
    attempt_end(&x->attempt, false);
    end_deinit(&other);
}

static void a_wrong_name_is_refused_and_told(void **state)
{
    struct trial *x = *state;
    struct end other;

    x->world.peers[0].host = SPAN("b.example");
    begin(x);
    answer(x, &other, true);
    assert_int_equal(settle(x), ATTEMPT_HAS_FAILED);
    assert_int_equal(x->outcome, OUTCOME_NOT_VERIFIED);
    assert_true(
        span_starts_with(x->record.detail, SPAN("upstream SSL certificate verify error: ")));
    assert_non_null(memmem(x->record.detail.data, x->record.detail.len,
                           "(peer 127.0.0.1:1001, name looked for: \"b.example\" or \"group\")",
                           62));
    attempt_fail(&x->attempt, x->outcome);
    assert_int_equal(x->world.shared[0].handshakes_failed, 1);
    end_deinit(&other);
}

static void a_handshake_that_hangs_times_out(void **state)
{
    struct trial *x = *state;
    struct end other;

    x->location.settings.proxy_connect_timeout_ms = 50;
    begin(x);
    answer(x, &other, false); /* reads, and says nothing */
    assert_int_equal(settle(x), ATTEMPT_HAS_FAILED);
    assert_int_equal(x->outcome, OUTCOME_HANDSHAKE_TIMEOUT);
    attempt_fail(&x->attempt, x->outcome);
    assert_int_equal(x->world.shared[0].handshakes_failed, 1);
    assert_int_equal(x->world.upstream->peers[0].conf->shared->active_count, 0);
    end_deinit(&other);
}

static void a_peer_without_tls_fails_the_handshake(void **state)
{
    struct trial *x = *state;
    struct end other;

    begin(x);
    answer(x, &other, false);
    assert_int_equal(conn_write(&other.conn, SPAN("HTTP/1.1 400 Bad Request\r\n\r\n")), 0);
    assert_int_equal(settle(x), ATTEMPT_HAS_FAILED);
    assert_int_equal(x->outcome, OUTCOME_HANDSHAKE_FAILED);
    assert_true(span_starts_with(x->record.detail, SPAN("SSL handshake with upstream failed: ")));
    attempt_fail(&x->attempt, x->outcome);
    end_deinit(&other);
}

/* The peer is not to blame: the same one is tried again, with a full handshake. */
static void a_ticket_that_breaks_the_handshake_costs_one_more_try(void **state)
{
    struct trial *x = *state;
    struct world *w = &x->world;
    struct end others[2];

    w->peers[1].is_down = true;
    lane_keep_ticket(lane_of(w, 0, NULL), bench_ticket(TLS_PROTOCOL_1_3));
    begin(x);
    answer(x, &others[0], false);
    assert_int_equal(conn_write(&others[0].conn, SPAN("no TLS of yours")), 0);
    assert_int_equal(settle(x), ATTEMPT_HAS_FAILED);
    assert_int_equal(x->outcome, OUTCOME_TICKET_BROKE_HANDSHAKE);
    assert_true(attempt_may_retry(&x->attempt, x->outcome, 0));
    attempt_fail(&x->attempt, x->outcome);
    assert_int_equal(w->shared[0].failures, 0);
    begin(x);
    answer(x, &others[1], true);
    assert_int_equal(settle(x), ATTEMPT_IS_READY);
    assert_false(x->record.tries[1].is_resumed);
    attempt_end(&x->attempt, false);
    end_deinit(&others[0]);
    end_deinit(&others[1]);
}

/* --- certificates that requests choose -------------------------------------------------------- */

static struct template literal(const char *text)
{
    return (struct template){.is_literal = true, .text = span_of_cstr(text)};
}

static void an_empty_choice_is_no_certificate(void **state)
{
    struct trial *x = *state;
    struct certificate_conf conf = {.certificate = literal(""), .key = literal("/none")};

    x->world.pass.certificate = &conf;
    begin(x);
    assert_null(x->attempt.lane->certificate);
    assert_ptr_equal(x->attempt.lane, lane_of(&x->world, 0, NULL));
    attempt_end(&x->attempt, false);
}

static void the_chosen_certificate_decides_over_the_lane(void **state)
{
    struct trial *x = *state;
    struct certificate_conf conf = {.certificate = literal(bench_path("good.pem")),
                                    .key = literal(bench_path("leaf.key"))};
    struct certificate *c;

    x->world.pass.certificate = &conf;
    begin(x);
    c = x->attempt.lane->certificate;
    assert_non_null(c);
    assert_int_equal(c->ref_count, 1); /* the lane's: the try has given its own back */
    attempt_end(&x->attempt, false);
}

static void a_choice_that_cannot_be_loaded_ends_the_request_and_blames_no_peer(void **state)
{
    struct trial *x = *state;
    struct certificate_conf conf = {.certificate = literal("/none/a.pem"),
                                    .key = literal("/none/a.key")};

    x->world.pass.certificate = &conf;
    x->location.settings.proxy_next_upstream = ~NEXT_OFF;
    assert_int_equal(attempt_begin(&x->attempt), OUTCOME_INTERNAL);
    assert_true(span_equals(x->record.detail,
                            SPAN("\"proxy_ssl_certificate\" \"/none/a.pem\": open() failed (2: No "
                                 "such file or directory)")));
    assert_false(attempt_may_retry(&x->attempt, OUTCOME_INTERNAL, 0));
    attempt_fail(&x->attempt, OUTCOME_INTERNAL);
    assert_int_equal(x->world.shared[0].failures, 0);
    assert_int_equal(x->world.shared[0].active_count, 0);
    assert_int_equal(x->world.engine.upstream_conns.count_taken, 0);
}

/* --- what a failure costs --------------------------------------------------------------------- */

static void a_stale_connection_is_followed_by_a_new_one_to_the_same_peer(void **state)
{
    struct trial *x = *state;
    struct end others[2];

    be_plain(x);
    x->world.peers[1].is_down = true;
    begin(x);
    answer(x, &others[0], false);
    assert_int_equal(settle(x), ATTEMPT_IS_READY);
    attempt_end(&x->attempt, true);
    begin(x);
    attempt_fail(&x->attempt, OUTCOME_STALE_CONNECTION);
    begin(x); /* not among the tried, and not leased even if there were more */
    assert_false(x->attempt.is_reused);
    assert_int_equal(x->world.shared[0].failures, 0);
    answer(x, &others[1], false);
    assert_int_equal(settle(x), ATTEMPT_IS_READY);
    attempt_end(&x->attempt, false);
    end_deinit(&others[0]);
    end_deinit(&others[1]);
}

/* What was kept of it says nothing of the peer: the trial goes on with a new connection. */
static void a_stale_connection_does_not_end_a_trial(void **state)
{
    struct trial *x = *state;
    struct world *w = &x->world;

    be_plain(x);
    w->peers[1].is_down = true;
    w->shared[0].fail_count = 1;
    w->shared[0].down_until_ms = loop_now_ms(w->t.loop);
    begin(x);
    attempt_fail(&x->attempt, OUTCOME_STALE_CONNECTION);
    begin(x);
    attempt_fail(&x->attempt, OUTCOME_CLIENT_GONE);
    attempt_init(&x->attempt, &x->record, w->view, &w->task);
    assert_int_equal(attempt_begin(&x->attempt), OUTCOME_NO_PEER);
    assert_int_equal(w->shared[0].failures, 0);
}

/* The world's group with more peers, of which those up to `first` are down. */
static struct peer_conf *enlarge(struct trial *x, size_t count, size_t first)
{
    struct world *w = &x->world;
    struct peer_conf *confs = calloc(count, sizeof(*confs));
    char error[TLS_ERROR_BYTES];

    assert_non_null(confs);
    for (size_t i = 0; i < count; i++) {
        confs[i] = w->peers[0];
        confs[i].index = (unsigned)i;
        confs[i].is_down = i < first;
    }
    view_unref(w->view);
    w->group.peers = confs;
    w->group.peer_count = count;
    assert_int_equal(view_new(&w->engine, &w->snapshot, &w->view, error), 0);
    w->upstream = &w->view->upstreams[0];
    attempt_init(&x->attempt, &x->record, w->view, &w->task);
    return confs;
}

static void each_peer_beyond_64_has_its_try_and_then_there_is_none(void **state)
{
    static const size_t counts[] = {63, 64, 65, 130};

    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        size_t tries = 4;
        struct peer_conf *confs;
        struct trial *x;

        (void)set_up(state);
        x = *state;
        be_plain(x);
        x->world.peers[0].max_fails = 0;
        confs = enlarge(x, counts[i], counts[i] - tries);
        for (size_t k = 0; k < tries; k++) {
            begin(x);
            assert_ptr_equal(x->attempt.peer->conf, &confs[counts[i] - tries + k]);
            assert_int_equal(attempt_has_another_peer(&x->attempt), k + 1 < tries);
            if (k % 2)
                attempt_fail(&x->attempt, OUTCOME_CONNECT_FAILED);
            else
                attempt_fail_status(&x->attempt, 502);
        }
        assert_int_equal(attempt_begin(&x->attempt), OUTCOME_NO_PEER);
        (void)tear_down(state);
        free(confs);
    }
}

static void no_memory_for_the_tried_is_no_fault_of_a_peer(void **state)
{
    struct peer_conf *confs;
    struct trial *x;

    (void)set_up(state);
    x = *state;
    confs = enlarge(x, 65, 0);
    x->arena.total_bytes_max = 1;
    assert_int_equal(attempt_begin(&x->attempt), OUTCOME_NO_MEMORY);
    assert_null(x->attempt.peer);
    assert_int_equal(x->record.try_count, 0);
    attempt_fail(&x->attempt, OUTCOME_NO_MEMORY);
    (void)tear_down(state);
    free(confs);
}

static void statuses_that_are_tried_again_count_as_nginx_counts_them(void **state)
{
    static const struct {
        unsigned status, failures;
    } rows[] = {{403, 0}, {404, 0}, {500, 1}, {502, 1}, {503, 1}, {504, 1}};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct trial *x;

        (void)set_up(state);
        x = *state;
        be_plain(x);
        begin(x);
        assert_int_equal(settle(x), ATTEMPT_IS_READY);
        attempt_fail_status(&x->attempt, rows[i].status);
        assert_int_equal(x->record.tries[0].status, rows[i].status);
        assert_int_equal(x->world.shared[0].failures, rows[i].failures);
        begin(x);
        assert_ptr_equal(x->attempt.peer, &x->world.upstream->peers[1]);
        attempt_end(&x->attempt, false);
        (void)tear_down(state);
    }
}

static void another_try_is_made_where_the_rules_name_it(void **state)
{
    static const struct {
        unsigned rules;
        enum outcome outcome;
        unsigned status;
        bool may;
    } rows[] = {
        {NEXT_ERROR, OUTCOME_CONNECT_FAILED, 0, true},
        {NEXT_TIMEOUT, OUTCOME_CONNECT_FAILED, 0, false},
        {NEXT_ERROR, OUTCOME_CONNECT_TIMEOUT, 0, false},
        {NEXT_TIMEOUT, OUTCOME_READ_TIMEOUT, 0, true},
        {NEXT_ERROR | NEXT_TIMEOUT, OUTCOME_BAD_RESPONSE, 0, false},
        {NEXT_INVALID_HEADER, OUTCOME_BAD_RESPONSE, 0, true},
        {NEXT_ERROR, OUTCOME_NOT_VERIFIED, 0, true},
        {NEXT_ERROR | NEXT_TIMEOUT, OUTCOME_RESPONSE_CUT, 0, false},
        {NEXT_ERROR | NEXT_TIMEOUT, OUTCOME_CLIENT_GONE, 0, false},
        {NEXT_OFF, OUTCOME_CLOSED_EARLY, 0, false},
        {NEXT_OFF, OUTCOME_STALE_CONNECTION, 0, true},
        {NEXT_HTTP_503, OUTCOME_DONE, 503, true},
        {NEXT_HTTP_503, OUTCOME_DONE, 502, false},
        {NEXT_HTTP_404, OUTCOME_DONE, 404, true},
        {NEXT_HTTP_404, OUTCOME_DONE, 200, false},
    };
    struct trial *x = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        x->location.settings.proxy_next_upstream = rows[i].rules;
        if (attempt_may_retry(&x->attempt, rows[i].outcome, rows[i].status) != rows[i].may)
            fail_msg("row %zu", i);
    }
}

/* RFC 9110 section 9.2.2. */
static void what_is_not_idempotent_is_sent_once(void **state)
{
    struct trial *x = *state;

    for (int has_sent = 0; has_sent < 2; has_sent++) {
        x->attempt.has_sent = has_sent;
        x->record.asked_method = METHOD_POST;
        assert_int_equal(attempt_may_retry(&x->attempt, OUTCOME_CLOSED_EARLY, 0), !has_sent);
        x->record.asked_method = METHOD_GET;
        assert_true(attempt_may_retry(&x->attempt, OUTCOME_CLOSED_EARLY, 0));
    }
    x->record.asked_method = METHOD_POST;
    x->location.settings.proxy_next_upstream |= NEXT_NON_IDEMPOTENT;
    assert_true(attempt_may_retry(&x->attempt, OUTCOME_CLOSED_EARLY, 0));
}

static void tries_are_bounded_in_number_and_time(void **state)
{
    struct trial *x = *state;
    struct settings *s = &x->location.settings;

    s->proxy_next_upstream_tries = 3;
    x->record.try_count = 2;
    assert_true(attempt_may_retry(&x->attempt, OUTCOME_CONNECT_FAILED, 0));
    x->record.try_count = 3;
    assert_false(attempt_may_retry(&x->attempt, OUTCOME_CONNECT_FAILED, 0));
    assert_true(attempt_may_retry(&x->attempt, OUTCOME_STALE_CONNECTION, 0));
    s->proxy_next_upstream_tries = 0;
    x->record.try_count = TRIES_MAX - 1;
    assert_true(attempt_may_retry(&x->attempt, OUTCOME_CONNECT_FAILED, 0));
    x->record.try_count = TRIES_MAX;
    assert_false(attempt_may_retry(&x->attempt, OUTCOME_CONNECT_FAILED, 0));
    assert_false(attempt_may_retry(&x->attempt, OUTCOME_STALE_CONNECTION, 0));
    x->record.try_count = 0;
    s->proxy_next_upstream_timeout_ms = 1000;
    x->attempt.first_began_ms = loop_now_ms(x->world.t.loop) - 999;
    assert_true(attempt_may_retry(&x->attempt, OUTCOME_CONNECT_FAILED, 0));
    x->attempt.first_began_ms--;
    assert_false(attempt_may_retry(&x->attempt, OUTCOME_CONNECT_FAILED, 0));
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(it_connects_and_measures),
        CLAIM(a_kept_connection_is_used_again_at_once),
        CLAIM(a_refused_peer_is_tried_once_and_counts_as_failed),
        CLAIM(a_connect_that_hangs_times_out),
        CLAIM(a_verified_peer_is_ready_and_described),
        CLAIM(a_wrong_name_is_refused_and_told),
        CLAIM(a_handshake_that_hangs_times_out),
        CLAIM(a_peer_without_tls_fails_the_handshake),
        CLAIM(a_ticket_that_breaks_the_handshake_costs_one_more_try),
        CLAIM(an_empty_choice_is_no_certificate),
        CLAIM(the_chosen_certificate_decides_over_the_lane),
        CLAIM(a_choice_that_cannot_be_loaded_ends_the_request_and_blames_no_peer),
        CLAIM(a_stale_connection_is_followed_by_a_new_one_to_the_same_peer),
        CLAIM(a_stale_connection_does_not_end_a_trial),
        cmocka_unit_test(each_peer_beyond_64_has_its_try_and_then_there_is_none),
        cmocka_unit_test(no_memory_for_the_tried_is_no_fault_of_a_peer),
        cmocka_unit_test(statuses_that_are_tried_again_count_as_nginx_counts_them),
        CLAIM(another_try_is_made_where_the_rules_name_it),
        CLAIM(what_is_not_idempotent_is_sent_once),
        CLAIM(tries_are_bounded_in_number_and_time),
    };

    return cmocka_run_group_tests_name("proxy_attempt", tests, bench_init, bench_deinit);
}
