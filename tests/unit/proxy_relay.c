/* Tests of proxy/relay: every framing to every other, from a socket to a socket. */
#include "../conn_fixture.h"

#include "proxy/relay.h"

#define HEAD "HTTP/1.1 200 OK\r\n"

/* A response on its way from `src` to `dst`. The test writes as the source, and reads as the
 * destination. */
struct way {
    struct turning t;
    struct arena arena;
    struct parser_limits limits;
    struct parser parser;
    struct conn src, dst, other; /* `other`: for another try */
    int source, destination, other_end;
    struct task task;
    struct relay relay;
    enum relay_result result;
    char got[4096];
};

static void run(struct task *task)
{
    struct way *w = container_of(task, struct way, task);

    if (w->result == RELAY_WAITS && !w->relay.is_done)
        w->result = relay_run(&w->relay);
}

static void open_conn(struct way *w, struct conn *c, int *other)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    conn_init(c, w->t.loop, &w->t.chunks, fds[0], &w->task);
    *other = fds[1];
}

static int set_up_with(void **state, size_t chunks)
{
    const struct turning_sizes sizes = {64, 16, 8, chunks};
    struct way *w = calloc(1, sizeof(*w));

    assert_non_null(w);
    turning_init_with(&w->t, &sizes);
    arena_init(&w->arena, 4096, 1 << 20);
    w->limits = (struct parser_limits){.head_bytes_max = 8192,
                                       .line_bytes_max = 8192,
                                       .field_count_max = 100,
                                       .head_bytes_first = 1024};
    task_init(&w->task, run);
    open_conn(w, &w->src, &w->source);
    open_conn(w, &w->dst, &w->destination);
    open_conn(w, &w->other, &w->other_end);
    w->relay = (struct relay){.src = &w->src, .dst = &w->dst, .framing = FRAMING_CHUNKED};
    *state = w;
    return 0;
}

static int set_up(void **state)
{
    return set_up_with(state, 64);
}

static void close_conn(struct way *w, struct conn *c, int other)
{
    conn_abort(c, false);
    turn_until(w->t.loop, conn_is_closed(c));
    conn_deinit(c);
    if (other >= 0)
        close(other);
}

static int tear_down(void **state)
{
    struct way *w = *state;

    relay_forget(&w->relay);
    close_conn(w, &w->src, w->source);
    close_conn(w, &w->dst, w->destination);
    close_conn(w, &w->other, w->other_end);
    task_cancel(&w->task);
    arena_deinit(&w->arena);
    turning_deinit(&w->t);
    free(w);
    return 0;
}

/* The head is read by then: the relay begins behind it. */
static void begin(struct way *w, const char *head)
{
    struct span input = span_of_cstr(head), body;
    struct parser_request_facts facts = {0};

    parser_begin_response(&w->parser, &w->limits, &w->arena, facts);
    assert_int_equal(parser_next(&w->parser, &input, &body), PARSER_HEAD);
    w->relay.parser = &w->parser;
    loop_ready(w->t.loop, &w->task);
}

/* The source writes this, and ends if it is to. */
static void say(struct way *w, const char *text, bool ends)
{
    peer_write(w->source, text);
    if (ends)
        assert_int_equal(shutdown(w->source, SHUT_WR), 0);
}

/* All that has come at an end, as text. */
static const char *read_all(struct way *w, int fd)
{
    size_t len = 0;
    ssize_t n;

    for (int i = 0; i < 3; i++)
        loop_turn(w->t.loop, 0);
    while ((n = read(fd, w->got + len, sizeof(w->got) - 1 - len)) > 0)
        len += (size_t)n;
    w->got[len] = '\0';
    return w->got;
}

static enum relay_result settle(struct way *w)
{
    turn_until(w->t.loop, w->result != RELAY_WAITS);
    return w->result;
}

/* --- framings --------------------------------------------------------------------------------- */

#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n"

