/* condition - what stands in the parentheses of an "if". */
#ifndef RINGWAY_CONF_CONDITION_H
#define RINGWAY_CONF_CONDITION_H

#include "conf/draft.h"

/* The regex of the condition, for its named groups: in the learn pass. 0; -EINVAL or -ENOMEM after
 * it logged why. */
int condition_learn(struct conf *c, const struct node *n) MUST_USE;

/* Compiles the condition of an "if" into *out, which is otherwise clear. 0; -EINVAL or -ENOMEM
 * after it logged why. */
int condition_compile(struct conf *c, const struct node *n, struct script_if *out) MUST_USE;

#endif
