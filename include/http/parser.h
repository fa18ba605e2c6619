/* parser - bytes to messages: llhttp's push turned into events that we pull.
 *
 * Owned by a client (requests) or an exchange (responses). Reads strictly: what RFC 9112 calls
 * ambiguous is an error and never repaired. Pure: no input or output of its own.
 *
 * Use: parser_begin(), then parser_next() until PARSER_END; then begin again for the next message.
 */
#ifndef RINGWAY_HTTP_PARSER_H
#define RINGWAY_HTTP_PARSER_H

#include "http/message.h"

enum parser_event {
    PARSER_NEED_INPUT, /* the input is used up */
    PARSER_HEAD,       /* parser.head is complete; its framing is decided */
    PARSER_BODY,       /* *body points into the input: bytes of content, never empty */
    PARSER_END,        /* the message is complete; trailers are in parser.head */
    PARSER_ERROR,      /* parser.error and parser.reason say what; nothing more is parsed */
};

enum parser_error {
    PARSER_OK,
    PARSER_BAD_SYNTAX,       /* 400 */
    PARSER_URI_TOO_LONG,     /* 414 */
    PARSER_HEAD_TOO_LARGE,   /* 431: bytes or number of fields, of a head or of trailers */
    PARSER_CODING_UNKNOWN,   /* 501: Transfer-Encoding that we do not have */
    PARSER_VERSION_UNKNOWN,  /* 505: major version other than 1 */
    PARSER_METHOD_REFUSED,   /* 405: CONNECT, TRACE */
    PARSER_EXPECT_UNKNOWN,   /* 417 */
    PARSER_EARLY_END,        /* the stream ended inside of a message */
    PARSER_NO_MEMORY,        /* 503 */
};

struct parser_limits {
    size_t head_bytes_max;    /* of the whole head, and of trailers */
    size_t line_bytes_max;    /* of the request line (414) and of each field line (431) */
    size_t field_count_max;   /* of fields, and of trailers */
    size_t head_bytes_first;  /* the first buffer: grows by doubling up to head_bytes_max */
    bool underscores_in_names; /* false: fields with '_' in their name are dropped */
    bool invalid_names_are_ignored; /* true: fields with names of other than A-Za-z0-9- are dropped */
    bool slashes_are_merged;
};

/* What a response answers: its framing depends on it. */
struct parser_request_facts {
    bool was_head;
    bool asked_for_upgrade;
};

/* State of llhttp, whose type no header of ours shows; parser.c asserts the size. */
struct parser_machine {
    _Alignas(16) unsigned char state[160];
};

struct parser {
    struct head head;
    enum parser_error error;
    const char *reason; /* of the error: a literal of ours, for the log */
    struct parser_machine machine;
    const struct parser_limits *limits; /* outlive the parser */
    struct arena *arena;
    bool is_request;
    struct parser_request_facts answers; /* for responses */
    /* (private fields follow: phase, head buffer, offsets, bytes left …) */
    unsigned phase;
    char *buffer;
    size_t buffer_len;
    size_t buffer_size;
    size_t parsed_len;
    uint64_t body_left;
    size_t overhead_bytes; /* chunk framing seen in a row without content */
    struct span piece;
    size_t field_size;
    size_t trailer_size;
    size_t line_start;
    unsigned blank_lines;
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

/* The stream has ended. PARSER_END where that completes the message (FRAMING_UNTIL_CLOSE, in its
 * body), else PARSER_ERROR with PARSER_EARLY_END. */
enum parser_event parser_end_of_stream(struct parser *p);

/* True before the first byte of a message (blank lines before a request line do not count). */
bool parser_is_at_start(const struct parser *p);

/* True once PARSER_END was reported. */
bool parser_is_at_end(const struct parser *p);

#endif
