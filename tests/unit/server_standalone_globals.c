/* Tests of server/standalone: what -g says beside long flags. */
#include "../command_line.h"

#include "server/standalone.h"

/* What the two flags become beside some others and -g. */
static void write_with_globals(const char *globals, const char *flags, struct standalone *s, int rc,
                               char error[OPTIONS_ERROR_BYTES])
{
    char line[256];
    struct called c;

    snprintf(line, sizeof(line), "ringway --listen 80 --upstream http://a %s", flags);
    call_taken(&c, line);
    c.o.globals = globals;
    error[0] = '\0';
    assert_int_equal(standalone_init(s, &c.o, error), rc);
}

static void what_is_said_with_g_is_not_preset(void **state)
{
    static const struct {
        const char *globals, *flags, *begin;
    } rows[] = {
        {"", "", "daemon off;\nerror_log stderr notice;\nworker_processes auto;\nevents"},
        {"worker_processes 2;", "", "daemon off;\nerror_log stderr notice;\nevents"},
        {"error_log /e.log;", "", "daemon off;\nworker_processes auto;\nevents"},
        {"daemon off;", "", "error_log stderr notice;\nworker_processes auto;\nevents"},
        {"error_log /e; 'daemon' OFF;\n# pid x;\nworker_processes 1;", "", "events"},
        {"worker_processes", "", "daemon off;\nerror_log stderr notice;\nworker_processes auto;\n"},
        {"user daemon pid;", "", "daemon off;\nerror_log stderr notice;\nworker_"},
        /* Both are the user's: the reader names the second. */
        {"worker_processes 2;", "--workers 3",
         "daemon off;\nerror_log stderr notice;\nworker_processes \"3\";\nevents"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char error[OPTIONS_ERROR_BYTES];
        struct standalone s;

        write_with_globals(rows[i].globals, rows[i].flags, &s, 0, error);
        if (strncmp(s.text, rows[i].begin, strlen(rows[i].begin)) != 0)
            fail_msg("-g '%s' %s:\n%s", rows[i].globals, rows[i].flags, s.text);
        standalone_deinit(&s);
    }
}

static void what_a_file_alone_can_have_is_refused_in_g(void **state)
{
    static const struct {
        const char *globals, *words;
    } rows[] = {
        {"daemon on;", "daemon on"},
        {"user a; daemon ON;", "daemon on"},
        {"pid /x;", "pid"},
        {"include /x.conf;", "include"},
        {"worker_processes 2; include a b;", "include"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char error[OPTIONS_ERROR_BYTES], why[128];
        struct standalone s;

        write_with_globals(rows[i].globals, "", &s, -EINVAL, error);
        snprintf(why, sizeof(why), "\"%s\" in \"-g\" needs a configuration file", rows[i].words);
        assert_string_equal(error, why);
        assert_null(s.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_said_with_g_is_not_preset),
        cmocka_unit_test(what_a_file_alone_can_have_is_refused_in_g),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
