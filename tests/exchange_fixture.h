/* exchange_fixture - a worker's parts with a client's connection, whose other end the test writes
 * and reads, and a server that proxies all to the group of upstream_fixture, without TLS.
 *
 * The exchange is run by the test: it is the client. */
#ifndef RINGWAY_TESTS_EXCHANGE_FIXTURE_H
#define RINGWAY_TESTS_EXCHANGE_FIXTURE_H

#include "endpoints.h"
#include "upstream_fixture.h"

#include "proxy/access.h"
#include "proxy/exchange.h"
#include "proxy/verdict.h"

#define EXCHANGES_MAX 2
#define CLIENT_BYTES (64 * 1024)

struct stage {
    struct world world; /* first: world_run() finds it by its task */
    struct server_conf server;
    struct listen_conf listen;
    struct client_facts client;
    struct conn client_conn;
    struct timer timer;
    int client_fd; /* the other end */
    struct exchange *x;
    size_t got_len;
    char got[CLIENT_BYTES]; /* what the client got, with a NUL behind */
};

static inline void stage_expired(struct timer *t)
{
    struct stage *s = container_of(t, struct stage, timer);

    loop_ready(s->world.t.loop, &s->world.task);
}

static const struct parser_limits stage_response_limits = {
    .head_bytes_max = RESPONSE_HEAD_BYTES_MAX,
    .line_bytes_max = RESPONSE_LINE_BYTES_MAX,
    .field_count_max = RESPONSE_FIELD_COUNT_MAX,
    .head_bytes_first = 1024,
    .underscores_in_names = true,
};

static inline void stage_init_conf(struct stage *s)
{
    struct location_conf *root = &s->server.root;
    struct settings *c = &root->settings;

    c->client_header_timeout_ms = c->client_body_timeout_ms = c->send_timeout_ms = 20 * 1000;
    c->proxy_connect_timeout_ms = c->proxy_send_timeout_ms = c->proxy_read_timeout_ms = 20 * 1000;
    c->keepalive_timeout_ms = 60 * 1000;
    c->keepalive_requests = 1000;
    c->keepalive_time_ms = 3600 * 1000;
    c->proxy_http_version_minor = 1;
    c->chunked_transfer_encoding = true;
    c->response_limits = &stage_response_limits;
    c->proxy_next_upstream = NEXT_ERROR | NEXT_TIMEOUT;
    root->pattern = SPAN("/");
    root->parser_limits = (struct parser_limits){.head_bytes_max = 8192,
                                                 .line_bytes_max = 4096,
                                                 .field_count_max = 100,
                                                 .head_bytes_first = 1024,
                                                 .slashes_are_merged = true};
    root->proxy_pass = (struct proxy_pass){.is_set = true,
                                           .upstream = &s->world.group,
                                           .host = SPAN("group"),
                                           .host_name = SPAN("group"),
                                           .port = 80};
    s->server.name = SPAN("server.example");
    s->listen.default_server = &s->server;
}

static inline void stage_init_client(struct stage *s)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
    conn_init(&s->client_conn, s->world.t.loop, &s->world.t.chunks, fds[0], &s->world.task);
    s->client_fd = fds[1];
    s->client = (struct client_facts){.conn = &s->client_conn,
                                      .number = 1,
                                      .request_count = 1,
                                      .since_ms = loop_now_ms(s->world.t.loop)};
    s->client.address = endpoint_at("192.0.2.1", 50000);
    s->client.local_address = endpoint_at("192.0.2.2", 80);
}

static inline struct exchange_options stage_options(struct stage *s)
{
    return (struct exchange_options){.view = s->world.view,
                                     .listen = &s->listen,
                                     .client = &s->client,
                                     .task = &s->world.task,
                                     .timer = &s->timer};
}

/* A text of a location, in the exchange's arena. */
static inline struct template stage_compiled(struct stage *s, const char *text)
{
    struct template t;
    char error[TEMPLATE_ERROR_BYTES] = "";

    if (template_compile(span_of_cstr(text), NULL, &s->x->arena, &t, error) < 0)
        fail_msg("%s: %s", text, error);
    return t;
}

static inline void stage_begin(struct stage *s)
{
    struct exchange_options o = stage_options(s);

    s->x = exchange_new(&o);
    assert_non_null(s->x);
}

