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

struct listener;
typedef void (*listener_fn)(struct listener *l, int fd); /* takes the descriptor */

struct listener {
    struct list link; /* in the worker's list */
    struct loop *loop;
    const struct listen_conf *conf; /* of the worker's current view */
    int fd;
    bool is_paused, is_ending;
    struct op accept_op, close_op;
    struct timer retry;
    struct task task;
    listener_fn accepted;
    void *worker;
};

/* Takes the descriptor over; accepts nothing before listener_start(). */
void listener_init(struct listener *l, struct loop *loop, int fd, const struct listen_conf *conf,
                   listener_fn accepted, void *worker);
void listener_start(struct listener *l);
void listener_pause(struct listener *l);
/* Cancels and closes; the worker's reap frees it when listener_is_closed(). */
void listener_end(struct listener *l);
bool listener_is_closed(const struct listener *l);

#endif
