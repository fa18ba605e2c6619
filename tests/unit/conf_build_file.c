/* Tests of conf/build_file: files of certificates, keys and passwords, and those it refuses. */
#include "../draft_fixture.h"

#include <sys/stat.h>

#include "conf/build_file.h"

struct file {
    char path[64];
    struct word word;
};

/* A file of these bytes; the caller removes it. */
static void put(struct file *f, struct span bytes)
{
    int fd;

    strcpy(f->path, "/tmp/ringway-file-XXXXXX");
    fd = mkstemp(f->path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.data, bytes.len), bytes.len);
    close(fd);
    f->word = (struct word){span_of_cstr(f->path), {SPAN("t.conf"), 5}};
}

static void said_of(struct draft *d, const struct file *f, const char *what)
{
    char line[256];

    snprintf(line, sizeof(line), "[emerg] \"ssl_crl\" \"%s\"%s in t.conf:5", f->path, what);
    draft_assert_said(d, line);
}

static void all_bytes_of_a_file_are_read(void **state)
{
    struct draft *d = *state;
    struct span text;
    struct file f;

    put(&f, span_of("a\0b\n", 4));
    assert_int_equal(conf_read_file(&d->c, &f.word, "ssl_crl", &text), 0);
    assert_int_equal(text.len, 4);
    assert_memory_equal(text.data, "a\0b\n", 5); /* and a NUL behind them */
    draft_assert_said(d, "");
    unlink(f.path);
}

static void a_file_is_read_once(void **state)
{
    struct draft *d = *state;
    struct span first, again;
    struct file f;

    put(&f, SPAN("a"));
    assert_int_equal(conf_read_file(&d->c, &f.word, "ssl_crl", &first), 0);
    unlink(f.path);
    assert_int_equal(conf_read_file(&d->c, &f.word, "ssl_crl", &again), 0);
    assert_ptr_equal(first.data, again.data);
    assert_int_equal(again.len, 1);
    assert_int_equal(d->c.files.count, 1);
}

static void a_file_that_is_not_there_is_named(void **state)
{
    struct draft *d = *state;
    struct span text;
    struct file f;

    put(&f, SPAN("a"));
    assert_true(conf_file_is_there(&d->c, f.word.text));
    unlink(f.path);
    assert_false(conf_file_is_there(&d->c, f.word.text));
    assert_int_equal(conf_read_file(&d->c, &f.word, "ssl_crl", &text), -EINVAL);
    said_of(d, &f, ": open() failed (2: No such file or directory)");
    assert_int_equal(d->c.files.count, 0);
}

static void an_empty_file_is_an_error(void **state)
{
    struct draft *d = *state;
    struct span text;
    struct file f;

    put(&f, SPAN(""));
    assert_int_equal(conf_read_file(&d->c, &f.word, "ssl_crl", &text), -EINVAL);
    said_of(d, &f, " is empty");
    unlink(f.path);
}

static void a_folder_or_a_pipe_is_no_file(void **state)
{
    struct draft *d = *state;
    struct span text;
    struct file f;

    put(&f, SPAN("a"));
    unlink(f.path);
    assert_int_equal(mkdir(f.path, 0700), 0);
    assert_int_equal(conf_read_file(&d->c, &f.word, "ssl_crl", &text), -EINVAL);
    said_of(d, &f, " is not a file of at most 16777216 bytes");
    assert_int_equal(rmdir(f.path), 0);
    assert_int_equal(mkfifo(f.path, 0600), 0);
    assert_int_equal(conf_read_file(&d->c, &f.word, "ssl_crl", &text), -EINVAL); /* at once */
    said_of(d, &f, " is not a file of at most 16777216 bytes");
    unlink(f.path);
}

static void a_file_has_a_largest_size(void **state)
{
    struct draft *d = *state;
    struct span text;
    struct file f;

    put(&f, SPAN("a"));
    assert_int_equal(truncate(f.path, BUILD_FILE_BYTES_MAX + 1), 0);
    assert_int_equal(conf_read_file(&d->c, &f.word, "ssl_crl", &text), -EINVAL);
    said_of(d, &f, " is not a file of at most 16777216 bytes");
    assert_int_equal(truncate(f.path, BUILD_FILE_BYTES_MAX), 0);
    assert_int_equal(conf_read_file(&d->c, &f.word, "ssl_crl", &text), 0);
    assert_int_equal(text.len, BUILD_FILE_BYTES_MAX);
    unlink(f.path);
}

