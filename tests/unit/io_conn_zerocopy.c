/* Tests of io/conn: output that is sent without copies, and conns that end meanwhile. */
#include "../child.h"
#include "../conn_fixture.h"

#define FROM_BYTES 20000
#define TOTAL_BYTES 300000
#define OUTSTANDING_BYTES 60000

static const struct turning_sizes sizes = {64, 16, 8, 64, .zerocopy_bytes = FROM_BYTES};

static int set_up(void **state)
{
    return turning_set_up_with(state, &sizes);
}

static void write_pattern(struct end *e, size_t len)
{
    char *bytes = pattern(len);

    assert_int_equal(conn_write(&e->conn, span_of(bytes, len)), 0);
    free(bytes);
}

static void assert_pattern_comes(struct turning *t, int peer, size_t len)
{
    char *bytes = pattern(len), *got = malloc(len);

    assert_int_equal(peer_read(t, peer, got, len), len);
    assert_memory_equal(got, bytes, len);
    free(bytes);
    free(got);
}

/* Sent to a peer that takes little: the kernel goes on reading it. */
static void be_outstanding(struct end *e, struct turning *t, int *peer)
{
    static const int narrow = 4096;

    end_open_tcp(e, t, peer);
    assert_int_equal(setsockopt(*peer, SOL_SOCKET, SO_RCVBUF, &narrow, sizeof(narrow)), 0);
    write_pattern(e, OUTSTANDING_BYTES);
    turn_until(t->loop, e->conn.lent_bytes == OUTSTANDING_BYTES);
    loop_turn(t->loop, 50);
}

/* --- sending ---------------------------------------------------------------------------------- */

static void what_is_sent_arrives_whole(void **state)
{
    struct turning *t = *state;
    struct end e;
    int peer;

    end_open_tcp(&e, t, &peer);
    write_pattern(&e, TOTAL_BYTES);
    assert_pattern_comes(t, peer, TOTAL_BYTES);
    turn_until(t->loop, !conn_out_bytes(&e.conn));
    assert_int_equal(e.conn.sent_bytes, TOTAL_BYTES);
    assert_true(counted(t, COUNTER_ZEROCOPY_SENDS) > 0);
    assert_int_equal(t->chunks.slab.count_taken, 0);
    close(peer);
    end_deinit(&e);
}

static void smaller_sends_are_copied(void **state)
{
    struct turning *t = *state;
    struct end e;
    int peer;

    end_open_tcp(&e, t, &peer);
    write_pattern(&e, FROM_BYTES - 1);
    assert_pattern_comes(t, peer, FROM_BYTES - 1);
    turn_until(t->loop, !conn_out_bytes(&e.conn));
    assert_int_equal(counted(t, COUNTER_ZEROCOPY_SENDS), 0);
    write_pattern(&e, FROM_BYTES);
    assert_pattern_comes(t, peer, FROM_BYTES);
    turn_until(t->loop, !conn_out_bytes(&e.conn));
    assert_int_equal(counted(t, COUNTER_ZEROCOPY_SENDS), 1);
    close(peer);
    end_deinit(&e);
}

/* The socket takes a part at a time. */
static void partial_sends_lose_and_double_nothing(void **state)
{
    static const int narrow = 4096;
    struct turning *t = *state;
    struct end e;
    int peer;

    end_open_tcp(&e, t, &peer);
    assert_int_equal(setsockopt(e.conn.fd, SOL_SOCKET, SO_SNDBUF, &narrow, sizeof(narrow)), 0);
    write_pattern(&e, TOTAL_BYTES);
    assert_pattern_comes(t, peer, TOTAL_BYTES);
    turn_until(t->loop, !conn_out_bytes(&e.conn));
    assert_true(counted(t, COUNTER_SHORT_SENDS) > 0);
    assert_true(counted(t, COUNTER_ZEROCOPY_SENDS) > 0);
    close(peer);
    end_deinit(&e);
}

