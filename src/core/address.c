/* address - socket addresses: parsed from text, printed to text.
 *
 * Text from outside is never trusted to be NUL-terminated or free of NULs: inet_pton(3) and
 * getaddrinfo(3) see a checked copy. */
#include "core/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#define UNIX_PREFIX SPAN("unix:")
#define HOST_BYTES_MAX 255 /* RFC 1035 section 2.3.4 */

static_assert(ADDRESS_TEXT_BYTES >= sizeof("unix:") + sizeof(((struct sockaddr_un *)0)->sun_path),
              "the longest unix path fits, with its NUL");
static_assert(ADDRESS_TEXT_BYTES >= INET6_ADDRSTRLEN + sizeof("[]:65535"),
              "the longest IPv6 text fits, with its NUL");

/* [v6] or [v6]:port. */
static int split_brackets(struct span text, struct span *host, struct span *port_text)
{
    size_t end = span_index_of(text, ']');
    struct span rest;

    if (end == text.len || end == 1)
        return -EINVAL;
    *host = span_take(text, end + 1);
    rest = span_skip(text, end + 1);
    if (!rest.len) {
        *port_text = SPAN_NONE;
        return 0;
    }
    if (rest.data[0] != ':' || rest.len == 1)
        return -EINVAL;
    *port_text = span_skip(rest, 1);
    return 0;
}

int address_split(struct span text, struct span *host, struct span *port_text)
{
    size_t colon = span_index_of(text, ':');

    if (text.len && text.data[0] == '[')
        return split_brackets(text, host, port_text);
    if (colon == 0 || text.len == 0)
        return -EINVAL;
    *host = span_take(text, colon);
    *port_text = SPAN_NONE;
    if (colon == text.len)
        return 0;
    *port_text = span_skip(text, colon + 1);
    if (!port_text->len || span_index_of(*port_text, ':') != port_text->len)
        return -EINVAL;
    return 0;
}

int address_port_parse(struct span text, uint16_t *port)
{
    uint64_t value;

    if (span_to_u64(text, &value) || value < 1 || value > UINT16_MAX)
        return -EINVAL;
    *port = (uint16_t)value;
    return 0;
}

/* A NUL-terminated copy; false when it does not fit or holds a NUL. */
static bool copy_text(struct span text, char *out, size_t size)
{
    if (!text.len || text.len >= size || memchr(text.data, 0, text.len))
        return false;
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return true;
}

static bool has_brackets(struct span host)
{
    return host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']';
}

static struct span without_brackets(struct span host)
{
    return has_brackets(host) ? span_of(host.data + 1, host.len - 2) : host;
}

int address_parse_ip(struct span host, uint16_t port, struct address *out)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr in6;
    struct in_addr in;

    if (!copy_text(without_brackets(host), text, sizeof(text)))
        return -EINVAL;
    if (inet_pton(AF_INET6, text, &in6) == 1) {
        *out = (struct address){
            .len = sizeof(out->u.in6),
            .u.in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = in6}};
        return 0;
    }
    if (has_brackets(host) || inet_pton(AF_INET, text, &in) != 1)
        return -EINVAL;
    *out =
        (struct address){.len = sizeof(out->u.in),
                         .u.in = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = in}};
    return 0;
}

bool address_is_ip_text(struct span host)
{
    struct address ignored;

    return address_parse_ip(host, 0, &ignored) == 0;
}

int address_parse_unix(struct span path, struct address *out)
{
    struct sockaddr_un *un = &out->u.un;
    bool is_abstract;

    if (!span_starts_with(path, UNIX_PREFIX))
        return -EINVAL;
    path = span_skip(path, UNIX_PREFIX.len);
    is_abstract = path.len && path.data[0] == '@';
    if (path.len < (is_abstract ? 2u : 1u) || path.len >= sizeof(un->sun_path) ||
        memchr(path.data, 0, path.len))
        return -EINVAL;
    *out = (struct address){.u.un.sun_family = AF_UNIX};
    memcpy(un->sun_path, path.data, path.len);
    out->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len);
    /* unix(7): an abstract name starts with a NUL and ends with its length; a path has its NUL. */
    if (is_abstract)
        un->sun_path[0] = '\0';
    else
        out->len++;
    return 0;
}

/* Puts in one answer of getaddrinfo(3), unless it is there already. */
static size_t add_resolved(const struct addrinfo *info, uint16_t port, struct address *out,
                           size_t count)
{
    struct address a = {.len = info->ai_addrlen};

    if (info->ai_family != AF_INET && info->ai_family != AF_INET6)
        return count;
    assert(info->ai_addrlen <= sizeof(a.u));
    memcpy(&a.u, info->ai_addr, info->ai_addrlen);
    if (info->ai_family == AF_INET)
        a.u.in.sin_port = htons(port);
    else
        a.u.in6.sin6_port = htons(port);
    for (size_t i = 0; i < count; i++) {
        if (address_equals(&out[i], &a))
            return count;
    }
    out[count] = a;
    return count + 1;
}

