/* listener - opening a listening socket, and accepting on it. */
#include "server/listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/order.h"

#define RETRY_MS 100 /* after accept failed for want of descriptors or memory */

/* ---- opening, in the control thread ---- */

static int set_on(int fd, int level, int option)
{
    static const int on = 1;

    return setsockopt(fd, level, option, &on, sizeof(on)) ? -errno : 0;
}

/* A socket file that a process before us left behind would make bind(2) fail. */
static void remove_stale_socket(const struct address *a)
{
    struct stat st;

    if (a->u.un.sun_path[0] && !lstat(a->u.un.sun_path, &st) && S_ISSOCK(st.st_mode))
        (void)unlink(a->u.un.sun_path);
}

/* As nginx: who may connect is the folder's matter, not that of whoever happened to start us. */
static int open_to_everybody(const struct address *a)
{
    return a->u.un.sun_path[0] && chmod(a->u.un.sun_path, 0666) ? -errno : 0;
}

static int set_number(int fd, int level, int option, int value)
{
    return value && setsockopt(fd, level, option, &value, sizeof(value)) ? -errno : 0;
}

/* What every connection has from its listening socket. Unix sockets have none of TCP's. */
static int set_socket_options(int fd, const struct listen_conf *conf)
{
    static const int off = 0;
    const struct listen_socket *s = &conf->socket;
    int result = set_number(fd, SOL_SOCKET, SO_RCVBUF, s->receive_bytes);

    if (!result)
        result = set_number(fd, SOL_SOCKET, SO_SNDBUF, s->send_bytes);
    if (!result && s->keepalive == KEEPALIVE_ON)
        result = set_on(fd, SOL_SOCKET, SO_KEEPALIVE);
    if (!result && s->keepalive == KEEPALIVE_OFF &&
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &off, sizeof(off)))
        result = -errno;
    if (result || conf->address.u.any.sa_family == AF_UNIX)
        return result;
    result = set_number(fd, IPPROTO_TCP, TCP_KEEPIDLE, s->keepalive_idle_s);
    if (!result)
        result = set_number(fd, IPPROTO_TCP, TCP_KEEPINTVL, s->keepalive_interval_s);
    if (!result)
        result = set_number(fd, IPPROTO_TCP, TCP_KEEPCNT, s->keepalive_count);
    if (!result)
        result = set_number(fd, IPPROTO_TCP, TCP_FASTOPEN, s->fastopen);
    if (!result && s->is_deferred)
        result = set_on(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT);
    return result;
}

static int prepare(int fd, const struct listen_conf *conf)
{
    int family = conf->address.u.any.sa_family;
    int v6only = conf->ipv6only;
    int result = 0;

    if (family == AF_UNIX) {
        remove_stale_socket(&conf->address);
    } else {
        result = set_on(fd, SOL_SOCKET, SO_REUSEADDR);
        if (!result)
            result = set_on(fd, SOL_SOCKET, SO_REUSEPORT);
    }
    if (!result && family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only)))
        result = -errno;
    if (!result)
        result = set_socket_options(fd, conf);
    if (!result && bind(fd, &conf->address.u.any, conf->address.len))
        result = -errno;
    if (!result && family == AF_UNIX)
        result = open_to_everybody(&conf->address);
    if (!result && listen(fd, conf->backlog))
        result = -errno;
    return result;
}

int listener_open(const struct listen_conf *conf)
{
    int fd = socket(conf->address.u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int result;

    if (fd < 0)
        return -errno;
    result = prepare(fd, conf);
    if (result) {
        (void)close(fd);
        return result;
    }
    return fd;
}

int listener_change(int fd, const struct listen_conf *before, const struct listen_conf *conf)
{
    static const int off = 0;
    int result = set_socket_options(fd, conf);

    if (!result && before->socket.is_deferred && !conf->socket.is_deferred &&
        setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &off, sizeof(off)))
        result = -errno;
    if (!result && conf->backlog != before->backlog && listen(fd, conf->backlog))
        result = -errno;
    return result;
}

/* ---- accepting, in the worker's thread ---- */

static void on_accepted(struct op *op, const struct completion *c)
{
    struct listener *l = container_of(op, struct listener, accept_op);

    if (c->result >= 0)
        order_behind_open(c->result);
    if (c->result >= 0 && l->is_ending)
        (void)close(c->result);
    else if (c->result >= 0)
        l->accepted(l, c->result);
    else if (c->result != -ECANCELED && c->result != -ECONNABORTED)
        l->is_starved = true; /* EMFILE, ENFILE, ENOBUFS, ENOMEM: again in a while */
    if (c->is_last)
        loop_ready(l->loop, &l->task);
}

static void on_retry(struct timer *t)
{
    struct listener *l = container_of(t, struct listener, retry);

    l->is_starved = false;
    loop_ready(l->loop, &l->task);
}

static void on_closed(struct op *op, const struct completion *c)
{
    struct listener *l = container_of(op, struct listener, close_op);

    (void)c;
    l->fd = -1;
    if (l->ended)
        l->ended(l);
}

/* Accepting has stopped, or is to begin: goes on with whichever is wanted. */
static void run(struct task *t)
{
    struct listener *l = container_of(t, struct listener, task);

    if (l->accept_op.is_in_flight || l->close_op.is_in_flight || l->fd < 0)
        return;
    if (l->is_ending) {
        timer_stop(loop_wheel(l->loop), &l->retry);
        loop_close(l->loop, &l->close_op, l->fd);
        return;
    }
    if (l->is_paused || !l->is_started)
        return;
    if (!l->is_starved) {
        loop_accept(l->loop, &l->accept_op, l->fd);
        return;
    }
    if (!timer_is_set(&l->retry)) {
        stats_add(loop_stats(l->loop), COUNTER_ACCEPT_PAUSES, 1);
        timer_set(loop_wheel(l->loop), &l->retry, loop_now_ms(l->loop) + RETRY_MS);
    }
}

void listener_init(struct listener *l, const struct listener_options *o)
{
    *l = (struct listener){
        .loop = o->loop,
        .conf = o->conf,
        .fd = o->fd,
        .accepted = o->accepted,
        .ended = o->ended,
        .worker = o->worker,
    };
    list_init(&l->link);
    op_init(&l->accept_op, on_accepted);
    op_init(&l->close_op, on_closed);
    timer_init(&l->retry, on_retry);
    task_init(&l->task, run);
}

void listener_start(struct listener *l)
{
    l->is_started = true;
    l->is_paused = false;
    loop_ready(l->loop, &l->task);
}

static void stop_accepting(struct listener *l)
{
    if (l->accept_op.is_in_flight)
        loop_cancel(l->loop, &l->accept_op);
    loop_ready(l->loop, &l->task);
}

void listener_pause(struct listener *l)
{
    if (l->is_paused)
        return;
    l->is_paused = true;
    stats_add(loop_stats(l->loop), COUNTER_ACCEPT_PAUSES, 1);
    stop_accepting(l);
}

void listener_end(struct listener *l)
{
    l->is_ending = true;
    stop_accepting(l);
}

const struct listen_conf *listener_conf(const struct snapshot *s, const struct listen_conf *l)
{
    for (size_t i = 0; i < s->listen_count; i++) {
        const struct listen_conf *other = &s->listens[i];

        if (address_equals(&other->address, &l->address))
            return other->is_tls == l->is_tls ? other : NULL;
    }
    return NULL;
}
