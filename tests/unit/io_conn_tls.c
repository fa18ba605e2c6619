/* Tests of io/conn with TLS: two conns of ours on the two ends of a socket. */
#include "../conn_fixture.h"
#include "../tls_bench.h"

#include <linux/tcp.h>

#define BOTH (TLS_PROTOCOL_1_2 | TLS_PROTOCOL_1_3)

static const struct bench_certificate strangers[] = {
    {"other", NULL, "/CN=other", BENCH_CA},
};

static struct tls_server_shared *shared;
static struct tls_context *client_context, *server_context;

/* Both ends in one loop. */
struct talk {
    struct turning *t;
    struct turning own;
    struct end client, server;
};

static int make_certificates(void **state)
{
    if (bench_init(state))
        return -1;
    bench_make(strangers, COUNT_OF(strangers));
    return 0;
}

static void make_contexts(const char *ca, unsigned protocols)
{
    struct tls_client_settings client = bench_client_settings();
    struct tls_pair pair = bench_pair("good.pem", "leaf.key");
    struct tls_server_settings server = bench_server_settings(&pair);

    client.ca_pem = bench_file(ca);
    client.protocols = protocols;
    shared = tls_server_shared_new();
    client_context = bench_client(&client);
    server_context = bench_server(&server, shared);
}

static void free_contexts(void)
{
    tls_context_free(client_context);
    tls_context_free(server_context);
    tls_server_shared_free(shared);
}

static void open_ends(struct talk *talk, bool is_tcp)
{
    int fd;

    if (is_tcp)
        end_open_tcp(&talk->client, talk->t, &fd);
    else
        end_open(&talk->client, talk->t, &fd);
    assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
    end_init(&talk->server, talk->t);
    conn_init(&talk->server.conn, talk->t->loop, &talk->t->chunks, fd, &talk->server.task);
}

static void start_client(struct end *e)
{
    struct tls_client_options options = {
        .names = {{SPAN("a.example")}},
        .name_count = 1,
        .output = conn_tls_output,
        .owner = &e->conn,
    };

    conn_start_tls(&e->conn, tls_new_client(client_context, &options));
    loop_ready(e->t->loop, &e->task);
}

static void start_server(struct end *e)
{
    conn_start_tls(&e->conn, tls_new_server(server_context, NULL, conn_tls_output, &e->conn));
    loop_ready(e->t->loop, &e->task);
}

static bool is_settled(const struct end *e)
{
    return e->progress != CONN_WAITS;
}

static void shake_hands(struct talk *talk)
{
    start_client(&talk->client);
    start_server(&talk->server);
    turn_until(talk->t->loop, is_settled(&talk->client) && is_settled(&talk->server));
    assert_int_equal(talk->client.progress, CONN_READY);
    assert_int_equal(talk->server.progress, CONN_READY);
}

static void talk_init(struct talk *talk, bool is_tcp)
{
    memset(talk, 0, sizeof(*talk));
    make_contexts("root.pem", BOTH);
    talk->t = &talk->own;
    turning_init(talk->t);
    open_ends(talk, is_tcp);
}

static void talk_deinit(struct talk *talk)
{
    end_deinit(&talk->client);
    end_deinit(&talk->server);
    turning_deinit(talk->t);
    free_contexts();
}

/* --- talking ---------------------------------------------------------------------------------- */

static void write_all(struct end *from, const char *bytes, size_t len)
{
    size_t at = 0;

    while (at < len) {
        size_t part = size_min(len - at, 20001);

        if (conn_has_room(&from->conn)) {
            assert_int_equal(conn_write(&from->conn, span_of(bytes + at, part)), 0);
            at += part;
        }
        loop_turn(from->t->loop, 0);
    }
}

static void long_streams_arrive_whole_in_both_directions(void **state)
{
    enum { LEN = 1000 * 1000 };
    char *bytes = pattern(LEN);
    struct talk talk;

    talk_init(&talk, false);
    shake_hands(&talk);
    write_all(&talk.client, bytes, LEN);
    write_all(&talk.server, bytes, LEN);
    turn_until(talk.t->loop, talk.server.got_len == LEN && talk.client.got_len == LEN);
    assert_memory_equal(talk.server.got, bytes, LEN);
    assert_memory_equal(talk.client.got, bytes, LEN);
    assert_int_equal(talk.client.conn.sent_bytes, LEN);
    assert_int_equal(talk.server.conn.received_bytes, LEN);
    free(bytes);
    talk_deinit(&talk);
}

