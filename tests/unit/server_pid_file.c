/* Tests of server/pid_file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/pid_file.h"

struct home {
    char folder[64];
    char path[128];
    char error[512];
};

static void open_home(struct home *h, const char *name)
{
    snprintf(h->folder, sizeof(h->folder), "/tmp/ringway-pid-XXXXXX");
    assert_non_null(mkdtemp(h->folder));
    snprintf(h->path, sizeof(h->path), "%s/%s", h->folder, name);
    h->error[0] = '\0';
}

static void close_home(struct home *h)
{
    char command[256];

    snprintf(command, sizeof(command), "rm -r %s", h->folder);
    assert_int_equal(system(command), 0);
}

static void put(const struct home *h, const char *text)
{
    FILE *file = fopen(h->path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void what_is_written_is_read(void **state)
{
    struct home h;
    pid_t pid = 0;

    (void)state;
    open_home(&h, "a.pid");
    assert_int_equal(pid_file_write(span_of_cstr(h.path), h.error, sizeof(h.error)), 0);
    assert_int_equal(pid_file_read(span_of_cstr(h.path), &pid, h.error, sizeof(h.error)), 0);
    assert_int_equal(pid, getpid());
    pid_file_remove(span_of_cstr(h.path));
    assert_int_equal(access(h.path, F_OK), -1);
    close_home(&h);
}

static void missing_folder_is_made(void **state)
{
    struct home h;

    (void)state;
    open_home(&h, "logs/a.pid");
    assert_int_equal(pid_file_write(span_of_cstr(h.path), h.error, sizeof(h.error)), 0);
    assert_int_equal(access(h.path, F_OK), 0);
    close_home(&h);
}

static void file_that_cannot_be_written_is_named(void **state)
{
    struct home h;

    (void)state;
    open_home(&h, "one/two/a.pid");
    assert_int_equal(pid_file_write(span_of_cstr(h.path), h.error, sizeof(h.error)), -ENOENT);
    assert_non_null(strstr(h.error, h.path));
    assert_non_null(strstr(h.error, "No such file"));
    close_home(&h);
}

static void no_number_is_no_process(void **state)
{
    static const char *const texts[] = {
        "", "\n", "x\n", "-5\n", "0\n", "1\n", "12 \n", "99999999999999999999\n", "4294967299\n"};
    struct home h;
    pid_t pid;

    (void)state;
    open_home(&h, "a.pid");
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        put(&h, texts[i]);
        assert_int_equal(pid_file_read(span_of_cstr(h.path), &pid, h.error, sizeof(h.error)),
                         -EINVAL);
        assert_non_null(strstr(h.error, "invalid PID number"));
        assert_non_null(strstr(h.error, h.path));
    }
    close_home(&h);
}

static void file_of_another_process_stays(void **state)
{
    struct home h;

    (void)state;
    open_home(&h, "a.pid");
    put(&h, "4194305\n");
    pid_file_remove(span_of_cstr(h.path));
    assert_int_equal(access(h.path, F_OK), 0);
    close_home(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(missing_folder_is_made),
        cmocka_unit_test(file_that_cannot_be_written_is_named),
        cmocka_unit_test(no_number_is_no_process),
        cmocka_unit_test(file_of_another_process_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
