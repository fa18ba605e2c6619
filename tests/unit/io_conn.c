/* Tests of io/conn: connecting, reading and writing without TLS. */
#include "../conn_fixture.h"

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/un.h>

/* --- reading ---------------------------------------------------------------------------------- */

static void what_comes_is_read_where_it_lies(void **state)
{
    struct turning *t = *state;
    struct end e;
    int peer;

    end_open(&e, t, &peer);
    e.reads = false;
    conn_want_input(&e.conn);
    peer_write(peer, "hello world");
    turn_until(t->loop, e.run_count);
    assert_true(span_equals(conn_input(&e.conn), SPAN("hello world")));
    conn_consume(&e.conn, 6);
    assert_true(span_equals(conn_input(&e.conn), SPAN("world")));
    assert_int_equal(conn_end(&e.conn), CONN_END_NONE);
    conn_consume(&e.conn, 5);
    assert_int_equal(conn_input(&e.conn).len, 0);
    assert_int_equal(e.conn.received_bytes, 11);
    close(peer);
    end_deinit(&e);
}

/* The receive buffers are used again and again meanwhile. */
static void unread_input_is_held_over_turns(void **state)
{
    struct turning *t = *state;
    struct end e, other;
    int peer, other_peer;

    end_open(&e, t, &peer);
    end_open(&other, t, &other_peer);
    e.reads = false;
    conn_want_input(&e.conn);
    peer_write(peer, "keep this");
    turn_until(t->loop, e.run_count);
    conn_consume(&e.conn, 5);
    conn_want_input(&other.conn);
    for (size_t i = 1; i <= 40; i++) {
        peer_write(other_peer, "123456789");
        turn_until(t->loop, other.got_len == 9 * i);
    }
    assert_true(span_equals(conn_input(&e.conn), SPAN("this")));
    conn_consume(&e.conn, 4);
    assert_int_equal(t->chunks.slab.count_taken, 0);
    close(peer);
    close(other_peer);
    end_deinit(&e);
    end_deinit(&other);
}

static void nothing_is_received_while_bytes_are_unread(void **state)
{
    struct turning *t = *state;
    struct end e;
    int peer;

    end_open(&e, t, &peer);
    e.reads = false;
    conn_want_input(&e.conn);
    peer_write(peer, "first");
    turn_until(t->loop, e.run_count);
    peer_write(peer, "second");
    conn_want_input(&e.conn);
    for (int i = 0; i < 5; i++)
        loop_turn(t->loop, 1);
    assert_true(span_equals(conn_input(&e.conn), SPAN("first")));
    assert_false(e.conn.recv_op.is_in_flight);
    assert_true(e.run_count > 1); /* told that there is some already */
    conn_consume(&e.conn, 5);
    conn_want_input(&e.conn);
    turn_until(t->loop, conn_input(&e.conn).len);
    assert_true(span_equals(conn_input(&e.conn), SPAN("second")));
    close(peer);
    end_deinit(&e);
}

static void a_stream_that_fills_buffers_gets_large_ones(void **state)
{
    struct turning *t = *state;
    char *bytes = pattern(400000);
    struct end e;
    size_t sent = 0;
    int peer;

    end_open(&e, t, &peer);
    conn_want_input(&e.conn);
    while (e.got_len < 400000) {
        ssize_t n = write(peer, bytes + sent, 400000 - sent);

        sent += n > 0 ? (size_t)n : 0;
        loop_turn(t->loop, 20);
    }
    assert_memory_equal(e.got, bytes, 400000);
    assert_true(e.run_count < 400000 / SMALL_BUFFER_BYTES);
    peer_write(peer, "x");
    turn_until(t->loop, e.got_len == 400001);
    assert_false(e.conn.is_bulk);
    free(bytes);
    close(peer);
    end_deinit(&e);
}

static void an_end_is_told_after_the_last_byte(void **state)
{
    struct turning *t = *state;
    struct end e;
    int peer;

    end_open(&e, t, &peer);
    e.reads = false;
    conn_want_input(&e.conn);
    peer_write(peer, "last words");
    close(peer);
    turn_until(t->loop, e.run_count);
    assert_int_equal(conn_end(&e.conn), CONN_END_NONE);
    e.reads = true;
    loop_ready(t->loop, &e.task);
    turn_until(t->loop, e.end != CONN_END_NONE);
    assert_got(&e, "last words");
    assert_int_equal(e.end, CONN_END_CLEAN);
    assert_int_equal(e.conn.error, 0);
    end_deinit(&e);
}

