/* resolver - names to addresses at run time: c-ares, whose sockets the loop polls.
 *
 * Owned by one thread, which never blocks on it. What was found is kept as long as the servers say
 * (or the file, by valid=); who asks for what is being asked for already waits with the others.
 * Failures are not kept. Invariant: a poll that is in flight keeps its resolver in memory. */
#ifndef RINGWAY_IO_RESOLVER_H
#define RINGWAY_IO_RESOLVER_H

#include "io/loop.h"

#define RESOLVER_NAMES_MAX 1024     /* kept; beyond, the one not asked for the longest time goes */
#define RESOLVER_QUESTIONS_MAX 1024 /* on their way; beyond, who asks for more is refused */
#define RESOLVER_ADDRESSES_MAX 64   /* of one name; more are passed over */

struct resolver;

struct resolver_settings {
    const struct address *servers; /* with their ports; at least one */
    size_t server_count;
    bool wants_ip4, wants_ip6;
    bool has_valid;
    uint64_t valid_ms; /* in place of what the servers say, when has_valid */
};

enum resolver_state { RESOLVER_ASKS, RESOLVER_KNOWS, RESOLVER_FAILED };

/* Its code and words as nginx logs them: 3, "Host not found". */
struct resolver_failure {
    int code;
    const char *text;
};

#define RESOLVER_TIMED_OUT ((struct resolver_failure){110, "Operation timed out"})

/* Someone who wants an answer, or has it until resolver_wait_stop(). */
struct resolver_wait {
    struct list link;
    struct task *task;
    struct resolver_name *name; /* NULL: does not wait */
};

/* all: the list of this thread's resolvers, for the calls below. 0; -ENOMEM; -EINVAL. */
int resolver_new(struct loop *l, struct list *all, const struct resolver_settings *s,
                 struct resolver **out) MUST_USE;

/* Nobody may wait. It is gone at once, or when the last of its polls has ended. NULL is allowed. */
void resolver_close(struct resolver *r);

/* Begins to wait: with RESOLVER_ASKS the task is made ready when that changes. The caller bounds
 * the wait. Numeric addresses are not asked for. */
enum resolver_state resolver_ask(struct resolver *r, struct span name, struct task *task,
                                 struct resolver_wait *w) MUST_USE;

/* Of one that waits. */
enum resolver_state resolver_wait_state(const struct resolver_wait *w);
/* With RESOLVER_KNOWS: addresses without ports, in an order that does not change with the servers'
 * mood; valid until resolver_wait_stop(). */
const struct address *resolver_wait_addresses(const struct resolver_wait *w, size_t *count);
/* With RESOLVER_FAILED. */
struct resolver_failure resolver_wait_failure(const struct resolver_wait *w);

/* Ends it, also before there is an answer. Harmless where nothing waits. */
void resolver_wait_stop(struct resolver_wait *w);

/* For the end of a thread, once nobody waits: asks no longer, and whether that has ended. */
void resolvers_cancel(struct list *all);
bool resolvers_are_quiet(const struct list *all);

#endif
