/* build_gate - what a level has a request pass before it is answered. */
#ifndef RINGWAY_CONF_BUILD_GATE_H
#define RINGWAY_CONF_BUILD_GATE_H

#include "conf/draft.h"

/* Makes settings.gate; outer is complete, NULL for http. 0, -EINVAL or -ENOMEM after it logged
 * why. */
int build_gate(struct conf *c, struct level *level, const struct level *outer) MUST_USE;

#endif