static void peer_reset(int fd)
{
    static const struct linger at_once = {.l_onoff = 1};

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    close(fd);
}

static void a_reset_is_a_failure(void **state)
{
    struct turning *t = *state;
    struct end e;
    int peer;

    end_open_tcp(&e, t, &peer);
    conn_want_input(&e.conn);
    loop_turn(t->loop, 0);
    peer_reset(peer);
    turn_until(t->loop, e.end != CONN_END_NONE);
    assert_int_equal(e.end, CONN_END_FAILED);
    assert_int_equal(e.conn.error, -ECONNRESET);
    end_deinit(&e);
}

/* ---- while nothing is read ---- */

/* Bytes came and stay unread. */
static void have_unread(struct end *e, struct turning *t, int peer, const char *text)
{
    e->reads = false;
    conn_want_input(&e->conn);
    peer_write(peer, text);
    turn_until(t->loop, conn_input(&e->conn).len);
    loop_turn(t->loop, 0);
    e->run_count = 0;
    assert_false(conn_is_heard(&e->conn));
    conn_watch(&e->conn);
    assert_true(conn_is_heard(&e->conn));
}

static void a_peer_that_resets_is_noticed_before_its_bytes_are_read(void **state)
{
    struct turning *t = *state;
    struct end e;
    int peer;

    end_open_tcp(&e, t, &peer);
    have_unread(&e, t, peer, "unread");
    loop_turn(t->loop, 1);
    assert_int_equal(e.run_count, 0);
    peer_reset(peer);
    turn_until(t->loop, e.run_count);
    assert_int_equal(e.conn.error, -ECONNRESET);
    assert_int_equal(conn_end(&e.conn), CONN_END_FAILED);
    end_deinit(&e);
}

static void an_end_behind_unread_bytes_is_known_before_they_are_read(void **state)
{
    struct turning *t = *state;
    struct end e;
    int peer;

    end_open_tcp(&e, t, &peer);
    have_unread(&e, t, peer, "unread");
    assert_false(conn_is_ending(&e.conn));
    assert_int_equal(shutdown(peer, SHUT_WR), 0);
    turn_until(t->loop, e.run_count);
    assert_true(conn_is_ending(&e.conn));
    assert_int_equal(conn_end(&e.conn), CONN_END_NONE);
    assert_false(e.conn.error);
    assert_true(conn_is_heard(&e.conn));
    assert_false(e.conn.recv_op.is_in_flight);
    close(peer);
    end_deinit(&e);
}

static void what_was_watched_is_read_to_its_end(void **state)
{
    struct turning *t = *state;
    struct end e;
    int peer;

    end_open_tcp(&e, t, &peer);
    have_unread(&e, t, peer, "one");
    peer_write(peer, " two");
    assert_int_equal(shutdown(peer, SHUT_WR), 0);
    turn_until(t->loop, conn_is_ending(&e.conn));
    e.reads = true;
    loop_ready(t->loop, &e.task);
    turn_until(t->loop, e.end == CONN_END_CLEAN);
    assert_got(&e, "one two");
    close(peer);
    end_deinit(&e);
}

static void watching_ends_when_more_is_wanted(void **state)
{
    struct turning *t = *state;
    struct end e;
    int peer;

    end_open_tcp(&e, t, &peer);
    have_unread(&e, t, peer, "one");
    e.reads = true;
    loop_ready(t->loop, &e.task);
    turn_until(t->loop, e.got_len == 3);
    peer_write(peer, " two");
    turn_until(t->loop, e.got_len == 7);
    assert_got(&e, "one two");
    close(peer);
    end_deinit(&e);
}

