/* head_parts - what the writers of both heads share. */
#ifndef RINGWAY_PROXY_HEAD_PARTS_H
#define RINGWAY_PROXY_HEAD_PARTS_H

#include "http/writer.h"
#include "io/conn.h"

static inline bool field_is_framing(enum field_id id)
{
    return id == FIELD_CONTENT_LENGTH || id == FIELD_TRANSFER_ENCODING;
}

/* Sends what was written. 0, -EMSGSIZE, -ENOMEM. */
static inline int head_send(struct conn *c, const struct writer *w)
{
    if (w->has_overflowed)
        return -EMSGSIZE;
    return conn_write(c, span_of(w->data, w->len));
}

#endif
