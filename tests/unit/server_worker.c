/* Tests of server/worker: its thread starts, serves, drains and ends. */
#include "../scarce_memory.h"
#include "../worker_fixture.h"

#include <dirent.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* The threads of this process whose name begins so; one of them. */
static unsigned count_threads(const char *name, pid_t *one)
{
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *entry;
    unsigned count = 0;

    assert_non_null(tasks);
    while ((entry = readdir(tasks)) != NULL) {
        char path[300], text[32] = "";
        FILE *file;

        snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
        file = fopen(path, "r");
        if (!file)
            continue; /* a folder above, or it has ended meanwhile */
        if (fgets(text, sizeof(text), file) && strncmp(text, name, strlen(name)) == 0) {
            *one = (pid_t)atoi(entry->d_name);
            count++;
        }
        fclose(file);
    }
    closedir(tasks);
    return count;
}

/* --- starting ------------------------------------------------------------------------------- */

/* What it says of a swap tells that it had turns enough. */
static void nothing_is_accepted_before_it_may_go(void **state)
{
    struct site *s = *state;
    struct worker_assignment a = assign(SERVE("one"), shared_listener(s));
    struct worker_assignment next = assign(SERVE("two"), a.listen_fds[0]);
    char error[256];
    int fd;

    assert_int_equal(site_start(s, a, error), 0);
    fd = call(s);
    peer_write(fd, GET);
    swap(s, &next);
    assert_string_equal(s->swap_error, "");
    assert_true(is_silent(fd));
    worker_go(s->workers[0]);
    read_body(s, fd, "<two>");
    close(fd);
}

/* No descriptor is left for its ring. */
static int start_without_descriptors(struct site *s, struct worker_assignment a, char error[256])
{
    struct rlimit before, none;
    int rc;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = 3, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    rc = site_start(s, a, error);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    return rc;
}

static void a_start_that_fails_says_why_and_gives_all_back(void **state)
{
    struct site *s = *state;
    struct worker_assignment a = assign(SERVE("one"), shared_listener(s));
    struct snapshot *snapshot = snapshot_ref(a.snapshot);
    char error[256] = "";
    int fd = a.listen_fds[0];

    assert_int_equal(start_without_descriptors(s, a, error), -EMFILE);
    assert_non_null(strstr(error, "worker_rlimit_nofile"));
    assert_null(strchr(error, '\n'));
    assert_int_equal(snapshot->ref_count, 1);
    snapshot_unref(snapshot);
    assert_false(is_open(fd));
}

static void one_that_cannot_start_leaves_its_siblings_alone(void **state)
{
    struct site *s = *state;
    char error[256];

    started(s, SERVE("one"));
    assert_int_equal(start_without_descriptors(s, assign(SERVE("one"), shared_listener(s)), error),
                     -EMFILE);
    worker_go(s->workers[0]);
    ask_once(s, "<one>");
}

/* Whichever piece it is that is not there. */
static void a_start_without_memory_says_so_and_gives_all_back(void **state)
{
    struct site *s = *state;
    bool is_short = true;
    unsigned left;

    for (left = 0; is_short; left++) {
        struct worker_assignment a = assign(SERVE("one"), shared_listener(s));
        struct snapshot *snapshot = snapshot_ref(a.snapshot);
        char error[256] = "";
        int fd = a.listen_fds[0], rc;

        memory_is_scarce(0, left);
        rc = site_start(s, a, error);
        is_short = memory_was_scarce();
        assert_int_equal(rc != 0, is_short);
        if (rc) {
            assert_string_not_equal(error, "");
            assert_int_equal(snapshot->ref_count, 1);
            assert_false(is_open(fd));
        }
        snapshot_unref(snapshot);
    }
    assert_true(left > 10); /* its own struct, its loop's, each of the pools, its view's … */
    worker_go(s->workers[0]);
    ask_once(s, "<one>");
}

static void each_has_the_processors_that_it_was_given(void **state)
{
    struct site *s = *state;
    cpu_set_t all, one;
    pid_t thread;

    assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
    all_started(s, CONF_LOGGED("off", "worker_processes 2; worker_cpu_affinity auto;", "",
                               "return 200;"));
    for (unsigned i = 0; i < SITE_WORKERS; i++) {
        char name[16];

        snprintf(name, sizeof(name), "worker %u", i);
        assert_int_equal(count_threads(name, &thread), 1);
        assert_int_equal(sched_getaffinity(thread, sizeof(one), &one), 0);
        assert_int_equal(CPU_COUNT(&one), 1);
        CPU_AND(&one, &one, &all);
        assert_int_equal(CPU_COUNT(&one), 1);
    }
}