static inline int stage_set_up(void **state)
{
    struct stage *s = calloc(1, sizeof(*s));
    struct engine *e = &s->world.engine;

    assert_non_null(s);
    world_init(&s->world);
    s->world.peers[1].is_down = true;
    assert_int_equal(slab_init(&e->exchanges, sizeof(struct exchange), EXCHANGES_MAX), 0);
    e->head_buffer = malloc(WRITTEN_HEAD_BYTES_MAX);
    assert_non_null(e->head_buffer);
    e->regex_scratch = regex_scratch_new();
    assert_non_null(e->regex_scratch);
    timer_init(&s->timer, stage_expired);
    stage_init_conf(s);
    stage_init_client(s);
    stage_begin(s);
    *state = s;
    return 0;
}

static inline int stage_tear_down(void **state)
{
    struct stage *s = *state;
    struct engine *e = &s->world.engine;

    if (s->x) {
        exchange_abort(s->x);
        turn_until(s->world.t.loop, !exchange_is_busy(s->x));
        exchange_free(s->x);
    }
    conn_abort(&s->client_conn, false);
    turn_until(s->world.t.loop, conn_is_closed(&s->client_conn));
    conn_deinit(&s->client_conn);
    close(s->client_fd);
    timer_stop(loop_wheel(s->world.t.loop), &s->timer);
    exchanges_deinit(&e->exchanges);
    slab_deinit(&e->exchanges);
    view_retire(s->world.view);
    world_deinit(&s->world);
    regex_scratch_free(e->regex_scratch);
    free(e->head_buffer);
    free(s);
    return 0;
}

/* Runs the exchange as the client would, for as long as it waits and `while_true` holds. */
#define stage_run_while(s, result, while_true)                              \
    do {                                                                    \
        uint64_t give_up_us = loop_now_us((s)->world.t.loop) + PATIENCE_US; \
                                                                            \
        while (((result) = exchange_run((s)->x)) == EXCHANGE_WAITS) {       \
            if (!(while_true))                                              \
                break;                                                      \
            loop_turn((s)->world.t.loop, 5);                                \
            if (loop_now_us((s)->world.t.loop) > give_up_us)                \
                fail_msg("the exchange waits for ever");                    \
        }                                                                   \
    } while (0)

static inline enum exchange_result stage_settle(struct stage *s)
{
    enum exchange_result result;

    stage_run_while(s, result, true);
    return result;
}

/* What the client has got by now. */
static inline const char *stage_got(struct stage *s)
{
    ssize_t n;

    do {
        loop_turn(s->world.t.loop, 0);
        while ((n = read(s->client_fd, s->got + s->got_len, sizeof(s->got) - 1 - s->got_len)) > 0)
            s->got_len += (size_t)n;
    } while (conn_out_bytes(&s->client_conn) && !s->client_conn.error);
    while ((n = read(s->client_fd, s->got + s->got_len, sizeof(s->got) - 1 - s->got_len)) > 0)
        s->got_len += (size_t)n;
    s->got[s->got_len] = '\0';
    return s->got;
}

/* Runs until a connection to the upstream is there; its socket, which does not block. */
static inline int stage_accept(struct stage *s)
{
    enum exchange_result result;
    int fd = -1;

    assert_int_equal(fcntl(s->world.listener, F_SETFL, O_NONBLOCK), 0);
    stage_run_while(s, result, (fd = accept4(s->world.listener, NULL, NULL, SOCK_NONBLOCK)) < 0);
    assert_int_equal(result, EXCHANGE_WAITS);
    return fd;
}

/* Runs until the upstream has got a request that ends so, and returns it. */
static inline const char *stage_request(struct stage *s, int fd, const char *request_end)
{
    static char text[64 * 1024];
    size_t len = 0, end_len = strlen(request_end);

    while (len < end_len || memcmp(text + len - end_len, request_end, end_len) != 0) {
        ssize_t n = read(fd, text + len, sizeof(text) - 1 - len);

        if (n > 0)
            len += (size_t)n;
        assert_true(n != 0 && len < sizeof(text) - 1);
        assert_int_equal(exchange_run(s->x), EXCHANGE_WAITS);
        loop_turn(s->world.t.loop, 1);
    }
    text[len] = '\0';
    return text;
}

/* Both: the socket of a connection that has brought a request. */
static inline int stage_reach_upstream(struct stage *s, const char *request_end)
{
    int fd = stage_accept(s);

    (void)stage_request(s, fd, request_end);
    return fd;
}

/* The exchange has ended, and the client's connection has another one; what it got is forgotten. */
static inline void stage_next(struct stage *s)
{
    (void)stage_got(s);
    s->got_len = 0;
    exchange_free(s->x);
    s->client.request_count++;
    stage_begin(s);
}

#define assert_status(s, line)                                              \
    do {                                                                    \
        if (strncmp(stage_got(s), "HTTP/1.1 " line, strlen(line) + 9) != 0) \
            fail_msg("no " line " in \"%s\"", (s)->got);                    \
    } while (0)

#endif
