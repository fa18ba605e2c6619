/* relay - the floor: what passing bytes from socket to socket costs, with nothing looked at.
 *
 *   relay PORT UPSTREAM_PORT
 *
 * One thread and one io_uring, set up as ringway sets up its own. Each client on PORT of 127.0.0.1
 * gets a connection of its own to UPSTREAM_PORT there; what one side sends goes to the other. No
 * TLS, no HTTP, no timers, no limits: a proxy on io_uring does that on top, and cannot cost less.
 *
 * Invariant: each side has one operation under way, a receive or the send of what was received. A
 * pair is freed when both sides have none. */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <liburing.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ENTRIES = 1024, SIDE_BYTES = 65536 };

struct side {
    struct side *other;
    struct pair *pair;
    int fd;
    bool is_sending;
    char bytes[SIDE_BYTES];
};

struct pair {
    struct side client, upstream;
    int under_way; /* operations of both */
    bool has_ended;
};

struct relay {
    struct io_uring ring;
    int upstream_port;
};

static struct io_uring_sqe *next_entry(struct relay *r, void *target)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&r->ring);

    while (!sqe) {
        io_uring_submit(&r->ring);
        sqe = io_uring_get_sqe(&r->ring);
    }
    io_uring_sqe_set_data(sqe, target);
    return sqe;
}

/* --- a pair's life -------------------------------------------------------------------------- */

static void receive(struct relay *r, struct side *s)
{
    struct io_uring_sqe *sqe = next_entry(r, s);

    io_uring_prep_recv(sqe, s->fd, s->bytes, sizeof(s->bytes), 0);
    sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
    s->is_sending = false;
    s->pair->under_way++;
}

static void send_on(struct relay *r, struct side *s, int len)
{
    struct io_uring_sqe *sqe = next_entry(r, s);

    /* MSG_WAITALL: the kernel goes on with a short send by itself. */
    io_uring_prep_send(sqe, s->other->fd, s->bytes, (size_t)len, MSG_NOSIGNAL | MSG_WAITALL);
    s->is_sending = true;
    s->pair->under_way++;
}

static void end(struct pair *p)
{
    if (!p->has_ended) {
        p->has_ended = true;
        shutdown(p->client.fd, SHUT_RDWR);
        shutdown(p->upstream.fd, SHUT_RDWR);
    }
    if (p->under_way)
        return;
    close(p->client.fd);
    close(p->upstream.fd);
    free(p);
}

static void go_on(struct relay *r, struct side *s, int result)
{
    s->pair->under_way--;
    if (result <= 0 || s->pair->has_ended)
        end(s->pair);
    else if (s->is_sending)
        receive(r, s);
    else
        send_on(r, s, result);
}

/* --- beginning ------------------------------------------------------------------------------ */

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void set_up(struct side *s, struct side *other, struct pair *p, int fd)
{
    int on = 1;

    s->other = other;
    s->pair = p;
    s->fd = fd;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void begin_pair(struct relay *r, int client_fd)
{
    struct sockaddr_in address = loopback(r->upstream_port);
    struct pair *p = malloc(sizeof(*p)); /* the buffers need no clearing */
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (!p || fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        err(1, "cannot connect");
    p->under_way = 0;
    p->has_ended = false;
    set_up(&p->client, &p->upstream, p, client_fd);
    set_up(&p->upstream, &p->client, p, fd);
    receive(r, &p->client);
    receive(r, &p->upstream);
}

static int listen_on(int port)
{
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 4096) < 0)
        err(1, "port %d", port);
    return fd;
}

static void accept_clients(struct relay *r, int listener)
{
    io_uring_prep_multishot_accept(next_entry(r, NULL), listener, NULL, NULL, SOCK_CLOEXEC);
}

static void set_up_ring(struct relay *r)
{
    struct io_uring_params params = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE,
        .cq_entries = ENTRIES * 4,
    };
    int result = io_uring_queue_init_params(ENTRIES, &r->ring, &params);

    if (result < 0)
        errx(1, "io_uring: %s", strerror(-result));
    (void)io_uring_register_ring_fd(&r->ring);
}

int main(int argc, char **argv)
{
    struct relay r;
    int listener;

    if (argc != 3)
        errx(1, "usage: relay PORT UPSTREAM_PORT");
    r.upstream_port = atoi(argv[2]);
    set_up_ring(&r);
    listener = listen_on(atoi(argv[1]));
    accept_clients(&r, listener);
    for (;;) {
        struct io_uring_cqe *cqe;
        unsigned head, count = 0;
        int result = io_uring_submit_and_wait(&r.ring, 1);

        if (result < 0 && result != -EINTR)
            errx(1, "io_uring: %s", strerror(-result));
        io_uring_for_each_cqe(&r.ring, head, cqe)
        {
            struct side *s = io_uring_cqe_get_data(cqe);

            if (s)
                go_on(&r, s, cqe->res);
            else if (cqe->res >= 0)
                begin_pair(&r, cqe->res);
            else
                errx(1, "accept: %s", strerror(-cqe->res));
            if (!s && !(cqe->flags & IORING_CQE_F_MORE))
                accept_clients(&r, listener);
            count++;
        }
        io_uring_cq_advance(&r.ring, count);
    }
}
