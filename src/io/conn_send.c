/* conn_send - the output of a conn: staged, sealed, sent and dropped once it is taken.
 *
 * One send at a time is on its way into the socket, and its bytes stay in the outbox. A send
 * without copies says with its first completion what was taken; the kernel reads that until the
 * peer has it, which the last completion says, and meanwhile others follow. */
#include "conn_internal.h"

/* ---- what is to be sent ---- */

int conn_tls_output(void *conn, struct span sealed)
{
    struct conn *c = conn;

    return outbox_append(&c->out, c->chunks, sealed);
}

/* Output that begins to wait does so now, whenever bytes last moved. */
static void begin_output(struct conn *c)
{
    if (!conn_out_bytes(c))
        c->progress_ms = loop_now_ms(c->loop);
    conn_step_later(c);
}

int conn_write(struct conn *c, struct span s)
{
    if (c->error)
        return 0; /* nobody reads it; the owner learns of the error by itself */
    begin_output(c);
    return outbox_append(c->tls ? &c->staged : &c->out, c->chunks, s);
}

void conn_write_chunk(struct conn *c, struct chunk *chunk)
{
    if (c->error) {
        chunk_give(c->chunks, chunk);
        return;
    }
    begin_output(c);
    outbox_adopt(c->tls ? &c->staged : &c->out, c->chunks, chunk);
}

bool conn_has_room_below(struct conn *c, size_t bytes_max)
{
    if (conn_out_bytes(c) < bytes_max)
        return true;
    c->wants_room = true;
    return false;
}

bool conn_has_room(struct conn *c)
{
    return conn_has_room_below(c, loop_send_high_water(c->loop));
}

void conn_seal(struct conn *c)
{
    struct chunk *first;

    while ((first = outbox_first(&c->staged)) != NULL) {
        struct span unread = chunk_unread(first);
        struct span record = span_take(unread, size_min(unread.len, tls_record_bytes_max(c->tls)));
        int result = tls_seal(c->tls, record);

        if (result) {
            conn_fail(c, result);
            return;
        }
        outbox_drop(&c->staged, c->chunks, record.len);
        c->sent_bytes += record.len;
    }
}

static bool sends_without_copies(const struct conn *c, size_t bytes)
{
    return bytes >= loop_zerocopy_bytes(c->loop) && !c->copies_sends;
}

static void on_lent(struct op *op, const struct completion *done);

/* Without copies. Others may follow while the kernel reads for this one. */
static void lend(struct conn *c, struct chunk *first, const struct msghdr *message)
{
    for (size_t i = 0; i < message->msg_iovlen; i++)
        chunk_at(c->chunks, message->msg_iov[i].iov_base)->readers++;
    first->sender = c;
    first->taken = 0;
    op_init(&first->op, on_lent);
    c->is_taking = true;
    c->lent_sends++;
    assert(c->lent_sends > 0);
    loop_sendmsg_zerocopy(c->loop, &first->op, c->fd, message);
}

void conn_send(struct conn *c)
{
    struct chunk *first = outbox_first(&c->out);
    const struct msghdr *message;
    bool is_copied;
    size_t bytes;

    if (c->send_op.is_in_flight || c->is_taking || !first || c->error)
        return;
    /* The head of a chunk is for one send: what an earlier one left of it is copied. */
    is_copied = first->op.is_in_flight || !sends_without_copies(c, c->out.bytes);
    if (is_copied && (first->op.is_in_flight || first->link.next == &c->out.list)) {
        c->sending_bytes = (uint32_t)chunk_unread(first).len;
        if (c->holds_output)
            loop_send_held(c->loop, &c->send_op, c->fd, chunk_unread(first));
        else
            loop_send(c->loop, &c->send_op, c->fd, chunk_unread(first));
        return;
    }
    message = outbox_message(&c->out, &bytes);
    c->sending_bytes = (uint32_t)bytes;
    if (sends_without_copies(c, bytes))
        lend(c, first, message);
    else
        loop_sendmsg(c->loop, &c->send_op, c->fd, message);
}

/* ---- what was sent ---- */

/* Nothing can be sent any more. What the peer said before it went can still be read. */
static void fail_output(struct conn *c, int error)
{
    if (!c->error)
        c->error = error;
    outbox_clear(&c->staged, c->chunks);
    outbox_clear(&c->out, c->chunks);
    conn_wake_owner(c);
}

/* On an open conn nothing but more output waits for a send to end. */
static void step_if_awaited(struct conn *c)
{
    if (c->state != CONN_OPEN || c->ends_output || c->staged.bytes + c->out.bytes)
        conn_step_later(c);
}

static void note_room(struct conn *c)
{
    if (c->wants_room && conn_out_bytes(c) <= loop_send_high_water(c->loop) / 2) {
        c->wants_room = false;
        conn_wake_owner(c);
    }
}

/* So much of what is being sent is the kernel's, or it cannot be sent. */
static void note_sent(struct conn *c, int result)
{
    if (result < 0) {
        fail_output(c, result);
        return;
    }
    if ((size_t)result < c->sending_bytes)
        stats_add(loop_stats(c->loop), COUNTER_SHORT_SENDS, 1);
    outbox_drop(&c->out, c->chunks, (size_t)result);
    c->sent_bytes += c->tls ? 0 : (size_t)result;
    c->progress_ms = loop_now_ms(c->loop);
}

void conn_on_sent(struct op *op, const struct completion *done)
{
    struct conn *c = container_of(op, struct conn, send_op);

    if (c->state != CONN_CLOSING) {
        note_sent(c, done->result);
        note_room(c);
    }
    step_if_awaited(c);
}

/* ---- without copies ---- */

/* On a unix socket, or beyond RLIMIT_MEMLOCK: is made again, with copies. */
static bool is_refused(int result)
{
    return result == -EOPNOTSUPP || result == -ENOMEM || result == -ENOBUFS;
}

static void note_taken(struct conn *c, struct chunk *first, int result)
{
    c->is_taking = false;
    if (c->state == CONN_CLOSING)
        return;
    if (is_refused(result)) {
        c->copies_sends = true;
        stats_add(loop_stats(c->loop), COUNTER_ZEROCOPY_REFUSED, 1);
        return;
    }
    stats_add(loop_stats(c->loop), COUNTER_ZEROCOPY_SENDS, 1);
    first->taken = result > 0 ? (uint32_t)result : 0;
    c->lent_bytes += first->taken;
    note_sent(c, result);
}

/* The kernel does not read for it any more. */
static void take_back(struct conn *c, struct chunk *first)
{
    c->lent_sends--;
    c->lent_bytes -= first->taken;
    c->progress_ms = loop_now_ms(c->loop);
    /* The first one last: it has the list. */
    for (size_t i = first->message.msg_iovlen; i-- > 0;) {
        struct chunk *chunk = chunk_at(c->chunks, first->vectors[i].iov_base);

        assert(chunk->readers > 0);
        if (--chunk->readers == 0 && !list_is_linked(&chunk->link))
            chunk_give(c->chunks, chunk);
    }
}

static void on_lent(struct op *op, const struct completion *done)
{
    struct chunk *first = container_of(op, struct chunk, op);
    struct conn *c = first->sender;

    if (c->is_taking && outbox_first(&c->out) == first)
        note_taken(c, first, done->result);
    if (done->is_last) {
        take_back(c, first);
        if (c->state != CONN_CLOSING)
            note_room(c);
    }
    step_if_awaited(c);
}
