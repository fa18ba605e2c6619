/* arena - bump memory that is freed as a whole.
 *
 * Owned by whoever embeds it: an exchange (for its heads and its variables) or a snapshot. The
 * first block is kept over arena_reset(), so a worker that reuses an exchange allocates nothing
 * on the way of an ordinary request. */
#ifndef RINGWAY_CORE_ARENA_H
#define RINGWAY_CORE_ARENA_H

#include "core/span.h"

struct arena_block;

struct arena {
    struct arena_block *first; /* kept by arena_reset() */
    struct arena_block *last;  /* the block that is being filled */
    size_t block_bytes;        /* payload of an ordinary block */
    size_t total_bytes;        /* payload of all blocks together */
    size_t total_bytes_max;    /* arena_alloc() fails beyond; 0: no limit */
};

/* Allocates nothing yet. block_bytes: payload of each ordinary block. */
void arena_init(struct arena *a, size_t block_bytes, size_t total_bytes_max);

/* Frees all blocks; everything handed out is gone. */
void arena_deinit(struct arena *a);

/* Frees all but the first block and starts again at its beginning. */
void arena_reset(struct arena *a);

/* size bytes aligned for any type and not cleared; NULL when memory or the limit is at its end. */
void *arena_alloc(struct arena *a, size_t size) MUST_USE;

/* As arena_alloc(), all bytes zero. */
void *arena_zalloc(struct arena *a, size_t size) MUST_USE;

/* A copy of s with a NUL behind it (not counted); .data is NULL when memory is at its end. */
struct span arena_copy(struct arena *a, struct span s) MUST_USE;

/* printf into the arena, with a NUL behind; .data is NULL when memory is at its end. */
struct span arena_printf(struct arena *a, const char *format, ...) PRINTF_LIKE(2, 3) MUST_USE;

#endif
