/* counted_wait - io_uring's wait as callgrind can bear it.
 *
 * valgrind runs one thread at a time and does not let another one in while one waits in
 * io_uring_enter(2): ringway's threads would wait for each other for ever. ringway-counted, which
 * bench/profile runs under callgrind, is ringway with its wait wrapped (the linker's --wrap): it
 * asks for what is there, and waits for more in poll(2), which valgrind knows to wait in. */
#include <liburing.h>
#include <poll.h>

#define WAIT_MS 2 /* a message of another ring may wake nobody: never wait long */

int __real_io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe,
                                            unsigned count, struct __kernel_timespec *timeout,
                                            sigset_t *mask);
int __wrap_io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe,
                                            unsigned count, struct __kernel_timespec *timeout,
                                            sigset_t *mask);

int __wrap_io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe,
                                            unsigned count, struct __kernel_timespec *timeout,
                                            sigset_t *mask)
{
    struct pollfd ready = {.fd = ring->ring_fd, .events = POLLIN};

    (void)cqe;
    (void)count;
    (void)timeout;
    (void)mask;
    (void)io_uring_submit_and_get_events(ring);
    if (io_uring_cq_ready(ring))
        return 0;
    (void)poll(&ready, 1, WAIT_MS);
    return io_uring_submit_and_get_events(ring);
}
