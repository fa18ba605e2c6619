/* target - the request target in its forms, and the host that a request is for.
 *
 * RFC 9112 section 3.2. Pure; works on a head that is being built by the parser. */
#ifndef RINGWAY_HTTP_TARGET_H
#define RINGWAY_HTTP_TARGET_H

#include "http/message.h"
#include "http/rules.h"

/* The parts of an authority, or of Host. */
struct authority {
    struct span host; /* without port and final dot, in its own case; brackets kept */
    unsigned port;    /* 0 to 65535, if has_port */
    bool has_port;
};

/* Reads host[:port], RFC 3986 section 3.2.2: a name, an IPv4 address or [IPv6]. 0, or -EINVAL;
 * user information and an empty host are refused. */
int authority_parse(struct span text, struct authority *authority) MUST_USE;

/* Splits head.target, which is as it came, for head.method: sets target (origin-form or "*"),
 * raw_path, query, has_query, and authority where the form has one. *scheme_port is the default
 * port of an absolute-form target's scheme, else 0. */
struct flaw target_split(struct head *h, struct arena *a, unsigned *scheme_port) MUST_USE;

/* Sets head.authority and head.host from the target and from Host (NULL when there is none), which
 * must agree. */
struct flaw target_find_host(struct head *h, const struct field *host, unsigned scheme_port,
                             struct arena *a) MUST_USE;

#endif
