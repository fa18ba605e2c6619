/* network - a set of addresses: one of them, a CIDR network, all unix sockets, or everything. */
#include "core/network.h"

#include <string.h>

#define BITS_MAX_IP4 32
#define BITS_MAX_IP6 128

static unsigned bits_max(const struct network *n)
{
    return n->kind == NETWORK_IP4 ? BITS_MAX_IP4 : BITS_MAX_IP6;
}

/* The bits of byte i that are within the prefix. */
static unsigned char mask_at(const struct network *n, size_t i)
{
    size_t before = 8 * i;

    if (n->prefix_bits >= before + 8)
        return 0xff;
    return n->prefix_bits <= before ? 0 : (unsigned char)(0xff << (before + 8 - n->prefix_bits));
}

/* True when there were bits behind the prefix. */
static bool clear_behind_prefix(struct network *n)
{
    bool has_changed = false;

    for (size_t i = 0; i < sizeof(n->ip); i++) {
        unsigned char kept = n->ip[i] & mask_at(n, i);

        has_changed |= kept != n->ip[i];
        n->ip[i] = kept;
    }
    return has_changed;
}

int network_parse(struct span text, struct network *out)
{
    size_t slash = span_index_of(text, '/');
    struct span host = span_take(text, slash);
    struct address address;
    struct endpoint e;
    uint64_t bits;

    if (span_equals(text, SPAN("unix:"))) {
        *out = (struct network){.kind = NETWORK_UNIX};
        return 0;
    }
    if (span_starts_with(host, SPAN("[")) || address_parse_ip(host, 0, &address) < 0)
        return -EINVAL;
    e = endpoint_of(&address);
    *out = network_of(&e);
    if (slash == text.len)
        return 0;
    if (span_to_u64(span_skip(text, slash + 1), &bits) < 0 || bits > bits_max(out))
        return -EINVAL;
    out->prefix_bits = (unsigned)bits;
    return clear_behind_prefix(out) ? 1 : 0;
}

struct network network_of(const struct endpoint *e)
{
    struct network n = {.kind = NETWORK_UNIX};

    if (e->family != AF_INET && e->family != AF_INET6)
        return n;
    n.kind = e->family == AF_INET ? NETWORK_IP4 : NETWORK_IP6;
    n.prefix_bits = bits_max(&n);
    memcpy(n.ip, e->ip, n.prefix_bits / 8);
    return n;
}

static bool has_prefix(const struct network *n, const unsigned char *ip)
{
    for (size_t i = 0; i < bits_max(n) / 8; i++) {
        if ((ip[i] & mask_at(n, i)) != n->ip[i])
            return false;
    }
    return true;
}

bool network_has(const struct network *n, const struct endpoint *e)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    bool is_mapped = e->family == AF_INET6 && memcmp(e->ip, mapped, sizeof(mapped)) == 0;

    switch (n->kind) {
    case NETWORK_ALL:
        return true;
    case NETWORK_UNIX:
        return e->family == AF_UNIX;
    case NETWORK_IP4:
        if (is_mapped)
            return has_prefix(n, e->ip + sizeof(mapped));
        return e->family == AF_INET && has_prefix(n, e->ip);
    case NETWORK_IP6:
        break;
    }
    return e->family == AF_INET6 && !is_mapped && has_prefix(n, e->ip);
}
