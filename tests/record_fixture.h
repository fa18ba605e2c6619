/* record_fixture - a record with all that it points to: a loop, a client's connection and one to an
 * upstream, whose other ends the test reads.
 *
 * The clock stands at Fri, 20 Nov 2026 22:46:00 GMT. */
#ifndef RINGWAY_TESTS_RECORD_FIXTURE_H
#define RINGWAY_TESTS_RECORD_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "endpoints.h"
#include "http/parser.h"
#include "proxy/access.h"
#include "proxy/record.h"

#define DATE "Fri, 20 Nov 2026 22:46:00 GMT"
#define NOW_MS INT64_C(1795214760123)
#define WIRE_BYTES (256 * 1024)

struct fixture {
    struct record record; /* first: it is what most tests are about */
    struct arena conf_arena, arena;
    struct engine engine;
    struct snapshot snapshot;
    struct listen_conf listen;
    struct server_conf server;
    struct location_conf location;
    struct upstream_conf group;
    struct peer_conf peer;
    struct client_facts client;
    struct task task; /* owns both conns */
    unsigned run_count;
    struct conn client_conn, upstream_conn;
    int client_fd, upstream_fd; /* the other ends */
    struct parser_limits limits;
    struct parser request, response;
    char wire[WIRE_BYTES];
};

static void count_run(struct task *t)
{
    container_of(t, struct fixture, task)->run_count++;
}

/* From now on the clock stands until the loop's moves on. */
static void stop_clock(struct fixture *f)
{
    time_cache_set(&f->engine.times, NOW_MS);
    f->engine.times_set_ms = loop_now_ms(f->engine.loop);
}

static void make_engine(struct fixture *f)
{
    struct loop_options options = {
        .entries = 64, .small_buffer_count = 8, .large_buffer_count = 8, .stats = &f->engine.stats};
    char error[256];

    if (loop_new(&options, &f->engine.loop, error, sizeof(error)) < 0)
        fail_msg("%s", error);
    assert_int_equal(chunk_pool_init(&f->engine.chunks, 16), 0);
    f->engine.head_buffer = malloc(WRITTEN_HEAD_BYTES_MAX);
    assert_non_null(f->engine.head_buffer);
    access_init(&f->engine);
    stop_clock(f);
}

static void make_conn(struct fixture *f, struct conn *c, int *other_end)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    conn_init(c, f->engine.loop, &f->engine.chunks, fds[0], &f->task);
    *other_end = fds[1];
}

static void make_conf(struct fixture *f)
{
    f->snapshot.ref_count = 1;
    f->location.pattern = SPAN("/");
    f->location.settings.proxy_http_version_minor = 1;
    f->location.settings.absolute_redirect = true;
    f->location.settings.log_not_found = true;
    f->location.settings.etag = true;
    f->location.settings.if_modified_since = 1; /* exact */
    f->location.settings.max_ranges = UINT64_MAX;
    f->location.settings.port_in_redirect = true;
    f->location.proxy_pass = (struct proxy_pass){.is_set = true,
                                                 .is_tls = true,
                                                 .upstream = &f->group,
                                                 .host = SPAN("group:8443"),
                                                 .host_name = SPAN("group"),
                                                 .port = 8443};
    f->group.name = SPAN("group");
    f->peer.address_text = SPAN("127.0.0.1:8443");
    f->server.name = SPAN("server.example");
}

static void make_record(struct fixture *f)
{
    f->client.conn = &f->client_conn;
    f->client.number = 7;
    f->client.request_count = 2;
    f->client.since_ms = loop_now_ms(f->engine.loop) - 1500;
    f->client.address = endpoint_at("192.0.2.1", 50000);
    f->client.local_address = endpoint_at("192.0.2.254", 8080);
    f->record = (struct record){
        .engine = &f->engine,
        .arena = &f->arena,
        .snapshot = &f->snapshot,
        .client = &f->client,
        .listen = &f->listen,
        .server = &f->server,
        .location = &f->location,
        .request = &f->request.head,
        .pass = &f->location.proxy_pass,
        .began_us = loop_now_us(f->engine.loop),
    };
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    arena_init(&f->conf_arena, 4096, 0);
    arena_init(&f->arena, 4096, 1 << 20);
    f->limits = (struct parser_limits){.head_bytes_max = 65536,
                                       .line_bytes_max = 65536,
                                       .field_count_max = 100,
                                       .head_bytes_first = 1024,
                                       .invalid_names_are_ignored = true,
                                       .slashes_are_merged = true};
    task_init(&f->task, count_run);
    make_engine(f);
    make_conn(f, &f->client_conn, &f->client_fd);
    make_conn(f, &f->upstream_conn, &f->upstream_fd);
    make_conf(f);
    make_record(f);
    *state = f;
    return 0;
}

