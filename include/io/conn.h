/* conn - a byte stream: a socket, with or without TLS, and its close protocol.
 *
 * Embedded in a client or an upstream connection; at any moment one task owns it and is made ready
 * by its facts. Bytes that came in are read in place and consumed; bytes that go out are staged,
 * and once per turn sealed and sent together.
 *
 * Invariants: at most one receive, one send and one control operation are in flight; nothing is
 * received while received bytes are unread (the receive's operation watches the socket then, if
 * the owner waits for something else); a conn is deinited only when it is closed, and it is closed
 * only when nothing is in flight.
 *
 * Closing: conn_finish() flushes, says close_notify, shuts the write side, lingers when asked, and
 * closes; conn_abort() closes at once. Both end in conn_is_closed(). */
#ifndef RINGWAY_IO_CONN_H
#define RINGWAY_IO_CONN_H

#include "io/loop.h"
#include "io/outbox.h"
#include "io/tls.h"

enum conn_state {
    CONN_UNUSED,
    CONN_CONNECTING,
    CONN_HANDSHAKING,
    CONN_OPEN,
    CONN_FINISHING, /* the output is being flushed */
    CONN_LINGERING, /* our side is shut; what comes is discarded */
    CONN_CLOSING,   /* waits until nothing is in flight, then for close itself */
    CONN_CLOSED,
};

/* How the peer's side of the stream ended. */
enum conn_end {
    CONN_END_NONE,   /* it has not, or there are bytes yet to read */
    CONN_END_COMING, /* of conn.end alone: it has, behind bytes that were not yet received */
    CONN_END_CLEAN,  /* FIN; with TLS after close_notify */
    CONN_END_CUT,    /* TLS: FIN without close_notify */
    CONN_END_FAILED, /* reset, no memory (conn.error), or a TLS failure (tls_failure()) */
};

struct conn {
    struct loop *loop;
    struct chunk_pool *chunks;
    struct task *owner;
    struct tls *tls; /* owned; NULL without TLS */
    int fd;
    int error; /* the first failure of the system, negative errno; 0: none */
    enum conn_state state : 8;
    enum conn_end end : 8;
    bool wants_input;        /* a receive is armed once all is consumed */
    bool raw_is_borrowed;    /* raw lies in a receive buffer of this turn */
    bool is_bulk : 1;        /* receives get large buffers */
    bool wants_room : 1;     /* the owner waits for the output to drain */
    bool ends_output : 1;    /* our side of the stream is shut once all is sent */
    bool has_shut : 1;       /* it was */
    bool has_handshaken : 1; /* TLS: bytes can be sealed */
    bool lingers : 1;
    bool holds_output : 1; /* what is sent goes with the FIN: the close follows at once */
    bool resets : 1;       /* close with RST */
    bool copies_sends : 1; /* this socket has no other way */
    bool is_taking : 1;    /* a send without copies did not yet say what it took of out */
    uint16_t lent_sends;   /* sends without copies that the kernel reads for, with that one */
    uint32_t lent_bytes;   /* that they took and the peer does not have, as far as is known */
    uint32_t sending_bytes;
    struct op recv_op, send_op, control_op;
    struct task step; /* of the flush phase: hold, seal, send, or go on with closing */
    struct span raw;  /* received and unread: ciphertext with TLS, else plain */
    struct chunk *raw_chunk;
    struct chunk *plain;  /* decrypted, with bytes unread; NULL: none */
    struct outbox staged; /* plain output, to be sealed (TLS) */
    struct outbox out;    /* bytes for the socket; the first sending_bytes may be in flight */
    uint64_t received_bytes, sent_bytes; /* in clear: records of TLS are not counted */
    uint64_t progress_ms;                /* when bytes last came or went */
};

/* A conn around an accepted socket; takes the descriptor. State: open. */
void conn_init(struct conn *c, struct loop *l, struct chunk_pool *chunks, int fd,
               struct task *owner);

/* How a connection is made. */
struct conn_route {
    const struct address *to;
    const struct address *from; /* bound to first; NULL: the kernel chooses */
    bool is_transparent; /* from need not be an address of this host: ip(7), IP_TRANSPARENT */
    bool is_probed;      /* SO_KEEPALIVE */
};

/* A conn that connects. 0, or negative errno, of bind(2) and setsockopt(2), too (the conn is then
 * CONN_CLOSED). The owner is made ready when it is open, or failed (conn_end() and conn.error). */
