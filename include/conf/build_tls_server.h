/* build_tls_server - profiles of TLS towards clients: what ssl_* say, with the files read and
 * tried. */
#ifndef RINGWAY_CONF_BUILD_TLS_SERVER_H
#define RINGWAY_CONF_BUILD_TLS_SERVER_H

#include "conf/draft.h"

/* The profile of the server block at origin; NULL when it neither has a certificate
 * nor rejects all handshakes. Equal ones are one.
 * 0; -EINVAL or -ENOMEM after it logged why. */
int build_server_tls(struct conf *c, const struct server_tls_draft *draft,
                     const struct origin *origin, const struct tls_server_profile **out) MUST_USE;

#endif
