/* main - from the command line to the part that does what it asks for. */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "io/tls.h"
#include "server/control.h"
#include "server/inspect.h"
#include "server/pid_file.h"

#define ERROR_BYTES (2 * PATH_MAX) /* a path, and what is wrong with it */

static int fail(const char *text)
{
    fprintf(stderr, "ringway: [emerg] %s\n", text);
    return 1;
}

/* -s: by the pid file that the configuration names. */
static int send_signal(const struct source *s)
{
    static const struct {
        const char *word;
        int number;
    } rows[] = {{"stop", SIGTERM}, {"quit", SIGQUIT}, {"reopen", SIGUSR1}, {"reload", SIGHUP}};
    char error[ERROR_BYTES];
    struct snapshot *snapshot;
    int number = 0, rc;
    pid_t pid;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (strcmp(rows[i].word, s->options->signal) == 0)
            number = rows[i].number;
    }
    if (source_build(s, log_startup(), false, &snapshot))
        return 1;
    rc = pid_file_read(snapshot->main.pid_path, &pid, error, sizeof(error));
    snapshot_unref(snapshot);
    if (rc)
        return fail(error);
    if (kill(pid, number) == 0)
        return 0;
    snprintf(error, sizeof(error), "kill(%d, %d) failed (%d: %s)", (int)pid, number, errno,
             strerror(errno));
    return fail(error);
}

static int serve(struct source *s)
{
    struct snapshot *snapshot;

    if (source_build(s, log_startup(), false, &snapshot))
        return 1;
    return control_run(s, snapshot);
}

static int run(const struct options *o)
{
    char error[OPTIONS_ERROR_BYTES];
    struct source source;
    int status;

    if (source_init(&source, o, error))
        return fail(error);
    if (o->is_test)
        status = inspect_test(&source);
    else if (o->signal)
        status = send_signal(&source);
    else
        status = serve(&source);
    source_deinit(&source);
    return status;
}

int main(int argc, char **argv)
{
    char error[OPTIONS_ERROR_BYTES];
    struct options o;
    int status;

    if (options_parse(&o, argc, argv, error)) {
        fprintf(stderr, "ringway: %s\n", error);
        return 1;
    }
    if (o.wants_directive_help)
        return inspect_help(o.directive_name);
    if (o.wants_help || o.wants_version || o.wants_build_info) {
        status = inspect_self(&o);
        if (status || !o.is_test)
            return status;
    }
    if (tls_library_init())
        return fail("wolfSSL cannot be initialized");
    status = run(&o);
    tls_library_deinit();
    return status;
}
