/* buffers - what receiving relies on: rings of buffers, src/io/loop_setup.c. */
#include "ring.h"

#define COUNT 2
#define BYTES 64
#define GROUP 3

struct site {
    struct io_uring ring;
    struct io_uring_buf_ring *buffers;
    char memory[COUNT][BYTES];
    int ours, peers;
};

static void give(struct site *s, unsigned id)
{
    io_uring_buf_ring_add(s->buffers, s->memory[id], BYTES, (unsigned short)id,
                          io_uring_buf_ring_mask(COUNT), 0);
    io_uring_buf_ring_advance(s->buffers, 1);
}

static int set_up(void **state)
{
    struct site *s = calloc(1, sizeof(*s));
    int fds[2], error;

    assert_non_null(s);
    ring_init(&s->ring);
    s->buffers = io_uring_setup_buf_ring(&s->ring, COUNT, GROUP, 0, &error);
    assert_non_null(s->buffers);
    for (unsigned id = 0; id < COUNT; id++)
        give(s, id);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    s->ours = fds[0];
    s->peers = fds[1];
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct site *s = *state;

    assert_int_equal(io_uring_free_buf_ring(&s->ring, s->buffers, COUNT, GROUP), 0);
    io_uring_queue_exit(&s->ring);
    close(s->ours);
    close(s->peers);
    free(s);
    return 0;
}

static void start_receive(struct site *s, uint64_t tag)
{
    struct io_uring_sqe *sqe = ring_entry(&s->ring, tag);

    io_uring_prep_recv(sqe, s->ours, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = GROUP;
    assert_int_equal(io_uring_submit(&s->ring), 1);
}

static struct ended receive(struct site *s, const char *text)
{
    assert_int_equal(write(s->peers, text, strlen(text)), strlen(text));
    start_receive(s, 1);
    return ring_next(&s->ring);
}

/* A receive without an address and a size takes a buffer as a whole. */
static void a_receive_fills_the_buffer_that_it_names(void **state)
{
    struct site *s = *state;
    struct ended cqe = receive(s, "hello");

    assert_int_equal(cqe.res, 5);
    assert_true(cqe.flags & IORING_CQE_F_BUFFER);
    assert_memory_equal(s->memory[cqe.flags >> IORING_CQE_BUFFER_SHIFT], "hello", 5);
}

static void a_receive_takes_no_more_than_a_buffer(void **state)
{
    struct site *s = *state;
    char text[BYTES + 6 + 1];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(receive(s, text).res, BYTES);
    start_receive(s, 2);
    assert_int_equal(ring_next(&s->ring).res, 6);
}

/* Buffers are taken when data comes, not when the receive is armed: few serve many connections. */
static void a_receive_that_waits_holds_no_buffer(void **state)
{
    struct site *s = *state;
    int more[COUNT + 1][2];

    for (size_t i = 0; i <= COUNT; i++) {
        struct io_uring_sqe *sqe = ring_entry(&s->ring, 10 + i);

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, more[i]), 0);
        io_uring_prep_recv(sqe, more[i][0], NULL, 0, 0);
        sqe->flags |= IOSQE_BUFFER_SELECT;
        sqe->buf_group = GROUP;
        assert_int_equal(io_uring_submit(&s->ring), 1);
    }
    assert_int_equal(receive(s, "still").res, 5);
    assert_int_equal(receive(s, "there").res, 5);
    for (size_t i = 0; i <= COUNT; i++) {
        assert_int_equal(shutdown(more[i][0], SHUT_RDWR), 0);
        (void)ring_next(&s->ring);
        close(more[i][0]);
        close(more[i][1]);
    }
}

static void without_buffers_a_receive_ends_with_enobufs(void **state)
{
    struct site *s = *state;
    struct ended cqe;

    for (int i = 0; i < COUNT; i++)
        assert_int_equal(receive(s, "used").res, 4);
    cqe = receive(s, "late");
    assert_int_equal(cqe.res, -ENOBUFS);
    assert_false(cqe.flags & IORING_CQE_F_BUFFER);
    give(s, 1);
    start_receive(s, 2); /* the data waited in the socket */
    assert_int_equal(ring_next(&s->ring).res, 4);
    assert_memory_equal(s->memory[1], "late", 4);
}

static void a_buffer_comes_back_from_a_stream_that_ends(void **state)
{
    struct site *s = *state;

    assert_int_equal(shutdown(s->peers, SHUT_WR), 0);
    for (int i = 0; i < COUNT * 4; i++) {
        start_receive(s, 1);
        assert_int_equal(ring_next(&s->ring).res, 0);
    }
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(a_receive_fills_the_buffer_that_it_names),
        CLAIM(a_receive_takes_no_more_than_a_buffer),
        CLAIM(a_receive_that_waits_holds_no_buffer),
        CLAIM(without_buffers_a_receive_ends_with_enobufs),
        CLAIM(a_buffer_comes_back_from_a_stream_that_ends),
    };

    return cmocka_run_group_tests_name("kernel_buffers", tests, NULL, NULL);
}
