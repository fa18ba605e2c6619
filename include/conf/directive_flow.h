/* directive_flow - the directives of how fast and how far ahead answers go: their table. */
#ifndef RINGWAY_CONF_DIRECTIVE_FLOW_H
#define RINGWAY_CONF_DIRECTIVE_FLOW_H

#include "conf/row.h"

extern const struct directive_table directive_flow_table;

#endif
