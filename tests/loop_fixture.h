/* loop_fixture - a loop with a pool of chunks that the test turns itself, and deaths by assertion.
 *
 * Nothing here takes time as proof: what must come is waited for, long enough for any machine. */
#ifndef RINGWAY_TESTS_LOOP_FIXTURE_H
#define RINGWAY_TESTS_LOOP_FIXTURE_H

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/chunk.h"
#include "io/loop.h"

#define PATIENCE_US (20 * UINT64_C(1000000))

struct turning {
    struct loop *loop;
    struct stats stats;
    struct chunk_pool chunks;
};

struct turning_sizes {
    unsigned entries, small_buffers, large_buffers;
    size_t chunks;
    size_t large_bytes, high_water; /* 0: as usual */
    uint64_t busy_poll_us;
    size_t zerocopy_bytes;
};

static inline void turning_init_with(struct turning *t, const struct turning_sizes *sizes)
{
    struct loop_options options = {.entries = sizes->entries,
                                   .small_buffer_count = sizes->small_buffers,
                                   .large_buffer_count = sizes->large_buffers,
                                   .large_buffer_bytes = sizes->large_bytes,
                                   .send_high_water = sizes->high_water,
                                   .busy_poll_us = sizes->busy_poll_us,
                                   .zerocopy_bytes = sizes->zerocopy_bytes,
                                   .stats = &t->stats};
    char error[256];

    memset(t, 0, sizeof(*t));
    if (loop_new(&options, &t->loop, error, sizeof(error)))
        fail_msg("%s", error);
    assert_int_equal(chunk_pool_init(&t->chunks, sizes->chunks), 0);
}

static const struct turning_sizes usual_sizes = {64, 16, 8, 64};

static inline void turning_init(struct turning *t)
{
    turning_init_with(t, &usual_sizes);
}

/* Every chunk must have come back. */
static inline void turning_deinit(struct turning *t)
{
    loop_free(t->loop);
    chunk_pool_deinit(&t->chunks);
}

/* The same for a cmocka test whose state is one. */
static inline int turning_set_up_with(void **state, const struct turning_sizes *sizes)
{
    *state = malloc(sizeof(struct turning));
    assert_non_null(*state);
    turning_init_with(*state, sizes);
    return 0;
}

static inline int turning_set_up(void **state)
{
    return turning_set_up_with(state, &usual_sizes);
}

/* turning_deinit() asserts that all chunks came back, whatever the test was at. */
static inline int turning_tear_down(void **state)
{
    turning_deinit(*state);
    free(*state);
    return 0;
}

static inline uint64_t counted(const struct turning *t, enum counter c)
{
    return atomic_load(&t->stats.counters[c]);
}

/* Turns until it is so. */
#define turn_until(l, condition)                             \
    do {                                                     \
        uint64_t give_up_us = loop_now_us(l) + PATIENCE_US;  \
                                                             \
        while (!(condition)) {                               \
            if (loop_now_us(l) > give_up_us)                 \
                fail_msg("it never came to %s", #condition); \
            loop_turn(l, 20);                                \
        }                                                    \
    } while (0)

/* The descriptor of the loop made last. */
static inline int youngest_ring(void)
{
    for (int fd = 1000; fd >= 0; fd--) {
        char name[32], target[64] = "";

        (void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
        if (readlink(name, target, sizeof(target) - 1) > 0 && strstr(target, "[io_uring]"))
            return fd;
    }
    fail_msg("no ring among the descriptors");
    return -1;
}

/* From now on the descriptor is no ring: it takes no messages. Returns what put_back_ring() wants.
 */
static inline int lose_ring(int fd)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC), kept = fcntl(fd, F_DUPFD_CLOEXEC, 0);

    assert_true(kept >= 0);
    assert_int_equal(dup2(null, fd), fd);
    close(null);
    return kept;
}

static inline void lose_youngest_ring(void)
{
    close(lose_ring(youngest_ring()));
}

static inline void put_back_ring(int fd, int kept)
{
    assert_int_equal(dup2(kept, fd), fd);
    close(kept);
}

/* True when fn ends the process by an assertion; it runs in a child, whose words are dropped. */
static inline bool aborts(void (*fn)(void))
{
    pid_t child = fork();
    int status = 0;

    assert_true(child >= 0);
    if (child == 0) {
        int null = open("/dev/null", O_WRONLY);

        (void)dup2(null, STDERR_FILENO);
        (void)signal(SIGABRT, SIG_DFL);
        fn();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

#endif
