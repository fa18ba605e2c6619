/* directive_process - knobs of nginx's processes and modules that have nothing to turn here: their
 * table. */
#ifndef RINGWAY_CONF_DIRECTIVE_PROCESS_H
#define RINGWAY_CONF_DIRECTIVE_PROCESS_H

#include "conf/row.h"

extern const struct directive_table directive_process_table;

#endif
