/* build_tls - profiles of TLS: what proxy_ssl_* and ssl_* say, with the files read and tried. */
#ifndef RINGWAY_CONF_BUILD_TLS_H
#define RINGWAY_CONF_BUILD_TLS_H

#include "conf/draft.h"

/* The profile of a proxy_pass to https; equal ones are one. 0; -EINVAL or -ENOMEM after it logged
 * why. */
int build_client_tls(struct conf *c, const struct client_tls_draft *draft,
                     const struct origin *origin, const struct tls_profile **out) MUST_USE;

/* The profile of a server block; NULL when it has no certificate. */
int build_server_tls(struct conf *c, const struct server_tls_draft *draft,
                     const struct origin *origin, const struct tls_server_profile **out) MUST_USE;

#endif
