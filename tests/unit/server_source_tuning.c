/* Tests of server/source: flags for tuning over what a file says. */
#include "../command_line.h"
#include "../conf_folder.h"

#include "server/source.h"

#define A_SERVER "events {}\nhttp { server { listen 8080; } }\n"

/* Builds a.conf of the folder with these flags. */
static void build(const struct conf_folder *f, const char *text, const char *flags, bool is_test,
                  struct conf_text *t)
{
    int fd = memfd_create("log", MFD_CLOEXEC);
    struct log_target target = {.fd = fd, .level = LOG_LEVEL_NOTICE, .is_startup = true};
    struct log log = {.targets = &target, .target_count = 1};
    char line[1024], error[OPTIONS_ERROR_BYTES] = "";
    struct source s;
    struct called c;

    folder_put(f, "a.conf", text);
    snprintf(line, sizeof(line), "ringway -c %s/a.conf %s", f->path, flags);
    call_taken(&c, line);
    if (source_init(&s, &c.o, error))
        fail_msg("\"%s\": %s", line, error);
    t->rc = source_build(&s, &log, is_test, &t->snapshot);
    conf_text_take_log(t, fd);
    close(fd);
    assert_int_equal(t->rc == 0, t->snapshot != NULL);
    source_deinit(&s);
}

/* Where the file is silent, where it speaks, and where it has no events. */
static void flags_for_tuning_win_over_the_file(void **state)
{
    static const char *const texts[] = {
        A_SERVER,
        "worker_processes 9;\nworker_cpu_affinity auto;\nevents { worker_connections 7; }\n"
        "http { server { listen 8080; } }\n",
        "http { server { listen 8080; } }\n",
    };

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct conf_text t;

        build(*state, texts[i], "--workers 2 --worker-connections 33 --affinity 1", true, &t);
        assert_string_equal(t.log, "");
        assert_int_equal(t.snapshot->main.worker_count, 2);
        assert_int_equal(t.snapshot->main.worker_connections, 33);
        assert_int_equal(CPU_COUNT(&t.snapshot->main.affinity[1]), 1);
        assert_true(CPU_ISSET(0, &t.snapshot->main.affinity[1]));
        assert_int_equal(t.snapshot->listen_count, 1);
        assert_int_equal(t.snapshot->dump_count, 2);
        assert_true(span_equals(t.snapshot->dump_names[1], SPAN("command line")));
        assert_true(span_starts_with(t.snapshot->dump_texts[1], SPAN("worker_processes \"2\";")));
        conf_text_deinit(&t);
    }
}

static void mistakes_are_of_the_flag_or_of_the_file(void **state)
{
    static const struct {
        const char *text, *flags, *line;
        bool is_of_file;
    } rows[] = {
        {A_SERVER, "--workers 0",
         "value must be between 1 and 128 in command line (--workers 0)\n"},
        {A_SERVER, "--worker-connections x",
         "invalid number \"x\" in command line (--worker-connections x)\n"},
        {"events {}\nworker_processes 0;\n", "--workers 2", "value must be between 1 and 128 in ",
         true},
        {"daemon on;\nworker_processes 1; worker_processes 1;\n", "--workers 2",
         "\"worker_processes\" directive is duplicate in ", true},
    };
    const struct conf_folder *f = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char said[1024];
        struct conf_text t;

        snprintf(said, sizeof(said), "[emerg] %s%s%s", rows[i].line,
                 rows[i].is_of_file ? f->path : "", rows[i].is_of_file ? "/a.conf:2\n" : "");
        build(f, rows[i].text, rows[i].flags, false, &t);
        assert_int_equal(t.rc, -EINVAL);
        assert_string_equal(t.log, said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(flags_for_tuning_win_over_the_file),
        FOLDER_TEST(mistakes_are_of_the_flag_or_of_the_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