/* A consumer that takes a little per turn: what was decrypted and what was not are both held. */
static void a_slow_reader_gets_every_byte(void **state)
{
    enum { LEN = 100 * 1000 };
    char *bytes = pattern(LEN);
    struct talk talk;

    talk_init(&talk, false);
    shake_hands(&talk);
    talk.server.takes_max = 999;
    write_all(&talk.client, bytes, LEN);
    turn_until(talk.t->loop, talk.server.got_len == LEN);
    assert_memory_equal(talk.server.got, bytes, LEN);
    assert_true(talk.server.run_count > LEN / 1000);
    free(bytes);
    talk_deinit(&talk);
}

static void what_is_written_before_the_handshake_waits_for_it(void **state)
{
    struct talk talk;

    talk_init(&talk, false);
    start_client(&talk.client);
    assert_int_equal(conn_write(&talk.client.conn, SPAN("early")), 0);
    for (int i = 0; i < 5; i++)
        loop_turn(talk.t->loop, 1);
    assert_int_equal(talk.client.conn.staged.bytes, 5);
    start_server(&talk.server);
    turn_until(talk.t->loop, talk.server.got_len == 5);
    assert_got(&talk.server, "early");
    talk_deinit(&talk);
}

static void more_handshakes_than_a_turn_takes_all_succeed(void **state)
{
    enum { COUNT = HANDSHAKES_PER_TURN * 2 };
    struct talk talks[COUNT] = {0};
    struct turning t;

    make_contexts("root.pem", BOTH);
    turning_init(&t);
    for (size_t i = 0; i < COUNT; i++) {
        talks[i].t = &t;
        open_ends(&talks[i], false);
        start_client(&talks[i].client);
        start_server(&talks[i].server);
    }
    for (size_t i = 0; i < COUNT; i++) {
        turn_until(t.loop, is_settled(&talks[i].client) && is_settled(&talks[i].server));
        assert_int_equal(talks[i].server.progress, CONN_READY);
    }
    for (size_t i = 0; i < COUNT; i++) {
        end_deinit(&talks[i].client);
        end_deinit(&talks[i].server);
    }
    turning_deinit(&t);
    free_contexts();
}

/* --- ends ------------------------------------------------------------------------------------- */

static void finish_says_close_notify_and_is_a_clean_end(void **state)
{
    struct talk talk;

    talk_init(&talk, false);
    shake_hands(&talk);
    assert_int_equal(conn_write(&talk.client.conn, SPAN("last")), 0);
    conn_finish(&talk.client.conn, false);
    turn_until(talk.t->loop, talk.server.end != CONN_END_NONE);
    assert_int_equal(talk.server.end, CONN_END_CLEAN);
    assert_got(&talk.server, "last");
    turn_until(talk.t->loop, conn_is_closed(&talk.client.conn));
    talk_deinit(&talk);
}

