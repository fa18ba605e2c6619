/* directive_link - the directives of connections to upstreams: their table. */
#ifndef RINGWAY_CONF_DIRECTIVE_LINK_H
#define RINGWAY_CONF_DIRECTIVE_LINK_H

#include "conf/row.h"

extern const struct directive_table directive_link_table;

#endif
