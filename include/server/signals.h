/* signals - the signals of the process, read as facts by the control thread's loop.
 *
 * Embedded in control. Blocked in every thread from signals_init() on, which comes before workers
 * are started; each becomes a fact, and the owner's task is made ready. */
#ifndef RINGWAY_SERVER_SIGNALS_H
#define RINGWAY_SERVER_SIGNALS_H

#include <sys/signalfd.h>

#include "core/log.h"
#include "io/loop.h"

#define SIGNALS_PER_READ 8

struct signals {
    struct loop *loop;
    struct task *owner;
    struct op read_op;
    int fd; /* -1: none */
    struct signalfd_siginfo received[SIGNALS_PER_READ];
    /* Facts; the owner clears them. */
    bool wants_stop, wants_quit, wants_reload, wants_reopen;
    /* The last one of them, and who sent it; 0: nobody asked. */
    int last_number, last_sender;
};

/* Blocks them and begins to read. SIGPIPE is ignored. 0, or negative errno. */
int signals_init(struct signals *s, struct loop *loop, struct task *owner) MUST_USE;

/* Takes the read back; turns the loop until it is over. */
void signals_deinit(struct signals *s);

#endif
