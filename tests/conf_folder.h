/* conf_folder - a folder of files for one test. */
#ifndef RINGWAY_TESTS_CONF_FOLDER_H
#define RINGWAY_TESTS_CONF_FOLDER_H

#include <ftw.h>
#include <sys/stat.h>

#include "conf_text.h"

struct conf_folder {
    char path[64];
};

static int folder_set_up(void **state)
{
    struct conf_folder *f = malloc(sizeof(*f));

    assert_non_null(f);
    strcpy(f->path, "/tmp/ringway-conf-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    *state = f;
    return 0;
}

static int folder_remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

static int folder_tear_down(void **state)
{
    struct conf_folder *f = *state;

    assert_int_equal(nftw(f->path, folder_remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
    free(f);
    return 0;
}

#define FOLDER_TEST(name) cmocka_unit_test_setup_teardown(name, folder_set_up, folder_tear_down)

/* A file of the folder. */
static void folder_put(const struct conf_folder *f, const char *name, const char *text)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", f->path, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static inline void folder_put_folder(const struct conf_folder *f, const char *name)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", f->path, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

/* Reads "main.conf" of the folder; the log names files without the folder. */
static void folder_read(const struct conf_folder *f, struct conf_text *t)
{
    char path[128], *at;
    size_t len = strlen(f->path) + 1;

    snprintf(path, sizeof(path), "%s/main.conf", f->path);
    conf_text_build_with(t, &(struct build_options){.path = path, .prefix = f->path});
    while ((at = strstr(t->log, f->path)))
        memmove(at, at + len, strlen(at + len) + 1);
}

/* The main file must be refused with a log that is just this line. */
static inline void folder_assert_refused(const struct conf_folder *f, const char *line)
{
    struct conf_text t;
    char whole[CONF_LOG_BYTES];

    folder_read(f, &t);
    snprintf(whole, sizeof(whole), "[emerg] %s\n", line);
    assert_string_equal(t.log, whole);
    assert_int_equal(t.rc, -EINVAL);
}

#endif
