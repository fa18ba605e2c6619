/* build_level - the settings of a http, server or location block, made ready for use. */
#ifndef RINGWAY_CONF_BUILD_LEVEL_H
#define RINGWAY_CONF_BUILD_LEVEL_H

#include "conf/draft.h"

/* Fills level->settings from the lists of the level, once its scope is complete. outer: the level
 * around it, finished already; NULL for http. 0, or -EINVAL, -ENOMEM after it logged why. */
int build_level(struct conf *c, struct level *level, const struct level *outer) MUST_USE;

/* The limits on heads of a server level. */
struct parser_limits build_parser_limits(const struct level *level);

/* Makes a log of drafts (struct error_log_draft); the descriptors come when files are opened. */
int build_error_log(struct conf *c, const struct vector *drafts, struct log *out) MUST_USE;

#endif