static void a_conn_that_is_watched_lingers_and_closes(void **state)
{
    struct turning *t = *state;
    struct end e;
    int peer;

    end_open_tcp(&e, t, &peer);
    have_unread(&e, t, peer, "unread");
    conn_finish(&e.conn, true);
    turn_until(t->loop, e.conn.state == CONN_LINGERING);
    peer_write(peer, "more");
    assert_true(peer_has_ended(t, peer));
    assert_int_equal(e.conn.state, CONN_LINGERING);
    close(peer);
    turn_until(t->loop, conn_is_closed(&e.conn));
    end_deinit(&e);
}

static void a_starved_receive_is_armed_again(void **state)
{
    enum { COUNT = 20 };
    static const struct turning_sizes few = {64, 2, 1, COUNT + 2};
    struct turning t;
    struct end e[COUNT];
    int peers[COUNT];

    turning_init_with(&t, &few);
    for (size_t i = 0; i < COUNT; i++) {
        end_open(&e[i], &t, &peers[i]);
        conn_want_input(&e[i].conn);
        peer_write(peers[i], "here");
    }
    for (size_t i = 0; i < COUNT; i++) {
        turn_until(t.loop, e[i].got_len == 4);
        assert_got(&e[i], "here");
    }
    assert_true(counted(&t, COUNTER_RECEIVE_STARVED) > 0);
    for (size_t i = 0; i < COUNT; i++) {
        close(peers[i]);
        end_deinit(&e[i]);
    }
    turning_deinit(&t);
}

/* --- writing ---------------------------------------------------------------------------------- */

static void what_is_written_in_a_turn_is_sent_together(void **state)
{
    struct turning *t = *state;
    struct end e;
    char text[64] = "";
    int peer;

    end_open(&e, t, &peer);
    assert_int_equal(conn_write(&e.conn, SPAN("head, ")), 0);
    assert_int_equal(conn_write(&e.conn, SPAN("body")), 0);
    assert_int_equal(conn_out_bytes(&e.conn), 10);
    assert_int_equal(read(peer, text, sizeof(text)), -1);
    turn_until(t->loop, !conn_out_bytes(&e.conn));
    assert_int_equal(peer_read(t, peer, text, 10), 10);
    assert_string_equal(text, "head, body");
    assert_int_equal(e.conn.sent_bytes, 10);
    assert_int_equal(t->chunks.slab.count_taken, 0);
    close(peer);
    end_deinit(&e);
}

static void make_narrow(int fd)
{
    static const int bytes = 4096;

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)), 0);
}

/* The socket takes a little at a time, while more is written behind what is being sent. */
static void partial_sends_lose_and_double_nothing(void **state)
{
    enum { TOTAL = 600000 };
    struct turning *t = *state;
    char *bytes = pattern(TOTAL), *got = malloc(TOTAL);
    size_t written = 0, read_bytes = 0;
    struct end e;
    int peer;

    end_open_tcp(&e, t, &peer);
    make_narrow(e.conn.fd);
    while (read_bytes < TOTAL) {
        size_t part = size_min(TOTAL - written, 7001);
        ssize_t n = 0;

        if (conn_has_room(&e.conn)) {
            assert_int_equal(conn_write(&e.conn, span_of(bytes + written, part)), 0);
            written += part;
        } else {
            n = read(peer, got + read_bytes, size_min(TOTAL - read_bytes, 20001));
        }
        if (written == TOTAL)
            n = peer_read(t, peer, got + read_bytes, TOTAL - read_bytes);
        read_bytes += n > 0 ? (size_t)n : 0;
        loop_turn(t->loop, 0);
    }
    assert_memory_equal(got, bytes, TOTAL);
    assert_int_equal(e.conn.sent_bytes, TOTAL);
    assert_int_equal(t->chunks.slab.count_taken, 0);
    free(bytes);
    free(got);
    close(peer);
    end_deinit(&e);
}

/* high: of these conns. */
static void assert_room_ends_at(struct turning *t, size_t high)
{
    char *bytes = calloc(1, high), *sink = malloc(high);
    struct end e;
    int peer;

    end_open(&e, t, &peer);
    e.reads = false;
    assert_int_equal(conn_write(&e.conn, span_of(bytes, high - 1)), 0);
    assert_true(conn_has_room(&e.conn));
    assert_int_equal(conn_write(&e.conn, SPAN("x")), 0);
    assert_false(conn_has_room(&e.conn));
    make_narrow(e.conn.fd);
    while (!e.run_count) {
        assert_true(conn_out_bytes(&e.conn) > high / 2);
        (void)!read(peer, sink, 2000);
        loop_turn(t->loop, 1);
    }
    assert_true(conn_out_bytes(&e.conn) <= high / 2);
    assert_true(conn_has_room(&e.conn));
    free(bytes);
    free(sink);
    close(peer);
    end_deinit(&e);
}

