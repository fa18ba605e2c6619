/* engine - what everything that one worker proxies shares: its loop, pools, caches and counters.
 *
 * Owned by a worker, used by its thread only (counters may be read by others). */
#ifndef RINGWAY_PROXY_ENGINE_H
#define RINGWAY_PROXY_ENGINE_H

#include "conf/regex.h"
#include "core/slab.h"
#include "core/stats.h"
#include "core/time_text.h"
#include "io/chunk.h"
#include "io/loop.h"
#include "io/tls_cache.h"

struct engine {
    struct loop *loop;
    struct stats stats;
    struct chunk_pool chunks;
    struct slab exchanges;
    struct slab upstream_conns;
    struct tls_cache *tickets;
    struct regex_scratch *regex_scratch;
    struct time_cache times;
    char *head_buffer; /* WRITTEN_HEAD_BYTES_MAX: heads are written here, then appended to a conn */
    unsigned index;    /* of the worker, from 0 */
    unsigned loans_out;       /* loans of ours that are not home yet */
    struct engine **siblings; /* of all workers, this one too; set before the first turn */
    unsigned sibling_count;
    struct list access_buffers; /* of proxy/access: access_init() makes the list */
};

#endif
