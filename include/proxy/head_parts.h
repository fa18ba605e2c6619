/* head_parts - what the writers of both heads share. */
#ifndef RINGWAY_PROXY_HEAD_PARTS_H
#define RINGWAY_PROXY_HEAD_PARTS_H

#include "http/writer.h"
#include "io/conn.h"

/* Names that replace or hide a peer's fields. The mask has a bit per length, so that most fields
 * are let through after one look. */
struct name_filter {
    uint64_t lengths;
};

static inline uint64_t name_length_bit(struct span name)
{
    return UINT64_C(1) << (name.len & 63);
}

static inline void name_filter_add(struct name_filter *f, struct span name)
{
    f->lengths |= name_length_bit(name);
}

/* False: no name of this length is among them. */
static inline bool name_filter_may_have(struct name_filter f, struct span name)
{
    return f.lengths & name_length_bit(name);
}

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
