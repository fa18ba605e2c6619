/* pools - the memory of one worker. */
#include "server/pools.h"

#include <stdlib.h>

#include "proxy/user_file.h"

#define CHUNKS_SPARE 64
#define IDENTITIES_MAX 4096 /* of TLS sessions; the least recently used goes */
#define ACCEPT_SURPLUS 1024 /* what one accept may bring at once before its pause takes effect */

/* At high water on both sides of an exchange, with one record and one input beside; address space
 * until it is used. What more they ask for is refused. */
static size_t chunks_per_connection(const struct engine *e)
{
    return 2 * (loop_send_high_water(e->loop) / CHUNK_ROOM + 4);
}

int pools_init(struct engine *e, struct client_pool *clients, size_t connections_max)
{
    size_t connections = connections_max + ACCEPT_SURPLUS;
    int result;

    e->tickets = tls_cache_new(IDENTITIES_MAX);
    e->regex_scratch = regex_scratch_new();
    e->head_buffer = malloc(WRITTEN_HEAD_BYTES_MAX);
    if (!e->tickets || !e->regex_scratch || !e->head_buffer)
        return -ENOMEM;
    result = chunk_pool_init(&e->chunks, connections * chunks_per_connection(e) + CHUNKS_SPARE);
    if (!result)
        result = slab_init(&e->exchanges, sizeof(struct exchange), connections);
    if (!result)
        result = slab_init(&e->upstream_conns, sizeof(struct upstream_conn), connections);
    if (!result)
        result = client_pool_init(clients, e, connections);
    return result;
}

void pools_deinit(struct engine *e, struct client_pool *clients)
{
    exchanges_deinit(&e->exchanges);
    slab_deinit(&e->exchanges);
    slab_deinit(&e->upstream_conns);
    chunk_pool_deinit(&e->chunks);
    client_pool_deinit(clients);
    user_files_free(e->user_files);
    tls_cache_free(e->tickets);
    regex_scratch_free(e->regex_scratch);
    free(e->head_buffer);
}
