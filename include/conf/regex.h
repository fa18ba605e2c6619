/* regex - PCRE2, and which groups of a pattern become variables. The only room that includes
 * pcre2.h.
 *
 * A regex is owned by a snapshot, which frees it when it goes, and shared by all threads; what a
 * match needs besides is in a scratch of the calling thread. */
#ifndef RINGWAY_CONF_REGEX_H
#define RINGWAY_CONF_REGEX_H

#include "core/arena.h"

struct regex;
struct regex_scratch;

#define REGEX_CAPTURES_MAX 10 /* $0 (unused) to $9; named ones beyond are an error */

/* What the last match found. */
struct captures {
    const struct regex *regex;          /* that matched; NULL: none yet */
    struct span at[REGEX_CAPTURES_MAX]; /* views into the subject; data NULL where not matched */
    size_t count;                       /* groups with $0; those behind have data NULL */
};

/* As when nothing has matched; what views were there stays unread. */
static inline void captures_clear(struct captures *c)
{
    c->regex = NULL;
    c->count = 0;
}

/* Compiles bytes, not UTF-8 (with JIT where there is one), as nginx does: "(?i)", "(*UTF)" and the
 * like work inside of a pattern. 0; -EINVAL with a message such as
 * pcre2_compile() failed: missing closing parenthesis in "(a"; -ENOMEM. */
int regex_new(struct span pattern, bool ignores_case, struct regex **out, char *error,
              size_t error_size) MUST_USE;
void regex_free(struct regex *r); /* NULL is allowed */

/* The name of the i-th named group (i from 0) and its number; false behind the last one. */
bool regex_named_group(const struct regex *r, size_t i, struct span *name, size_t *number);
/* Which variable the i-th named group becomes, for whom a match is to set it: once, before the
 * regex is shared. */
void regex_bind(struct regex *r, size_t i, size_t variable);
/* The group that is to be set as the i-th, and its variable; false behind the last one. */
bool regex_bound_group(const struct regex *r, size_t i, size_t *number, size_t *variable);

struct regex_scratch *regex_scratch_new(void) MUST_USE; /* per thread; NULL: no memory */
void regex_scratch_free(struct regex_scratch *s);

/* True on a match, with its captures (captures may be NULL; they stay as they are without a match).
 * Bounded: a pattern that runs away (PCRE2's match limit) counts as no match. */
bool regex_match(const struct regex *r, struct span subject, struct regex_scratch *s,
                 struct captures *captures);

/* True when a match with this scratch failed since the last call, because it ran away or because
 * its subject is not the UTF-8 that a "(*UTF)" pattern wants: the decision that was built on it may
 * be wrong, and as in nginx the request is answered with 500. */
bool regex_take_runaway(struct regex_scratch *s);

#endif
