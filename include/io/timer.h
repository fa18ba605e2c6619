/* timer - a wheel of deadlines, in milliseconds of the loop's clock.
 *
 * Owned by a loop; timers are embedded in what waits. Setting a timer later than it stands only
 * notes the new deadline, and the wheel finds out when the old one comes up: a deadline that is
 * pushed on by every byte of progress costs one store.
 * Invariant: a timer never fires before its deadline, and at most one turn late. */
#ifndef RINGWAY_IO_TIMER_H
#define RINGWAY_IO_TIMER_H

#include "core/list.h"

#define WHEEL_BITS 6
#define WHEEL_SLOTS (1u << WHEEL_BITS)
#define WHEEL_LEVELS 5 /* 64^5 ms: twelve days; later deadlines are looked at again then */

struct timer;
typedef void (*timer_fn)(struct timer *t);

struct timer {
    struct list link;
    uint64_t deadline_ms;         /* 0: not set */
    uint64_t slot_ms : 48;        /* the deadline by which it stands in the wheel */
    uint64_t level : 8, slot : 8; /* where it stands */
    timer_fn expired;
};

struct wheel {
    uint64_t now_ms;
    uint64_t occupied[WHEEL_LEVELS]; /* a bit per slot that is not empty */
    struct list slots[WHEEL_LEVELS][WHEEL_SLOTS];
};

/* Without timers, at that time. */
void wheel_init(struct wheel *w, uint64_t now_ms);

/* expired is called from wheel_advance(), with the timer no longer set. */
void timer_init(struct timer *t, timer_fn expired);

/* Sets or moves the deadline. */
void timer_set(struct wheel *w, struct timer *t, uint64_t deadline_ms);

/* Harmless when it is not set. */
void timer_stop(struct wheel *w, struct timer *t);

static inline bool timer_is_set(const struct timer *t)
{
    return t->deadline_ms != 0;
}

/* Moves the clock on and fires what is due. */
void wheel_advance(struct wheel *w, uint64_t now_ms);

/* When to look next: never later than the first deadline; UINT64_MAX without timers. */
uint64_t wheel_next_ms(const struct wheel *w);

#endif
