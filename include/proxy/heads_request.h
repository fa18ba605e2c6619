/* heads_request - the request head that we write for an upstream.
 *
 * Everything hop-by-hop is decided here (RFC 9110 section 7.6.1): a head is never passed on, it is
 * written anew. */
#ifndef RINGWAY_PROXY_HEADS_REQUEST_H
#define RINGWAY_PROXY_HEADS_REQUEST_H

#include "proxy/record.h"

/* Appends the request head for record.pass to an upstream's conn: the target is made of record.uri
 * and args, and the fields of what came and proxy_set_header. framing: how the body goes on; for
 * FRAMING_LENGTH the length of proxy_set_body, or request.content_length is announced. Notes what
 * it asked for in the record (from asked_method to asked_to_continue). Bytes are not counted.
 * 0; -ENOMEM; -EMSGSIZE; -EINVAL, with nothing appended, for a configured value or target that may
 * not be written, and for FRAMING_CHUNKED to an upstream of HTTP/1.0. */
int heads_write_request(struct record *r, struct conn *upstream, enum framing framing) MUST_USE;

#endif
