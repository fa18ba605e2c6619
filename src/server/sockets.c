/* sockets - the listening sockets of all workers, for one snapshot. */
#include "server/sockets.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/listener.h"

static int *fd_at(const struct sockets *s, unsigned worker, size_t listen)
{
    return &s->fds[worker * s->listen_count + listen];
}

static bool is_new(const struct sockets *s, unsigned worker, size_t listen)
{
    return s->is_new[worker * s->listen_count + listen];
}

static bool is_unix(const struct address *a)
{
    return a->u.any.sa_family == AF_UNIX;
}

/* An abstract name has no file. */
static bool has_file(const struct address *a)
{
    return is_unix(a) && a->u.un.sun_path[0] != '\0';
}

static void explain(const struct listen_conf *l, int code, char *error, size_t error_size)
{
    char address[ADDRESS_TEXT_BYTES], where[ORIGIN_TEXT_BYTES];
    const char *remedy = "";

    if (code == -EACCES && address_port(&l->address) && address_port(&l->address) < 1024)
        remedy = "; ports below 1024 need root or CAP_NET_BIND_SERVICE";
    else if (code == -EADDRNOTAVAIL)
        remedy = "; no interface of this host has that address";
    (void)address_format(&l->address, address);
    snprintf(error, error_size, "bind() to %s failed (%d: %s)%s in %s", address, -code,
             strerror(-code), remedy, origin_format(&l->origin, where));
}

/* --- is the address free? ------------------------------------------------------------------- */

/* With SO_REUSEPORT two processes of one user could listen on the same port and each get half of
 * the connections. Without it, binding fails while somebody listens. */