/* Each has a socket of its own here. */
static void workers_share_the_numbers_of_connections(void **state)
{
    struct site *s = *state;
    struct address other;
    char expected[16], error[256];

    started(s, SERVE("$connection"));
    assert_int_equal(site_start(s, assign(SERVE("$connection"), loopback_listen(&other)), error),
                     0);
    workers_introduce(s->workers, s->count);
    for (unsigned i = 0; i < SITE_WORKERS; i++)
        worker_go(s->workers[i]);
    for (unsigned i = 0; i < 6; i++) {
        snprintf(expected, sizeof(expected), "<%u>", i + 1);
        ask_once_at(s, i % 2 ? &other : &s->address, expected);
    }
}

/* --- limits --------------------------------------------------------------------------------- */

#define TWO_AT_ONCE CONF("worker_connections 2;", "return 200 \"<$connection>\";")

static void beyond_worker_connections_an_idle_one_makes_room(void **state)
{
    struct site *s = *state;
    int first, second, third;

    started(s, TWO_AT_ONCE);
    worker_go(s->workers[0]);
    first = call(s);
    ask(s, first, "<1>");
    second = call(s);
    ask(s, second, "<2>");
    assert_true(peer_has_ended(&s->t, first));
    third = call(s);
    ask(s, third, "<3>");
    close(first);
    close(second);
    close(third);
}

static void when_all_are_busy_the_next_one_waits(void **state)
{
    struct site *s = *state;
    struct worker_assignment a = assign(TWO_AT_ONCE, shared_listener(s));
    struct worker_assignment next = assign(TWO_AT_ONCE, a.listen_fds[0]);
    char error[256];
    int first, second, third;

    assert_int_equal(site_start(s, a, error), 0);
    worker_go(s->workers[0]);
    first = call_busy(s, "<1>");
    second = call_busy(s, "<2>");
    third = call(s);
    peer_write(third, GET);
    swap(s, &next);
    assert_true(is_silent(third));
    close(first);
    read_body(s, third, "<3>");
    close(second);
    close(third);
}

/* --- ending --------------------------------------------------------------------------------- */

static void a_quit_lets_a_request_end_and_closes_idle_connections(void **state)
{
    struct site *s = *state;
    int idle, busy;

    started(s, SERVE("one"));
    worker_go(s->workers[0]);
    site_close_listener(s);
    idle = call(s);
    ask(s, idle, "<one>");
    busy = call_busy(s, "<one>");
    worker_quit(s->workers[0], 0);
    assert_true(peer_has_ended(&s->t, idle));
    turn_until(s->t.loop, is_refused(&s->address));
    assert_int_equal(s->drained_count, 0);
    peer_write(busy, "\r\n");
    read_body(s, busy, "close\r\n\r\n<one>");
    assert_true(peer_has_ended(&s->t, busy));
    close(busy);
    turn_until(s->t.loop, s->drained_count == 1);
    close(idle);
}

static void the_deadline_of_a_quit_cuts_what_is_left(void **state)
{
    struct site *s = *state;
    char byte;
    int busy;

    started(s, SERVE("one"));
    worker_go(s->workers[0]);
    busy = call_busy(s, "<one>");
    worker_quit(s->workers[0], 30);
    assert_true(peer_read(&s->t, busy, &byte, 1) <= 0);
    turn_until(s->t.loop, s->drained_count == 1);
    close(busy);
}

static void a_stop_cuts_at_once_also_behind_a_quit(void **state)
{
    struct site *s = *state;
    char byte;
    int busy;

    started(s, SERVE("one"));
    worker_go(s->workers[0]);
    busy = call_busy(s, "<one>");
    worker_quit(s->workers[0], 0);
    worker_stop(s->workers[0]);
    assert_true(peer_read(&s->t, busy, &byte, 1) <= 0);
    turn_until(s->t.loop, s->drained_count == 1);
    close(busy);
}

static void it_drains_but_once(void **state)
{
    struct site *s = *state;

    started(s, SERVE("one"));
    worker_go(s->workers[0]);
    worker_quit(s->workers[0], 0);
    turn_until(s->t.loop, s->drained_count == 1);
    worker_quit(s->workers[0], 10);
    worker_stop(s->workers[0]);
    worker_exit(s->workers[0]);
    site_join(s);
    loop_turn(s->t.loop, 0);
    assert_int_equal(s->drained_count, 1);
}

static void one_that_never_went_ends_as_well(void **state)
{
    struct site *s = *state;

    for (unsigned i = 0; i < SITE_WORKERS; i++)
        started(s, SERVE("one"));
    for (unsigned i = 0; i < SITE_WORKERS; i++)
        worker_exit(s->workers[i]);
    turn_until(s->t.loop, s->drained_count == SITE_WORKERS);
    site_join(s);
}

