/* directive_files - the directives of which file answers a request: their table. */
#ifndef RINGWAY_CONF_DIRECTIVE_FILES_H
#define RINGWAY_CONF_DIRECTIVE_FILES_H

#include "conf/row.h"

extern const struct directive_table directive_files_table;

#endif
