/* arena - bump memory that is freed as a whole. */
#include "core/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena_block {
    struct arena_block *next;
    size_t size; /* of the payload */
    size_t used;
    _Alignas(max_align_t) char payload[];
};

#define ALIGNMENT _Alignof(max_align_t)

void arena_init(struct arena *a, size_t block_bytes, size_t total_bytes_max)
{
    assert(block_bytes >= ALIGNMENT);
    *a = (struct arena){.block_bytes = block_bytes, .total_bytes_max = total_bytes_max};
}

static void free_blocks(struct arena_block *b)
{
    while (b) {
        struct arena_block *next = b->next;

        free(b);
        b = next;
    }
}

void arena_deinit(struct arena *a)
{
    free_blocks(a->first);
    a->first = NULL;
    a->last = NULL;
    a->total_bytes = 0;
}

void arena_reset(struct arena *a)
{
    if (!a->first)
        return;
    free_blocks(a->first->next);
    a->first->next = NULL;
    a->first->used = 0;
    a->last = a->first;
    a->total_bytes = a->first->size;
}

/* The limit may have been lowered below what is there already. */
static bool has_room(const struct arena *a, size_t payload)
{
    if (!a->total_bytes_max)
        return true;
    return a->total_bytes <= a->total_bytes_max && payload <= a->total_bytes_max - a->total_bytes;
}

/* Appends a block with room for size bytes and makes it the one that is filled. */
static struct arena_block *add_block(struct arena *a, size_t size)
{
    size_t payload = size_max(size, a->block_bytes);
    struct arena_block *b;

    if (!has_room(a, payload))
        return NULL;
    b = malloc(sizeof(*b) + payload);
    if (!b)
        return NULL;
    *b = (struct arena_block){.size = payload};
    if (a->last)
        a->last->next = b;
    else
        a->first = b;
    a->last = b;
    a->total_bytes += payload;
    return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
    struct arena_block *b = a->last;
    char *p;

    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    if (!b || b->size - b->used < size)
        b = add_block(a, size);
    if (!b)
        return NULL;
    p = b->payload + b->used;
    b->used += size;
    return p;
}

void *arena_zalloc(struct arena *a, size_t size)
{
    void *p = arena_alloc(a, size);

    if (p)
        memset(p, 0, size);
    return p;
}

struct span arena_copy(struct arena *a, struct span s)
{
    char *p = arena_alloc(a, s.len + 1);

    if (!p)
        return SPAN_NONE;
    if (s.len)
        memcpy(p, s.data, s.len);
    p[s.len] = '\0';
    return span_of(p, s.len);
}

struct span arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;
    int len;
    char *p;

    va_start(args, format);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(len >= 0);
    p = arena_alloc(a, (size_t)len + 1);
    if (!p)
        return SPAN_NONE;
    va_start(args, format);
    (void)vsnprintf(p, (size_t)len + 1, format, args);
    va_end(args);
    return span_of(p, (size_t)len);
}
