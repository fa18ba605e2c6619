/* directive_upstream - the directives of upstream blocks: their table. */
#ifndef RINGWAY_CONF_DIRECTIVE_UPSTREAM_H
#define RINGWAY_CONF_DIRECTIVE_UPSTREAM_H

#include "conf/row.h"

extern const struct directive_table directive_upstream_table;

#endif
