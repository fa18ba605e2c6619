/* origin - a lean HTTPS server for the bench: GET /N is answered with N bytes. A client that does
 * not begin with a TLS record is served without TLS.
 *
 *   origin PORT CERT KEY COUNTERS
 *
 * One thread, epoll and OpenSSL, on 127.0.0.1. It does as little as an honest origin can, so that
 * the proxy in front of it stays the bottleneck: one read and one write for a small exchange.
 * TLS 1.3 with one suite, so that every proxy moves bulk under the same cipher; session tickets
 * as OpenSSL gives them. Requests may be pipelined and may carry a body of declared length.
 *
 * COUNTERS is a file of struct counters, mapped: the bench reads from it how much was really
 * answered and which handshakes were full, while the run goes on and without disturbing it.
 *
 * Invariant: a connection waits for EPOLLOUT while an answer is stuck, else for EPOLLIN; it takes
 * the next request only after the last answer is with the kernel. */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    RECORD_BYTES_MAX = 16384, /* RFC 8446 section 5.1: plaintext of one record */
    HEAD_BYTES_MAX = 8192,
    PATTERN_PERIOD = 64,
    SEND_BYTES = 65536, /* four records in a system call: a quarter less CPU for 1 MB */
    EVENTS_MAX = 256,
};
static const uint64_t BODY_BYTES_MAX = 1ull << 40;

/* bench/processes.py reads these in this order. */
struct counters {
    uint64_t connections;
    uint64_t handshakes_full;
    uint64_t handshakes_resumed;
    uint64_t handshakes_failed;
    uint64_t requests;
    uint64_t body_bytes;
};

enum state { NEW, HANDSHAKE, SERVING, LINGERING };

struct conn {
    int fd;
    enum state state;
    SSL *ssl;            /* NULL without TLS */
    uint32_t armed;      /* the epoll events asked for */
    bool closes_after;   /* this answer is the last one */
    uint64_t skip;       /* bytes of the request's body still to come */
    uint64_t body_bytes; /* size of the answer's body */
    uint64_t body_done;  /* of it, already in out */
    size_t in_len;
    size_t out_len, out_done;
    char in[HEAD_BYTES_MAX];
    char out[RECORD_BYTES_MAX];
};

struct server {
    int epoll;
    int listener;
    SSL_CTX *tls;
    struct counters *counters;
};

/* What became of a step: done, it must wait for the socket, or the connection is over. */
enum step { DONE, WAITS, OVER };

/* Byte i of every body is pattern[i % PATTERN_PERIOD]: a client can check any part of it. */
static char pattern[RECORD_BYTES_MAX + PATTERN_PERIOD];

static void server_init(struct server *s, char **argv);
static void accept_all(struct server *s);
static void conn_run(struct server *s, struct conn *c);

int main(int argc, char **argv)
{
    struct server s;
    struct epoll_event events[EVENTS_MAX];

    if (argc != 5)
        errx(1, "usage: origin PORT CERT KEY COUNTERS");
    server_init(&s, argv);
    for (;;) {
        int count = epoll_wait(s.epoll, events, EVENTS_MAX, -1);
        if (count < 0 && errno != EINTR)
            err(1, "epoll_wait");
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr)
                conn_run(&s, events[i].data.ptr);
            else
                accept_all(&s);
        }
    }
}

/* --- start ---------------------------------------------------------------------------------- */

static struct counters *counters_map(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 || ftruncate(fd, sizeof(struct counters)) < 0)
        err(1, "%s", path);
    void *map = mmap(NULL, sizeof(struct counters), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        err(1, "%s: mmap", path);
    close(fd);
    return map;
}

static SSL_CTX *tls_new(const char *cert, const char *key)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    if (!tls || !SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION) ||
        !SSL_CTX_set_ciphersuites(tls, "TLS_AES_256_GCM_SHA384") ||
        SSL_CTX_use_certificate_chain_file(tls, cert) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1) {
        ERR_print_errors_fp(stderr);
        exit(1);
    }
    /* Stateless tickets only; a whole record, header and all, with one read. */
    SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_read_ahead(tls, 1);
    SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return tls;
}

static int listen_on(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 4096) < 0)
        err(1, "port %d", port);
    return fd;
}

static void server_init(struct server *s, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < sizeof(pattern); i++)
        pattern[i] = (char)('0' + i % PATTERN_PERIOD);

    s->counters = counters_map(argv[4]);
    s->tls = tls_new(argv[2], argv[3]);
    s->listener = listen_on(atoi(argv[1]));
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (s->epoll < 0 || epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->listener, &event) < 0)
        err(1, "epoll");
}

/* --- a connection's life -------------------------------------------------------------------- */

