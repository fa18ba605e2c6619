/* directive_tuning - ringway's own directives in events, for fitting workers to their host: their
 * table. */
#ifndef RINGWAY_CONF_DIRECTIVE_TUNING_H
#define RINGWAY_CONF_DIRECTIVE_TUNING_H

#include "conf/row.h"

extern const struct directive_table directive_tuning_table;

#endif
