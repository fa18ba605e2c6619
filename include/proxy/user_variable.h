/* user_variable - the variables that the configuration makes: their values in one exchange.
 *
 * Kept by index in the exchange's arena, from the first use of one of them on: an exchange that
 * uses none has none. A value is made once, by its kind's getter, unless it was assigned before. */
#ifndef RINGWAY_PROXY_USER_VARIABLE_H
#define RINGWAY_PROXY_USER_VARIABLE_H

#include "proxy/record.h"

/* The value of snapshot.user_variables.rows[index]; SPAN_NONE: it has none. get: for templates in
 * what it is made of. Where memory is at its end, as value_alloc(). */
struct span user_variable_get(struct record *r, size_t index, variable_fn get);

/* Assigns a value, which must live as long as the arena. 0; -ENOMEM. */
int user_variable_set(struct record *r, size_t index, struct span value) MUST_USE;

/* True when the regex matches: $1 to $9 are then its groups, and its named ones are assigned. A
 * match that runs away is none: see regex_take_runaway(). Where memory is at its end, as
 * value_alloc(). */
bool record_match(struct record *r, const struct regex *regex, struct span subject);

/* Assigns the named groups of r->captures, after a match by somebody else. 0; -ENOMEM. */
int record_take_groups(struct record *r) MUST_USE;

#endif
