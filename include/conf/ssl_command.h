/* ssl_command - the commands of OpenSSL's SSL_CONF_cmd(3) that say the same as a directive.
 *
 * Pure. There are MinProtocol, MaxProtocol, Protocol, CipherString and Ciphersuites; for servers
 * Curves and Groups, and of Options ServerPreference and SessionTicket. */
#ifndef RINGWAY_CONF_SSL_COMMAND_H
#define RINGWAY_CONF_SSL_COMMAND_H

#include "core/span.h"

struct ssl_commanded {        /* what they change, with what the directives said before */
    unsigned protocols;       /* TLS_PROTOCOL_* */
    struct span ciphers;      /* a cipher string */
    struct span tls13_suites; /* names with colons; empty: as they are */
    bool is_of_server;        /* given: the commands of servers are known too */
    struct span groups;       /* names with colons */
    bool prefers_server_suites, has_tickets;
};

/* 0; -EINVAL for a value that the command does not take; -ENOENT for a command that is none of
 * these. Names are of any case, as in OpenSSL. */
int ssl_command_apply(struct span name, struct span value, struct ssl_commanded *to) MUST_USE;

#endif
