/* host - "name:port", "[::1]:443", "unix:/path" as they stand in a configuration. */
#include "conf/host.h"

#include <netdb.h>
#include <string.h>

static int fail(const char **error, const char *what)
{
    *error = what;
    return -EINVAL;
}

static int parse_unix(struct span text, struct host *out, const char **error)
{
    struct address address;

    out->is_unix = true;
    if (text.len == sizeof("unix:") - 1)
        return fail(error, "no path in the unix domain socket");
    if (address_parse_unix(text, &address) < 0)
        return fail(error, "too long path in the unix domain socket");
    return 0;
}

static bool is_host_name(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.data[i];

        if (c <= ' ' || c == 0x7f || strchr("/?#:@[]\\\"'<>{}|^`", c))
            return false;
    }
    return true;
}

/* Cuts the text at the colon before the port; an IPv6 address has brackets. */
static int split(struct span text, struct span *name, struct span *port, const char **error)
{
    bool has_brackets = text.len && text.data[0] == '[';
    size_t end = has_brackets ? span_index_of(text, ']') : span_index_of(text, ':');

    if (has_brackets && end == text.len)
        return fail(error, "invalid host");
    if (has_brackets)
        end++;
    *name = span_take(text, end);
    *port = span_skip(text, end);
    if (port->len && port->data[0] != ':')
        return fail(error, "invalid host");
    return 0;
}

static int parse_name(struct span name, struct host *out, const char **error)
{
    struct address address;

    if (!name.len)
        return fail(error, "no host");
    out->name = name;
    if (name.data[0] == '[') {
        out->name = span_take(span_skip(name, 1), name.len - 2);
        if (address_parse_ip(name, 0, &address) < 0)
            return fail(error, "invalid host");
        return 0;
    }
    return is_host_name(name) ? 0 : fail(error, "invalid host");
}

int host_parse(struct span text, struct host *out, const char **error)
{
    struct span name, port;

    *out = (struct host){.text = text};
    if (span_starts_with_nocase(text, SPAN("unix:")))
        return parse_unix(text, out, error);
    if (split(text, &name, &port, error) < 0 || parse_name(name, out, error) < 0)
        return -EINVAL;
    if (!port.len)
        return 0;
    if (address_port_parse(span_skip(port, 1), &out->port) < 0) {
        bool has_more = span_index_of(port, '/') < port.len || span_starts_with(port, SPAN("://"));

        return fail(error, has_more ? "invalid host" : "invalid port");
    }
    return 0;
}

int host_resolve(const struct host *h, uint16_t default_port, bool asks_resolver,
                 struct address *out, size_t most)
{
    uint16_t port = h->port ? h->port : default_port;

    if (h->is_unix)
        return address_parse_unix(h->text, out) < 0 ? EAI_NONAME : 1;
    if (address_parse_ip(h->name, port, out) == 0)
        return 1;
    return asks_resolver ? address_resolve(h->name, port, out, most) : EAI_NONAME;
}
