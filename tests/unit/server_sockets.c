/* Tests of server/sockets: on loopback, and on unix sockets in a folder of their own. */
#include <fcntl.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/sockets.h"

#define WORKERS 3
#define LISTENS_MAX 4

/* A snapshot of listening addresses and nothing else. */
struct world {
    struct snapshot snapshot;
    struct listen_conf listens[LISTENS_MAX];
    struct sockets sockets;
    char error[512];
};

static void add(struct world *w, const char *text)
{
    size_t index = w->snapshot.listen_count++;
    struct listen_conf *l = &w->listens[index];
    const char *colon = strrchr(text, ':');

    assert_true(index < LISTENS_MAX);
    *l = (struct listen_conf){.index = (unsigned)index, .backlog = 5, .ipv6only = true};
    l->origin = (struct origin){.file = SPAN("a.conf"), .line = 7};
    w->snapshot.listens = w->listens;
    if (strncmp(text, "unix:", 5) == 0)
        assert_int_equal(address_parse_unix(span_of_cstr(text), &l->address), 0);
    else
        assert_int_equal(address_parse_ip(span_of(text, (size_t)(colon - text)),
                                          (uint16_t)atoi(colon + 1), &l->address),
                         0);
}

static int open_all(struct world *w, const struct world *before)
{
    const struct sockets_wish wish = {
        .snapshot = &w->snapshot,
        .worker_count = WORKERS,
        .before = before ? &before->sockets : NULL,
        .before_snapshot = before ? &before->snapshot : NULL,
    };

    return sockets_open(&w->sockets, &wish, w->error, sizeof(w->error));
}

static void close_all(struct world *w)
{
    for (size_t i = 0; i < WORKERS * w->sockets.listen_count; i++)
        assert_int_equal(close(w->sockets.fds[i]), 0);
    sockets_deinit(&w->sockets);
}

static int fd_of(const struct world *w, unsigned worker, size_t listen)
{
    return w->sockets.fds[worker * w->sockets.listen_count + listen];
}

/* A port of loopback that nobody has: taken, read and given back. */
static const char *free_port(char out[32])
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(in);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    assert_int_equal(close(fd), 0);
    snprintf(out, 32, "127.0.0.1:%u", ntohs(in.sin_port));
    return out;
}

static void each_worker_has_its_own_socket_of_each_address(void **state)
{
    struct world w = {0};
    char one[32], two[32];

    (void)state;
    add(&w, free_port(one));
    add(&w, free_port(two));
    assert_int_equal(open_all(&w, NULL), 0);
    for (size_t i = 0; i < WORKERS * 2; i++) {
        assert_true(w.sockets.fds[i] >= 0);
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(w.sockets.fds[i], w.sockets.fds[k]);
    }
    close_all(&w);
}

static void port_that_somebody_has_is_refused(void **state)
{
    struct world w = {0}, other = {0};
    char port[32];

    (void)state;
    add(&w, free_port(port));
    add(&other, port);
    assert_int_equal(open_all(&w, NULL), 0);
    assert_int_equal(open_all(&other, NULL), -EADDRINUSE);
    assert_non_null(strstr(other.error, port));
    assert_non_null(strstr(other.error, "in a.conf:7"));
    assert_null(other.sockets.fds);
    close_all(&w);
}

static void address_beside_the_wildcard_of_one_file_is_fine(void **state)
{
    struct world w = {0};
    char port[32], any[32];

    (void)state;
    free_port(port);
    snprintf(any, sizeof(any), "0.0.0.0%s", strchr(port, ':'));
    add(&w, any);
    add(&w, port);
    assert_int_equal(open_all(&w, NULL), 0);
    close_all(&w);
}

static void address_that_stays_keeps_its_sockets(void **state)
{
    struct world before = {0}, after = {0};
    char kept[32], gone[32], added[32];

    (void)state;
    add(&before, free_port(gone));
    add(&before, free_port(kept));
    assert_int_equal(open_all(&before, NULL), 0);
    add(&after, kept);
    add(&after, free_port(added));
    assert_int_equal(open_all(&after, &before), 0);
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(fd_of(&after, i, 0), fd_of(&before, i, 1));
    sockets_close_new(&after.sockets);
    for (unsigned i = 0; i < WORKERS; i++) {
        assert_int_equal(fd_of(&after, i, 0), fd_of(&before, i, 1));
        assert_int_equal(fd_of(&after, i, 1), -1);
    }
    sockets_deinit(&after.sockets);
    close_all(&before); /* none was */
}

static int option_of(int fd, int level, int option)
{
    socklen_t len = sizeof(int);
    int value = -1;

    assert_int_equal(getsockopt(fd, level, option, &value, &len), 0);
    return value;
}

/* How many connections may wait, which of a listening socket TCP_INFO tells there. */
static unsigned backlog_of(int fd)
{
    struct tcp_info info;
    socklen_t len = sizeof(info);

    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
    return info.tcpi_sacked;
}

