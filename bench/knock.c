/* knock - clients that come, ask once and go, or stay: a load for the bench.
 *
 *   knock KIND SOURCE PORT BYTES SLOTS [STAYING]
 *
 * KIND is plain, full (a TLS handshake with certificates each time) or resumed (the slot's last
 * ticket). SLOTS clients at a time connect from the address SOURCE to PORT of 127.0.0.1, send
 * GET /BYTES, read the answer and close. With STAYING none closes: that many connections are
 * opened, SLOTS of them at a time, and then left idle; "all stay" is said when they are there.
 *
 * Goes on until SIGINT, then prints one line of JSON. Whatever goes wrong ends it with 1: an
 * answer that is not 200, an early end, a failed handshake, a held connection that is closed.
 * Certificates are not looked at: the bench compares an answer with verification before it.
 *
 * Invariant: each slot waits for an edge of its socket, and was run until it had to wait. */
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "latency.h"

enum { HEAD_BYTES_MAX = 4096, EVENTS_MAX = 256 };

enum step { CONNECTING, SHAKING, ASKING, READING, STAYING };

struct slot {
    int fd;
    enum step step;
    WOLFSSL *tls;             /* NULL without TLS */
    WOLFSSL_SESSION *session; /* the newest, for the next connection */
    uint64_t began_ns;
    size_t head_len;   /* of the answer, in head, while its end has not come */
    bool head_is_read; /* and body_left is known */
    uint64_t body_left;
    char head[HEAD_BYTES_MAX];
};

struct knock {
    int epoll;
    WOLFSSL_CTX *tls; /* NULL without TLS */
    bool resumes;
    struct sockaddr_in source, target;
    char request[256];
    size_t request_len;
    long staying_max, staying, begun;
    uint64_t full, resumed; /* handshakes */
    struct latency latency;
};

/* What became of a read or write: bytes, 0 where it must wait. */
static bool is_waiting(struct slot *s, int result)
{
    int error;

    if (!s->tls) {
        if (result < 0 && errno == EAGAIN)
            return true;
        errx(1, "a connection ended early: %s", result < 0 ? strerror(errno) : "closed");
    }
    error = wolfSSL_get_error(s->tls, result);
    if (error == WOLFSSL_ERROR_WANT_READ || error == WOLFSSL_ERROR_WANT_WRITE)
        return true;
    errx(1, "a TLS connection ended early: error %d", error);
}

/* --- beginning and end of a connection ------------------------------------------------------ */

static int on_session(WOLFSSL *tls, WOLFSSL_SESSION *session)
{
    struct slot *s = wolfSSL_get_ex_data(tls, 0);

    /* A copy: the live one changes with each further ticket. */
    wolfSSL_SESSION_free(s->session);
    s->session = wolfSSL_SESSION_dup(session);
    return 0;
}

static void slot_begin_tls(struct knock *k, struct slot *s)
{
    s->tls = wolfSSL_new(k->tls);
    if (!s->tls || wolfSSL_set_fd(s->tls, s->fd) != WOLFSSL_SUCCESS ||
        wolfSSL_set_ex_data(s->tls, 0, s) != WOLFSSL_SUCCESS)
        errx(1, "no memory for a session");
    wolfSSL_set_using_nonblock(s->tls, 1);
    if (k->resumes && s->session)
        (void)wolfSSL_set_session(s->tls, s->session);
}

static void slot_begin(struct knock *k, struct slot *s)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = s};
    int on = 1;

    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->fd < 0 || setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
        setsockopt(s->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) < 0 ||
        bind(s->fd, (struct sockaddr *)&k->source, sizeof(k->source)) < 0)
        err(1, "socket");
    s->step = CONNECTING;
    s->began_ns = now_ns();
    s->head_len = 0;
    s->head_is_read = false;
    k->begun++;
    if (connect(s->fd, (struct sockaddr *)&k->target, sizeof(k->target)) < 0 &&
        errno != EINPROGRESS)
        err(1, "connect");
    if (k->tls)
        slot_begin_tls(k, s);
    if (epoll_ctl(k->epoll, EPOLL_CTL_ADD, s->fd, &event) < 0)
        err(1, "epoll_ctl");
}