static void nothing_is_read_where_nothing_may_be(void **state)
{
    struct draft *d = *state;
    struct span text;
    struct file f;

    put(&f, SPAN("a"));
    d->c.options.reads_nothing = true;
    assert_false(conf_file_is_there(&d->c, f.word.text));
    assert_int_equal(conf_read_file(&d->c, &f.word, "ssl_crl", &text), -EINVAL);
    said_of(d, &f, ": open() failed (2: No such file or directory)");
    unlink(f.path);
}

static void memory_at_its_end_is_said(void **state)
{
    struct draft *d = *state;
    struct span text;
    struct file f;

    put(&f, SPAN("a"));
    d->c.arena->total_bytes_max = 1;
    assert_int_equal(conf_read_file(&d->c, &f.word, "ssl_crl", &text), -ENOMEM);
    draft_assert_said(d, "[emerg] no memory left to build the configuration");
    unlink(f.path);
}

static void each_line_is_a_password(void **state)
{
    static const char *const expected[] = {"one", " two ", "three"};
    struct draft *d = *state;
    struct tls_passwords out;
    struct file f;

    put(&f, SPAN("one\n\r\n\n two \r\nthree"));
    assert_int_equal(conf_read_passwords(&d->c, &f.word, "ssl_crl", &out), 0);
    assert_int_equal(out.count, COUNT_OF(expected));
    for (size_t i = 0; i < COUNT_OF(expected); i++)
        assert_true(span_equals(out.list[i], span_of_cstr(expected[i])));
    unlink(f.path);
}

static void without_a_path_there_are_no_passwords(void **state)
{
    struct draft *d = *state;
    struct tls_passwords out = {.count = 7};

    assert_int_equal(conf_read_passwords(&d->c, &(struct word){.text = SPAN("")}, "x", &out), 0);
    assert_int_equal(out.count, 0);
    draft_assert_said(d, "");
}

static void a_password_file_that_is_not_there_is_named(void **state)
{
    struct draft *d = *state;
    struct tls_passwords out;
    struct file f;

    put(&f, SPAN("a"));
    unlink(f.path);
    assert_int_equal(conf_read_passwords(&d->c, &f.word, "ssl_crl", &out), -EINVAL);
    said_of(d, &f, ": open() failed (2: No such file or directory)");
}

static void passwords_need_memory_for_the_file_and_for_the_list(void **state)
{
    struct draft *d = *state;
    struct tls_passwords out;
    int rc = -ENOMEM;
    struct file f;

    put(&f, SPAN("one\ntwo"));
    for (size_t bytes = 0; rc; bytes += 16) {
        assert_true(bytes < 4096);
        d->c.files = (struct vector){0};
        draft_leave_bytes(d, bytes);
        rc = conf_read_passwords(&d->c, &f.word, "ssl_crl", &out);
        if (rc) {
            assert_int_equal(rc, -ENOMEM);
            draft_assert_said(d, "[emerg] no memory left to build the configuration");
        }
    }
    assert_int_equal(out.count, 2);
    unlink(f.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DRAFT_TEST(all_bytes_of_a_file_are_read),
        DRAFT_TEST(a_file_is_read_once),
        DRAFT_TEST(a_file_that_is_not_there_is_named),
        DRAFT_TEST(an_empty_file_is_an_error),
        DRAFT_TEST(a_folder_or_a_pipe_is_no_file),
        DRAFT_TEST(a_file_has_a_largest_size),
        DRAFT_TEST(nothing_is_read_where_nothing_may_be),
        DRAFT_TEST(memory_at_its_end_is_said),
        DRAFT_TEST(each_line_is_a_password),
        DRAFT_TEST(without_a_path_there_are_no_passwords),
        DRAFT_TEST(a_password_file_that_is_not_there_is_named),
        DRAFT_TEST(passwords_need_memory_for_the_file_and_for_the_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
