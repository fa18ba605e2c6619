/* build_tls - profiles of TLS towards upstreams: what proxy_ssl_* say, with the files read and
 * tried. Equal ones are one profile, so that contexts and sessions are shared. */
#ifndef RINGWAY_CONF_BUILD_TLS_H
#define RINGWAY_CONF_BUILD_TLS_H

#include "conf/draft.h"
#include "conf/ssl_command.h"

/* The profile of a proxy_pass to https that stands at origin. 0; -EINVAL or -ENOMEM after it
 * logged why. */
int build_client_tls(struct conf *c, const struct client_tls_draft *draft,
                     const struct origin *origin, const struct tls_profile **out) MUST_USE;

/* What its requests choose their client certificate by; NULL where there are no variables. */
int build_client_certificate(struct conf *c, const struct client_tls_draft *draft,
                             const struct certificate_conf **out) MUST_USE;

/* What both sides share. */

#define TLS_SUITES_TEXT_BYTES 4096

/* A value as a part of a digest: its bytes as they lie in memory, for this process only. */
#define TLS_PART_OF(value) span_of((const char *)&(value), sizeof(value))

struct suites_wish { /* a cipher string, with what it is for */
    const char *directive;
    struct word ciphers;
    unsigned protocols;
};

/* The suites of a cipher string; there must be one for some of the protocols. */
int build_suites(struct conf *c, const struct suites_wish *wish, struct tls_suites *out) MUST_USE;

/* A certificate or key as it may stand in a message: PEM in it may be a secret. */
struct word build_shown(const struct certificate_draft *d);

/* The bytes of one without variables. */
int build_read_certificate(struct conf *c, const struct certificate_draft *d, const char *directive,
                           struct span *pem) MUST_USE;

/* (proxy_)ssl_conf_command comes on top of the directives, as in nginx. */
int build_apply_commands(struct conf *c, const struct vector *list, const char *directive,
                         struct ssl_commanded *to) MUST_USE;

#endif
