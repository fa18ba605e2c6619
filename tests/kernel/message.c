/* message - what messages between threads rely on: loop_post() in src/io/loop.c. */
#include "ring.h"

#include <fcntl.h>

enum { SENT = 1, ARRIVED = 77 };

static void post(struct io_uring *from, int to)
{
    struct io_uring_sqe *sqe = ring_entry(from, SENT);

    io_uring_prep_msg_ring(sqe, to, 0, ARRIVED, 0);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    assert_int_equal(io_uring_submit(from), 1);
}

/* Success is told to the receiver alone: the sender may have forgotten the message by then. */
static void a_message_that_arrives_completes_only_there(void **state)
{
    struct io_uring a, b;

    ring_init(&a);
    ring_init(&b);
    post(&a, b.ring_fd);
    assert_int_equal(ring_next(&b).user_data, ARRIVED);
    assert_nothing_completes(&a);
    io_uring_queue_exit(&a);
    io_uring_queue_exit(&b);
}

static void a_message_to_no_ring_fails_at_the_sender(void **state)
{
    struct io_uring a;
    struct ended cqe;
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    ring_init(&a);
    post(&a, null);
    cqe = ring_next(&a);
    assert_int_equal(cqe.user_data, SENT);
    assert_true(cqe.res < 0);
    close(null);
    io_uring_queue_exit(&a);
}

/* More than the receiver's completion queue holds. */
static void a_full_receiver_loses_no_message(void **state)
{
    enum { COUNT = 300 };
    struct io_uring a, b;

    ring_init(&a);
    ring_init(&b);
    for (int i = 0; i < COUNT; i++)
        post(&a, b.ring_fd);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(ring_next(&b).user_data, ARRIVED);
    assert_nothing_completes(&a);
    io_uring_queue_exit(&a);
    io_uring_queue_exit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_that_arrives_completes_only_there),
        cmocka_unit_test(a_message_to_no_ring_fails_at_the_sender),
        cmocka_unit_test(a_full_receiver_loses_no_message),
    };

    return cmocka_run_group_tests_name("kernel_message", tests, NULL, NULL);
}
