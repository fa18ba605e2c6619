/* time_text - times as text: for logs (nginx's forms) and for HTTP dates (RFC 9110 section 5.6.7).
 *
 * A cache belongs to one worker, which sets it once a turn; what it shows was put into words at
 * most once a second. */
#ifndef RINGWAY_CORE_TIME_TEXT_H
#define RINGWAY_CORE_TIME_TEXT_H

#include "core/span.h"

#define TIME_LOCAL_BYTES sizeof("20/Nov/2026:22:46:00 +0000")
#define TIME_ISO8601_BYTES sizeof("2026-11-20T22:46:00+00:00")
#define TIME_HTTP_BYTES sizeof("Fri, 20 Nov 2026 22:46:00 GMT")

struct time_cache {
    int64_t unix_ms; /* as it was set last */
    char local[TIME_LOCAL_BYTES];
    char iso8601[TIME_ISO8601_BYTES];
    char http[TIME_HTTP_BYTES];
};

/* Shows that time from now on, also where the cache is all zero yet; milliseconds since 1970
 * (CLOCK_REALTIME). Times outside of the years 1970 to 9999 are shown as the nearest end of
 * them. */
void time_cache_set(struct time_cache *c, int64_t unix_ms);

/* $time_local, $time_iso8601 and the Date field, as views into the cache: good until it is set. */
struct span time_cache_local(const struct time_cache *c);
struct span time_cache_iso8601(const struct time_cache *c);
struct span time_cache_http(const struct time_cache *c);

/* IMF-fixdate of a time in seconds since 1970. Returns the length; NUL-terminated. */
size_t time_format_http(int64_t unix_s, char out[TIME_HTTP_BYTES]);

/* The reverse, which also takes the two obsolete forms, as RFC 9110 section 5.6.7 wants it, and
 * what lacks its "GMT". 0, or -EINVAL. */
int time_parse_http(struct span text, int64_t *unix_s) MUST_USE;

#endif
