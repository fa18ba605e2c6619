/* Tests of server/background: a child is the process that was called, its own child the other. */
#include "server/background.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "child.h"

#define TEXT_BYTES 256

/* What a process that was called leaves behind. */
struct outcome {
    int status;             /* of its end */
    char error[TEXT_BYTES]; /* its standard error and that of the one in the background */
};

static void read_to_end(int fd, char text[TEXT_BYTES])
{
    size_t len = 0;
    ssize_t n;

    while ((n = read(fd, text + len, TEXT_BYTES - 1 - len)) > 0)
        len += (size_t)n;
    assert_int_equal(n, 0);
    text[len] = '\0';
}

/* Calls fn in the background; what it writes to standard error is read until nobody holds it. */
static struct outcome call(void (*fn)(struct background *))
{
    struct outcome o = {.status = -1};
    int ends[2];
    pid_t child;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct background b;

        (void)dup2(ends[1], STDERR_FILENO);
        (void)close(ends[1]);
        background_init(&b);
        EXPECT(background_start(&b) == 0);
        fn(&b);
        _exit(0);
    }
    assert_int_equal(close(ends[1]), 0);
    read_to_end(ends[0], o.error);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(waitpid(child, &o.status, 0), child);
    return o;
}

static void assert_exited(const struct outcome *o, int status, const char *error)
{
    assert_string_equal(o->error, error);
    assert_true(WIFEXITED(o->status));
    assert_int_equal(WEXITSTATUS(o->status), status);
}

static void tell(struct background *b)
{
    background_tell(b, -1);
    EXPECT(b->word_fd == -1);
    background_tell(b, -1); /* told already */
}

static void caller_ends_with_0_once_it_is_told(void **state)
{
    struct outcome o = call(tell);

    assert_exited(&o, 0, "");
}

static void say_nothing(struct background *b)
{
    EXPECT(b->word_fd >= 0);
}

static void caller_ends_with_1_when_nothing_is_told(void **state)
{
    struct outcome o = call(say_nothing);

    assert_exited(&o, 1, "");
}

static void fail_with_a_line(struct background *b)
{
    background_redirect(b, -1);
    EXPECT(dprintf(STDERR_FILENO, "why\n") == 4);
    _exit(1);
}

static void what_goes_wrong_before_reaches_the_terminal(void **state)
{
    struct outcome o = call(fail_with_a_line);

    assert_exited(&o, 1, "why\n");
}

static void die(struct background *b)
{
    (void)raise(SIGKILL);
}

static void death_by_a_signal_is_said(void **state)
{
    struct outcome o = call(die);

    assert_exited(&o, 1,
                  "ringway: [emerg] the process was ended by a signal (Killed) while it started\n");
}

static bool is_null(int fd)
{
    struct stat st, null;

    return fstat(fd, &st) == 0 && stat("/dev/null", &null) == 0 && st.st_rdev == null.st_rdev &&
           S_ISCHR(st.st_mode);
}

static void leave_the_terminal(struct background *b)
{
    int log = memfd_create("log", MFD_CLOEXEC);
    struct stat wanted, got;

    EXPECT(b->is_detached);
    EXPECT(getsid(0) == getpid());
    background_tell(b, log);
    EXPECT(is_null(STDIN_FILENO));
    EXPECT(is_null(STDOUT_FILENO));
    EXPECT(fstat(log, &wanted) == 0 && fstat(STDERR_FILENO, &got) == 0);
    EXPECT(wanted.st_ino == got.st_ino);
    EXPECT(fcntl(STDERR_FILENO, F_GETFD) == 0); /* for what it would run */
}

/* Where a claim does not hold it ends before the word: the caller's status would be 1; the claims
 * behind the word are in the log. */
static void check_then_tell(struct background *b)
{
    int word = b->word_fd;
    int kept = dup(STDERR_FILENO);

    b->word_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    EXPECT(kept >= 0 && b->word_fd >= 0);
    leave_the_terminal(b);
    (void)dup2(kept, STDERR_FILENO);
    (void)dprintf(STDERR_FILENO, "it held");
    EXPECT(write(word, "", 1) == 1);
}

static void process_in_the_background_has_let_go_of_the_terminal(void **state)
{
    struct outcome o = call(check_then_tell);

    assert_exited(&o, 0, "it held");
}

static void redirect_without_a_log(struct background *b)
{
    background_tell(b, -1);
    EXPECT(dprintf(STDERR_FILENO, "still here") == 10);
}

