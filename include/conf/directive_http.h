/* directive_http - the directives of what is answered: files, types, headers, redirects. Their
 * table. */
#ifndef RINGWAY_CONF_DIRECTIVE_HTTP_H
#define RINGWAY_CONF_DIRECTIVE_HTTP_H

#include "conf/row.h"

extern const struct directive_table directive_http_table;

#endif
