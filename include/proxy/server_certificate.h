/* server_certificate - the certificate that a handshake chooses: ssl_certificate with variables. */
#ifndef RINGWAY_PROXY_SERVER_CERTIFICATE_H
#define RINGWAY_PROXY_SERVER_CERTIFICATE_H

#include "proxy/view.h"

/* Who asks, and by which listener and server. The client's TLS session knows the name asked for. */
struct server_certificate_wish {
    struct view *view;
    const struct client_facts *client;
    const struct listen_conf *listen;
    const struct server_conf *server;
    const struct tls_server_profile *profile; /* with a certificate that is chosen */
};

/* The context of a certificate that was loaded, or was there. It is for one session, at whose end
 * it is given back. NULL, after the server's log said why. */
struct tls_context *server_certificate_take(const struct server_certificate_wish *wish) MUST_USE;

#endif
