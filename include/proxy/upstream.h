/* upstream - connections to upstreams: opened, kept idle, leased, and their TLS handshakes.
 *
 * A connection is owned by its worker's slab and leased by one exchange at a time.
 * Invariant: an idle connection keeps one receive armed; whatever completes on it, it is
 * discarded. There is no peek when it is leased: that receive becomes the read of the response. */
#ifndef RINGWAY_PROXY_UPSTREAM_H
#define RINGWAY_PROXY_UPSTREAM_H

#include "io/conn.h"
#include "proxy/loan.h"

/* What a location asks of a connection, besides its lane. */
struct upstream_link {
    struct endpoint local; /* proxy_bind; AF_UNSPEC: the kernel chooses */
    bool is_transparent;
    bool is_probed; /* proxy_socket_keepalive: of one that is opened */
};

struct upstream_conn {
    struct conn conn;
    struct task task;   /* runs while idle and while closing */
    struct timer timer; /* keepalive_timeout while idle */
    struct list idle_link, lane_link;
    struct lane *lane;
    struct view *view; /* one reference */
    struct upstream_link link;
    uint64_t opened_ms;
    uint32_t request_count;
    bool is_idle;
    bool is_cold; /* counted in lane.cold_handshakes */
    bool had_ticket;
    enum tls_miss miss : 8; /* when it had none */
};

/* A newer view is in force: nothing goes back to idle, and what is idle is closed. */
void view_retire(struct view *v);

/* An idle connection from the same local address, now owned by that task, or NULL. */
struct upstream_conn *upstream_lease(struct lane *l, const struct upstream_link *link,
                                     struct task *owner) MUST_USE;

/* A new connection, connecting. NULL with -ENOMEM or the negative errno of socket(2) or bind(2); a
 * lane that has no other connection may be gone then, see lane_settle(). */
struct upstream_conn *upstream_open(struct lane *l, const struct upstream_link *link,
                                    struct task *owner, int *error) MUST_USE;

/* Asked when it is connected and the lane has TLS: true where it is better to wait for a ticket
 * than to do a full handshake; the waiter's task is made ready when that changes. The caller
 * bounds the wait by TICKET_WAIT_MS and takes itself out by ticket_wait_stop(). */
bool upstream_should_wait(struct lane *l, struct ticket_wait *w);
void ticket_wait_init(struct ticket_wait *w, struct task *task);
void ticket_wait_stop(struct ticket_wait *w);
#define TICKET_WAIT_MS 20 /* a full handshake costs about this much where the peer is far away */

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

#endif
