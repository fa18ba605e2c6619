/* log_escape - values as they stand in an access record: log_format's escape=. Pure. */
#ifndef RINGWAY_PROXY_LOG_ESCAPE_H
#define RINGWAY_PROXY_LOG_ESCAPE_H

#include "conf/snapshot.h"

/* One byte becomes at most so many: \u001F of JSON. */
#define LOG_ESCAPE_GROWTH_MAX 6

/* Writes a value as the format wants it and returns the number of bytes, at most size; never half
 * an escape. No NUL. A value that is not there (data NULL) is "-" by default and nothing in the
 * other two, as in nginx.
 *
 * LOG_ESCAPE_DEFAULT: '"', '\\' and what is outside of 0x20 to 0x7e become \xHH. LOG_ESCAPE_JSON:
 * what a JSON string may not hold (RFC 8259 section 7) is escaped; bytes that are no UTF-8 pass.
 * LOG_ESCAPE_NONE: as it is, line feeds too. */
size_t log_escape(enum log_escape kind, struct span value, char *out, size_t size);

/* The same into the arena; the value itself where nothing changes. .data is NULL when memory is at
 * its end. */
struct span log_escape_copy(enum log_escape kind, struct span value, struct arena *a) MUST_USE;

#endif
