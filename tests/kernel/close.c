/* close - what closing relies on: src/io/conn.c. */
#include "ring.h"

#include <netinet/in.h>

enum { RECV = 1, OTHER = 2 };

struct site {
    struct io_uring ring;
    int ours, peers;
    char bytes[64];
};

static int set_up(void **state)
{
    struct site *s = calloc(1, sizeof(*s));
    int fds[2];

    assert_non_null(s);
    ring_init(&s->ring);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    s->ours = fds[0];
    s->peers = fds[1];
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct site *s = *state;

    io_uring_queue_exit(&s->ring);
    if (s->ours >= 0)
        close(s->ours);
    close(s->peers);
    free(s);
    return 0;
}

static void start_receive(struct site *s)
{
    io_uring_prep_recv(ring_entry(&s->ring, RECV), s->ours, s->bytes, sizeof(s->bytes), 0);
    assert_int_equal(io_uring_submit(&s->ring), 1);
}

/* The receive holds a reference to the file: so we shut down, or cancel, before we close. */
static void close_alone_leaves_a_pending_receive_pending(void **state)
{
    struct site *s = *state;

    start_receive(s);
    assert_int_equal(close(s->ours), 0);
    s->ours = -1;
    assert_nothing_completes(&s->ring);
    assert_int_equal(write(s->peers, "still", 5), 5); /* and the peer sees no end */
    assert_int_equal(ring_next(&s->ring).res, 5);
}

static void shutdown_ends_a_pending_receive(void **state)
{
    struct site *s = *state;
    struct ended cqe;

    start_receive(s);
    assert_int_equal(shutdown(s->ours, SHUT_RDWR), 0);
    cqe = ring_next(&s->ring);
    assert_int_equal(cqe.user_data, RECV);
    assert_int_equal(cqe.res, 0);
}

/* Whichever comes first wins; in each case the receive completes once. */
static void a_receive_that_was_cancelled_may_still_deliver_data(void **state)
{
    struct site *s = *state;
    int result = 1, seen = 0;

    start_receive(s);
    assert_int_equal(write(s->peers, "data", 4), 4);
    io_uring_prep_cancel64(ring_entry(&s->ring, OTHER), RECV, 0);
    for (int i = 0; i < 2; i++) {
        struct ended cqe = ring_next(&s->ring);

        if (cqe.user_data == RECV) {
            result = cqe.res;
            seen++;
        }
    }
    assert_int_equal(seen, 1);
    assert_true(result == 4 || result == -ECANCELED);
    assert_nothing_completes(&s->ring);
}

static void a_cancel_of_what_is_not_there_does_no_harm(void **state)
{
    struct site *s = *state;
    struct ended cqe;

    io_uring_prep_cancel64(ring_entry(&s->ring, OTHER), RECV, 0);
    cqe = ring_next(&s->ring);
    assert_int_equal(cqe.user_data, OTHER);
    assert_int_equal(cqe.res, -ENOENT);
}

/* A connect to a host that does not answer: shutdown would not end it. */
static void a_pending_connect_can_be_cancelled(void **state)
{
    struct site *s = *state;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(a);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fds[4], result = 0;

    assert_int_equal(bind(listener, (struct sockaddr *)&a, len), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &len), 0);
    assert_int_equal(listen(listener, 0), 0);
    for (unsigned i = 0; i < 4; i++) { /* the last ones find the backlog full */
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        io_uring_prep_connect(ring_entry(&s->ring, 10 + i), fds[i], (struct sockaddr *)&a, len);
        assert_int_equal(io_uring_submit(&s->ring), 1);
    }
    io_uring_prep_cancel64(ring_entry(&s->ring, OTHER), 13, 0);
    while (result == 0) {
        struct ended cqe = ring_next(&s->ring);

        if (cqe.user_data == 13)
            result = cqe.res;
    }
    assert_int_equal(result, -ECANCELED);
    for (unsigned i = 0; i < 4; i++)
        close(fds[i]);
    close(listener);
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(close_alone_leaves_a_pending_receive_pending),
        CLAIM(shutdown_ends_a_pending_receive),
        CLAIM(a_receive_that_was_cancelled_may_still_deliver_data),
        CLAIM(a_cancel_of_what_is_not_there_does_no_harm),
        CLAIM(a_pending_connect_can_be_cancelled),
    };

    return cmocka_run_group_tests_name("kernel_close", tests, NULL, NULL);
}
