/* directive_proxy - the directives of proxying: their table. */
#ifndef RINGWAY_CONF_DIRECTIVE_PROXY_H
#define RINGWAY_CONF_DIRECTIVE_PROXY_H

#include "conf/row.h"

extern const struct directive_table directive_proxy_table;

#endif
