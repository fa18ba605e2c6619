/* build_server - server blocks with their locations. */
#ifndef RINGWAY_CONF_BUILD_SERVER_H
#define RINGWAY_CONF_BUILD_SERVER_H

#include "conf/draft.h"

/* A server block and all locations within, added to c->servers. All upstream groups must be known.
 * 0, or -EINVAL, -ENOMEM after it logged why. */
int build_server(struct conf *c, const struct scope *http, const struct node *block) MUST_USE;

#endif
