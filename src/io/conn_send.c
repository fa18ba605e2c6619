/* conn_send - the output of a conn: staged, sealed, sent and dropped once it is taken.
 *
 * One send at a time. Its bytes stay in the outbox until its last completion: a send without copies
 * says with its first one what was taken, and the kernel reads that until the peer has it. */
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

bool conn_has_room(struct conn *c)
{
    if (conn_out_bytes(c) < loop_send_high_water(c->loop))
        return true;
    c->wants_room = true;
    return false;
}

void conn_seal(struct conn *c)
{
    struct chunk *first;

    while ((first = outbox_first(&c->staged)) != NULL) {
        struct span unread = chunk_unread(first);
        struct span record = span_take(unread, size_min(unread.len, RECORD_BYTES_MAX));
        int result = tls_seal(c->tls, record);

        if (result) {
            conn_fail(c, result);
            return;
        }
        outbox_drop(&c->staged, c->chunks, record.len);
    }
}

static bool sends_without_copies(const struct conn *c, size_t bytes)
{
    return bytes >= loop_zerocopy_bytes(c->loop) && !c->copies_sends;
}

void conn_send(struct conn *c)
{
    struct chunk *first = outbox_first(&c->out);
    const struct msghdr *message;
    size_t bytes;

    if (c->send_op.is_in_flight || !first || c->error)
        return;
    if (first->link.next == &c->out.list && !sends_without_copies(c, c->out.bytes)) {
        c->sending_bytes = (uint32_t)chunk_unread(first).len;
        loop_send(c->loop, &c->send_op, c->fd, chunk_unread(first));
        return;
    }
    message = outbox_message(&c->out, &bytes);
    c->sending_bytes = (uint32_t)bytes;
    if (sends_without_copies(c, bytes))
        loop_sendmsg_zerocopy(c->loop, &c->send_op, c->fd, message);
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

/* True when a send without copies was refused, as on a unix socket or beyond RLIMIT_MEMLOCK: it is
 * made again, with copies. */
static bool is_made_again(struct conn *c, int result)
{
    if (!sends_without_copies(c, c->sending_bytes))
        return false;
    if (result >= 0)
        stats_add(loop_stats(c->loop), COUNTER_ZEROCOPY_SENDS, 1);
    if (result != -EOPNOTSUPP && result != -ENOMEM && result != -ENOBUFS)
        return false;
    stats_add(loop_stats(c->loop), COUNTER_ZEROCOPY_REFUSED, 1);
    c->copies_sends = true;
    conn_step_later(c);
    return true;
}

/* Returns false as long as the kernel reads the bytes: all stays as it is. */
static bool has_been_sent(struct conn *c, const struct completion *done, int *result)
{
    if (!done->is_last) {
        c->taken = done->result;
        c->progress_ms = loop_now_ms(c->loop);
    }
    *result = c->awaits_notification ? c->taken : done->result;
    c->awaits_notification = !done->is_last;
    return done->is_last;
}

void conn_on_sent(struct op *op, const struct completion *done)
{
    struct conn *c = container_of(op, struct conn, send_op);
    int result;

    /* On an open conn nothing but more output waits for a send to end. */
    if (c->state != CONN_OPEN || c->ends_output)
        conn_step_later(c);
    if (!has_been_sent(c, done, &result) || c->state == CONN_CLOSING || is_made_again(c, result))
        return;
    if (result < 0) {
        fail_output(c, result);
        return;
    }
    if ((size_t)result < c->sending_bytes)
        stats_add(loop_stats(c->loop), COUNTER_SHORT_SENDS, 1);
    outbox_drop(&c->out, c->chunks, (size_t)result);
    c->sent_bytes += (size_t)result;
    c->progress_ms = loop_now_ms(c->loop);
    if (conn_out_bytes(c))
        conn_step_later(c);
    if (c->wants_room && conn_out_bytes(c) <= loop_send_high_water(c->loop) / 2) {
        c->wants_room = false;
        conn_wake_owner(c);
    }
}
