/* Tests of proxy/access. */
#include "../record_fixture.h"

#include <fcntl.h>

#include "proxy/access.h"

#define TEXT_BYTES (256 * 1024)

struct logs {
    struct fixture *fixture;
    struct log_file file, other_file;
    struct log_format format;
    struct access_log uses[2];
    struct template condition;
    struct log_target target;
    int error_fd;
    char text[TEXT_BYTES];
};

static int open_scratch(void)
{
    char path[] = "/tmp/ringway-access-XXXXXX";
    int fd = mkostemp(path, O_APPEND);

    assert_true(fd >= 0);
    unlink(path);
    return fd;
}

static int set_up_logs(void **state)
{
    struct logs *l = calloc(1, sizeof(*l));
    struct fixture *f;

    (void)set_up(state);
    f = *state;
    l->fixture = f;
    l->file.fd = open_scratch();
    l->other_file.fd = open_scratch();
    l->error_fd = open_scratch();
    l->format.text = compiled(f, "$connection $uri");
    l->uses[0] = (struct access_log){.file = &l->file, .format = &l->format};
    l->uses[1] = (struct access_log){.file = &l->other_file, .format = &l->format};
    l->target = (struct log_target){.fd = l->error_fd, .level = LOG_LEVEL_INFO};
    f->location.settings.access_logs = l->uses;
    f->location.settings.access_log_count = 1;
    f->location.settings.error_log = (struct log){.targets = &l->target, .target_count = 1};
    f->record.uri = SPAN("/a");
    access_init(&f->engine);
    *state = l;
    return 0;
}

static int tear_down_logs(void **state)
{
    struct logs *l = *state;

    access_deinit(&l->fixture->engine);
    assert_int_equal(l->fixture->snapshot.ref_count, 1);
    close(l->file.fd);
    close(l->other_file.fd);
    close(l->error_fd);
    *state = l->fixture;
    free(l);
    return tear_down(state);
}

static void turn(struct logs *l, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        loop_turn(l->fixture->engine.loop, 1);
}

static void settle(struct logs *l)
{
    for (unsigned i = 0; i < 1000 && access_is_busy(&l->fixture->engine); i++)
        turn(l, 1);
    assert_false(access_is_busy(&l->fixture->engine));
}

static const char *text_of(struct logs *l, int fd)
{
    ssize_t n = pread(fd, l->text, sizeof(l->text) - 1, 0);

    assert_true(n >= 0);
    l->text[n] = '\0';
    return l->text;
}

static uint64_t lost(const struct logs *l)
{
    return l->fixture->engine.stats.counters[COUNTER_LOG_RECORDS_LOST];
}

static void records_are_written_at_the_end_of_the_turn(void **state)
{
    struct logs *l = *state;

    access_write(&l->fixture->record);
    access_write(&l->fixture->record);
    assert_string_equal(text_of(l, l->file.fd), "");
    assert_int_equal(l->fixture->snapshot.ref_count, 2);
    settle(l);
    assert_string_equal(text_of(l, l->file.fd), "7 /a\n7 /a\n");
    assert_int_equal(l->fixture->snapshot.ref_count, 1);
    access_write(&l->fixture->record);
    settle(l);
    assert_string_equal(text_of(l, l->file.fd), "7 /a\n7 /a\n7 /a\n");
    assert_int_equal(lost(l), 0);
}

static void each_log_gets_the_record(void **state)
{
    struct logs *l = *state;

    l->fixture->location.settings.access_log_count = 2;
    access_write(&l->fixture->record);
    settle(l);
    assert_string_equal(text_of(l, l->file.fd), "7 /a\n");
    assert_string_equal(text_of(l, l->other_file.fd), "7 /a\n");
}

static void off_and_conditions_are_obeyed(void **state)
{
    struct logs *l = *state;

    l->uses[0].condition = &l->condition;
    l->condition = compiled(l->fixture, "$http_none");
    access_write(&l->fixture->record);
    l->condition = compiled(l->fixture, "0");
    access_write(&l->fixture->record);
    l->condition = compiled(l->fixture, "$is_args");
    access_write(&l->fixture->record);
    assert_false(access_is_busy(&l->fixture->engine));
    l->condition = compiled(l->fixture, "00");
    access_write(&l->fixture->record);
    settle(l);
    assert_string_equal(text_of(l, l->file.fd), "7 /a\n");
    l->uses[0].file = NULL;
    access_write(&l->fixture->record);
    assert_false(access_is_busy(&l->fixture->engine));
}

