/* Tests of server/source: where paths start, and what is built from a file or from flags. */
#include "../child.h"
#include "../command_line.h"
#include "../conf_folder.h"
#include "../failing_memory.h"

#include "server/source.h"

#define A_SERVER "events {}\nhttp { server { listen 8080; } }\n"

/* Enters the folder and puts its complete path, which may have other names than it was made by,
 * in its place. */
static void enter(struct conf_folder *f)
{
    assert_int_equal(chdir(f->path), 0);
    assert_non_null(getcwd(f->path, sizeof(f->path)));
}

static void leave(void)
{
    assert_int_equal(chdir("/"), 0);
}

/* Texts with each "@" as the folder. */
static const char *in_folder(const struct conf_folder *f, const char *text, char out[1024])
{
    size_t len = 0;

    for (; *text; text++)
        len += (size_t)(*text == '@' ? snprintf(out + len, 1024 - len, "%s", f->path)
                                     : snprintf(out + len, 1024 - len, "%c", *text));
    assert_true(len < 1024);
    return out;
}

static void start(struct source *s, struct called *c, const char *line)
{
    char error[OPTIONS_ERROR_BYTES] = "";

    call_taken(c, line);
    if (source_init(s, &c->o, error))
        fail_msg("\"%s\": %s", line, error);
}

/* Refused with just this line, and nothing is left. */
static void assert_not_started(const char *line, const char *why)
{
    char error[OPTIONS_ERROR_BYTES] = "";
    struct source s;
    struct called c;

    call_taken(&c, line);
    assert_int_equal(source_init(&s, &c.o, error), -EINVAL);
    assert_string_equal(error, why);
    assert_null(s.prefix);
    assert_null(s.conf_path);
    assert_null(s.standalone.text);
}

static void build(const struct source *s, bool is_test, struct conf_text *t)
{
    int fd = memfd_create("log", MFD_CLOEXEC);
    struct log_target target = {.fd = fd, .level = LOG_LEVEL_NOTICE, .is_startup = true};
    struct log log = {.targets = &target, .target_count = 1};

    assert_true(fd >= 0);
    t->rc = source_build(s, &log, is_test, &t->snapshot);
    conf_text_take_log(t, fd);
    close(fd);
    assert_int_equal(t->rc == 0, t->snapshot != NULL);
}

/* --- where it is ---------------------------------------------------------------------------- */

static void paths_start_at_the_prefix_or_where_the_file_is(void **state)
{
    static const struct {
        const char *line, *conf_path, *prefix;
    } rows[] = {
        {"ringway -c a.conf", "@/a.conf", "@/"},
        {"ringway -c etc/b.conf", "@/etc/b.conf", "@/etc/"},
        {"ringway -c @/etc/b.conf", "@/etc/b.conf", "@/etc/"},
        {"ringway -p etc", "@/etc/ringway.conf", "@/etc/"},
        {"ringway -p etc/", "@/etc/ringway.conf", "@/etc/"},
        {"ringway -p @/etc", "@/etc/ringway.conf", "@/etc/"},
        {"ringway -p @/etc/ -c b.conf", "@/etc/b.conf", "@/etc/"},
        {"ringway -p etc -c b.conf", "@/etc/b.conf", "@/etc/"},
        {"ringway -p etc -c @/a.conf", "@/a.conf", "@/etc/"},
        {"ringway -p / -c @/a.conf", "@/a.conf", "/"},
        {"ringway --listen 80 --upstream http://a", NULL, "@/"},
        {"ringway --listen 80 --upstream http://a -p etc", NULL, "@/etc/"},
        {"ringway --listen 80 --upstream http://a -p /", NULL, "/"},
    };
    struct conf_folder *f = *state;

    enter(f);
    folder_put_folder(f, "etc");
    folder_put(f, "a.conf", A_SERVER);
    folder_put(f, "etc/b.conf", A_SERVER);
    folder_put(f, "etc/ringway.conf", A_SERVER);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[1024];
        struct source s;
        struct called c;

        start(&s, &c, in_folder(f, rows[i].line, text));
        assert_string_equal(s.prefix, in_folder(f, rows[i].prefix, text));
        if (rows[i].conf_path) {
            assert_string_equal(s.conf_path, in_folder(f, rows[i].conf_path, text));
            assert_string_equal(source_name(&s), text);
            assert_null(s.standalone.text);
        } else {
            assert_null(s.conf_path);
            assert_string_equal(source_name(&s), "command line");
            assert_non_null(s.standalone.text);
        }
        source_deinit(&s);
    }
    leave();
}

