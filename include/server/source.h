/* source - where the configuration comes from: a file with -g in front and the flags for
 * tuning over it, or long flags.
 *
 * Owned by main for the life of the process: a reload builds from it again. */
#ifndef RINGWAY_SERVER_SOURCE_H
#define RINGWAY_SERVER_SOURCE_H

#include "conf/snapshot.h"
#include "server/options.h"
#include "server/standalone.h"

struct source {
    const struct options *options;
    struct standalone standalone; /* its text is NULL where no long flag was given */
    char *prefix;                 /* with its '/' at the end; owned */
    char *conf_path;              /* complete; owned; NULL without a file */
};

/* 0; -ENOMEM or -EINVAL, both with one line. */
int source_init(struct source *s, const struct options *o,
                char error[OPTIONS_ERROR_BYTES]) MUST_USE;
void source_deinit(struct source *s);

/* What messages call it: the file's path, or "command line". */
const char *source_name(const struct source *s);

/* Builds a snapshot; mistakes go to the log, with file and line. 0; -EINVAL, -ENOMEM. */
int source_build(const struct source *s, const struct log *log, bool is_test,
                 struct snapshot **out) MUST_USE;

#endif
