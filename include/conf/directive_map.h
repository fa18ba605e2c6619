/* directive_map - the blocks that make variables of other ones: map, geo, split_clients. */
#ifndef RINGWAY_CONF_DIRECTIVE_MAP_H
#define RINGWAY_CONF_DIRECTIVE_MAP_H

#include "conf/row.h"

extern const struct directive_table directive_map_table;

#endif
