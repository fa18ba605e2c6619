/* worker_fixture - workers, of which the test is the control thread and the clients.
 *
 * All listen on one socket of the loopback, on which the test keeps a descriptor of its own. */
#ifndef RINGWAY_TESTS_WORKER_FIXTURE_H
#define RINGWAY_TESTS_WORKER_FIXTURE_H

#include "conf_text.h"
#include "conn_fixture.h"

#include "server/worker.h"

#define SITE_WORKERS 2
#define CONF_LOGGED(log, main, events, server)                          \
    "error_log /dev/null;\n" main "\nevents {\n" events "\n}\nhttp {\n" \
    "access_log " log ";\nserver {\nlisten 127.0.0.1:8080;\n" server "\n}}\n"
#define CONF(events, server) CONF_LOGGED("off", "", events, server)
#define SERVE(text) CONF("worker_connections 64;", "return 200 \"<" text ">\";")
#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

struct site {
    struct turning t; /* control's */
    struct worker *workers[SITE_WORKERS];
    unsigned count;
    struct address address; /* of the socket that the workers share */
    int listener;           /* the test's own; -1: closed */
    unsigned drained_count, swapped_count;
    unsigned swapped_index;
    char swap_error[256];
};

static inline void site_drained(void *control)
{
    ((struct site *)control)->drained_count++;
}

static inline void site_swapped(void *control, unsigned index, const char *error)
{
    struct site *s = control;

    s->swapped_count++;
    s->swapped_index = index;
    snprintf(s->swap_error, sizeof(s->swap_error), "%s", error ? error : "");
}

static inline int site_set_up(void **state)
{
    struct site *s = calloc(1, sizeof(*s));

    assert_non_null(s);
    turning_init(&s->t);
    s->listener = loopback_listen(&s->address);
    *state = s;
    return 0;
}

/* All have been told to exit. */
static inline void site_join(struct site *s)
{
    for (unsigned i = 0; i < s->count; i++)
        worker_join(s->workers[i]);
    s->count = 0;
}

/* They drain, and all that they say is heard before they are freed. */
static inline void site_end(struct site *s)
{
    for (unsigned i = 0; i < s->count; i++)
        worker_stop(s->workers[i]);
    if (s->count)
        turn_until(s->t.loop, s->drained_count == s->count);
    for (unsigned i = 0; i < s->count; i++)
        worker_exit(s->workers[i]);
    site_join(s);
}

static inline void site_close_listener(struct site *s)
{
    assert_int_equal(close(s->listener), 0);
    s->listener = -1;
}

static inline int site_tear_down(void **state)
{
    struct site *s = *state;

    site_end(s);
    if (s->listener >= 0)
        site_close_listener(s);
    turning_deinit(&s->t);
    free(s);
    return 0;
}

#define SITE_TEST(name) cmocka_unit_test_setup_teardown(name, site_set_up, site_tear_down)

/* --- starting and ending -------------------------------------------------------------------- */

static inline struct worker_assignment assign(const char *text, int fd)
{
    struct conf_text t;
    struct worker_assignment a = {.listen_fds = malloc(sizeof(int))};

    conf_text_build(&t, text);
    if (t.rc)
        fail_msg("%s", t.log);
    assert_non_null(a.listen_fds);
    assert_true(fd >= 0);
    a.snapshot = t.snapshot;
    a.listen_fds[0] = fd;
    return a;
}

/* Another descriptor for the socket that all share. */
static inline int shared_listener(const struct site *s)
{
    return fcntl(s->listener, F_DUPFD_CLOEXEC, 0);
}

static inline int site_start(struct site *s, struct worker_assignment a, char error[256])
{
    struct worker_options o = {
        .index = s->count,
        .count = SITE_WORKERS,
        .beside = s->count ? s->workers[0] : NULL,
        .first = a,
        .control_loop = s->t.loop,
        .on_drained = site_drained,
        .control = s,
    };
    int rc = worker_start(&o, &s->workers[s->count], error, 256);

    s->count += !rc;
    return rc;
}

static inline void started(struct site *s, const char *text)
{
    char error[256];

    if (site_start(s, assign(text, shared_listener(s)), error))
        fail_msg("%s", error);
}

static inline void all_started(struct site *s, const char *text)
{
    for (unsigned i = 0; i < SITE_WORKERS; i++)
        started(s, text);
    workers_introduce(s->workers, s->count);
    for (unsigned i = 0; i < SITE_WORKERS; i++)
        worker_go(s->workers[i]);
}

/* Hands over the next snapshot, and hears what the first worker says of it. */
static inline void swap(struct site *s, const struct worker_assignment *next)
{
    unsigned before = s->swapped_count;

    assert_int_equal(worker_swap(s->workers[0], next, site_swapped), 0);
    turn_until(s->t.loop, s->swapped_count > before);
    assert_int_equal(s->swapped_index, 0);
}

/* --- clients -------------------------------------------------------------------------------- */

static inline int call_at(const struct address *a)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, &a->u.any, a->len), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static inline int call(const struct site *s)
{
    return call_at(&s->address);
}

static inline bool is_refused(const struct address *a)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_so = connect(fd, &a->u.any, a->len) < 0 && errno == ECONNREFUSED;

    close(fd);
    return is_so;
}

/* Reads until the body that comes next has ended: "<...>". */
static inline void read_body(struct site *s, int fd, const char *expected)
{
    char head[4096];
    size_t len = 0;

    do {
        assert_true(len < sizeof(head) - 1);
        if (peer_read(&s->t, fd, head + len, 1) != 1)
            fail_msg("it ended behind \"%.*s\"", (int)len, head);
        head[++len] = '\0';
    } while (head[len - 1] != '>');
    if (!strstr(head, expected))
        fail_msg("no \"%s\" in \"%s\"", expected, head);
}

static inline void ask(struct site *s, int fd, const char *expected)
{
    peer_write(fd, GET);
    read_body(s, fd, expected);
}

static inline void ask_once_at(struct site *s, const struct address *a, const char *expected)
{
    int fd = call_at(a);

    peer_write(fd, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    read_body(s, fd, expected);
    assert_true(peer_has_ended(&s->t, fd));
    close(fd);
}

static inline void ask_once(struct site *s, const char *expected)
{
    ask_once_at(s, &s->address, expected);
}

/* A client in the middle of its second request: both came in one piece, so that with the answer to
 * the first one the worker has seen the other one's beginning. */
static inline int call_busy(struct site *s, const char *expected)
{
    int fd = call(s);

    peer_write(fd, GET "GET / HTTP/1.1\r\nHost: a\r\n");
    read_body(s, fd, expected);
    return fd;
}

static inline bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static inline bool is_silent(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

#endif
