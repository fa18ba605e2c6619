/* regex - PCRE2, behind three calls. The only room that includes pcre2.h.
 *
 * A regex is owned by the arena's snapshot (freed by regex_free when the snapshot goes) and shared
 * by all threads; what a match needs besides is in a scratch of the calling thread. */
#ifndef RINGWAY_CONF_REGEX_H
#define RINGWAY_CONF_REGEX_H

#include "core/arena.h"

struct regex;
struct regex_scratch;

#define REGEX_CAPTURES_MAX 10 /* $0 (unused) to $9; named ones beyond are an error */

struct captures {
    struct span at[REGEX_CAPTURES_MAX]; /* views into the subject; data NULL where not matched */
    size_t count;
};

/* Compiles (with JIT where there is one). 0; -EINVAL with a message. */
int regex_new(struct span pattern, bool ignores_case, struct regex **out, char *error,
              size_t error_size) MUST_USE;
void regex_free(struct regex *r);

/* The number of a named group, or -1. Names are case-sensitive. */
int regex_group(const struct regex *r, struct span name);
size_t regex_group_count(const struct regex *r);
/* The name of the i-th named group (i from 0) and its number; false behind the last one. */
bool regex_named_group(const struct regex *r, size_t i, struct span *name, size_t *number);

struct regex_scratch *regex_scratch_new(void) MUST_USE; /* per thread; NULL: no memory */
void regex_scratch_free(struct regex_scratch *s);

/* True on a match, with its captures (captures may be NULL). Bounded: a pattern that runs away
 * (PCRE2's match limit) counts as no match. */
bool regex_match(const struct regex *r, struct span subject, struct regex_scratch *s,
                 struct captures *captures);

#endif
