/* pace - how fast an answer may go to its client: limit_rate, proxy_limit_rate.
 *
 * Embedded in an exchange; begun when the answer's head is known. A limit allows what has
 * accrued since then and a tenth of a second's worth more, and then nothing until another tenth of
 * a second's worth has accrued: a slow answer wakes its exchange ten times a second. */
#ifndef RINGWAY_PROXY_PACE_H
#define RINGWAY_PROXY_PACE_H

#include "proxy/record.h"

#define PACE_RATE_MAX (UINT64_C(1) << 36) /* bytes per second; more is no limit */

struct pace_limit {
    uint64_t rate;       /* bytes per second; 0: none */
    uint64_t free_bytes; /* before it counts */
};

struct pace {
    struct pace_limit limits[2];
    uint64_t began_ms;
    uint64_t resume_ms; /* of the loop's clock: when there is more to be sent; 0: now */
};

/* The rate for this request's answer, bytes per second; 0: none. Wins over limit_rate. */
void pace_set_rate(struct record *r, uint64_t rate);

/* The same from a text: "4k". What is no size changes nothing. */
void pace_set_text(struct record *r, struct span text);

/* Begins for an answer of ours, or an upstream's. False: nothing limits it, and nothing more is to
 * be asked. */
bool pace_begin(struct pace *p, struct record *r, bool is_proxied) RARE;

/* How many bytes may follow those that were sent; 0: none before resume_ms. */
uint64_t pace_allowance(struct pace *p, uint64_t sent_bytes, uint64_t now_ms);

#endif
