/* summary - what was counted for upstream peers, for workers and by all of them, as lines of the
 * error log. */
#ifndef RINGWAY_SERVER_SUMMARY_H
#define RINGWAY_SERVER_SUMMARY_H

#include "conf/snapshot.h"
#include "core/stats.h"

/* At notice, a line for each peer that had anything to do: requests, and how many handshakes were
 * full (and why), resumed, failed. */
void summary_log(const struct log *log, const struct snapshot *s);

/* At notice, a line for a worker that had connections: how many there are and were, and how many it
 * got from other workers and gave to them. */
void summary_log_worker(const struct log *log, unsigned index, size_t client_count,
                        const struct stats *s);

/* At notice, what is not zero of a sum over all workers: one line of counters, with how many lines
 * error logs lost, and one of how requests ended. */
void summary_log_counters(const struct log *log, const struct stats *sum);

#endif
