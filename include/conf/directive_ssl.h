/* directive_ssl - the directives of TLS towards upstreams: their table. */
#ifndef RINGWAY_CONF_DIRECTIVE_SSL_H
#define RINGWAY_CONF_DIRECTIVE_SSL_H

#include "conf/row.h"

extern const struct directive_table directive_ssl_table;

#endif
