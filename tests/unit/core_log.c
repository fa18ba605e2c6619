/* Tests of core/log. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/log.h"

#define OUT_BYTES 8192

struct output {
    int fd;
    char bytes[OUT_BYTES];
    size_t len;
};

/* A log to a file that is gone as soon as it is closed. */
static struct log_target file_target(enum log_level level, bool is_startup)
{
    char path[] = "/tmp/ringway-log-XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    return (struct log_target){.fd = fd, .level = level, .is_startup = is_startup};
}

static void read_all(const struct log_target *t, struct output *out)
{
    ssize_t n = pread(t->fd, out->bytes, sizeof(out->bytes) - 1, 0);

    assert_true(n >= 0);
    out->len = (size_t)n;
    out->bytes[n] = '\0';
}

static void levels_have_nginx_names(void **state)
{
    enum log_level level;

    (void)state;
    for (size_t i = 0; i < LOG_LEVEL_COUNT; i++) {
        const char *name = log_level_name((enum log_level)i);

        assert_int_equal(log_level_parse(span_of_cstr(name), &level), 0);
        assert_int_equal(level, i);
    }
    assert_string_equal(log_level_name(LOG_LEVEL_EMERG), "emerg");
    assert_string_equal(log_level_name(LOG_LEVEL_DEBUG), "debug");
    assert_int_equal(log_level_parse(SPAN("Error"), &level), -EINVAL);
    assert_int_equal(log_level_parse(SPAN(""), &level), -EINVAL);
    assert_int_equal(log_level_parse(SPAN("warning"), &level), -EINVAL);
}

static void startup_lines_have_no_time(void **state)
{
    struct log_target t = file_target(LOG_LEVEL_NOTICE, true);
    struct log l = {.targets = &t, .target_count = 1};
    struct output out;

    (void)state;
    log_write(&l, LOG_LEVEL_EMERG, "unknown directive \"%s\" in %s:%d", "foo", "x.conf", 12);
    read_all(&t, &out);
    assert_string_equal(out.bytes, "ringway: [emerg] unknown directive \"foo\" in x.conf:12\n");
    close(t.fd);
}

static void startup_log_takes_notice_and_worse(void **state)
{
    (void)state;
    assert_int_equal(log_startup()->targets[0].fd, STDERR_FILENO);
    assert_true(log_takes(log_startup(), LOG_LEVEL_NOTICE));
    assert_false(log_takes(log_startup(), LOG_LEVEL_INFO));
}

static void lines_read_as_nginx_writes_them(void **state)
{
    struct log_target t = file_target(LOG_LEVEL_ERROR, false);
    struct log l = {.targets = &t, .target_count = 1};
    struct tm time_read = {.tm_isdst = -1};
    struct output out;
    char rest[64];

    (void)state;
    log_write(&l, LOG_LEVEL_ERROR, "*%d text", 5);
    read_all(&t, &out);
    assert_non_null(strptime(out.bytes, "%Y/%m/%d %H:%M:%S", &time_read));
    (void)snprintf(rest, sizeof(rest), " [error] %d#%d: *5 text\n", (int)getpid(), (int)gettid());
    assert_string_equal(out.bytes + strlen("2026/11/20 22:00:00"), rest);
    assert_true(difftime(time(NULL), mktime(&time_read)) <= 5);
    close(t.fd);
}

static void each_target_takes_its_levels(void **state)
{
    struct log_target t[2] = {file_target(LOG_LEVEL_ERROR, true),
                              file_target(LOG_LEVEL_INFO, true)};
    struct log l = {.targets = t, .target_count = 2};
    struct log none = {.targets = NULL, .target_count = 0};
    struct output out;

    (void)state;
    assert_true(log_takes(&l, LOG_LEVEL_INFO));
    assert_false(log_takes(&l, LOG_LEVEL_DEBUG));
    assert_false(log_takes(&none, LOG_LEVEL_EMERG));
    log_write(&l, LOG_LEVEL_ERROR, "a");
    log_write(&l, LOG_LEVEL_INFO, "b");
    log_write(&l, LOG_LEVEL_DEBUG, "c");
    log_write(&none, LOG_LEVEL_EMERG, "d");
    read_all(&t[0], &out);
    assert_string_equal(out.bytes, "ringway: [error] a\n");
    read_all(&t[1], &out);
    assert_string_equal(out.bytes, "ringway: [error] a\nringway: [info] b\n");
    close(t[0].fd);
    close(t[1].fd);
}

