/* pace - a load of a steady rate over kept-alive connections, to see how long answers take.
 *
 *   pace PORT BYTES CONNECTIONS RATE
 *
 * Asks 127.0.0.1:PORT for /BYTES, RATE times a second, evenly spread. The time of an answer counts
 * from the moment at which its request was due: a server that stalls also delays those who would
 * have asked meanwhile, and a load that waits for it would not see them.
 *
 * SIGUSR1 lets it forget what it saw so far: a load has to settle. Goes on until SIGINT, then
 * prints one line of JSON. Whatever goes wrong ends it with 1.
 *
 * It shares a core with the origin, and would wait for it with each request that is due: where it
 * may, it runs before ordinary processes. It looks at answers 10,000 times a second and not at
 * each: waking up for them would take the core from the origin. So times are up to 100 us more.
 *
 * Invariant: a connection is idle and in the queue of those, or has one request under way. */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "latency.h"

enum {
    EVENTS_MAX = 256,
    CONNECTIONS_MAX = 4096,
    ANSWER_BYTES_MAX = 65536,
    BEHIND_S_MAX = 2,
    TICK_NS = 100000,
};

struct conn {
    int fd;
    uint64_t due_ns;
    size_t len; /* of the answer, so far */
    char answer[ANSWER_BYTES_MAX];
};

struct pace {
    int epoll;
    char request[256];
    size_t request_len;
    double interval_ns;
    uint64_t began_ns, asked;
    /* A queue, so that all connections are used and not a few: ever growing, modulo its size. */
    size_t idle_first, idle_end;
    struct conn *idle[CONNECTIONS_MAX];
    struct latency latency;
};

static uint64_t next_due_ns(const struct pace *p)
{
    return p->began_ns + (uint64_t)((double)p->asked * p->interval_ns);
}

static void put_idle(struct pace *p, struct conn *c)
{
    p->idle[p->idle_end++ % CONNECTIONS_MAX] = c;
}

static void ask(struct pace *p, struct conn *c, uint64_t due_ns)
{
    c->due_ns = due_ns;
    c->len = 0;
    if (send(c->fd, p->request, p->request_len, MSG_NOSIGNAL) != (ssize_t)p->request_len)
        err(1, "send");
}

static void ask_what_is_due(struct pace *p)
{
    uint64_t now = now_ns(), due = next_due_ns(p);

    if (due + BEHIND_S_MAX * 1000000000ull < now)
        errx(1, "the rate is more than the proxy can do");
    while (p->idle_first < p->idle_end && (due = next_due_ns(p)) <= now) {
        ask(p, p->idle[p->idle_first++ % CONNECTIONS_MAX], due);
        p->asked++;
    }
}

/* The length of a whole answer, or 0 while its head has not come. */
static size_t whole_len(struct conn *c)
{
    const char *end, *length;

    c->answer[c->len] = '\0';
    end = strstr(c->answer, "\r\n\r\n");
    length = strcasestr(c->answer, "\r\nContent-Length:");
    if (!end)
        return 0;
    if (strncmp(c->answer, "HTTP/1.1 200 ", 13) != 0 || !length || length > end)
        errx(1, "an answer is not as it should be: %.60s", c->answer);
    return (size_t)(end + 4 - c->answer) +
           strtoull(length + strlen("\r\nContent-Length:"), NULL, 10);
}

static void take_answer(struct pace *p, struct conn *c)
{
    ssize_t len = recv(c->fd, c->answer + c->len, sizeof(c->answer) - 1 - c->len, MSG_DONTWAIT);
    size_t whole;

    if (len < 0 && errno == EAGAIN)
        return;
    if (len <= 0)
        errx(1, "a connection ended early");
    c->len += (size_t)len;
    whole = whole_len(c);
    if (!whole || c->len < whole)
        return;
    if (c->len > whole)
        errx(1, "an answer is longer than it says");
    latency_add(&p->latency, (now_ns() - c->due_ns) / 1000);
    put_idle(p, c);
}

/* --- start ---------------------------------------------------------------------------------- */

static volatile sig_atomic_t is_over, forgets;

static void on_signal(int number)
{
    if (number == SIGUSR1)
        forgets = 1;
    else
        is_over = 1;
}

static void take_signals_and_precedence(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct sched_param least = {.sched_priority = 1};

    if (sigaction(SIGINT, &action, NULL) < 0 || sigaction(SIGUSR1, &action, NULL) < 0)
        err(1, "sigaction");
    (void)sched_setscheduler(0, SCHED_FIFO, &least); /* for root alone, usually */
}

static void connect_one(struct pace *p, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct conn *c = calloc(1, sizeof(*c));
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    int on = 1;

    if (!c)
        err(1, "calloc");
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
        epoll_ctl(p->epoll, EPOLL_CTL_ADD, c->fd, &event) < 0)
        err(1, "connect");
    put_idle(p, c);
}

/* Until the next moment of the clock that TICK_NS divides; a signal ends it early. */
static void sleep_to_tick(void)
{
    uint64_t next = (now_ns() / TICK_NS + 1) * TICK_NS;
    struct timespec until = {(time_t)(next / 1000000000), (long)(next % 1000000000)};

    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

int main(int argc, char **argv)
{
    static struct pace p;
    struct epoll_event events[EVENTS_MAX];
    int connections;

    if (argc != 5)
        errx(1, "usage: pace PORT BYTES CONNECTIONS RATE");
    connections = atoi(argv[3]);
    p.interval_ns = 1e9 / atof(argv[4]);
    if (connections < 1 || connections > CONNECTIONS_MAX || atof(argv[4]) < 1)
        errx(1, "1 to %d connections, 1 request a second or more", CONNECTIONS_MAX);
    p.request_len =
        (size_t)snprintf(p.request, sizeof(p.request),
                         "GET /%ld HTTP/1.1\r\nHost: proxy.bench.test\r\n\r\n", atol(argv[2]));
    p.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (p.epoll < 0)
        err(1, "epoll");
    take_signals_and_precedence();
    for (int i = 0; i < connections; i++)
        connect_one(&p, atoi(argv[1]));
    p.began_ns = now_ns();
    while (!is_over) {
        int count = epoll_wait(p.epoll, events, EVENTS_MAX, 0);

        if (count < 0 && errno != EINTR)
            err(1, "epoll_wait");
        for (int i = 0; i < count; i++)
            take_answer(&p, events[i].data.ptr);
        ask_what_is_due(&p);
        sleep_to_tick();
        if (forgets) {
            forgets = 0;
            p.latency = (struct latency){.total = 0};
        }
    }
    latency_print(&p.latency, "");
    return 0;
}