static void values_are_escaped_and_literals_are_not(void **state)
{
    struct logs *l = *state;

    l->fixture->record.uri = SPAN("/\"\n\xff\\");
    l->format.text = compiled(l->fixture, "\"$uri\" $http_none $is_args|");
    access_write(&l->fixture->record);
    l->format.escape = LOG_ESCAPE_JSON;
    access_write(&l->fixture->record);
    l->format.escape = LOG_ESCAPE_NONE;
    access_write(&l->fixture->record);
    settle(l);
    assert_string_equal(text_of(l, l->file.fd), "\"/\\x22\\x0A\\xFF\\x5C\" - |\n"
                                                "\"/\\\"\\n\xff\\\\\"  |\n"
                                                "\"/\"\n\xff\\\"  |\n");
}

static void a_long_record_is_cut(void **state)
{
    struct logs *l = *state;
    char *uri = malloc(ACCESS_RECORD_BYTES_MAX);

    memset(uri, 'a', ACCESS_RECORD_BYTES_MAX);
    l->format.text = compiled(l->fixture, "$uri");
    l->fixture->record.uri = span_of(uri, ACCESS_RECORD_BYTES_MAX - 1);
    access_write(&l->fixture->record);
    settle(l);
    assert_int_equal(strlen(text_of(l, l->file.fd)), ACCESS_RECORD_BYTES_MAX);
    l->fixture->record.uri.len++;
    access_write(&l->fixture->record);
    settle(l);
    assert_int_equal(strlen(text_of(l, l->file.fd)), 2 * ACCESS_RECORD_BYTES_MAX);
    assert_int_equal(l->text[2 * ACCESS_RECORD_BYTES_MAX - 1], '\n');
    free(uri);
}

static void a_buffer_is_written_when_it_is_full(void **state)
{
    struct logs *l = *state;

    l->uses[0].buffer_bytes = 12;
    access_write(&l->fixture->record);
    access_write(&l->fixture->record);
    turn(l, 3);
    assert_string_equal(text_of(l, l->file.fd), "");
    assert_true(access_is_busy(&l->fixture->engine));
    access_write(&l->fixture->record);
    settle(l);
    assert_string_equal(text_of(l, l->file.fd), "7 /a\n7 /a\n7 /a\n");
}

static void a_buffer_is_written_when_it_is_old(void **state)
{
    struct logs *l = *state;

    l->uses[0].buffer_bytes = 4096;
    l->uses[0].flush_ms = 20;
    access_write(&l->fixture->record);
    turn(l, 3);
    assert_string_equal(text_of(l, l->file.fd), "");
    usleep(30000);
    settle(l);
    assert_string_equal(text_of(l, l->file.fd), "7 /a\n");
}

static void a_buffer_is_written_when_it_is_flushed(void **state)
{
    struct logs *l = *state;

    l->uses[0].buffer_bytes = 4096;
    access_write(&l->fixture->record);
    turn(l, 3);
    assert_string_equal(text_of(l, l->file.fd), "");
    access_flush(&l->fixture->engine);
    settle(l);
    assert_string_equal(text_of(l, l->file.fd), "7 /a\n");
    access_flush(&l->fixture->engine);
    assert_false(access_is_busy(&l->fixture->engine));
}

/* A pipe that nobody reads takes 64 KB; its writes then wait in the kernel. */
static void make_stalled_pipe(struct logs *l, int fds[2])
{
    assert_int_equal(pipe2(fds, 0), 0);
    l->file.fd = fds[1];
}

static void write_much(struct logs *l, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        access_write(&l->fixture->record);
        if (i % 100 == 0)
            turn(l, 1);
    }
    turn(l, 3);
}

