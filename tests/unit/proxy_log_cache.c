/* Tests of proxy/log_cache. */
#include "../record_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "proxy/log_cache.h"

#define PATH_BYTES 64

static const struct log_cache_conf two_files = {
    .files_max = 2, .inactive_ms = 1000, .valid_ms = 1000, .uses_min = 1};

struct folder {
    struct fixture *fixture;
    char path[PATH_BYTES];
    char names[4][PATH_BYTES + 8];
};

static int set_up_folder(void **state)
{
    struct folder *d = calloc(1, sizeof(*d));

    (void)set_up(state);
    d->fixture = *state;
    strcpy(d->path, "/tmp/ringway-logs-XXXXXX");
    assert_non_null(mkdtemp(d->path));
    for (size_t i = 0; i < 4; i++)
        sprintf(d->names[i], "%s/%zu", d->path, i);
    log_cache_init(&d->fixture->engine);
    *state = d;
    return 0;
}

static int tear_down_folder(void **state)
{
    struct folder *d = *state;

    log_cache_deinit(&d->fixture->engine);
    for (size_t i = 0; i < 4; i++)
        (void)unlink(d->names[i]);
    assert_int_equal(rmdir(d->path), 0);
    *state = d->fixture;
    free(d);
    return tear_down(state);
}

static struct log_file *taken(struct folder *d, size_t i, const struct log_cache_conf *conf)
{
    struct log_file *f = log_cache_take(&d->fixture->engine, span_of_cstr(d->names[i]), conf);

    assert_non_null(f);
    assert_true(f->fd >= 0);
    return f;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* The loop's clock moves with its turns. */
static void pass_ms(struct folder *d, unsigned ms)
{
    uint64_t begun_ms = loop_now_ms(d->fixture->engine.loop);

    while (loop_now_ms(d->fixture->engine.loop) < begun_ms + ms)
        loop_turn(d->fixture->engine.loop, 1);
}

static void without_a_cache_a_file_is_open_while_it_is_held(void **state)
{
    struct folder *d = *state;
    struct engine *e = &d->fixture->engine;
    struct log_file *f = taken(d, 0, NULL);
    int fd = f->fd;

    assert_ptr_equal(taken(d, 0, NULL), f);
    log_cache_hold(f);
    log_cache_release(e, f);
    log_cache_release(e, f);
    assert_true(is_open(fd));
    log_cache_release(e, f);
    assert_false(is_open(fd));
    assert_int_equal(e->log_file_count, 0);
}

static void a_cached_file_stays_open(void **state)
{
    struct folder *d = *state;
    struct engine *e = &d->fixture->engine;
    struct log_file *f = taken(d, 0, &two_files);

    log_cache_release(e, f);
    assert_true(is_open(f->fd));
    assert_ptr_equal(taken(d, 0, &two_files), f);
    log_cache_release(e, f);
}

static void the_oldest_file_goes_beyond_the_limit(void **state)
{
    struct folder *d = *state;
    struct engine *e = &d->fixture->engine;
    int fds[3];

    for (size_t i = 0; i < 2; i++) {
        struct log_file *f = taken(d, i, &two_files);

        fds[i] = f->fd;
        log_cache_release(e, f);
    }
    assert_int_equal(e->log_file_count, 2);
    log_cache_release(e, taken(d, 0, &two_files)); /* now 1 is the oldest */
    log_cache_release(e, taken(d, 2, &two_files));
    assert_int_equal(e->log_file_count, 2);
    assert_true(is_open(fds[0]));
}

static void files_that_were_held_count_when_they_are_released(void **state)
{
    struct folder *d = *state;
    struct engine *e = &d->fixture->engine;
    struct log_file *held[3];

    for (size_t i = 0; i < 3; i++)
        held[i] = taken(d, i, &two_files);
    assert_int_equal(e->log_file_count, 3);
    for (size_t i = 0; i < 3; i++)
        log_cache_release(e, held[i]);
    assert_int_equal(e->log_file_count, 2);
}

static void a_file_that_is_not_used_goes(void **state)
{
    struct folder *d = *state;
    struct engine *e = &d->fixture->engine;
    struct log_cache_conf briefly = two_files;

    briefly.inactive_ms = 10;
    log_cache_release(e, taken(d, 0, &briefly));
    pass_ms(d, 10);
    log_cache_release(e, taken(d, 1, &briefly));
    assert_int_equal(e->log_file_count, 1);
}

static void a_file_is_kept_open_from_its_least_uses_on(void **state)
{
    struct log_cache_conf twice = two_files;
    struct folder *d = *state;
    struct engine *e = &d->fixture->engine;
    struct log_file *f;

    twice.uses_min = 2;
    f = taken(d, 0, &twice);
    log_cache_release(e, f);
    assert_int_equal(f->fd, -1);
    assert_ptr_equal(taken(d, 0, &twice), f);
    log_cache_release(e, f);
    assert_true(is_open(f->fd));
}

static void a_file_that_was_moved_is_noticed_in_time(void **state)
{
    struct folder *d = *state;
    struct engine *e = &d->fixture->engine;
    struct log_cache_conf lasting = two_files;
    struct log_file *f;

    lasting.inactive_ms = 100000;
    lasting.valid_ms = 50;
    f = taken(d, 0, &lasting);
    log_cache_release(e, f);
    assert_int_equal(rename(d->names[0], d->names[1]), 0);
    assert_ptr_equal(taken(d, 0, &lasting), f);
    log_cache_release(e, f);
    assert_int_equal(access(d->names[0], F_OK), -1);
    pass_ms(d, 50);
    log_cache_release(e, taken(d, 0, &lasting));
    assert_int_equal(access(d->names[0], F_OK), 0);
    assert_int_equal(e->log_file_count, 1);
}

static void what_cannot_be_opened_says_why(void **state)
{
    struct folder *d = *state;
    struct engine *e = &d->fixture->engine;

    assert_null(log_cache_take(e, span_of_cstr(d->path), NULL));
    assert_int_equal(errno, EISDIR);
    assert_null(log_cache_take(e, SPAN("/tmp/a\0b"), NULL));
    assert_int_equal(errno, EINVAL);
    assert_null(log_cache_take(e, SPAN(""), &two_files));
    assert_int_equal(e->log_file_count, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up_folder, tear_down_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_a_cache_a_file_is_open_while_it_is_held),
        TEST(a_cached_file_stays_open),
        TEST(the_oldest_file_goes_beyond_the_limit),
        TEST(files_that_were_held_count_when_they_are_released),
        TEST(a_file_that_is_not_used_goes),
        TEST(a_file_is_kept_open_from_its_least_uses_on),
        TEST(a_file_that_was_moved_is_noticed_in_time),
        TEST(what_cannot_be_opened_says_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