static void an_empty_prefix_is_the_working_directory(void **state)
{
    struct conf_folder *f = *state;
    char text[1024], error[OPTIONS_ERROR_BYTES];
    struct options o = {.prefix = "", .conf_path = "a.conf"};
    struct source s;

    enter(f);
    folder_put(f, "a.conf", A_SERVER);
    assert_int_equal(source_init(&s, &o, error), 0);
    assert_string_equal(s.prefix, in_folder(f, "@/", text));
    source_deinit(&s);
    leave();
}

static void the_root_has_one_slash(void **state)
{
    struct conf_folder *f = *state;
    char line[128], error[OPTIONS_ERROR_BYTES];
    struct source s;
    struct called c;

    enter(f);
    folder_put(f, "a.conf", A_SERVER);
    leave();
    snprintf(line, sizeof(line), "ringway -c %s/a.conf", f->path + 1);
    start(&s, &c, line);
    assert_memory_equal(s.conf_path, f->path, strlen(f->path));
    source_deinit(&s);
    call_taken(&c, "ringway --listen 80 --upstream http://a");
    assert_int_equal(source_init(&s, &c.o, error), 0);
    assert_string_equal(s.prefix, "/");
    source_deinit(&s);
}

/* --- what is wrong with it ------------------------------------------------------------------ */

static void a_file_that_is_not_there_is_named(void **state)
{
    struct conf_folder *f = *state;
    char why[1024];

    enter(f);
    in_folder(f, "open() \"@/a.conf\" failed (2: No such file or directory)", why);
    assert_not_started("ringway -c a.conf", why);
    in_folder(f, "open() \"@/b/a.conf\" failed (2: No such file or directory)", why);
    assert_not_started("ringway -p b -c a.conf", why);
    leave();
}

static void without_c_it_is_said_how_to_name_a_file(void **state)
{
    static const char hint[] =
        " failed (2: No such file or directory); name a file with -c, or see ringway --help for "
        "running without";
    struct conf_folder *f = *state;
    char why[1024], text[1024];

    enter(f);
    folder_put_folder(f, "etc");
    snprintf(text, sizeof(text), "open() \"@/etc/ringway.conf\"%s", hint);
    assert_not_started("ringway -p etc", in_folder(f, text, why));
    leave();
    if (access(OPTIONS_CONF_PATH, F_OK) == 0)
        skip();
    snprintf(why, sizeof(why), "open() \"" OPTIONS_CONF_PATH "\"%s", hint);
    assert_not_started("ringway", why);
}

static void ask_for_a_secret_file(void *arg)
{
    const struct conf_folder *f = arg;
    char error[OPTIONS_ERROR_BYTES], why[1024], path[128];
    struct options o = {.conf_path = path};
    struct source s;

    snprintf(path, sizeof(path), "%s/a.conf", f->path);
    EXPECT(chmod(path, 0) == 0);
    EXPECT(chmod(f->path, 0755) == 0);
    lose_rights();
    EXPECT(source_init(&s, &o, error) == -EINVAL);
    in_folder(f, "open() \"@/a.conf\" failed (13: Permission denied)", why);
    EXPECT(strcmp(error, why) == 0);
}

static void a_file_that_may_not_be_read_is_named(void **state)
{
    folder_put(*state, "a.conf", A_SERVER);
    holds_in_child(ask_for_a_secret_file, *state);
}

static void wrong_flags_are_said(void **state)
{
    assert_not_started("ringway --listen 80 --upstream ftp://a",
                       "\"--upstream ftp://a\" does not begin with https:// or http://");
}

