/* listener - a listening socket of one worker, and its accepting.
 *
 * Owned by a worker. Accepting pauses, without spinning, while descriptors or slots are used up,
 * and goes on when some come free. */
#ifndef RINGWAY_SERVER_LISTENER_H
#define RINGWAY_SERVER_LISTENER_H

#include "conf/snapshot.h"
#include "io/loop.h"

/* Opens a listening socket: SO_REUSEADDR and SO_REUSEPORT (one per worker on the same port; for a
 * unix socket one is shared), non-blocking is not needed, close-on-exec, backlog. For the control
 * thread. Returns the descriptor, or negative errno. */
int listener_open(const struct listen_conf *conf) MUST_USE;

/* Gives one that is open, and was opened for `before`, what conf says of its options. As in nginx
 * one that conf does not name stays as it is, but for "deferred" and the backlog. 0, or negative
 * errno: some of them may have changed. */
int listener_change(int fd, const struct listen_conf *before,
                    const struct listen_conf *conf) MUST_USE;

struct listener;
typedef void (*listener_accepted_fn)(struct listener *l, int fd); /* takes the descriptor */
typedef void (*listener_ended_fn)(struct listener *l); /* it is closed and may be freed */

struct listener {
    struct list link; /* in the worker's list */
    struct loop *loop;
    const struct listen_conf *conf; /* of the worker's current view */
    int fd;
    bool is_started, is_paused, is_ending;
    bool is_starved; /* the kernel had no descriptor or memory: waits for retry */
    struct op accept_op, close_op;
    struct timer retry;
    struct task task;
    listener_accepted_fn accepted;
    listener_ended_fn ended;
    void *worker;
};

struct listener_options {
    struct loop *loop;
    const struct listen_conf *conf;
    int fd; /* taken over */
    listener_accepted_fn accepted;
    listener_ended_fn ended;
    void *worker;
};

/* Accepts nothing before listener_start(). */
void listener_init(struct listener *l, const struct listener_options *o);

/* The listener of a snapshot on the same address, where connections begin in the same way; NULL:
 * there is none. */
const struct listen_conf *listener_conf(const struct snapshot *s,
                                        const struct listen_conf *l) MUST_USE;

/* Begins to accept, or goes on after a pause. */
void listener_start(struct listener *l);

/* Connections wait in the backlog. Those that the kernel accepted before it heard of the pause are
 * still handed over: who was let in is not turned away. */
void listener_pause(struct listener *l);

/* Stops accepting and closes the socket; `ended` is called when that is done. */
void listener_end(struct listener *l);

#endif