static void assert_options(int fd, const struct listen_socket *s, unsigned backlog)
{
    assert_int_equal(option_of(fd, SOL_SOCKET, SO_RCVBUF), 2 * s->receive_bytes);
    assert_int_equal(option_of(fd, SOL_SOCKET, SO_SNDBUF), 2 * s->send_bytes);
    assert_int_equal(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), s->keepalive == KEEPALIVE_ON);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), s->keepalive_idle_s);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPINTVL), s->keepalive_interval_s);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPCNT), s->keepalive_count);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_FASTOPEN), s->fastopen);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT) > 0, s->is_deferred);
    assert_int_equal(backlog_of(fd), backlog);
}

static void address_that_stays_gets_changed_options(void **state)
{
    static const struct listen_socket some = {KEEPALIVE_ON, 60, 10, 3, 30000, 20000, 4, true},
                                      other = {KEEPALIVE_OFF, 70, 11, 5, 10000, 40000, 2, false};
    struct world before = {0}, after = {0}, last = {0};
    char kept[32];

    (void)state;
    add(&before, free_port(kept));
    add(&after, kept);
    add(&last, kept);
    before.listens[0].socket = last.listens[0].socket = some;
    after.listens[0].socket = other;
    after.listens[0].backlog = 9;
    assert_int_equal(open_all(&before, NULL), 0);
    assert_options(fd_of(&before, 0, 0), &some, 5);
    assert_int_equal(open_all(&after, &before), 0);
    for (unsigned i = 0; i < WORKERS; i++)
        assert_options(fd_of(&before, i, 0), &other, 9);
    assert_int_equal(open_all(&last, &after), 0);
    for (unsigned i = 0; i < WORKERS; i++)
        assert_options(fd_of(&before, i, 0), &some, 5);
    sockets_deinit(&after.sockets);
    sockets_deinit(&last.sockets);
    close_all(&before);
}

static void option_that_cannot_be_changed_is_an_error(void **state)
{
    struct world before = {0}, after = {0};
    char kept[32];

    (void)state;
    add(&before, free_port(kept));
    add(&after, kept);
    after.listens[0].socket.keepalive_count = 1000; /* beyond what TCP_KEEPCNT takes */
    assert_int_equal(open_all(&before, NULL), 0);
    assert_int_equal(open_all(&after, &before), -EINVAL);
    assert_non_null(strstr(after.error, kept));
    assert_null(after.sockets.fds);
    close_all(&before); /* they are still open */
}

/* As the worker does that does not take them. */
static void refuse(struct world *w, unsigned worker)
{
    for (size_t i = 0; i < w->sockets.listen_count; i++)
        assert_int_equal(close(fd_of(w, worker, i)), 0);
    sockets_refused(&w->sockets, worker);
}

static void worker_that_refused_gets_sockets_next_time(void **state)
{
    struct world first = {0}, second = {0};
    char port[32];
    int *fds;

    (void)state;
    add(&first, free_port(port));
    assert_int_equal(open_all(&first, NULL), 0);
    refuse(&first, 1);
    add(&second, port);
    assert_int_equal(open_all(&second, &first), 0);
    assert_int_equal(fd_of(&second, 0, 0), fd_of(&first, 0, 0));
    assert_true(fd_of(&second, 1, 0) >= 0);
    fds = sockets_of_worker(&second.sockets, 1);
    assert_int_equal(fds[0], fd_of(&second, 1, 0));
    free(fds);
    sockets_deinit(&first.sockets);
    close_all(&second);
}

/* The address is an old one, that worker's socket is not. */
static void worker_that_refuses_again_gets_sockets_again(void **state)
{
    struct world first = {0}, second = {0};
    char port[32];

    (void)state;
    add(&first, free_port(port));
    add(&second, port);
    assert_int_equal(open_all(&first, NULL), 0);
    refuse(&first, 1);
    for (unsigned i = 0; i < 2; i++) {
        int fd;

        assert_int_equal(open_all(&second, &first), 0);
        fd = fd_of(&second, 1, 0);
        if (i == 0)
            refuse(&second, 1);
        else
            sockets_close_new_of(&second.sockets, 1);
        assert_int_equal(fd_of(&second, 1, 0), -1);
        assert_int_equal(fcntl(fd, F_GETFD), -1);
        sockets_deinit(&first.sockets);
        first.sockets = second.sockets;
    }
    assert_int_equal(open_all(&second, &first), 0);
    sockets_deinit(&first.sockets);
    close_all(&second);
}

