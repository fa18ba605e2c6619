/* directive_access - the directives of who may come: addresses and passwords. */
#ifndef RINGWAY_CONF_DIRECTIVE_ACCESS_H
#define RINGWAY_CONF_DIRECTIVE_ACCESS_H

#include "conf/row.h"

extern const struct directive_table directive_access_table;

#endif
