/* conn_fixture - conns with an owner that reads, and other ends that the test reads itself. */
#ifndef RINGWAY_TESTS_CONN_FIXTURE_H
#define RINGWAY_TESTS_CONN_FIXTURE_H

#include "loop_fixture.h"

#include <poll.h>
#include <sys/socket.h>

#include "io/conn.h"

#define GOT_BYTES (2 << 20)

/* A conn and its owner. */
struct end {
    struct conn conn;
    struct task task;
    struct turning *t;
    unsigned run_count;
    bool reads;       /* takes all that there is, and wants more */
    size_t takes_max; /* at a time; 0: all */
    char *got;        /* what was read */
    size_t got_len;
    enum conn_end end;           /* as it stood when there was nothing more to read */
    enum conn_progress progress; /* of the handshake */
};

static inline void end_read(struct end *e)
{
    struct span in;

    while ((in = conn_input(&e->conn)).len) {
        size_t n = e->takes_max ? size_min(in.len, e->takes_max) : in.len;

        assert_true(e->got_len + n <= GOT_BYTES);
        memcpy(e->got + e->got_len, in.data, n);
        e->got_len += n;
        conn_consume(&e->conn, n);
        if (e->takes_max)
            break;
    }
    if (conn_input(&e->conn).len)
        loop_ready(e->t->loop, &e->task);
    else if (conn_end(&e->conn) == CONN_END_NONE)
        conn_want_input(&e->conn);
    else
        e->end = conn_end(&e->conn);
}

static inline void end_run(struct task *t)
{
    struct end *e = container_of(t, struct end, task);

    e->run_count++;
    if (e->conn.state == CONN_HANDSHAKING)
        e->progress = conn_handshake(&e->conn);
    if (conn_is_open(&e->conn) && e->reads)
        end_read(e);
}

static inline void end_init(struct end *e, struct turning *t)
{
    *e = (struct end){.t = t, .got = malloc(GOT_BYTES), .reads = true};
    assert_non_null(e->got);
    task_init(&e->task, end_run);
}

/* Around one side of a stream; the other is *other, which does not block. */
static inline void end_open(struct end *e, struct turning *t, int *other)
{
    int fds[2];

    end_init(e, t);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    conn_init(&e->conn, t->loop, &t->chunks, fds[0], &e->task);
    assert_int_equal(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
    *other = fds[1];
}

/* A listening socket on the loopback; its address. */
static inline int loopback_listen(struct address *a)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(address_parse_ip(SPAN("127.0.0.1"), 0, a), 0);
    assert_int_equal(bind(fd, &a->u.any, a->len), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, &a->u.any, &a->len), 0);
    return fd;
}

/* The same over TCP, where a reset is more than a close. */
static inline void end_open_tcp(struct end *e, struct turning *t, int *other)
{
    struct address a;
    int listener = loopback_listen(&a), fd;

    *other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(*other, &a.u.any, a.len), 0);
    fd = accept(listener, NULL, NULL);
    assert_true(fd >= 0);
    assert_int_equal(fcntl(*other, F_SETFL, O_NONBLOCK), 0);
    close(listener);
    end_init(e, t);
    conn_init(&e->conn, t->loop, &t->chunks, fd, &e->task);
}

/* Closed by whatever way it was on, or cut. */
static inline void end_deinit(struct end *e)
{
    conn_abort(&e->conn, false);
    turn_until(e->t->loop, conn_is_closed(&e->conn));
    loop_turn(e->t->loop, 0); /* the owner is told */
    task_cancel(&e->task);
    conn_deinit(&e->conn);
    free(e->got);
}

/* Reads the other end while the loop turns: until so many bytes are there, or the end. Returns the
 * number; -1: it was reset. */
static inline ssize_t peer_read(struct turning *t, int fd, char *out, size_t len)
{
    uint64_t give_up_us = loop_now_us(t->loop) + PATIENCE_US;
    size_t got = 0;

    while (got < len) {
        ssize_t n = read(fd, out + got, len - got);

        if (n == 0)
            break;
        if (n < 0 && errno != EAGAIN)
            return -1;
        if (n > 0)
            got += (size_t)n;
        else
            loop_turn(t->loop, 1);
        if (loop_now_us(t->loop) > give_up_us)
            fail_msg("only %zu of %zu bytes came", got, len);
    }
    return (ssize_t)got;
}

static inline void peer_write(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static inline bool peer_has_ended(struct turning *t, int fd)
{
    char byte;

    return peer_read(t, fd, &byte, 1) == 0;
}

/* Bytes of which each tells where it stands. */
static inline char *pattern(size_t len)
{
    char *bytes = malloc(len);

    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)(i * 31 + i / 251 + i / 65536);
    return bytes;
}

#define assert_got(e, text)                                \
    do {                                                   \
        assert_int_equal((e)->got_len, strlen(text));      \
        assert_memory_equal((e)->got, text, strlen(text)); \
    } while (0)

#endif