static void assert_text(const char *text, const char *written)
{
    struct log_target t = file_target(LOG_LEVEL_DEBUG, true);
    struct log l = {.targets = &t, .target_count = 1};
    struct output out;
    size_t prefix = strlen("ringway: [info] ");

    log_write(&l, LOG_LEVEL_INFO, "%s", text);
    read_all(&t, &out);
    assert_true(out.len > prefix);
    assert_int_equal(out.bytes[out.len - 1], '\n');
    out.bytes[out.len - 1] = '\0';
    assert_string_equal(out.bytes + prefix, written);
    close(t.fd);
}

static void control_bytes_are_escaped(void **state)
{
    (void)state;
    assert_text("", "");
    assert_text("a\nb\r\t\x1b[31m\x7f", "a\\x0Ab\\x0D\\x09\\x1B[31m\\x7F");
    assert_text("say \"x\" \\x0A", "say \"x\" \\x0A");
    assert_text("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
                "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80");
    assert_text("\xc2\x9b\x33m", "\\xC2\\x9B3m");
    assert_text("\x9b", "\\x9B");
}

static void what_is_no_utf8_is_escaped(void **state)
{
    (void)state;
    assert_text("\xc3", "\\xC3");
    assert_text("\xc3(", "\\xC3(");
    assert_text("\xc0\xaf", "\\xC0\\xAF");
    assert_text("\xe0\x80\xaf", "\\xE0\\x80\\xAF");
    assert_text("\xed\xa0\x80", "\\xED\\xA0\\x80");
    assert_text("\xe2\x82", "\\xE2\\x82");
    assert_text("\xe2\x82g", "\\xE2\\x82g");
    assert_text("\xf4\x90\x80\x80", "\\xF4\\x90\\x80\\x80");
    assert_text("\xff", "\\xFF");
}

/* Writes n times 'a' and what follows, and returns what came out behind the prefix. */
static void write_long(size_t n, const char *tail, struct output *out)
{
    struct log_target t = file_target(LOG_LEVEL_DEBUG, true);
    struct log l = {.targets = &t, .target_count = 1};
    char *text = malloc(n + strlen(tail) + 1);

    assert_non_null(text);
    memset(text, 'a', n);
    memcpy(text + n, tail, strlen(tail) + 1);
    log_write(&l, LOG_LEVEL_INFO, "%s", text);
    read_all(&t, out);
    free(text);
    close(t.fd);
}

static void long_lines_are_cut_between_characters(void **state)
{
    size_t room = LOG_LINE_BYTES_MAX - strlen("ringway: [info] ") - 1;
    struct output out;

    (void)state;
    write_long(room - 1, "b", &out);
    assert_int_equal(out.len, LOG_LINE_BYTES_MAX);
    assert_string_equal(out.bytes + out.len - 2, "b\n");
    write_long(room, "b", &out);
    assert_int_equal(out.len, LOG_LINE_BYTES_MAX);
    assert_string_equal(out.bytes + out.len - 2, "a\n");
    write_long(room - 3, "\x01", &out);
    assert_string_equal(out.bytes + out.len - 2, "a\n");
    write_long(room - 4, "\x01", &out);
    assert_string_equal(out.bytes + out.len - 6, "a\\x01\n");
    write_long(room - 1, "\xc3\xbc", &out);
    assert_string_equal(out.bytes + out.len - 2, "a\n");
    write_long(100000, "", &out);
    assert_int_equal(out.len, LOG_LINE_BYTES_MAX);
}

static void errno_stays(void **state)
{
    struct log_target t = {.fd = -1, .level = LOG_LEVEL_DEBUG};
    struct log l = {.targets = &t, .target_count = 1};
    uint64_t lost = log_lost_count();

    (void)state;
    errno = ENOENT;
    log_write(&l, LOG_LEVEL_INFO, "x");
    assert_int_equal(errno, ENOENT);
    assert_int_equal(log_lost_count(), lost + 1);
}

/* Writes lines until one is lost; the alarm ends a test that blocks. */
static size_t write_until_lost(const struct log *l)
{
    uint64_t lost = log_lost_count();
    size_t count = 0;

    alarm(20);
    while (log_lost_count() == lost) {
        log_write(l, LOG_LEVEL_INFO, "%01500d", 7);
        assert_true(++count < 1000000);
    }
    alarm(0);
    return count;
}