/* To chunks each piece is a chunk of its own, as it came. */
static void every_framing_becomes_every_other(void **state)
{
    static const struct {
        const char *head, *body;
        bool ends;
        enum framing to;
        const char *sent;
    } rows[] = {
        {HEAD "Content-Length: 5\r\n\r\n", "hello", false, FRAMING_LENGTH, "hello"},
        {HEAD "Content-Length: 5\r\n\r\n", "hello", false, FRAMING_CHUNKED,
         "5\r\nhello\r\n0\r\n\r\n"},
        {HEAD "Content-Length: 5\r\n\r\n", "hello", false, FRAMING_UNTIL_CLOSE, "hello"},
        {HEAD "Content-Length: 0\r\n\r\n", "", false, FRAMING_CHUNKED, "0\r\n\r\n"},
        {CHUNKED, "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", false, FRAMING_CHUNKED,
         "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"},
        {CHUNKED, "3;x=y\r\nhel\r\n02\r\nlo\r\n0\r\n\r\n", false, FRAMING_CHUNKED,
         "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"},
        {CHUNKED, "5\r\nhello\r\n0\r\n\r\n", false, FRAMING_UNTIL_CLOSE, "hello"},
        {CHUNKED, "0\r\n\r\n", false, FRAMING_CHUNKED, "0\r\n\r\n"},
        {HEAD "\r\n", "hello", true, FRAMING_CHUNKED, "5\r\nhello\r\n0\r\n\r\n"},
        {HEAD "\r\n", "hello", true, FRAMING_UNTIL_CLOSE, "hello"},
        {HEAD "\r\n", "", true, FRAMING_CHUNKED, "0\r\n\r\n"},
        {"HTTP/1.1 204 No Content\r\n\r\n", "", false, FRAMING_NONE, ""},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct way *w;

        (void)set_up(state);
        w = *state;
        w->relay.framing = rows[i].to;
        begin(w, rows[i].head);
        if (rows[i].body[0] || rows[i].ends)
            say(w, rows[i].body, rows[i].ends);
        assert_int_equal(settle(w), RELAY_DONE);
        assert_string_equal(read_all(w, w->destination), rows[i].sent);
        assert_int_equal(w->relay.bytes + w->relay.framing_bytes, strlen(rows[i].sent));
        assert_int_equal(relay_run(&w->relay), RELAY_DONE);
        assert_string_equal(read_all(w, w->destination), "");
        (void)tear_down(state);
    }
}

static void trailers_go_on_behind_chunks_unless_they_are_dropped(void **state)
{
    static const char trailers[] = "1\r\nx\r\n0\r\nDigest: abc\r\nB: c\r\n\r\n";
    struct way *w;

    for (int drops = 0; drops < 2; drops++) {
        (void)set_up(state);
        w = *state;
        w->relay.drops_trailers = drops;
        begin(w, CHUNKED);
        say(w, trailers, false);
        assert_int_equal(settle(w), RELAY_DONE);
        assert_string_equal(read_all(w, w->destination), drops ? "1\r\nx\r\n0\r\n\r\n" : trailers);
        assert_int_equal(w->relay.framing_bytes, (drops ? 11 : strlen(trailers)) - 1);
        (void)tear_down(state);
    }
}

static void what_follows_the_message_stays_in_the_source(void **state)
{
    struct way *w = *state;

    w->relay.framing = FRAMING_LENGTH;
    begin(w, HEAD "Content-Length: 5\r\n\r\n");
    say(w, "helloHTTP/1.1 200 surplus", false);
    assert_int_equal(settle(w), RELAY_DONE);
    assert_string_equal(read_all(w, w->destination), "hello");
    assert_true(span_starts_with(conn_input(&w->src), SPAN("HTTP/1.1 200 surplus")));
}

static void a_body_without_destination_is_read_and_dropped(void **state)
{
    struct way *w = *state;

    w->relay.dst = NULL;
    begin(w, CHUNKED);
    say(w, "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", false);
    assert_int_equal(settle(w), RELAY_DONE);
    assert_int_equal(w->relay.bytes, 5);
}

