/* heads_response - the response head that we write: of an upstream's answer or of our own.
 *
 * Everything hop-by-hop is decided here (RFC 9110 section 7.6.1): a head is never passed on, it is
 * written anew. */
#ifndef RINGWAY_PROXY_HEADS_RESPONSE_H
#define RINGWAY_PROXY_HEADS_RESPONSE_H

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
 * 0; -ENOMEM; -EMSGSIZE when it is larger than WRITTEN_HEAD_BYTES_MAX; -ELOOP: a regex of
 * proxy_redirect or proxy_cookie_* ran away. */
int heads_write_response(struct record *r, const struct response_plan *plan) MUST_USE;

/* A 1xx of the upstream's, passed on; its bytes are counted (sent_bytes). */
int heads_write_interim(struct record *r, const struct head *upstream) MUST_USE;

#endif
