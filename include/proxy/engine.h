/* engine - what everything that one worker proxies shares: its loop, pools, caches and counters.
 *
 * Owned by a worker, used by its thread only (counters may be read by others). */
#ifndef RINGWAY_PROXY_ENGINE_H
#define RINGWAY_PROXY_ENGINE_H

#include <time.h>

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
    struct time_cache times; /* ask engine_times() */
    uint64_t times_set_ms;   /* of the loop's clock */
    char *head_buffer; /* WRITTEN_HEAD_BYTES_MAX: heads are written here, then appended to a conn */
    unsigned index;    /* of the worker, from 0 */
    unsigned loans_out;       /* loans of ours that are not home yet */
    struct engine **siblings; /* of all workers, this one too; set before the first turn */
    unsigned sibling_count;
    struct user_files *user_files; /* of proxy/user_file; NULL until one is asked */
    struct list resolvers;         /* of all views; resolver_new() adds to it */
    struct list access_buffers;    /* of proxy/access: access_init() makes the list */
    struct list log_files;         /* of proxy/log_cache, likewise */
    uint64_t log_file_count;
};

/* The time of day as text, as of this turn. */
static inline const struct time_cache *engine_times(struct engine *e)
{
    uint64_t now_ms = loop_now_ms(e->loop);
    struct timespec wall;

    if (e->times_set_ms != now_ms) {
        (void)clock_gettime(CLOCK_REALTIME, &wall);
        time_cache_set(&e->times, (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000);
        e->times_set_ms = now_ms;
    }
    return &e->times;
}

#endif
