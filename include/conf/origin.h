/* origin - where something was written: file and line, for messages.
 *
 * A value; the file's name lives as long as the configuration that it came from. */
#ifndef RINGWAY_CONF_ORIGIN_H
#define RINGWAY_CONF_ORIGIN_H

#include "core/log.h"

/* What text from command-line flags is called; it has no lines. */
#define ORIGIN_COMMAND_LINE "command line"

struct origin {
    struct span file; /* empty: nowhere in particular */
    unsigned line;    /* from 1; 0: none */
};

#define ORIGIN_TEXT_BYTES 512 /* a longer file name is cut */

/* "/etc/ringway.conf:12", "command line". NUL-terminated; returns out. */
const char *origin_format(const struct origin *o, char out[ORIGIN_TEXT_BYTES]);

/* One line, as nginx words it: the text, then " in /etc/ringway.conf:12". Without an origin (NULL,
 * or an empty one) the text alone. */
void origin_log(const struct log *log, enum log_level level, const struct origin *o,
                const char *format, ...) PRINTF_LIKE(4, 5);

#endif
