/* build_upstream - groups and single names to pass to: resolved, with all addresses as peers. */
#ifndef RINGWAY_CONF_BUILD_UPSTREAM_H
#define RINGWAY_CONF_BUILD_UPSTREAM_H

#include "conf/draft.h"

/* The group of an upstream block. 0; -EINVAL or -ENOMEM after it logged why. */
int build_upstream_group(struct conf *c, const struct node *block) MUST_USE;

/* Takes a proxy_pass URL apart and finds its group, or makes an upstream of its name. All but
 * out->tls is filled. All groups must be known. */
int build_proxy_pass(struct conf *c, const struct word *url, struct proxy_pass *out) MUST_USE;

#endif