static void a_tunnel_passes_bytes_until_the_end(void **state)
{
    struct way *w = *state;

    w->relay.framing = FRAMING_TUNNEL;
    loop_ready(w->t.loop, &w->task);
    say(w, "any", false);
    turn_until(w->t.loop, w->relay.bytes == 3);
    assert_int_equal(w->result, RELAY_WAITS);
    say(w, "thing", true);
    assert_int_equal(settle(w), RELAY_DONE);
    assert_string_equal(read_all(w, w->destination), "anything");
}

/* --- sources that break off ------------------------------------------------------------------- */

static void a_source_that_ends_early_is_a_cut(void **state)
{
    static const char *const rows[][2] = {
        {HEAD "Content-Length: 5\r\n\r\n", "hell"},
        {HEAD "Content-Length: 5\r\n\r\n", ""},
        {CHUNKED, "5\r\nhel"},
        {CHUNKED, "5\r\nhello\r\n"},
        {CHUNKED, "5\r\nhello\r\n0\r\n"},
        {CHUNKED, ""},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct way *w;

        (void)set_up(state);
        w = *state;
        begin(w, rows[i][0]);
        if (rows[i][1][0])
            say(w, rows[i][1], false);
        assert_int_equal(shutdown(w->source, SHUT_WR), 0);
        assert_int_equal(settle(w), RELAY_CUT);
        assert_null(strstr(read_all(w, w->destination), "0\r\n\r\n"));
        (void)tear_down(state);
    }
}

/* A body until the close is only complete where the close was a clean one. */
static void a_failed_source_is_a_cut_in_every_framing(void **state)
{
    static const char *const heads[] = {HEAD "\r\n", CHUNKED, HEAD "Content-Length: 9\r\n\r\n",
                                        NULL};

    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        struct way *w;

        (void)set_up(state);
        w = *state;
        if (heads[i])
            begin(w, heads[i]);
        else
            loop_ready(w->t.loop, &w->task);
        loop_turn(w->t.loop, 0);
        w->src.end = CONN_END_FAILED;
        loop_ready(w->t.loop, &w->task);
        assert_int_equal(settle(w), RELAY_CUT);
        (void)tear_down(state);
    }
}

static void a_cut_without_close_notify_is_no_end_of_a_body(void **state)
{
    struct way *w = *state;

    begin(w, HEAD "\r\n");
    loop_turn(w->t.loop, 0);
    w->src.end = CONN_END_CUT;
    loop_ready(w->t.loop, &w->task);
    assert_int_equal(settle(w), RELAY_CUT);
    assert_string_equal(read_all(w, w->destination), "");
}

static void a_body_that_is_none_is_bad(void **state)
{
    static const char *const bodies[] = {
        "zz\r\n", "-5\r\n", "0x5\r\nhello", "3\r\nabcd", "ffffffffffffffffff\r\n", "3 \r\nabc\n"};

    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        struct way *w;

        (void)set_up(state);
        w = *state;
        begin(w, CHUNKED);
        say(w, bodies[i], false);
        assert_int_equal(settle(w), RELAY_BAD);
        assert_non_null(w->parser.reason);
        assert_null(strstr(read_all(w, w->destination), "0\r\n\r\n"));
        (void)tear_down(state);
    }
}

/* --- limits ----------------------------------------------------------------------------------- */

static void the_limit_is_allowed_and_one_more_is_not(void **state)
{
    static const char *const heads[] = {CHUNKED, HEAD "\r\n"};
    static const char *const fits[] = {"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", "hello"};
    static const char *const exceeds[] = {"3\r\nhel\r\n3\r\nlo!\r\n0\r\n\r\n", "hello!"};

    for (size_t i = 0; i < COUNT_OF(heads) * 2; i++) {
        bool is_too_large = i % 2;
        struct way *w;

        (void)set_up(state);
        w = *state;
        w->relay.bytes_max = 5;
        begin(w, heads[i / 2]);
        say(w, is_too_large ? exceeds[i / 2] : fits[i / 2], true);
        assert_int_equal(settle(w), is_too_large ? RELAY_TOO_LARGE : RELAY_DONE);
        assert_true(w->relay.bytes <= 5);
        (void)tear_down(state);
    }
}

