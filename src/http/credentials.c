/* credentials - name and password of a request's Authorization field (RFC 7617). */
#include "http/credentials.h"

#include "core/base64.h"

#define SCHEME SPAN("Basic ")

bool credentials_read(const struct head *request, struct arena *a, struct span *user,
                      struct span *password)
{
    const struct field *f = head_find(request, FIELD_AUTHORIZATION);
    struct span base64, pair;
    size_t colon;
    ssize_t len;
    char *text;

    if (!f || !span_starts_with_nocase(f->value, SCHEME))
        return false;
    base64 = span_trim(span_skip(f->value, SCHEME.len));
    text = arena_alloc(a, base64_bytes_max(base64.len));
    len = text ? base64_decode(base64, text) : -ENOMEM;
    if (len < 0)
        return false;
    pair = span_of(text, (size_t)len);
    colon = span_index_of(pair, ':');
    if (colon == 0 || colon == pair.len)
        return false;
    *user = span_take(pair, colon);
    *password = span_skip(pair, colon + 1);
    return true;
}
