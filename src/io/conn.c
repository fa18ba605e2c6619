/* conn - reading, writing and closing a byte stream. */
#include "conn_internal.h"

#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static void on_received(struct op *op, const struct completion *c);
static void on_connected(struct op *op, const struct completion *c);
static void on_shut(struct op *op, const struct completion *c);
static void on_closed(struct op *op, const struct completion *c);
static void run_step(struct task *t);

/* ---- beginning ---- */

static void set_up(struct conn *c, struct loop *l, struct chunk_pool *chunks, struct task *owner)
{
    *c = (struct conn){.loop = l, .chunks = chunks, .owner = owner, .fd = -1};
    op_init(&c->recv_op, on_received);
    op_init(&c->send_op, conn_on_sent);
    op_init(&c->control_op, on_connected);
    task_init(&c->step, run_step);
    outbox_init(&c->staged);
    outbox_init(&c->out);
    c->progress_ms = loop_now_ms(l);
}

void conn_init(struct conn *c, struct loop *l, struct chunk_pool *chunks, int fd,
               struct task *owner)
{
    set_up(c, l, chunks, owner);
    c->fd = fd;
    c->state = CONN_OPEN;
}

static int bind_from(int fd, const struct conn_route *route)
{
    static const int on = 1;
    bool is_ip6 = route->from->u.any.sa_family == AF_INET6;

    if (route->is_transparent && is_ip6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, &on, sizeof(on)))
        return -errno;
    if (route->is_transparent && !is_ip6 &&
        setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof(on)))
        return -errno;
    /* Else each connection would take a port for itself alone: ip(7). */
    if (!address_port(route->from))
        (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    return bind(fd, &route->from->u.any, route->from->len) ? -errno : 0;
}

