/* request_body - a request's body that is taken in before it goes upstream: in memory, and beyond
 * that in a temporary file.
 *
 * Made in the arena of its exchange, for a request that has a body where the location buffers it.
 * Content is kept in chunks; once they hold more than memory_max they go to the file, in their
 * order, and so does the rest. Written and read by the loop.
 * Invariants: one operation is in flight at the most, and the chunk that it moves belongs to it;
 * a body with a file lies in the file alone once it is whole. */
#ifndef RINGWAY_PROXY_REQUEST_BODY_H
#define RINGWAY_PROXY_REQUEST_BODY_H

#include "http/parser.h"
#include "proxy/record.h"

enum request_body_result {
    REQUEST_BODY_WAITS,
    REQUEST_BODY_DONE,
    REQUEST_BODY_CUT,       /* the client ended before the body did */
    REQUEST_BODY_BAD,       /* it is none: parser.reason */
    REQUEST_BODY_TOO_LARGE, /* more than client_max_body_size */
    REQUEST_BODY_NO_MEMORY,
    REQUEST_BODY_NO_FILE, /* the disk: record.detail says what */
};

struct request_body {
    struct record *record;
    struct task *owner;
    const struct body_files *files; /* of the location that took it in */
    enum body_file_naming naming;
    struct list chunks;  /* what is in memory, in its order */
    size_t memory_bytes; /* in them */
    uint64_t memory_max;
    uint64_t bytes; /* so far, or of the whole */
    uint64_t bytes_max;
    bool is_whole;
    int fd;              /* -1: all is in memory */
    struct span name;    /* of the file; empty: it has none */
    uint64_t file_bytes; /* written */
    struct op op;
    struct chunk *moving; /* on its way to the file, or out of it */
    bool is_stale;        /* it was read for a try that is over */
    int error;            /* of the file; negative errno */
    uint64_t sent_bytes;  /* to the upstream of this try */
    struct list *next;    /* of the chunks: to be sent */
};

/* For the request of the record; the owner's task is made ready when the file has moved on. NULL:
 * no memory. */
struct request_body *request_body_new(struct record *r, struct task *owner) MUST_USE;

/* Takes in what the client has sent. DONE: it is whole, and request_body_send() may be called. */
enum request_body_result request_body_take(struct request_body *b, struct conn *client,
                                           struct parser *parser) MUST_USE;

/* The next try sends it from its beginning. */
void request_body_rewind(struct request_body *b);

/* Moves on to the upstream what there is room for. DONE: all of it stands in the output. */
enum request_body_result request_body_send(struct request_body *b, struct conn *upstream) MUST_USE;

/* True once all of it stands in an upstream's output. */
static inline bool request_body_is_sent(const struct request_body *b)
{
    return b->is_whole && b->sent_bytes == b->bytes;
}

/* True while the kernel writes or reads for it. NULL is not busy. */
static inline bool request_body_is_busy(const struct request_body *b)
{
    return b && b->op.is_in_flight;
}

/* $request_body: what is in memory; SPAN_NONE where it is in a file. */
struct span request_body_text(const struct request_body *b);

/* Closes the file and gives the chunks back; it must not be busy. NULL is allowed. */
void request_body_deinit(struct request_body *b);

#endif
