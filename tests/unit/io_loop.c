/* Tests of io/loop: the turn, and receiving, over a real ring. */
#include "../op_fixture.h"

#define SMALL_COUNT 4

static char order[32];

static void note(char mark)
{
    size_t len = strlen(order);

    assert_true(len + 1 < sizeof(order));
    order[len] = mark;
    order[len + 1] = '\0';
}

static int set_up(void **state)
{
    static const struct turning_sizes sizes = {64, SMALL_COUNT, 2, 1};
    struct turning *t = malloc(sizeof(*t));

    assert_non_null(t);
    turning_init_with(t, &sizes);
    order[0] = '\0';
    *state = t;
    return 0;
}

/* --- the turn --------------------------------------------------------------------------------- */

struct marked {
    struct task task;
    struct turning *t;
    char mark;
    void (*puts_again)(struct loop *l, struct task *t);
    struct task *cancels;
};

static void run_marked(struct task *task)
{
    struct marked *m = container_of(task, struct marked, task);

    note(m->mark);
    if (m->puts_again)
        m->puts_again(m->t->loop, task);
    if (m->cancels)
        task_cancel(m->cancels);
}

static void marked_init(struct marked *m, struct turning *t, char mark)
{
    *m = (struct marked){.t = t, .mark = mark};
    task_init(&m->task, run_marked);
}

static void on_alarm(struct timer *t)
{
    note('t');
}

static void note_harvest(struct recorded *r)
{
    note('h');
}

static void phases_come_in_order(void **state)
{
    struct turning *t = *state;
    struct marked run, flush;
    struct recorded received;
    struct timer timer;
    int fds[2];

    make_pair(fds);
    marked_init(&run, t, 'r');
    marked_init(&flush, t, 'f');
    timer_init(&timer, on_alarm);
    recorded_init(&received, t);
    received.also = note_harvest;
    received.wakes = &run.task;
    loop_flush_later(t->loop, &flush.task);
    loop_recv(t->loop, &received.op, fds[0], false);
    assert_int_equal(write(fds[1], "x", 1), 1);
    timer_set(loop_wheel(t->loop), &timer, 1); /* long past */
    usleep(2000);                              /* the wheel's next millisecond */
    loop_turn(t->loop, 1000);
    assert_string_equal(order, "htrf");
    close_pair(fds);
}

static void a_task_runs_once_per_turn(void **state)
{
    struct turning *t = *state;
    struct marked m;

    marked_init(&m, t, 'r');
    m.puts_again = loop_ready;
    loop_ready(t->loop, &m.task);
    loop_ready(t->loop, &m.task);
    loop_turn(t->loop, UINT64_MAX);
    assert_string_equal(order, "r");
    loop_turn(t->loop, UINT64_MAX);
    assert_string_equal(order, "rr");
    task_cancel(&m.task);
    loop_turn(t->loop, 0);
    assert_string_equal(order, "rr");
}

static void tasks_run_in_the_order_of_their_facts(void **state)
{
    struct turning *t = *state;
    struct marked m[5];

    for (size_t i = 0; i < COUNT_OF(m); i++) {
        marked_init(&m[i], t, (char)('0' + i));
        loop_ready(t->loop, &m[i].task);
    }
    m[1].cancels = &m[3].task;
    loop_turn(t->loop, 0);
    assert_string_equal(order, "0124");
}

/* What a phase leaves for itself or for one before it is work: the loop must not sleep over it. */
static void what_a_phase_puts_off_is_not_slept_over(void **state)
{
    static void (*const puts[])(struct loop *, struct task *) = {loop_ready, loop_flush_later};
    struct turning *t = *state;

    for (size_t i = 0; i < COUNT_OF(puts); i++) {
        uint64_t began_us = loop_now_us(t->loop);
        struct marked m;

        marked_init(&m, t, 'x');
        m.puts_again = puts[i];
        order[0] = '\0';
        puts[i](t->loop, &m.task);
        loop_turn(t->loop, 3000);
        loop_turn(t->loop, 3000);
        assert_string_equal(order, "xx");
        task_cancel(&m.task);
        assert_true(loop_now_us(t->loop) - began_us < 2900 * 1000);
    }
}

static void a_turn_waits_no_longer_than_the_next_timer(void **state)
{
    struct turning *t = *state;
    uint64_t began_ms = loop_now_us(t->loop) / 1000;
    struct timer timer;

    timer_init(&timer, on_alarm);
    timer_set(loop_wheel(t->loop), &timer, began_ms + 30);
    turn_until(t->loop, order[0]);
    assert_true(loop_now_ms(t->loop) >= began_ms + 30);
}

static void the_clock_stands_still_within_a_turn(void **state)
{
    struct turning *t = *state;
    uint64_t now_ms = loop_now_ms(t->loop);

    usleep(3000);
    assert_int_equal(loop_now_ms(t->loop), now_ms);
    loop_turn(t->loop, 0);
    assert_true(loop_now_ms(t->loop) > now_ms);
}

