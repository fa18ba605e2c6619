/* directive_main - the directives of the main context and events: their table. */
#ifndef RINGWAY_CONF_DIRECTIVE_MAIN_H
#define RINGWAY_CONF_DIRECTIVE_MAIN_H

#include "conf/row.h"

extern const struct directive_table directive_main_table;

#endif
