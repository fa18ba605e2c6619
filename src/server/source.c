/* source - where the configuration comes from: a file with -g in front and the flags for
 * tuning over it, or long flags. */
#include "server/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/build.h"

/* path where it is complete, else behind folder (its '/' included). NULL: no memory. */
static char *join(const char *folder, const char *path)
{
    char *whole = NULL;

    if (*path == '/')
        return strdup(path);
    return asprintf(&whole, "%s%s", folder, path) < 0 ? NULL : whole;
}

/* The path that starts at the working directory, unless it is complete; all others follow it. */
static const char *first_path(const struct options *o)
{
    if (o->prefix)
        return o->prefix;
    if (o->is_standalone)
        return "";
    return o->conf_path ? o->conf_path : OPTIONS_CONF_PATH;
}

/* The working directory with a '/' at its end; NULL where nothing starts there: it may be gone. */
static int find_here(const struct options *o, char **here, char *error)
{
    char *folder;
    int rc = 0;

    *here = NULL;
    if (*first_path(o) == '/')
        return 0;
    folder = getcwd(NULL, 0);
    if (!folder) {
        int code = errno;

        return options_fail(error, "getcwd() failed (%d: %s)", code, strerror(code));
    }
    if (asprintf(here, "%s%s", folder, strcmp(folder, "/") == 0 ? "" : "/") < 0)
        rc = -ENOMEM;
    free(folder);
    return rc;
}

/* A folder's path with a '/' at its end, from here. NULL: no memory. */
static char *complete_folder(const char *here, const char *path)
{
    char *joined = join(here, path), *whole = NULL;

    if (joined &&
        asprintf(&whole, "%s%s", joined, joined[strlen(joined) - 1] == '/' ? "" : "/") < 0)
        whole = NULL;
    free(joined);
    return whole;
}

/* The folder of a file, with its '/'; the path is complete. NULL: no memory. */
static char *folder_of(const char *path)
{
    return strndup(path, (size_t)(strrchr(path, '/') - path) + 1);
}

/* As nginx, a relative -c starts at -p. Without -p everything relative starts where the file is,
 * and the file where ringway was called. */
static int set_file_paths(struct source *s, const char *here)
{
    const struct options *o = s->options;
    const char *usual = o->prefix ? OPTIONS_CONF_NAME : OPTIONS_CONF_PATH;

    s->conf_path = join(o->prefix ? s->prefix : here, o->conf_path ? o->conf_path : usual);
    if (s->conf_path && !o->prefix)
        s->prefix = folder_of(s->conf_path);
    return s->conf_path && s->prefix ? 0 : -ENOMEM;
}

static int set_paths(struct source *s, const char *here)
{
    const char *prefix = s->options->prefix;

    if (prefix || s->options->is_standalone) {
        s->prefix = complete_folder(here, prefix ? prefix : "");
        if (!s->prefix)
            return -ENOMEM;
    }
    return s->options->is_standalone ? 0 : set_file_paths(s, here);
}

/* What nginx would say of open(2), and the way out. */
static int check_file(const struct source *s, char *error)
{
    int code;

    if (!s->conf_path || access(s->conf_path, R_OK) == 0)
        return 0;
    code = errno;
    return options_fail(error, "open() \"%s\" failed (%d: %s)%s", s->conf_path, code,
                        strerror(code),
                        s->options->conf_path ? ""
                                              : "; name a file with -c, or see "
                                                "ringway --help for running without");
}

int source_init(struct source *s, const struct options *o, char error[OPTIONS_ERROR_BYTES])
{
    char *here;
    int rc;

    *s = (struct source){.options = o};
    snprintf(error, OPTIONS_ERROR_BYTES, "no memory left to read the command line");
    rc = find_here(o, &here, error);
    if (rc)
        return rc;
    rc = set_paths(s, here);
    free(here);
    if (!rc && o->value_count)
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
    struct span flags = span_of(s->standalone.text, s->standalone.len);
    const struct build_options o = {
        .path = s->conf_path,
        .text = s->conf_path ? SPAN_NONE : flags,
        .tuning = s->conf_path ? flags : SPAN_NONE,
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
