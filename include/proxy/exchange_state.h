/* exchange_state - what an exchange is, and what can be told from it without changing it.
 *
 * Taken by a client from its worker's slab when a request begins, and given back when it has
 * ended. Owns its arena, both heads, two relays; leases one upstream connection through its
 * attempt; pins its view through its client.
 * Invariants: a step that waits has a deadline; nothing is retried once a response head was
 * passed on; the first outcome that is recorded wins. */
#ifndef RINGWAY_PROXY_EXCHANGE_STATE_H
#define RINGWAY_PROXY_EXCHANGE_STATE_H

#include "http/parser.h"
#include "proxy/attempt.h"
#include "proxy/destination.h"
#include "proxy/limit.h"
#include "proxy/relay.h"
#include "proxy/reply.h"

enum exchange_step {
    STEP_READ_HEAD,
    STEP_ROUTE,
    STEP_REWRITE,
    STEP_SCRIPT,
    STEP_GATE,
    STEP_CONTENT,
    STEP_RESOLVE,
    STEP_TAKE_BODY,
    STEP_TRY,
    STEP_CONNECT,
    STEP_SEND,
    STEP_AWAIT,
    STEP_RESPOND,
    STEP_RELAY,
    STEP_TUNNEL,
    STEP_DRAIN,
    STEP_REPLY,
    STEP_SETTLE, /* it has ended, but for what the kernel still does */
    STEP_COUNT
};

/* What a step came to. */
enum progress { GO_ON, WAIT, END };

enum exchange_result {
    EXCHANGE_WAITS,
    EXCHANGE_KEEPS,  /* complete: the next request may follow on the connection */
    EXCHANGE_CLOSES, /* complete: the connection ends, well; see exchange_lingers() */
    EXCHANGE_CUTS,   /* incomplete: the connection must end so that the client can tell */
};

/* What is set as a whole before it is read, and the end of the record, is not cleared for a new
 * request: most of the bytes are there. */
struct exchange {
    void *slab_link;                      /* the slab's while it is not taken */
    struct arena arena;                   /* keeps its first block from one use to the next */
    struct view *view;                    /* the client's reference; cleared from here on */
    struct task *task;                    /* the client's */
    struct timer *timer;                  /* the client's */
    const struct server_conf *sni_server; /* that the TLS handshake chose; NULL without TLS */
    enum exchange_step step;
    struct limit_hold *holds;             /* that it counts as here, by limit_conn */
    struct subrequest *subrequest;        /* in the arena; NULL: none is under way */
    struct gate *gate;                    /* in the arena; NULL: it has met none */
    struct destination_use *destinations; /* in the arena: hosts that it named, the last first */
    struct relay upload;
    uint64_t began_ms;
    uint64_t taken_before; /* of what the client sends, when this request began */
    enum exchange_result ending;
    enum outcome last_failure; /* of the tries before */
    unsigned interim_count;
    unsigned redirect_count; /* internal ones, and rewrites that look for a location again */
    unsigned error_status;   /* that an error_page is shown with; 0: the status of what answers */
    bool shows_error_page;   /* its own errors have none, but for recursive_error_pages */
    bool is_internal;        /* locations that are "internal" answer, too */
    bool is_head_good;       /* the request was parsed: framing is known */
    bool is_head_sent;       /* a final response head went to the client */
    bool is_reported;
    bool keeps_alive;       /* as the response head tells the client */
    bool has_sent_continue; /* 100 of our own, as the upstream is not asked for one */
    bool is_draining;       /* the worker ends: connections are not kept */
    bool has_upload_failed; /* the upstream does not read on; its answer may still come */
    bool is_body_gone;      /* an internal redirect follows: the body was meant for another */
    struct record record;   /* cleared up to RECORD_CLEARED_END */
    struct relay download;  /* set where it begins */
    struct relay_part part; /* likewise; of the download */
    struct pace pace;       /* likewise, but for resume_ms; of the download, or the reply */
    struct attempt attempt;
    struct reply reply;
    struct parser request;
    struct parser response; /* begun when a request was sent */
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

/* True while the kernel still owns something of it. */
bool exchange_is_busy(const struct exchange *x);

/* Frees the arenas of all exchanges of a worker; all were given back. */
void exchanges_deinit(struct slab *exchanges);

static inline struct conn *client_of(const struct exchange *x)
{
    return x->record.client->conn;
}

/* Of the leased connection; the attempt must have one. */
static inline struct conn *upstream_of(const struct exchange *x)
{
    return &x->attempt.conn->conn;
}

static inline uint64_t exchange_now_ms(const struct exchange *x)
{
    return loop_now_ms(x->view->engine->loop);
}

static inline const struct settings *exchange_settings(const struct exchange *x)
{
    return &x->record.location->settings;
}

/* What comes next tells of a client that goes away, or is its next request. */
static inline void exchange_watch_client(struct exchange *x)
{
    if (!conn_input(client_of(x)).len)
        conn_want_input(client_of(x));
}

/* The client has ended its side: with TLS that is known once what came is opened. */
static inline bool exchange_client_is_leaving(struct exchange *x)
{
    exchange_watch_client(x);
    return conn_is_ending(client_of(x));
}

/* The client's connection has failed, and nobody is to go on without it. While another is asked
 * about the request the end of its side counts, too, as in nginx. */
static inline bool exchange_client_is_gone(struct exchange *x)
{
    return (client_of(x)->error || (x->subrequest && exchange_client_is_leaving(x))) &&
           !exchange_settings(x)->proxy_ignore_client_abort;
}

/* Before a wait in which nothing is read of the client: it may go away all the same. */
static inline void exchange_hear_client(struct exchange *x)
{
    if (!conn_is_heard(client_of(x)))
        conn_watch(client_of(x));
}

/* What a request that breaks a rule comes to. */
enum outcome outcome_of_parser(enum parser_error error);

/* RFC 9110 section 7.4: a connection whose TLS handshake was for one server does not reach another
 * that asks for a client certificate under other rules. */
bool exchange_is_misdirected(const struct exchange *x);

/* A client certificate that is missing or did not verify, where one has to: OUTCOME_NONE when there
 * is nothing wrong; *reason: a line for the log. */
enum outcome exchange_certificate_fault(const struct exchange *x, const char **reason);

/* True when the announced length is beyond client_max_body_size; of another framing that is found
 * out while the body comes. */
bool exchange_body_is_too_large(const struct exchange *x);

/* True when the request was read to its end. */
bool exchange_request_is_complete(const struct exchange *x);

/* Notes in the record how much of the request was taken so far, with its framing. */
void exchange_count_request(struct exchange *x);

/* True when the upstream does not get the request's own body. */
bool exchange_replaces_body(const struct exchange *x);

/* True when what was sent of the request can be sent again, to another peer. */
bool exchange_can_resend(const struct exchange *x);

/* RFC 9112 section 9.3, and what the file allows: may another request follow? */
bool exchange_may_keep_alive(const struct exchange *x);

/* How the upstream's body goes on, with the framing that this client understands. */
void exchange_plan_framing(const struct exchange *x, struct response_plan *plan);

/* How the upstream's stream came to its end, in words for the log. */
const char *exchange_upstream_end(const struct exchange *x);

/* The nearest deadline of all that it waits for, and what it means when it has come. */
struct deadline {
    uint64_t at_ms; /* UINT64_MAX: none */
    enum outcome outcome;
};
struct deadline exchange_deadline(const struct exchange *x);

#endif
