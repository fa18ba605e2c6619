/* relay - moves one body from a connection to another, with its framing decided anew.
 *
 * Owned by an exchange. Holds no bytes: they stay in src's input or dst's output.
 * Invariant: src is asked for more only while dst has room. */
#ifndef RINGWAY_PROXY_RELAY_H
#define RINGWAY_PROXY_RELAY_H

#include "http/parser.h"
#include "io/conn.h"
#include "proxy/pace.h"

enum relay_result {
    RELAY_WAITS,
    RELAY_DONE,      /* the body ended as its framing says, and stands in dst's output */
    RELAY_CUT,       /* src ended early, or failed */
    RELAY_BAD,       /* what src sent is no valid body: parser.reason */
    RELAY_TOO_LARGE, /* more than bytes_max */
    RELAY_NO_MEMORY,
};

/* What of a body goes on; the rest is read and dropped. */
struct relay_part {
    uint64_t skip_bytes, left_bytes;
};

struct relay {
    struct conn *src;
    struct conn *dst;        /* NULL: the body is read and dropped */
    struct parser *parser;   /* of src's message, past its head; NULL: bytes of a tunnel */
    enum framing framing;    /* towards dst */
    uint64_t bytes;          /* of content, so far */
    uint64_t framing_bytes;  /* chunk sizes and trailers that went to dst */
    uint64_t bytes_max;      /* 0: no limit */
    size_t waiting_max;      /* in dst's output, before src is read on; 0: as conn_has_room() */
    struct relay_part *part; /* NULL: all of it */
    struct pace *pace;       /* NULL: as fast as it goes */
    struct chunk *kept;      /* the first bytes of content, while is_keeping */
    bool is_keeping;         /* all content so far is in `kept`, for another try */
    bool drops_trailers;
    struct record *adds_trailers; /* of whose location; NULL: none */
    bool is_done;
};

/* Moves what there is and what there is room for; then src's owner, or dst's, is made ready. */
enum relay_result relay_run(struct relay *r) MUST_USE;

/* True when all that was moved can be moved again, to another destination. */
bool relay_can_replay(const struct relay *r);

/* Turns to a destination: what was moved before goes there first. 0, -ENOMEM. */
int relay_replay(struct relay *r, struct conn *dst) MUST_USE;

/* Keeps no more. */
void relay_forget(struct relay *r);

#endif
