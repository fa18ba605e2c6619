/* view - a worker's view of a snapshot: TLS contexts, upstreams, peers and lanes.
 *
 * Owned by its worker and pinned by clients and connections; it goes with the last of them once a
 * newer one is in force. A lane is what connections and TLS sessions are pooled by: one peer under
 * one identity (SNI, names, CA, client certificate …). */
#ifndef RINGWAY_PROXY_VIEW_H
#define RINGWAY_PROXY_VIEW_H

#include "conf/snapshot.h"
#include "proxy/certificate.h"
#include "proxy/engine.h"

#define LANES_PER_PEER_MAX 256 /* names from variables; beyond, those go that are not in use */

struct view;

struct peer {
    const struct peer_conf *conf;
    struct upstream *upstream;
    int64_t current_weight, effective_weight; /* smooth weighted round robin */
    uint64_t trial_began_ms; /* when this worker last let a request through to it on trial */
    struct list lanes;
};

#define DESTINATION_BUCKETS 64

/* One of the file's stands in the view's array; one that requests name (proxy/destination) lies at
 * the beginning of a block of its own. */
struct upstream {
    const struct upstream_conf *conf;
    struct view *view;
    struct peer *peers;
    struct list idle; /* of all lanes, the most recently used first */
    unsigned idle_count;
    /* Of one that requests name: */
    struct list link;    /* in a bucket of the view, or among those that are gone */
    unsigned user_count; /* exchanges */
    uint64_t used_ms;
    bool is_gone; /* another has its place: nothing goes back to idle */
};

struct lane {
    struct list link; /* in peer.lanes, the most recently used first */
    struct peer *peer;
    const struct tls_profile *profile; /* NULL: plain */
    struct span given_name;            /* owned: proxy_ssl_name; empty: not given */
    struct span host_name;             /* of the proxy_pass; in the snapshot or the upstream */
    struct span sni;                   /* given_name, or a name of the snapshot's */
    struct certificate *certificate;   /* one reference; NULL: the profile's, or none */
    struct tls_expected_name names[TLS_EXPECTED_NAMES_MAX];
    size_t name_count;
    struct tls_identity identity;
    struct list idle;         /* upstream_conn.lane_link, the most recently used first */
    struct list waiters;      /* ticket_wait.link */
    unsigned conn_count;      /* connections that point here */
    unsigned cold_handshakes; /* without a ticket, whose own tickets are yet to come */
    bool gives_tickets;       /* false once a connection ended without one: nobody waits */
    bool is_borrowing;        /* another worker was asked */
    bool may_borrow;          /* false once none had any, until there was one again */
};

struct view {
    struct engine *engine;
    struct snapshot *snapshot;            /* one reference */
    unsigned ref_count;                   /* worker, clients, upstream connections, loans */
    struct tls_context **client_contexts; /* by tls_profile.index */
    struct tls_context **server_contexts; /* by tls_server_profile.index */
    struct certificates certificates;     /* that requests choose */
    struct upstream *upstreams;           /* by upstream_conf.index */
    struct resolver **resolvers;          /* by resolver_conf.index */
    struct list destinations[DESTINATION_BUCKETS]; /* upstream.link */
    struct list gone_destinations;
    size_t destination_count; /* in the buckets */
    bool is_retired;          /* a newer one is in force: nothing goes back to idle */
};

/* Makes the worker's view: contexts and upstreams; takes a reference on the snapshot. 0, -ENOMEM,
 * or -EINVAL with a message when a context cannot be made. One reference to the caller. */
int view_new(struct engine *e, struct snapshot *s, struct view **out,
             char error[TLS_ERROR_BYTES]) MUST_USE;
struct view *view_ref(struct view *v);
void view_unref(struct view *v);

/* 0 or -ENOMEM. */
int upstream_init(struct upstream *u, struct view *v, const struct upstream_conf *conf) MUST_USE;
/* Nothing may be left of its connections. */
void upstream_deinit(struct upstream *u);

/* What a lane is found by. */
struct lane_key {
    const struct proxy_pass *pass;
    struct span name;                /* proxy_ssl_name, expanded; empty: not given */
    struct certificate *certificate; /* that the request chose; NULL: it did not */
};

/* The lane for a peer; made when it is new. NULL: no memory. */
struct lane *lane_find(struct peer *p, const struct lane_key *key) MUST_USE;

/* Keeps a ticket to resume with; takes it over. */
void lane_keep_ticket(struct lane *l, struct tls_ticket *ticket);

/* No connection, no waiter, and no loan points to it. */
bool lane_is_unused(const struct lane *l);

/* Called when something that the lane was kept for has gone. A lane with a certificate that a
 * request chose goes with the last of that, and the certificate with it; others stay, within
 * LANES_PER_PEER_MAX. */
void lane_settle(struct lane *l);

/* Adds one to a word that all workers share. */
static inline void peer_count(_Atomic uint64_t *word)
{
    atomic_fetch_add_explicit(word, 1, memory_order_relaxed);
}

/* What a try says of its peer. */
enum peer_verdict {
    PEER_SERVED,
    PEER_FAILED,
    PEER_UNJUDGED, /* it ended for another reason: the client left, we lacked memory */
    PEER_UNTRIED,  /* only what was kept of it had gone stale: its try is yet to come */
};

/* A peer's use by a try: counts for max_conns and least_conn; its end counts for max_fails. False:
 * it did not begin, as another worker took the last of max_conns since the peer was picked. */
bool peer_begin(struct peer *p);
void peer_end(struct peer *p, enum peer_verdict verdict, uint64_t now_ms);

/* True when it failed so often that it was taken out, and has not served since. */
bool peer_is_on_trial(const struct peer *p);

#endif
