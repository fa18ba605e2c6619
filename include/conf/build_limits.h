/* build_limits - the limits of a level, with the zones that they name. */
#ifndef RINGWAY_CONF_BUILD_LIMITS_H
#define RINGWAY_CONF_BUILD_LIMITS_H

#include "conf/draft.h"

/* *out is NULL where the level has none. 0, -EINVAL or -ENOMEM after it logged why. */
int build_limits(struct conf *c, const struct limits_draft *d,
                 const struct limits_conf **out) MUST_USE;

#endif
