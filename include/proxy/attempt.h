/* attempt - one request's way to a peer: pick, lease or connect, handshake, and what it came to.
 *
 * Embedded in an exchange; begun anew for each try. Keeps the count of tries, which peers had
 * theirs, and the rules of proxy_next_upstream.
 * Invariant: a leased connection is given back or discarded before the next try begins. */
#ifndef RINGWAY_PROXY_ATTEMPT_H
#define RINGWAY_PROXY_ATTEMPT_H

#include "proxy/balance.h"
#include "proxy/record.h"
#include "proxy/upstream.h"

enum attempt_state {
    ATTEMPT_NONE,
    ATTEMPT_CONNECTING,
    ATTEMPT_WAITING_FOR_TICKET,
    ATTEMPT_HANDSHAKING,
    ATTEMPT_READY,
};

struct attempt {
    struct record *record;
    struct view *view;
    struct task *task;
    struct upstream *upstream;
    struct upstream *named; /* that the request named; NULL: the file's of record.pass */
    struct peer *peer;      /* NULL between tries */
    struct lane *lane;
    struct upstream_conn *conn; /* leased */
    struct try_record *try_now;
    struct ticket_wait ticket_wait;
    enum attempt_state state;
    struct peer_set tried;
    uint64_t first_began_ms; /* for proxy_next_upstream_timeout */
    uint64_t state_began_ms;
    uint64_t sent_before, received_before; /* of the connection, when it was leased */
    uint64_t taken_before_body;            /* likewise, when the response head was complete */
    size_t stale_count;                    /* tries on kept connections that turned out dead */
    bool wants_new_connection;             /* the last one was such a try */
    bool is_reused;
    bool has_counted_handshake;
    bool has_sent; /* request bytes may have reached the peer */
};

/* Once per exchange, before the first try. */
void attempt_init(struct attempt *a, struct record *r, struct view *v, struct task *task);

/* Picks a peer and begins. OUTCOME_NONE, or why not: OUTCOME_NO_PEER, _NO_MEMORY, _FORBIDDEN by
 * proxy_allow_upstream, or _INTERNAL where the client certificate that the request chose cannot be
 * loaded. */
enum outcome attempt_begin(struct attempt *a) MUST_USE;

enum attempt_result { ATTEMPT_WAITS, ATTEMPT_IS_READY, ATTEMPT_HAS_FAILED };

/* Goes on until the connection is there, verified. On failure *outcome says why, and
 * record.detail more. */
enum attempt_result attempt_run(struct attempt *a, enum outcome *outcome) MUST_USE;

/* The deadline of what it waits for, on the loop's clock; UINT64_MAX when it does not wait. */
uint64_t attempt_deadline_ms(const struct attempt *a);

/* Notes that the response head is complete. */
void attempt_note_head(struct attempt *a, unsigned status);

/* Notes how much of the response was taken behind its head, with its framing. */
void attempt_count_body(struct attempt *a);

/* The try has failed: notes it, closes the connection, counts for the peer's health. */
void attempt_fail(struct attempt *a, enum outcome outcome);

/* The same for a response that proxy_next_upstream names by its status. */
void attempt_fail_status(struct attempt *a, unsigned status);

/* The try is over with a response; keeps: the connection may serve another request. */
void attempt_end(struct attempt *a, bool keeps);

/* True when a peer is left that had no try yet. */
bool attempt_has_another_peer(const struct attempt *a);

/* True when the rules allow another try after this outcome (or, for OUTCOME_DONE, this status).
 * That the body can be sent again is another matter: exchange_can_resend(). */
bool attempt_may_retry(const struct attempt *a, enum outcome outcome, unsigned status);

#endif
