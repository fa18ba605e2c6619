/* base64 - RFC 4648 section 4, read. */
#ifndef RINGWAY_CORE_BASE64_H
#define RINGWAY_CORE_BASE64_H

#include <sys/types.h>

#include "core/span.h"

/* How many bytes so long a text is at most. */
static inline size_t base64_bytes_max(size_t len)
{
    return len / 4 * 3 + 3;
}

/* Decodes into out, which has room for base64_bytes_max(). Padding may be absent; what stands
 * behind it does not count. The number of bytes, or -EINVAL. */
ssize_t base64_decode(struct span text, char *out) MUST_USE;

#endif
