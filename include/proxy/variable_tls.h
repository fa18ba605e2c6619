/* variable_tls - the values of $ssl_*: what the client's TLS session tells. */
#ifndef RINGWAY_PROXY_VARIABLE_TLS_H
#define RINGWAY_PROXY_VARIABLE_TLS_H

#include "proxy/value.h"

/* No value without TLS. */
struct span tls_value_protocol(struct record *r, const struct value_key *key);
struct span tls_value_cipher(struct record *r, const struct value_key *key);
struct span tls_value_early_data(struct record *r, const struct value_key *key);
struct span tls_value_curve(struct record *r, const struct value_key *key);
struct span tls_value_alpn_protocol(struct record *r, const struct value_key *key);
struct span tls_value_server_name(struct record *r, const struct value_key *key);
struct span tls_value_session_id(struct record *r, const struct value_key *key);
struct span tls_value_session_reused(struct record *r, const struct value_key *key);

/* Of the client's certificate; the offset is that of a span in struct tls_client_certificate. */
struct span tls_value_certificate_span(struct record *r, const struct value_key *key);
struct span tls_value_verify(struct record *r, const struct value_key *key);
struct span tls_value_days_left(struct record *r, const struct value_key *key);
/* The certificate in PEM form with a tab in front of each line but the first, and escaped for a
 * URI. */
struct span tls_value_tabbed_pem(struct record *r, const struct value_key *key);
struct span tls_value_escaped_pem(struct record *r, const struct value_key *key);

#endif
