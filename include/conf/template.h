/* template - a string with variables, compiled once when the configuration is read.
 *
 * Owned by the snapshot's arena. The variables' names stand in one table here; what they are
 * worth is asked of whoever expands the template (proxy/variable.c). */
#ifndef RINGWAY_CONF_TEMPLATE_H
#define RINGWAY_CONF_TEMPLATE_H

#include "core/arena.h"

/* X(identifier, name). A name that ends in '_' is a family: $http_user_agent. */
#define VARIABLES(X)                                              \
    X(ARGS, "args")                                               \
    X(BINARY_REMOTE_ADDR, "binary_remote_addr")                   \
    X(BODY_BYTES_SENT, "body_bytes_sent")                         \
    X(BYTES_SENT, "bytes_sent")                                   \
    X(CONNECTION, "connection")                                   \
    X(CONNECTION_REQUESTS, "connection_requests")                 \
    X(CONNECTION_TIME, "connection_time")                         \
    X(CONTENT_LENGTH, "content_length")                           \
    X(CONTENT_TYPE, "content_type")                               \
    X(DOCUMENT_ROOT, "document_root")                             \
    X(DOCUMENT_URI, "document_uri")                               \
    X(GZIP_RATIO, "gzip_ratio")                                   \
    X(HOST, "host")                                               \
    X(HOSTNAME, "hostname")                                       \
    X(HTTP2, "http2")                                             \
    X(HTTP3, "http3")                                             \
    X(HTTPS, "https")                                             \
    X(IS_ARGS, "is_args")                                         \
    X(IS_REQUEST_PORT, "is_request_port")                         \
    X(LIMIT_CONN_STATUS, "limit_conn_status")                     \
    X(LIMIT_REQ_STATUS, "limit_req_status")                       \
    X(LIMIT_RATE, "limit_rate")                                   \
    X(MSEC, "msec")                                               \
    X(NGINX_VERSION, "nginx_version")                             \
    X(PID, "pid")                                                 \
    X(PIPE, "pipe")                                               \
    X(PROXY_ADD_X_FORWARDED_FOR, "proxy_add_x_forwarded_for")     \
    X(PROXY_HOST, "proxy_host")                                   \
    X(PROXY_PORT, "proxy_port")                                   \
    X(PROXY_PROTOCOL_ADDR, "proxy_protocol_addr")                 \
    X(PROXY_PROTOCOL_PORT, "proxy_protocol_port")                 \
    X(PROXY_PROTOCOL_SERVER_ADDR, "proxy_protocol_server_addr")   \
    X(PROXY_PROTOCOL_SERVER_PORT, "proxy_protocol_server_port")   \
    X(QUERY_STRING, "query_string")                               \
    X(REALPATH_ROOT, "realpath_root")                             \
    X(REALIP_REMOTE_ADDR, "realip_remote_addr")                   \
    X(REALIP_REMOTE_PORT, "realip_remote_port")                   \
    X(REMOTE_ADDR, "remote_addr")                                 \
    X(REMOTE_PORT, "remote_port")                                 \
    X(REMOTE_USER, "remote_user")                                 \
    X(REQUEST, "request")                                         \
    X(REQUEST_BODY, "request_body")                               \
    X(REQUEST_BODY_FILE, "request_body_file")                     \
    X(REQUEST_COMPLETION, "request_completion")                   \
    X(REQUEST_FILENAME, "request_filename")                       \
    X(REQUEST_ID, "request_id")                                   \
    X(REQUEST_LENGTH, "request_length")                           \
    X(REQUEST_METHOD, "request_method")                           \
    X(REQUEST_PORT, "request_port")                               \
    X(REQUEST_TIME, "request_time")                               \
    X(REQUEST_URI, "request_uri")                                 \
    X(SCHEME, "scheme")                                           \
    X(SERVER_ADDR, "server_addr")                                 \
    X(SERVER_NAME, "server_name")                                 \
    X(SERVER_PORT, "server_port")                                 \
    X(SERVER_PROTOCOL, "server_protocol")                         \
    X(SSL_ALPN_PROTOCOL, "ssl_alpn_protocol")                     \
    X(SSL_CIPHER, "ssl_cipher")                                   \
    X(SSL_CLIENT_CERT, "ssl_client_cert")                         \
    X(SSL_CLIENT_ESCAPED_CERT, "ssl_client_escaped_cert")         \
    X(SSL_CLIENT_FINGERPRINT, "ssl_client_fingerprint")           \
    X(SSL_CLIENT_I_DN, "ssl_client_i_dn")                         \
    X(SSL_CLIENT_I_DN_LEGACY, "ssl_client_i_dn_legacy")           \
    X(SSL_CLIENT_RAW_CERT, "ssl_client_raw_cert")                 \
    X(SSL_CLIENT_S_DN, "ssl_client_s_dn")                         \
    X(SSL_CLIENT_S_DN_LEGACY, "ssl_client_s_dn_legacy")           \
    X(SSL_CLIENT_SERIAL, "ssl_client_serial")                     \
    X(SSL_CLIENT_V_END, "ssl_client_v_end")                       \
    X(SSL_CLIENT_V_REMAIN, "ssl_client_v_remain")                 \
    X(SSL_CLIENT_V_START, "ssl_client_v_start")                   \
    X(SSL_CLIENT_VERIFY, "ssl_client_verify")                     \
    X(SSL_CURVE, "ssl_curve")                                     \
    X(SSL_EARLY_DATA, "ssl_early_data")                           \
    X(SSL_PROTOCOL, "ssl_protocol")                               \
    X(SSL_SERVER_NAME, "ssl_server_name")                         \
    X(SSL_SESSION_ID, "ssl_session_id")                           \
    X(SSL_SESSION_REUSED, "ssl_session_reused")                   \
    X(STATUS, "status")                                           \
    X(TCPINFO_RCV_SPACE, "tcpinfo_rcv_space")                     \
    X(TCPINFO_RTT, "tcpinfo_rtt")                                 \
    X(TCPINFO_RTTVAR, "tcpinfo_rttvar")                           \
    X(TCPINFO_SND_CWND, "tcpinfo_snd_cwnd")                       \
    X(TIME_ISO8601, "time_iso8601")                               \
    X(TIME_LOCAL, "time_local")                                   \
    X(UPSTREAM_ADDR, "upstream_addr")                             \
    X(UPSTREAM_BYTES_RECEIVED, "upstream_bytes_received")         \
    X(UPSTREAM_BYTES_SENT, "upstream_bytes_sent")                 \
    X(UPSTREAM_CACHE_STATUS, "upstream_cache_status")             \
    X(UPSTREAM_CONNECT_TIME, "upstream_connect_time")             \
    X(UPSTREAM_HEADER_TIME, "upstream_header_time")               \
    X(UPSTREAM_LAST_ADDR, "upstream_last_addr")                   \
    X(UPSTREAM_LAST_SERVER_NAME, "upstream_last_server_name")     \
    X(UPSTREAM_RESPONSE_LENGTH, "upstream_response_length")       \
    X(UPSTREAM_RESPONSE_TIME, "upstream_response_time")           \
    X(UPSTREAM_SSL_CIPHER, "upstream_ssl_cipher")                 \
    X(UPSTREAM_SSL_PROTOCOL, "upstream_ssl_protocol")             \
    X(UPSTREAM_SSL_SESSION_REUSED, "upstream_ssl_session_reused") \
    X(UPSTREAM_STATUS, "upstream_status")                         \
    X(URI, "uri")                                                 \
    X(ARG_, "arg_")                                               \
    X(COOKIE_, "cookie_")                                         \
    X(PROXY_PROTOCOL_TLV_, "proxy_protocol_tlv_")                 \
    X(HTTP_, "http_")                                             \
    X(SENT_HTTP_, "sent_http_")                                   \
    X(SENT_TRAILER_, "sent_trailer_")                             \
    X(UPSTREAM_COOKIE_, "upstream_cookie_")                       \
    X(UPSTREAM_HTTP_, "upstream_http_")                           \
    X(UPSTREAM_TRAILER_, "upstream_trailer_")