static void room_ends_at_high_water_and_comes_back_at_low(void **state)
{
    static const struct turning_sizes sizes = {64, 16, 8, 64, .high_water = OUT_BYTES_HIGH_MIN};
    struct turning t;

    assert_room_ends_at(*state, OUT_BYTES_HIGH);
    turning_init_with(&t, &sizes);
    assert_room_ends_at(&t, OUT_BYTES_HIGH_MIN);
    turning_deinit(&t);
}

static void a_chunk_is_taken_over(void **state)
{
    struct turning *t = *state;
    struct chunk *chunk = chunk_take(&t->chunks);
    struct end e;
    char text[16] = "";
    int peer;

    end_open(&e, t, &peer);
    assert_int_equal(chunk_append(chunk, SPAN("--chunk")), 7);
    chunk->start = 2;
    assert_int_equal(conn_write(&e.conn, SPAN("a ")), 0);
    conn_write_chunk(&e.conn, chunk);
    assert_int_equal(conn_out_bytes(&e.conn), 7);
    assert_int_equal(conn_write(&e.conn, SPAN(" z")), 0);
    assert_int_equal(peer_read(t, peer, text, 9), 9);
    assert_string_equal(text, "a chunk z");
    close(peer);
    end_deinit(&e);
}

/* A peer that answers early and leaves: its answer counts although ours found nobody. */
static void what_a_peer_said_before_it_left_can_be_read(void **state)
{
    struct turning *t = *state;
    struct end e;
    int peer;

    end_open(&e, t, &peer);
    e.reads = false;
    peer_write(peer, "too large");
    close(peer);
    assert_int_equal(conn_write(&e.conn, SPAN("a request")), 0);
    turn_until(t->loop, e.conn.error);
    assert_int_equal(e.conn.error, -EPIPE);
    assert_true(e.run_count > 0);
    assert_int_equal(conn_out_bytes(&e.conn), 0);
    assert_int_equal(conn_write(&e.conn, SPAN("more of it")), 0); /* goes nowhere */
    conn_write_chunk(&e.conn, chunk_take(&t->chunks));
    assert_int_equal(t->chunks.slab.count_taken, 0);
    e.reads = true;
    loop_ready(t->loop, &e.task);
    turn_until(t->loop, e.end != CONN_END_NONE);
    assert_got(&e, "too large");
    assert_int_equal(e.end, CONN_END_CLEAN);
    end_deinit(&e);
}

/* --- no memory -------------------------------------------------------------------------------- */

static void without_a_chunk_nothing_is_written_or_held(void **state)
{
    static const struct turning_sizes one_chunk = {64, 4, 1, 1};
    struct turning t;
    struct chunk *chunk;
    struct end e;
    int peer;

    turning_init_with(&t, &one_chunk);
    chunk = chunk_take(&t.chunks);
    end_open(&e, &t, &peer);
    e.reads = false;
    assert_int_equal(conn_write(&e.conn, SPAN("x")), -ENOMEM);
    conn_want_input(&e.conn);
    peer_write(peer, "unread");
    turn_until(t.loop, e.conn.end == CONN_END_FAILED);
    assert_int_equal(e.conn.error, -ENOMEM);
    assert_int_equal(conn_end(&e.conn), CONN_END_FAILED);
    turn_until(t.loop, e.run_count >= 2); /* told of the input, and of the failure */
    chunk_give(&t.chunks, chunk);
    close(peer);
    end_deinit(&e);
    turning_deinit(&t);
}

/* --- connecting ------------------------------------------------------------------------------- */

