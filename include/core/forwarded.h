/* forwarded - whose request it is, by a list of addresses to which each proxy added its client. */
#ifndef RINGWAY_CORE_FORWARDED_H
#define RINGWAY_CORE_FORWARDED_H

#include "core/network.h"

struct forwarded_trust {
    const struct network *proxies;
    size_t count;
    bool is_recursive; /* past each address that is one of the proxies' */
};

/* True when the address is one of the proxies'. */
bool forwarded_is_trusted(const struct forwarded_trust *trust, const struct endpoint *e);

/* nginx's rule: *e is the address that the list came from; where that is one of the proxies', it
 * becomes the last of the list ("192.0.2.1, [2001:db8::1]:8080"), and so on. True: it has changed.
 */
bool forwarded_address(struct span list, const struct forwarded_trust *trust, struct endpoint *e);

#endif
