/* limits - the sizes that are fixed at compile time, and how they hang together.
 *
 * What an operator can change stands in the snapshot (conf/snapshot.h). Each limit here says what
 * happens when it is reached. */
#ifndef RINGWAY_CORE_LIMITS_H
#define RINGWAY_CORE_LIMITS_H

#include "core/base.h"

/* One TLS record holds at most this much plaintext (RFC 8446 section 5.1); with its header and
 * tag it grows by at most RECORD_OVERHEAD_BYTES (RFC 8446 section 5.2; CBC of TLS 1.2 included). */
#define RECORD_BYTES_MAX 16384
#define RECORD_OVERHEAD_BYTES 512

/* A chunk: the unit of bytes that wait in a connection, with its header. */
#define CHUNK_BYTES 32768
#define CHUNK_HEADER_BYTES 256
#define CHUNK_ROOM (CHUNK_BYTES - CHUNK_HEADER_BYTES)

/* Of the submission queue; what the kernel takes. What does not fit at once is submitted early. */
#define RING_ENTRIES_MIN 1
#define RING_ENTRIES_MAX 32768

/* Buffers that the kernel fills, per worker. All are its own again at the end of each turn, so
 * their number bounds the receives of one turn and not the connections; a receive that finds none
 * is armed again. A connection that fills a small one gets large ones until one stays half empty.
 * Of each size the kernel has so many bytes at first, and twice as many after each turn that used
 * more than three in four of them: memory that no turn needs is never touched.
 * LARGE_BUFFER_BYTES: the most that receive_buffers may say, and what it says by itself. */
#define SMALL_BUFFER_BYTES 4096
#define SMALL_BUFFER_COUNT 512
#define LARGE_BUFFER_BYTES CHUNK_ROOM
#define LARGE_BUFFER_BYTES_MIN SMALL_BUFFER_BYTES
#define LARGE_BUFFER_COUNT_MAX 32768 /* half of the identifiers; the other half is small ones' */
#define BUFFER_BYTES_LENT_FIRST (128 * 1024)

/* What waits in one connection to be sent. At high water its source is not read any more; at low
 * water, half of it, it is again. One receive and one TLS record may come on top.
 * OUT_BYTES_HIGH: where send_high_water does not say another. */
#define OUT_BYTES_HIGH (128 * 1024)
#define OUT_BYTES_HIGH_MIN RECORD_BYTES_MAX
#define OUT_BYTES_HIGH_MAX (16 * 1024 * 1024)
#define OUT_CHUNKS_PER_SEND 8
#define OUT_BYTES_PER_SEND (OUT_CHUNKS_PER_SEND * CHUNK_ROOM)

/* Sends without copies: smaller ones would keep whole chunks for few bytes until the peer has them.
 */
#define OUT_BYTES_LENT_MIN (CHUNK_BYTES / 2)

/* Looking for completions without sleeping, before a worker sleeps. Timers are as exact as ever. */
#define BUSY_POLL_US_MAX 1000000

/* Memory of one exchange for heads and variables: first block, and all of it (then 503). */
#define EXCHANGE_ARENA_BYTES 4096
#define EXCHANGE_ARENA_BYTES_MAX (1024 * 1024)

/* The largest head that we write; a larger one is 431 to the client or 502 from the upstream. */
#define WRITTEN_HEAD_BYTES_MAX (160 * 1024)

/* Response heads of upstreams; beyond: 502. */
#define RESPONSE_HEAD_BYTES_MAX (64 * 1024)
#define RESPONSE_LINE_BYTES_MAX (32 * 1024)
#define RESPONSE_FIELD_COUNT_MAX 200
#define RESPONSE_INTERIM_COUNT_MAX 16 /* 1xx before the final one; beyond: 502 */

/* Handshakes that a worker goes on with in one turn; the others wait for the next. */
#define HANDSHAKES_PER_TURN 4

/* Peers that one request may try at the most. */
#define TRIES_MAX 16

/* Internal redirects of one request, with those of "rewrite"; beyond: 500. */
#define REDIRECTS_MAX 10

/* Tickets kept per identity and worker: what proxy_ssl_session_tickets may say. */
#define TICKETS_PER_IDENTITY_MAX 1024

/* Levels of include, of nested blocks, and parameters of a directive, in a configuration. */
#define CONF_DEPTH_MAX 32
#define CONF_ARGS_MAX 512

#define WORKERS_MAX 128

static_assert(CHUNK_ROOM >= RECORD_BYTES_MAX + RECORD_OVERHEAD_BYTES,
              "a sealed record fits into one chunk");
static_assert(LARGE_BUFFER_BYTES <= BUFFER_BYTES_LENT_FIRST, "the kernel has buffers of each size");
static_assert(LARGE_BUFFER_BYTES <= CHUNK_ROOM, "what one receive brings can be kept in one chunk");
static_assert(RESPONSE_HEAD_BYTES_MAX < WRITTEN_HEAD_BYTES_MAX,
              "a response head that was accepted can be written, with what we add");

#endif
