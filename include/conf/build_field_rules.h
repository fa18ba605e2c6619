/* build_field_rules - what becomes of fields of upstreams' answers in a location. */
#ifndef RINGWAY_CONF_BUILD_FIELD_RULES_H
#define RINGWAY_CONF_BUILD_FIELD_RULES_H

#include "conf/draft.h"

/* Fills in the location's settings.field_rules, once its proxy_pass is known. Rules that are made
 * of that become part of the level, so that levels within inherit them, as in nginx. 0, or -ENOMEM
 * after it logged why. */
int build_field_rules(struct conf *c, struct level *level, struct location_conf *l) MUST_USE;

#endif
