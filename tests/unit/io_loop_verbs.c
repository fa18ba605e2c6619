/* Tests of io/loop: its other verbs, over a real ring. */
#include "../op_fixture.h"

#include <netinet/in.h>

/* --- cancelling ------------------------------------------------------------------------------- */

static void a_cancelled_receive_completes(void **state)
{
    struct turning *t = *state;
    struct recorded r;
    int fds[2];

    make_pair(fds);
    recorded_init(&r, t);
    loop_recv(t->loop, &r.op, fds[0], false);
    loop_turn(t->loop, 0);
    loop_cancel(t->loop, &r.op);
    assert_true(r.op.is_in_flight);
    turn_until(t->loop, r.count);
    assert_int_equal(r.result, -ECANCELED);
    close_pair(fds);
}

/* Whether the data or the cancel comes first is the kernel's choice: there is one completion. */
static void data_that_meets_a_cancel_completes_once(void **state)
{
    struct turning *t = *state;
    struct recorded r;
    int fds[2];

    make_pair(fds);
    recorded_init(&r, t);
    loop_recv(t->loop, &r.op, fds[0], false);
    loop_turn(t->loop, 0);
    assert_int_equal(write(fds[1], "late", 4), 4);
    loop_cancel(t->loop, &r.op);
    turn_until(t->loop, r.count);
    assert_true(r.result == 4 || r.result == -ECANCELED);
    loop_cancel(t->loop, &r.op); /* of what is no more */
    loop_turn(t->loop, 0);
    loop_turn(t->loop, 0);
    assert_int_equal(r.count, 1);
    assert_false(r.op.is_in_flight);
    close_pair(fds);
}

/* --- other verbs ------------------------------------------------------------------------------ */

static void shutdown_ends_a_receive_and_close_closes(void **state)
{
    struct turning *t = *state;
    struct recorded receive, shut, closed;
    int fds[2];

    make_pair(fds);
    recorded_init(&receive, t);
    recorded_init(&shut, t);
    recorded_init(&closed, t);
    loop_recv(t->loop, &receive.op, fds[0], false);
    loop_turn(t->loop, 0);
    loop_shutdown(t->loop, &shut.op, fds[0], SHUT_RDWR);
    turn_until(t->loop, shut.count && receive.count);
    assert_int_equal(shut.result, 0);
    assert_int_equal(receive.result, 0);
    loop_close(t->loop, &closed.op, fds[0]);
    turn_until(t->loop, closed.count);
    assert_int_equal(closed.result, 0);
    assert_int_equal(fcntl(fds[0], F_GETFD), -1);
    close(fds[1]);
}

static void files_are_read_at_an_offset_and_appended_to(void **state)
{
    struct turning *t = *state;
    struct recorded r;
    char text[8] = "";
    int fd = open("/tmp", O_TMPFILE | O_RDWR | O_APPEND, 0600);

    assert_true(fd >= 0);
    recorded_init(&r, t);
    loop_write(t->loop, &r.op, fd, SPAN("hello "));
    turn_until(t->loop, r.count == 1);
    assert_int_equal(r.result, 6);
    loop_write(t->loop, &r.op, fd, SPAN("world"));
    turn_until(t->loop, r.count == 2);
    loop_read(t->loop, &r.op, fd, (struct iovec){text, 5}, 6);
    turn_until(t->loop, r.count == 3);
    assert_int_equal(r.result, 5);
    assert_string_equal(text, "world");
    close(fd);
}

static void files_are_written_at_an_offset(void **state)
{
    struct turning *t = *state;
    struct recorded r;
    char text[6] = "";
    int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);

    assert_true(fd >= 0);
    recorded_init(&r, t);
    loop_write_at(t->loop, &r.op, fd, SPAN("world"), 6);
    turn_until(t->loop, r.count == 1);
    assert_int_equal(r.result, 5);
    assert_int_equal(pread(fd, text, 5, 6), 5);
    assert_string_equal(text, "world");
    close(fd);
}

static void sends_to_one_who_left_are_errors_and_no_signal(void **state)
{
    struct turning *t = *state;
    struct iovec vector = {.iov_base = (char[]){"x"}, .iov_len = 1};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    struct recorded r;
    int fds[2];

    make_pair(fds);
    close(fds[1]);
    recorded_init(&r, t);
    loop_send(t->loop, &r.op, fds[0], SPAN("x"));
    turn_until(t->loop, r.count == 1);
    assert_int_equal(r.result, -EPIPE);
    loop_sendmsg(t->loop, &r.op, fds[0], &message);
    turn_until(t->loop, r.count == 2);
    assert_int_equal(r.result, -EPIPE);
    close(fds[0]);
}

