/* client - a client's connection: handshake, one exchange after the other, keep-alive, close.
 *
 * Owned by its worker. Idle it holds no exchange and no buffer. It pins the view that it began
 * on; a plain one moves to the newest between requests, one with TLS ends there, as its handshake
 * was made for the old settings. */
#ifndef RINGWAY_SERVER_CLIENT_H
#define RINGWAY_SERVER_CLIENT_H

#include "proxy/exchange.h"

struct client;

/* What clients of one worker share; embedded in the worker. */
struct client_pool {
    struct engine *engine;
    struct slab slab;
    struct list clients; /* all of them */
    size_t count;
    struct view *view; /* the newest: the worker's reference */
    bool is_draining;
    _Atomic uint64_t *numbers; /* of connections, process-wide: $connection */
    struct task *on_change;    /* made ready when one has gone */
};

/* 0, or -ENOMEM. */
int client_pool_init(struct client_pool *p, struct engine *e, size_t count_max) MUST_USE;
/* All must be gone. */
void client_pool_deinit(struct client_pool *p);

/* Takes a descriptor that was accepted on a listener of that view; closes it when there is no
 * slot. */
void client_accept(struct client_pool *p, struct view *view, const struct listen_conf *listen,
                   int fd);

/* The worker ends: idle ones close, the others after their exchange. */
void clients_drain(struct client_pool *p);

/* Ends that many of those that only wait for another request, the oldest first: their slots are
 * wanted. */
void clients_shed(struct client_pool *p, size_t count);

/* All are cut. */
void clients_abort(struct client_pool *p);

#endif