static void a_stalled_log_loses_records_and_blocks_nobody(void **state)
{
    const unsigned count = 50000;
    struct logs *l = *state;
    int fds[2], file_fd = l->file.fd;
    uint64_t taken_bytes = 0;

    make_stalled_pipe(l, fds);
    write_much(l, count);
    assert_true(lost(l) > 0);
    assert_true(access_is_busy(&l->fixture->engine));
    /* Once it is read, all that was not lost is there, whole and in order. */
    for (unsigned i = 0; i < 10000 && access_is_busy(&l->fixture->engine); i++) {
        ssize_t n = read(fds[0], l->text, 5 * 1000);

        assert_int_equal(n % 5, 0);
        assert_memory_equal(l->text, "7 /a\n", 5);
        taken_bytes += (uint64_t)n;
        turn(l, 1);
    }
    assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    for (ssize_t n; (n = read(fds[0], l->text, sizeof(l->text))) > 0;)
        taken_bytes += (uint64_t)n;
    assert_int_equal(taken_bytes + 5 * lost(l), 5 * count);
    settle(l);
    close(fds[0]);
    close(fds[1]);
    l->file.fd = file_fd;
}

static void a_stalled_log_can_be_given_up(void **state)
{
    struct logs *l = *state;
    int fds[2], file_fd = l->file.fd;

    make_stalled_pipe(l, fds);
    write_much(l, 30000);
    access_abort(&l->fixture->engine);
    settle(l);
    close(fds[0]);
    close(fds[1]);
    l->file.fd = file_fd;
}

static void a_write_that_fails_is_counted(void **state)
{
    struct logs *l = *state;
    int file_fd = l->file.fd;

    l->file.fd = open("/dev/full", O_WRONLY);
    access_write(&l->fixture->record);
    access_write(&l->fixture->record);
    settle(l);
    assert_int_equal(lost(l), 2);
    close(l->file.fd);
    l->file.fd = file_fd;
    access_write(&l->fixture->record);
    settle(l);
    assert_string_equal(text_of(l, l->file.fd), "7 /a\n");
    assert_int_equal(lost(l), 2);
}

static void an_old_configuration_stays_until_its_records_are_written(void **state)
{
    struct logs *l = *state;
    struct fixture *f = l->fixture;
    struct snapshot next = {.ref_count = 1};

    l->uses[0].buffer_bytes = 4096;
    access_write(&f->record);
    turn(l, 2);
    assert_int_equal(f->snapshot.ref_count, 2);
    f->record.snapshot = &next;
    l->uses[0] = l->uses[1];
    access_write(&f->record);
    assert_int_equal(next.ref_count, 2);
    access_flush(&f->engine);
    settle(l);
    assert_int_equal(f->snapshot.ref_count, 1);
    assert_int_equal(next.ref_count, 1);
    assert_string_equal(text_of(l, l->file.fd), "7 /a\n");
    assert_string_equal(text_of(l, l->other_file.fd), "7 /a\n");
}

/* ---- the error log ---- */

static const char *reported(struct logs *l, enum outcome outcome)
{
    const char *text;

    assert_int_equal(ftruncate(l->error_fd, 0), 0);
    l->fixture->record.outcome = outcome;
    access_report(&l->fixture->record);
    text = text_of(l, l->error_fd);
    if (*text)
        text = strchr(text, '[');
    assert_non_null(text);
    return text;
}

/* "[error] 1#2: *7 text": the level, and all behind the thread. */
static void assert_report(const char *line, const char *level, const char *text)
{
    const char *at = strstr(line, ": *7 ");

    assert_memory_equal(line + 1, level, strlen(level));
    assert_non_null(at);
    assert_string_equal(at + 5, text);
}

static void a_report_reads_as_nginx_writes_it(void **state)
{
    struct logs *l = *state;
    struct record *r = &l->fixture->record;

    take_request(l->fixture, "GET /a?b HTTP/1.1\r\nHost: a.example\r\n\r\n");
    r->tries[0].peer = &l->fixture->peer;
    r->try_count = 1;
    assert_report(reported(l, OUTCOME_READ_TIMEOUT), "error",
                  "upstream timed out while reading response from upstream, client: 192.0.2.1, "
                  "server: server.example, request: \"GET /a?b HTTP/1.1\", upstream: "
                  "\"https://127.0.0.1:8443/a?b\", host: \"a.example\"\n");
    r->detail = SPAN("connect() failed: Connection refused");
    r->try_count = 0;
    assert_report(reported(l, OUTCOME_CONNECT_FAILED), "error",
                  "connect() failed: Connection refused, client: 192.0.2.1, "
                  "server: server.example, request: \"GET /a?b HTTP/1.1\", upstream: "
                  "\"https://group/a?b\", host: \"a.example\"\n");
    assert_int_equal(l->fixture->engine.stats.outcomes[OUTCOME_CONNECT_FAILED], 1);
    assert_int_equal(l->fixture->engine.stats.outcomes[OUTCOME_READ_TIMEOUT], 1);
}

