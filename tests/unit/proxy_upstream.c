/* Tests of proxy/upstream: connections that are opened, kept, leased and dropped. */
#include "../upstream_fixture.h"

static struct lane *plain_lane(struct world *w)
{
    w->pass.tls = NULL;
    return lane_of(w, 0, NULL);
}

static uint64_t world_counted(const struct world *w, enum counter c)
{
    return atomic_load(&w->engine.stats.counters[c]);
}

/* --- opening ---------------------------------------------------------------------------------- */

static void a_connection_belongs_to_its_lane_and_view(void **state)
{
    struct world *w = *state;
    struct lane *l = plain_lane(w);
    struct end other;
    struct upstream_conn *u = connected(w, l, &other);

    assert_ptr_equal(u->conn.owner, &w->task);
    assert_int_equal(l->conn_count, 1);
    assert_int_equal(w->view->ref_count, 2);
    assert_int_equal(world_counted(w, COUNTER_UPSTREAM_CONNECTS), 1);
    upstream_discard(u);
    end_deinit(&other);
}

static size_t chosen_count(const struct world *w)
{
    size_t count = 0;

    for (size_t i = 0; i < CERTIFICATE_BUCKETS; i++)
        count += !list_is_empty(&w->view->certificates.live[i]);
    return count;
}

static void a_chosen_certificate_goes_with_the_last_connection(void **state)
{
    struct world *w = *state;
    struct certificate *c = chosen(w, "a");
    struct lane *l = lane_with(w, c);
    struct upstream_conn *u[2];
    struct end others[2];

    for (size_t i = 0; i < 2; i++)
        u[i] = connected(w, l, &others[i]);
    certificate_unref(c);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(chosen_count(w), 1);
        upstream_discard(u[i]);
        end_deinit(&others[i]);
        turn_until(w->t.loop, w->engine.upstream_conns.count_taken == 1 - i);
    }
    assert_int_equal(chosen_count(w), 0);
    assert_true(list_is_empty(&w->upstream->peers[0].lanes));
}

static void a_chosen_certificate_goes_where_no_connection_can_be_made(void **state)
{
    struct world *w = *state;
    struct certificate *c = chosen(w, "a");
    struct lane *l = lane_with(w, c);
    struct upstream_conn *u[CONNECTIONS_MAX];
    int error;

    certificate_unref(c);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        u[i] = upstream_open(plain_lane(w), &no_link, &w->task, &error);
        assert_non_null(u[i]);
    }
    assert_null(upstream_open(l, &no_link, &w->task, &error));
    assert_int_equal(chosen_count(w), 0);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        upstream_discard(u[i]);
}

static void a_refused_connection_is_told_to_its_owner(void **state)
{
    struct world *w = *state;
    struct upstream_conn *u;
    struct address nobody;
    int error;

    close(loopback_listen(&nobody));
    w->peers[0].address = nobody;
    u = upstream_open(plain_lane(w), &no_link, &w->task, &error);
    assert_non_null(u);
    turn_until(w->t.loop, w->run_count);
    assert_int_equal(u->conn.error, -ECONNREFUSED);
    upstream_discard(u);
}

static void beyond_the_pool_there_is_no_memory(void **state)
{
    struct world *w = *state;
    struct upstream_conn *u[CONNECTIONS_MAX];
    int error;

    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        u[i] = upstream_open(plain_lane(w), &no_link, &w->task, &error);
        assert_non_null(u[i]);
    }
    assert_null(upstream_open(plain_lane(w), &no_link, &w->task, &error));
    assert_int_equal(error, -ENOMEM);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        upstream_discard(u[i]);
}

/* --- keeping and leasing ---------------------------------------------------------------------- */

/* So many connections that have served a request, given back in their order. */
static void give(struct world *w, struct upstream_conn **u, struct end *others, size_t count)
{
    for (size_t i = 0; i < count; i++)
        u[i] = connected(w, plain_lane(w), &others[i]);
    for (size_t i = 0; i < count; i++) {
        u[i]->request_count++;
        upstream_give(u[i]);
    }
}

