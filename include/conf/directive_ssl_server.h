/* directive_ssl_server - the directives of TLS towards clients: their table. */
#ifndef RINGWAY_CONF_DIRECTIVE_SSL_SERVER_H
#define RINGWAY_CONF_DIRECTIVE_SSL_SERVER_H

#include "conf/row.h"

extern const struct directive_table directive_ssl_server_table;

#endif
