/* Tests of proxy/request_body: taken in from a client's connection, sent to an upstream's. */
#include "../record_fixture.h"

#include <signal.h>
#include <sys/resource.h>

#include "proxy/request_body.h"

#define HEAD "POST / HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n"
#define MEMORY 100 /* client_body_buffer_size */

static const struct body_files files = {.folder = {.data = "/tmp", .len = 4}};

static struct request_body *begin(struct fixture *f, const char *head)
{
    struct request_body *b;

    f->location.settings.client_body_buffer_size = MEMORY;
    f->location.settings.body_files = &files;
    take_request(f, head);
    b = request_body_new(&f->record, &f->task);
    assert_non_null(b);
    return b;
}

static void write_all(int fd, const char *data, size_t len)
{
    assert_int_equal(write(fd, data, len), len);
}

/* Until it is taken in, or something else came of it. */
static enum request_body_result take(struct fixture *f, struct request_body *b)
{
    enum request_body_result result = REQUEST_BODY_WAITS;

    for (int i = 0; i < 1000 && result == REQUEST_BODY_WAITS; i++) {
        result = request_body_take(b, &f->client_conn, &f->request);
        loop_turn(f->engine.loop, result == REQUEST_BODY_WAITS ? 1 : 0);
    }
    while (request_body_is_busy(b))
        loop_turn(f->engine.loop, 1);
    return result;
}

/* What the upstream has got when all was sent. */
static size_t sent(struct fixture *f, struct request_body *b)
{
    enum request_body_result result;
    size_t len = 0;

    do {
        ssize_t n;

        result = request_body_send(b, &f->upstream_conn);
        loop_turn(f->engine.loop, 1);
        while ((n = read(f->upstream_fd, f->wire + len, sizeof(f->wire) - len)) > 0)
            len += (size_t)n;
    } while (result == REQUEST_BODY_WAITS || conn_out_bytes(&f->upstream_conn));
    assert_int_equal(result, REQUEST_BODY_DONE);
    assert_true(request_body_is_sent(b));
    return len;
}

static void assert_sent(struct fixture *f, struct request_body *b, const char *data, size_t len)
{
    assert_int_equal(sent(f, b), len);
    assert_memory_equal(f->wire, data, len);
}

static const char *pattern(size_t len)
{
    static char data[200 * 1024];

    assert_true(len <= sizeof(data));
    for (size_t i = 0; i < len; i++)
        data[i] = (char)('a' + i % 23);
    return data;
}

/* A body of that length with a Content-Length. */
static struct request_body *taken(struct fixture *f, size_t len)
{
    struct request_body *b;
    char head[200];

    snprintf(head, sizeof(head), HEAD "Content-Length: %zu\r\n\r\n", len);
    b = begin(f, head);
    write_all(f->client_fd, pattern(len), len);
    assert_int_equal(take(f, b), REQUEST_BODY_DONE);
    assert_int_equal(b->bytes, len);
    return b;
}

/* --- in memory -------------------------------------------------------------------------------- */

static void a_body_of_the_buffer_stays_in_memory(void **state)
{
    struct fixture *f = *state;
    struct request_body *b = begin(f, CHUNKED);

    write_all(f->client_fd, "64\r\n", 4);
    write_all(f->client_fd, pattern(MEMORY), MEMORY);
    write_all(f->client_fd, "\r\n0\r\n\r\n", 7);
    assert_int_equal(take(f, b), REQUEST_BODY_DONE);
    assert_int_equal(b->fd, -1);
    assert_int_equal(request_body_text(b).len, MEMORY);
    assert_sent(f, b, pattern(MEMORY), MEMORY);
    request_body_deinit(b);
}

static void one_byte_more_goes_to_a_file(void **state)
{
    struct fixture *f = *state;
    struct request_body *b = begin(f, CHUNKED);

    write_all(f->client_fd, "65\r\n", 4);
    write_all(f->client_fd, pattern(MEMORY + 1), MEMORY + 1);
    write_all(f->client_fd, "\r\n0\r\n\r\n", 7);
    assert_int_equal(take(f, b), REQUEST_BODY_DONE);
    assert_true(b->fd >= 0);
    assert_int_equal(b->file_bytes, MEMORY + 1);
    assert_null(request_body_text(b).data);
    assert_sent(f, b, pattern(MEMORY + 1), MEMORY + 1);
    request_body_deinit(b);
}

static void what_is_announced_may_be_a_quarter_longer(void **state)
{
    struct fixture *f = *state;
    struct request_body *b = taken(f, MEMORY + MEMORY / 4);

    assert_int_equal(b->fd, -1);
    request_body_deinit(b);
    b = taken(f, MEMORY + MEMORY / 4 + 1);
    assert_true(b->fd >= 0);
    request_body_deinit(b);
}

