/* network - a set of addresses: one of them, a CIDR network, all unix sockets, or everything.
 *
 * A value: copied, owned by nobody. */
#ifndef RINGWAY_CORE_NETWORK_H
#define RINGWAY_CORE_NETWORK_H

#include "core/address.h"

enum network_kind { NETWORK_ALL, NETWORK_UNIX, NETWORK_IP4, NETWORK_IP6 };

struct network {
    enum network_kind kind;
    unsigned prefix_bits;
    unsigned char ip[16]; /* of IPv4 the first 4; zero behind the prefix */
};

/* "192.0.2.1", "192.0.2.0/24", "2001:db8::/32", "unix:". 0; 1 when address bits behind the prefix
 * were set, which do not count; -EINVAL. */
int network_parse(struct span text, struct network *out) MUST_USE;

/* The one address of an endpoint, or all unix sockets. */
struct network network_of(const struct endpoint *e);

/* An IPv6 address that stands for an IPv4 one (RFC 4291 section 2.5.5.2) is taken for that. */
bool network_has(const struct network *n, const struct endpoint *e);

#endif