static void standard_error_stays_without_a_log(void **state)
{
    struct outcome o = call(redirect_without_a_log);

    assert_exited(&o, 0, "still here");
}

static void redirect_later(struct background *b)
{
    int log = memfd_create("log", MFD_CLOEXEC);
    char text[4] = "";

    background_tell(b, -1);
    background_redirect(b, log);
    EXPECT(dprintf(STDERR_FILENO, "abc") == 3);
    _exit(pread(log, text, 3, 0) == 3 && strcmp(text, "abc") == 0 ? 0 : 1);
}

static void log_that_is_opened_again_is_standard_error(void **state)
{
    struct outcome o = call(redirect_later);

    assert_exited(&o, 0, ""); /* nothing reached the one before */
}

/* The word comes when it is told, and the process goes on behind it. */
static void caller_waits_for_the_word_and_the_other_goes_on(void **state)
{
    int go[2], report[2];
    int status;
    char byte;
    pid_t child;

    assert_int_equal(pipe2(go, O_CLOEXEC), 0);
    assert_int_equal(pipe2(report, O_CLOEXEC), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct background b;

        background_init(&b);
        EXPECT(background_start(&b) == 0);
        EXPECT(write(report[1], "r", 1) == 1);
        EXPECT(read(go[0], &byte, 1) == 1);
        background_tell(&b, -1);
        EXPECT(read(go[0], &byte, 1) == 1);
        EXPECT(write(report[1], &byte, 1) == 1);
        _exit(0);
    }
    assert_int_equal(read(report[0], &byte, 1), 1);
    assert_int_equal(waitpid(child, &status, WNOHANG), 0);
    assert_int_equal(write(go[1], "1", 1), 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(write(go[1], "2", 1), 1);
    assert_int_equal(read(report[0], &byte, 1), 1);
    assert_int_equal(byte, '2');
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(close(go[i]), 0);
        assert_int_equal(close(report[i]), 0);
    }
}

static void stay_in_the_foreground(void *arg)
{
    struct background b;
    struct stat before, after;
    int log = memfd_create("log", MFD_CLOEXEC);

    background_init(&b);
    EXPECT(fstat(STDERR_FILENO, &before) == 0);
    background_redirect(&b, log);
    background_tell(&b, log);
    EXPECT(fstat(STDERR_FILENO, &after) == 0);
    EXPECT(before.st_ino == after.st_ino && before.st_dev == after.st_dev);
    EXPECT(!b.is_detached);
    EXPECT(getsid(0) != getpid());
}

static void in_the_foreground_nothing_changes(void **state)
{
    holds_in_child(stay_in_the_foreground, NULL);
}

static void start_without_descriptors(void *arg)
{
    struct background b;

    background_init(&b);
    limit_to(RLIMIT_NOFILE, 3, limit_of(RLIMIT_NOFILE).rlim_max);
    EXPECT(background_start(&b) == -EMFILE);
    EXPECT(!b.is_detached && b.word_fd == -1);
}

static void start_without_processes(void *arg)
{
    struct background b;
    int before, after;

    background_init(&b);
    lose_rights();
    limit_to(RLIMIT_NPROC, 0, 0);
    before = dup(STDERR_FILENO);
    EXPECT(before >= 0 && close(before) == 0);
    EXPECT(background_start(&b) == -EAGAIN);
    EXPECT(!b.is_detached && b.word_fd == -1);
    after = dup(STDERR_FILENO);
    EXPECT(after == before); /* the pipe is closed */
}

static void start_that_fails_stays_where_it_is(void **state)
{
    holds_in_child(start_without_descriptors, NULL);
    holds_in_child(start_without_processes, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(caller_ends_with_0_once_it_is_told),
        cmocka_unit_test(caller_ends_with_1_when_nothing_is_told),
        cmocka_unit_test(what_goes_wrong_before_reaches_the_terminal),
        cmocka_unit_test(death_by_a_signal_is_said),
        cmocka_unit_test(process_in_the_background_has_let_go_of_the_terminal),
        cmocka_unit_test(standard_error_stays_without_a_log),
        cmocka_unit_test(log_that_is_opened_again_is_standard_error),
        cmocka_unit_test(caller_waits_for_the_word_and_the_other_goes_on),
        cmocka_unit_test(in_the_foreground_nothing_changes),
        cmocka_unit_test(start_that_fails_stays_where_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
