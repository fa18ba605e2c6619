/* directive_log - the directives of access and error logs: their table. */
#ifndef RINGWAY_CONF_DIRECTIVE_LOG_H
#define RINGWAY_CONF_DIRECTIVE_LOG_H

#include "conf/row.h"

extern const struct directive_table directive_log_table;

#endif
