/* variable_upstream - the values of $upstream_*: one for each try, separated by ", ".
 *
 * A try that has no such value shows "-". Without a try there is no value. Offsets are those of
 * members of struct try_record. */
#ifndef RINGWAY_PROXY_VARIABLE_UPSTREAM_H
#define RINGWAY_PROXY_VARIABLE_UPSTREAM_H

#include "proxy/value.h"

/* Without a try, as no peer was up: the group's name. */
struct span upstream_value_address(struct record *r, const struct value_key *key);
/* Of the last try, alone: its address, and the host of its server line. */
struct span upstream_value_last_address(struct record *r, const struct value_key *key);
struct span upstream_value_last_name(struct record *r, const struct value_key *key);
struct span upstream_value_status(struct record *r, const struct value_key *key);
struct span upstream_value_u64(struct record *r, const struct value_key *key);
struct span upstream_value_seconds(struct record *r, const struct value_key *key); /* of us */
struct span upstream_value_text(struct record *r, const struct value_key *key); /* const char * */
struct span upstream_value_session_reused(struct record *r, const struct value_key *key);

#endif
