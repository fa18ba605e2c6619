/* outbox - appending to, sending from and dropping chunks. */
#include "io/outbox.h"

void outbox_init(struct outbox *o)
{
    *o = (struct outbox){.bytes = 0};
    list_init(&o->list);
}

static void drop_chunk(struct chunk_pool *chunks, struct chunk *c)
{
    list_remove(&c->link);
    if (!c->readers)
        chunk_give(chunks, c);
}

void outbox_clear(struct outbox *o, struct chunk_pool *chunks)
{
    list_for_each_safe (link, &o->list)
        drop_chunk(chunks, list_entry(link, struct chunk, link));
    o->bytes = 0;
}

struct chunk *outbox_first(const struct outbox *o)
{
    return list_is_empty(&o->list) ? NULL : list_entry(o->list.next, struct chunk, link);
}

/* The last chunk, where it has room, else a new one; NULL: no memory. */
static struct chunk *chunk_with_room(struct outbox *o, struct chunk_pool *chunks)
{
    struct chunk *last = NULL;

    if (!list_is_empty(&o->list))
        last = list_entry(o->list.prev, struct chunk, link);
    if (last && chunk_room(last))
        return last;
    last = chunk_take(chunks);
    if (last)
        list_push_back(&o->list, &last->link);
    return last;
}

int outbox_append(struct outbox *o, struct chunk_pool *chunks, struct span s)
{
    while (s.len) {
        struct chunk *last = chunk_with_room(o, chunks);
        size_t n;

        if (!last)
            return -ENOMEM;
        n = chunk_append(last, s);
        s = span_skip(s, n);
        o->bytes += n;
    }
    return 0;
}

/* Small pieces are put together: many of them would take up a chunk each. */
void outbox_adopt(struct outbox *o, struct chunk_pool *chunks, struct chunk *chunk)
{
    assert(chunk_unread(chunk).len); /* an empty one would be sent for ever */
    struct span unread = chunk_unread(chunk);
    struct chunk *last =
        list_is_empty(&o->list) ? NULL : list_entry(o->list.prev, struct chunk, link);

    o->bytes += unread.len;
    if (!last || chunk_room(last) < unread.len) {
        list_push_back(&o->list, &chunk->link);
        return;
    }
    (void)chunk_append(last, unread);
    chunk_give(chunks, chunk);
}

void outbox_drop(struct outbox *o, struct chunk_pool *chunks, size_t n)
{
    assert(n <= o->bytes);
    o->bytes -= n;
    while (n) {
        struct chunk *first = outbox_first(o);
        size_t part = size_min(n, chunk_unread(first).len);

        first->start += (uint32_t)part;
        n -= part;
        if (chunk_unread(first).len)
            break;
        drop_chunk(chunks, first);
    }
}

const struct msghdr *outbox_message(struct outbox *o, size_t *bytes)
{
    struct chunk *first = outbox_first(o);
    size_t count = 0;

    *bytes = 0;
    list_for_each (link, &o->list) {
        struct span unread = chunk_unread(list_entry(link, struct chunk, link));

        if (count == OUT_CHUNKS_PER_SEND)
            break;
        first->vectors[count++] = (struct iovec){(void *)(uintptr_t)unread.data, unread.len};
        *bytes += unread.len;
    }
    first->message = (struct msghdr){.msg_iov = first->vectors, .msg_iovlen = count};
    return &first->message;
}
