/* byte_ranges - what a Range field asks for of a file, and how the parts are told (RFC 9110 section
 * 14). Pure. */
#ifndef RINGWAY_PROXY_BYTE_RANGES_H
#define RINGWAY_PROXY_BYTE_RANGES_H

#include "core/arena.h"

struct byte_range {
    uint64_t first, last; /* both inclusive, within the file */
};

struct byte_ranges {
    enum {
        BYTES_WHOLE,         /* 200: another unit, or more than anybody is obliged to obey */
        BYTES_PARTS,         /* 206 */
        BYTES_UNSATISFIABLE, /* 416: behind the end, or bad syntax, as in nginx */
    } kind;
    struct byte_range *parts; /* in the order in which they were asked for */
    size_t count;
};

/* The value of a Range field against a file of size bytes. As in nginx the whole is answered where
 * there are more parts than count_max, or together they are longer than the file; also where the
 * arena has no room for them. */
struct byte_ranges byte_ranges_parse(struct span value, uint64_t size, uint64_t count_max,
                                     struct arena *a);

/* The Content-Range of a part, "bytes 0-99/1234", or without one (NULL) of a refusal. Returns the
 * length; NUL-terminated. */
#define CONTENT_RANGE_BYTES (sizeof("bytes -/") + (size_t)3 * 20)
size_t content_range(const struct byte_range *part, uint64_t size, char out[CONTENT_RANGE_BYTES]);

/* An answer with several parts: multipart/byteranges. */
struct multipart {
    struct byte_ranges ranges;
    uint64_t size;     /* of the file */
    struct span type;  /* of each part; empty: not told */
    uint64_t boundary; /* a random number */
    size_t next;       /* of the parts, to be sent */
};

/* The media type of the whole: data NULL without memory. */
struct span multipart_type(const struct multipart *m, struct arena *a);

/* What is in front of a part; behind the last one (i = count) what ends them. Returns the length,
 * which is at most out_size (asserted: see below). */
size_t multipart_head(const struct multipart *m, size_t i, char *out, size_t out_size);

/* The most that a head takes beside its type. */
#define MULTIPART_HEAD_BYTES 256

/* All parts with what is around them. */
uint64_t multipart_bytes(const struct multipart *m);

#endif
