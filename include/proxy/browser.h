/* browser - old browsers that do not get along with connections that are kept.
 *
 * Pure functions over the head of a request. */
#ifndef RINGWAY_PROXY_BROWSER_H
#define RINGWAY_PROXY_BROWSER_H

#include "http/message.h"

/* The bits of keepalive_disable. */
#define BROWSER_MSIE6 1u  /* 4 to 6, without the second service pack of XP: after a POST */
#define BROWSER_SAFARI 2u /* and its relatives on macOS */

/* True when the connection ends behind the answer to this request. */
bool browser_needs_close(const struct head *request, unsigned disabled);

#endif