static void the_warmest_connection_is_leased_first(void **state)
{
    struct world *w = *state;
    struct lane *l = plain_lane(w);
    struct upstream_conn *u[2];
    struct end others[2];

    give(w, u, others, 2);
    assert_int_equal(w->upstream->idle_count, 2);
    assert_ptr_equal(upstream_lease(l, &no_link, &w->task), u[1]);
    assert_ptr_equal(u[1]->conn.owner, &w->task);
    assert_ptr_equal(upstream_lease(l, &no_link, &w->task), u[0]);
    assert_null(upstream_lease(l, &no_link, &w->task));
    assert_int_equal(w->upstream->idle_count, 0);
    assert_int_equal(world_counted(w, COUNTER_UPSTREAM_REUSES), 2);
    for (size_t i = 0; i < 2; i++) {
        upstream_discard(u[i]);
        end_deinit(&others[i]);
    }
}

/* The receive that was armed while it was idle becomes the read of the response. */
static void a_leased_connection_carries_the_next_exchange(void **state)
{
    struct world *w = *state;
    struct upstream_conn *u;
    struct end other;

    give(w, &u, &other, 1);
    for (int i = 0; i < 3; i++)
        loop_turn(w->t.loop, 1);
    assert_true(u->conn.recv_op.is_in_flight);
    assert_ptr_equal(upstream_lease(plain_lane(w), &no_link, &w->task), u);
    conn_want_input(&other.conn);
    assert_int_equal(conn_write(&u->conn, SPAN("GET")), 0);
    turn_until(w->t.loop, other.got_len == 3);
    w->run_count = 0;
    assert_int_equal(conn_write(&other.conn, SPAN("200")), 0);
    turn_until(w->t.loop, w->run_count);
    assert_true(span_equals(conn_input(&u->conn), SPAN("200")));
    conn_consume(&u->conn, 3);
    upstream_give(u);
    assert_true(u->is_idle);
    upstream_discard(u);
    end_deinit(&other);
}

static void a_lane_never_leases_anothers(void **state)
{
    struct world *w = *state;
    struct upstream_conn *u;
    struct end other;

    give(w, &u, &other, 1);
    assert_null(upstream_lease(lane_of(w, 1, NULL), &no_link, &w->task));
    w->pass.tls = &w->profiles[0];
    assert_null(upstream_lease(lane_of(w, 0, NULL), &no_link, &w->task));
    upstream_discard(u);
    end_deinit(&other);
}

/* keepalive_max is 2: the one that was idle longest goes. */
static void beyond_the_limit_the_longest_idle_goes(void **state)
{
    struct world *w = *state;
    struct upstream_conn *u[3];
    struct end others[3];

    give(w, u, others, 3);
    assert_int_equal(w->upstream->idle_count, 2);
    assert_false(u[0]->is_idle);
    assert_true(u[1]->is_idle);
    turn_until(w->t.loop, w->engine.upstream_conns.count_taken == 2);
    conn_want_input(&others[0].conn);
    turn_until(w->t.loop, others[0].end == CONN_END_CLEAN);
    for (size_t i = 0; i < 3; i++) {
        if (i)
            upstream_discard(u[i]);
        end_deinit(&others[i]);
    }
}

static void keep_none(struct world *w, struct upstream_conn *u)
{
    w->group.keepalive_max = 0;
}

static void keep_for_one_request(struct world *w, struct upstream_conn *u)
{
    w->group.keepalive_requests = 1;
}

static void keep_for_no_time(struct world *w, struct upstream_conn *u)
{
    w->group.keepalive_time_ms = 0;
}

static void retire(struct world *w, struct upstream_conn *u)
{
    w->view->is_retired = true;
}

static void leave_output(struct world *w, struct upstream_conn *u)
{
    assert_int_equal(conn_write(&u->conn, SPAN("half a request")), 0);
}

static void end_it(struct world *w, struct upstream_conn *u)
{
    u->conn.end = CONN_END_CLEAN;
}

static void what_may_not_be_kept_is_closed(void **state)
{
    static void (*const reasons[])(struct world *, struct upstream_conn *) = {
        keep_none, keep_for_one_request, keep_for_no_time, retire, leave_output, end_it};

    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        struct world *w;
        struct upstream_conn *u;
        struct end other;

        (void)world_set_up(state);
        w = *state;
        u = connected(w, plain_lane(w), &other);
        u->request_count = 1;
        reasons[i](w, u);
        upstream_give(u);
        assert_int_equal(w->upstream->idle_count, 0);
        turn_until(w->t.loop, w->engine.upstream_conns.count_taken == 0);
        end_deinit(&other);
        (void)world_tear_down(state);
    }
}