static void assert_stall_loses_lines(int write_fd, int read_fd)
{
    struct log_target t = {.fd = write_fd, .level = LOG_LEVEL_DEBUG};
    struct log l = {.targets = &t, .target_count = 1};
    char bytes[65536];
    uint64_t lost;

    assert_true(write_until_lost(&l) > 1);
    assert_true(read(read_fd, bytes, sizeof(bytes)) > 0);
    lost = log_lost_count();
    log_write(&l, LOG_LEVEL_INFO, "again");
    assert_int_equal(log_lost_count(), lost);
}

static void a_stalled_pipe_loses_lines(void **state)
{
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_stall_loses_lines(fds[1], fds[0]);
    close(fds[0]);
    close(fds[1]);
}

static void a_stalled_named_pipe_loses_lines(void **state)
{
    char dir[] = "/tmp/ringway-log-XXXXXX";
    char path[64];
    int fd;

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/fifo", dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_stall_loses_lines(fd, fd);
    close(fd);
    unlink(path);
    rmdir(dir);
}

static void opening_a_pipe_waits_for_no_reader(void **state)
{
    char dir[] = "/tmp/ringway-log-XXXXXX";
    struct log_target t = {.level = LOG_LEVEL_DEBUG, .is_startup = true};
    const struct log l = {.targets = &t, .target_count = 1};
    char path[64], line[64] = "";
    int reader;

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/fifo", dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    t.fd = log_open(path);
    assert_true(t.fd >= 0);
    assert_int_equal(fcntl(t.fd, F_GETFL) & (O_NONBLOCK | O_APPEND), O_APPEND);
    log_write(&l, LOG_LEVEL_INFO, "x");
    reader = open(path, O_RDONLY | O_NONBLOCK);
    assert_true(read(reader, line, sizeof(line) - 1) > 0);
    assert_string_equal(line, "ringway: [info] x\n");
    close(reader);
    close(t.fd);
    unlink(path);
    assert_int_equal(log_open(dir), -EISDIR);
    rmdir(dir);
    assert_int_equal(log_open(path), -ENOENT);
}

static void a_stalled_socket_loses_lines(void **state)
{
    int fds[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
    assert_stall_loses_lines(fds[1], fds[0]);
    close(fds[0]);
    close(fds[1]);
}

static void a_reader_that_left_loses_lines_without_a_signal(void **state)
{
    struct log_target t[2] = {{.level = LOG_LEVEL_DEBUG}, {.level = LOG_LEVEL_DEBUG}};
    struct log l = {.targets = t, .target_count = 2};
    uint64_t lost = log_lost_count();
    int pipe_fds[2], socket_fds[2];

    (void)state;
    assert_int_equal(pipe(pipe_fds), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, socket_fds), 0);
    close(pipe_fds[0]);
    close(socket_fds[0]);
    t[0].fd = pipe_fds[1];
    t[1].fd = socket_fds[1];
    log_write(&l, LOG_LEVEL_INFO, "x");
    assert_int_equal(log_lost_count(), lost + 2);
    close(pipe_fds[1]);
    close(socket_fds[1]);
}

static void a_full_disk_loses_lines(void **state)
{
    struct log_target t = {.fd = open("/dev/full", O_WRONLY), .level = LOG_LEVEL_DEBUG};
    struct log l = {.targets = &t, .target_count = 1};
    uint64_t lost = log_lost_count();

    (void)state;
    assert_true(t.fd >= 0);
    log_write(&l, LOG_LEVEL_INFO, "x");
    assert_int_equal(log_lost_count(), lost + 1);
    close(t.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_have_nginx_names),
        cmocka_unit_test(startup_lines_have_no_time),
        cmocka_unit_test(startup_log_takes_notice_and_worse),
        cmocka_unit_test(lines_read_as_nginx_writes_them),
        cmocka_unit_test(each_target_takes_its_levels),
        cmocka_unit_test(control_bytes_are_escaped),
        cmocka_unit_test(what_is_no_utf8_is_escaped),
        cmocka_unit_test(long_lines_are_cut_between_characters),
        cmocka_unit_test(errno_stays),
        cmocka_unit_test(a_stalled_pipe_loses_lines),
        cmocka_unit_test(a_stalled_named_pipe_loses_lines),
        cmocka_unit_test(opening_a_pipe_waits_for_no_reader),
        cmocka_unit_test(a_stalled_socket_loses_lines),
        cmocka_unit_test(a_reader_that_left_loses_lines_without_a_signal),
        cmocka_unit_test(a_full_disk_loses_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
