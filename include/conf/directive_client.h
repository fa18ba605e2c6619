/* directive_client - the directives of clients: limits, timeouts, keep-alive. Their table. */
#ifndef RINGWAY_CONF_DIRECTIVE_CLIENT_H
#define RINGWAY_CONF_DIRECTIVE_CLIENT_H

#include "conf/row.h"

extern const struct directive_table directive_client_table;

#endif
