/* outbox - bytes that wait in a connection to be sent, in chunks.
 *
 * Embedded twice in a conn, which says each time where chunks come from and go to: what is yet to
 * be sealed, and what is for the socket. While a send is
 * in flight the chunks that it covers stay; it knows its own end, so the last one may grow behind
 * it. A chunk that sends without copies still read is dropped as well, and given back by the last
 * of them. */
#ifndef RINGWAY_IO_OUTBOX_H
#define RINGWAY_IO_OUTBOX_H

#include "io/chunk.h"

struct outbox {
    struct list list;
    size_t bytes;
};

/* Empty. */
void outbox_init(struct outbox *o);

/* Gives all chunks back. */
void outbox_clear(struct outbox *o, struct chunk_pool *chunks);

/* Appends a copy, to the last chunk and to as many new ones as it takes. 0; -ENOMEM: part of it may
 * have been appended. */
int outbox_append(struct outbox *o, struct chunk_pool *chunks, struct span s) MUST_USE;

/* Appends a filled chunk, which it takes over. */
void outbox_adopt(struct outbox *o, struct chunk_pool *chunks, struct chunk *chunk);

/* The first chunk; NULL when there is none. */
struct chunk *outbox_first(const struct outbox *o);

/* Drops the first n bytes, and gives back the chunks that they filled. */
void outbox_drop(struct outbox *o, struct chunk_pool *chunks, size_t n);

/* A message of what stands first, at most OUT_CHUNKS_PER_SEND chunks, kept in the first of them.
 * *bytes: how much it covers. The outbox must not be empty. */
const struct msghdr *outbox_message(struct outbox *o, size_t *bytes);

#endif