/* 0, or negative errno. */
static int set_up_route(int fd, const struct conn_route *route)
{
    static const int on = 1;

    /* Fails on unix sockets, which have no such option and need none. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (route->is_probed && setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)))
        return -errno;
    return route->from ? bind_from(fd, route) : 0;
}

int conn_connect(struct conn *c, struct loop *l, struct chunk_pool *chunks,
                 const struct conn_route *route, struct task *owner)
{
    set_up(c, l, chunks, owner);
    c->fd = socket(route->to->u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    c->error = c->fd < 0 ? -errno : set_up_route(c->fd, route);
    if (c->error) {
        if (c->fd >= 0)
            (void)close(c->fd);
        c->fd = -1;
        c->state = CONN_CLOSED;
        return c->error;
    }
    c->state = CONN_CONNECTING;
    loop_connect(l, &c->control_op, c->fd, route->to);
    return 0;
}

void conn_start_tls(struct conn *c, struct tls *tls)
{
    assert(c->state == CONN_OPEN);
    assert(!c->tls);
    c->tls = tls;
    c->state = CONN_HANDSHAKING;
}

/* ---- facts ---- */

static void on_connected(struct op *op, const struct completion *done)
{
    struct conn *c = container_of(op, struct conn, control_op);

    conn_step_later(c);
    if (c->state != CONN_CONNECTING)
        return;
    if (done->result < 0) {
        conn_fail(c, done->result);
        return;
    }
    c->state = CONN_OPEN;
    c->progress_ms = loop_now_ms(c->loop);
    conn_wake_owner(c);
}

/* The size of the next buffer follows from how full the last one was. */
static void note_received(struct conn *c, const struct completion *done)
{
    size_t n = done->data.len;

    assert(c->raw.len == 0);
    c->raw = done->data;
    c->raw_is_borrowed = true;
    c->received_bytes += c->tls ? 0 : n;
    c->progress_ms = loop_now_ms(c->loop);
    c->is_bulk = c->is_bulk ? n > loop_large_buffer_bytes(c->loop) / 8 : n == SMALL_BUFFER_BYTES;
}

static void on_received(struct op *op, const struct completion *done)
{
    struct conn *c = container_of(op, struct conn, recv_op);

    conn_step_later(c);
    if (c->state == CONN_CLOSING)
        return;
    if (done->result == -ENOBUFS) {
        stats_add(loop_stats(c->loop), COUNTER_RECEIVE_STARVED, 1);
        return; /* the step arms it again */
    }
    if (c->state == CONN_LINGERING && done->result > 0) {
        c->progress_ms = loop_now_ms(c->loop);
        return; /* discarded; the step arms it again */
    }
    c->wants_input = false;
    if (done->result < 0)
        conn_fail(c, done->result);
    else if (done->result == 0)
        c->end = c->tls ? CONN_END_CUT : CONN_END_CLEAN;
    else
        note_received(c, done);
    conn_wake_owner(c);
}

void conn_drop_tls(struct conn *c)
{
    assert(c->state == CONN_HANDSHAKING);
    tls_free(c->tls);
    c->tls = NULL;
    c->error = 0;
    if (c->end == CONN_END_FAILED)
        c->end = CONN_END_NONE;
    c->state = CONN_OPEN;
}

/* ---- reading ---- */

static void drop_raw(struct conn *c)
{
    c->raw = SPAN_NONE;
    c->raw_is_borrowed = false;
    if (c->raw_chunk)
        chunk_give(c->chunks, c->raw_chunk);
    c->raw_chunk = NULL;
}

static void drop_plain(struct conn *c)
{
    if (c->plain)
        chunk_give(c->chunks, c->plain);
    c->plain = NULL;
}

static bool has_sealed_bytes(const struct conn *c)
{
    return c->raw.len || tls_has_opened_bytes(c->tls);
}

/* Decrypts the next bytes, at most a chunk. */
static void open_more(struct conn *c)
{
    enum tls_result result;
    size_t len = 0;

    c->plain = chunk_take(c->chunks);
    if (!c->plain) {
        conn_fail(c, -ENOMEM);
        return;
    }
    result = tls_open(c->tls, &c->raw, c->plain->bytes, CHUNK_ROOM, &len);
    if (!c->raw.len)
        drop_raw(c);
    c->plain->end = (uint32_t)len;
    c->received_bytes += len;
    if (result != TLS_OK)
        drop_plain(c);
    if (result == TLS_END) {
        drop_raw(c); /* what comes behind close_notify is nobody's: RFC 8446 section 6.1 */
        c->end = CONN_END_CLEAN;
    }
    if (result == TLS_FAILED) {
        c->end = CONN_END_FAILED;
        conn_step_later(c); /* an alert wants to go out */
    }
}

struct span conn_opened_input(struct conn *c)
{
    if (!c->plain && c->state == CONN_OPEN && c->end != CONN_END_FAILED && has_sealed_bytes(c))
        open_more(c);
    return c->plain ? chunk_unread(c->plain) : SPAN_NONE;
}

static void consume_plain(struct conn *c, size_t n)
{
    if (!n)
        return; /* there may be nothing */
    assert(n <= chunk_unread(c->plain).len);
    c->plain->start += (uint32_t)n;
    if (c->plain->start == c->plain->end)
        drop_plain(c);
}

void conn_consume(struct conn *c, size_t n)
{
    if (c->tls) {
        consume_plain(c, n);
        return;
    }
    c->raw = span_skip(c->raw, n);
    if (!c->raw.len)
        drop_raw(c);
}

enum conn_end conn_end(const struct conn *c)
{
    if (c->end == CONN_END_FAILED)
        return c->end;
    if (c->plain || c->raw.len || (c->tls && tls_has_opened_bytes(c->tls)))
        return CONN_END_NONE;
    return c->end == CONN_END_COMING ? CONN_END_NONE : c->end;
}

void conn_want_input(struct conn *c)
{
    if (c->wants_input)
        return;
    c->wants_input = true;
    c->progress_ms = loop_now_ms(c->loop); /* the wait begins now */
    conn_step_later(c);
}

static RARE void on_watched(struct op *op, const struct completion *done)
{
    struct conn *c = container_of(op, struct conn, recv_op);
    bool has_left = done->result > 0 && (done->result & (POLLERR | POLLHUP));

    op_init(&c->recv_op, on_received);
    conn_step_later(c); /* there may be a receive to arm */
    if (c->state == CONN_CLOSING || done->result < 0)
        return;
    if (has_left) {
        conn_fail(c, -ECONNRESET);
        return;
    }
    if (c->end == CONN_END_NONE)
        c->end = CONN_END_COMING;
    conn_wake_owner(c);
}

RARE void conn_watch(struct conn *c)
{
    assert(!conn_is_heard(c));
    if (c->state != CONN_OPEN)
        return;
    op_init(&c->recv_op, on_watched);
    /* That the peer left altogether is told without being asked for: poll(2). */
    loop_poll(c->loop, &c->recv_op, c->fd, POLLRDHUP);
}

/* Its completion arms the receive. */
static RARE void stop_watching(struct conn *c)
{
    if (c->recv_op.done == on_watched)
        loop_cancel(c->loop, &c->recv_op);
}

static void arm_receive(struct conn *c)
{
    if (!c->wants_input || c->end > CONN_END_COMING)
        return;
    if (c->recv_op.is_in_flight) {
        stop_watching(c);
        return;
    }
    if (c->raw.len || c->plain) {
        c->wants_input = false;
        conn_wake_owner(c);
        return;
    }
    loop_recv(c->loop, &c->recv_op, c->fd, c->is_bulk);
}

/* Receive buffers go back to the kernel at the end of the turn: what is unread is kept. */
static void hold_unread(struct conn *c)
{
    struct span unread = c->raw;

    if (!c->raw_is_borrowed)
        return;
    c->raw_is_borrowed = false;
    if (!unread.len)
        return;
    assert(!c->raw_chunk);
    c->raw_chunk = chunk_take(c->chunks);
    if (!c->raw_chunk) {
        c->raw = SPAN_NONE;
        conn_fail(c, -ENOMEM);
        return;
    }
    (void)chunk_append(c->raw_chunk, unread);
    c->raw = chunk_unread(c->raw_chunk);
    assert(c->raw.len == unread.len);
}

enum conn_progress conn_handshake(struct conn *c)
{
    enum tls_result result;

    assert(c->state == CONN_HANDSHAKING);
    if (c->end != CONN_END_NONE && !c->raw.len)
        return CONN_FAILED;
    if (!loop_takes_handshake(c->loop)) {
        conn_wake_owner(c);
        return CONN_WAITS;
    }
    conn_step_later(c);
    result = tls_handshake(c->tls, &c->raw);
    if (!c->raw.len)
        drop_raw(c);
    if (result == TLS_NEEDS_INPUT) {
        conn_want_input(c);
        return CONN_WAITS;
    }
    if (result != TLS_OK) {
        c->end = CONN_END_FAILED;
        return CONN_FAILED;
    }
    c->has_handshaken = true;
    c->state = CONN_OPEN;
    return CONN_READY;
}

/* ---- ending ---- */

void conn_end_output(struct conn *c)
{
    if (c->state != CONN_OPEN || c->ends_output)
        return;
    c->ends_output = true;
    conn_step_later(c);
}

/* A close_notify that is all there is to send, with the close right behind it, goes in one segment
 * with the FIN. A close that resets, as over unread input, drops it: the reset says more. */
static void say_farewell(struct conn *c)
{
    c->holds_output = !c->lingers && !conn_out_bytes(c) && !c->lent_sends;
    tls_seal_close_notify(c->tls);
}

/* TLS says close_notify before FIN: RFC 8446 section 6.1. Waits for what is still to be sent. */
static void shut_output(struct conn *c)
{
    if (c->has_shut || c->error)
        return;
    if (c->has_handshaken)
        tls_seal_close_notify(c->tls);
    conn_send(c);
    if (conn_out_bytes(c))
        return;
    c->has_shut = true;
    op_init(&c->control_op, on_shut);
    loop_shutdown(c->loop, &c->control_op, c->fd, SHUT_WR);
}

void conn_finish(struct conn *c, bool lingers)
{
    if (c->state >= CONN_FINISHING)
        return;
    if (c->state == CONN_CONNECTING || c->error) {
        conn_abort(c, false);
        return;
    }
    c->state = CONN_FINISHING;
    c->lingers = lingers;
    conn_step_later(c);
}

void conn_abort(struct conn *c, bool with_reset)
{
    if (c->state >= CONN_CLOSING)
        return;
    c->state = CONN_CLOSING;
    c->resets = with_reset;
    if (c->recv_op.is_in_flight)
        loop_cancel(c->loop, &c->recv_op);
    if (c->send_op.is_in_flight)
        loop_cancel(c->loop, &c->send_op);
    if (c->is_taking)
        loop_cancel(c->loop, &outbox_first(&c->out)->op);
    if (c->control_op.is_in_flight)
        loop_cancel(c->loop, &c->control_op);
    conn_step_later(c);
}

static void on_shut(struct op *op, const struct completion *done)
{
    struct conn *c = container_of(op, struct conn, control_op);

    (void)done; /* a peer that is gone already is as good as one that was told */
    conn_step_later(c);
    if (c->state == CONN_OPEN)
        conn_wake_owner(c); /* all that it wrote is sent */
}

/* Once the descriptor is gone. */
static void step_closed(struct conn *c)
{
    if (c->lent_sends)
        return; /* their last completions come */
    c->state = CONN_CLOSED;
    conn_wake_owner(c);
}

static void on_closed(struct op *op, const struct completion *done)
{
    struct conn *c = container_of(op, struct conn, control_op);

    (void)done; /* the descriptor is gone, whatever close says: close(2) */
    c->fd = -1;
    step_closed(c);
}

/* All was handed to the kernel: says so to the peer, then lingers or closes. */
static void finish_step(struct conn *c)
{
    if (!c->error && conn_out_bytes(c))
        return;
    if (c->error || !c->lingers || c->end > CONN_END_COMING) {
        conn_abort(c, false);
        return;
    }
    drop_plain(c);
    drop_raw(c);
    c->state = CONN_LINGERING;
    shut_output(c);
    c->wants_input = true;
    arm_receive(c);
}

static void linger_step(struct conn *c)
{
    c->raw = SPAN_NONE;
    c->raw_is_borrowed = false;
    if (c->end > CONN_END_COMING || c->error) {
        conn_abort(c, false);
        return;
    }
    c->wants_input = true;
    arm_receive(c);
}

static void close_step(struct conn *c)
{
    static const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    bool is_sending = c->send_op.is_in_flight || c->is_taking;

    if (c->recv_op.is_in_flight || is_sending || c->control_op.is_in_flight)
        return;
    if (c->fd < 0) {
        step_closed(c);
        return;
    }
    /* Without a reset the kernel would go on sending from our memory for as long as it likes. */
    if (c->resets || c->lent_sends)
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    op_init(&c->control_op, on_closed);
    loop_close(c->loop, &c->control_op, c->fd);
}

/* The conn's part of the flush phase. */
static void run_step(struct task *t)
{
    struct conn *c = container_of(t, struct conn, step);

    if (c->state == CONN_CLOSED)
        return;
    if (c->state == CONN_LINGERING)
        linger_step(c);
    if (c->state == CONN_CLOSING) {
        close_step(c);
        return;
    }
    if (c->state == CONN_LINGERING)
        return;
    hold_unread(c);
    if (c->has_handshaken && !c->error) {
        conn_seal(c);
        if (c->state == CONN_FINISHING && !c->error)
            say_farewell(c);
    }
    conn_send(c);
    if (c->state == CONN_FINISHING) {
        finish_step(c);
        return;
    }
    if (c->ends_output)
        shut_output(c);
    arm_receive(c);
}

void conn_deinit(struct conn *c)
{
    assert(c->state == CONN_CLOSED || c->state == CONN_UNUSED);
    op_assert_idle(&c->recv_op);
    op_assert_idle(&c->send_op);
    op_assert_idle(&c->control_op);
    assert(!c->lent_sends);
    task_cancel(&c->step);
    drop_raw(c);
    drop_plain(c);
    outbox_clear(&c->staged, c->chunks);
    outbox_clear(&c->out, c->chunks);
    tls_free(c->tls);
    c->tls = NULL;
    c->state = CONN_UNUSED;
}