static void chunks_stay_until_the_notification(void **state)
{
    struct turning *t = *state;
    struct end e;
    int peer;

    be_outstanding(&e, t, &peer);
    assert_int_equal(e.conn.lent_sends, 1);
    assert_int_equal(e.conn.out.bytes, 0);
    assert_int_equal(conn_out_bytes(&e.conn), OUTSTANDING_BYTES);
    assert_int_equal(t->chunks.slab.count_taken, 2);
    assert_pattern_comes(t, peer, OUTSTANDING_BYTES);
    turn_until(t->loop, !conn_out_bytes(&e.conn));
    assert_int_equal(t->chunks.slab.count_taken, 0);
    assert_int_equal(e.conn.lent_sends, 0);
    close(peer);
    end_deinit(&e);
}

/* Acknowledgements take a round trip: no send waits for that of the one before. */
static void others_follow_meanwhile(void **state)
{
    struct turning *t = *state;
    char text[8] = "";
    struct end e;
    int peer;

    be_outstanding(&e, t, &peer);
    write_pattern(&e, OUTSTANDING_BYTES);
    turn_until(t->loop, e.conn.lent_bytes == 2 * OUTSTANDING_BYTES);
    assert_int_equal(e.conn.lent_sends, 2);
    assert_int_equal(conn_write(&e.conn, SPAN("behind")), 0); /* so little is copied */
    turn_until(t->loop, !e.conn.out.bytes);
    assert_int_equal(e.conn.lent_sends, 2);
    assert_pattern_comes(t, peer, OUTSTANDING_BYTES);
    assert_pattern_comes(t, peer, OUTSTANDING_BYTES);
    assert_int_equal(peer_read(t, peer, text, 6), 6);
    assert_string_equal(text, "behind");
    turn_until(t->loop, !conn_out_bytes(&e.conn));
    assert_int_equal(t->chunks.slab.count_taken, 0);
    close(peer);
    end_deinit(&e);
}

/* What the peer has not acknowledged counts: its source waits. */
static void room_comes_back_with_the_acknowledgement(void **state)
{
    static const struct turning_sizes little = {
        64, 16, 8, 64, .high_water = OUTSTANDING_BYTES, .zerocopy_bytes = FROM_BYTES};
    struct turning t;
    struct end e;
    int peer;

    turning_init_with(&t, &little);
    be_outstanding(&e, &t, &peer);
    assert_false(conn_has_room(&e.conn));
    assert_int_equal(e.run_count, 0);
    assert_pattern_comes(&t, peer, OUTSTANDING_BYTES);
    turn_until(t.loop, e.run_count);
    assert_true(conn_has_room(&e.conn));
    close(peer);
    end_deinit(&e);
    turning_deinit(&t);
}

static void a_unix_socket_gets_copies(void **state)
{
    struct turning *t = *state;
    struct end e;
    int peer;

    end_open(&e, t, &peer);
    write_pattern(&e, TOTAL_BYTES);
    assert_pattern_comes(t, peer, TOTAL_BYTES);
    turn_until(t->loop, !conn_out_bytes(&e.conn));
    assert_int_equal(e.conn.error, 0);
    assert_int_equal(counted(t, COUNTER_ZEROCOPY_REFUSED), 1);
    assert_int_equal(counted(t, COUNTER_ZEROCOPY_SENDS), 0);
    close(peer);
    end_deinit(&e);
}

/* Somebody without rights, and whose rings nobody else's are counted with. */
static void become_somebody_else(void)
{
    uid_t id = 1000000 + (uid_t)getpid();

    if (geteuid() == 0)
        EXPECT(setresgid(id, id, id) == 0 && setresuid(id, id, id) == 0);
}