static void a_text_of_several_chunks_is_joined(void **state)
{
    struct fixture *f = *state;
    struct request_body *b;

    f->location.settings.client_body_buffer_size = MEMORY;
    b = begin(f, HEAD "Content-Length: 70000\r\n\r\n");
    b->memory_max = 70000;
    write_all(f->client_fd, pattern(70000), 70000);
    assert_int_equal(take(f, b), REQUEST_BODY_DONE);
    assert_int_equal(request_body_text(b).len, 70000);
    assert_memory_equal(request_body_text(b).data, pattern(70000), 70000);
    assert_sent(f, b, pattern(70000), 70000);
    request_body_deinit(b);
}

static void an_empty_body_is_whole_at_once(void **state)
{
    struct fixture *f = *state;
    struct request_body *b = begin(f, CHUNKED);

    write_all(f->client_fd, "0\r\n\r\n", 5);
    assert_int_equal(take(f, b), REQUEST_BODY_DONE);
    assert_null(request_body_text(b).data);
    assert_int_equal(sent(f, b), 0);
    request_body_deinit(b);
}

/* --- another try ------------------------------------------------------------------------------ */

static void send_twice(struct fixture *f, size_t len)
{
    struct request_body *b = taken(f, len);

    assert_sent(f, b, pattern(len), len);
    request_body_rewind(b);
    assert_false(request_body_is_sent(b));
    assert_sent(f, b, pattern(len), len);
    request_body_deinit(b);
}

static void a_body_can_be_sent_again(void **state)
{
    send_twice(*state, MEMORY);
    send_twice(*state, 100 * 1024);
}

/* What is being read then is not a part of the next try. */
static void a_try_may_end_while_the_file_is_read(void **state)
{
    struct fixture *f = *state;
    struct request_body *b = taken(f, 100 * 1024);

    assert_int_equal(request_body_send(b, &f->upstream_conn), REQUEST_BODY_WAITS);
    assert_true(request_body_is_busy(b));
    request_body_rewind(b);
    assert_sent(f, b, pattern(100 * 1024), 100 * 1024);
    request_body_deinit(b);
}

static void a_chunk_that_was_read_is_given_back(void **state)
{
    struct fixture *f = *state;
    struct request_body *b = taken(f, 100 * 1024);

    assert_int_equal(request_body_send(b, &f->upstream_conn), REQUEST_BODY_WAITS);
    while (request_body_is_busy(b))
        loop_turn(f->engine.loop, 1);
    request_body_rewind(b);
    assert_null(b->moving);
    request_body_deinit(b);
    assert_int_equal(f->engine.chunks.slab.count_taken, 0);
}

/* --- what goes wrong -------------------------------------------------------------------------- */

static void a_client_that_ends_cuts_it(void **state)
{
    struct fixture *f = *state;
    struct request_body *b = begin(f, HEAD "Content-Length: 10\r\n\r\n");

    write_all(f->client_fd, "nine more", 9);
    assert_int_equal(shutdown(f->client_fd, SHUT_WR), 0);
    assert_int_equal(take(f, b), REQUEST_BODY_CUT);
    request_body_deinit(b);
}

static enum request_body_result take_chunk_under_limit(struct fixture *f, uint64_t bytes_max)
{
    struct request_body *b = begin(f, CHUNKED);
    enum request_body_result result;

    b->bytes_max = bytes_max;
    write_all(f->client_fd, "5\r\nhello\r\n0\r\n\r\n", 15);
    result = take(f, b);
    conn_consume(&f->client_conn, conn_input(&f->client_conn).len);
    request_body_deinit(b);
    return result;
}

static void a_body_may_be_as_long_as_the_limit(void **state)
{
    assert_int_equal(take_chunk_under_limit(*state, 5), REQUEST_BODY_DONE);
    assert_int_equal(take_chunk_under_limit(*state, 4), REQUEST_BODY_TOO_LARGE);
    assert_int_equal(take_chunk_under_limit(*state, 0), REQUEST_BODY_DONE);
}

static void what_is_no_chunk_is_bad(void **state)
{
    struct fixture *f = *state;
    struct request_body *b = begin(f, CHUNKED);

    write_all(f->client_fd, "zz\r\n", 4);
    assert_int_equal(take(f, b), REQUEST_BODY_BAD);
    request_body_deinit(b);
}

