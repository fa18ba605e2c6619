/* log_pack - access logs, compressed: each write is a gzip member of its own, so that what was
 * written so far can be read at any time (RFC 1952 section 2.2). The only room that includes
 * zlib.h. */
#ifndef RINGWAY_PROXY_LOG_PACK_H
#define RINGWAY_PROXY_LOG_PACK_H

#include "core/span.h"

/* What text of a length can come to at most. */
size_t log_pack_bytes_max(size_t len);

/* Compresses text, at a level of 1 to 9, into out of log_pack_bytes_max() bytes. The length; 0 when
 * memory is at its end. */
size_t log_pack(unsigned level, struct span text, char *out) MUST_USE;

#endif
