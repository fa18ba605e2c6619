/* exchange - one request and its response: the state machine between a client and an upstream.
 *
 * Taken by a client from its worker's slab when a request begins, and given back when it has
 * ended. Owns its arena, both heads, two relays; leases one upstream connection through its
 * attempt; pins its view through its client.
 * Invariants: a step that waits has a deadline; nothing is retried once a response head was
 * passed on; the first outcome that is recorded wins. */
#ifndef RINGWAY_PROXY_EXCHANGE_H
#define RINGWAY_PROXY_EXCHANGE_H

#include "http/parser.h"
#include "proxy/attempt.h"
#include "proxy/relay.h"
#include "proxy/reply.h"

enum exchange_step {
    STEP_READ_HEAD,
    STEP_ROUTE,
    STEP_CONTENT,
    STEP_TRY,
    STEP_CONNECT,
    STEP_SEND,
    STEP_AWAIT,
    STEP_RESPOND,
    STEP_RELAY,
    STEP_TUNNEL,
    STEP_DRAIN,
    STEP_REPLY,
    STEP_COUNT
};

enum exchange_result {
    EXCHANGE_WAITS,
    EXCHANGE_KEEPS,  /* complete: the next request may follow on the connection */
    EXCHANGE_CLOSES, /* complete: the connection ends, well; see exchange_lingers() */
    EXCHANGE_CUTS,   /* incomplete: the connection must end so that the client can tell */
};

struct exchange {
    void *slab_link; /* the slab's while it is not taken */
    struct arena arena; /* keeps its first block from one use to the next */
    struct record record;
    struct view *view;   /* the client's reference */
    struct task *task;   /* the client's */
    struct timer *timer; /* the client's */
    const struct server_conf *sni_server; /* that the TLS handshake chose; NULL without TLS */
    enum exchange_step step;
    struct parser request, response;
    struct attempt attempt;
    struct relay upload, download;
    struct reply reply;
    uint64_t began_ms;
    enum exchange_result ending;
    enum outcome last_failure; /* of the tries before */
    unsigned interim_count;
    unsigned redirect_count;   /* internal ones, by error_page */
    unsigned error_status;     /* that an error_page is shown for; 0: none */
    bool is_head_good;         /* the request was parsed: framing is known */
    bool is_head_sent;         /* a final response head went to the client */
    bool is_reported;
    bool keeps_alive;          /* as the response head tells the client */
    bool is_draining;          /* the worker ends: connections are not kept */
    bool has_upload_failed;    /* the upstream does not read on; its answer may still come */
    bool is_body_gone;         /* an internal redirect follows: the body was meant for another */
};

struct exchange_options {
    struct view *view;
    const struct listen_conf *listen;
    const struct server_conf *sni_server;
    const struct client_facts *client;
    struct task *task;
    struct timer *timer;
    bool is_draining;
    bool is_pipelined;
};

/* Begins to read a request. NULL when the worker's slab is used up. */
struct exchange *exchange_new(const struct exchange_options *o) MUST_USE;

/* Gives it back. exchange_is_busy() must be false. */
void exchange_free(struct exchange *x);

/* Runs steps until one waits, or it has ended. */
enum exchange_result exchange_run(struct exchange *x);

/* Ends it as refused before anything was read. */
void exchange_refuse(struct exchange *x, enum outcome outcome);

/* The client's connection is gone: lets go of everything. */
void exchange_abort(struct exchange *x);

/* The worker ends: the connection is not kept after this exchange. */
void exchange_drain(struct exchange *x);

/* True while the kernel still owns something of it. */
bool exchange_is_busy(const struct exchange *x);

/* True when the client may still be sending: its conn has to linger. */
bool exchange_lingers(const struct exchange *x);

/* Frees the arenas of all exchanges of a worker; all were given back. */
void exchanges_deinit(struct slab *exchanges);

#endif
