/* framing - what the fields of a head say about its body and its connection, decided once.
 *
 * RFC 9112 sections 6 and 9, RFC 9110 sections 7.6.1, 7.8 and 10.1.1. Pure; works on a head that is
 * being built by the parser. */
#ifndef RINGWAY_HTTP_FRAMING_H
#define RINGWAY_HTTP_FRAMING_H

#include "http/message.h"
#include "http/rules.h"

/* What a response answers: its framing depends on it. */
struct parser_request_facts {
    bool was_head;
    bool asked_for_upgrade;
};

/* Sets identifiers of fields, and drops those whose name the limits refuse. */
struct flaw fields_classify(struct field *fields, size_t count,
                            const struct parser_limits *limits) MUST_USE;

/* Sets framing, content_length, is_persistent, upgrade, accepts_trailers and expects_continue, and
 * drops what may not pass a hop. *host is the Host field, NULL without one. */
struct flaw framing_of_request(struct head *h, const struct parser_limits *limits,
                               const struct field **host) MUST_USE;

/* The same for a response, RFC 9112 section 6.3. */
struct flaw framing_of_response(struct head *h, const struct parser_limits *limits,
                                struct parser_request_facts answers) MUST_USE;

/* Keeps those trailers that may be forwarded, in their order. */
void trailers_filter(struct head *h);

#endif
