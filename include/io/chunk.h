/* chunk - buffers for bytes that wait in a connection.
 *
 * One pool per worker. A chunk belongs to exactly one of: the pool, a conn's input, a conn's
 * output, a send in flight; it is moved, never shared. */
#ifndef RINGWAY_IO_CHUNK_H
#define RINGWAY_IO_CHUNK_H

#include <sys/socket.h>
#include <sys/uio.h>

#include "core/limits.h"
#include "core/list.h"
#include "core/slab.h"
#include "core/span.h"
#include "io/loop.h"

struct chunk {
    struct list link;
    uint32_t start; /* of what is not yet used */
    uint32_t end;   /* of what was written */
    /* Used by the first chunk of a send: lives as long as the operation. */
    struct msghdr message;
    struct iovec vectors[OUT_CHUNKS_PER_SEND];
    /* Likewise, of one without copies, which has an operation of its own. */
    struct op op;
    void *sender;
    uint32_t taken;   /* what it said */
    uint32_t readers; /* such sends that the kernel reads this chunk for: it is not given back */
    _Alignas(64) char bytes[];
};

static_assert(sizeof(struct chunk) <= CHUNK_HEADER_BYTES, "header and room make up a chunk");

struct chunk_pool {
    struct slab slab;
};

/* Reserves address space for count_max chunks. 0, or -ENOMEM. */
int chunk_pool_init(struct chunk_pool *p, size_t count_max) MUST_USE;
void chunk_pool_deinit(struct chunk_pool *p);

/* An empty chunk, or NULL when all are taken. */
struct chunk *chunk_take(struct chunk_pool *p) MUST_USE;
void chunk_give(struct chunk_pool *p, struct chunk *c);

/* The chunk that has the byte. */
struct chunk *chunk_at(const struct chunk_pool *p, const void *byte);

/* What was written and is not yet used. */
static inline struct span chunk_unread(const struct chunk *c)
{
    return span_of(c->bytes + c->start, c->end - c->start);
}

/* How many bytes may be appended. */
static inline size_t chunk_room(const struct chunk *c)
{
    return CHUNK_ROOM - c->end;
}

/* Appends as much as there is room for; returns how much that was. */
size_t chunk_append(struct chunk *c, struct span s);

#endif
