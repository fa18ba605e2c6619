/* worker_internal - what the files of the worker's room share, and nobody else sees. */
#ifndef RINGWAY_SERVER_WORKER_INTERNAL_H
#define RINGWAY_SERVER_WORKER_INTERNAL_H

#include <pthread.h>
#include <semaphore.h>

#include "server/delivery.h"
#include "server/handover.h"
#include "server/listeners.h"
#include "server/worker.h"

/* What the workers of one process share besides their snapshot. */
struct group {
    _Atomic uint64_t connection_numbers;
    _Atomic unsigned undrained_count;
    unsigned worker_count;        /* that are not yet joined */
    struct handovers **handovers; /* of each; NULL: they do not know each other */
};

struct worker {
    struct engine engine;
    struct client_pool clients;
    struct listeners listeners;
    struct handovers handovers;
    struct view *view;
    struct worker_options options; /* the first assignment is for the start alone */
    size_t connections_max;        /* worker_connections: beyond, accepting pauses */
    struct group *group;
    struct engine **siblings;
    pthread_t thread;
    sem_t has_started;
    int start_error;
    char start_text[TLS_ERROR_BYTES];
    struct task change; /* a client has gone, or something of the drain has */
    struct timer check;
    struct timer cut_off;      /* the deadline of a drain */
    uint64_t logs_end_ms;      /* when logs that take nothing are given up; 0: not yet known */
    struct farewell *farewell; /* NULL: told */
    bool is_draining, is_drained, may_exit;
};

/* That it has drained. Made with the worker, as it must be told whatever memory there is; control
 * may hear it when the worker is gone. */
struct farewell {
    struct delivery delivery;
    void (*on_drained)(void *control);
    void *control;
};

/* Makes ready what it decides by, and the word that it has drained: 0, or -ENOMEM. */
int worker_init_serving(struct worker *w) MUST_USE;

/* It accepts no more, and ends by and by. */
void worker_drain(struct worker *w);

#endif
