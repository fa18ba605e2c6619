/* proxied - the PROXY header of a client's connection: gathered before anything else, and kept as
 * long as the connection lives.
 *
 * Owned by a client, whose facts point to the header. One allocation for each connection, where a
 * listener asks for it: it is larger than all else that is kept of a client, and rare. */
#ifndef RINGWAY_SERVER_PROXIED_H
#define RINGWAY_SERVER_PROXIED_H

#include "http/proxy_protocol.h"
#include "io/conn.h"

struct proxied {
    struct proxy_header header;
    size_t len;
    char bytes[]; /* up to PROXY_HEADER_BYTES_MAX, while it is gathered */
};

/* NULL: no memory. */
struct proxied *proxied_new(void) MUST_USE;
void proxied_free(struct proxied *p); /* NULL is allowed */

enum proxied_result {
    PROXIED_WAITS,  /* more is asked for */
    PROXIED_READY,  /* what follows the header is the conn's input */
    PROXIED_BROKEN, /* what came is in p->bytes */
    PROXIED_ENDED,  /* the connection, before it was whole */
};

/* Takes in what has come; p may move. */
enum proxied_result proxied_read(struct proxied **p, struct conn *c) MUST_USE;

#endif
