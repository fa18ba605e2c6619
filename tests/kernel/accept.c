/* accept - what accepting relies on: src/server/listener.c. */
#include "ring.h"

#include <netinet/in.h>
#include <sys/resource.h>

enum { ACCEPT = 1, OTHER = 2 };

struct site {
    struct io_uring ring;
    struct sockaddr_in address;
    int listener;
};

static int set_up(void **state)
{
    struct site *s = calloc(1, sizeof(*s));
    socklen_t len = sizeof(s->address);

    assert_non_null(s);
    ring_init(&s->ring);
    s->address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&s->address, len), 0);
    assert_int_equal(listen(s->listener, 16), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&s->address, &len), 0);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct site *s = *state;

    io_uring_queue_exit(&s->ring);
    close(s->listener);
    free(s);
    return 0;
}

static void start_accept(struct site *s)
{
    io_uring_prep_multishot_accept(ring_entry(&s->ring, ACCEPT), s->listener, NULL, NULL,
                                   SOCK_CLOEXEC);
    assert_int_equal(io_uring_submit(&s->ring), 1);
}

static int call(const struct site *s)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (const struct sockaddr *)&s->address, sizeof(s->address)), 0);
    return fd;
}

static void one_accept_goes_on_until_it_is_cancelled(void **state)
{
    struct site *s = *state;
    struct ended cqe;

    start_accept(s);
    for (int i = 0; i < 3; i++) {
        int fd = call(s);

        cqe = ring_next(&s->ring);
        assert_true(cqe.res >= 0);
        assert_true(cqe.flags & IORING_CQE_F_MORE);
        close(cqe.res);
        close(fd);
    }
    io_uring_prep_cancel64(ring_entry(&s->ring, OTHER), ACCEPT, 0);
    do {
        cqe = ring_next(&s->ring);
    } while (cqe.user_data != ACCEPT);
    assert_int_equal(cqe.res, -ECANCELED);
    assert_false(cqe.flags & IORING_CQE_F_MORE);
}

/* So accepting again at once would spin: the listener waits. The connection is not lost. */
static void without_descriptors_it_ends_and_the_connection_waits(void **state)
{
    struct site *s = *state;
    int fd = call(s);
    struct rlimit before, none;
    struct ended cqe;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = 1, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    start_accept(s);
    cqe = ring_next(&s->ring);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(cqe.res, -EMFILE);
    assert_false(cqe.flags & IORING_CQE_F_MORE);
    start_accept(s);
    cqe = ring_next(&s->ring);
    assert_true(cqe.res >= 0);
    close(cqe.res);
    close(fd);
}

/* A cancelled accept may have taken a connection before: it must be looked at, or it leaks. */
static void a_cancelled_accept_may_still_deliver_a_connection(void **state)
{
    struct site *s = *state;
    struct ended cqe;
    int fd;

    start_accept(s);
    fd = call(s);
    io_uring_prep_cancel64(ring_entry(&s->ring, OTHER), ACCEPT, 0);
    do {
        cqe = ring_next(&s->ring);
        if (cqe.user_data == ACCEPT && cqe.res >= 0)
            close(cqe.res);
    } while (cqe.user_data != ACCEPT || cqe.flags & IORING_CQE_F_MORE);
    close(fd);
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(one_accept_goes_on_until_it_is_cancelled),
        CLAIM(without_descriptors_it_ends_and_the_connection_waits),
        CLAIM(a_cancelled_accept_may_still_deliver_a_connection),
    };

    return cmocka_run_group_tests_name("kernel_accept", tests, NULL, NULL);
}
