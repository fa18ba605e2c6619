/* ring - an io_uring set up as the loop sets up its own, for tests of the kernel alone.
 *
 * Nothing of ringway is linked here: what fails is the kernel, or what we believe of it. */
#ifndef RINGWAY_TESTS_KERNEL_RING_H
#define RINGWAY_TESTS_KERNEL_RING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <liburing.h>

/* Long enough for any machine: what must come. Short: what must not come. */
#define PATIENCE_S 20
#define MOMENT_MS 100

static inline void ring_init(struct io_uring *ring)
{
    struct io_uring_params params = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE,
        .cq_entries = 64,
    };

    assert_int_equal(io_uring_queue_init_params(16, ring, &params), 0);
}

static inline struct io_uring_sqe *ring_entry(struct io_uring *ring, uint64_t tag)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

    assert_non_null(sqe);
    memset(sqe, 0, sizeof(*sqe));
    sqe->user_data = tag; /* the prep functions leave it alone */
    return sqe;
}

/* A completion, copied. */
struct ended {
    uint64_t user_data;
    int res;
    unsigned flags;
};

/* The next completion; false: there was none in that time. */
static inline bool ring_waits(struct io_uring *ring, struct ended *out, long ms)
{
    struct __kernel_timespec limit = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    struct io_uring_cqe *cqe;

    (void)io_uring_submit_and_wait_timeout(ring, &cqe, 1, &limit, NULL);
    if (io_uring_peek_cqe(ring, &cqe))
        return false;
    *out = (struct ended){cqe->user_data, cqe->res, cqe->flags};
    io_uring_cqe_seen(ring, cqe);
    return true;
}

static inline struct ended ring_next(struct io_uring *ring)
{
    struct ended next = {0};

    assert_true(ring_waits(ring, &next, PATIENCE_S * 1000));
    return next;
}

#define assert_nothing_completes(ring)                          \
    do {                                                        \
        struct ended unexpected;                                \
                                                                \
        assert_false(ring_waits(ring, &unexpected, MOMENT_MS)); \
    } while (0)

#endif
