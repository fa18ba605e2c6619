/* proxied - gathering the PROXY header of a connection. */
#include "server/proxied.h"

#include <stdlib.h>
#include <string.h>

struct proxied *proxied_new(void)
{
    struct proxied *p = malloc(sizeof(*p) + PROXY_HEADER_BYTES_MAX);

    if (p)
        *p = (struct proxied){.len = 0};
    return p;
}

void proxied_free(struct proxied *p)
{
    free(p);
}

/* Nothing but the TLVs is of use any more. */
static void shrink(struct proxied **p)
{
    struct proxied *old = *p, *small;
    struct span tlvs = old->header.tlvs;

    if (tlvs.len)
        memmove(old->bytes, tlvs.data, tlvs.len);
    old->len = tlvs.len;
    small = realloc(old, sizeof(*old) + old->len);
    if (small)
        *p = small;
    (*p)->header.tlvs = span_of((*p)->bytes, (*p)->len);
}

/* The bytes of the header are consumed, and not one behind it. */
static enum proxied_result take(struct proxied **p, struct conn *c, struct span input)
{
    struct proxied *gathered = *p;
    size_t before = gathered->len, used = 0;
    size_t n = size_min(input.len, PROXY_HEADER_BYTES_MAX - before);
    enum proxy_header_result result;

    memcpy(gathered->bytes + before, input.data, n);
    gathered->len += n;
    result = proxy_header_parse(span_of(gathered->bytes, gathered->len), &gathered->header, &used);
    if (result == PROXY_HEADER_BROKEN)
        return PROXIED_BROKEN;
    if (result == PROXY_HEADER_MORE) {
        /* No header is longer than what there is room for: then it is broken. */
        assert(n == input.len);
        conn_consume(c, n);
        return PROXIED_WAITS;
    }
    assert(used > before);
    conn_consume(c, used - before);
    shrink(p);
    return PROXIED_READY;
}

enum proxied_result proxied_read(struct proxied **p, struct conn *c)
{
    struct span input;

    while ((input = conn_input(c)).len) {
        enum proxied_result result = take(p, c, input);

        if (result != PROXIED_WAITS)
            return result;
    }
    if (conn_end(c) != CONN_END_NONE)
        return PROXIED_ENDED;
    conn_want_input(c);
    return PROXIED_WAITS;
}