static void a_conn_that_connects_is_open_for_both_sides(void **state)
{
    struct turning *t = *state;
    struct address a;
    char text[8] = "";
    struct end e;
    int listener = loopback_listen(&a), peer;

    end_init(&e, t);
    assert_int_equal(
        conn_connect(&e.conn, t->loop, &t->chunks, &(struct conn_route){.to = &a}, &e.task), 0);
    assert_int_equal(e.conn.state, CONN_CONNECTING);
    turn_until(t->loop, e.run_count);
    assert_true(conn_is_open(&e.conn));
    peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    conn_want_input(&e.conn);
    peer_write(peer, "to");
    assert_int_equal(conn_write(&e.conn, SPAN("fro")), 0);
    turn_until(t->loop, e.got_len == 2);
    assert_int_equal(peer_read(t, peer, text, 3), 3);
    assert_string_equal(text, "fro");
    close(peer);
    close(listener);
    end_deinit(&e);
}

static void a_refused_connect_fails_with_its_reason(void **state)
{
    struct turning *t = *state;
    struct address a;
    struct end e;

    close(loopback_listen(&a));
    end_init(&e, t);
    assert_int_equal(
        conn_connect(&e.conn, t->loop, &t->chunks, &(struct conn_route){.to = &a}, &e.task), 0);
    turn_until(t->loop, e.run_count);
    assert_int_equal(conn_end(&e.conn), CONN_END_FAILED);
    assert_int_equal(e.conn.error, -ECONNREFUSED);
    assert_false(conn_is_open(&e.conn));
    conn_finish(&e.conn, true);
    turn_until(t->loop, conn_is_closed(&e.conn));
    end_deinit(&e);
}

static void a_unix_socket_that_is_not_there_fails(void **state)
{
    struct turning *t = *state;
    struct address a = {.len = sizeof(a.u.un)};
    struct end e;

    a.u.un = (struct sockaddr_un){AF_UNIX, "/tmp/ringway-no-such-socket"};
    end_init(&e, t);
    assert_int_equal(
        conn_connect(&e.conn, t->loop, &t->chunks, &(struct conn_route){.to = &a}, &e.task), 0);
    turn_until(t->loop, e.run_count);
    assert_int_equal(e.conn.error, -ENOENT);
    end_deinit(&e);
}

static void without_descriptors_a_conn_is_closed_at_once(void **state)
{
    struct turning *t = *state;
    struct rlimit before, none;
    struct address a;
    struct end e;
    int result;

    assert_int_equal(address_parse_ip(SPAN("127.0.0.1"), 1, &a), 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    end_init(&e, t);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    result = conn_connect(&e.conn, t->loop, &t->chunks, &(struct conn_route){.to = &a}, &e.task);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(result, -EMFILE);
    assert_true(conn_is_closed(&e.conn));
    end_deinit(&e);
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, turning_set_up, turning_tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(what_comes_is_read_where_it_lies),
        CLAIM(unread_input_is_held_over_turns),
        CLAIM(nothing_is_received_while_bytes_are_unread),
        CLAIM(a_stream_that_fills_buffers_gets_large_ones),
        CLAIM(an_end_is_told_after_the_last_byte),
        CLAIM(a_reset_is_a_failure),
        CLAIM(a_peer_that_resets_is_noticed_before_its_bytes_are_read),
        CLAIM(an_end_behind_unread_bytes_is_known_before_they_are_read),
        CLAIM(what_was_watched_is_read_to_its_end),
        CLAIM(watching_ends_when_more_is_wanted),
        CLAIM(a_conn_that_is_watched_lingers_and_closes),
        cmocka_unit_test(a_starved_receive_is_armed_again),
        CLAIM(what_is_written_in_a_turn_is_sent_together),
        CLAIM(partial_sends_lose_and_double_nothing),
        CLAIM(room_ends_at_high_water_and_comes_back_at_low),
        CLAIM(a_chunk_is_taken_over),
        CLAIM(what_a_peer_said_before_it_left_can_be_read),
        cmocka_unit_test(without_a_chunk_nothing_is_written_or_held),
        CLAIM(a_conn_that_connects_is_open_for_both_sides),
        CLAIM(a_refused_connect_fails_with_its_reason),
        CLAIM(a_unix_socket_that_is_not_there_fails),
        CLAIM(without_descriptors_a_conn_is_closed_at_once),
    };

    return cmocka_run_group_tests_name("io_conn", tests, NULL, NULL);
}
