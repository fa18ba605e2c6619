/* Tests of messages between the loops of two threads: io/loop. */
#include "../loop_fixture.h"

#include <pthread.h>
#include <semaphore.h>

#define MESSAGES 2000 /* far more than both queues of either ring hold */

/* Goes to the other thread and comes back. */
struct letter {
    struct message message;
    struct turning *home;
    struct turning *away;
    unsigned number; /* plain memory: the post makes it seen */
    unsigned answer;
    bool is_back;
};

struct thread {
    pthread_t id;
    sem_t has_loop, may_turn;
    struct turning turning;
    unsigned delivered; /* this thread's */
    bool is_in_order;
};

static void never_undelivered(struct loop *l, struct message *m)
{
    abort();
}

static void come_back(struct loop *l, struct message *m)
{
    struct letter *letter = container_of(m, struct letter, message);

    assert_ptr_equal(l, letter->home->loop);
    letter->is_back = true;
}

static void arrive(struct loop *l, struct message *m)
{
    struct letter *letter = container_of(m, struct letter, message);
    struct thread *th = container_of(letter->away, struct thread, turning);

    assert(l == letter->away->loop);
    th->is_in_order = th->is_in_order && letter->number == th->delivered;
    th->delivered++;
    letter->answer = letter->number * 2;
    *m = (struct message){.deliver = come_back, .undelivered = never_undelivered};
    loop_post(l, letter->home->loop, m);
    if (th->delivered == MESSAGES)
        loop_stop(l);
}

static void *run_thread(void *arg)
{
    struct thread *th = arg;

    turning_init(&th->turning);
    (void)sem_post(&th->has_loop);
    (void)sem_wait(&th->may_turn);
    loop_run(th->turning.loop);
    loop_submit(th->turning.loop);
    return NULL;
}

static void start_thread(struct thread *th)
{
    *th = (struct thread){.is_in_order = true};
    (void)sem_init(&th->has_loop, 0, 0);
    (void)sem_init(&th->may_turn, 0, 0);
    assert_int_equal(pthread_create(&th->id, NULL, run_thread, th), 0);
    (void)sem_wait(&th->has_loop);
}

static void end_thread(struct thread *th)
{
    assert_int_equal(pthread_join(th->id, NULL), 0);
    turning_deinit(&th->turning);
    (void)sem_destroy(&th->has_loop);
    (void)sem_destroy(&th->may_turn);
}

static struct letter *letters_new(struct turning *home, struct turning *away)
{
    struct letter *letters = calloc(MESSAGES, sizeof(*letters));

    assert_non_null(letters);
    for (unsigned i = 0; i < MESSAGES; i++) {
        letters[i] = (struct letter){.home = home, .away = away, .number = i};
        letters[i].message = (struct message){.deliver = arrive, .undelivered = never_undelivered};
    }
    return letters;
}

static bool all_are_back(const struct letter *letters)
{
    for (unsigned i = 0; i < MESSAGES; i++) {
        if (!letters[i].is_back)
            return false;
    }
    return true;
}

/* is_slow: the receiver begins to turn when all have been sent. */
static void exchange_letters(bool is_slow)
{
    struct turning home;
    struct thread th;
    struct letter *letters;

    turning_init(&home);
    start_thread(&th);
    letters = letters_new(&home, &th.turning);
    if (!is_slow)
        (void)sem_post(&th.may_turn);
    for (unsigned i = 0; i < MESSAGES; i++) {
        loop_post(home.loop, th.turning.loop, &letters[i].message);
        if (i % 50 == 0)
            loop_turn(home.loop, 0);
    }
    loop_submit(home.loop);
    if (is_slow)
        (void)sem_post(&th.may_turn);
    turn_until(home.loop, all_are_back(letters));
    end_thread(&th);
    assert_true(th.is_in_order);
    for (unsigned i = 0; i < MESSAGES; i++)
        assert_int_equal(letters[i].answer, i * 2);
    free(letters);
    turning_deinit(&home);
}

static void messages_arrive_in_order_with_what_was_written_before(void **state)
{
    exchange_letters(false);
}

static void a_slow_receiver_loses_none(void **state)
{
    exchange_letters(true);
}

/* --- ending ----------------------------------------------------------------------------------- */

/* Joins the other thread and frees its loop, from a turn of ours; stops in the turn behind. */
struct ending {
    struct task task;
    struct turning home;
    struct thread other;
    bool has_ended;
};

static void stop_other(struct loop *l, struct message *m)
{
    (void)m;
    loop_stop(l);
}

static void end_other(struct task *task)
{
    struct ending *e = container_of(task, struct ending, task);

    if (e->has_ended) {
        loop_stop(e->home.loop);
        return;
    }
    end_thread(&e->other);
    e->has_ended = true;
    loop_ready(e->home.loop, &e->task);
}

static void a_loop_runs_on_when_it_frees_that_of_a_thread_that_ended(void **state)
{
    struct message m = {.deliver = stop_other, .undelivered = never_undelivered};
    struct ending e = {0};

    turning_init(&e.home);
    start_thread(&e.other);
    (void)sem_post(&e.other.may_turn);
    loop_post(e.home.loop, e.other.turning.loop, &m);
    loop_submit(e.home.loop);
    task_init(&e.task, end_other);
    loop_ready(e.home.loop, &e.task);
    loop_run(e.home.loop);
    assert_true(e.has_ended);
    turning_deinit(&e.home);
}

/* --- undelivered ------------------------------------------------------------------------------ */

static void never_delivered(struct loop *l, struct message *m)
{
    abort();
}

static void note_undelivered(struct loop *l, struct message *m)
{
    struct letter *letter = container_of(m, struct letter, message);

    assert_ptr_equal(l, letter->home->loop);
    letter->is_back = true;
}

static void what_no_ring_takes_comes_back_as_undelivered(void **state)
{
    static const struct turning_sizes no_buffers = {8, 0, 0, 1};
    struct turning home, away;
    struct letter letter;

    turning_init(&home);
    turning_init_with(&away, &no_buffers);
    lose_youngest_ring();
    letter = (struct letter){.home = &home};
    letter.message = (struct message){.deliver = never_delivered, .undelivered = note_undelivered};
    loop_post(home.loop, away.loop, &letter.message);
    turn_until(home.loop, letter.is_back);
    assert_false(letter.message.sent.is_in_flight);
    turning_deinit(&away);
    turning_deinit(&home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_arrive_in_order_with_what_was_written_before),
        cmocka_unit_test(a_slow_receiver_loses_none),
        cmocka_unit_test(a_loop_runs_on_when_it_frees_that_of_a_thread_that_ended),
        cmocka_unit_test(what_no_ring_takes_comes_back_as_undelivered),
    };

    return cmocka_run_group_tests_name("io_loop_message", tests, NULL, NULL);
}
