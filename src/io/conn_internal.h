/* conn_internal - what the files of the conn's room share, and nobody else sees. */
#ifndef RINGWAY_IO_CONN_INTERNAL_H
#define RINGWAY_IO_CONN_INTERNAL_H

#include "io/conn.h"

static inline void conn_wake_owner(struct conn *c)
{
    if (c->owner)
        loop_ready(c->loop, c->owner);
}

static inline void conn_step_later(struct conn *c)
{
    loop_flush_later(c->loop, &c->step);
}

static inline void conn_fail(struct conn *c, int error)
{
    if (!c->error)
        c->error = error;
    c->end = CONN_END_FAILED;
    conn_wake_owner(c);
}

/* Of the send: its bytes are dropped, or kept for another try. */
void conn_on_sent(struct op *op, const struct completion *done);

/* Seals what is staged, for conns with TLS whose handshake is done. */
void conn_seal(struct conn *c);

/* Sends what waits, unless a send is under way. */
void conn_send(struct conn *c);

#endif