static void close_conn(struct fixture *f, struct conn *c)
{
    conn_abort(c, false);
    for (int i = 0; i < 100 && !conn_is_closed(c); i++)
        loop_turn(f->engine.loop, 10);
    conn_deinit(c);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    close_conn(f, &f->client_conn);
    close_conn(f, &f->upstream_conn);
    close(f->client_fd);
    close(f->upstream_fd);
    task_cancel(&f->task);
    loop_free(f->engine.loop);
    chunk_pool_deinit(&f->engine.chunks);
    free(f->engine.head_buffer);
    arena_deinit(&f->arena);
    arena_deinit(&f->conf_arena);
    free(f);
    return 0;
}

static inline void parse_head(struct parser *p, struct span text)
{
    struct span body;

    if (parser_next(p, &text, &body) != PARSER_HEAD)
        fail_msg("the head does not parse: %s", p->reason);
}

/* A request as it came, now the record's. */
static inline void take_request(struct fixture *f, const char *text)
{
    parser_begin_request(&f->request, &f->limits, &f->arena);
    parse_head(&f->request, span_of_cstr(text));
    f->record.uri = f->request.head.path;
    f->record.args = f->request.head.query;
}

/* A response as it came from the upstream, now the record's. */
static inline void take_response(struct fixture *f, const char *text)
{
    struct parser_request_facts facts = {.was_head = f->request.head.method == METHOD_HEAD,
                                         .asked_for_upgrade = f->record.asked_for_upgrade};

    parser_begin_response(&f->response, &f->limits, &f->arena, facts);
    parse_head(&f->response, span_of_cstr(text));
    f->record.response = &f->response.head;
}

/* All that a conn has sent up to now, with a NUL behind. */
static inline const char *sent_text(struct fixture *f, struct conn *c, int fd)
{
    size_t len = 0;

    do {
        ssize_t n;

        loop_turn(f->engine.loop, 0);
        n = read(fd, f->wire + len, sizeof(f->wire) - 1 - len);
        if (n > 0)
            len += (size_t)n;
    } while (conn_out_bytes(c));
    for (ssize_t n; (n = read(fd, f->wire + len, sizeof(f->wire) - 1 - len)) > 0;)
        len += (size_t)n;
    f->wire[len] = '\0';
    stop_clock(f);
    return f->wire;
}

static inline const char *sent_to_client(struct fixture *f)
{
    return sent_text(f, &f->client_conn, f->client_fd);
}

static inline const char *sent_to_upstream(struct fixture *f)
{
    return sent_text(f, &f->upstream_conn, f->upstream_fd);
}

static inline struct template compiled(struct fixture *f, const char *text)
{
    struct template t;
    char error[TEMPLATE_ERROR_BYTES] = "";

    if (template_compile(span_of_cstr(text), NULL, &f->conf_arena, &t, error) < 0)
        fail_msg("%s: %s", text, error);
    return t;
}

static inline bool has_line(const char *head, const char *line)
{
    const char *at = strstr(head, line);

    return at && at > head && at[-1] == '\n' && at[strlen(line)] == '\r';
}

#define assert_line(head, line)                             \
    do {                                                    \
        if (!has_line(head, line))                          \
            fail_msg("no line \"%s\" in:\n%s", line, head); \
    } while (0)

#define assert_no_field(head, name)                         \
    do {                                                    \
        if (strstr(head, "\r\n" name ":"))                  \
            fail_msg("a field \"%s\" in:\n%s", name, head); \
    } while (0)

#endif
