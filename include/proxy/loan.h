/* loan - TLS tickets lent between workers, by ring message.
 *
 * A worker that has no ticket for a lane sends a loan round its siblings; the first that has some
 * puts them in, and it comes home. Owned by whichever worker holds the message.
 * Invariant: a lane with a loan under way stays: the loan pins its view. */
#ifndef RINGWAY_PROXY_LOAN_H
#define RINGWAY_PROXY_LOAN_H

#include "proxy/view.h"

#define LOAN_TICKETS_MAX 4

/* Somebody who waits for a ticket on a lane. */
struct ticket_wait {
    struct list link;
    struct task *task;
};

/* Asks the siblings, when that may help: sets lane.is_borrowing until the loan is home, and makes
 * the lane's waiters ready then. */
void loan_ask(struct lane *l);

/* Makes the lane's waiters ready: they look again. */
void loan_wake_waiters(struct lane *l);

#endif
