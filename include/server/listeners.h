/* listeners - all listening sockets of one worker, as a set that follows the snapshots.
 *
 * Embedded in a worker. */
#ifndef RINGWAY_SERVER_LISTENERS_H
#define RINGWAY_SERVER_LISTENERS_H

#include "server/listener.h"

struct listeners {
    struct list list;
    struct loop *loop;
    listener_accepted_fn accepted;
    struct task *on_change; /* made ready when one has closed */
    void *worker;
    bool are_started, are_paused;
};

/* An empty set; loop, accepted, on_change and worker are the owner's to set. */
void listeners_init(struct listeners *s);

/* Takes over descriptors, one per listening address of the snapshot; a descriptor that it has
 * already goes on under its new configuration, and those that are not named close. 0; or -ENOMEM,
 * and then nothing has changed and the new descriptors are the caller's still. */
int listeners_take(struct listeners *s, const struct snapshot *snapshot, const int *fds) MUST_USE;

/* True when the descriptor is one of theirs. */
bool listeners_have(const struct listeners *s, int fd);

/* Begins to accept, or goes on after a pause. */
void listeners_start(struct listeners *s);
void listeners_pause(struct listeners *s);

/* Closes all; they go by and by. */
void listeners_end(struct listeners *s);

static inline bool listeners_are_gone(const struct listeners *s)
{
    return list_is_empty(&s->list);
}

/* Closes what never started. */
void listeners_deinit(struct listeners *s);

#endif
