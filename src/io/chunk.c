/* chunk - taking, giving and filling buffers. */
#include "io/chunk.h"

#include <string.h>

int chunk_pool_init(struct chunk_pool *p, size_t count_max)
{
    return slab_init(&p->slab, CHUNK_BYTES, count_max);
}

void chunk_pool_deinit(struct chunk_pool *p)
{
    slab_deinit(&p->slab);
}

struct chunk *chunk_take(struct chunk_pool *p)
{
    struct chunk *c = slab_take(&p->slab);

    if (!c)
        return NULL;
    list_init(&c->link);
    c->start = 0;
    c->end = 0;
    c->readers = 0;
    c->op.is_in_flight = false;
    return c;
}

void chunk_give(struct chunk_pool *p, struct chunk *c)
{
    assert(!list_is_linked(&c->link));
    assert(!c->readers);
    op_assert_idle(&c->op);
    slab_give(&p->slab, c);
}

struct chunk *chunk_at(const struct chunk_pool *p, const void *byte)
{
    size_t offset = (size_t)((const char *)byte - p->slab.memory);

    return (struct chunk *)(void *)(p->slab.memory + offset / CHUNK_BYTES * CHUNK_BYTES);
}

size_t chunk_append(struct chunk *c, struct span s)
{
    size_t n = size_min(s.len, chunk_room(c));

    if (n)
        memcpy(c->bytes + c->end, s.data, n);
    c->end += (uint32_t)n;
    return n;
}
