/* stats - one worker's counters, as one table.
 *
 * Written by its worker's thread only; others may read (relaxed atomics: a sum over workers is
 * right up to the moment). */
#ifndef RINGWAY_CORE_STATS_H
#define RINGWAY_CORE_STATS_H

#include <stdatomic.h>

#include "core/base.h"
#include "core/outcome.h"

/* X(identifier, name, help) */
#define COUNTERS(X)                                                                               \
    X(ACCEPTED, "connections_accepted", "client connections accepted")                            \
    X(ACCEPT_PAUSES, "accept_pauses",                                                             \
      "times that accepting paused for want of descriptors or slots")                             \
    X(HANDED_OVER, "connections_handed_over",                                                     \
      "client connections given to a worker with fewer of them")                                  \
    X(TAKEN_OVER, "connections_taken_over", "client connections got from another worker")         \
    X(REQUESTS, "requests", "requests whose head was read")                                       \
    X(CLIENT_HANDSHAKES_FULL, "client_handshakes_full", "full TLS handshakes with clients")       \
    X(CLIENT_HANDSHAKES_RESUMED, "client_handshakes_resumed",                                     \
      "resumed TLS handshakes with clients")                                                      \
    X(CLIENT_HANDSHAKES_FAILED, "client_handshakes_failed",                                       \
      "TLS handshakes with clients that failed")                                                  \
    X(UPSTREAM_CONNECTS, "upstream_connects", "connections opened to upstreams")                  \
    X(UPSTREAM_REUSES, "upstream_reuses", "requests sent over a kept connection")                 \
    X(UPSTREAM_HANDSHAKES_FULL, "upstream_handshakes_full", "full TLS handshakes with upstreams") \
    X(UPSTREAM_HANDSHAKES_RESUMED, "upstream_handshakes_resumed",                                 \
      "resumed TLS handshakes with upstreams")                                                    \
    X(UPSTREAM_HANDSHAKES_FAILED, "upstream_handshakes_failed",                                   \
      "TLS handshakes with upstreams that failed")                                                \
    X(UPSTREAM_UNVERIFIED, "upstream_unverified",                                                 \
      "TLS connections to upstreams with proxy_ssl_verify off")                                   \
    X(UPSTREAM_SURPLUS, "upstream_surplus",                                                       \
      "upstream connections dropped for bytes that nobody asked for")                             \
    X(TICKETS_LENT, "tickets_lent", "TLS tickets given to another worker")                        \
    X(TICKETS_BORROWED, "tickets_borrowed", "TLS tickets got from another worker")                \
    X(TICKET_WAITS, "ticket_waits", "connects that waited for the first ticket")                  \
    X(RETRIES, "retries", "requests tried again at another peer or connection")                   \
    X(TURNS, "turns", "turns of the loop")                                                        \
    X(RECEIVE_STARVED, "receive_starved", "receives armed again because the ring had no buffer")  \
    X(SHORT_SENDS, "short_sends", "sends that the kernel took in part")                           \
    X(ZEROCOPY_SENDS, "zerocopy_sends", "sends whose bytes the kernel read where they lay")       \
    X(ZEROCOPY_REFUSED, "zerocopy_refused", "sends made again with copies")                       \
    X(LOG_RECORDS_LOST, "log_records_lost",                                                       \
      "access records dropped because the log did not keep up")

enum counter {
#define X(id, name, help) COUNTER_##id,
    COUNTERS(X)
#undef X
        COUNTER_COUNT
};

struct stats {
    _Atomic uint64_t counters[COUNTER_COUNT];
    _Atomic uint64_t outcomes[OUTCOME_COUNT];
};

/* For the one thread that writes these counters. */
static inline void stats_add(struct stats *s, enum counter c, uint64_t n)
{
    /* One writer: a plain load and store, no locked instruction. */
    uint64_t value = atomic_load_explicit(&s->counters[c], memory_order_relaxed);

    atomic_store_explicit(&s->counters[c], value + n, memory_order_relaxed);
}

static inline void stats_count_outcome(struct stats *s, enum outcome o)
{
    uint64_t value = atomic_load_explicit(&s->outcomes[o], memory_order_relaxed);

    atomic_store_explicit(&s->outcomes[o], value + 1, memory_order_relaxed);
}

const char *counter_name(enum counter c);
const char *counter_help(enum counter c);

/* Adds the counters of one worker to a sum that the caller owns. */
void stats_sum(struct stats *sum, const struct stats *s);

#endif