/* For the loans of its siblings. */
static void one_that_has_drained_stays_until_all_have(void **state)
{
    struct site *s = *state;
    pid_t thread;
    int busy;

    for (unsigned i = 0; i < SITE_WORKERS; i++)
        started(s, SERVE("one"));
    worker_go(s->workers[1]);
    busy = call_busy(s, "<one>");
    worker_exit(s->workers[0]);
    worker_exit(s->workers[1]);
    turn_until(s->t.loop, s->drained_count == 1);
    for (unsigned i = 0; i < 5; i++)
        loop_turn(s->t.loop, 20); /* it looks more often than that */
    assert_int_equal(count_threads("worker ", &thread), 2);
    close(busy);
    turn_until(s->t.loop, !count_threads("worker ", &thread));
    turn_until(s->t.loop, s->drained_count == 2);
    site_join(s);
}

/* Control may turn its loop when they are gone. */
static void what_it_said_is_heard_behind_its_end(void **state)
{
    struct site *s = *state;
    struct worker_assignment a = assign(SERVE("one"), shared_listener(s));
    struct worker_assignment next = assign(SERVE("two"), a.listen_fds[0]);
    char error[256];

    assert_int_equal(site_start(s, a, error), 0);
    assert_int_equal(worker_swap(s->workers[0], &next, site_swapped), 0);
    worker_exit(s->workers[0]);
    site_join(s); /* which hears some of it, or nothing */
    turn_until(s->t.loop, s->drained_count == 1);
    assert_int_equal(s->swapped_count, 1);
    assert_string_equal(s->swap_error, "");
}

/* --- access logs at the end ----------------------------------------------------------------- */

/* A pipe for the log of a worker: its reading end, which does not block. */
static int start_logging(struct site *s)
{
    char folder[] = "/tmp/ringway-worker-XXXXXX", path[64], text[512], error[256];
    struct worker_assignment a;
    int fd;

    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/log", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    assert_true(fd >= 0);
    snprintf(text, sizeof(text), CONF_LOGGED("%s combined buffer=8k", "", "", "return 200 <one>;"),
             path);
    a = assign(text, shared_listener(s));
    if (snapshot_open_logs(a.snapshot, error, sizeof(error)) || site_start(s, a, error))
        fail_msg("%s", error);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    worker_go(s->workers[0]);
    return fd;
}

static void what_was_served_is_logged_before_it_has_drained(void **state)
{
    struct site *s = *state;
    int fd = start_logging(s);
    char line[1024];

    ask_once(s, "<one>");
    assert_true(read(fd, line, sizeof(line)) < 0);
    worker_stop(s->workers[0]);
    turn_until(s->t.loop, s->drained_count == 1);
    assert_true(read(fd, line, sizeof(line)) > 0);
    assert_memory_equal(line, "127.0.0.1 - - [", 15);
    close(fd);
}

static void a_log_that_takes_nothing_holds_up_no_end(void **state)
{
    struct site *s = *state;
    int fd = start_logging(s);
    char bytes[4096] = "";

    while (write(fd, bytes, sizeof(bytes)) > 0)
        ;
    ask_once(s, "<one>");
    worker_stop(s->workers[0]);
    turn_until(s->t.loop, s->drained_count == 1);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SITE_TEST(nothing_is_accepted_before_it_may_go),
        SITE_TEST(a_start_that_fails_says_why_and_gives_all_back),
        SITE_TEST(one_that_cannot_start_leaves_its_siblings_alone),
        SITE_TEST(a_start_without_memory_says_so_and_gives_all_back),
        SITE_TEST(each_has_the_processors_that_it_was_given),
        SITE_TEST(workers_share_the_numbers_of_connections),
        SITE_TEST(beyond_worker_connections_an_idle_one_makes_room),
        SITE_TEST(when_all_are_busy_the_next_one_waits),
        SITE_TEST(a_quit_lets_a_request_end_and_closes_idle_connections),
        SITE_TEST(the_deadline_of_a_quit_cuts_what_is_left),
        SITE_TEST(a_stop_cuts_at_once_also_behind_a_quit),
        SITE_TEST(it_drains_but_once),
        SITE_TEST(one_that_never_went_ends_as_well),
        SITE_TEST(one_that_has_drained_stays_until_all_have),
        SITE_TEST(what_it_said_is_heard_behind_its_end),
        SITE_TEST(what_was_served_is_logged_before_it_has_drained),
        SITE_TEST(a_log_that_takes_nothing_holds_up_no_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
