/* build - a configuration, from its text to a snapshot. */
#ifndef RINGWAY_CONF_BUILD_H
#define RINGWAY_CONF_BUILD_H

#include "conf/snapshot.h"

struct build_options {
    const char *path;      /* file; NULL: text is used */
    struct span text;      /* configuration given as text (from command-line flags) */
    const char *text_name; /* what messages call it; NULL or "command line": without lines */
    /* Beside a file: directives of the main context and of events that win over the file's. */
    struct span tuning;
    /* Of text or tuning, by line: what messages call it; they must outlive the snapshot. */
    const char *const *line_names;
    size_t line_count;
    const char *error_log; /* -e: where the configuration names none; NULL: the usual place */
    const char *prefix;    /* -p: relative paths start here; NULL: the current directory */
    struct span globals;   /* -g: directives for the main context */
    uint64_t generation;
    bool is_test;       /* -t: directives without effect are named, at notice level */
    bool reads_nothing; /* no file is read and no name is resolved: for fuzzing */
};

/* Reads, checks and builds. 0 with *out (one reference); -EINVAL when it is wrong, -ENOMEM: lines
 * were written to log as nginx words them: [emerg] unknown directive "foo" in /path/x.conf:12 */
int snapshot_build(const struct build_options *o, const struct log *log,
                   struct snapshot **out) MUST_USE;

#endif
