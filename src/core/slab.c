/* slab - objects of one size, reserved at start and touched when first used. */
#include "core/slab.h"

#include <sys/mman.h>

struct slab_free {
    struct slab_free *next;
};

int slab_init(struct slab *s, size_t object_bytes, size_t count_max)
{
    size_t size = (object_bytes + 63) & ~(size_t)63;
    void *memory;

    assert(object_bytes >= sizeof(struct slab_free));
    assert(count_max > 0);
    *s = (struct slab){.object_bytes = size, .count_max = count_max};
    if (count_max > SIZE_MAX / size)
        return -ENOMEM;
    memory = mmap(NULL, size * count_max, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return -errno;
    s->memory = memory;
    return 0;
}

void slab_deinit(struct slab *s)
{
    assert(s->count_taken == 0);
    if (s->memory)
        (void)munmap(s->memory, s->object_bytes * s->count_max);
    s->memory = NULL;
}

void *slab_take(struct slab *s)
{
    struct slab_free *object = s->free;

    if (object)
        s->free = object->next;
    else if (s->count_touched < s->count_max)
        object = (void *)(s->memory + s->object_bytes * s->count_touched++);
    else
        return NULL;
    s->count_taken++;
    return object;
}

void *slab_at(const struct slab *s, size_t i)
{
    assert(i < s->count_touched);
    return s->memory + s->object_bytes * i;
}

void slab_give(struct slab *s, void *object)
{
    struct slab_free *link = object;
    size_t offset = (size_t)((char *)object - s->memory);

    assert(offset < s->object_bytes * s->count_touched);
    assert(offset % s->object_bytes == 0);
    assert(s->count_taken > 0);
    link->next = s->free;
    s->free = link;
    s->count_taken--;
}