/* A session that reads from the socket and writes to a buffer before it. */
static SSL *session_new(SSL_CTX *tls, int fd)
{
    SSL *ssl = SSL_new(tls);
    BIO *plain = BIO_new_socket(fd, BIO_NOCLOSE);
    BIO *buffer = BIO_new(BIO_f_buffer());
    if (!ssl || !plain || !buffer || BIO_set_write_buffer_size(buffer, SEND_BYTES) != 1)
        return NULL;
    BIO_up_ref(plain); /* SSL_free() lets go of both chains */
    SSL_set0_rbio(ssl, plain);
    SSL_set0_wbio(ssl, BIO_push(buffer, plain));
    SSL_set_accept_state(ssl);
    return ssl;
}

static void accept_all(struct server *s)
{
    for (;;) {
        int fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            /* Out of descriptors would turn this loop into a busy one: say so and end. */
            if (errno == EMFILE || errno == ENFILE)
                err(1, "accept");
            return;
        }
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));

        struct conn *c = malloc(sizeof(*c)); /* the buffers need no clearing */
        if (!c)
            err(1, "malloc");
        memset(c, 0, offsetof(struct conn, in));
        c->fd = fd;
        c->state = NEW;
        c->armed = EPOLLIN;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
            err(1, "cannot take a connection");
        s->counters->connections++;
    }
}

static void conn_free(struct conn *c)
{
    SSL_free(c->ssl);
    close(c->fd);
    free(c);
}

static void conn_arm(struct server *s, struct conn *c, uint32_t events)
{
    if (c->armed == events)
        return;
    c->armed = events;
    struct epoll_event event = {.events = events, .data.ptr = c};
    if (epoll_ctl(s->epoll, EPOLL_CTL_MOD, c->fd, &event) < 0)
        err(1, "epoll_ctl");
}

/* The first byte tells whether it is a TLS record with a handshake: RFC 8446 section 5.1. */
static enum step conn_begin(struct server *s, struct conn *c)
{
    char first;
    ssize_t len = recv(c->fd, &first, 1, MSG_PEEK);
    if (len <= 0)
        return len < 0 && errno == EAGAIN ? WAITS : OVER;
    c->state = SERVING;
    if (first != 22)
        return DONE;
    c->state = HANDSHAKE;
    c->ssl = session_new(s->tls, c->fd);
    if (!c->ssl)
        errx(1, "no memory for a session");
    return DONE;
}

/* Turns OpenSSL's answer, or the socket's, into a step, and arms what a connection waits for. */
static enum step conn_waits_or_over(struct server *s, struct conn *c, int result, uint32_t events)
{
    if (!c->ssl) {
        if (result == 0 || errno != EAGAIN)
            return OVER;
        conn_arm(s, c, events);
        return WAITS;
    }
    switch (SSL_get_error(c->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        conn_arm(s, c, EPOLLIN);
        return WAITS;
    case SSL_ERROR_WANT_WRITE:
        conn_arm(s, c, EPOLLOUT);
        return WAITS;
    default:
        ERR_clear_error();
        return OVER;
    }
}

static enum step conn_handshake(struct server *s, struct conn *c)
{
    int result = SSL_do_handshake(c->ssl);
    if (result != 1) {
        enum step step = conn_waits_or_over(s, c, result, EPOLLIN);
        s->counters->handshakes_failed += step == OVER;
        return step;
    }
    if (SSL_session_reused(c->ssl))
        s->counters->handshakes_resumed++;
    else
        s->counters->handshakes_full++;
    c->state = SERVING;
    return DONE;
}

/* Says goodbye, then waits for the peer's: a close with data on the way would be a reset. */
static enum step conn_linger(struct server *s, struct conn *c)
{
    char rest[1024];
    if (c->state != LINGERING) {
        c->state = LINGERING;
        if (c->ssl)
            SSL_shutdown(c->ssl);
        ERR_clear_error();
        shutdown(c->fd, SHUT_WR);
        conn_arm(s, c, EPOLLIN);
        return WAITS;
    }
    ssize_t len;
    do
        len = recv(c->fd, rest, sizeof(rest), MSG_DONTWAIT);
    while (len > 0);
    return len < 0 && errno == EAGAIN ? WAITS : OVER;
}

/* --- requests and answers ------------------------------------------------------------------- */

/* The value of a header field, or NULL: enough of a parser for the proxies of a bench. */
static const char *field(const char *head, const char *name)
{
    size_t len = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, len) == 0 && line[2 + len] == ':')
            return line + 3 + len + strspn(line + 3 + len, " \t");
    }
    return NULL;
}

