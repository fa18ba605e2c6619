/* build_stapling - OCSP responses for the certificates of a server: from a file, or whom to ask. */
#ifndef RINGWAY_CONF_BUILD_STAPLING_H
#define RINGWAY_CONF_BUILD_STAPLING_H

#include "conf/draft.h"

/* Gives each of the pairs its staple, where ssl_stapling is on, and the snapshot what keeps it up
 * to date. 0; -EINVAL or -ENOMEM after it logged why. */
int build_stapling(struct conf *c, const struct server_tls_draft *draft, struct tls_pair *pairs,
                   size_t count) MUST_USE;

#endif