static void a_clients_fault_is_information(void **state)
{
    struct logs *l = *state;

    l->fixture->record.pass = NULL;
    assert_report(reported(l, OUTCOME_BAD_REQUEST), "info",
                  "bad_request, client: 192.0.2.1, server: server.example\n");
    l->target.level = LOG_LEVEL_ERROR;
    assert_string_equal(reported(l, OUTCOME_BAD_REQUEST), "");
    assert_int_equal(l->fixture->engine.stats.outcomes[OUTCOME_BAD_REQUEST], 2);
}

static void a_success_is_not_reported(void **state)
{
    struct logs *l = *state;

    l->fixture->record.pass = NULL;
    assert_string_equal(reported(l, OUTCOME_DONE), "");
    assert_int_equal(l->fixture->engine.stats.outcomes[OUTCOME_DONE], 1);
    l->fixture->record.detail = SPAN("open() failed");
    assert_report(reported(l, OUTCOME_DONE), "error",
                  "open() failed, client: 192.0.2.1, server: server.example\n");
}

static void a_stranger_cannot_write_lines(void **state)
{
    struct logs *l = *state;
    char request[20000];
    const char *text;

    l->fixture->record.pass = NULL;
    l->fixture->request.head.request_line = SPAN("GET /\", host: \"x\n HTTP/1.1");
    assert_report(reported(l, OUTCOME_NO_MEMORY), "error",
                  "no memory for the request, client: 192.0.2.1, server: server.example, "
                  "request: \"GET /\\x22, host: \\x22x\\x0A HTTP/1.1\"\n");
    memset(request, '"', sizeof(request));
    l->fixture->request.head.request_line = span_of(request, sizeof(request));
    text = reported(l, OUTCOME_NO_MEMORY);
    assert_int_equal(strcspn(text, "\n") + 1, strlen(text));
    assert_true(strlen(text) < LOG_LINE_BYTES_MAX);
}

static void a_log_that_cannot_be_opened_is_named_with_its_request(void **state)
{
    struct logs *l = *state;
    struct fixture *f = l->fixture;
    struct template path = compiled(f, "/tmp/ringway-none/$args");

    f->record.pass = NULL;
    f->record.args = SPAN("a\"b");
    f->location.settings.root = compiled(f, "/tmp");
    l->uses[0] = (struct access_log){.path = &path, .format = &l->format};
    access_write(&f->record);
    assert_int_equal(lost(l), 1);
    assert_report(strchr(text_of(l, l->error_fd), '['), "crit",
                  "open() \"/tmp/ringway-none/a\\x22b\" failed (2: No such file or directory), "
                  "client: 192.0.2.1, server: server.example\n");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up_logs, tear_down_logs)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(records_are_written_at_the_end_of_the_turn),
        TEST(each_log_gets_the_record),
        TEST(off_and_conditions_are_obeyed),
        TEST(values_are_escaped_and_literals_are_not),
        TEST(a_long_record_is_cut),
        TEST(a_buffer_is_written_when_it_is_full),
        TEST(a_buffer_is_written_when_it_is_old),
        TEST(a_buffer_is_written_when_it_is_flushed),
        TEST(a_stalled_log_loses_records_and_blocks_nobody),
        TEST(a_stalled_log_can_be_given_up),
        TEST(a_write_that_fails_is_counted),
        TEST(an_old_configuration_stays_until_its_records_are_written),
        TEST(a_report_reads_as_nginx_writes_it),
        TEST(a_clients_fault_is_information),
        TEST(a_success_is_not_reported),
        TEST(a_stranger_cannot_write_lines),
        TEST(a_log_that_cannot_be_opened_is_named_with_its_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
