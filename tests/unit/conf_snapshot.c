/* Tests of conf/snapshot: counting, and log files that are opened and opened again. */
#include "../conf_folder.h"

#include <errno.h>
#include <fcntl.h>

#define ERROR_BYTES 256

/* A snapshot of files that the test lists. */
struct logs {
    struct snapshot *s;
    struct log_file files[3];
    struct log_file *all[3];
    struct log_target targets[2];
    struct log_use uses[2];
    char paths[3][128];
    char error[ERROR_BYTES];
};

static void logs_init(struct logs *l)
{
    memset(l, 0, sizeof(*l));
    l->s = calloc(1, sizeof(*l->s));
    assert_non_null(l->s);
    atomic_init(&l->s->ref_count, 1);
    arena_init(&l->s->arena, 4096, 0);
    l->s->log_files = l->all;
    l->s->log_uses = l->uses;
}

static struct log_file *logs_add(struct logs *l, const struct conf_folder *f, const char *name)
{
    size_t i = l->s->log_file_count++;

    if (name)
        snprintf(l->paths[i], sizeof(l->paths[i]), "%s/%s", f->path, name);
    l->all[i] = &l->files[i];
    l->files[i] = (struct log_file){.path = span_of_cstr(l->paths[i]), .fd = -1};
    return &l->files[i];
}

static void assert_text(const char *path, const char *text)
{
    char got[64] = "";
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    (void)fread(got, 1, sizeof(got) - 1, file);
    fclose(file);
    assert_string_equal(got, text);
}

/* --- counting ------------------------------------------------------------------------------- */

static void the_last_reference_frees_and_closes(void **state)
{
    struct logs l;
    int fd;

    logs_init(&l);
    logs_add(&l, *state, "a.log");
    assert_int_equal(snapshot_open_logs(l.s, l.error, sizeof(l.error)), 0);
    fd = l.files[0].fd;
    assert_ptr_equal(snapshot_ref(l.s), l.s);
    snapshot_unref(l.s);
    assert_true(fcntl(fd, F_GETFD) >= 0);
    snapshot_unref(l.s);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_int_equal(errno, EBADF);
    snapshot_unref(NULL);
}

static void standard_error_stays_open(void **state)
{
    struct logs l;

    logs_init(&l);
    logs_add(&l, *state, NULL);
    assert_int_equal(snapshot_open_logs(l.s, l.error, sizeof(l.error)), 0);
    assert_int_equal(l.files[0].fd, STDERR_FILENO);
    assert_int_equal(snapshot_reopen_logs(l.s, l.error, sizeof(l.error)), 0);
    snapshot_unref(l.s);
    assert_true(fcntl(STDERR_FILENO, F_GETFD) >= 0);
}

/* --- opening -------------------------------------------------------------------------------- */

