/* build_listen - listening addresses, and the names of the servers behind each. */
#ifndef RINGWAY_CONF_BUILD_LISTEN_H
#define RINGWAY_CONF_BUILD_LISTEN_H

#include "conf/draft.h"

/* Fills snapshot.listens from c->servers. 0, or -EINVAL, -ENOMEM after it logged why. */
int build_listens(struct conf *c) MUST_USE;

#endif