int address_resolve(struct span host, uint16_t port, struct address *out, size_t most)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *list = NULL;
    char name[HOST_BYTES_MAX + 1];
    size_t count = 0;
    int rc;

    /* AI_ADDRCONFIG hides literal addresses of a family that no interface has. */
    if (most && address_parse_ip(host, port, out) == 0)
        return 1;
    if (!copy_text(host, name, sizeof(name)))
        return EAI_NONAME;
    rc = getaddrinfo(name, NULL, &hints, &list);
    if (rc)
        return rc;
    for (const struct addrinfo *i = list; i && count < most; i = i->ai_next)
        count = add_resolved(i, port, out, count);
    freeaddrinfo(list);
    return count ? (int)count : EAI_NONAME;
}

static size_t format_unix(const struct address *a, char out[ADDRESS_TEXT_BYTES])
{
    const char *path = a->u.un.sun_path;
    size_t offset = offsetof(struct sockaddr_un, sun_path);
    size_t len = a->len > offset ? a->len - offset : 0; /* an unbound client has no path at all */

    if (len && path[0] == '\0')
        return (size_t)snprintf(out, ADDRESS_TEXT_BYTES, "unix:@%.*s", (int)(len - 1), path + 1);
    return (size_t)snprintf(out, ADDRESS_TEXT_BYTES, "unix:%.*s", (int)len, path);
}

struct endpoint endpoint_of(const struct address *a)
{
    struct endpoint e = {.family = AF_UNSPEC};

    if (!a->len)
        return e;
    e.family = a->u.any.sa_family;
    e.port = address_port(a);
    if (e.family == AF_INET)
        memcpy(e.ip, &a->u.in.sin_addr, sizeof(a->u.in.sin_addr));
    else if (e.family == AF_INET6)
        memcpy(e.ip, &a->u.in6.sin6_addr, sizeof(a->u.in6.sin6_addr));
    return e;
}

struct address endpoint_address(const struct endpoint *e)
{
    struct address a = {0};

    if (e->family == AF_INET) {
        a.len = sizeof(a.u.in);
        a.u.in.sin_family = AF_INET;
        a.u.in.sin_port = htons(e->port);
        memcpy(&a.u.in.sin_addr, e->ip, sizeof(a.u.in.sin_addr));
    } else if (e->family == AF_INET6) {
        a.len = sizeof(a.u.in6);
        a.u.in6.sin6_family = AF_INET6;
        a.u.in6.sin6_port = htons(e->port);
        memcpy(&a.u.in6.sin6_addr, e->ip, sizeof(a.u.in6.sin6_addr));
    }
    return a;
}

int endpoint_parse(struct span text, struct endpoint *out)
{
    struct span host, port_text;
    struct address a;
    uint16_t port;

    if (span_starts_with(text, SPAN("[")) || address_parse_ip(text, 0, &a) < 0) {
        if (address_split(text, &host, &port_text) < 0 || !port_text.len ||
            address_port_parse(port_text, &port) < 0 || address_parse_ip(host, port, &a) < 0)
            return -EINVAL;
    }
    *out = endpoint_of(&a);
    return 0;
}

size_t endpoint_format_host(const struct endpoint *e, char out[ADDRESS_TEXT_BYTES])
{
    out[0] = '\0';
    if (e->family == AF_UNSPEC)
        return 0;
    if (e->family == AF_UNIX)
        return (size_t)snprintf(out, ADDRESS_TEXT_BYTES, "unix:");
    if (!inet_ntop(e->family, e->ip, out, ADDRESS_TEXT_BYTES))
        assert(!"inet_ntop: ADDRESS_TEXT_BYTES is large enough");
    return strlen(out);
}

size_t address_format(const struct address *a, char out[ADDRESS_TEXT_BYTES])
{
    char host[ADDRESS_TEXT_BYTES];
    struct endpoint e = endpoint_of(a);
    const char *format;

    out[0] = '\0';
    if (!a->len)
        return 0;
    if (a->u.any.sa_family == AF_UNIX)
        return format_unix(a, out);
    (void)endpoint_format_host(&e, host);
    format = a->u.any.sa_family == AF_INET6 ? "[%.*s]:%u" : "%.*s:%u";
    return (size_t)snprintf(out, ADDRESS_TEXT_BYTES, format, INET6_ADDRSTRLEN, host,
                            (unsigned)address_port(a));
}

uint16_t address_port(const struct address *a)
{
    if (!a->len || a->u.any.sa_family == AF_UNIX)
        return 0;
    return ntohs(a->u.any.sa_family == AF_INET6 ? a->u.in6.sin6_port : a->u.in.sin_port);
}

static bool in6_equals(const struct sockaddr_in6 *a, const struct sockaddr_in6 *b)
{
    return memcmp(&a->sin6_addr, &b->sin6_addr, sizeof(a->sin6_addr)) == 0 &&
           a->sin6_port == b->sin6_port && a->sin6_scope_id == b->sin6_scope_id;
}

bool address_equals(const struct address *a, const struct address *b)
{
    if (a->len != b->len)
        return false;
    if (!a->len)
        return true;
    if (a->u.any.sa_family != b->u.any.sa_family)
        return false;
    if (a->u.any.sa_family == AF_INET)
        return a->u.in.sin_addr.s_addr == b->u.in.sin_addr.s_addr &&
               a->u.in.sin_port == b->u.in.sin_port;
    if (a->u.any.sa_family == AF_INET6)
        return in6_equals(&a->u.in6, &b->u.in6);
    return memcmp(&a->u.un, &b->u.un, a->len) == 0;
}
