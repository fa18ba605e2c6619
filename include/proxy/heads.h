/* heads - the two heads that we write: the request to an upstream, the response to a client.
 *
 * Everything hop-by-hop is decided here (RFC 9110 section 7.6.1): a head is never passed on, it is
 * written anew. */
#ifndef RINGWAY_PROXY_HEADS_H
#define RINGWAY_PROXY_HEADS_H

#include "http/writer.h"
#include "proxy/record.h"

/* How the body of a response goes to the client. */
struct response_plan {
    unsigned status;
    struct span reason;          /* empty: the usual one */
    const struct head *upstream; /* its fields are passed on; NULL: an answer of ours */
    enum framing framing;
    uint64_t content_length; /* for FRAMING_LENGTH, and for HEAD and 304 where announced */
    bool has_content_length;
    bool keeps_alive;
    /* An answer of ours: */
    struct span content_type, location, etag, last_modified, content_range, allow;
    bool accepts_ranges;
};

/* Appends the response head to the client's conn, notes it in the record (status, sent_head) and
 * counts its bytes (sent_bytes). Fields of the upstream's that are hop-by-hop, about framing, or
 * hidden do not pass. FRAMING_CHUNKED is for HTTP/1.1 clients only (asserted).
 * 0; -ENOMEM; -EMSGSIZE when it is larger than WRITTEN_HEAD_BYTES_MAX. */
int heads_write_response(struct record *r, const struct response_plan *plan) MUST_USE;

/* A 1xx of the upstream's, passed on; its bytes are counted (sent_bytes). */
int heads_write_interim(struct record *r, const struct head *upstream) MUST_USE;

/* Appends the request head for record.pass to an upstream's conn: the target is made of record.uri
 * and args, and the fields of what came and proxy_set_header. framing: how the body goes on; for
 * FRAMING_LENGTH request.content_length is announced. Notes what it asked for in the record
 * (asked_for_upgrade, asked_to_close, asked_to_continue). Bytes are not counted.
 * 0; -ENOMEM; -EMSGSIZE; -EINVAL, with nothing appended, for a configured value or target that may
 * not be written, and for FRAMING_CHUNKED to an upstream of HTTP/1.0. */
int heads_write_request(struct record *r, struct conn *upstream, enum framing framing) MUST_USE;

#endif
