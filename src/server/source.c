/* source - where the configuration comes from: a file with -g in front, or long flags. */
#include "server/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/build.h"

/* path where it is absolute, else behind folder (its '/' included). NULL: no memory. */
static char *join(const char *folder, const char *path)
{
    char *whole = NULL;

    if (*path == '/')
        return strdup(path);
    return asprintf(&whole, "%s%s", folder, path) < 0 ? NULL : whole;
}

/* The working directory with a '/' at its end. NULL: it cannot be read. */
static char *working_directory(void)
{
    char *folder = getcwd(NULL, 0), *whole = NULL;

    if (folder && asprintf(&whole, "%s%s", folder, strcmp(folder, "/") == 0 ? "" : "/") < 0)
        whole = NULL;
    free(folder);
    return whole;
}

/* -p from where ringway was called. Without it, a relative -c (and the flags that need no file)
 * makes the working directory the prefix: the file is where the shell would find it. */
static char *make_prefix(const struct options *o, const char *here)
{
    char *path, *whole = NULL;

    if (!o->prefix) {
        bool is_relative = o->is_standalone || (o->conf_path && *o->conf_path != '/');

        return strdup(is_relative ? here : OPTIONS_PREFIX);
    }
    path = join(here, o->prefix);
    if (path && asprintf(&whole, "%s%s", path, path[strlen(path) - 1] == '/' ? "" : "/") < 0)
        whole = NULL;
    free(path);
    return whole;
}

static int set_paths(struct source *s)
{
    const struct options *o = s->options;
    const char *file = o->conf_path ? o->conf_path : "ringway.conf";
    char *here = working_directory();

    if (!here)
        return -ENOMEM;
    s->prefix = make_prefix(o, here);
    free(here);
    if (!s->prefix)
        return -ENOMEM;
    if (!o->is_standalone)
        s->conf_path = join(s->prefix, file);
    return o->is_standalone || s->conf_path ? 0 : -ENOMEM;
}

/* What nginx would say of open(2), and the way out. */
static int check_file(const struct source *s, char *error)
{
    int code;

    if (!s->conf_path || access(s->conf_path, R_OK) == 0)
        return 0;
    code = errno;
    snprintf(error, OPTIONS_ERROR_BYTES, "open() \"%s\" failed (%d: %s)%s", s->conf_path, code,
             strerror(code),
             s->options->conf_path ? ""
                                   : "; name a file with -c, or see "
                                     "ringway --help for running without");
    return -EINVAL;
}

int source_init(struct source *s, const struct options *o, char error[OPTIONS_ERROR_BYTES])
{
    int rc;

    *s = (struct source){.options = o};
    snprintf(error, OPTIONS_ERROR_BYTES, "no memory, or no working directory");
    rc = set_paths(s);
    if (!rc && o->is_standalone)
        rc = standalone_init(&s->standalone, o, error);
    if (!rc)
        rc = check_file(s, error);
    if (rc)
        source_deinit(s);
    return rc;
}

void source_deinit(struct source *s)
{
    standalone_deinit(&s->standalone);
    free(s->prefix);
    free(s->conf_path);
    *s = (struct source){0};
}

const char *source_name(const struct source *s)
{
    return s->conf_path ? s->conf_path : ORIGIN_COMMAND_LINE;
}

int source_build(const struct source *s, const struct log *log, bool is_test, struct snapshot **out)
{
    const struct build_options o = {
        .path = s->conf_path,
        .text = span_of(s->standalone.text, s->standalone.len),
        .prefix = s->prefix,
        .line_names = (const char *const *)s->standalone.names,
        .line_count = s->standalone.line_count,
        .globals = span_of_cstr(s->options->globals),
        .error_log = s->options->error_log,
        .generation = 1,
        .is_test = is_test,
    };

    return snapshot_build(&o, log, out);
}
