/* directive_server - server and location blocks, listen and server_name: their table. */
#ifndef RINGWAY_CONF_DIRECTIVE_SERVER_H
#define RINGWAY_CONF_DIRECTIVE_SERVER_H

#include "conf/draft.h"

extern const struct directive_table directive_server_table;

/* What a location block matches: kind, pattern, regex. 0, or -EINVAL, -ENOMEM after it logged
 * why. */
int location_parse(struct conf *c, const struct node *n, struct location_conf *l) MUST_USE;

#endif
