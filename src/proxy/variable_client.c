/* variable_client - the values of variables about the client's connection, the process and its
 * clock. */
#include "proxy/variable_client.h"

#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#define HOST_NAME_BYTES 256 /* HOST_NAME_MAX of Linux is 64 */

/* ---- the connection ---- */

struct span client_value_u64(struct record *r, const struct value_key *key)
{
    return value_u64(r, *(const uint64_t *)((const char *)r->client + key->offset));
}

struct span client_value_remote_addr(struct record *r, const struct value_key *key)
{
    return value_host(r, &r->client->address);
}

struct span client_value_remote_port(struct record *r, const struct value_key *key)
{
    return value_port(r, &r->client->address);
}

/* Whoever connected, also where a request came from somebody else. */
static const struct endpoint *peer_of(const struct record *r)
{
    return r->connection ? &r->connection->address : &r->client->address;
}

struct span client_value_realip_addr(struct record *r, const struct value_key *key)
{
    return value_host(r, peer_of(r));
}

struct span client_value_realip_port(struct record *r, const struct value_key *key)
{
    return value_port(r, peer_of(r));
}

/* "unix:/path": an endpoint does not keep it. */
static struct span local_path(struct record *r)
{
    struct address a = {.len = sizeof(a.u)};
    char *text = value_alloc(r, ADDRESS_TEXT_BYTES);

    if (!text || getsockname(r->client->conn->fd, &a.u.any, &a.len) < 0)
        return SPAN_NONE;
    return span_of(text, address_format(&a, text));
}

struct span client_value_server_addr(struct record *r, const struct value_key *key)
{
    const struct endpoint *e = &r->client->local_address;

    return e->family == AF_UNIX ? local_path(r) : value_host(r, e);
}

struct span client_value_server_port(struct record *r, const struct value_key *key)
{
    return value_port(r, &r->client->local_address);
}

struct span client_value_binary_remote_addr(struct record *r, const struct value_key *key)
{
    const struct endpoint *e = &r->client->address;

    if (e->family == AF_INET)
        return span_of((const char *)e->ip, sizeof(struct in_addr));
    if (e->family == AF_INET6)
        return span_of((const char *)e->ip, sizeof(struct in6_addr));
    return client_value_remote_addr(r, key);
}

struct span client_value_connection_time(struct record *r, const struct value_key *key)
{
    return value_seconds(r, loop_now_ms(r->engine->loop) - r->client->since_ms);
}

struct span client_value_tcp_info(struct record *r, const struct value_key *key)
{
    struct tcp_info info;
    socklen_t size = sizeof(info);
    uint32_t word;

    if (getsockopt(r->client->conn->fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
        return SPAN_NONE;
    assert(key->offset + sizeof(word) <= size);
    memcpy(&word, (const char *)&info + key->offset, sizeof(word));
    return value_u64(r, word);
}

struct span client_value_pipelining(struct record *r, const struct value_key *key)
{
    return r->is_pipelined ? SPAN("p") : SPAN(".");
}

struct span client_value_https(struct record *r, const struct value_key *key)
{
    return record_is_tls(r) ? SPAN("on") : SPAN("");
}

struct span client_value_scheme(struct record *r, const struct value_key *key)
{
    return record_is_tls(r) ? SPAN("https") : SPAN("http");
}

/* ---- the PROXY header ---- */

/* NULL: none came, or it does not say. */
static const struct endpoint *proxied_endpoint(const struct record *r, const struct value_key *key)
{
    const struct proxy_header *h = r->client->proxy_header;
    const struct endpoint *e;

    if (!h)
        return NULL;
    e = (const void *)((const char *)h + key->offset);
    return e->family != AF_UNSPEC ? e : NULL;
}

struct span client_value_proxied_host(struct record *r, const struct value_key *key)
{
    const struct endpoint *e = proxied_endpoint(r, key);

    return e ? value_host(r, e) : SPAN_NONE;
}

struct span client_value_proxied_port(struct record *r, const struct value_key *key)
{
    const struct endpoint *e = proxied_endpoint(r, key);

    return e ? value_port(r, e) : SPAN_NONE;
}

struct span client_value_proxied_tlv(struct record *r, const struct value_key *key)
{
    char *scratch = r->client->proxy_header ? value_alloc(r, PROXY_TLV_TEXT_BYTES) : NULL;

    return scratch ? proxy_header_tlv(r->client->proxy_header, key->name, scratch) : SPAN_NONE;
}

/* ---- the process and its clock ---- */

struct span client_value_host_name(struct record *r, const struct value_key *key)
{
    char *name = value_alloc(r, HOST_NAME_BYTES);

    if (!name || gethostname(name, HOST_NAME_BYTES) < 0)
        return SPAN_NONE;
    name[HOST_NAME_BYTES - 1] = '\0';
    for (char *c = name; *c; c++)
        *c = ascii_lower(*c);
    return span_of_cstr(name);
}

struct span client_value_version(struct record *r, const struct value_key *key)
{
    return SPAN(RINGWAY_VERSION);
}

struct span client_value_pid(struct record *r, const struct value_key *key)
{
    return value_u64(r, (uint64_t)getpid());
}

struct span client_value_msec(struct record *r, const struct value_key *key)
{
    return value_seconds(r, (uint64_t)engine_times(r->engine)->unix_ms);
}

/* The cache's text changes with the turn, the record's does not: hence copies. */

struct span client_value_time_local(struct record *r, const struct value_key *key)
{
    return value_copy(r, time_cache_local(engine_times(r->engine)));
}

struct span client_value_time_iso8601(struct record *r, const struct value_key *key)
{
    return value_copy(r, time_cache_iso8601(engine_times(r->engine)));
}