static void a_path_that_is_too_long_to_say_leaves_the_reason(void **state)
{
    char path[OPTIONS_ERROR_BYTES + 8], error[OPTIONS_ERROR_BYTES];
    struct options o = {.conf_path = path};
    struct source s;

    memset(path, '/', sizeof(path));
    strcpy(path + sizeof(path) - 2, "x");
    memset(error, 'x', sizeof(error));
    assert_int_equal(source_init(&s, &o, error), -EINVAL);
    assert_int_equal(strnlen(error, sizeof(error)), sizeof(error) - 1);
    assert_memory_equal(error, "open() \"//", 10);
    assert_non_null(strstr(error, "//x\" failed (2: No such file or directory)"));
}

/* Of flags the names of lines, which messages can do without. */
static void without_memory_nothing_is_left(void **state)
{
    static const struct {
        const char *line;
        size_t refused;
    } rows[] = {
        {"ringway -c a.conf", 3},
        {"ringway -p . -c a.conf", 4},
        {"ringway -p @/ -c @/a.conf", 3},
        {"ringway --listen 80 --upstream http://a -p .", 4},
    };
    struct conf_folder *f = *state;

    enter(f);
    folder_put(f, "a.conf", A_SERVER);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        bool has_failed = true;
        char line[1024];
        struct called c;
        size_t refused = 0;

        call_taken(&c, in_folder(f, rows[i].line, line));
        for (size_t others = 0; has_failed; others++) {
            char error[OPTIONS_ERROR_BYTES];
            struct source s;
            int rc;

            fail_text(others);
            rc = source_init(&s, &c.o, error);
            has_failed = end_failing_texts();
            if (rc) {
                assert_int_equal(rc, -ENOMEM);
                assert_string_equal(error, "no memory left to read the command line");
                assert_null(s.prefix);
                assert_null(s.conf_path);
                refused++;
            } else {
                source_deinit(&s);
            }
        }
        assert_int_equal(refused, rows[i].refused);
    }
    leave();
}

/* --- without a working directory ------------------------------------------------------------ */

/* Enters a folder that is not there any more. */
static void lose_folder(const struct conf_folder *f)
{
    char path[128];

    folder_put_folder(f, "gone");
    snprintf(path, sizeof(path), "%s/gone", f->path);
    assert_int_equal(chdir(path), 0);
    assert_int_equal(rmdir(path), 0);
}

static void complete_paths_need_no_working_directory(void **state)
{
    static const char *const lines[] = {
        "ringway -c @/a.conf",
        "ringway -p / -c @/a.conf",
        "ringway -p @ -c a.conf",
        "ringway -p / --listen 80 --upstream http://a",
    };
    struct conf_folder *f = *state;

    folder_put(f, "a.conf", A_SERVER);
    lose_folder(f);
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        char line[1024];
        struct source s;
        struct called c;

        start(&s, &c, in_folder(f, lines[i], line));
        source_deinit(&s);
    }
    leave();
}

static void what_starts_at_no_working_directory_is_refused(void **state)
{
    static const char why[] = "getcwd() failed (2: No such file or directory)";
    struct conf_folder *f = *state;
    char line[1024];

    lose_folder(f);
    assert_not_started("ringway -c a.conf", why);
    assert_not_started("ringway -p a", why);
    assert_not_started("ringway --listen 80 --upstream http://a", why);
    assert_not_started(in_folder(f, "ringway -p a -c @/a.conf", line), why);
    leave();
}

/* --- what is built -------------------------------------------------------------------------- */

static void a_file_is_built_with_its_prefix(void **state)
{
    struct conf_folder *f = *state;
    struct conf_text t;
    struct source s;
    struct called c;
    char text[1024];

    enter(f);
    folder_put_folder(f, "etc");
    folder_put(f, "etc/a.conf", "pid x.pid;\n" A_SERVER);
    start(&s, &c, "ringway -c etc/a.conf");
    leave(); /* it holds wherever the process is */
    build(&s, false, &t);
    assert_string_equal(t.log, "");
    assert_string_equal(t.snapshot->main.pid_path.data, in_folder(f, "@/etc/x.pid", text));
    assert_int_equal(t.snapshot->generation, 1);
    assert_int_equal(t.snapshot->listen_count, 1);
    conf_text_deinit(&t);
    source_deinit(&s);
}