static unsigned segments_to(const struct conn *c)
{
    struct tcp_info info;
    socklen_t len = sizeof(info);

    assert_int_equal(getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
    return info.tcpi_segs_in;
}

static bool has_fin(const struct conn *c)
{
    struct pollfd fd = {.fd = c->fd, .events = POLLRDHUP};

    return poll(&fd, 1, 0) == 1;
}

static void finish_says_all_in_one_segment(void **state)
{
    static const int on = 1;
    struct talk talk;
    unsigned before;

    talk_init(&talk, true);
    assert_int_equal(setsockopt(talk.client.conn.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
    shake_hands(&talk);
    /* With it went all that the client had to acknowledge. */
    assert_int_equal(conn_write(&talk.client.conn, SPAN("last")), 0);
    turn_until(talk.t->loop, talk.server.got_len == 4 && !conn_out_bytes(&talk.client.conn));
    before = segments_to(&talk.server.conn);
    conn_finish(&talk.client.conn, false);
    turn_until(talk.t->loop, talk.server.end != CONN_END_NONE);
    turn_until(talk.t->loop, has_fin(&talk.server.conn));
    assert_int_equal(talk.server.end, CONN_END_CLEAN);
    assert_int_equal(segments_to(&talk.server.conn), before + 1);
    turn_until(talk.t->loop, conn_is_closed(&talk.client.conn));
    talk_deinit(&talk);
}

static void a_close_without_close_notify_is_a_cut(void **state)
{
    struct talk talk;

    talk_init(&talk, false);
    shake_hands(&talk);
    assert_int_equal(conn_write(&talk.client.conn, SPAN("not all of it")), 0);
    turn_until(talk.t->loop, talk.server.got_len == 13);
    conn_abort(&talk.client.conn, false);
    turn_until(talk.t->loop, talk.server.end != CONN_END_NONE);
    assert_int_equal(talk.server.end, CONN_END_CUT);
    assert_int_equal(talk.server.conn.error, 0);
    talk_deinit(&talk);
}

static void a_reset_is_a_failure_of_the_system(void **state)
{
    struct talk talk;

    talk_init(&talk, true);
    shake_hands(&talk);
    loop_turn(talk.t->loop, 0);
    conn_abort(&talk.client.conn, true);
    turn_until(talk.t->loop, talk.server.end != CONN_END_NONE);
    assert_int_equal(talk.server.end, CONN_END_FAILED);
    assert_int_equal(talk.server.conn.error, -ECONNRESET);
    talk_deinit(&talk);
}

static void lingering_says_close_notify_and_reads_on(void **state)
{
    struct talk talk;

    talk_init(&talk, true);
    shake_hands(&talk);
    conn_finish(&talk.client.conn, true);
    turn_until(talk.t->loop, talk.server.end == CONN_END_CLEAN);
    turn_until(talk.t->loop, talk.client.conn.state == CONN_LINGERING);
    assert_int_equal(conn_write(&talk.server.conn, SPAN("still talking")), 0);
    for (int i = 0; i < 5; i++)
        loop_turn(talk.t->loop, 1);
    assert_int_equal(talk.client.conn.state, CONN_LINGERING);
    conn_finish(&talk.server.conn, false);
    turn_until(talk.t->loop, conn_is_closed(&talk.client.conn));
    assert_int_equal(talk.server.conn.error, 0);
    assert_int_equal(talk.client.got_len, 0);
    talk_deinit(&talk);
}

static void ending_the_output_leaves_the_other_direction_open(void **state)
{
    struct talk talk;

    talk_init(&talk, false);
    shake_hands(&talk);
    conn_end_output(&talk.client.conn);
    turn_until(talk.t->loop, talk.server.end == CONN_END_CLEAN);
    assert_int_equal(conn_write(&talk.server.conn, SPAN("an answer")), 0);
    turn_until(talk.t->loop, talk.client.got_len == 9);
    assert_true(conn_is_open(&talk.client.conn));
    talk_deinit(&talk);
}

/* Puts bytes onto the wire that the session did not seal. */
static void forge(struct end *e, struct span bytes)
{
    assert_int_equal(conn_tls_output(&e->conn, bytes), 0);
    assert_int_equal(conn_write(&e->conn, SPAN_NONE), 0); /* wakes the step */
}

static void a_broken_record_fails_and_is_answered_with_an_alert(void **state)
{
    const char *reason = "";
    struct talk talk;

    talk_init(&talk, false);
    shake_hands(&talk);
    forge(&talk.client, SPAN("\x17\x03\x03\x00\x20that was never sealed by a sessi"));
    turn_until(talk.t->loop, talk.server.end != CONN_END_NONE);
    assert_int_equal(talk.server.end, CONN_END_FAILED);
    assert_int_equal(tls_failure(talk.server.conn.tls, &reason), TLS_FAILURE_PROTOCOL);
    assert_int_equal(talk.server.got_len, 0);
    conn_finish(&talk.server.conn, false);
    turn_until(talk.t->loop, talk.client.end != CONN_END_NONE);
    assert_int_equal(talk.client.end, CONN_END_FAILED);
    assert_int_equal(tls_failure(talk.client.conn.tls, &reason), TLS_FAILURE_PROTOCOL);
    assert_non_null(strstr(reason, "alert"));
    talk_deinit(&talk);
}

/* --- handshakes that fail --------------------------------------------------------------------- */

static void a_stranger_is_not_verified_and_is_told_so(void **state)
{
    const char *reason = "";
    struct talk talk;

    talk_init(&talk, false);
    free_contexts();
    make_contexts("other.pem", TLS_PROTOCOL_1_2);
    start_client(&talk.client);
    start_server(&talk.server);
    assert_int_equal(conn_write(&talk.client.conn, SPAN("a secret")), 0);
    turn_until(talk.t->loop, is_settled(&talk.client));
    assert_int_equal(talk.client.progress, CONN_FAILED);
    assert_int_equal(tls_failure(talk.client.conn.tls, &reason), TLS_FAILURE_NOT_VERIFIED);
    conn_abort(&talk.client.conn, false);
    turn_until(talk.t->loop, is_settled(&talk.server));
    assert_int_equal(talk.server.progress, CONN_FAILED);
    assert_int_equal(talk.server.got_len, 0);
    talk_deinit(&talk);
}

static void a_peer_that_leaves_in_the_handshake_fails_it(void **state)
{
    struct talk talk;

    talk_init(&talk, false);
    start_client(&talk.client);
    loop_turn(talk.t->loop, 0);
    conn_abort(&talk.server.conn, false);
    turn_until(talk.t->loop, is_settled(&talk.client));
    assert_int_equal(talk.client.progress, CONN_FAILED);
    talk_deinit(&talk);
}

static void plain_http_can_be_answered_in_clear(void **state)
{
    const char *reason;
    struct talk talk;

    talk_init(&talk, false);
    start_server(&talk.server);
    conn_want_input(&talk.client.conn);
    assert_int_equal(conn_write(&talk.client.conn, SPAN("GET / HTTP/1.1\r\n\r\n")), 0);
    turn_until(talk.t->loop, is_settled(&talk.server));
    assert_int_equal(talk.server.progress, CONN_FAILED);
    assert_int_equal(tls_failure(talk.server.conn.tls, &reason), TLS_FAILURE_PLAIN_HTTP);
    conn_drop_tls(&talk.server.conn);
    assert_true(conn_is_open(&talk.server.conn));
    assert_int_equal(conn_end(&talk.server.conn), CONN_END_NONE);
    assert_int_equal(conn_write(&talk.server.conn, SPAN("400")), 0);
    conn_finish(&talk.server.conn, true);
    turn_until(talk.t->loop, talk.client.end == CONN_END_CLEAN);
    assert_int_equal(memcmp(talk.client.got + talk.client.got_len - 3, "400", 3), 0);
    talk_deinit(&talk);
}

/* --- no memory -------------------------------------------------------------------------------- */

/* Takes all chunks but so many. */
static void take_chunks(struct talk *talk, struct list *taken, size_t but)
{
    list_init(taken);
    while (talk->t->chunks.slab.count_max - talk->t->chunks.slab.count_taken > but)
        list_push_back(taken, &chunk_take(&talk->t->chunks)->link);
}

static void give_chunks(struct talk *talk, struct list *taken)
{
    struct list *link;

    while ((link = list_pop_front(taken)))
        chunk_give(&talk->t->chunks, list_entry(link, struct chunk, link));
}

static void without_a_chunk_to_open_into_a_conn_fails(void **state)
{
    struct list taken;
    struct talk talk;

    talk_init(&talk, false);
    shake_hands(&talk);
    for (int i = 0; i < 5; i++)
        loop_turn(talk.t->loop, 1);
    talk.server.reads = false;
    assert_int_equal(conn_write(&talk.client.conn, SPAN("x")), 0);
    turn_until(talk.t->loop, talk.server.conn.raw_chunk);
    take_chunks(&talk, &taken, 0);
    assert_int_equal(conn_input(&talk.server.conn).len, 0);
    assert_int_equal(conn_end(&talk.server.conn), CONN_END_FAILED);
    assert_int_equal(talk.server.conn.error, -ENOMEM);
    give_chunks(&talk, &taken);
    talk_deinit(&talk);
}

static void without_a_chunk_to_seal_into_a_conn_fails(void **state)
{
    struct list taken;
    struct talk talk;

    talk_init(&talk, false);
    shake_hands(&talk);
    for (int i = 0; i < 5; i++)
        loop_turn(talk.t->loop, 1);
    take_chunks(&talk, &taken, 1);
    assert_int_equal(conn_write(&talk.client.conn, SPAN("x")), 0);
    turn_until(talk.t->loop, talk.client.conn.error);
    assert_int_equal(talk.client.conn.error, -ENOMEM);
    assert_int_equal(conn_end(&talk.client.conn), CONN_END_FAILED);
    give_chunks(&talk, &taken);
    talk_deinit(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_streams_arrive_whole_in_both_directions),
        cmocka_unit_test(a_slow_reader_gets_every_byte),
        cmocka_unit_test(what_is_written_before_the_handshake_waits_for_it),
        cmocka_unit_test(more_handshakes_than_a_turn_takes_all_succeed),
        cmocka_unit_test(finish_says_close_notify_and_is_a_clean_end),
        cmocka_unit_test(finish_says_all_in_one_segment),
        cmocka_unit_test(a_close_without_close_notify_is_a_cut),
        cmocka_unit_test(a_reset_is_a_failure_of_the_system),
        cmocka_unit_test(lingering_says_close_notify_and_reads_on),
        cmocka_unit_test(ending_the_output_leaves_the_other_direction_open),
        cmocka_unit_test(a_broken_record_fails_and_is_answered_with_an_alert),
        cmocka_unit_test(a_stranger_is_not_verified_and_is_told_so),
        cmocka_unit_test(a_peer_that_leaves_in_the_handshake_fails_it),
        cmocka_unit_test(plain_http_can_be_answered_in_clear),
        cmocka_unit_test(without_a_chunk_to_open_into_a_conn_fails),
        cmocka_unit_test(without_a_chunk_to_seal_into_a_conn_fails),
    };

    return cmocka_run_group_tests_name("io_conn_tls", tests, make_certificates, bench_deinit);
}