static int listen_on_loopback(struct address *a)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(address_parse_ip(SPAN("127.0.0.1"), 0, a), 0);
    assert_int_equal(bind(fd, &a->u.any, a->len), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, &a->u.any, &a->len), 0);
    return fd;
}

static void one_accept_takes_many_connections(void **state)
{
    struct turning *t = *state;
    struct recorded accepted, connected[3];
    struct address a;
    int fds[3], listener = listen_on_loopback(&a);

    recorded_init(&accepted, t);
    loop_accept(t->loop, &accepted.op, listener);
    for (unsigned i = 0; i < COUNT_OF(fds); i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        recorded_init(&connected[i], t);
        loop_connect(t->loop, &connected[i].op, fds[i], &a);
        turn_until(t->loop, connected[i].count && accepted.count == i + 1);
        assert_int_equal(connected[i].result, 0);
        assert_true(accepted.result >= 0);
        assert_false(accepted.was_last);
        assert_true(accepted.op.is_in_flight);
        close(accepted.result);
        close(fds[i]);
    }
    loop_cancel(t->loop, &accepted.op);
    turn_until(t->loop, !accepted.op.is_in_flight);
    close(listener);
}

static void a_refused_connect_says_so(void **state)
{
    struct turning *t = *state;
    struct recorded r;
    struct address a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    close(listen_on_loopback(&a));
    recorded_init(&r, t);
    loop_connect(t->loop, &r.op, fd, &a);
    turn_until(t->loop, r.count);
    assert_int_equal(r.result, -ECONNREFUSED);
    close(fd);
}

/* More than the submission queue holds, and more than the completion queue does. */
static void a_full_submission_queue_is_submitted(void **state)
{
    struct turning *t = *state;
    enum { COUNT = 64 * 5 };
    static struct recorded r[COUNT];
    static char text[COUNT][2];
    unsigned sum = 0;
    int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

    for (size_t i = 0; i < COUNT; i++) {
        recorded_init(&r[i], t);
        text[i][0] = 'x';
        loop_read(t->loop, &r[i].op, fd, (struct iovec){text[i], 1}, 0);
    }
    for (int turn = 0; turn < 100 && sum < COUNT; turn++) {
        loop_turn(t->loop, 100);
        sum = 0;
        for (size_t i = 0; i < COUNT; i++)
            sum += r[i].count;
    }
    assert_int_equal(sum, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(r[i].count, 1);
        assert_int_equal(r[i].result, 1);
        assert_int_equal(text[i][0], 0);
    }
    close(fd);
}

/* --- assertions ------------------------------------------------------------------------------- */

static void start_twice(void)
{
    struct turning t;
    struct recorded r;
    int fds[2];

    turning_init(&t);
    make_pair(fds);
    recorded_init(&r, &t);
    loop_recv(t.loop, &r.op, fds[0], false);
    loop_send(t.loop, &r.op, fds[0], SPAN("x"));
}

static void assert_idle_while_in_flight(void)
{
    struct recorded r;

    recorded_init(&r, NULL);
    r.op.is_in_flight = true;
    op_assert_idle(&r.op);
}

static void an_operation_is_never_started_twice(void **state)
{
    assert_true(aborts(start_twice));
    assert_true(aborts(assert_idle_while_in_flight));
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, turning_set_up, turning_tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(a_cancelled_receive_completes),
        CLAIM(data_that_meets_a_cancel_completes_once),
        CLAIM(shutdown_ends_a_receive_and_close_closes),
        CLAIM(files_are_read_at_an_offset_and_appended_to),
        CLAIM(files_are_written_at_an_offset),
        CLAIM(sends_to_one_who_left_are_errors_and_no_signal),
        CLAIM(one_accept_takes_many_connections),
        CLAIM(a_refused_connect_says_so),
        CLAIM(a_full_submission_queue_is_submitted),
        cmocka_unit_test(an_operation_is_never_started_twice),
    };

    return cmocka_run_group_tests_name("io_loop_verbs", tests, NULL, NULL);
}