/* Of another location, where the request went with a part of its body taken. */
static void a_limit_below_what_was_moved_lets_nothing_more_through(void **state)
{
    struct way *w = *state;

    w->relay.bytes_max = 5;
    w->relay.bytes = 6;
    begin(w, CHUNKED);
    say(w, "1\r\na\r\n0\r\n\r\n", true);
    assert_int_equal(settle(w), RELAY_TOO_LARGE);
    assert_int_equal(w->relay.bytes, 6);
}

static void fill_up(void **state, size_t waiting_max, size_t high)
{
    struct way *w = *state;
    char *bytes = pattern(4000), *sink = malloc(1 << 20);
    size_t said = 0, heard = 0, before;
    static const int narrow = 4096;

    assert_int_equal(setsockopt(w->dst.fd, SOL_SOCKET, SO_SNDBUF, &narrow, sizeof(narrow)), 0);
    w->relay.framing = FRAMING_UNTIL_CLOSE;
    w->relay.waiting_max = waiting_max;
    begin(w, HEAD "\r\n");
    do {
        ssize_t n = write(w->source, bytes, 4000);

        before = said;
        said += n > 0 ? (size_t)n : 0;
        for (int i = 0; i < 5; i++)
            loop_turn(w->t.loop, 1);
    } while (said > before);
    assert_true(conn_out_bytes(&w->dst) >= high);
    assert_true(conn_out_bytes(&w->dst) <= high + LARGE_BUFFER_BYTES);
    assert_int_equal(shutdown(w->source, SHUT_WR), 0);
    while (heard < said) {
        ssize_t n = read(w->destination, sink, 1 << 20);

        heard += n > 0 ? (size_t)n : 0;
        loop_turn(w->t.loop, 1);
    }
    assert_int_equal(settle(w), RELAY_DONE);
    assert_int_equal(w->relay.bytes, said);
    free(bytes);
    free(sink);
}

static void a_full_destination_stops_the_source(void **state)
{
    fill_up(state, 0, OUT_BYTES_HIGH);
}

static void a_destination_may_be_full_with_less(void **state)
{
    fill_up(state, 4096, 4096);
}

static void without_chunks_there_is_no_memory(void **state)
{
    struct way *w;
    struct chunk *chunk;

    (void)set_up_with(state, 1);
    w = *state;
    chunk = chunk_take(&w->t.chunks);
    begin(w, CHUNKED);
    say(w, "5\r\nhello\r\n", false);
    assert_int_equal(settle(w), RELAY_NO_MEMORY);
    chunk_give(&w->t.chunks, chunk);
    (void)tear_down(state);
}

/* --- another try ------------------------------------------------------------------------------ */

static void what_was_moved_is_moved_again(void **state)
{
    struct way *w = *state;

    w->relay.is_keeping = true;
    begin(w, CHUNKED);
    say(w, "3\r\nhel\r\n", false);
    turn_until(w->t.loop, w->relay.bytes == 3);
    assert_string_equal(read_all(w, w->destination), "3\r\nhel\r\n");
    assert_true(relay_can_replay(&w->relay));
    assert_int_equal(relay_replay(&w->relay, &w->other), 0);
    say(w, "2\r\nlo\r\n0\r\n\r\n", false);
    assert_int_equal(settle(w), RELAY_DONE);
    assert_string_equal(read_all(w, w->other_end), "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n");
    assert_string_equal(read_all(w, w->destination), "");
}

static void a_whole_body_is_replayed_with_its_end(void **state)
{
    struct way *w = *state;

    w->relay.is_keeping = true;
    begin(w, HEAD "Content-Length: 5\r\n\r\n");
    say(w, "hello", false);
    assert_int_equal(settle(w), RELAY_DONE);
    assert_int_equal(relay_replay(&w->relay, &w->other), 0);
    assert_string_equal(read_all(w, w->other_end), "5\r\nhello\r\n0\r\n\r\n");
    assert_int_equal(relay_replay(&w->relay, &w->other), 0); /* and once more */
    assert_string_equal(read_all(w, w->other_end), "5\r\nhello\r\n0\r\n\r\n");
}

