/* directive_disk - how nginx opens, reads and sends files; here the loop does it: their table. */
#ifndef RINGWAY_CONF_DIRECTIVE_DISK_H
#define RINGWAY_CONF_DIRECTIVE_DISK_H

#include "conf/row.h"

extern const struct directive_table directive_disk_table;

#endif