static void chunks_may_run_out(void **state)
{
    struct fixture *f = *state;
    struct request_body *b = begin(f, HEAD "Content-Length: 10\r\n\r\n");
    struct chunk *taken_chunks[15]; /* one is left, for what the client sends */

    for (size_t i = 0; i < COUNT_OF(taken_chunks); i++)
        taken_chunks[i] = chunk_take(&f->engine.chunks);
    write_all(f->client_fd, "0123456789", 10);
    assert_int_equal(take(f, b), REQUEST_BODY_NO_MEMORY);
    request_body_deinit(b);
    for (size_t i = 0; i < COUNT_OF(taken_chunks); i++)
        chunk_give(&f->engine.chunks, taken_chunks[i]);
}

static void a_folder_that_is_not_there_is_named(void **state)
{
    static const struct body_files nowhere = {.folder = {.data = "/no/where", .len = 9}};
    struct fixture *f = *state;
    struct request_body *b = begin(f, HEAD "Content-Length: 1000\r\n\r\n");

    b->files = &nowhere;
    write_all(f->client_fd, pattern(1000), 1000);
    assert_int_equal(take(f, b), REQUEST_BODY_NO_FILE);
    assert_string_equal(f->record.detail.data, "open() of a temporary file in \"/no/where\" failed "
                                               "(2: No such file or directory)");
    request_body_deinit(b);
}

static void a_folder_that_nobody_named_may_be_another_one(void **state)
{
    static const struct body_files preset = {.folder = {.data = "/no/where", .len = 9},
                                             .is_preset = true};
    struct fixture *f = *state;
    struct request_body *b = begin(f, HEAD "Content-Length: 1000\r\n\r\n");

    b->files = &preset;
    write_all(f->client_fd, pattern(1000), 1000);
    assert_int_equal(take(f, b), REQUEST_BODY_DONE);
    assert_int_equal(b->file_bytes, 1000);
    request_body_deinit(b);
}

/* The file may be no longer than that, like a disk that is full. */
static void a_disk_that_is_full_is_told(void **state)
{
    struct fixture *f = *state;
    struct request_body *b = begin(f, HEAD "Content-Length: 100000\r\n\r\n");
    enum request_body_result result;
    struct rlimit old, small;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){.rlim_cur = 5000, .rlim_max = old.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    write_all(f->client_fd, pattern(100000), 100000);
    result = take(f, b);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(result, REQUEST_BODY_NO_FILE);
    assert_string_equal(f->record.detail.data,
                        "write() to a temporary file in \"/tmp\" failed (27: File too large)");
    request_body_deinit(b);
}

static void a_file_that_became_shorter_is_told(void **state)
{
    struct fixture *f = *state;
    struct request_body *b = taken(f, 50000);
    enum request_body_result result;

    assert_int_equal(ftruncate(b->fd, 40000), 0);
    do {
        result = request_body_send(b, &f->upstream_conn);
        loop_turn(f->engine.loop, 1);
    } while (result == REQUEST_BODY_WAITS);
    assert_int_equal(result, REQUEST_BODY_NO_FILE);
    request_body_deinit(b);
}

/* --- files with names ------------------------------------------------------------------------- */

static void take_into_named_file(struct fixture *f, enum body_file_naming naming, bool stays)
{
    struct request_body *b;

    f->location.settings.client_body_in_file_only = naming;
    b = taken(f, 5);
    assert_true(b->name.len > 0);
    assert_sent(f, b, pattern(5), 5);
    request_body_deinit(b);
    assert_int_equal(access(b->name.data, F_OK), stays ? 0 : -1);
    (void)unlink(b->name.data);
}

static void a_file_with_a_name_stays_or_goes(void **state)
{
    take_into_named_file(*state, BODY_FILE_KEPT, true);
    take_into_named_file(*state, BODY_FILE_CLEAN, false);
}

#define BODY_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BODY_TEST(a_body_of_the_buffer_stays_in_memory),
        BODY_TEST(one_byte_more_goes_to_a_file),
        BODY_TEST(what_is_announced_may_be_a_quarter_longer),
        BODY_TEST(a_text_of_several_chunks_is_joined),
        BODY_TEST(an_empty_body_is_whole_at_once),
        BODY_TEST(a_body_can_be_sent_again),
        BODY_TEST(a_try_may_end_while_the_file_is_read),
        BODY_TEST(a_chunk_that_was_read_is_given_back),
        BODY_TEST(a_client_that_ends_cuts_it),
        BODY_TEST(a_body_may_be_as_long_as_the_limit),
        BODY_TEST(what_is_no_chunk_is_bad),
        BODY_TEST(chunks_may_run_out),
        BODY_TEST(a_folder_that_is_not_there_is_named),
        BODY_TEST(a_folder_that_nobody_named_may_be_another_one),
        BODY_TEST(a_disk_that_is_full_is_told),
        BODY_TEST(a_file_that_became_shorter_is_told),
        BODY_TEST(a_file_with_a_name_stays_or_goes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