int conn_connect(struct conn *c, struct loop *l, struct chunk_pool *chunks,
                 const struct conn_route *route, struct task *owner) MUST_USE;

/* Frees what it holds. It must be closed. */
void conn_deinit(struct conn *c);

/* Puts TLS upon an open conn, which takes over the session. State: handshaking. */
void conn_start_tls(struct conn *c, struct tls *tls);

/* Takes TLS off a conn whose peer does not speak it: what came is read as plain bytes. */
void conn_drop_tls(struct conn *c);

enum conn_progress { CONN_WAITS, CONN_READY, CONN_FAILED };

/* Goes on with the handshake. CONN_READY: open; the owner is made ready by each step's input. */
enum conn_progress conn_handshake(struct conn *c);

/* conn_input() of a conn with TLS. */
struct span conn_opened_input(struct conn *c);

/* What can be read now; empty: nothing. Valid until conn_consume() or the end of the turn. */
static inline struct span conn_input(struct conn *c)
{
    return c->tls ? conn_opened_input(c) : c->raw;
}

/* The first n bytes of the input are used; n is at most its length. */
void conn_consume(struct conn *c, size_t n);

/* How much was consumed so far, in clear. */
static inline uint64_t conn_consumed_bytes(const struct conn *c)
{
    size_t opened = c->plain ? chunk_unread(c->plain).len : 0;

    return c->received_bytes - (c->tls ? opened : c->raw.len);
}

/* Asks for more once all is consumed; the owner is made ready when it is there, or at an end. */
void conn_want_input(struct conn *c);

/* Asked after conn_input() was empty. */
enum conn_end conn_end(const struct conn *c);

/* False: that the peer leaves is not noticed, as nothing is received. Behind the end of its side
 * there is no way to notice it: io_uring's poll tells of that end again and again. */
static inline bool conn_is_heard(const struct conn *c)
{
    return c->recv_op.is_in_flight || c->wants_input || c->end != CONN_END_NONE;
}

/* Of a conn that is not heard: makes the owner ready, once, when the peer has ended its side
 * (conn_is_ending()) or has left it altogether (conn.error). What is unread stays so. */
void conn_watch(struct conn *c);

/* The peer's side has ended, though there may be bytes yet to read. */
static inline bool conn_is_ending(const struct conn *c)
{
    return c->end != CONN_END_NONE;
}

/* The output function of the conn's TLS session: pass it to tls_new_*() with the conn as owner. */
int conn_tls_output(void *conn, struct span sealed);

/* Appends to the output, which is sent in this turn's flush. 0, or -ENOMEM: part may have been
 * taken, so the conn can only be aborted. Once sending has failed (conn.error) it goes nowhere. */
int conn_write(struct conn *c, struct span s) MUST_USE;

/* The same with a filled chunk, which it takes over. */
void conn_write_chunk(struct conn *c, struct chunk *chunk);

/* False when much waits to be sent: the owner is then made ready when there is room again. */
bool conn_has_room(struct conn *c);

/* The same with another bound than the loop's. */
bool conn_has_room_below(struct conn *c, size_t bytes_max);

/* Bytes that wait to be sent, or are being sent: without copies, until the peer has them. */
static inline size_t conn_out_bytes(const struct conn *c)
{
    return c->staged.bytes + c->out.bytes + c->lent_bytes;
}

/* Ends our side of the stream once all is sent, of which the owner is told by being made ready; the
 * peer's goes on. May be called again. */
void conn_end_output(struct conn *c);

/* Ends the stream well, or as well as can be (an alert is flushed, too). With lingers, what still
 * comes is read and discarded until the peer ends its side, which the owner bounds in time by
 * conn_abort(). */
void conn_finish(struct conn *c, bool lingers);

/* Ends it at once. with_reset: the peer sees RST, never a clean end. */
void conn_abort(struct conn *c, bool with_reset);

static inline bool conn_is_closed(const struct conn *c)
{
    return c->state == CONN_CLOSED;
}

/* A server's handshake that the client has yet to finish: something is still to come. */
static inline bool conn_is_early(const struct conn *c)
{
    return c->tls && tls_is_early(c->tls);
}

static inline bool conn_is_open(const struct conn *c)
{
    return c->state == CONN_OPEN;
}

#endif
