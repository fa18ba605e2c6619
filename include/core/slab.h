/* slab - objects of one size, all reserved at start, touched only when first used.
 *
 * Owned by one worker. Objects are handed out last in, first out, so the warm one comes back
 * first. Memory of objects that were never taken costs address space only. */
#ifndef RINGWAY_CORE_SLAB_H
#define RINGWAY_CORE_SLAB_H

#include "core/base.h"

struct slab_free;

struct slab {
    char *memory; /* one mapping of count_max * object_bytes */
    size_t object_bytes;
    size_t count_max;
    size_t count_touched; /* objects [0, count_touched) were handed out at least once */
    size_t count_taken;
    struct slab_free *free; /* given back, the last one first */
};

/* Reserves address space. 0, or -ENOMEM. */
int slab_init(struct slab *s, size_t object_bytes, size_t count_max) MUST_USE;

/* Every object must have been given back. */
void slab_deinit(struct slab *s);

/* An object, not cleared; NULL when all are taken. */
void *slab_take(struct slab *s) MUST_USE;

/* The i-th object that was ever taken, i < count_touched: for what an owner leaves within. */
void *slab_at(const struct slab *s, size_t i);

/* Gives back an object that came from slab_take() of the same slab. */
void slab_give(struct slab *s, void *object);

#endif
