/* outcome - every way in which an exchange can end, as one table.
 *
 * A row gives the status that the client gets (while no head was sent), whose fault it was,
 * whether another try is allowed, and the word for logs and counters. The first outcome that is
 * recorded wins. Statuses from 495 to 497 are nginx's names for a 400 with a page of its own. */
#ifndef RINGWAY_CORE_OUTCOME_H
#define RINGWAY_CORE_OUTCOME_H

#include "core/base.h"

enum outcome_fault { FAULT_NONE, FAULT_CLIENT, FAULT_UPSTREAM, FAULT_US };

/* When another peer (or a new connection) may be tried; proxy_next_upstream narrows it. */
enum outcome_retry {
    RETRY_NEVER,
    RETRY_ERROR,          /* proxy_next_upstream error */
    RETRY_TIMEOUT,        /* proxy_next_upstream timeout */
    RETRY_INVALID_HEADER, /* proxy_next_upstream invalid_header */
    RETRY_STALE, /* what was kept of a peer (connection, ticket) is dead: try again at once */
};

/* X(identifier, status, fault, retry, word) */
#define OUTCOMES(X)                                                                       \
    X(NONE, 0, FAULT_NONE, RETRY_NEVER, "none") /* not ended yet */                       \
    X(DONE, 0, FAULT_NONE, RETRY_NEVER, "done")                                           \
    X(BAD_REQUEST, 400, FAULT_CLIENT, RETRY_NEVER, "bad_request")                         \
    X(PLAIN_TO_TLS, 497, FAULT_CLIENT, RETRY_NEVER, "plain_http_to_tls_port")             \
    X(CLIENT_CERTIFICATE, 495, FAULT_CLIENT, RETRY_NEVER, "client_certificate")           \
    X(CERTIFICATE_MISSING, 496, FAULT_CLIENT, RETRY_NEVER, "client_certificate_missing")  \
    X(FORBIDDEN, 403, FAULT_CLIENT, RETRY_NEVER, "forbidden")                             \
    X(METHOD_REFUSED, 405, FAULT_CLIENT, RETRY_NEVER, "method_refused")                   \
    X(REQUEST_TIMEOUT, 408, FAULT_CLIENT, RETRY_NEVER, "request_timeout")                 \
    X(LENGTH_REQUIRED, 411, FAULT_CLIENT, RETRY_NEVER, "length_required")                 \
    X(BODY_TOO_LARGE, 413, FAULT_CLIENT, RETRY_NEVER, "body_too_large")                   \
    X(URI_TOO_LONG, 414, FAULT_CLIENT, RETRY_NEVER, "uri_too_long")                       \
    X(EXPECTATION, 417, FAULT_CLIENT, RETRY_NEVER, "expectation_failed")                  \
    X(MISDIRECTED, 421, FAULT_CLIENT, RETRY_NEVER, "misdirected")                         \
    X(HEAD_TOO_LARGE, 431, FAULT_CLIENT, RETRY_NEVER, "head_too_large")                   \
    X(CLIENT_GONE, 499, FAULT_CLIENT, RETRY_NEVER, "client_gone")                         \
    X(CLIENT_STALLED, 408, FAULT_CLIENT, RETRY_NEVER, "client_stalled")                   \
    X(INTERNAL, 500, FAULT_US, RETRY_NEVER, "internal")                                   \
    X(CODING_UNKNOWN, 501, FAULT_CLIENT, RETRY_NEVER, "coding_unknown")                   \
    X(VERSION_UNKNOWN, 505, FAULT_CLIENT, RETRY_NEVER, "version_unknown")                 \
    X(NO_MEMORY, 503, FAULT_US, RETRY_NEVER, "no_memory")                                 \
    X(NOT_RESOLVED, 502, FAULT_UPSTREAM, RETRY_NEVER, "not_resolved")                     \
    X(NO_PEER, 502, FAULT_UPSTREAM, RETRY_NEVER, "no_live_upstreams")                     \
    X(CONNECT_FAILED, 502, FAULT_UPSTREAM, RETRY_ERROR, "connect_failed")                 \
    X(CONNECT_TIMEOUT, 504, FAULT_UPSTREAM, RETRY_TIMEOUT, "connect_timeout")             \
    X(HANDSHAKE_FAILED, 502, FAULT_UPSTREAM, RETRY_ERROR, "handshake_failed")             \
    X(NOT_VERIFIED, 502, FAULT_UPSTREAM, RETRY_ERROR, "certificate_not_verified")         \
    X(HANDSHAKE_TIMEOUT, 504, FAULT_UPSTREAM, RETRY_TIMEOUT, "handshake_timeout")         \
    X(TICKET_BROKE_HANDSHAKE, 502, FAULT_UPSTREAM, RETRY_STALE, "ticket_broke_handshake") \
    X(SEND_TIMEOUT, 504, FAULT_UPSTREAM, RETRY_TIMEOUT, "send_timeout")                   \
    X(STALE_CONNECTION, 502, FAULT_UPSTREAM, RETRY_STALE, "stale_connection")             \
    X(CLOSED_EARLY, 502, FAULT_UPSTREAM, RETRY_ERROR, "closed_before_head")               \
    X(READ_TIMEOUT, 504, FAULT_UPSTREAM, RETRY_TIMEOUT, "read_timeout")                   \
    X(BAD_RESPONSE, 502, FAULT_UPSTREAM, RETRY_INVALID_HEADER, "bad_response")            \
    X(RESPONSE_CUT, 502, FAULT_UPSTREAM, RETRY_NEVER, "response_cut")

enum outcome {
#define X(id, status, fault, retry, word) OUTCOME_##id,
    OUTCOMES(X)
#undef X
        OUTCOME_COUNT
};

struct outcome_row {
    const char *word;
    unsigned status;
    enum outcome_fault fault;
    enum outcome_retry retry;
};

/* The row of an outcome; never NULL. */
const struct outcome_row *outcome_row(enum outcome o);

#endif
