/* setter_ssl - what the directives of TLS towards clients and upstreams share.
 *
 * Setters as in conf/setter, and the type of their value. */
#ifndef RINGWAY_CONF_SETTER_SSL_H
#define RINGWAY_CONF_SETTER_SSL_H

#include "conf/draft.h"

/* What the rows of both sides say of themselves. */
#define PROTOCOLS_DIFFERENCE                                                            \
    "TLSv1.2 and TLSv1.3 only: older ones in a list are dropped with a warning, and a " \
    "list of nothing else is an error"
#define CIPHERS_DIFFERENCE "OpenSSL's cipher strings, evaluated over the suites that wolfSSL has"

int set_protocols(struct conf *c, struct scope *s, const struct directive *d,
                  const struct node *n); /* unsigned: TLS_PROTOCOL_* */
int set_ciphers(struct conf *c, struct scope *s, const struct directive *d,
                const struct node *n); /* struct word: a cipher string that selects something */
int set_conf_command(struct conf *c, struct scope *s, const struct directive *d,
                     const struct node *n); /* struct vector of struct
                                             conf_command; a detail: of servers */
int set_certificate(struct conf *c, struct scope *s, const struct directive *d,
                    const struct node *n); /* struct certificate_draft */
int set_certificates(struct conf *c, struct scope *s, const struct directive *d,
                     const struct node *n); /* struct vector of struct certificate_draft */
int set_certificate_cache(struct conf *c, struct scope *s, const struct directive *d,
                          const struct node *n); /* const struct certificate_cache_conf *; NULL:
                                                    off */
int set_paths(struct conf *c, struct scope *s, const struct directive *d,
              const struct node *n); /* struct vector of struct word: one more path */

#endif
