/* delivery - a word from one thread's loop to another's that is told until it is heard.
 *
 * Embedded in what it carries, which the receiver owns once it has arrived. The kernel delivers no
 * message when it has no memory for it: then it is told again after a while, so that a later one
 * may be heard before it. */
#ifndef RINGWAY_SERVER_DELIVERY_H
#define RINGWAY_SERVER_DELIVERY_H

#include "io/loop.h"

struct delivery;
typedef void (*delivery_fn)(struct delivery *d);

struct delivery {
    struct message message;
    struct timer retry; /* the sender's */
    struct loop *receiver;
    delivery_fn arrived; /* runs in the receiver's thread */
};

/* For the sender's thread. Neither loop may be freed before it has arrived. */
void delivery_send(struct delivery *d, struct loop *sender, struct loop *receiver,
                   delivery_fn arrived);

#endif
