/* Tests of server/client: from accept to close, and what the worker does to all of them. */
#include "../conf_text.h"
#include "../conn_fixture.h"

#include "proxy/access.h"
#include "server/client.h"

#define SLOTS 3
#define SERVE(text)                                                                               \
    "error_log /dev/null;\nhttp {\naccess_log off;\nserver {\nlisten 127.0.0.1:8080;\n" text "\n" \
    "}}\n"
#define COUNTING "return 200 \"<$connection.$connection_requests>\";"
#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

struct house {
    struct turning t; /* its stats are the loop's, the engine has its own */
    struct engine engine;
    struct client_pool pool;
    struct conf_text texts[2]; /* the configuration, and the one after it */
    _Atomic uint64_t numbers;
    struct task change;
    unsigned change_count;
};

static void on_change(struct task *t)
{
    container_of(t, struct house, change)->change_count++;
}

static struct view *view_of(struct house *h, struct conf_text *t, const char *text)
{
    char error[TLS_ERROR_BYTES];
    struct view *view;

    conf_text_build(t, text);
    if (t->rc)
        fail_msg("%s", t->log);
    if (view_new(&h->engine, t->snapshot, &view, error))
        fail_msg("%s", error);
    return view;
}

static int set_up(void **state)
{
    struct house *h = calloc(1, sizeof(*h));
    struct engine *e = &h->engine;

    assert_non_null(h);
    turning_init(&h->t);
    e->loop = h->t.loop;
    e->regex_scratch = regex_scratch_new();
    e->tickets = tls_cache_new(16);
    e->head_buffer = malloc(WRITTEN_HEAD_BYTES_MAX);
    assert_true(e->regex_scratch && e->tickets && e->head_buffer);
    assert_int_equal(chunk_pool_init(&e->chunks, 64), 0);
    assert_int_equal(slab_init(&e->exchanges, sizeof(struct exchange), SLOTS), 0);
    assert_int_equal(slab_init(&e->upstream_conns, sizeof(struct upstream_conn), SLOTS), 0);
    assert_int_equal(client_pool_init(&h->pool, e, SLOTS), 0);
    access_init(e);
    task_init(&h->change, on_change);
    h->pool.numbers = &h->numbers;
    h->pool.on_change = &h->change;
    *state = h;
    return 0;
}

/* Everything must have come back. */
static int tear_down(void **state)
{
    struct house *h = *state;
    struct engine *e = &h->engine;

    clients_abort(&h->pool);
    turn_until(h->t.loop, !h->pool.count);
    loop_turn(h->t.loop, 0);
    task_cancel(&h->change);
    assert_int_equal(h->pool.view->ref_count, 1);
    view_unref(h->pool.view);
    for (size_t i = 0; i < 2; i++)
        conf_text_deinit(&h->texts[i]);
    access_deinit(e);
    client_pool_deinit(&h->pool);
    exchanges_deinit(&e->exchanges);
    slab_deinit(&e->exchanges);
    slab_deinit(&e->upstream_conns);
    chunk_pool_deinit(&e->chunks);
    tls_cache_free(e->tickets);
    regex_scratch_free(e->regex_scratch);
    free(e->head_buffer);
    turning_deinit(&h->t);
    free(h);
    return 0;
}

static void serve(struct house *h, const char *text)
{
    h->pool.view = view_of(h, &h->texts[0], text);
}

/* As a reload does it. */
static void serve_next(struct house *h, const char *text)
{
    struct view *view = view_of(h, &h->texts[1], text);

    view_retire(h->pool.view);
    view_unref(h->pool.view);
    h->pool.view = view;
}

/* Somebody's connection, accepted, whose sockets hold so few bytes; their end of it, which does not
 * block. 0: as many as usual. */
static int call_with(struct house *h, int buffer_bytes)
{
    struct address a;
    int listener = loopback_listen(&a), other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (buffer_bytes) {
        assert_int_equal(
            setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof(buffer_bytes)), 0);
        assert_int_equal(
            setsockopt(other, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof(buffer_bytes)), 0);
    }
    assert_int_equal(connect(other, &a.u.any, a.len), 0);
    client_accept(&h->pool, h->pool.view, &h->pool.view->snapshot->listens[0],
                  accept4(listener, NULL, NULL, SOCK_CLOEXEC));
    close(listener);
    assert_int_equal(fcntl(other, F_SETFL, O_NONBLOCK), 0);
    return other;
}

