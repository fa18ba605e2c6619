/* Tests of server/signals: each signal as a fact, with signals that the process sends itself. */
#include "server/signals.h"

#include <pthread.h>
#include <sys/resource.h>

#include "loop_fixture.h"

struct world {
    struct turning turning;
    struct signals signals;
    struct task task;
    unsigned run_count;
    sigset_t mask_before;
};

static void run(struct task *t)
{
    container_of(t, struct world, task)->run_count++;
}

static void begin(struct world *w)
{
    *w = (struct world){.signals.fd = -1};
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &w->mask_before), 0);
    turning_init(&w->turning);
    task_init(&w->task, run);
    assert_int_equal(signals_init(&w->signals, w->turning.loop, &w->task), 0);
}

static void end(struct world *w)
{
    signals_deinit(&w->signals);
    turning_deinit(&w->turning);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &w->mask_before, NULL), 0);
    assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
}

static void send_and_wait(struct world *w, int number)
{
    unsigned before = w->run_count;

    assert_int_equal(kill(getpid(), number), 0);
    turn_until(w->turning.loop, w->run_count > before);
}

static unsigned facts_of(const struct signals *s)
{
    return s->wants_stop | s->wants_quit << 1 | s->wants_reload << 2 | s->wants_reopen << 3;
}

static void each_signal_is_its_fact_and_no_other(void **state)
{
    static const struct {
        int number;
        unsigned facts;
    } rows[] = {
        {SIGTERM, 1}, {SIGINT, 1}, {SIGQUIT, 2}, {SIGHUP, 4}, {SIGUSR1, 8},
    };
    struct world w;

    begin(&w);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct signals *s = &w.signals;

        send_and_wait(&w, rows[i].number);
        assert_int_equal(facts_of(s), rows[i].facts);
        assert_int_equal(s->last_number, rows[i].number);
        assert_int_equal(s->last_sender, getpid());
        s->wants_stop = s->wants_quit = s->wants_reload = s->wants_reopen = false;
    }
    end(&w);
}

static void signals_of_a_binary_upgrade_ask_for_nothing(void **state)
{
    struct world w;

    begin(&w);
    send_and_wait(&w, SIGUSR2);
    assert_int_equal(w.signals.last_number, SIGUSR2);
    send_and_wait(&w, SIGWINCH);
    assert_int_equal(w.signals.last_number, SIGWINCH);
    assert_int_equal(facts_of(&w.signals), 0);
    end(&w);
}

static void fact_stays_until_it_is_cleared(void **state)
{
    struct world w;

    begin(&w);
    send_and_wait(&w, SIGHUP);
    send_and_wait(&w, SIGUSR1);
    assert_int_equal(facts_of(&w.signals), 4 | 8);
    assert_int_equal(w.signals.last_number, SIGUSR1);
    end(&w);
}

static void signals_that_wait_together_are_all_read(void **state)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH};
    struct world w;

    begin(&w);
    static_assert(COUNT_OF(numbers) <= SIGNALS_PER_READ, "one read takes them");
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        assert_int_equal(kill(getpid(), numbers[i]), 0);
    turn_until(w.turning.loop, facts_of(&w.signals) == 15);
    end(&w);
}

static void signal_before_the_first_turn_is_read(void **state)
{
    struct world w;

    begin(&w);
    assert_int_equal(w.signals.last_number, 0);
    assert_int_equal(kill(getpid(), SIGHUP), 0);
    assert_false(w.signals.wants_reload);
    turn_until(w.turning.loop, w.run_count > 0);
    assert_true(w.signals.wants_reload);
    end(&w);
}

static void *mask_of_thread(void *mask)
{
    (void)pthread_sigmask(SIG_SETMASK, NULL, mask);
    return NULL;
}

static void threads_started_later_block_them(void **state)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH};
    struct world w;
    pthread_t thread;
    sigset_t mask;

    begin(&w);
    assert_int_equal(pthread_create(&thread, NULL, mask_of_thread, &mask), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        assert_true(sigismember(&mask, numbers[i]));
    assert_false(sigismember(&mask, SIGSEGV));
    assert_false(sigismember(&mask, SIGCHLD));
    end(&w);
}

static void broken_pipe_is_an_error_and_no_death(void **state)
{
    struct world w;
    int ends[2];

    begin(&w);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(write(ends[1], "", 1), -1);
    assert_int_equal(errno, EPIPE);
    assert_int_equal(close(ends[1]), 0);
    end(&w);
}

static void without_descriptors_the_error_is_returned(void **state)
{
    struct rlimit old, none;
    struct world w;
    int rc;

    begin(&w);
    signals_deinit(&w.signals);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    rc = signals_init(&w.signals, w.turning.loop, &w.task);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(rc, -EMFILE);
    assert_int_equal(w.signals.fd, -1);
    assert_false(w.signals.read_op.is_in_flight);
    end(&w);
}

static void deinit_takes_the_read_back(void **state)
{
    struct world w;
    int fd;

    begin(&w);
    loop_turn(w.turning.loop, 0);
    assert_true(w.signals.read_op.is_in_flight);
    fd = w.signals.fd;
    signals_deinit(&w.signals);
    assert_false(w.signals.read_op.is_in_flight);
    assert_int_equal(w.signals.fd, -1);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_int_equal(w.run_count, 0);
    end(&w); /* again, which is nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_signal_is_its_fact_and_no_other),
        cmocka_unit_test(signals_of_a_binary_upgrade_ask_for_nothing),
        cmocka_unit_test(fact_stays_until_it_is_cleared),
        cmocka_unit_test(signals_that_wait_together_are_all_read),
        cmocka_unit_test(signal_before_the_first_turn_is_read),
        cmocka_unit_test(threads_started_later_block_them),
        cmocka_unit_test(broken_pipe_is_an_error_and_no_death),
        cmocka_unit_test(without_descriptors_the_error_is_returned),
        cmocka_unit_test(deinit_takes_the_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
