/* Tests of io/conn: how conns end, from every state. */
#include "../conn_fixture.h"

#define STUCK_BYTES (4 << 20) /* more than any socket takes */

static int set_up(void **state)
{
    static const struct turning_sizes sizes = {64, 16, 8, 200};

    return turning_set_up_with(state, &sizes);
}

/* A send that the kernel cannot complete. */
static void make_stuck(struct end *e)
{
    char *bytes = calloc(1, STUCK_BYTES);

    assert_int_equal(conn_write(&e->conn, span_of(bytes, STUCK_BYTES)), 0);
    free(bytes);
    for (int i = 0; i < 5; i++)
        loop_turn(e->t->loop, 1);
    assert_true(e->conn.send_op.is_in_flight);
}

/* --- finish ----------------------------------------------------------------------------------- */

static void finish_sends_all_and_closes(void **state)
{
    struct turning *t = *state;
    char *got = malloc(300000), *bytes = pattern(300000);
    struct end e;
    int peer;

    end_open_tcp(&e, t, &peer);
    assert_int_equal(conn_write(&e.conn, span_of(bytes, 300000)), 0);
    conn_finish(&e.conn, false);
    assert_int_equal(peer_read(t, peer, got, 300000), 300000);
    assert_memory_equal(got, bytes, 300000);
    assert_true(peer_has_ended(t, peer));
    turn_until(t->loop, conn_is_closed(&e.conn));
    free(bytes);
    free(got);
    close(peer);
    end_deinit(&e);
}

/* Nothing else happens in this loop: the conn must not wait for other events to go on. */
static void finish_closes_without_further_events(void **state)
{
    struct turning *t = *state;
    uint64_t began_us = loop_now_us(t->loop);
    struct end e;
    int peer;

    end_open(&e, t, &peer);
    assert_int_equal(conn_write(&e.conn, SPAN("bye")), 0);
    conn_finish(&e.conn, false);
    for (int i = 0; i < 10 && !conn_is_closed(&e.conn); i++)
        loop_turn(t->loop, 3000);
    assert_true(conn_is_closed(&e.conn));
    assert_true(loop_now_us(t->loop) - began_us < 2900 * 1000);
    close(peer);
    end_deinit(&e);
}

static void the_owner_is_told_when_it_is_closed(void **state)
{
    struct turning *t = *state;
    struct end e;
    int peer;

    end_open(&e, t, &peer);
    conn_finish(&e.conn, false);
    turn_until(t->loop, e.run_count);
    assert_true(conn_is_closed(&e.conn));
    assert_int_equal(e.conn.fd, -1);
    close(peer);
    end_deinit(&e);
}

/* The peer still sends: a close would reset what we have just said. */
static void lingering_reads_on_until_the_peer_ends(void **state)
{
    struct turning *t = *state;
    struct end e;
    int peer;

    end_open_tcp(&e, t, &peer);
    assert_int_equal(conn_write(&e.conn, SPAN("no")), 0);
    conn_finish(&e.conn, true);
    turn_until(t->loop, e.conn.state == CONN_LINGERING);
    for (int i = 0; i < 20; i++) {
        peer_write(peer, "what nobody wants any more");
        loop_turn(t->loop, 1);
    }
    assert_int_equal(e.conn.state, CONN_LINGERING);
    assert_int_equal(peer_read(t, peer, (char[2]){0}, 2), 2);
    assert_true(peer_has_ended(t, peer));
    assert_int_equal(shutdown(peer, SHUT_WR), 0);
    turn_until(t->loop, conn_is_closed(&e.conn));
    assert_int_equal(e.got_len, 0);
    close(peer);
    end_deinit(&e);
}

static void lingering_is_short_when_the_peer_has_ended(void **state)
{
    struct turning *t = *state;
    struct end e;
    int peer;

    end_open(&e, t, &peer);
    conn_want_input(&e.conn);
    assert_int_equal(shutdown(peer, SHUT_WR), 0);
    turn_until(t->loop, e.end == CONN_END_CLEAN);
    conn_finish(&e.conn, true);
    turn_until(t->loop, conn_is_closed(&e.conn));
    close(peer);
    end_deinit(&e);
}

