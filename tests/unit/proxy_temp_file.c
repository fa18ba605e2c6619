/* Tests of proxy/temp_file: files without a name, and with one that nothing else has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "proxy/temp_file.h"

static void a_file_has_no_name(void **state)
{
    int fd = temp_file_open(SPAN("/tmp"));
    struct stat st;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_nlink, 0);
    assert_int_equal(st.st_mode, S_IFREG | 0600);
    assert_int_equal(write(fd, "a", 1), 1);
    assert_int_equal(close(fd), 0);
}

/* devpts makes no such files, nor any with a name. */
static void a_file_system_may_refuse(void **state)
{
    (void)state;
    assert_int_equal(temp_file_open(SPAN("/no/where")), -ENOENT);
    assert_true(temp_file_open(SPAN("/proc/self")) < 0);
}

static void a_name_stands_below_its_levels(void **state)
{
    char folder[] = "/tmp/temp_file.XXXXXX";
    struct body_files files = {.levels = {1, 2}};
    struct arena a;
    struct span name;
    struct stat st;
    int fd;

    (void)state;
    assert_non_null(mkdtemp(folder));
    files.folder = span_of_cstr(folder);
    arena_init(&a, 4096, 0);
    fd = temp_file_open_named(&files, &a, &name);
    assert_true(fd >= 0);
    assert_int_equal(name.len, strlen(folder) + strlen("/1/23/0123456789"));
    assert_int_equal(name.data[strlen(folder) + 1], name.data[name.len - 1]);
    assert_memory_equal(name.data + strlen(folder) + 3, name.data + name.len - 3, 2);
    assert_int_equal(stat(name.data, &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0600);
    close(fd);
    assert_int_equal(unlink(name.data), 0);
    *strrchr((char *)(uintptr_t)name.data, '/') = '\0';
    assert_int_equal(rmdir(name.data), 0);
    *strrchr((char *)(uintptr_t)name.data, '/') = '\0';
    assert_int_equal(rmdir(name.data), 0);
    assert_int_equal(rmdir(folder), 0);
    arena_deinit(&a);
}

static void a_missing_folder_is_an_error(void **state)
{
    const struct body_files files = {.folder = SPAN("/no/where"), .levels = {1}};
    struct arena a;
    struct span name;

    (void)state;
    arena_init(&a, 4096, 0);
    assert_int_equal(temp_file_open_named(&files, &a, &name), -ENOENT);
    arena_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_has_no_name),
        cmocka_unit_test(a_file_system_may_refuse),
        cmocka_unit_test(a_name_stands_below_its_levels),
        cmocka_unit_test(a_missing_folder_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
