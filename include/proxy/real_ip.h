/* real_ip - the address of a client behind proxies that are trusted. */
#ifndef RINGWAY_PROXY_REAL_IP_H
#define RINGWAY_PROXY_REAL_IP_H

#include "proxy/record.h"

/* Looks at the request, once: from then on record.client tells of the client behind the proxies,
 * and record.connection of who has connected. 0, or -ENOMEM. */
int real_ip_find(struct record *r, const struct real_ip_conf *conf) MUST_USE;

#endif
