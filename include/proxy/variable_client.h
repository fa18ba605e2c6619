/* variable_client - the values of variables about the client's connection, the process and its
 * clock. */
#ifndef RINGWAY_PROXY_VARIABLE_CLIENT_H
#define RINGWAY_PROXY_VARIABLE_CLIENT_H

#include "proxy/value.h"

/* The offset is that of a member of struct client_facts. */
struct span client_value_u64(struct record *r, const struct value_key *key);
struct span client_value_remote_addr(struct record *r, const struct value_key *key);
struct span client_value_remote_port(struct record *r, const struct value_key *key);
struct span client_value_realip_addr(struct record *r, const struct value_key *key);
struct span client_value_realip_port(struct record *r, const struct value_key *key);
struct span client_value_server_addr(struct record *r, const struct value_key *key);
struct span client_value_server_port(struct record *r, const struct value_key *key);
struct span client_value_binary_remote_addr(struct record *r, const struct value_key *key);
/* The offset is that of a word of struct tcp_info; no value where it is no TCP. */
struct span client_value_tcp_info(struct record *r, const struct value_key *key);
struct span client_value_connection_time(struct record *r, const struct value_key *key);
struct span client_value_pipelining(struct record *r, const struct value_key *key);
struct span client_value_https(struct record *r, const struct value_key *key);
struct span client_value_scheme(struct record *r, const struct value_key *key);
struct span client_value_host_name(struct record *r, const struct value_key *key);
struct span client_value_version(struct record *r, const struct value_key *key);
struct span client_value_pid(struct record *r, const struct value_key *key);
struct span client_value_msec(struct record *r, const struct value_key *key);
struct span client_value_time_local(struct record *r, const struct value_key *key);
struct span client_value_time_iso8601(struct record *r, const struct value_key *key);

/* Of the PROXY header; the key's offset is that of an endpoint in it. */
struct span client_value_proxied_host(struct record *r, const struct value_key *key);
struct span client_value_proxied_port(struct record *r, const struct value_key *key);
struct span client_value_proxied_tlv(struct record *r, const struct value_key *key);

#endif