static void handshakes_are_bounded_per_turn(void **state)
{
    struct turning *t = *state;

    for (int turn = 0; turn < 2; turn++) {
        loop_turn(t->loop, 0);
        for (int i = 0; i < HANDSHAKES_PER_TURN; i++)
            assert_true(loop_takes_handshake(t->loop));
        assert_false(loop_takes_handshake(t->loop));
    }
}

static void stop(struct task *task)
{
    loop_stop(container_of(task, struct marked, task)->t->loop);
}

static void it_runs_until_it_is_stopped(void **state)
{
    struct turning *t = *state;
    struct marked m;

    marked_init(&m, t, 'x');
    task_init(&m.task, stop);
    for (uint64_t i = 1; i <= 2; i++) {
        loop_ready(t->loop, &m.task);
        loop_run(t->loop);
        assert_int_equal(counted(t, COUNTER_TURNS), i);
    }
}

/* --- receiving -------------------------------------------------------------------------------- */

static void receives_fill_buffers_of_their_kind(void **state)
{
    static char many[LARGE_BUFFER_BYTES + 1];
    struct turning *t = *state;
    struct recorded r;
    int fds[2];

    make_pair(fds);
    assert_int_equal(write(fds[1], many, sizeof(many)), sizeof(many));
    for (int is_bulk = 0; is_bulk < 2; is_bulk++) {
        size_t most = is_bulk ? LARGE_BUFFER_BYTES - SMALL_BUFFER_BYTES : SMALL_BUFFER_BYTES;

        recorded_init(&r, t);
        loop_recv(t->loop, &r.op, fds[0], is_bulk);
        turn_until(t->loop, r.count);
        assert_true(r.result > 0);
        assert_true((size_t)r.result >= most);
        assert_int_equal(r.data.len, r.result);
        assert_true(r.was_last);
    }
    close_pair(fds);
}

static void large_buffers_have_the_size_that_is_asked_for(void **state)
{
    static const struct turning_sizes sizes = {16, 2, 2, 1, .large_bytes = 8192};
    static char many[20000];
    struct recorded r;
    struct turning t;
    int fds[2];

    turning_init_with(&t, &sizes);
    assert_int_equal(loop_large_buffer_bytes(t.loop), 8192);
    make_pair(fds);
    assert_int_equal(write(fds[1], many, sizeof(many)), sizeof(many));
    recorded_init(&r, &t);
    loop_recv(t.loop, &r.op, fds[0], true);
    turn_until(t.loop, r.count);
    assert_int_equal(r.result, 8192);
    assert_int_equal(r.data.len, 8192);
    close_pair(fds);
    turning_deinit(&t);
    assert_int_equal(loop_large_buffer_bytes(((struct turning *)*state)->loop), LARGE_BUFFER_BYTES);
}

static void the_end_of_a_stream_brings_no_data(void **state)
{
    struct turning *t = *state;
    struct recorded r;
    int fds[2];

    make_pair(fds);
    recorded_init(&r, t);
    loop_recv(t->loop, &r.op, fds[0], false);
    assert_int_equal(shutdown(fds[1], SHUT_WR), 0);
    turn_until(t->loop, r.count);
    assert_int_equal(r.result, 0);
    assert_int_equal(r.data.len, 0);
    assert_false(r.op.is_in_flight);
    close_pair(fds);
}

#define RECEIVES (SMALL_COUNT + 3)

/* One byte waits on each socket, so all complete in one turn: the buffers do not suffice. */
static void without_buffers_a_receive_says_enobufs_and_comes_again(void **state)
{
    struct turning *t = *state;
    struct recorded r[RECEIVES];
    int fds[RECEIVES][2];
    unsigned filled = 0;

    for (size_t i = 0; i < RECEIVES; i++) {
        char byte = (char)('a' + i);

        make_pair(fds[i]);
        assert_int_equal(write(fds[i][1], &byte, 1), 1);
        recorded_init(&r[i], t);
        loop_recv(t->loop, &r[i].op, fds[i][0], false);
    }
    loop_turn(t->loop, 1000);
    for (size_t i = 0; i < RECEIVES; i++) {
        assert_int_equal(r[i].count, 1);
        assert_true(r[i].result == 1 || r[i].result == -ENOBUFS);
        filled += r[i].result == 1;
    }
    assert_int_equal(filled, SMALL_COUNT);
    for (size_t i = 0; i < RECEIVES; i++) {
        if (r[i].result == -ENOBUFS)
            loop_recv(t->loop, &r[i].op, fds[i][0], false);
    }
    loop_turn(t->loop, 1000);
    for (size_t i = 0; i < RECEIVES; i++) {
        assert_int_equal(r[i].result, 1);
        assert_int_equal(r[i].text[0], 'a' + (int)i);
        close_pair(fds[i]);
    }
}

