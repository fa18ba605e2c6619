/* rewrite - the steps of an exchange that run its scripts: the server's before a location is
 * sought, and the location's, after which another one may be sought for the new URI. */
#ifndef RINGWAY_PROXY_REWRITE_H
#define RINGWAY_PROXY_REWRITE_H

#include "proxy/exchange_state.h"

/* Runs the server's script, and goes on to the location. */
enum progress rewrite_in_server(struct exchange *x);

/* Runs the script of record.location, and goes on behind it, or to the location of another URI,
 * REDIRECTS_MAX times for each request. */
enum progress rewrite_in_location(struct exchange *x);

#endif