static int check_port(const struct listen_conf *l)
{
    int fd = socket(l->address.u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1, ipv6only = l->ipv6only, rc = 0;

    if (fd < 0)
        return -errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (l->address.u.any.sa_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &ipv6only, sizeof(ipv6only));
    if (bind(fd, &l->address.u.any, l->address.len))
        rc = -errno;
    (void)close(fd);
    return rc;
}

/* A file that a process left behind refuses connections; listener_open() replaces it. */
static int check_unix(const struct listen_conf *l)
{
    int fd, rc;

    if (!has_file(&l->address))
        return 0;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    rc = connect(fd, &l->address.u.any, l->address.len) ? -errno : 0;
    (void)close(fd);
    /* EAGAIN: a full queue has an owner. Whatever else is wrong with the path, binding says. */
    return rc == 0 || rc == -EAGAIN ? -EADDRINUSE : 0;
}

/* Our own sockets of the snapshot before may hold the port, on another address. */
static bool is_own_port(const struct listen_conf *l, const struct snapshot *before)
{
    for (size_t i = 0; before && i < before->listen_count; i++) {
        if (address_port(&before->listens[i].address) == address_port(&l->address))
            return true;
    }
    return false;
}

static int check_is_free(const struct listen_conf *l, const struct snapshot *before)
{
    if (is_unix(&l->address))
        return check_unix(l);
    return is_own_port(l, before) ? 0 : check_port(l);
}

/* --- opening -------------------------------------------------------------------------------- */

/* Of a unix socket whichever worker has it; -1: none. */
static int find_shared(const struct sockets *s, const struct listen_conf *l)
{
    for (unsigned worker = 0; is_unix(&l->address) && worker < s->worker_count; worker++) {
        if (*fd_at(s, worker, l->index) >= 0)
            return *fd_at(s, worker, l->index);
    }
    return -1;
}

static int open_one(struct sockets *s, const struct listen_conf *l, unsigned worker)
{
    int shared = find_shared(s, l), fd;

    if (shared >= 0) {
        fd = fcntl(shared, F_DUPFD_CLOEXEC, 0);
        fd = fd < 0 ? -errno : fd;
    } else {
        fd = listener_open(l);
    }
    if (fd < 0)
        return fd;
    *fd_at(s, worker, l->index) = fd;
    s->is_new[worker * s->listen_count + l->index] = true;
    return 0;
}

static int open_listen(struct sockets *s, const struct listen_conf *l)
{
    int rc = 0;

    for (unsigned worker = 0; worker < s->worker_count && !rc; worker++)
        rc = open_one(s, l, worker);
    return rc;
}

/* The listen of the snapshot before on the same address; NULL: none. */
static const struct listen_conf *find_same(const struct listen_conf *l,
                                           const struct snapshot *before)
{
    for (size_t i = 0; before && i < before->listen_count; i++) {
        if (address_equals(&before->listens[i].address, &l->address))
            return &before->listens[i];
    }
    return NULL;
}

/* A worker that refused a snapshot may lack a socket: it gets one of its own. */
static int keep_listen(struct sockets *s, const struct listen_conf *l,
                       const struct listen_conf *same, const struct sockets *before)
{
    int rc = 0;

    for (unsigned worker = 0; worker < s->worker_count; worker++)
        *fd_at(s, worker, l->index) = *fd_at(before, worker, same->index);
    for (unsigned worker = 0; worker < s->worker_count && !rc; worker++) {
        if (*fd_at(s, worker, l->index) < 0)
            rc = open_one(s, l, worker);
    }
    return rc;
}

/* Of an address that stays; those that were opened now have it all. */
static int change_listen(const struct sockets *s, const struct listen_conf *l,
                         const struct listen_conf *same)
{
    int rc = 0;

    for (unsigned worker = 0; worker < s->worker_count && !rc; worker++) {
        if (!is_new(s, worker, l->index))
            rc = listener_change(*fd_at(s, worker, l->index), same, l);
    }
    return rc;
}

static int allocate(struct sockets *s)
{
    size_t count = s->worker_count * s->listen_count;

    s->fds = calloc(count + 1, sizeof(*s->fds));
    s->is_new = calloc(count + 1, sizeof(*s->is_new));
    for (size_t i = 0; s->fds && i < count; i++)
        s->fds[i] = -1;
    return s->fds && s->is_new ? 0 : -ENOMEM;
}

/* Before any is opened: "*:80" and "127.0.0.1:80" of one file must not hinder each other. */
static const struct listen_conf *find_taken(const struct snapshot *snapshot,
                                            const struct snapshot *before, int *rc)
{
    for (size_t i = 0; i < snapshot->listen_count; i++) {
        const struct listen_conf *l = &snapshot->listens[i];

        *rc = find_same(l, before) ? 0 : check_is_free(l, before);
        if (*rc)
            return l;
    }
    return NULL;
}

/* What was opened of a snapshot that is refused. */
static void undo(struct sockets *s, const struct snapshot *snapshot, const struct snapshot *before)
{
    for (size_t i = 0; i < snapshot->listen_count; i++) {
        const struct listen_conf *l = &snapshot->listens[i];

        if (has_file(&l->address) && *fd_at(s, 0, i) >= 0 && !find_same(l, before))
            (void)unlink(l->address.u.un.sun_path);
    }
    sockets_close_new(s);
    sockets_deinit(s);
}

int sockets_open(struct sockets *s, const struct sockets_wish *wish, char *error, size_t error_size)
{
    const struct snapshot *snapshot = wish->snapshot;
    const struct listen_conf *l;
    int rc;

    *s = (struct sockets){.worker_count = wish->worker_count,
                          .listen_count = snapshot->listen_count};
    if (allocate(s)) {
        snprintf(error, error_size, "no memory for listening sockets");
        sockets_deinit(s);
        return -ENOMEM;
    }
    rc = 0;
    l = find_taken(snapshot, wish->before_snapshot, &rc);
    for (size_t i = 0; i < snapshot->listen_count && !rc; i++) {
        const struct listen_conf *same = find_same(&snapshot->listens[i], wish->before_snapshot);

        l = &snapshot->listens[i];
        rc = same ? keep_listen(s, l, same, wish->before) : open_listen(s, l);
    }
    for (size_t i = 0; i < snapshot->listen_count && !rc; i++) {
        const struct listen_conf *same = find_same(&snapshot->listens[i], wish->before_snapshot);

        l = &snapshot->listens[i];
        rc = same ? change_listen(s, l, same) : 0;
    }
    if (!rc)
        return 0;
    explain(l, rc, error, error_size);
    undo(s, snapshot, wish->before_snapshot);
    return rc;
}

void sockets_close_new_of(struct sockets *s, unsigned worker)
{
    for (size_t i = 0; i < s->listen_count; i++) {
        if (is_new(s, worker, i) && *fd_at(s, worker, i) >= 0)
            (void)close(*fd_at(s, worker, i));
    }
    sockets_refused(s, worker);
}

void sockets_close_new(struct sockets *s)
{
    for (unsigned worker = 0; worker < s->worker_count; worker++)
        sockets_close_new_of(s, worker);
}

void sockets_deinit(struct sockets *s)
{
    free(s->fds);
    free(s->is_new);
    *s = (struct sockets){0};
}

int *sockets_of_worker(const struct sockets *s, unsigned worker)
{
    int *fds = malloc((s->listen_count + 1) * sizeof(*fds));

    assert(worker < s->worker_count);
    if (fds && s->listen_count)
        memcpy(fds, fd_at(s, worker, 0), s->listen_count * sizeof(*fds));
    return fds;
}

void sockets_refused(struct sockets *s, unsigned worker)
{
    assert(worker < s->worker_count);
    for (size_t i = 0; i < s->listen_count; i++) {
        if (is_new(s, worker, i))
            *fd_at(s, worker, i) = -1;
    }
}

void sockets_unlink(const struct snapshot *before, const struct snapshot *after)
{
    for (size_t i = 0; i < before->listen_count; i++) {
        const struct listen_conf *l = &before->listens[i];

        if (has_file(&l->address) && !find_same(l, after))
            (void)unlink(l->address.u.un.sun_path);
    }
}
