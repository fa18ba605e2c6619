/* Tests of io/loop: sends without copies, from their first completion to their last. */
#include "../child.h"
#include "../conn_fixture.h"
#include "../op_fixture.h"
#include "../sandbox.h"

#define BYTES 60000
#define NARROW_BYTES 4096

static const struct turning_sizes sizes = {16, 2, 2, 1, .zerocopy_bytes = 1};

/* A connection over the loopback, whose peer takes little before it reads. */
static void make_tcp_pair(int fds[2])
{
    static const int narrow = NARROW_BYTES;
    struct address a;
    int listener = loopback_listen(&a);

    fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(setsockopt(fds[1], SOL_SOCKET, SO_RCVBUF, &narrow, sizeof(narrow)), 0);
    assert_int_equal(connect(fds[1], &a.u.any, a.len), 0);
    fds[0] = accept(listener, NULL, NULL);
    assert_true(fds[0] >= 0);
    close(listener);
}

/* What each completion said. */
struct sent {
    struct op op;
    unsigned count;
    int results[4];
    bool was_in_flight[4];
};

static void on_done_sending(struct op *op, const struct completion *c)
{
    struct sent *s = container_of(op, struct sent, op);

    assert_true(s->count < COUNT_OF(s->results));
    assert_int_equal(c->is_last, !op->is_in_flight);
    s->results[s->count] = c->result;
    s->was_in_flight[s->count++] = op->is_in_flight;
}

static void start_send(struct turning *t, struct sent *s, int fd, struct msghdr *message,
                       struct iovec *vector)
{
    *s = (struct sent){0};
    op_init(&s->op, on_done_sending);
    *message = (struct msghdr){.msg_iov = vector, .msg_iovlen = 1};
    loop_sendmsg_zerocopy(t->loop, &s->op, fd, message);
}

/* The peer has no room for all: the kernel has taken it, and must read it where it lies. */
static void a_send_is_in_flight_until_its_bytes_are_acknowledged(void **state)
{
    char *bytes = pattern(BYTES), *got = malloc(BYTES);
    struct iovec vector = {bytes, BYTES};
    struct msghdr message;
    struct turning t;
    struct sent s;
    int fds[2];

    turning_init_with(&t, &sizes);
    make_tcp_pair(fds);
    start_send(&t, &s, fds[0], &message, &vector);
    turn_until(t.loop, s.count);
    assert_int_equal(s.results[0], BYTES);
    assert_true(s.was_in_flight[0]);
    loop_turn(t.loop, 100);
    assert_int_equal(s.count, 1);
    assert_true(s.op.is_in_flight);
    assert_int_equal(recv(fds[1], got, BYTES, MSG_WAITALL), BYTES);
    assert_memory_equal(got, bytes, BYTES);
    turn_until(t.loop, s.count == 2);
    assert_int_equal(s.results[1], 0);
    assert_false(s.was_in_flight[1]);
    close_pair(fds);
    turning_deinit(&t);
    free(bytes);
    free(got);
}

static void a_reset_is_the_end_of_it(void **state)
{
    static const struct linger at_once = {.l_onoff = 1};
    char *bytes = pattern(BYTES);
    struct iovec vector = {bytes, BYTES};
    struct msghdr message;
    struct turning t;
    struct sent s;
    int fds[2];

    turning_init_with(&t, &sizes);
    make_tcp_pair(fds);
    start_send(&t, &s, fds[0], &message, &vector);
    turn_until(t.loop, s.count);
    assert_true(s.op.is_in_flight);
    assert_int_equal(setsockopt(fds[0], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    close_pair(fds);
    turn_until(t.loop, !s.op.is_in_flight);
    assert_int_equal(s.count, 2);
    turning_deinit(&t);
    free(bytes);
}

static void unix_sockets_have_none(void **state)
{
    struct iovec vector = {(char[]){"x"}, 1};
    struct msghdr message;
    struct turning t;
    struct sent s;
    int fds[2];

    turning_init_with(&t, &sizes);
    make_pair(fds);
    start_send(&t, &s, fds[0], &message, &vector);
    turn_until(t.loop, s.count && !s.op.is_in_flight);
    assert_int_equal(s.results[0], -EOPNOTSUPP);
    close_pair(fds);
    turning_deinit(&t);
}

static void it_is_off_where_nobody_asks_for_it(void **state)
{
    static const struct turning_sizes off = {16, 2, 2, 1},
                                      from_9k = {16, 2, 2, 1, .zerocopy_bytes = 9216};
    struct turning t;

    turning_init_with(&t, &off);
    assert_true(loop_zerocopy_bytes(t.loop) == SIZE_MAX);
    turning_deinit(&t);
    turning_init_with(&t, &from_9k);
    assert_int_equal(loop_zerocopy_bytes(t.loop), 9216);
    turning_deinit(&t);
}

static void make_a_loop_without_probes(void *arg)
{
    struct stats stats = {0};
    struct loop_options o = {.entries = 16, .zerocopy_bytes = 1, .stats = &stats};
    struct loop *l;
    char error[256];

    refuse_probes();
    EXPECT(loop_new(&o, &l, error, sizeof(error)) == 0);
    EXPECT(loop_zerocopy_bytes(l) == SIZE_MAX);
    loop_free(l);
}

static void it_is_off_where_the_kernel_does_not_offer_it(void **state)
{
    holds_in_child(make_a_loop_without_probes, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_send_is_in_flight_until_its_bytes_are_acknowledged),
        cmocka_unit_test(a_reset_is_the_end_of_it),
        cmocka_unit_test(unix_sockets_have_none),
        cmocka_unit_test(it_is_off_where_nobody_asks_for_it),
        cmocka_unit_test(it_is_off_where_the_kernel_does_not_offer_it),
    };

    return cmocka_run_group_tests_name("io_loop_zerocopy", tests, NULL, NULL);
}
