/* log_server - "syslog:server=address,tag=name" as it stands in a configuration. */
#ifndef RINGWAY_CONF_LOG_SERVER_H
#define RINGWAY_CONF_LOG_SERVER_H

#include "conf/draft.h"

/* True for what access_log and error_log take for a log server, and not for a file. */
static inline bool is_log_server(struct span path)
{
    return span_starts_with(path, SPAN("syslog:"));
}

/* The log of a text that is_log_server(), one for equal texts. 0; -EINVAL or -ENOMEM after it
 * logged why. The first address of a name counts. */
int conf_log_server(struct conf *c, const struct node *n, struct span text,
                    struct log_file **out) MUST_USE;

#endif
