/* loop - one thread's io_uring, and the turn: wait, harvest, timers, run, flush.
 *
 * Owned by one thread, which alone may call it (loop_post() excepted: any thread that has a loop of
 * its own). The only room that knows liburing.
 *
 * Completions record facts; tasks make decisions. An operation belongs to the kernel from its verb
 * until its last completion: op.is_in_flight says so, and whoever embeds it must not be reused
 * before (asserted when an operation is started twice, and by op_assert_idle()).
 * Receive buffers belong to the kernel again at the end of the turn in which they were filled:
 * whoever wants the bytes longer copies them in its flush. */
#ifndef RINGWAY_IO_LOOP_H
#define RINGWAY_IO_LOOP_H

#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "core/address.h"
#include "core/list.h"
#include "core/span.h"
#include "core/stats.h"
#include "io/timer.h"

struct loop;
struct op;
struct task;

struct completion {
    int result;       /* as the system call would return it, negative errno on failure */
    bool is_last;     /* false: a multishot operation goes on, or memory is still read */
    struct span data; /* for receives: valid until the end of this turn */
};

/* Records facts about its owner; decides nothing, frees nothing. */
typedef void (*op_fn)(struct op *op, const struct completion *c);

struct op {
    op_fn done;
    bool is_in_flight;
};

typedef void (*task_fn)(struct task *t);

/* Something that decides. Made ready by facts; runs at most once per turn. */
struct task {
    struct list link;
    task_fn run;
};

/* A message to another thread's loop, embedded in what it carries. */
struct message;
typedef void (*message_fn)(struct loop *l, struct message *m);
struct message {
    message_fn deliver;     /* runs in the receiver's thread, which owns the message then */
    message_fn undelivered; /* runs in the sender's instead, when the receiver takes none */
    struct loop *sender;
    struct op sent;
    _Atomic bool is_posted; /* what was written before the post is seen by the receiver */
};

struct loop_options {
    unsigned entries;            /* of the submission queue */
    unsigned small_buffer_count; /* receive buffers of SMALL_BUFFER_BYTES: a power of two, or 0 */
    unsigned large_buffer_count; /* large ones: likewise */
    size_t large_buffer_bytes;   /* of each, at most CHUNK_ROOM; 0: LARGE_BUFFER_BYTES */
    size_t send_high_water;      /* of its conns (core/limits.h); 0: OUT_BYTES_HIGH */
    size_t zerocopy_bytes;       /* its conns send so much without copies; 0: none is so large */
    uint64_t busy_poll_us;       /* looks that long for completions before it sleeps */
    struct stats *stats;         /* counters of the owner; not NULL */
};

/* Makes the ring, in the thread that will run it. 0, or negative errno with a line that names cause
 * and remedy. */
int loop_new(const struct loop_options *options, struct loop **out, char *error,
             size_t error_size) MUST_USE;
/* Nothing may be in flight. Also for another thread than ran it, when that one has ended. */
void loop_free(struct loop *l);

/* Turns until loop_stop(). */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);

/* One turn; waits at most wait_ms. For tests. */
void loop_turn(struct loop *l, uint64_t wait_ms);

uint64_t loop_now_ms(const struct loop *l);  /* monotonic, as of the beginning of the turn */
uint64_t loop_turn_us(const struct loop *l); /* the same, finer */
uint64_t loop_now_us(const struct loop *l);  /* the same clock, read at once */
struct wheel *loop_wheel(struct loop *l);
struct stats *loop_stats(struct loop *l);
size_t loop_large_buffer_bytes(const struct loop *l); /* what one receive brings at most */
size_t loop_send_high_water(const struct loop *l);    /* half of it is low water */
/* From how much on conns send without copies; SIZE_MAX: never, as was asked or as the kernel cannot
 * do it. */
size_t loop_zerocopy_bytes(const struct loop *l);

/* Waits in no list. */
void task_init(struct task *t, task_fn run);
/* Runs it in this turn if the run phase is yet to come, else in the next. */
void loop_ready(struct loop *l, struct task *t);
/* Runs it in this turn's flush phase, once; from any phase before. */
void loop_flush_later(struct loop *l, struct task *t);
/* Takes a task out of whichever list it waits in. */
void task_cancel(struct task *t);

/* Asks for one of this turn's handshakes; false: HANDSHAKES_PER_TURN went on already. */
bool loop_takes_handshake(struct loop *l);

/* Not in flight; done is called with each of its completions. */
void op_init(struct op *op, op_fn done);

static inline void op_assert_idle(const struct op *op)
{
    assert(!op->is_in_flight);
}

/* The verbs. Each starts one operation; op.done is called with its completion. Memory that is
 * passed belongs to the kernel until then. They never fail: a full submission queue is submitted.
 */
void loop_accept(struct loop *l, struct op *op, int listen_fd); /* multishot; result: fd */
void loop_connect(struct loop *l, struct op *op, int fd, const struct address *a);
/* Fills completion.data; is_bulk: a large buffer. -ENOBUFS: all were used in this turn. */
void loop_recv(struct loop *l, struct op *op, int fd, bool is_bulk);
void loop_send(struct loop *l, struct op *op, int fd, struct span data);
/* TCP holds less than a segment back, to go with what follows: more data, or the FIN of a close. */
void loop_send_held(struct loop *l, struct op *op, int fd, struct span data);
void loop_sendmsg(struct loop *l, struct op *op, int fd, const struct msghdr *message);
/* The same without copies: two completions. The first says what was taken; the last says 0, once
 * the memory is not read any more: when the peer has acknowledged it, or the connection was reset.
 * Where it fails there may be one alone. -EOPNOTSUPP: not on such a socket. -ENOMEM: beyond
 * RLIMIT_MEMLOCK. */
void loop_sendmsg_zerocopy(struct loop *l, struct op *op, int fd, const struct msghdr *message);
void loop_read(struct loop *l, struct op *op, int fd, struct iovec room, uint64_t offset);
void loop_write(struct loop *l, struct op *op, int fd, struct span data); /* at the end of a file */
/* Where a write may come short: after such a one the file's own position cannot be relied upon. */
void loop_write_at(struct loop *l, struct op *op, int fd, struct span data, uint64_t offset);
/* Once: the result is which of the events (poll(2)) there are. */
void loop_poll(struct loop *l, struct op *op, int fd, short events);
void loop_shutdown(struct loop *l, struct op *op, int fd, int how);
void loop_close(struct loop *l, struct op *op, int fd);
/* Asks the kernel to give up an operation; its own completion still comes. */
void loop_cancel(struct loop *l, struct op *op);

/* Sends a message to another loop, over the ring of the calling thread's own loop. It must live
 * until deliver or undelivered runs. The receiver must not have been freed. */
void loop_post(struct loop *sender, struct loop *receiver, struct message *m);

/* Hands what was started to the kernel at once: before the thread waits for something else. */
void loop_submit(struct loop *l);

#endif
