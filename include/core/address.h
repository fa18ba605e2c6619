/* address - socket addresses: parsed from text, printed to text.
 *
 * A value: copied, owned by nobody. */
#ifndef RINGWAY_CORE_ADDRESS_H
#define RINGWAY_CORE_ADDRESS_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "core/span.h"

struct address {
    socklen_t len; /* 0: none */
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
    } u;
};

/* What is kept of an address as long as a connection lives: without a path, a fifth of the size. */
struct endpoint {
    unsigned char ip[16]; /* in network order; of AF_INET the first 4 */
    uint16_t port;        /* in host order; 0 for unix sockets */
    sa_family_t family;   /* AF_UNSPEC: none */
};

/* "unix:" paths, "[", "]:65535" and IPv6 texts fit. */
#define ADDRESS_TEXT_BYTES 128

/* Splits "host:port", "[v6]:port", "host" into views; *port_text empty without a port.
 * 0, or -EINVAL (empty host, missing bracket, more than one colon outside brackets). */
int address_split(struct span text, struct span *host, struct span *port_text) MUST_USE;

/* A port: 1 to 65535. 0, or -EINVAL. */
int address_port_parse(struct span text, uint16_t *port) MUST_USE;

/* A numeric address, IPv4 or IPv6, with or without brackets. 0, or -EINVAL for anything else. */
int address_parse_ip(struct span host, uint16_t port, struct address *out) MUST_USE;

/* "unix:/path" or "unix:@abstract". 0, or -EINVAL when it is too long or empty. */
int address_parse_unix(struct span path, struct address *out) MUST_USE;

/* True when the text is an IP address, with or without brackets. */
bool address_is_ip_text(struct span host);

/* Resolves a name with getaddrinfo(3) - blocking: for start and reload only. Returns the number of
 * addresses put into out (at most most), or a negative EAI_* code for gai_strerror(). */
int address_resolve(struct span host, uint16_t port, struct address *out, size_t most) MUST_USE;

/* "127.0.0.1:80", "[::1]:80", "unix:/path". Returns the length; NUL-terminated. */
size_t address_format(const struct address *a, char out[ADDRESS_TEXT_BYTES]);

/* 0 for unix sockets. */
uint16_t address_port(const struct address *a);

/* The same family, address and port, or the same path. */
bool address_equals(const struct address *a, const struct address *b);

/* What a connection keeps of it: AF_UNSPEC of none, of a unix socket the family alone. */
struct endpoint endpoint_of(const struct address *a);

/* The reverse; len 0 where it has no IP address. */
struct address endpoint_address(const struct endpoint *e);

/* "192.0.2.1", "192.0.2.1:80", "::1", "[::1]:80": with a port, and only then, an IPv6 address is in
 * brackets. 0, or -EINVAL. */
int endpoint_parse(struct span text, struct endpoint *out) MUST_USE;

/* Without the port: $remote_addr; "unix:" for unix sockets. As address_format(). */
size_t endpoint_format_host(const struct endpoint *e, char out[ADDRESS_TEXT_BYTES]);

#endif
