/* value - how values of variables are made: digits, times, lists, in the exchange's arena.
 *
 * Where memory is at its end they give SPAN_NONE and note it in the record, for record_expand(). */
#ifndef RINGWAY_PROXY_VALUE_H
#define RINGWAY_PROXY_VALUE_H

#include "proxy/record.h"

/* What a getter is asked for. */
struct value_key {
    struct span name; /* what follows the '_' of a family */
    size_t offset;    /* of a member, for getters that serve several variables */
};

typedef struct span (*value_fn)(struct record *r, const struct value_key *key);

/* As nginx takes a value for a condition: neither empty nor "0". */
static inline bool value_is_true(struct span value)
{
    return value.len && !span_equals(value, SPAN("0"));
}

/* Memory for a value; NULL at its end. */
char *value_alloc(struct record *r, size_t size) MUST_USE;

/* The text that a template makes. get: for the variables in it. */
struct span value_expand(struct record *r, const struct template *t, variable_fn get) MUST_USE;

/* A copy with a NUL behind it, which does not count. */
struct span value_copy(struct record *r, struct span s) MUST_USE;

/* Decimal digits. */
struct span value_u64(struct record *r, uint64_t value);
struct span value_seconds(struct record *r, uint64_t ms);   /* "1.234" */
struct span value_hex(struct record *r, struct span bytes); /* lower case */

/* An address without its port. */
struct span value_host(struct record *r, const struct endpoint *e);
/* Its port; SPAN_NONE for unix sockets. */
struct span value_port(struct record *r, const struct endpoint *e);

/* All of them in one text, with the separator between. */
struct span value_join(struct record *r, const struct span *parts, size_t count,
                       struct span separator);

/* Fields by the name of their variable ("user_agent"), those that repeat joined by ", ", Cookie by
 * "; ". Fields that do not pass this hop are values as well, but not those that Connection named
 * or the limits refused; Upgrade only where it is a valid one (head.upgrade). */
struct span value_fields(struct record *r, const struct head *h, struct span name);

/* The same out of a head as it was written. */
struct span value_written_fields(struct record *r, struct span head, struct span name);

/* The same out of lines as they were written. */
struct span value_written_lines(struct record *r, struct span lines, struct span name);

/* Trailers as value_fields(). */
struct span value_trailers(struct record *r, const struct head *h, struct span name);

/* A cookie that one Set-Cookie field sets, as nginx finds it: in any case. */
struct span value_set_cookie(struct span field, struct span name);

/* "name=value" among those that '&' separates, as nginx finds it: in any case, not decoded. */
struct span value_argument(struct span args, struct span name);

/* A cookie out of one Cookie field, as nginx finds it: in any case. */
struct span value_cookie(struct span field, struct span name);

#endif
