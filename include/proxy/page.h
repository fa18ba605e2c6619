/* page - the built-in pages of errors and redirects, word for word as nginx has them.
 *
 * Pure functions over statuses: whoever answers chooses when a page is due. */
#ifndef RINGWAY_PROXY_PAGE_H
#define RINGWAY_PROXY_PAGE_H

#include "core/arena.h"

/* The status that a client is told: nginx's own 494 to 497, kinds of 400 that error_page can tell
 * apart, become 400. */
unsigned page_status(unsigned status);

/* True for errors after which nginx does not go on with a connection. */
bool page_ends_connection(unsigned status);

/* The HTML page: title, h1, hr, ringway or ringway/version. Without bytes for a status that has no
 * name; data is NULL when there is no memory. */
struct span page_make(unsigned status, bool shows_version, struct arena *a);

#endif
