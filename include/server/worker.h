/* worker - one thread: a loop, its pools, its view of the snapshot, its listeners and clients.
 *
 * Control makes it, gives it snapshots and tells it to end; nothing else is shared but a few
 * atomic words. All calls here are for the control thread, which has a loop of its own. */
#ifndef RINGWAY_SERVER_WORKER_H
#define RINGWAY_SERVER_WORKER_H

#include "conf/snapshot.h"
#include "core/stats.h"
#include "io/loop.h"

struct worker;

/* The listening sockets of one worker for one snapshot: one per snapshot.listens, by index. The
 * worker takes them over; a socket that served the same address in the generation before is
 * handed over again by its descriptor, and the worker goes on accepting on it. */
struct worker_assignment {
    struct snapshot *snapshot; /* one reference, taken over */
    int *listen_fds;           /* malloc()ed, listen_count of them; taken over */
};

struct worker_options {
    unsigned index, count;
    struct worker *beside; /* one that was started before, whose sibling it is; NULL: the first */
    struct worker_assignment first; /* taken over; if the start fails, its descriptors are closed */
    struct loop *control_loop;      /* messages go there */
    /* Runs in the control thread once the worker has ended its work, after worker_quit() or
     * worker_stop(); may be NULL. It may come when the worker was joined. */
    void (*on_drained)(void *control);
    void *control;
};

/* Starts the thread and waits until its ring, pools and contexts stand. 0, or negative errno with
 * one line that names cause and remedy. */
int worker_start(const struct worker_options *o, struct worker **out, char *error,
                 size_t error_size) MUST_USE;

/* False: the kernel has no zero-copy sends, though they were asked for. */
bool worker_has_zerocopy(const struct worker *w);

/* Tells each worker of all the others, for lending tickets and handing over connections: once all
 * have started and before any accepts. */
void workers_introduce(struct worker **workers, unsigned count);

/* Begins to accept. */
void worker_go(struct worker *w);

/* Swaps the snapshot: new connections and the next requests on plain ones use it. `done` runs in
 * the control thread when the worker has swapped (error NULL), or could not: then it serves on as
 * before, and the new descriptors are closed, unless it was told to end meanwhile. 0, or -ENOMEM,
 * and then the assignment was not taken over. */
typedef void (*worker_swapped_fn)(void *control, unsigned index, const char *error);
int worker_swap(struct worker *w, const struct worker_assignment *a,
                worker_swapped_fn done) MUST_USE;

/* Right up to the moment, until it is joined; it has no client to show once it drains. */
size_t worker_client_count(const struct worker *w);
const struct stats *worker_stats(const struct worker *w);

/* Graceful: stops accepting, lets requests end, closes idle connections; ends by itself, or after
 * deadline_ms (0: none) by cutting what is left. */
void worker_quit(struct worker *w, uint64_t deadline_ms);

/* Ends at once: connections are cut. */
void worker_stop(struct worker *w);

/* The thread may end once it has drained, and all its siblings have: tell all of them, then join
 * all. Without quit or stop before, it drains first. */
void worker_exit(struct worker *w);

/* Waits for the thread and frees it; after worker_exit(). Turns the control loop meanwhile, which
 * may still hear what the worker said before. */
void worker_join(struct worker *w);

#endif