static int call(struct house *h)
{
    return call_with(h, 0);
}

/* Reads until the body that comes next has ended: "<...>". */
static void read_body(struct house *h, int fd, const char *expected)
{
    char head[4096];
    size_t len = 0;

    do {
        assert_true(len < sizeof(head) - 1);
        if (peer_read(&h->t, fd, head + len, 1) != 1)
            fail_msg("it ended behind \"%.*s\"", (int)len, head);
        head[++len] = '\0';
    } while (head[len - 1] != '>');
    if (!strstr(head, expected))
        fail_msg("no \"%s\" in \"%s\"", expected, head);
}

static void ask(struct house *h, int fd, const char *expected)
{
    peer_write(fd, GET);
    read_body(h, fd, expected);
}

static void end_call(struct house *h, int fd)
{
    size_t before = h->pool.count;

    close(fd);
    turn_until(h->t.loop, h->pool.count == before - 1);
}

/* --- accepting ------------------------------------------------------------------------------ */

static void connections_and_their_requests_are_numbered_from_one(void **state)
{
    struct house *h = *state;
    int first, second;

    serve(h, SERVE(COUNTING));
    first = call(h);
    second = call(h);
    ask(h, second, "<2.1>");
    ask(h, first, "<1.1>");
    ask(h, first, "<1.2>");
    ask(h, second, "<2.2>");
    assert_int_equal(atomic_load(&h->engine.stats.counters[COUNTER_ACCEPTED]), 2);
    close(first);
    close(second);
}

static void a_descriptor_beyond_the_last_slot_is_closed(void **state)
{
    struct house *h = *state;
    int fds[SLOTS], beyond;

    serve(h, SERVE(COUNTING));
    for (size_t i = 0; i < SLOTS; i++)
        fds[i] = call(h);
    beyond = call(h);
    assert_true(peer_has_ended(&h->t, beyond));
    close(beyond);
    assert_int_equal(h->pool.count, SLOTS);
    ask(h, fds[SLOTS - 1], "<3.1>");
    end_call(h, fds[0]);
    fds[0] = call(h);
    ask(h, fds[0], "<4.1>"); /* the one that found no slot has no number */
    for (size_t i = 0; i < SLOTS; i++)
        close(fds[i]);
}

/* --- requests ------------------------------------------------------------------------------- */

static void an_idle_client_holds_no_exchange_and_no_buffer(void **state)
{
    struct house *h = *state;
    int fd;

    serve(h, SERVE(COUNTING));
    fd = call(h);
    assert_int_equal(h->engine.exchanges.count_taken, 0);
    peer_write(fd, "GET / HT");
    turn_until(h->t.loop, h->engine.exchanges.count_taken == 1);
    peer_write(fd, "TP/1.1\r\nHost: a\r\n\r\n");
    read_body(h, fd, "<1.1>");
    turn_until(h->t.loop, h->engine.exchanges.count_taken == 0);
    turn_until(h->t.loop, h->engine.chunks.slab.count_taken == 0);
    close(fd);
}

static void pipelined_requests_are_all_answered_in_order(void **state)
{
    struct house *h = *state;
    char expected[16];
    int fd;

    serve(h, SERVE(COUNTING));
    fd = call(h);
    for (unsigned i = 0; i < 50; i++)
        peer_write(fd, GET);
    for (unsigned i = 1; i <= 50; i++) {
        snprintf(expected, sizeof(expected), "<1.%u>", i);
        read_body(h, fd, expected);
    }
    ask(h, fd, "<1.51>");
    close(fd);
}

static void the_last_request_that_is_allowed_closes(void **state)
{
    struct house *h = *state;
    int fd;

    serve(h, SERVE("keepalive_requests 2;\n" COUNTING));
    fd = call(h);
    ask(h, fd, "<1.1>");
    ask(h, fd, "close\r\n\r\n<1.2>");
    assert_true(peer_has_ended(&h->t, fd));
    turn_until(h->t.loop, h->pool.count == 0);
    close(fd);
}