static void a_body_not_yet_begun_can_always_be_replayed(void **state)
{
    struct way *w = *state;

    begin(w, HEAD "Content-Length: 5\r\n\r\n");
    loop_turn(w->t.loop, 0);
    assert_true(relay_can_replay(&w->relay));
    assert_int_equal(relay_replay(&w->relay, &w->other), 0);
    say(w, "hello", false);
    assert_int_equal(settle(w), RELAY_DONE);
    assert_string_equal(read_all(w, w->other_end), "5\r\nhello\r\n0\r\n\r\n");
}

/* Content of the size of a chunk's room is kept; a byte more is not. */
static void one_chunk_is_kept_and_no_more(void **state)
{
    char *bytes = calloc(1, CHUNK_ROOM + 1);

    for (size_t more = 0; more < 2; more++) {
        char head[128];
        struct way *w;

        (void)set_up(state);
        w = *state;
        w->relay.is_keeping = true;
        w->relay.framing = FRAMING_LENGTH;
        (void)snprintf(head, sizeof(head), HEAD "Content-Length: %zu\r\n\r\n", CHUNK_ROOM + more);
        begin(w, head);
        for (size_t at = 0; at < CHUNK_ROOM + more;) {
            ssize_t n = write(w->source, bytes, CHUNK_ROOM + more - at);

            at += n > 0 ? (size_t)n : 0;
            loop_turn(w->t.loop, 1);
            (void)read_all(w, w->destination);
        }
        assert_int_equal(settle(w), RELAY_DONE);
        assert_int_equal(relay_can_replay(&w->relay), more == 0);
        (void)tear_down(state);
    }
    free(bytes);
}

static void forgetting_gives_the_chunk_back(void **state)
{
    struct way *w = *state;

    w->relay.is_keeping = true;
    w->relay.dst = NULL;
    begin(w, HEAD "Content-Length: 5\r\n\r\n");
    say(w, "hello", false);
    assert_int_equal(settle(w), RELAY_DONE);
    assert_int_equal(w->t.chunks.slab.count_taken, 1);
    relay_forget(&w->relay);
    relay_forget(&w->relay);
    assert_int_equal(w->t.chunks.slab.count_taken, 0);
    assert_false(relay_can_replay(&w->relay));
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_framing_becomes_every_other),
        cmocka_unit_test(trailers_go_on_behind_chunks_unless_they_are_dropped),
        CLAIM(what_follows_the_message_stays_in_the_source),
        CLAIM(a_body_without_destination_is_read_and_dropped),
        CLAIM(a_tunnel_passes_bytes_until_the_end),
        cmocka_unit_test(a_source_that_ends_early_is_a_cut),
        cmocka_unit_test(a_failed_source_is_a_cut_in_every_framing),
        CLAIM(a_cut_without_close_notify_is_no_end_of_a_body),
        cmocka_unit_test(a_body_that_is_none_is_bad),
        cmocka_unit_test(the_limit_is_allowed_and_one_more_is_not),
        CLAIM(a_limit_below_what_was_moved_lets_nothing_more_through),
        CLAIM(a_full_destination_stops_the_source),
        CLAIM(a_destination_may_be_full_with_less),
        cmocka_unit_test(without_chunks_there_is_no_memory),
        CLAIM(what_was_moved_is_moved_again),
        CLAIM(a_whole_body_is_replayed_with_its_end),
        CLAIM(a_body_not_yet_begun_can_always_be_replayed),
        cmocka_unit_test(one_chunk_is_kept_and_no_more),
        CLAIM(forgetting_gives_the_chunk_back),
    };

    return cmocka_run_group_tests_name("proxy_relay", tests, NULL, NULL);
}
