/* variable_request - the values of variables about the request. */
#ifndef RINGWAY_PROXY_VARIABLE_REQUEST_H
#define RINGWAY_PROXY_VARIABLE_REQUEST_H

#include "proxy/value.h"

/* The offset is that of a span in struct head. */
struct span request_value_span(struct record *r, const struct value_key *key);
/* The offset is the identifier of a field. */
struct span request_value_field(struct record *r, const struct value_key *key);
struct span request_value_content_length(struct record *r, const struct value_key *key);
struct span request_value_is_args(struct record *r, const struct value_key *key);
struct span request_value_host(struct record *r, const struct value_key *key);
struct span request_value_port(struct record *r, const struct value_key *key);
struct span request_value_is_port(struct record *r, const struct value_key *key);
struct span request_value_server_name(struct record *r, const struct value_key *key);
struct span request_value_server_protocol(struct record *r, const struct value_key *key);
struct span request_value_request_time(struct record *r, const struct value_key *key);
struct span request_value_request_id(struct record *r, const struct value_key *key);
struct span request_value_remote_user(struct record *r, const struct value_key *key);
struct span request_value_proxy_add_x_forwarded_for(struct record *r, const struct value_key *key);
struct span request_value_argument(struct record *r, const struct value_key *key);
struct span request_value_cookie(struct record *r, const struct value_key *key);
struct span request_value_http_field(struct record *r, const struct value_key *key);

#endif
