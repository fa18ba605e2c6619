/* directive_rewrite - the directives of rewriting, and of the variables that it makes: their table.
 */
#ifndef RINGWAY_CONF_DIRECTIVE_REWRITE_H
#define RINGWAY_CONF_DIRECTIVE_REWRITE_H

#include "conf/row.h"

extern const struct directive_table directive_rewrite_table;

#endif
