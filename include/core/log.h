/* log - the error log: lines with a level, to files, standard error or syslog.
 *
 * A log is a list of targets, owned by the snapshot (or by main, before there is one). Writing is
 * one write(2) per line and target, from any thread; a target that would block loses the line,
 * and the loss is counted. */
#ifndef RINGWAY_CORE_LOG_H
#define RINGWAY_CORE_LOG_H

#include "core/syslog.h"

enum log_level {
    LOG_LEVEL_EMERG,
    LOG_LEVEL_ALERT,
    LOG_LEVEL_CRIT,
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARN,
    LOG_LEVEL_NOTICE,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG,
    LOG_LEVEL_COUNT
};

#define LOG_LINE_BYTES_MAX 2048 /* a longer line is cut */

struct log_target {
    int fd; /* not owned by the log */
    enum log_level level;
    const struct syslog_target *syslog; /* the descriptor is a socket for it; NULL: a file */
    bool is_startup; /* lines read "ringway: [level] …" without a time, as before a log is open */
};

struct log {
    const struct log_target *targets;
    size_t target_count;
};

/* "emerg" … "debug": 0, or -EINVAL. */
int log_level_parse(struct span word, enum log_level *level) MUST_USE;
const char *log_level_name(enum log_level level);

/* The log to standard error, before there is a configuration: "ringway: [emerg] …". */
const struct log *log_startup(void);

/* True when some target takes lines of this level: ask before making an expensive line. */
bool log_takes(const struct log *l, enum log_level level);

/* One line: time, level, process and thread, then the text, with control bytes and what is no
 * UTF-8 as \xHH. Never blocks, never fails, leaves errno as it is. A '"' or '\\' of a stranger's
 * is the caller's to escape (span_escape). A pipe whose reader leaves may raise SIGPIPE unless
 * the process ignores it. */
void log_write(const struct log *l, enum log_level level, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Opens a log for appending, and makes it where it is missing: a descriptor, or negative errno.
 * Never blocks: a pipe that nobody reads takes lines until it is full. */
int log_open(const char *path) MUST_USE;

/* Lines that a target did not take so far, counted once per target, in this process. */
uint64_t log_lost_count(void);

#endif
