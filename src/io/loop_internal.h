/* loop_internal - what the files of the loop's room share, and nobody else sees.
 *
 * The only header that includes liburing. */
#ifndef RINGWAY_IO_LOOP_INTERNAL_H
#define RINGWAY_IO_LOOP_INTERNAL_H

#include <liburing.h>

#include "io/loop.h"

/* Identifiers of large buffers begin here, so that a completion tells which kind was filled. */
#define LARGE_ID_FIRST 0x8000u

/* Receive buffers of one size. The kernel takes them in turn; used ones go back at the end of the
 * turn. It has as many as turns turned out to need: all of those are touched, however few are used
 * at a time, and the fewer there are, the warmer they stay. */
struct buffers {
    struct io_uring_buf_ring *ring;
    char *memory;
    size_t buffer_bytes;
    unsigned count;      /* a power of two */
    unsigned lent_count; /* the kernel has, or they were used in this turn: the first ones */
    unsigned short group;
    unsigned first_id;
    unsigned used_count;
    unsigned short *used;
};

enum { BUFFERS_SMALL, BUFFERS_LARGE, BUFFERS_KINDS };

struct loop {
    struct io_uring ring;
    bool is_stopped;
    uint64_t now_us, now_ms; /* as of the beginning of the turn */
    unsigned handshakes_left;
    struct wheel wheel;
    struct list ready, flush;
    struct buffers buffers[BUFFERS_KINDS];
    size_t send_high_water, zerocopy_bytes;
    uint64_t busy_poll_us;
    struct stats *stats;
};

/* Gives a buffer to the kernel, which sees it when the ring is advanced. */
static inline void buffers_add(struct buffers *b, unsigned index, unsigned offset)
{
    io_uring_buf_ring_add(b->ring, b->memory + index * b->buffer_bytes, (unsigned)b->buffer_bytes,
                          (unsigned short)(b->first_id + index), io_uring_buf_ring_mask(b->count),
                          (int)offset);
}

#endif