static void finish_waits_for_a_slow_reader(void **state)
{
    struct turning *t = *state;
    char *got = malloc(STUCK_BYTES);
    struct end e;
    int peer;

    end_open(&e, t, &peer);
    make_stuck(&e);
    conn_finish(&e.conn, false);
    for (int i = 0; i < 5; i++)
        loop_turn(t->loop, 1);
    assert_int_equal(e.conn.state, CONN_FINISHING);
    assert_int_equal(peer_read(t, peer, got, STUCK_BYTES), STUCK_BYTES);
    assert_true(peer_has_ended(t, peer));
    turn_until(t->loop, conn_is_closed(&e.conn));
    free(got);
    close(peer);
    end_deinit(&e);
}

static void finish_gives_up_when_the_peer_leaves(void **state)
{
    struct turning *t = *state;
    struct end e;
    int peer;

    end_open(&e, t, &peer);
    make_stuck(&e);
    conn_finish(&e.conn, true);
    close(peer);
    turn_until(t->loop, conn_is_closed(&e.conn));
    end_deinit(&e);
}

static void ending_the_output_leaves_the_input_open(void **state)
{
    struct turning *t = *state;
    struct end e;
    char got[4];
    int peer;

    end_open(&e, t, &peer);
    conn_want_input(&e.conn);
    assert_int_equal(conn_write(&e.conn, SPAN("done")), 0);
    conn_end_output(&e.conn);
    conn_end_output(&e.conn);
    assert_int_equal(peer_read(t, peer, got, 4), 4);
    assert_true(peer_has_ended(t, peer));
    peer_write(peer, "not yet");
    turn_until(t->loop, e.got_len == 7);
    assert_true(conn_is_open(&e.conn));
    conn_finish(&e.conn, false);
    turn_until(t->loop, conn_is_closed(&e.conn));
    close(peer);
    end_deinit(&e);
}

static void the_owner_is_told_when_its_output_has_ended(void **state)
{
    struct turning *t = *state;
    char *got = malloc(STUCK_BYTES);
    unsigned before;
    struct end e;
    int peer;

    end_open_tcp(&e, t, &peer);
    make_stuck(&e);
    conn_end_output(&e.conn);
    before = e.run_count;
    assert_int_equal(peer_read(t, peer, got, STUCK_BYTES), STUCK_BYTES);
    assert_true(peer_has_ended(t, peer));
    turn_until(t->loop, e.run_count > before);
    assert_int_equal(conn_out_bytes(&e.conn), 0);
    assert_true(conn_is_open(&e.conn));
    free(got);
    close(peer);
    end_deinit(&e);
}

/* --- abort ------------------------------------------------------------------------------------ */

static void be_idle(struct end *e)
{
}

static void be_reading(struct end *e)
{
    conn_want_input(&e->conn);
    loop_turn(e->t->loop, 0);
    loop_turn(e->t->loop, 0);
    assert_true(e->conn.recv_op.is_in_flight);
}

static void be_reading_and_stuck(struct end *e)
{
    conn_want_input(&e->conn);
    make_stuck(e);
    assert_true(e->conn.recv_op.is_in_flight);
}

static void be_finishing(struct end *e)
{
    be_reading_and_stuck(e);
    conn_finish(&e->conn, true);
    loop_turn(e->t->loop, 0);
    assert_int_equal(e->conn.state, CONN_FINISHING);
}

static void be_lingering(struct end *e)
{
    conn_finish(&e->conn, true);
    turn_until(e->t->loop, e->conn.state == CONN_LINGERING);
}

static void be_ending_output(struct end *e)
{
    make_stuck(e);
    conn_end_output(&e->conn);
}

static void (*const situations[])(struct end *) = {be_idle,         be_reading,
                                                   make_stuck,      be_reading_and_stuck,
                                                   be_finishing,    be_lingering,
                                                   be_ending_output};

