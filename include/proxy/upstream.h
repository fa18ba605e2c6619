/* upstream - a worker's view of the upstreams of a snapshot: peers, lanes, idle connections.
 *
 * A view is owned by its worker and pinned by clients and exchanges; it goes with the last of them
 * once a newer one is in force. A lane is what connections and TLS sessions are pooled by: one
 * peer under one identity (SNI, names, CA, client certificate …).
 *
 * Invariant: an idle connection keeps one receive armed; whatever completes on it, it is
 * discarded. There is no peek when it is leased: that receive becomes the read of the response. */
#ifndef RINGWAY_PROXY_UPSTREAM_H
#define RINGWAY_PROXY_UPSTREAM_H

#include "conf/snapshot.h"
#include "io/conn.h"
#include "proxy/engine.h"

struct view;

struct peer {
    const struct peer_conf *conf;
    struct upstream *upstream;
    int64_t current_weight, effective_weight; /* smooth weighted round robin */
    struct list lanes;
};

struct upstream {
    const struct upstream_conf *conf;
    struct view *view;
    struct peer *peers;
    struct list idle; /* of all lanes, the most recently used first */
    unsigned idle_count;
};

struct lane {
    struct list link; /* in peer.lanes */
    struct peer *peer;
    const struct tls_profile *profile; /* NULL: plain */
    struct span sni;                   /* owned */
    struct tls_expected_name names[TLS_EXPECTED_NAMES_MAX]; /* owned */
    size_t name_count;
    struct tls_identity identity;
    struct list idle;    /* upstream_conn.lane_link, the most recently used first */
    struct list waiters; /* ticket_wait.link */
    unsigned cold_handshakes; /* in flight without a ticket: their tickets are worth a wait */
    bool is_borrowing;        /* other workers were asked for tickets */
    bool may_borrow;          /* cleared when they had none, set again when one is refused or used up */
};

struct view {
    struct engine *engine;
    struct snapshot *snapshot; /* one reference */
    unsigned ref_count;
    struct tls_context **client_contexts; /* by tls_profile.index */
    struct tls_context **server_contexts; /* by tls_server_profile.index */
    struct upstream *upstreams;           /* by upstream_conf.index */
    struct list conns;                    /* all upstream_conn that are not yet reaped */
    bool is_retired;                      /* a newer one is in force: nothing goes back to idle */
};

struct upstream_conn {
    struct conn conn;
    struct task task;   /* runs while idle and while closing */
    struct timer timer; /* keepalive_timeout while idle */
    struct list view_link, idle_link, lane_link;
    struct lane *lane;
    struct view *view;
    uint64_t opened_ms;
    uint64_t request_count;
    bool is_idle;
    bool is_cold;       /* counted in lane.cold_handshakes */
    bool had_ticket;
    enum tls_miss miss; /* when it had none */
};

/* Somebody who waits for a ticket on a lane. */
struct ticket_wait {
    struct list link;
    struct task *task;
};

/* Makes the worker's view: contexts and upstreams; takes a reference on the snapshot. 0, -ENOMEM,
 * or -EINVAL with a message when a context cannot be made. One reference to the caller. */
int view_new(struct engine *e, struct snapshot *s, struct view **out,
             char error[TLS_ERROR_BYTES]) MUST_USE;
struct view *view_ref(struct view *v);
void view_unref(struct view *v);
/* A newer view is in force: idle connections are closed. */
void view_retire(struct view *v);

/* What a lane is found by. */
struct lane_key {
    const struct proxy_pass *pass;
    struct span name; /* proxy_ssl_name, expanded; empty: not given */
};

/* The lane for a peer; made when it is new. NULL: no memory. */
struct lane *lane_find(struct view *v, struct peer *p, const struct lane_key *key) MUST_USE;

/* An idle connection, now owned by that task, or NULL. */
struct upstream_conn *upstream_lease(struct lane *l, struct task *owner) MUST_USE;

/* A new connection, connecting. NULL with -ENOMEM or the negative errno of socket(2). */
struct upstream_conn *upstream_open(struct lane *l, struct task *owner, int *error) MUST_USE;

/* Asked when it is connected and the lane has TLS: true where it is better to wait for a ticket
 * than to do a full handshake; the waiter's task is made ready when that changes. The caller
 * bounds the wait by ticket_wait_ms() and takes itself out by ticket_wait_stop(). */
bool upstream_should_wait(struct lane *l, struct ticket_wait *w);
void ticket_wait_init(struct ticket_wait *w, struct task *task);
void ticket_wait_stop(struct ticket_wait *w);
#define TICKET_WAIT_MS 20

/* Begins the handshake, with a ticket where there is one. 0 or -ENOMEM. */
int upstream_start_tls(struct upstream_conn *u) MUST_USE;

/* The handshake has ended: counts it, and frees the lane's waiters. */
void upstream_handshake_done(struct upstream_conn *u, bool has_succeeded);

/* Puts tickets that came meanwhile into the cache: call after reading. */
void upstream_save_tickets(struct upstream_conn *u);

/* Gives a connection back after a complete exchange: idle, or closed where it may not be kept. */
void upstream_give(struct upstream_conn *u);

/* Closes one, at once; it is given back to its slab when closed. */
void upstream_discard(struct upstream_conn *u);

/* Counts the outcome of a try for max_fails, and ends the peer's use. */
void peer_begin(struct peer *p);
void peer_end(struct peer *p, bool has_failed, uint64_t now_ms);

#endif
