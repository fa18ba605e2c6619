/* route - which server and which location a request belongs to: nginx's rules, as a pure function
 * over the snapshot.
 *
 * Where a regex runs away (conf/regex.h), it counts as no match here: whoever routes a request
 * asks regex_take_runaway() afterwards. Give the server's name and the location captures of their
 * own, as named groups of both are variables of the request. */
#ifndef RINGWAY_PROXY_ROUTE_H
#define RINGWAY_PROXY_ROUTE_H

#include "conf/snapshot.h"

/* The server for a host name on a listening address: exact name, longest leading wildcard, longest
 * trailing wildcard, first regex in the file, default server. host as in struct head: lower case,
 * no port, no final dot; empty for a request without one. captures may be NULL; they are filled
 * where a regex matched. Never NULL. */
const struct server_conf *route_server(const struct listen_conf *l, struct span host,
                                       struct regex_scratch *s, struct captures *captures);

/* The location for a normalized path (head.path): exact; else the longest prefix, and in it its
 * nested locations likewise; then the first regex in the file, beginning with those beside the
 * innermost prefix, and leaving out those beside a "^~"; else the longest prefix. Inside of a regex
 * the search goes on (nginx overlooks prefixes there). Never a named one. captures as above. Never
 * NULL: the server's own level when none matches. */
const struct location_conf *route_location(const struct server_conf *server, struct span path,
                                           struct regex_scratch *s, struct captures *captures);

/* True when the location was found for a path that lacks its final slash: answer 301 with the
 * location's pattern (and the query) as the target. Locations with proxy_pass do that, unless
 * another one is named exactly as the path. */
bool route_wants_slash(const struct location_conf *location, struct span path);

/* The location "@name", by its name with the '@'; NULL: none. */
const struct location_conf *route_named(const struct server_conf *server, struct span name);

#endif
