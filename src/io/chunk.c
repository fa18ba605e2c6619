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
    return c;
}

void chunk_give(struct chunk_pool *p, struct chunk *c)
{
    assert(!list_is_linked(&c->link));
    slab_give(&p->slab, c);
}

size_t chunk_append(struct chunk *c, struct span s)
{
    size_t n = size_min(s.len, chunk_room(c));

    if (n)
        memcpy(c->bytes + c->end, s.data, n);
    c->end += (uint32_t)n;
    return n;
}
