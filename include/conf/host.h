/* host - "name:port", "[::1]:443", "unix:/path" as they stand in a configuration.
 *
 * Pure but for host_resolve(), which asks the resolver and blocks. */
#ifndef RINGWAY_CONF_HOST_H
#define RINGWAY_CONF_HOST_H

#include "core/address.h"

#define HOST_ADDRESSES_MAX 64 /* of one name; more are passed over */

struct host {
    struct span text; /* all of it */
    struct span name; /* no port, no brackets; empty for unix sockets */
    uint16_t port;    /* 0: none given */
    bool is_unix;
};

/* 0; -EINVAL with what is wrong in nginx's words: "no host", "invalid port", "invalid host". */
int host_parse(struct span text, struct host *out, const char **error) MUST_USE;

/* The addresses of a host, with default_port where it has none. Returns their number, or a
 * negative EAI_* code. Without asks_resolver only numeric addresses are found. */
int host_resolve(const struct host *h, uint16_t default_port, bool asks_resolver,
                 struct address *out, size_t most) MUST_USE;

#endif