enum variable_id {
    VARIABLE_NONE, /* literal text */
#define X(id, name) VARIABLE_##id,
    VARIABLES(X)
#undef X
        VARIABLE_CAPTURE, /* $1 to $9 of the regex that last matched */
    VARIABLE_USER,        /* made by the configuration */
    VARIABLE_ID_COUNT
};

/* What a variable that the configuration makes is worth until it is assigned. */
enum user_variable_kind {
    USER_VARIABLE_CAPTURE, /* a named group of a regex: no value before that matched */
    USER_VARIABLE_SET,     /* of "set": empty, or the value of what it shadows */
    USER_VARIABLE_MAP,     /* these three: what their block looks up */
    USER_VARIABLE_GEO,
    USER_VARIABLE_SPLIT,
    USER_VARIABLE_KIND_COUNT
};

struct user_variable {
    struct span name; /* lower case */
    enum user_variable_kind kind;
    /* By kind. Of set: the struct template_part that it shadows, such as $http_x; NULL: none. Of
     * the blocks: struct string_map, geo or split. */
    const void *source;
    bool is_volatile; /* its value is not kept: made each time that it is asked for */
};

struct user_variables {
    const struct user_variable *rows;
    size_t count;
};

struct template_part {
    enum variable_id variable;
    /* The literal; for a family what follows its '_', in lower case; for a user variable its
     * name. */
    struct span text;
    unsigned number; /* 1 to 9 for $1 to $9; of a user variable its index */
};

struct template
{
    const struct template_part *parts;
    size_t part_count;
    bool is_literal;  /* no variables: text is the whole of it */
    struct span text; /* as it was written */
};

#define TEMPLATE_ERROR_BYTES 256 /* a longer message is cut */

/* Compiles text ("$a", "${a}b", "$1"; a '$' before anything else is an error as in nginx; names
 * have no case). The text may go afterwards. 0; -EINVAL with a message such as: unknown "foo"
 * variable; -ENOMEM. user may be NULL. */
int template_compile(struct span text, const struct user_variables *user, struct arena *a,
                     struct template *out, char error[TEMPLATE_ERROR_BYTES]) MUST_USE;

/* A variable's value; SPAN_NONE where it has none. Views must live as long as the arena. */
typedef struct span (*variable_fn)(void *source, const struct template_part *part);

/* The text with every variable replaced, in the arena (a literal is returned as it is). 0;
 * -ENOMEM. */
int template_expand(const struct template *t, variable_fn get, void *source, struct arena *a,
                    struct span *out) MUST_USE;

/* The name of a variable that the program has, resolved; VARIABLE_NONE: it has none such. part.text
 * is a view into the name. */
void variable_find(struct span name, struct template_part *part);

/* As in the table; "" for literal text, captures, and what the configuration makes. */
const char *variable_name(enum variable_id id);

#endif
