/* access - one record per exchange, written to the access logs of its location.
 *
 * Records are gathered per log file and worker, and written by the loop at the end of the turn (or
 * as buffer= and flush= say), never blocking: what does not fit while a write is in flight is
 * dropped and counted (COUNTER_LOG_RECORDS_LOST). */
#ifndef RINGWAY_PROXY_ACCESS_H
#define RINGWAY_PROXY_ACCESS_H

#include "proxy/record.h"

/* Per log file and worker, twice: one is filled while one is written. A larger buffer= is as good
 * as this. */
#define ACCESS_BUFFER_BYTES (64 * 1024)
#define ACCESS_RECORD_BYTES_MAX (16 * 1024) /* a longer record is cut */

static_assert(2 * ACCESS_RECORD_BYTES_MAX <= ACCESS_BUFFER_BYTES,
              "an empty buffer takes a record, and is worth a write before it is full");

/* Before all else: no buffers yet. */
void access_init(struct engine *e);

/* Writes the record to each access log of its location. */
void access_write(struct record *r);

/* Counts the outcome, and writes an error log line where it was not a success, or record.detail
 * says something. Level: info for the client's faults, else error. */
void access_report(struct record *r);

/* Writes what is gathered and waits for nothing; at reload and shutdown. */
void access_flush(struct engine *e);
/* True while records wait or are being written. */
bool access_is_busy(const struct engine *e);
/* Gives up writes that do not end, as to a pipe that nobody reads: what they held is lost, with all
 * that waits behind them. Records that come later begin again: so call it until nothing is busy. */
void access_abort(struct engine *e);
/* Frees the buffers; what was not flushed is lost. Nothing may be in flight. */
void access_deinit(struct engine *e);

#endif