static void slot_end(struct slot *s)
{
    if (s->tls) {
        (void)wolfSSL_shutdown(s->tls);
        wolfSSL_free(s->tls);
        s->tls = NULL;
    }
    close(s->fd);
}

/* --- the steps of a connection: true when it goes on at once -------------------------------- */

static bool slot_connect(struct slot *s)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error)
        errx(1, "connect: %s", strerror(error ? error : errno));
    s->step = s->tls ? SHAKING : ASKING;
    return true;
}

static bool slot_shake(struct knock *k, struct slot *s)
{
    int result = wolfSSL_connect(s->tls);

    if (result != WOLFSSL_SUCCESS)
        return !is_waiting(s, result);
    if (wolfSSL_session_reused(s->tls))
        k->resumed++;
    else
        k->full++;
    s->step = ASKING;
    return true;
}

static bool slot_ask(struct knock *k, struct slot *s)
{
    int len = s->tls ? wolfSSL_write(s->tls, k->request, (int)k->request_len)
                     : (int)send(s->fd, k->request, k->request_len, MSG_NOSIGNAL);

    if (len <= 0)
        return !is_waiting(s, len);
    if ((size_t)len != k->request_len)
        errx(1, "a request was cut");
    s->step = READING;
    return true;
}

/* Takes len new bytes of an answer; true when that was its end. */
static bool answer_is_whole(struct slot *s, const char *bytes, size_t len)
{
    size_t taken =
        len < sizeof(s->head) - 1 - s->head_len ? len : sizeof(s->head) - 1 - s->head_len;
    size_t body_len = len;

    if (!s->head_is_read) {
        const char *length, *end;

        memcpy(s->head + s->head_len, bytes, taken);
        s->head_len += taken;
        s->head[s->head_len] = '\0';
        end = strstr(s->head, "\r\n\r\n");
        if (!end)
            return false;
        length = strcasestr(s->head, "\r\nContent-Length:");
        if (strncmp(s->head, "HTTP/1.1 200 ", 13) != 0 || !length || length > end)
            errx(1, "an answer is not as it should be: %.60s", s->head);
        s->head_is_read = true;
        s->body_left = strtoull(length + strlen("\r\nContent-Length:"), NULL, 10);
        body_len = len - (taken - (s->head_len - (size_t)(end + 4 - s->head)));
    }
    if (body_len > s->body_left)
        errx(1, "an answer is longer than it says");
    s->body_left -= body_len;
    return s->body_left == 0;
}

static bool slot_read(struct knock *k, struct slot *s)
{
    static char bytes[65536];
    int len = s->tls ? wolfSSL_read(s->tls, bytes, sizeof(bytes))
                     : (int)recv(s->fd, bytes, sizeof(bytes), 0);

    if (len <= 0)
        return !is_waiting(s, len);
    if (!answer_is_whole(s, bytes, (size_t)len))
        return true;
    latency_add(&k->latency, (now_ns() - s->began_ns) / 1000);
    s->step = STAYING;
    return true;
}

/* Behind an answer: the next client, in this slot or, where this one stays, in a new one. */
static bool slot_go_on(struct knock *k, struct slot *s)
{
    if (!k->staying_max) {
        slot_end(s);
        slot_begin(k, s);
        return false;
    }
    k->staying++;
    if (k->begun < k->staying_max) {
        struct slot *next = calloc(1, sizeof(*next));

        if (!next)
            err(1, "calloc");
        slot_begin(k, next);
    } else if (k->staying == k->staying_max) {
        printf("all stay\n");
        (void)fflush(stdout);
    }
    return false;
}

/* Nothing is to come but a ticket: more is an early end. */
static void slot_stays(struct slot *s)
{
    char byte;
    int len = s->tls ? wolfSSL_read(s->tls, &byte, 1) : (int)recv(s->fd, &byte, 1, 0);

    if (len > 0)
        errx(1, "an idle connection got bytes");
    (void)is_waiting(s, len);
}

