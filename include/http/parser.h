/* parser - bytes to messages, as events that we pull.
 *
 * Owned by a client (requests) or an exchange (responses). Reads strictly: what RFC 9112 calls
 * ambiguous is an error and never repaired. Pure: no input or output of its own.
 *
 * Use: parser_begin(), then parser_next() until PARSER_END; then begin again for the next message.
 */
#ifndef RINGWAY_HTTP_PARSER_H
#define RINGWAY_HTTP_PARSER_H

#include "http/chunked.h"
#include "http/framing.h"
#include "http/message.h"
#include "http/rules.h"
#include "http/section.h"

enum parser_event {
    PARSER_NEED_INPUT, /* the input is used up */
    PARSER_HEAD,       /* parser.head is complete; its framing is decided */
    PARSER_BODY,       /* *body points into the input: bytes of content, never empty */
    PARSER_END,        /* the message is complete; trailers are in parser.head */
    PARSER_ERROR,      /* parser.error and parser.reason say what; nothing more is parsed */
};

struct parser {
    struct head head;
    enum parser_error error;
    const char *reason;                 /* of the error: a literal of ours, for the log */
    const struct parser_limits *limits; /* outlive the parser */
    struct arena *arena;
    bool is_request;
    struct parser_request_facts answers; /* for responses */
    /* Private: */
    unsigned phase;
    unsigned blank_line_count; /* before a request line */
    bool blank_line_has_cr;
    unsigned scheme_port;   /* of an absolute target: 80 or 443; else 0 */
    struct section section; /* the head, later the trailers */
    struct chunked chunked;
    uint64_t body_left; /* of FRAMING_LENGTH */
};

/* Begins a request. Head and trailers are built in the arena, which must live as long as they. */
void parser_begin_request(struct parser *p, const struct parser_limits *limits, struct arena *a);

/* Begins a response. After a 1xx head other than 101 the parser reports PARSER_END at once; begin
 * again for the next one. */
void parser_begin_response(struct parser *p, const struct parser_limits *limits, struct arena *a,
                           struct parser_request_facts answers);

/* Goes on until there is something to say. Advances *input over what it used; bytes of a following
 * message are left in it. After PARSER_HEAD with FRAMING_TUNNEL all input is PARSER_BODY and there
 * is no end. */
enum parser_event parser_next(struct parser *p, struct span *input, struct span *body);

/* The stream has ended. PARSER_END where the message is complete, also by that end (body of
 * FRAMING_UNTIL_CLOSE, FRAMING_TUNNEL), else PARSER_ERROR with PARSER_EARLY_END. */
enum parser_event parser_end_of_stream(struct parser *p);

/* True before the first byte of a message (blank lines before a request line do not count). */
bool parser_is_at_start(const struct parser *p);

/* True once PARSER_END was reported. */
bool parser_is_at_end(const struct parser *p);

#endif
