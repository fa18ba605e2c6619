/* directive_resolver - who is asked for names at run time: the directives' table. */
#ifndef RINGWAY_CONF_DIRECTIVE_RESOLVER_H
#define RINGWAY_CONF_DIRECTIVE_RESOLVER_H

#include "conf/row.h"

extern const struct directive_table directive_resolver_table;

#endif
