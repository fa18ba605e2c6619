/* directive_added - the directives of fields that are added to answers: their table. */
#ifndef RINGWAY_CONF_DIRECTIVE_ADDED_H
#define RINGWAY_CONF_DIRECTIVE_ADDED_H

#include "conf/row.h"

extern const struct directive_table directive_added_table;

#endif
