/* chunked - takes apart the chunked coding, up to the trailers.
 *
 * RFC 9112 section 7.1, by a machine of our own and not by llhttp: llhttp holds a chunk extension
 * to no size, and where lines end is the very thing that two readers of one stream must not
 * disagree about. Owned by a parser. Pure; content stays where it is. */
#ifndef RINGWAY_HTTP_CHUNKED_H
#define RINGWAY_HTTP_CHUNKED_H

#include "core/span.h"
#include "http/rules.h"

/* A line with a chunk's size and extension; beyond: bad syntax. */
#define CHUNK_LINE_BYTES_MAX 4096

/* Framing that is not paid for by content, as Go's net/http counts it: each line's bytes, less 16
 * that are free, less twice the chunk's content, never below 0. Beyond: bad syntax. */
#define CHUNK_LINE_BYTES_FREE 16
#define CHUNK_EXCESS_BYTES_MAX (16 * 1024)

enum chunked_event {
    CHUNKED_NEED_INPUT,
    CHUNKED_CONTENT, /* *content points into the input */
    CHUNKED_LAST,    /* the last chunk's line was read: trailers follow */
    CHUNKED_FLAW,
};

struct chunked {
    unsigned state;
    uint64_t left;     /* while a size is read: the size so far; then bytes of content left */
    size_t line_bytes; /* of the line that is being read */
    size_t excess_bytes;
    const char *reason; /* of CHUNKED_FLAW */
};

/* Before the first byte of a body. */
void chunked_init(struct chunked *c);

/* Goes on until there is something to say; advances *input over what it used. */
enum chunked_event chunked_next(struct chunked *c, struct span *input, struct span *content);

#endif