static void each_build_reads_the_file_again(void **state)
{
    struct conf_folder *f = *state;
    struct conf_text t;
    struct source s;
    struct called c;
    char text[1024];

    enter(f);
    folder_put(f, "a.conf", A_SERVER);
    start(&s, &c, "ringway -c a.conf");
    build(&s, false, &t);
    assert_int_equal(t.rc, 0);
    conf_text_deinit(&t);
    folder_put(f, "a.conf", "events {}\nfoo;\n");
    build(&s, false, &t);
    assert_int_equal(t.rc, -EINVAL);
    assert_string_equal(t.log,
                        in_folder(f, "[emerg] unknown directive \"foo\" in @/a.conf:2\n", text));
    folder_put(f, "a.conf", A_SERVER);
    build(&s, false, &t);
    assert_int_equal(t.rc, 0);
    conf_text_deinit(&t);
    source_deinit(&s);
    leave();
}

static void globals_stand_before_the_file(void **state)
{
    struct conf_folder *f = *state;
    struct conf_text t;
    struct source s;
    struct called c;
    char text[1024];

    enter(f);
    folder_put(f, "a.conf", "pid x.pid;\n" A_SERVER);
    start(&s, &c, "ringway -c a.conf");
    c.o.globals = "worker_processes 3;";
    build(&s, false, &t);
    assert_int_equal(t.rc, 0);
    assert_int_equal(t.snapshot->main.worker_count, 3);
    conf_text_deinit(&t);
    c.o.globals = "foo;";
    build(&s, false, &t);
    assert_string_equal(t.log, "[emerg] unknown directive \"foo\" in command line\n");
    c.o.globals = "pid y.pid;";
    build(&s, false, &t);
    assert_string_equal(
        t.log, in_folder(f, "[emerg] \"pid\" directive is duplicate in @/a.conf:1\n", text));
    source_deinit(&s);
    leave();
}

static void the_error_log_of_e_counts_where_there_is_none(void **state)
{
    static const struct {
        const char *text, *path;
    } rows[] = {{A_SERVER, "@/e.log"}, {"error_log f.log;\n" A_SERVER, "@/f.log"}};
    struct conf_folder *f = *state;

    enter(f);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct conf_text t;
        struct source s;
        struct called c;
        char text[1024];
        bool is_there = false, has_other = false;

        folder_put(f, "a.conf", rows[i].text);
        start(&s, &c, "ringway -e e.log -c a.conf");
        build(&s, false, &t);
        assert_int_equal(t.rc, 0);
        for (size_t k = 0; k < t.snapshot->log_file_count; k++) {
            const char *path = t.snapshot->log_files[k]->path.data;

            is_there |= strcmp(path, in_folder(f, rows[i].path, text)) == 0;
            has_other |= strcmp(path, in_folder(f, rows[1 - i].path, text)) == 0;
        }
        assert_true(is_there);
        assert_false(has_other);
        conf_text_deinit(&t);
        source_deinit(&s);
    }
    leave();
}

static void a_test_names_what_has_no_effect(void **state)
{
    struct conf_folder *f = *state;
    struct conf_text t;
    struct source s;
    struct called c;

    enter(f);
    folder_put(f, "a.conf", "events { accept_mutex on; }\nhttp { server { listen 8080; } }\n");
    start(&s, &c, "ringway -c a.conf");
    build(&s, false, &t);
    assert_string_equal(t.log, "");
    conf_text_deinit(&t);
    build(&s, true, &t);
    assert_memory_equal(t.log, "[notice] \"accept_mutex\" has no effect here: ", 44);
    conf_text_deinit(&t);
    source_deinit(&s);
    leave();
}