static void without_a_slot_for_an_exchange_the_client_is_reset(void **state)
{
    struct house *h = *state;
    void *taken[SLOTS];
    char byte;
    int fd;

    serve(h, SERVE(COUNTING));
    fd = call(h);
    for (size_t i = 0; i < SLOTS; i++)
        assert_non_null(taken[i] = slab_take(&h->engine.exchanges));
    peer_write(fd, GET);
    assert_int_equal(peer_read(&h->t, fd, &byte, 1), -1);
    turn_until(h->t.loop, h->pool.count == 0);
    for (size_t i = 0; i < SLOTS; i++)
        slab_give(&h->engine.exchanges, taken[i]);
    close(fd);
}

/* --- ending --------------------------------------------------------------------------------- */

static void a_client_that_leaves_makes_the_owner_ready(void **state)
{
    static const struct linger reset = {.l_onoff = 1};
    struct house *h = *state;
    int fd;

    serve(h, SERVE(COUNTING));
    end_call(h, call(h));
    turn_until(h->t.loop, h->change_count == 1);
    fd = call(h);
    peer_write(fd, "GET / HT");
    turn_until(h->t.loop, h->engine.exchanges.count_taken == 1);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
    end_call(h, fd);
    turn_until(h->t.loop, h->change_count == 2);
    assert_int_equal(h->engine.exchanges.count_taken, 0);
}

static void a_client_that_never_asks_is_closed_in_time(void **state)
{
    struct house *h = *state;
    int fd;

    serve(h, SERVE("client_header_timeout 30ms;\n" COUNTING));
    fd = call(h);
    assert_true(peer_has_ended(&h->t, fd));
    turn_until(h->t.loop, h->pool.count == 0);
    close(fd);
}

static void a_client_that_asks_no_more_is_closed_in_time(void **state)
{
    struct house *h = *state;
    int fd;

    serve(h, SERVE("keepalive_timeout 30ms;\n" COUNTING));
    fd = call(h);
    ask(h, fd, "<1.1>");
    assert_true(peer_has_ended(&h->t, fd));
    turn_until(h->t.loop, h->pool.count == 0);
    close(fd);
}