static void open_that_fails_gives_back_what_a_worker_had_lacked(void **state)
{
    struct world first = {0}, second = {0};
    char port[32];
    int next;

    (void)state;
    add(&first, free_port(port));
    assert_int_equal(open_all(&first, NULL), 0);
    refuse(&first, 1);
    next = dup(0);
    assert_int_equal(close(next), 0);
    add(&second, port);
    add(&second, "unix:/nowhere/at/all");
    assert_int_equal(open_all(&second, &first), -ENOENT);
    assert_int_equal(dup(0), next);
    assert_int_equal(close(next), 0);
    for (unsigned i = 0; i < WORKERS; i += 2)
        assert_int_equal(close(fd_of(&first, i, 0)), 0);
    sockets_deinit(&first.sockets);
}

static void unix_socket_is_shared_and_a_stale_file_is_replaced(void **state)
{
    char folder[] = "/tmp/ringway-sockets-XXXXXX", path[128];
    struct world w = {0}, other = {0};
    struct stat a, b;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "unix:%s/s", folder);
    add(&w, path);
    add(&other, path);
    assert_int_equal(open_all(&w, NULL), 0);
    assert_int_equal(fstat(fd_of(&w, 0, 0), &a), 0);
    assert_int_equal(fstat(fd_of(&w, 2, 0), &b), 0);
    assert_int_equal(a.st_ino, b.st_ino);
    assert_int_equal(open_all(&other, NULL), -EADDRINUSE);
    close_all(&w);
    assert_int_equal(access(path + 5, F_OK), 0);
    assert_int_equal(open_all(&other, NULL), 0);
    close_all(&other);
    sockets_unlink(&other.snapshot, &w.snapshot);
    assert_int_equal(access(path + 5, F_OK), 0);
    sockets_unlink(&other.snapshot, NULL);
    assert_int_equal(access(path + 5, F_OK), -1);
    assert_int_equal(rmdir(folder), 0);
}

/* A file of its own would take away those who come to the others' socket. */
static void unix_socket_that_the_first_worker_refused_is_shared_next_time(void **state)
{
    char folder[] = "/tmp/ringway-sockets-XXXXXX", path[128];
    struct world first = {0}, second = {0};
    struct stat a, b;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "unix:%s/s", folder);
    add(&first, path);
    add(&second, path);
    assert_int_equal(open_all(&first, NULL), 0);
    refuse(&first, 0);
    assert_int_equal(open_all(&second, &first), 0);
    assert_int_equal(fstat(fd_of(&second, 0, 0), &a), 0);
    assert_int_equal(fstat(fd_of(&second, 1, 0), &b), 0);
    assert_int_equal(a.st_ino, b.st_ino);
    sockets_deinit(&first.sockets);
    close_all(&second);
    sockets_unlink(&second.snapshot, NULL);
    assert_int_equal(rmdir(folder), 0);
}

static void open_that_fails_leaves_no_file(void **state)
{
    char folder[] = "/tmp/ringway-sockets-XXXXXX", kept[128], added[128];
    struct world first = {0}, second = {0};

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(kept, sizeof(kept), "unix:%s/kept", folder);
    snprintf(added, sizeof(added), "unix:%s/added", folder);
    add(&first, kept);
    assert_int_equal(open_all(&first, NULL), 0);
    add(&second, kept);
    add(&second, added);
    add(&second, "unix:/nowhere/at/all");
    assert_int_equal(open_all(&second, &first), -ENOENT);
    assert_int_equal(access(kept + 5, F_OK), 0);
    assert_int_equal(access(added + 5, F_OK), -1);
    close_all(&first);
    sockets_unlink(&first.snapshot, NULL);
    assert_int_equal(rmdir(folder), 0);
}

static void file_that_is_no_socket_is_left_alone(void **state)
{
    char path[] = "/tmp/ringway-sockets-XXXXXX", address[64];
    struct world w = {0};
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    snprintf(address, sizeof(address), "unix:%s", path);
    add(&w, address);
    assert_true(open_all(&w, NULL) < 0);
    assert_non_null(strstr(w.error, path));
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(close(fd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_worker_has_its_own_socket_of_each_address),
        cmocka_unit_test(port_that_somebody_has_is_refused),
        cmocka_unit_test(address_beside_the_wildcard_of_one_file_is_fine),
        cmocka_unit_test(address_that_stays_keeps_its_sockets),
        cmocka_unit_test(address_that_stays_gets_changed_options),
        cmocka_unit_test(option_that_cannot_be_changed_is_an_error),
        cmocka_unit_test(worker_that_refused_gets_sockets_next_time),
        cmocka_unit_test(worker_that_refuses_again_gets_sockets_again),
        cmocka_unit_test(open_that_fails_gives_back_what_a_worker_had_lacked),
        cmocka_unit_test(unix_socket_is_shared_and_a_stale_file_is_replaced),
        cmocka_unit_test(unix_socket_that_the_first_worker_refused_is_shared_next_time),
        cmocka_unit_test(open_that_fails_leaves_no_file),
        cmocka_unit_test(file_that_is_no_socket_is_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