static void buffers_go_round_for_ever(void **state)
{
    struct turning *t = *state;
    struct recorded r[SMALL_COUNT];
    int fds[2];

    for (size_t n = 0; n < 200; n++) {
        for (size_t i = 0; i < SMALL_COUNT; i++) {
            char byte = (char)(n + i);

            make_pair(fds);
            assert_int_equal(write(fds[1], &byte, 1), 1);
            recorded_init(&r[i], t);
            loop_recv(t->loop, &r[i].op, fds[0], false);
            turn_until(t->loop, r[i].count);
            assert_int_equal(r[i].result, 1);
            assert_int_equal(r[i].text[0], byte);
            close_pair(fds);
        }
    }
}

#define LENT_FIRST (BUFFER_BYTES_LENT_FIRST / SMALL_BUFFER_BYTES)

static size_t distinct(const char *const *places, size_t count)
{
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        size_t k = 0;

        while (places[k] != places[i])
            k++;
        n += k == i;
    }
    return n;
}

static void buffers_that_no_turn_needs_stay_untouched(void **state)
{
    enum { ROUNDS = 4 * LENT_FIRST };
    static const struct turning_sizes sizes = {64, 4 * LENT_FIRST, 1, 1};
    const char *places[ROUNDS];
    struct turning t;
    struct recorded r;
    int fds[2];

    (void)state;
    turning_init_with(&t, &sizes);
    for (size_t i = 0; i < ROUNDS; i++) {
        make_pair(fds);
        assert_int_equal(write(fds[1], "x", 1), 1);
        recorded_init(&r, &t);
        loop_recv(t.loop, &r.op, fds[0], false);
        turn_until(t.loop, r.count);
        assert_int_equal(r.result, 1);
        places[i] = r.data.data;
        close_pair(fds);
    }
    assert_int_equal(distinct(places, ROUNDS), LENT_FIRST);
    turning_deinit(&t);
}

#define LARGE_LENT_FIRST (BUFFER_BYTES_LENT_FIRST / LARGE_BUFFER_BYTES)

/* One turn of a receive on each, with a byte there to read. Returns how many got it. Those for
 * large buffers do not wait first, so that all complete in one turn, whatever a kernel wakes. */
static size_t receive_at_once(struct turning *t, struct recorded *r, int (*fds)[2], size_t count)
{
    size_t filled = 0;

    for (size_t i = 0; i < count; i++) {
        assert_int_equal(write(fds[i][1], "x", 1), 1);
        recorded_init(&r[i], t);
        loop_recv(t->loop, &r[i].op, fds[i][0], true);
    }
    loop_turn(t->loop, 1000);
    for (size_t i = 0; i < count; i++) {
        char byte;

        assert_int_equal(r[i].count, 1);
        filled += r[i].result == 1;
        if (r[i].result != 1)
            assert_int_equal(read(fds[i][0], &byte, 1), 1);
    }
    return filled;
}

static void buffers_double_when_a_turn_uses_nearly_all(void **state)
{
    enum { COUNT = 4 * LARGE_LENT_FIRST, NEARLY_ALL = LARGE_LENT_FIRST * 3 / 4 };
    static const struct turning_sizes sizes = {64, 1, COUNT, 1};
    struct recorded r[COUNT + 1];
    int fds[COUNT + 1][2];
    struct turning t;

    (void)state;
    turning_init_with(&t, &sizes);
    for (size_t i = 0; i <= COUNT; i++)
        make_pair(fds[i]);
    assert_int_equal(receive_at_once(&t, r, fds, NEARLY_ALL), NEARLY_ALL);
    assert_int_equal(receive_at_once(&t, r, fds, COUNT), LARGE_LENT_FIRST);
    assert_int_equal(receive_at_once(&t, r, fds, 2 * NEARLY_ALL + 1), 2 * NEARLY_ALL + 1);
    for (size_t n = 0; n < 3; n++)
        assert_int_equal(receive_at_once(&t, r, fds, COUNT + 1), COUNT);
    for (size_t i = 0; i <= COUNT; i++)
        close_pair(fds[i]);
    turning_deinit(&t);
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, set_up, turning_tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(phases_come_in_order),
        CLAIM(a_task_runs_once_per_turn),
        CLAIM(tasks_run_in_the_order_of_their_facts),
        CLAIM(what_a_phase_puts_off_is_not_slept_over),
        CLAIM(a_turn_waits_no_longer_than_the_next_timer),
        CLAIM(the_clock_stands_still_within_a_turn),
        CLAIM(handshakes_are_bounded_per_turn),
        CLAIM(it_runs_until_it_is_stopped),
        CLAIM(receives_fill_buffers_of_their_kind),
        CLAIM(large_buffers_have_the_size_that_is_asked_for),
        CLAIM(the_end_of_a_stream_brings_no_data),
        CLAIM(without_buffers_a_receive_says_enobufs_and_comes_again),
        CLAIM(buffers_go_round_for_ever),
        cmocka_unit_test(buffers_that_no_turn_needs_stay_untouched),
        cmocka_unit_test(buffers_double_when_a_turn_uses_nearly_all),
    };

    return cmocka_run_group_tests_name("io_loop", tests, NULL, NULL);
}
