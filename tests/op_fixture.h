/* op_fixture - an operation whose completions are recorded. */
#ifndef RINGWAY_TESTS_OP_FIXTURE_H
#define RINGWAY_TESTS_OP_FIXTURE_H

#include "loop_fixture.h"

#include <sys/socket.h>

/* An operation and what its completions said. */
struct recorded {
    struct op op;
    struct turning *t;
    unsigned count;
    int result;
    bool was_last;
    char text[64]; /* of the last data, with a NUL */
    struct span data;
    struct task *wakes;
    void (*also)(struct recorded *r);
};

static inline void on_done(struct op *op, const struct completion *c)
{
    struct recorded *r = container_of(op, struct recorded, op);

    r->count++;
    r->result = c->result;
    r->was_last = c->is_last;
    r->data = c->data;
    if (c->data.len && c->data.len < sizeof(r->text)) {
        memcpy(r->text, c->data.data, c->data.len);
        r->text[c->data.len] = '\0';
    }
    if (r->also)
        r->also(r);
    if (r->wakes)
        loop_ready(r->t->loop, r->wakes);
}

static inline void recorded_init(struct recorded *r, struct turning *t)
{
    *r = (struct recorded){.t = t};
    op_init(&r->op, on_done);
}

static inline void make_pair(int fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
}

static inline void close_pair(const int fds[2])
{
    close(fds[0]);
    close(fds[1]);
}

#endif
