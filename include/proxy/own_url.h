/* own_url - the URLs by which clients know this server. */
#ifndef RINGWAY_PROXY_OWN_URL_H
#define RINGWAY_PROXY_OWN_URL_H

#include "proxy/record.h"

/* A path with scheme, host and port, as absolute_redirect, server_name_in_redirect and
 * port_in_redirect say; what is no path stays as it is. data NULL: no memory. */
struct span own_url(struct record *r, struct span to);

#endif
