/* stapler - a thread that fetches the OCSP responses of our certificates and keeps them fresh.
 *
 * Owned by control, one for each snapshot that has somebody to ask; it speaks HTTP by libcurl,
 * which is loaded when it is needed. Workers never wait for it: a certificate without a response
 * goes out without. */
#ifndef RINGWAY_SERVER_STAPLER_H
#define RINGWAY_SERVER_STAPLER_H

#include "conf/snapshot.h"

struct stapler;

/* Starts it, with a reference to the snapshot of its own. *out is NULL where nobody is to be asked,
 * or when it cannot be: then the log says why. */
void stapler_start(struct snapshot *s, struct stapler **out);

/* Ends it, also in the middle of a request. NULL is allowed. */
void stapler_stop(struct stapler *s);

/* Before a snapshot is in force: what was fetched for the certificates of the one before goes on to
 * the same ones of this, as far as it is still good for them. */
void stapler_carry_over(const struct snapshot *before, const struct snapshot *s);

/* When to ask again, from the end of an answer's time: well before it, but not at once, and no
 * later than in an hour. */
int64_t stapler_refresh_s(int64_t now_s, int64_t expires_s);

#endif
