/* directive_ignored - knobs of nginx's that have nothing to turn here: their table. */
#ifndef RINGWAY_CONF_DIRECTIVE_IGNORED_H
#define RINGWAY_CONF_DIRECTIVE_IGNORED_H

#include "conf/row.h"

extern const struct directive_table directive_ignored_table;

#endif