static void files_are_made_and_appended_to(void **state)
{
    const struct conf_folder *f = *state;
    mode_t mask = umask(0);
    struct stat st;
    struct logs l;

    folder_put(f, "old.log", "old\n");
    logs_init(&l);
    logs_add(&l, f, "new.log");
    logs_add(&l, f, "old.log");
    assert_int_equal(snapshot_open_logs(l.s, l.error, sizeof(l.error)), 0);
    umask(mask);
    assert_int_equal(stat(l.paths[0], &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
    assert_int_equal(write(l.files[1].fd, "new\n", 4), 4);
    assert_text(l.paths[1], "old\nnew\n");
    assert_true(fcntl(l.files[0].fd, F_GETFD) & FD_CLOEXEC);
    snapshot_unref(l.s);
}

static void targets_get_the_descriptors_of_their_files(void **state)
{
    struct logs l;

    logs_init(&l);
    l.uses[0] = (struct log_use){&l.targets[0], logs_add(&l, *state, "a.log")};
    l.uses[1] = (struct log_use){&l.targets[1], logs_add(&l, *state, "b.log")};
    l.s->log_use_count = 2;
    assert_int_equal(snapshot_open_logs(l.s, l.error, sizeof(l.error)), 0);
    assert_int_equal(l.targets[0].fd, l.files[0].fd);
    assert_int_equal(l.targets[1].fd, l.files[1].fd);
    assert_int_not_equal(l.targets[0].fd, l.targets[1].fd);
    snapshot_unref(l.s);
}

static void a_file_that_cannot_be_opened_is_named(void **state)
{
    char line[ERROR_BYTES];
    struct logs l;

    logs_init(&l);
    logs_add(&l, *state, "none/a.log");
    assert_int_equal(snapshot_open_logs(l.s, l.error, sizeof(l.error)), -ENOENT);
    snprintf(line, sizeof(line), "open() \"%s\" failed (2: No such file or directory)", l.paths[0]);
    assert_string_equal(l.error, line);
    snapshot_unref(l.s);
}

static void only_a_default_gets_its_directory(void **state)
{
    struct stat st;
    struct logs l;

    logs_init(&l);
    logs_add(&l, *state, "logs/a.log")->is_preset = true;
    assert_int_equal(snapshot_open_logs(l.s, l.error, sizeof(l.error)), 0);
    assert_int_equal(stat(l.paths[0], &st), 0);
    snapshot_unref(l.s);
    logs_init(&l);
    logs_add(&l, *state, "one/two/a.log")->is_preset = true; /* one directory is made, not two */
    assert_int_equal(snapshot_open_logs(l.s, l.error, sizeof(l.error)), -ENOENT);
    snapshot_unref(l.s);
}

/* --- opening again -------------------------------------------------------------------------- */

static void opening_again_keeps_the_descriptor(void **state)
{
    char moved[160];
    struct logs l;
    int fd;

    logs_init(&l);
    logs_add(&l, *state, "a.log");
    assert_int_equal(snapshot_open_logs(l.s, l.error, sizeof(l.error)), 0);
    fd = l.files[0].fd;
    assert_int_equal(write(fd, "1\n", 2), 2);
    snprintf(moved, sizeof(moved), "%s.1", l.paths[0]);
    assert_int_equal(rename(l.paths[0], moved), 0);
    assert_int_equal(snapshot_reopen_logs(l.s, l.error, sizeof(l.error)), 0);
    assert_int_equal(l.files[0].fd, fd);
    assert_int_equal(write(fd, "2\n", 2), 2);
    assert_text(moved, "1\n");
    assert_text(l.paths[0], "2\n");
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    snapshot_unref(l.s);
}

static void a_file_that_cannot_be_opened_again_stays_as_it_was(void **state)
{
    const struct conf_folder *f = *state;
    char moved[160], folder[96];
    struct logs l;

    folder_put_folder(f, "logs");
    logs_init(&l);
    logs_add(&l, f, "logs/a.log");
    logs_add(&l, f, "b.log");
    assert_int_equal(snapshot_open_logs(l.s, l.error, sizeof(l.error)), 0);
    snprintf(folder, sizeof(folder), "%s/logs", f->path);
    snprintf(moved, sizeof(moved), "%s/moved", f->path);
    assert_int_equal(rename(folder, moved), 0);
    assert_int_equal(unlink(l.paths[1]), 0);
    assert_int_equal(snapshot_reopen_logs(l.s, l.error, sizeof(l.error)), -ENOENT);
    assert_non_null(strstr(l.error, "logs/a.log\" failed (2: "));
    assert_int_equal(write(l.files[0].fd, "1\n", 2), 2);
    snprintf(moved, sizeof(moved), "%s/moved/a.log", f->path);
    assert_text(moved, "1\n");
    assert_text(l.paths[1], ""); /* the others are opened all the same */
    snapshot_unref(l.s);
}

static void a_file_that_was_never_opened_stays_closed(void **state)
{
    struct stat st;
    struct logs l;

    logs_init(&l);
    logs_add(&l, *state, "a.log");
    assert_int_equal(snapshot_reopen_logs(l.s, l.error, sizeof(l.error)), 0);
    assert_int_equal(l.files[0].fd, -1);
    assert_int_equal(stat(l.paths[0], &st), -1);
    snapshot_unref(l.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(the_last_reference_frees_and_closes),
        FOLDER_TEST(standard_error_stays_open),
        FOLDER_TEST(files_are_made_and_appended_to),
        FOLDER_TEST(targets_get_the_descriptors_of_their_files),
        FOLDER_TEST(a_file_that_cannot_be_opened_is_named),
        FOLDER_TEST(only_a_default_gets_its_directory),
        FOLDER_TEST(opening_again_keeps_the_descriptor),
        FOLDER_TEST(a_file_that_cannot_be_opened_again_stays_as_it_was),
        FOLDER_TEST(a_file_that_was_never_opened_stays_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
