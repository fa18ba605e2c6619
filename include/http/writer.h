/* writer - heads and chunk framing written into a buffer.
 *
 * The buffer is the caller's; what does not fit sets a flag that is asked for once, at the end.
 * Values are checked here, at the last place before the wire: a field whose value holds CR, LF,
 * NUL or another control byte but tab is left out, and counted. Pure: no input or output. */
#ifndef RINGWAY_HTTP_WRITER_H
#define RINGWAY_HTTP_WRITER_H

#include "http/message.h"

struct writer {
    char *data;
    size_t len;
    size_t size;
    bool has_overflowed;    /* something did not fit: the buffer must not be sent */
    unsigned refused_count; /* fields left out because of their value */
};

/* Begins anew in a buffer of the caller's. */
void writer_init(struct writer *w, char *data, size_t size);

/* Bytes as they are. */
void writer_span(struct writer *w, struct span s);
void writer_u64(struct writer *w, uint64_t value);

/* "METHOD target HTTP/1.minor CR LF". The target must be valid; bytes outside 0x21..0x7e set
 * has_overflowed, as nothing of such a head may be sent. */
void writer_request_line(struct writer *w, struct span method, struct span target,
                         unsigned version_minor);

/* "HTTP/1.1 status reason CR LF"; the reason is looked up when it is empty and dropped when it
 * is not valid. */
void writer_status_line(struct writer *w, unsigned status, struct span reason);

/* "name: value CR LF". The name is a token: those of the file are checked when it is read. */
void writer_field(struct writer *w, struct span name, struct span value);
void writer_field_u64(struct writer *w, struct span name, uint64_t value);

/* The same for a field of a head that the parser handed out: its bytes are good. */
void writer_parsed_field(struct writer *w, const struct field *f);

/* CR LF behind the fields. */
void writer_end_of_head(struct writer *w);

/* RFC 9112 section 7.1: "size CR LF". Content and CR LF behind it, and the last chunk, are the
 * caller's: they go where no buffer is needed (proxy/relay). */
#define CHUNK_PREFIX_BYTES_MAX 18
void writer_chunk_prefix(struct writer *w, uint64_t size);

#endif
