/* build_flow - how fast and how far ahead the answers of a level go. */
#ifndef RINGWAY_CONF_BUILD_FLOW_H
#define RINGWAY_CONF_BUILD_FLOW_H

#include "conf/draft.h"

/* Checks level->flow, once its scope is complete, and fills level->settings from it. outer: as for
 * build_level(). 0, or -EINVAL, -ENOMEM after it logged why. */
int build_flow(struct conf *c, struct level *level, const struct level *outer) MUST_USE;

#endif
