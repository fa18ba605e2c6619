/* advice_server - what the tree says of servers and locations. */
#ifndef RINGWAY_CONF_ADVICE_SERVER_H
#define RINGWAY_CONF_ADVICE_SERVER_H

#include "conf/tree.h"

/* The server block around; NULL: none. */
const struct node *advice_server_of(const struct node *n);

/* True where only requests for the server's names come to it: it has no regex for a name, and is
 * the default of no address. In doubt false. */
bool advice_server_bounds_host(const struct node *server);

/* The regex of a location; false: it has none. */
bool advice_location_regex(const struct node *location, struct span *pattern);

#endif
