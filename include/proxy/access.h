/* access - one record per exchange, written to the access logs of its location.
 *
 * Records are gathered per log file and worker, and written by the loop at the end of the turn (or
 * as buffer= and flush= say), never blocking: what does not fit while a write is in flight is
 * dropped and counted (COUNTER_LOG_RECORDS_LOST). */
#ifndef RINGWAY_PROXY_ACCESS_H
#define RINGWAY_PROXY_ACCESS_H

#include "proxy/record.h"

#define ACCESS_BUFFER_BYTES (64 * 1024)  /* per log file and worker, twice: one is filled while one is written */
#define ACCESS_RECORD_BYTES_MAX (16 * 1024) /* a longer record is cut */

/* Writes the record to each access log of its location. */
void access_write(struct record *r);

/* Counts the outcome, and writes an error log line where it was not a success: nginx's words,
 * "…, client: 127.0.0.1, server: name, request: "GET / HTTP/1.1", upstream: "https://…", host: "…"".
 * Level: error for the upstream's and our faults, info for the client's. */
void access_report(struct record *r);

/* Writes what is gathered and waits for nothing; at reload and shutdown. */
void access_flush(struct engine *e);
/* True while records wait or are being written. */
bool access_is_busy(const struct engine *e);
/* Frees the buffers. Nothing may be in flight. */
void access_deinit(struct engine *e);

#endif
