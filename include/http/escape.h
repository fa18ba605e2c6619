/* escape - bytes of a decoded URI on their way back into a URL, as nginx does it. */
#ifndef RINGWAY_HTTP_ESCAPE_H
#define RINGWAY_HTTP_ESCAPE_H

#include "core/arena.h"

/* For a path that path_normalize() made: bytes that may not stand in one become %XX. In the arena,
 * or path itself where nothing changes; .data is NULL when memory is at its end. */
struct span path_escape(struct span path, struct arena *a) MUST_USE;

/* For a value among arguments: what would end it or mean something else there becomes %XX. As
 * above. */
struct span args_escape(struct span text, struct arena *a) MUST_USE;

/* For a whole request target: what may not stand in one (RFC 9112 section 3.2: blanks, controls,
 * bytes beyond ASCII) becomes %XX; a '%' stays. As above. */
struct span target_escape(struct span text, struct arena *a) MUST_USE;

/* For the URL of a redirect, which was put together of escaped parts: up to the first '?', that of
 * an escape included, printable bytes lose their escape but for the '%' and what is below it, so
 * that no byte comes up that may not stand in a URL. Of a broken escape its '%' goes, and a first
 * digit with what follows it. In the arena, or text itself; .data NULL: no memory. */
struct span redirect_unescape(struct span text, struct arena *a) MUST_USE;

#endif
