/* directive_body - the directives of request bodies that are taken in first: their table. */
#ifndef RINGWAY_CONF_DIRECTIVE_BODY_H
#define RINGWAY_CONF_DIRECTIVE_BODY_H

#include "conf/row.h"

extern const struct directive_table directive_body_table;

#endif
