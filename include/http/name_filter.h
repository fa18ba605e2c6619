/* name_filter - tells quickly that a field is not among those of some names. */
#ifndef RINGWAY_HTTP_NAME_FILTER_H
#define RINGWAY_HTTP_NAME_FILTER_H

#include "http/message.h"

/* Names that replace or hide a peer's fields: a bit for each that has an identifier of its own, and
 * for the others one per length, so that most fields are let through after one look. */
struct name_filter {
    uint64_t ids;
    uint64_t lengths;
};

/* True where the identifier says the whole name. */
static inline bool name_filter_knows(enum field_id id)
{
    return id != FIELD_OTHER && id != FIELD_X_ACCEL;
}

static inline uint64_t name_length_bit(struct span name)
{
    return UINT64_C(1) << (name.len & 63);
}

static inline void name_filter_add(struct name_filter *f, enum field_id id, struct span name)
{
    if (name_filter_knows(id))
        f->ids |= field_bit(id);
    else
        f->lengths |= name_length_bit(name);
}

/* True: the name is among them, or one of its length is, which is to be compared with it. */
static inline bool name_filter_may_have(const struct name_filter *f, const struct field *field)
{
    return name_filter_knows(field->id) ? f->ids >> field->id & 1
                                        : f->lengths & name_length_bit(field->name);
}

#endif
