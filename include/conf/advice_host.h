/* advice_host - a proxy_pass with variables that lets a client choose the host. */
#ifndef RINGWAY_CONF_ADVICE_HOST_H
#define RINGWAY_CONF_ADVICE_HOST_H

#include "conf/draft.h"

/* Warns where the host in a proxy_pass depends on what a client sends: right away, or by way of
 * "set", "map" and groups of regexes. */
void advise_host(struct conf *c, const struct node *n);

#endif
