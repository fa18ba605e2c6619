/* log_cache - access logs whose path has variables: opened when a record comes, and kept open as
 * open_log_file_cache says.
 *
 * One for each worker, owned by its engine. A file that is held, by the buffer whose records go to
 * it, is open; it is closed when nothing holds or keeps it. */
#ifndef RINGWAY_PROXY_LOG_CACHE_H
#define RINGWAY_PROXY_LOG_CACHE_H

#include "conf/snapshot.h"
#include "proxy/engine.h"

/* Before all else: no files yet. */
void log_cache_init(struct engine *e);

/* The open file of a path (append, create 0644), to be held until log_cache_release(). NULL, with
 * errno. conf may be NULL: kept by nothing. */
struct log_file *log_cache_take(struct engine *e, struct span path,
                                const struct log_cache_conf *conf) MUST_USE;

/* One more that holds a file, until it releases it. */
void log_cache_hold(struct log_file *file);
void log_cache_release(struct engine *e, struct log_file *file);

/* Closes all files; nothing may hold one. */
void log_cache_deinit(struct engine *e);

#endif