static void flags_are_built_and_their_mistakes_named(void **state)
{
    static const struct {
        const char *flags, *line;
    } rows[] = {
        {"--keepalive x",
         "invalid value \"x\" in \"keepalive\" directive in command line (--keepalive x)"},
        {"--read-timeout 0", "\"proxy_read_timeout\" cannot be 0: nothing is ever that quick in "
                             "command line (--read-timeout 0)"},
        {"--workers 0", "value must be between 1 and 128 in command line (--workers 0)"},
        {"--access-log a --workers 129",
         "value must be between 1 and 128 in command line (--workers 129)"},
    };
    struct conf_text t;
    struct source s;
    struct called c;

    enter(*state);
    start(&s, &c, "ringway --listen 127.0.0.1:8080 --upstream http://127.0.0.1:81 --workers 2");
    build(&s, false, &t);
    assert_string_equal(t.log, "");
    assert_int_equal(t.snapshot->main.worker_count, 2);
    assert_int_equal(t.snapshot->listen_count, 1);
    assert_int_equal(t.snapshot->upstream_count, 1);
    conf_text_deinit(&t);
    source_deinit(&s);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[1024], said[1024];

        snprintf(text, sizeof(text), "ringway --listen 80 --upstream http://127.0.0.1 %s",
                 rows[i].flags);
        snprintf(said, sizeof(said), "[emerg] %s\n", rows[i].line);
        start(&s, &c, text);
        build(&s, false, &t);
        assert_int_equal(t.rc, -EINVAL);
        assert_string_equal(t.log, said);
        source_deinit(&s);
    }
    leave();
}

static void globals_win_over_what_flags_preset(void **state)
{
    static const char *const rows[] = {
        "worker_processes 3;",
        "worker_processes 3; daemon off; error_log stderr warn;",
    };
    struct conf_text t;
    struct source s;
    struct called c;

    enter(*state);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char error[OPTIONS_ERROR_BYTES];

        call_taken(&c, "ringway --listen 80 --upstream http://127.0.0.1:81");
        c.o.globals = rows[i];
        assert_int_equal(source_init(&s, &c.o, error), 0);
        build(&s, false, &t);
        assert_string_equal(t.log, "");
        assert_int_equal(t.snapshot->main.worker_count, 3);
        assert_int_equal(t.snapshot->main.error_log.target_count, 1);
        assert_int_equal(t.snapshot->main.error_log.targets[0].level,
                         i ? LOG_LEVEL_WARN : LOG_LEVEL_NOTICE);
        conf_text_deinit(&t);
        source_deinit(&s);
    }
    leave();
}

static void what_was_freed_may_be_freed_again(void **state)
{
    struct source s;
    struct called c;

    enter(*state);
    start(&s, &c, "ringway --listen 80 --upstream http://a");
    source_deinit(&s);
    assert_null(s.prefix);
    assert_null(s.standalone.text);
    source_deinit(&s);
    leave();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(paths_start_at_the_prefix_or_where_the_file_is),
        FOLDER_TEST(an_empty_prefix_is_the_working_directory),
        FOLDER_TEST(the_root_has_one_slash),
        FOLDER_TEST(a_file_that_is_not_there_is_named),
        FOLDER_TEST(without_c_it_is_said_how_to_name_a_file),
        FOLDER_TEST(a_file_that_may_not_be_read_is_named),
        cmocka_unit_test(wrong_flags_are_said),
        cmocka_unit_test(a_path_that_is_too_long_to_say_leaves_the_reason),
        FOLDER_TEST(without_memory_nothing_is_left),
        FOLDER_TEST(complete_paths_need_no_working_directory),
        FOLDER_TEST(what_starts_at_no_working_directory_is_refused),
        FOLDER_TEST(a_file_is_built_with_its_prefix),
        FOLDER_TEST(each_build_reads_the_file_again),
        FOLDER_TEST(globals_stand_before_the_file),
        FOLDER_TEST(the_error_log_of_e_counts_where_there_is_none),
        FOLDER_TEST(a_test_names_what_has_no_effect),
        FOLDER_TEST(flags_are_built_and_their_mistakes_named),
        FOLDER_TEST(globals_win_over_what_flags_preset),
        FOLDER_TEST(what_was_freed_may_be_freed_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