/* Enough for the ring, and less than one send. */
static void send_beyond_the_limit(void *arg)
{
    struct turning t;
    struct end e;
    int peer;

    limit_to(RLIMIT_MEMLOCK, 128 * 1024, 128 * 1024);
    become_somebody_else();
    turning_init_with(&t, &sizes);
    end_open_tcp(&e, &t, &peer);
    write_pattern(&e, TOTAL_BYTES);
    assert_pattern_comes(&t, peer, TOTAL_BYTES);
    turn_until(t.loop, !conn_out_bytes(&e.conn));
    EXPECT(counted(&t, COUNTER_ZEROCOPY_REFUSED) == 1);
    EXPECT(e.conn.error == 0);
}

static void beyond_the_limit_on_locked_memory_it_is_copied(void **state)
{
    holds_in_child(send_beyond_the_limit, NULL);
}

/* --- ending ----------------------------------------------------------------------------------- */

static void an_abort_does_not_wait_for_the_peer(void **state)
{
    for (int resets = 0; resets < 2; resets++) {
        struct turning *t = *state;
        struct end e;
        char byte;
        int peer;

        be_outstanding(&e, t, &peer);
        conn_abort(&e.conn, resets);
        assert_false(conn_is_closed(&e.conn));
        turn_until(t->loop, conn_is_closed(&e.conn));
        assert_int_equal(e.conn.lent_sends, 0);
        assert_int_equal(e.conn.fd, -1);
        while (read(peer, &byte, 1) == 1)
            ;
        assert_int_equal(errno, ECONNRESET); /* what it lacks, it will not get */
        close(peer);
        end_deinit(&e);
    }
}

/* Taken by the socket in part, or not at all: as it may be when the abort comes. */
static void an_abort_before_the_socket_takes_all_closes(void **state)
{
    struct turning *t = *state;
    struct end e;
    int peer;

    end_open_tcp(&e, t, &peer);
    write_pattern(&e, 1 << 20);
    for (int i = 0; i < 5; i++)
        loop_turn(t->loop, 1);
    assert_true(e.conn.is_taking || e.conn.send_op.is_in_flight);
    conn_abort(&e.conn, false);
    turn_until(t->loop, conn_is_closed(&e.conn));
    close(peer);
    end_deinit(&e);
}

static void a_finish_waits_until_the_peer_has_all(void **state)
{
    struct turning *t = *state;
    struct end e;
    int peer;

    be_outstanding(&e, t, &peer);
    conn_finish(&e.conn, false);
    for (int i = 0; i < 5; i++)
        loop_turn(t->loop, 10);
    assert_int_equal(e.conn.state, CONN_FINISHING);
    assert_pattern_comes(t, peer, OUTSTANDING_BYTES);
    assert_true(peer_has_ended(t, peer));
    turn_until(t->loop, conn_is_closed(&e.conn));
    close(peer);
    end_deinit(&e);
}

static void a_peer_that_resets_ends_it(void **state)
{
    static const struct linger at_once = {.l_onoff = 1};
    struct turning *t = *state;
    struct end e;
    int peer;

    be_outstanding(&e, t, &peer);
    conn_want_input(&e.conn);
    loop_turn(t->loop, 0);
    assert_int_equal(setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    close(peer);
    turn_until(t->loop, e.end == CONN_END_FAILED);
    turn_until(t->loop, !e.conn.lent_sends);
    end_deinit(&e);
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, set_up, turning_tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(what_is_sent_arrives_whole),
        CLAIM(smaller_sends_are_copied),
        CLAIM(partial_sends_lose_and_double_nothing),
        CLAIM(chunks_stay_until_the_notification),
        CLAIM(others_follow_meanwhile),
        cmocka_unit_test(room_comes_back_with_the_acknowledgement),
        CLAIM(a_unix_socket_gets_copies),
        cmocka_unit_test(beyond_the_limit_on_locked_memory_it_is_copied),
        CLAIM(an_abort_does_not_wait_for_the_peer),
        CLAIM(an_abort_before_the_socket_takes_all_closes),
        CLAIM(a_finish_waits_until_the_peer_has_all),
        CLAIM(a_peer_that_resets_ends_it),
    };

    return cmocka_run_group_tests_name("io_conn_zerocopy", tests, NULL, NULL);
}