/* It could send more, and so the connection would linger: but only behind what it has to read. */
static void a_client_that_does_not_read_its_last_answer_is_cut_by_send_timeout(void **state)
{
    struct house *h = *state;
    uint64_t began_ms;
    char head[4096];
    int fd;

    serve(h, SERVE("send_timeout 50ms;\nlingering_timeout 10s;\nreturn 200 "
                   "\"$args$args$args$args$args$args$args$args$args$args$args$args\";"));
    fd = call_with(h, 1);
    memset(head, 'x', sizeof(head));
    memcpy(head, "GET /?", 6);
    (void)snprintf(head + 4000, 96, " HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    began_ms = loop_now_ms(h->t.loop);
    peer_write(fd, head);
    turn_until(h->t.loop, h->pool.count == 1);
    turn_until(h->t.loop, h->pool.count == 0);
    assert_true(loop_now_ms(h->t.loop) - began_ms >= 50);
    assert_true(loop_now_ms(h->t.loop) - began_ms < 5000);
    close(fd);
}

static void lingering_lasts_longer_than_what_is_sent(void **state)
{
    struct house *h = *state;
    uint64_t began_ms;
    int fd;

    serve(h, SERVE("send_timeout 20ms;\nlingering_timeout 120ms;\n" COUNTING));
    fd = call(h);
    peer_write(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    began_ms = loop_now_ms(h->t.loop);
    read_body(h, fd, "close\r\n\r\n<1.1>");
    turn_until(h->t.loop, h->pool.count == 0);
    assert_true(loop_now_ms(h->t.loop) - began_ms >= 120);
    close(fd);
}

/* --- all of them ---------------------------------------------------------------------------- */

static void a_drain_closes_idle_ones_and_the_others_after_their_exchange(void **state)
{
    struct house *h = *state;
    int fresh, kept, busy;

    serve(h, SERVE(COUNTING));
    fresh = call(h);
    kept = call(h);
    busy = call(h);
    ask(h, kept, "<2.1>");
    peer_write(busy, "GET / HT");
    turn_until(h->t.loop, h->engine.exchanges.count_taken == 1);
    clients_drain(&h->pool);
    assert_true(peer_has_ended(&h->t, fresh));
    assert_true(peer_has_ended(&h->t, kept));
    turn_until(h->t.loop, h->pool.count == 1);
    peer_write(busy, "TP/1.1\r\nHost: a\r\n\r\n");
    read_body(h, busy, "close\r\n\r\n<3.1>");
    assert_true(peer_has_ended(&h->t, busy));
    turn_until(h->t.loop, h->pool.count == 0);
    close(fresh);
    close(kept);
    close(busy);
}

#define WORDS_4 "$a$a$a$a"
#define WORDS_64 WORDS_4 WORDS_4 WORDS_4 WORDS_4 WORDS_4 WORDS_4 WORDS_4 WORDS_4

/* More than the sockets hold: what was said to go on is not sent yet. */
static void a_drain_amid_an_answer_ends_the_connection_behind_it(void **state)
{
    static const char conf[] = SERVE("set $a %01000d;\nreturn 200 \"" WORDS_64 "\";");
    struct house *h = *state;
    static char text[sizeof(conf) + 1000], answer[64 * 1024];
    ssize_t len;
    int fd;

    snprintf(text, sizeof(text), conf, 0);
    serve(h, text);
    fd = call_with(h, 4096);
    peer_write(fd, GET);
    turn_until(h->t.loop, atomic_load(&h->engine.stats.counters[COUNTER_REQUESTS]) == 1);
    clients_drain(&h->pool);
    len = peer_read(&h->t, fd, answer, sizeof(answer));
    assert_in_range(len, 32000, 34000); /* all of it, and the end */
    assert_null(memmem(answer, (size_t)len, "close", 5));
    turn_until(h->t.loop, h->pool.count == 0);
    close(fd);
}

static void shedding_ends_the_oldest_that_only_wait_for_another_request(void **state)
{
    struct house *h = *state;
    int fresh, oldest, youngest;

    serve(h, SERVE(COUNTING));
    fresh = call(h);
    oldest = call(h);
    youngest = call(h);
    ask(h, youngest, "<3.1>");
    ask(h, oldest, "<2.1>");
    turn_until(h->t.loop, h->engine.chunks.slab.count_taken == 0);
    clients_shed(&h->pool, 0);
    ask(h, oldest, "<2.2>");
    turn_until(h->t.loop, h->engine.chunks.slab.count_taken == 0);
    clients_shed(&h->pool, 1);
    assert_true(peer_has_ended(&h->t, oldest));
    turn_until(h->t.loop, h->pool.count == 2);
    ask(h, youngest, "<3.2>");
    turn_until(h->t.loop, h->engine.chunks.slab.count_taken == 0);
    clients_shed(&h->pool, 9); /* more than there are: one that has not yet asked stays */
    assert_true(peer_has_ended(&h->t, youngest));
    turn_until(h->t.loop, h->pool.count == 1);
    ask(h, fresh, "<1.1>");
    close(fresh);
    close(oldest);
    close(youngest);
}

static void a_busy_client_is_not_shed(void **state)
{
    struct house *h = *state;
    int busy;

    serve(h, SERVE(COUNTING));
    busy = call(h);
    ask(h, busy, "<1.1>");
    peer_write(busy, "GET / HT");
    turn_until(h->t.loop, h->engine.exchanges.count_taken == 1);
    clients_shed(&h->pool, 1);
    peer_write(busy, "TP/1.1\r\nHost: a\r\n\r\n");
    read_body(h, busy, "<1.2>");
    close(busy);
}

static void an_abort_cuts_the_idle_and_the_busy(void **state)
{
    struct house *h = *state;
    int idle, busy;
    char byte;

    serve(h, SERVE(COUNTING));
    idle = call(h);
    busy = call(h);
    peer_write(busy, "GET / HT");
    turn_until(h->t.loop, h->engine.exchanges.count_taken == 1);
    clients_abort(&h->pool);
    turn_until(h->t.loop, h->pool.count == 0);
    assert_int_equal(h->engine.exchanges.count_taken, 0);
    assert_true(peer_read(&h->t, idle, &byte, 1) <= 0);
    assert_true(peer_read(&h->t, busy, &byte, 1) <= 0);
    close(idle);
    close(busy);
}

/* --- reloads -------------------------------------------------------------------------------- */

#define SERVE_NEXT SERVE("return 200 \"<new.$connection_requests>\";")

static void between_requests_a_plain_client_moves_to_the_newest_view(void **state)
{
    struct house *h = *state;
    int fd;

    serve(h, SERVE(COUNTING));
    fd = call(h);
    ask(h, fd, "<1.1>");
    serve_next(h, SERVE_NEXT);
    assert_int_equal(h->texts[0].snapshot->ref_count, 2); /* ours, and the client's view */
    ask(h, fd, "<new.2>");
    assert_int_equal(h->texts[0].snapshot->ref_count, 1);
    ask(h, fd, "<new.3>");
    close(fd);
}

static void a_request_ends_on_the_view_that_it_began_on(void **state)
{
    struct house *h = *state;
    int fd;

    serve(h, SERVE(COUNTING));
    fd = call(h);
    peer_write(fd, "GET / HT");
    turn_until(h->t.loop, h->engine.exchanges.count_taken == 1);
    serve_next(h, SERVE_NEXT);
    assert_int_equal(h->texts[0].snapshot->ref_count, 2);
    peer_write(fd, "TP/1.1\r\nHost: a\r\n\r\n");
    read_body(h, fd, "close\r\n\r\n<1.1>");
    assert_true(peer_has_ended(&h->t, fd));
    turn_until(h->t.loop, h->pool.count == 0);
    assert_int_equal(h->texts[0].snapshot->ref_count, 1);
    close(fd);
}

static void a_client_whose_listener_is_gone_has_one_more_answer(void **state)
{
    struct house *h = *state;
    int fd;

    serve(h, SERVE(COUNTING));
    fd = call(h);
    ask(h, fd, "<1.1>");
    serve_next(h, "error_log /dev/null;\nhttp {\nserver {\nlisten 127.0.0.1:8081;\n"
                  "return 200 \"<new>\";\n}}\n");
    ask(h, fd, "close\r\n\r\n<1.2>");
    assert_true(peer_has_ended(&h->t, fd));
    turn_until(h->t.loop, h->pool.count == 0);
    assert_int_equal(h->texts[0].snapshot->ref_count, 1);
    close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(connections_and_their_requests_are_numbered_from_one),
        TEST(a_descriptor_beyond_the_last_slot_is_closed),
        TEST(an_idle_client_holds_no_exchange_and_no_buffer),
        TEST(pipelined_requests_are_all_answered_in_order),
        TEST(the_last_request_that_is_allowed_closes),
        TEST(without_a_slot_for_an_exchange_the_client_is_reset),
        TEST(a_client_that_leaves_makes_the_owner_ready),
        TEST(a_client_that_never_asks_is_closed_in_time),
        TEST(a_client_that_asks_no_more_is_closed_in_time),
        TEST(a_client_that_does_not_read_its_last_answer_is_cut_by_send_timeout),
        TEST(lingering_lasts_longer_than_what_is_sent),
        TEST(a_drain_closes_idle_ones_and_the_others_after_their_exchange),
        TEST(a_drain_amid_an_answer_ends_the_connection_behind_it),
        TEST(shedding_ends_the_oldest_that_only_wait_for_another_request),
        TEST(a_busy_client_is_not_shed),
        TEST(an_abort_cuts_the_idle_and_the_busy),
        TEST(between_requests_a_plain_client_moves_to_the_newest_view),
        TEST(a_request_ends_on_the_view_that_it_began_on),
        TEST(a_client_whose_listener_is_gone_has_one_more_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