/* Reads one head and prepares its answer: the head and the first bytes share a record. */
static void answer(struct server *s, struct conn *c, const char *head)
{
    const char *length = field(head, "Content-Length");
    const char *connection = field(head, "Connection");
    const char *path = strchr(head, ' ');
    uint64_t bytes = path ? strtoull(path + 1 + (path[1] == '/'), NULL, 10) : 0;
    const char *status = "200 OK";

    if (field(head, "Transfer-Encoding") || bytes > BODY_BYTES_MAX) {
        status = "400 Bad Request";
        bytes = 0;
    }
    c->skip = length ? strtoull(length, NULL, 10) : 0;
    c->closes_after = *status == '4' || (connection && strncasecmp(connection, "close", 5) == 0);
    c->body_bytes = strncmp(head, "HEAD ", 5) == 0 ? 0 : bytes;
    c->body_done = 0;
    c->out_done = 0;
    c->out_len = (size_t)snprintf(c->out, sizeof(c->out),
                                  "HTTP/1.1 %s\r\n"
                                  "Server: origin\r\n"
                                  "Content-Type: application/octet-stream\r\n"
                                  "Content-Length: %llu\r\n%s\r\n",
                                  status, (unsigned long long)bytes,
                                  c->closes_after ? "Connection: close\r\n" : "");
    s->counters->requests++;
}

/* Takes the next whole request out of c->in, if there is one. */
static bool take_request(struct server *s, struct conn *c)
{
    size_t skipped = c->skip < c->in_len ? (size_t)c->skip : c->in_len;
    c->skip -= skipped;
    c->in_len -= skipped;
    memmove(c->in, c->in + skipped, c->in_len);

    char *end = memmem(c->in, c->in_len, "\r\n\r\n", 4);
    if (!end)
        return false;
    end[2] = '\0';
    answer(s, c, c->in);
    size_t used = (size_t)(end + 4 - c->in);
    c->in_len -= used;
    memmove(c->in, c->in + used, c->in_len);
    return true;
}

static void fill_record(struct server *s, struct conn *c)
{
    uint64_t left = c->body_bytes - c->body_done;
    size_t room = sizeof(c->out) - c->out_len;
    size_t len = left < room ? (size_t)left : room;
    memcpy(c->out + c->out_len, pattern + c->body_done % PATTERN_PERIOD, len);
    c->out_len += len;
    c->body_done += len;
    s->counters->body_bytes += len;
}

static enum step conn_flush(struct server *s, struct conn *c)
{
    BIO *out = c->ssl ? SSL_get_wbio(c->ssl) : NULL;
    if (!out || BIO_flush(out) == 1)
        return DONE;
    if (!BIO_should_retry(out))
        return OVER;
    conn_arm(s, c, EPOLLOUT);
    return WAITS;
}

static int conn_write(struct conn *c, const char *data, size_t len)
{
    return c->ssl ? SSL_write(c->ssl, data, (int)len) : (int)send(c->fd, data, len, 0);
}

static int conn_read(struct conn *c, char *data, size_t size)
{
    return c->ssl ? SSL_read(c->ssl, data, (int)size) : (int)recv(c->fd, data, size, 0);
}

static enum step send_answer(struct server *s, struct conn *c)
{
    for (;;) {
        if (c->out_len < sizeof(c->out) && c->out_done == 0)
            fill_record(s, c);
        if (c->out_len == 0)
            return conn_flush(s, c);
        int len = conn_write(c, c->out + c->out_done, c->out_len - c->out_done);
        if (len <= 0)
            return conn_waits_or_over(s, c, len, EPOLLOUT);
        c->out_done += (size_t)len;
        if (c->out_done == c->out_len)
            c->out_done = c->out_len = 0;
    }
}

/* Answers what has arrived. DONE means that more must be read first. */
static enum step answer_all(struct server *s, struct conn *c)
{
    do {
        enum step step = send_answer(s, c);
        if (step != DONE)
            return step;
        if (c->closes_after)
            return conn_linger(s, c);
    } while (take_request(s, c));
    return c->in_len == sizeof(c->in) ? OVER : DONE; /* a head that does not fit */
}

static enum step conn_serve(struct server *s, struct conn *c)
{
    enum step step = answer_all(s, c); /* an answer that was stuck */
    bool reads_on = true;
    while (step == DONE && reads_on) {
        int len = conn_read(c, c->in + c->in_len, sizeof(c->in) - c->in_len);
        if (len <= 0)
            return conn_waits_or_over(s, c, len, EPOLLIN);
        c->in_len += (size_t)len;
        step = answer_all(s, c);
        /* Reading until the socket is dry would cost a system call for each request. */
        reads_on = c->ssl && SSL_has_pending(c->ssl);
    }
    if (step == DONE)
        conn_arm(s, c, EPOLLIN);
    return step;
}

static void conn_run(struct server *s, struct conn *c)
{
    enum step step = DONE;
    if (c->state == NEW)
        step = conn_begin(s, c);
    if (c->state == HANDSHAKE && step == DONE)
        step = conn_handshake(s, c);
    if (c->state == SERVING && step == DONE)
        step = conn_serve(s, c);
    else if (c->state == LINGERING)
        step = conn_linger(s, c);
    if (step == OVER)
        conn_free(c);
}