static void abort_closes_from_every_state(void **state)
{
    struct turning *t = *state;

    for (size_t i = 0; i < COUNT_OF(situations); i++) {
        struct end e;
        int peer;

        end_open_tcp(&e, t, &peer);
        situations[i](&e);
        conn_abort(&e.conn, false);
        conn_abort(&e.conn, true); /* the first one counts */
        conn_finish(&e.conn, true);
        assert_int_equal(e.conn.state, CONN_CLOSING);
        turn_until(t->loop, conn_is_closed(&e.conn));
        close(peer);
        end_deinit(&e);
        assert_int_equal(t->chunks.slab.count_taken, 0);
    }
}

static void abort_with_reset_is_seen_as_one(void **state)
{
    struct turning *t = *state;

    for (size_t i = 0; i < COUNT_OF(situations); i++) {
        char *sink = malloc(STUCK_BYTES);
        struct end e;
        int peer;

        end_open_tcp(&e, t, &peer);
        situations[i](&e);
        conn_abort(&e.conn, true);
        turn_until(t->loop, conn_is_closed(&e.conn));
        /* Where our side had been shut before, the peer reads that end first. */
        if (situations[i] != be_lingering)
            assert_int_equal(peer_read(t, peer, sink, STUCK_BYTES), -1);
        close(peer);
        end_deinit(&e);
        free(sink);
    }
}

static void abort_drops_data_that_comes_meanwhile(void **state)
{
    struct turning *t = *state;
    struct end e;
    int peer;

    end_open(&e, t, &peer);
    be_reading(&e);
    peer_write(peer, "too late");
    conn_abort(&e.conn, false);
    turn_until(t->loop, conn_is_closed(&e.conn));
    assert_int_equal(conn_input(&e.conn).len, 0);
    assert_int_equal(e.got_len, 0);
    close(peer);
    end_deinit(&e);
}

/* A listener whose queue is full: the next connect hangs. */
static void a_connect_that_hangs_is_cancelled(void **state)
{
    struct turning *t = *state;
    struct address a;
    int listener = loopback_listen(&a);
    struct end e[4];

    assert_int_equal(listen(listener, 0), 0);
    for (size_t i = 0; i < COUNT_OF(e); i++) {
        end_init(&e[i], t);
        e[i].reads = false;
        assert_int_equal(conn_connect(&e[i].conn, t->loop, &t->chunks,
                                      &(struct conn_route){.to = &a}, &e[i].task),
                         0);
        loop_turn(t->loop, 10);
    }
    assert_int_equal(e[3].conn.state, CONN_CONNECTING);
    conn_finish(&e[3].conn, true);
    assert_int_equal(e[3].conn.state, CONN_CLOSING);
    turn_until(t->loop, conn_is_closed(&e[3].conn));
    for (size_t i = 0; i < COUNT_OF(e); i++)
        end_deinit(&e[i]);
    close(listener);
}

/* --- assertions ------------------------------------------------------------------------------- */

static void deinit_while_open(void)
{
    struct turning t;
    struct end e;
    int peer;

    turning_init(&t);
    end_open(&e, &t, &peer);
    conn_deinit(&e.conn);
}

static void a_conn_is_never_left_before_it_is_closed(void **state)
{
    assert_true(aborts(deinit_while_open));
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, set_up, turning_tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(finish_sends_all_and_closes),
        CLAIM(finish_closes_without_further_events),
        CLAIM(the_owner_is_told_when_it_is_closed),
        CLAIM(lingering_reads_on_until_the_peer_ends),
        CLAIM(lingering_is_short_when_the_peer_has_ended),
        CLAIM(finish_waits_for_a_slow_reader),
        CLAIM(finish_gives_up_when_the_peer_leaves),
        CLAIM(ending_the_output_leaves_the_input_open),
        CLAIM(the_owner_is_told_when_its_output_has_ended),
        CLAIM(abort_closes_from_every_state),
        CLAIM(abort_with_reset_is_seen_as_one),
        CLAIM(abort_drops_data_that_comes_meanwhile),
        CLAIM(a_connect_that_hangs_is_cancelled),
        cmocka_unit_test(a_conn_is_never_left_before_it_is_closed),
    };

    return cmocka_run_group_tests_name("io_conn_end", tests, NULL, NULL);
}
