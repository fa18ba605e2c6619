/* directive - all directives: found by name, checked, set, inherited, printed.
 *
 * The tables are in directive_main.c and its siblings; a row's number is its place in all of
 * them. */
#ifndef RINGWAY_CONF_DIRECTIVE_H
#define RINGWAY_CONF_DIRECTIVE_H

#include "conf/draft.h"

/* All rows in their order, i from 0; NULL behind the last one. */
const struct directive *directive_at(size_t i);
size_t directive_number(const struct directive *d);

/* The row of a name in a context; the i-th one of the name in any context. NULL: there is none. */
const struct directive *directive_find(struct span name, unsigned context);
const struct directive *directive_named(struct span name, size_t i);

/* A tree_check_fn, owner: the struct tree itself. */
int directive_check(void *tree, struct node *n);

/* Starts a scope; values must be cleared. */
void scope_init(struct scope *s, unsigned context, const struct scope *outer,
                const struct node *node, void *values);

/* Sets what the directives of the block say, in their order, but for those that conf/build reads
 * itself. 0, or -EINVAL, -ENOMEM after it logged why. */
int scope_read(struct conf *c, struct scope *s) MUST_USE;

/* Sets what another block of the same kind says over what this one said. Likewise. */
int scope_read_over(struct conf *c, struct scope *s, const struct node *block) MUST_USE;

/* Gives the rest its values: the outer scope's, or without one the defaults. */
int scope_complete(struct conf *c, struct scope *s) MUST_USE;

/* True when the directive stood in this block. */
bool scope_has(const struct scope *s, const struct directive *d);

/* Sets one row to its default, by the row's own setter. */
int scope_set_preset(struct conf *c, struct scope *s, const struct directive *d) MUST_USE;

#define DIRECTIVE_TEXT_BYTES 2048

/* The row as help prints it: several lines, NUL-terminated. Returns the length. */
size_t directive_print(const struct directive *d, char out[DIRECTIVE_TEXT_BYTES]);

#endif