/* --- what happens to idle ones ---------------------------------------------------------------- */

static void say_something(struct end *other)
{
    assert_int_equal(conn_write(&other->conn, SPAN("HTTP/1.1 200 nobody asked\r\n\r\n")), 0);
}

static void leave(struct end *other)
{
    conn_finish(&other->conn, false);
}

static void reset(struct end *other)
{
    conn_abort(&other->conn, true);
}

static void whatever_comes_on_an_idle_connection_it_goes(void **state)
{
    static void (*const events[])(struct end *) = {say_something, leave, reset};

    for (size_t i = 0; i < COUNT_OF(events); i++) {
        struct world *w;
        struct upstream_conn *u;
        struct end other;

        (void)world_set_up(state);
        w = *state;
        give(w, &u, &other, 1);
        events[i](&other);
        turn_until(w->t.loop, w->engine.upstream_conns.count_taken == 0);
        assert_null(upstream_lease(plain_lane(w), &no_link, &w->task));
        assert_int_equal(world_counted(w, COUNTER_UPSTREAM_SURPLUS), i == 0);
        end_deinit(&other);
        (void)world_tear_down(state);
    }
}

static void idle_connections_end_at_their_timeout(void **state)
{
    struct world *w = *state;
    struct upstream_conn *u;
    struct end other;
    uint64_t began_ms = loop_now_ms(w->t.loop);

    w->group.keepalive_timeout_ms = 30;
    give(w, &u, &other, 1);
    turn_until(w->t.loop, w->engine.upstream_conns.count_taken == 0);
    assert_true(loop_now_ms(w->t.loop) >= began_ms + 30);
    end_deinit(&other);
}

static void retiring_closes_what_is_idle_and_keeps_what_is_leased(void **state)
{
    struct world *w = *state;
    struct upstream_conn *u[2];
    struct end others[2];

    give(w, u, others, 2);
    assert_ptr_equal(upstream_lease(plain_lane(w), &no_link, &w->task), u[1]);
    view_retire(w->view);
    turn_until(w->t.loop, w->engine.upstream_conns.count_taken == 1);
    assert_true(conn_is_open(&u[1]->conn));
    upstream_give(u[1]);
    turn_until(w->t.loop, w->engine.upstream_conns.count_taken == 0);
    end_deinit(&others[0]);
    end_deinit(&others[1]);
}

/* An alert is waited for, a request that is given up is not: its peer might not read at all. */
static void discarding_does_not_wait_for_a_long_output(void **state)
{
    struct world *w = *state;
    char *bytes = calloc(1, 1 << 20);
    struct end other;
    struct upstream_conn *u = connected(w, plain_lane(w), &other);

    assert_int_equal(conn_write(&u->conn, span_of(bytes, 1 << 20)), 0);
    upstream_discard(u);
    assert_int_equal(u->conn.state, CONN_CLOSING);
    turn_until(w->t.loop, w->engine.upstream_conns.count_taken == 0);
    free(bytes);
    end_deinit(&other);
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, world_set_up, world_tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(a_connection_belongs_to_its_lane_and_view),
        CLAIM(a_chosen_certificate_goes_with_the_last_connection),
        CLAIM(a_chosen_certificate_goes_where_no_connection_can_be_made),
        CLAIM(a_refused_connection_is_told_to_its_owner),
        CLAIM(beyond_the_pool_there_is_no_memory),
        CLAIM(the_warmest_connection_is_leased_first),
        CLAIM(a_leased_connection_carries_the_next_exchange),
        CLAIM(a_lane_never_leases_anothers),
        CLAIM(beyond_the_limit_the_longest_idle_goes),
        cmocka_unit_test(what_may_not_be_kept_is_closed),
        cmocka_unit_test(whatever_comes_on_an_idle_connection_it_goes),
        CLAIM(idle_connections_end_at_their_timeout),
        CLAIM(retiring_closes_what_is_idle_and_keeps_what_is_leased),
        CLAIM(discarding_does_not_wait_for_a_long_output),
    };

    return cmocka_run_group_tests_name("proxy_upstream", tests, bench_init, bench_deinit);
}
