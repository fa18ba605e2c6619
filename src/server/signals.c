/* signals - the signals of the process, read as facts by the control thread's loop. */
#include "server/signals.h"

#include <signal.h>
#include <unistd.h>

#define NO_FACT SIZE_MAX

static const struct {
    int number;
    size_t fact; /* a bool of struct signals */
} rows[] = {
    {SIGTERM, offsetof(struct signals, wants_stop)},
    {SIGINT, offsetof(struct signals, wants_stop)},
    {SIGQUIT, offsetof(struct signals, wants_quit)},
    {SIGHUP, offsetof(struct signals, wants_reload)},
    {SIGUSR1, offsetof(struct signals, wants_reopen)},
    /* nginx's own for a binary upgrade: they must not end the process. */
    {SIGUSR2, NO_FACT},
    {SIGWINCH, NO_FACT},
};

static void start_reading(struct signals *s)
{
    const struct iovec room = {s->received, sizeof(s->received)};

    loop_read(s->loop, &s->read_op, s->fd, room, 0);
}

static void note(struct signals *s, const struct signalfd_siginfo *info)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (rows[i].number == (int)info->ssi_signo && rows[i].fact != NO_FACT)
            *(bool *)((char *)s + rows[i].fact) = true;
    }
    s->last_number = (int)info->ssi_signo;
    s->last_sender = (int)info->ssi_pid;
}

static void read_done(struct op *op, const struct completion *c)
{
    struct signals *s = container_of(op, struct signals, read_op);
    size_t count = c->result > 0 ? (size_t)c->result / sizeof(s->received[0]) : 0;

    if (c->result == -ECANCELED)
        return;
    for (size_t i = 0; i < count; i++)
        note(s, &s->received[i]);
    loop_ready(s->loop, s->owner);
    start_reading(s);
}

int signals_init(struct signals *s, struct loop *loop, struct task *owner)
{
    sigset_t set;

    *s = (struct signals){.loop = loop, .owner = owner, .fd = -1};
    op_init(&s->read_op, read_done);
    (void)sigemptyset(&set);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        (void)sigaddset(&set, rows[i].number);
    /* Both are errors of whatever wrote, too: a peer that has gone, a file beyond RLIMIT_FSIZE. */
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || signal(SIGXFSZ, SIG_IGN) == SIG_ERR ||
        sigprocmask(SIG_BLOCK, &set, NULL))
        return -errno;
    s->fd = signalfd(-1, &set, SFD_CLOEXEC);
    if (s->fd < 0)
        return -errno;
    start_reading(s);
    return 0;
}

void signals_deinit(struct signals *s)
{
    if (s->fd < 0)
        return;
    if (s->read_op.is_in_flight)
        loop_cancel(s->loop, &s->read_op);
    while (s->read_op.is_in_flight)
        loop_turn(s->loop, 1000);
    (void)close(s->fd);
    s->fd = -1;
}
