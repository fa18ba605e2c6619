/* expires - the parameter of "expires": a time, when it counts from, or a word. Pure. */
#ifndef RINGWAY_CONF_EXPIRES_H
#define RINGWAY_CONF_EXPIRES_H

#include "conf/snapshot.h"

/* "1h", "-1", "@15h30m", "epoch", "max", "off"; with is_modified, behind "modified", only a time.
 * Sets kind and seconds. 0, or -EINVAL with *reason as nginx says it. */
int expires_parse(struct span text, bool is_modified, struct expires_rule *out,
                  const char **reason) MUST_USE;

#endif
