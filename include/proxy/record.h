/* record - what is known of one exchange: for variables, logs, and the heads that we write.
 *
 * Embedded in an exchange, which fills it in as the facts come; everything else only reads it.
 * Spans point into the exchange's arena, its conns' TLS sessions, or the snapshot. */
#ifndef RINGWAY_PROXY_RECORD_H
#define RINGWAY_PROXY_RECORD_H

#include "conf/snapshot.h"
#include "core/outcome.h"
#include "http/message.h"
#include "http/proxy_protocol.h"
#include "io/conn.h"
#include "proxy/engine.h"

#define NOT_MEASURED UINT64_MAX

/* One try at one peer. Times in microseconds since the try began; NOT_MEASURED: did not happen. */
struct try_record {
    const struct peer_conf *peer;
    unsigned status; /* of its response head, or of the outcome (502, 504); 0: none yet */
    uint64_t began_us;
    uint64_t connect_us;  /* connected, with TLS: handshake finished; 0 on a reused connection */
    uint64_t header_us;   /* response head complete */
    uint64_t response_us; /* response complete, or given up */
    uint64_t bytes_sent, bytes_received, response_length;
    bool is_first; /* of those that its location made */
    bool is_tls, is_resumed, is_reused;
    const char *protocol, *cipher; /* of TLS; literals */
};

/* What a client connection tells of itself; outlives its exchanges. */
struct client_facts {
    struct conn *conn;
    struct endpoint address, local_address;
    const struct proxy_header *proxy_header; /* of the PROXY protocol; NULL: none came */
    uint64_t number;                         /* $connection */
    uint64_t request_count;                  /* $connection_requests, this one included */
    uint64_t since_ms;                       /* of the loop's clock, when it was accepted */
};

struct request_body;

/* What became of limit_req or limit_conn. */
enum limit_state {
    LIMIT_STATE_NONE, /* it met none */
    LIMIT_STATE_PASSED,
    LIMIT_STATE_DELAYED,
    LIMIT_STATE_REJECTED,
    LIMIT_STATE_DELAYED_DRY_RUN,
    LIMIT_STATE_REJECTED_DRY_RUN,
};

struct record {
    struct engine *engine;
    struct arena *arena;
    struct snapshot *snapshot; /* read-only; not const, as references are taken */
    const struct client_facts *client;
    const struct client_facts *connection; /* who connected, where client is another; else NULL */
    const struct listen_conf *listen;
    const struct server_conf *server;     /* the listener's default one until Host is known */
    const struct location_conf *location; /* the server's root level until it is known */
    const struct head *request;           /* its spans are empty where it was never complete */
    /* $uri, $args: as in the request, or after an internal redirect. */
    struct span uri, args;
    bool is_subrequest;     /* it is a detour of the request: a GET, whatever that is */
    bool keeps_uri;         /* "break" behind a rewrite: proxy_pass has no URI for it */
    bool is_rewritten;      /* they are not the request's: its target is not passed on as it came */
    bool adds_uri_to_alias; /* try_files found uri below the alias of a regex location */
    uint64_t began_us;      /* of the turn in which it began; likewise in the tries */
    uint64_t request_bytes; /* head and body with its framing, as far as it was taken */
    struct request_body *body; /* that is taken in before it goes on; NULL: it is not */
    unsigned char request_id[16];
    bool has_request_id;
    bool is_pipelined; /* $pipe: its head was there before the answer to the one before it */
    bool lacks_memory; /* a variable could not be made: see record_expand() */

    uint64_t limit_rate; /* $limit_rate; of limit_rate where nothing else was said */
    bool has_limit_rate;
    enum { BUFFERING_AS_SET, BUFFERING_ON, BUFFERING_OFF } buffering; /* X-Accel-Buffering */

    const struct proxy_pass *pass; /* NULL: answered here */
    /* Of the request head as it was last written to an upstream: */
    enum method asked_method;
    struct span set_body;   /* of proxy_set_body, in place of the request's; data NULL: none */
    bool asked_for_upgrade; /* a 101 is an answer to it */
    bool asked_to_close;    /* Connection: close, or HTTP/1.0: it cannot be kept alive */
    bool asked_to_continue; /* Expect went on: else a client that waits gets its 100 here */
    size_t try_count;
    size_t untold_count;         /* of tries behind those, while one head is written for them all */
    const struct head *response; /* of the upstream, once complete */
    /* Of upstreams' answers that something else answers in place of, for its head. */
    const struct field *kept_fields;
    size_t kept_count;
    bool passes_trailers; /* those of the response go to the client */

    unsigned status; /* as sent, or to be sent: $status; 0: none yet */
    enum limit_state limit_req_state, limit_conn_state;
    struct span challenges;    /* WWW-Authenticate of the gate, as whole lines */
    struct span sent_head;     /* the head as it was written: $sent_http_* */
    struct span sent_trailers; /* behind the content, likewise: "Name: value", CR LF */
    uint64_t sent_bytes;       /* head and body, before TLS */
    uint64_t sent_body_bytes;  /* content, and its chunk framing */
    bool has_replied;          /* an answer made here was written to its end */
    enum outcome outcome;
    bool is_tried_again; /* the outcome is that of a try which another one follows */
    struct span detail;  /* one line that says more than the outcome's word; may be empty */
    struct user_value *user_values; /* of proxy/user_variable; NULL: none was used yet */

    /* From here on a new record is not cleared, but for captures_clear(). */
    struct captures captures;           /* of the regex that matched last; .regex NULL: none */
    struct try_record tries[TRIES_MAX]; /* the first try_count of them */
};

/* As it goes to whoever answers. */
static inline struct span record_method(const struct record *r)
{
    return r->is_subrequest ? SPAN("GET") : r->request->method_text;
}

/* What the client speaks: on a port for TLS it may be plain HTTP, to be told so. */
static inline bool record_is_tls(const struct record *r)
{
    return r->client->conn->tls != NULL;
}

#define RECORD_CLEARED_END offsetof(struct record, captures)

#endif