static void slot_run(struct knock *k, struct slot *s)
{
    bool goes_on = true;

    if (s->step == STAYING)
        return slot_stays(s);
    while (goes_on) {
        switch (s->step) {
        case CONNECTING:
            goes_on = slot_connect(s);
            break;
        case SHAKING:
            goes_on = slot_shake(k, s);
            break;
        case ASKING:
            goes_on = slot_ask(k, s);
            break;
        case READING:
            goes_on = slot_read(k, s);
            break;
        case STAYING:
            goes_on = slot_go_on(k, s);
            break;
        }
    }
}

/* --- start ---------------------------------------------------------------------------------- */

static volatile sig_atomic_t is_over;

static void on_interrupt(int number)
{
    (void)number;
    is_over = 1;
}

static WOLFSSL_CTX *tls_new(void)
{
    int groups[] = {WOLFSSL_ECC_X25519, WOLFSSL_ECC_SECP256R1};
    WOLFSSL_CTX *tls;

    (void)wolfSSL_Init();
    tls = wolfSSL_CTX_new(wolfTLSv1_3_client_method());
    /* One suite, so that every proxy works under the same one. */
    if (!tls || wolfSSL_CTX_set_cipher_list(tls, "TLS13-AES256-GCM-SHA384") != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_set_groups(tls, groups, 2) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_UseSNI(tls, WOLFSSL_SNI_HOST_NAME, "proxy.bench.test", 16) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_UseSessionTicket(tls) != WOLFSSL_SUCCESS)
        errx(1, "wolfSSL cannot be set up");
    (void)wolfSSL_CTX_set_session_cache_mode(tls, WOLFSSL_SESS_CACHE_NO_INTERNAL);
    wolfSSL_CTX_sess_set_new_cb(tls, on_session);
    wolfSSL_CTX_set_verify(tls, WOLFSSL_VERIFY_NONE, NULL);
    return tls;
}

static void knock_init(struct knock *k, char **argv)
{
    struct sigaction interrupt = {.sa_handler = on_interrupt};

    k->resumes = strcmp(argv[1], "resumed") == 0;
    k->tls = strcmp(argv[1], "plain") == 0 ? NULL : tls_new();
    k->source.sin_family = k->target.sin_family = AF_INET;
    k->target.sin_port = htons((uint16_t)atoi(argv[3]));
    k->target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (inet_pton(AF_INET, argv[2], &k->source.sin_addr) != 1)
        errx(1, "no such address: %s", argv[2]);
    k->request_len =
        (size_t)snprintf(k->request, sizeof(k->request),
                         "GET /%ld HTTP/1.1\r\nHost: proxy.bench.test\r\n\r\n", atol(argv[4]));
    k->staying_max = argv[6] ? atol(argv[6]) : 0;
    k->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (k->epoll < 0 || sigaction(SIGINT, &interrupt, NULL) < 0)
        err(1, "start");
    (void)signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
    static struct knock k;
    struct epoll_event events[EVENTS_MAX];
    char handshakes[96];
    long slots;

    if (argc < 6 || argc > 7)
        errx(1, "usage: knock KIND SOURCE PORT BYTES SLOTS [STAYING]");
    knock_init(&k, argv);
    slots = atol(argv[5]);
    if (k.staying_max && slots > k.staying_max)
        slots = k.staying_max;
    for (long i = 0; i < slots; i++) {
        struct slot *s = calloc(1, sizeof(*s));

        if (!s)
            err(1, "calloc");
        slot_begin(&k, s);
    }
    while (!is_over) {
        int count = epoll_wait(k.epoll, events, EVENTS_MAX, -1);

        if (count < 0 && errno != EINTR)
            err(1, "epoll_wait");
        for (int i = 0; i < count; i++)
            slot_run(&k, events[i].data.ptr);
    }
    (void)snprintf(handshakes, sizeof(handshakes), ", \"full\": %llu, \"resumed\": %llu",
                   (unsigned long long)k.full, (unsigned long long)k.resumed);
    latency_print(&k.latency, handshakes);
    return 0;
}
