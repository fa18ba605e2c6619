/* directive_limit - the directives of how often and how many may come. */
#ifndef RINGWAY_CONF_DIRECTIVE_LIMIT_H
#define RINGWAY_CONF_DIRECTIVE_LIMIT_H

#include "conf/row.h"

extern const struct directive_table directive_limit_table;

#endif
