/* pools - what one worker allocates, all of it at its start: nothing on the way of a request.
 *
 * They lie in the engine and the clients' pool, which are the worker's. */
#ifndef RINGWAY_SERVER_POOLS_H
#define RINGWAY_SERVER_POOLS_H

#include "server/client.h"

/* For so many connections of clients. 0, or negative errno: also then pools_deinit() is due. */
int pools_init(struct engine *e, struct client_pool *clients, size_t connections_max) MUST_USE;

/* Everything must have come back. Where the structs are zero and the clients' list is empty, there
 * is nothing to do. */
void pools_deinit(struct engine *e, struct client_pool *clients);

#endif
