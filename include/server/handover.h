/* handover - connections that one worker accepted and another one serves.
 *
 * The kernel shares connections out by a hash: of few of them, most may come to one worker. Who has
 * clearly more clients than the idlest hands on what it accepts, by ring message, before a byte is
 * read. Numbers alone decide: what a connection will cost is not known when it comes.
 * Embedded in a worker. What others read of it is atomic: its load, and what has arrived of what
 * they sent. The rest belongs to its thread.
 * Invariant: a connection under way is counted by its receiver already, and its sender pins the
 * view that it was accepted under: whoever cannot serve it sends it back. */
#ifndef RINGWAY_SERVER_HANDOVER_H
#define RINGWAY_SERVER_HANDOVER_H

#include "server/client.h"

#define HANDOVERS_MAX 512 /* of a worker, under way at once; beyond, it keeps what it accepts */

#define LOAD_PADDING 64 /* a cache line */
#define LOAD_CLOSED UINT32_MAX

/* What a worker shows the others, in a cache line that nothing else is in, wherever it begins. */
struct load {
    char before[LOAD_PADDING];
    _Atomic uint32_t client_count;   /* LOAD_CLOSED: it takes none */
    _Atomic uint32_t promised_count; /* under way to it */
    char after[LOAD_PADDING];
};

struct handovers;

/* One connection, on its way; in its sender. */
struct handover {
    struct message message;
    struct handovers *from, *to;
    struct view *view; /* the sender's: one reference */
    const struct listen_conf *listen;
    int fd;
    _Atomic bool is_under_way; /* false: nobody but the sender looks at it any more */
};

/* Takes a descriptor that was accepted on that listener, which is one of the view's. */
typedef void (*handover_taken_fn)(struct handovers *h, struct view *view,
                                  const struct listen_conf *listen, int fd);

struct handovers {
    struct load load;
    struct client_pool *clients;
    handover_taken_fn taken;
    struct task *on_change;       /* made ready when one was sent: handovers_settle() is due */
    struct handovers *const *all; /* of all workers, this one too */
    unsigned count;               /* of all; below 2: nothing is handed over */
    unsigned index;               /* of this one */
    struct handover slots[HANDOVERS_MAX];
    unsigned begun_count, settled_count; /* both go round */
};

/* Hands over nothing before handovers_introduce(); on_change is the owner's to set. */
void handovers_init(struct handovers *h, struct client_pool *clients, handover_taken_fn taken);

/* From now on connections may go to the others. */
void handovers_introduce(struct handovers *h, struct handovers *const *all, unsigned count,
                         unsigned index);

/* Who is to have a connection that h has just accepted: h itself, unless with it h had clearly more
 * than the idlest; then that one. */
struct handovers *handovers_choose(struct handovers *h) MUST_USE;

/* Hands the descriptor to another worker, where that is called for; false: it is the caller's. What
 * no other can serve comes back by `taken`, with its view. */
bool handovers_give(struct handovers *h, const struct listen_conf *listen, int fd) MUST_USE;

/* Tells the others how many clients there are. */
void handovers_publish(struct handovers *h);

/* Tells them that it takes none any more; what comes yet goes to `taken`. */
void handovers_close(struct handovers *h);

/* What it told last; 0 when it takes none. For any thread. */
uint32_t handovers_client_count(const struct handovers *h);

/* Lets go of what has arrived. Due again, by and by, until all has. */
void handovers_settle(struct handovers *h);

/* True when none is under way. */
static inline bool handovers_are_settled(const struct handovers *h)
{
    return h->begun_count == h->settled_count;
}

#endif
