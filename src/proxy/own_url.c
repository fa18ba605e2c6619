/* own_url - the URLs by which clients know this server. */
#include "proxy/own_url.h"

#include "proxy/value.h"

/* The name of this host in a URL; data NULL where none is known. */
static struct span own_host(struct record *r)
{
    const struct endpoint *local = &r->client->local_address;
    struct span host;

    if (r->location->settings.server_name_in_redirect && r->server->name.len)
        return r->server->name;
    if (r->request->host.len)
        return r->request->host;
    if (local->family == AF_UNSPEC || local->family == AF_UNIX)
        return SPAN_NONE;
    host = value_host(r, local);
    if (local->family == AF_INET6)
        return arena_printf(r->arena, "[%.*s]", SPAN_ARG(host));
    return host;
}

struct span own_url(struct record *r, struct span to)
{
    const struct settings *s = &r->location->settings;
    unsigned port = r->client->local_address.port;
    bool is_tls = record_is_tls(r);
    const char *scheme = is_tls ? "https" : "http";
    struct span host;

    if (!s->absolute_redirect || !to.len || to.data[0] != '/')
        return to;
    host = own_host(r);
    if (!host.data)
        return to;
    if (!s->port_in_redirect || port == 0 || port == (is_tls ? 443 : 80))
        return arena_printf(r->arena, "%s://%.*s%.*s", scheme, SPAN_ARG(host), SPAN_ARG(to));
    return arena_printf(r->arena, "%s://%.*s:%u%.*s", scheme, SPAN_ARG(host), port, SPAN_ARG(to));
}
