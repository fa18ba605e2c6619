/* variable - what each variable is worth for an exchange: one getter per row of conf/template's
 * table. */
#include "proxy/variable.h"

#include <limits.h>
#include <netinet/tcp.h>
#include <stdlib.h>

#include "proxy/request_body.h"
#include "proxy/user_variable.h"
#include "proxy/value.h"
#include "proxy/variable_client.h"
#include "proxy/variable_request.h"
#include "proxy/variable_tls.h"
#include "proxy/variable_upstream.h"

/* ---- members as they are ---- */

static struct span span_at(const void *base, size_t offset)
{
    return *(const struct span *)((const char *)base + offset);
}

static struct span record_span(struct record *r, const struct value_key *key)
{
    return span_at(r, key->offset);
}

static struct span record_u64(struct record *r, const struct value_key *key)
{
    return value_u64(r, *(const uint64_t *)((const char *)r + key->offset));
}

/* Of what nginx has and is not here, as it is there where nobody asked for it: answers that are
 * compressed or stored. */
static struct span no_value(struct record *r, const struct value_key *key)
{
    return SPAN_NONE;
}

/* Likewise: later versions of HTTP. */
static struct span empty_value(struct record *r, const struct value_key *key)
{
    return SPAN("");
}

/* The offset is that of the state. */
static struct span limit_status(struct record *r, const struct value_key *key)
{
    static const char *const texts[] = {
        [LIMIT_STATE_NONE] = NULL,
        [LIMIT_STATE_PASSED] = "PASSED",
        [LIMIT_STATE_DELAYED] = "DELAYED",
        [LIMIT_STATE_REJECTED] = "REJECTED",
        [LIMIT_STATE_DELAYED_DRY_RUN] = "DELAYED_DRY_RUN",
        [LIMIT_STATE_REJECTED_DRY_RUN] = "REJECTED_DRY_RUN",
    };

    return span_of_cstr(texts[*(const enum limit_state *)((const char *)r + key->offset)]);
}

/* ---- files ---- */

/* A root that names itself has no value: nginx refuses it. */
static struct span document_root(struct record *r, const struct value_key *key)
{
    const struct template *root = &r->location->settings.root;

    for (size_t i = 0; i < root->part_count; i++) {
        if (root->parts[i].variable == VARIABLE_DOCUMENT_ROOT ||
            root->parts[i].variable == VARIABLE_REALPATH_ROOT ||
            root->parts[i].variable == VARIABLE_REQUEST_FILENAME)
            return SPAN_NONE;
    }
    return value_expand(r, root, variable_get);
}

/* Without its links. */
static struct span realpath_root(struct record *r, const struct value_key *key)
{
    struct span path = document_root(r, key);
    char real[PATH_MAX];

    if (path.data)
        path = value_copy(r, path);
    return path.data && realpath(path.data, real) ? value_copy(r, span_of_cstr(real)) : SPAN_NONE;
}

static struct span request_filename(struct record *r, const struct value_key *key)
{
    size_t alias_bytes = r->location->settings.alias_bytes;
    struct span parts[2];

    parts[0] = document_root(r, key);
    if (alias_bytes == ALIAS_BYTES_ALL && !r->adds_uri_to_alias)
        return parts[0];
    parts[1] = alias_bytes == ALIAS_BYTES_ALL
                   ? r->uri
                   : span_skip(r->uri, size_min(alias_bytes, r->uri.len));
    return value_join(r, parts, 2, SPAN(""));
}

/* ---- the request's body ---- */

static struct span request_body(struct record *r, const struct value_key *key)
{
    return r->body ? request_body_text(r->body) : SPAN_NONE;
}

static struct span request_body_file(struct record *r, const struct value_key *key)
{
    return r->body && r->body->name.len ? r->body->name : SPAN_NONE;
}

/* ---- the answer ---- */

static struct span proxy_host(struct record *r, const struct value_key *key)
{
    return r->pass ? r->pass->host : SPAN_NONE;
}

static struct span proxy_port(struct record *r, const struct value_key *key)
{
    return r->pass ? value_u64(r, r->pass->port) : SPAN_NONE;
}

/* Three digits, as in nginx: "000" where there was no answer and no reason either. */
static struct span status(struct record *r, const struct value_key *key)
{
    unsigned s = r->status ? r->status : outcome_row(r->outcome)->status;

    return s >= 100 ? value_u64(r, s) : SPAN("000");
}

static struct span request_completion(struct record *r, const struct value_key *key)
{
    return r->outcome == OUTCOME_DONE || r->has_replied ? SPAN("OK") : SPAN("");
}

static struct span sent_field(struct record *r, const struct value_key *key)
{
    return value_written_fields(r, r->sent_head, key->name);
}

static struct span upstream_field(struct record *r, const struct value_key *key)
{
    return r->response ? value_fields(r, r->response, key->name) : SPAN_NONE;
}

static struct span upstream_cookie(struct record *r, const struct value_key *key)
{
    struct span value = SPAN_NONE;

    for (size_t i = 0; r->response && i < r->response->field_count && !value.data; i++) {
        if (r->response->fields[i].id == FIELD_SET_COOKIE)
            value = value_set_cookie(r->response->fields[i].value, key->name);
    }
    return value;
}

static struct span upstream_trailer(struct record *r, const struct value_key *key)
{
    return r->response ? value_trailers(r, r->response, key->name) : SPAN_NONE;
}

/* Those that were passed on, else those that were added. */
static struct span sent_trailer(struct record *r, const struct value_key *key)
{
    struct span passed = r->passes_trailers ? upstream_trailer(r, key) : SPAN_NONE;

    return passed.data ? passed : value_written_lines(r, r->sent_trailers, key->name);
}

/* ---- the table ---- */

#define OF(type, member) .offset = offsetof(struct type, member)
#define OF_CERTIFICATE(member) OF(tls_client_certificate, member)

static const struct row {
    value_fn get;
    size_t offset; /* for getters that serve several variables */
} rows[VARIABLE_CAPTURE] = {
    [VARIABLE_ARGS] = {record_span, OF(record, args)},
    [VARIABLE_BINARY_REMOTE_ADDR] = {client_value_binary_remote_addr},
    [VARIABLE_BODY_BYTES_SENT] = {record_u64, OF(record, sent_body_bytes)},
    [VARIABLE_BYTES_SENT] = {record_u64, OF(record, sent_bytes)},
    [VARIABLE_CONNECTION] = {client_value_u64, OF(client_facts, number)},
    [VARIABLE_CONNECTION_REQUESTS] = {client_value_u64, OF(client_facts, request_count)},
    [VARIABLE_CONNECTION_TIME] = {client_value_connection_time},
    [VARIABLE_CONTENT_LENGTH] = {request_value_content_length, FIELD_CONTENT_LENGTH},
    [VARIABLE_CONTENT_TYPE] = {request_value_field, FIELD_CONTENT_TYPE},
    [VARIABLE_DOCUMENT_ROOT] = {document_root},
    [VARIABLE_DOCUMENT_URI] = {record_span, OF(record, uri)},
    [VARIABLE_GZIP_RATIO] = {no_value},
    [VARIABLE_HOST] = {request_value_host},
    [VARIABLE_HOSTNAME] = {client_value_host_name},
    [VARIABLE_HTTP2] = {empty_value},
    [VARIABLE_HTTP3] = {empty_value},
    [VARIABLE_HTTPS] = {client_value_https},
    [VARIABLE_IS_ARGS] = {request_value_is_args},
    [VARIABLE_IS_REQUEST_PORT] = {request_value_is_port},
    [VARIABLE_LIMIT_CONN_STATUS] = {limit_status, OF(record, limit_conn_state)},
    [VARIABLE_LIMIT_REQ_STATUS] = {limit_status, OF(record, limit_req_state)},
    [VARIABLE_LIMIT_RATE] = {record_u64, OF(record, limit_rate)},
    [VARIABLE_MSEC] = {client_value_msec},
    [VARIABLE_NGINX_VERSION] = {client_value_version},
    [VARIABLE_PID] = {client_value_pid},
    [VARIABLE_PIPE] = {client_value_pipelining},
    [VARIABLE_PROXY_ADD_X_FORWARDED_FOR] = {request_value_proxy_add_x_forwarded_for},
    [VARIABLE_PROXY_HOST] = {proxy_host},
    [VARIABLE_PROXY_PORT] = {proxy_port},
    [VARIABLE_PROXY_PROTOCOL_ADDR] = {client_value_proxied_host, OF(proxy_header, source)},
    [VARIABLE_PROXY_PROTOCOL_PORT] = {client_value_proxied_port, OF(proxy_header, source)},
    [VARIABLE_PROXY_PROTOCOL_SERVER_ADDR] = {client_value_proxied_host,
                                             OF(proxy_header, destination)},
    [VARIABLE_PROXY_PROTOCOL_SERVER_PORT] = {client_value_proxied_port,
                                             OF(proxy_header, destination)},
    [VARIABLE_QUERY_STRING] = {record_span, OF(record, args)},
    [VARIABLE_REALPATH_ROOT] = {realpath_root},
    [VARIABLE_REALIP_REMOTE_ADDR] = {client_value_realip_addr},
    [VARIABLE_REALIP_REMOTE_PORT] = {client_value_realip_port},
    [VARIABLE_REMOTE_ADDR] = {client_value_remote_addr},
    [VARIABLE_REMOTE_PORT] = {client_value_remote_port},
    [VARIABLE_REMOTE_USER] = {request_value_remote_user},
    [VARIABLE_REQUEST] = {request_value_span, OF(head, request_line)},
    [VARIABLE_REQUEST_BODY] = {request_body},
    [VARIABLE_REQUEST_BODY_FILE] = {request_body_file},
    [VARIABLE_REQUEST_COMPLETION] = {request_completion},
    [VARIABLE_REQUEST_FILENAME] = {request_filename},
    [VARIABLE_REQUEST_ID] = {request_value_request_id},
    [VARIABLE_REQUEST_LENGTH] = {record_u64, OF(record, request_bytes)},
    [VARIABLE_REQUEST_METHOD] = {request_value_span, OF(head, method_text)},
    [VARIABLE_REQUEST_PORT] = {request_value_port},
    [VARIABLE_REQUEST_TIME] = {request_value_request_time},
    [VARIABLE_REQUEST_URI] = {request_value_span, OF(head, target)},
    [VARIABLE_SCHEME] = {client_value_scheme},
    [VARIABLE_SERVER_ADDR] = {client_value_server_addr},
    [VARIABLE_SERVER_NAME] = {request_value_server_name},
    [VARIABLE_SERVER_PORT] = {client_value_server_port},
    [VARIABLE_SERVER_PROTOCOL] = {request_value_server_protocol},
    [VARIABLE_SSL_ALPN_PROTOCOL] = {tls_value_alpn_protocol},
    [VARIABLE_SSL_CIPHER] = {tls_value_cipher},
    [VARIABLE_SSL_CLIENT_CERT] = {tls_value_tabbed_pem},
    [VARIABLE_SSL_CLIENT_ESCAPED_CERT] = {tls_value_escaped_pem},
    [VARIABLE_SSL_CLIENT_FINGERPRINT] = {tls_value_certificate_span, OF_CERTIFICATE(fingerprint)},
    [VARIABLE_SSL_CLIENT_I_DN] = {tls_value_certificate_span, OF_CERTIFICATE(issuer_dn)},
    [VARIABLE_SSL_CLIENT_I_DN_LEGACY] = {tls_value_certificate_span,
                                         OF_CERTIFICATE(issuer_dn_legacy)},
    [VARIABLE_SSL_CLIENT_RAW_CERT] = {tls_value_certificate_span, OF_CERTIFICATE(pem)},
    [VARIABLE_SSL_CLIENT_S_DN] = {tls_value_certificate_span, OF_CERTIFICATE(subject_dn)},
    [VARIABLE_SSL_CLIENT_S_DN_LEGACY] = {tls_value_certificate_span,
                                         OF_CERTIFICATE(subject_dn_legacy)},
    [VARIABLE_SSL_CLIENT_SERIAL] = {tls_value_certificate_span, OF_CERTIFICATE(serial)},
    [VARIABLE_SSL_CLIENT_V_END] = {tls_value_certificate_span, OF_CERTIFICATE(not_after)},
    [VARIABLE_SSL_CLIENT_V_REMAIN] = {tls_value_days_left},
    [VARIABLE_SSL_CLIENT_V_START] = {tls_value_certificate_span, OF_CERTIFICATE(not_before)},
    [VARIABLE_SSL_CLIENT_VERIFY] = {tls_value_verify},
    [VARIABLE_SSL_CURVE] = {tls_value_curve},
    [VARIABLE_SSL_EARLY_DATA] = {tls_value_early_data},
    [VARIABLE_SSL_PROTOCOL] = {tls_value_protocol},
    [VARIABLE_SSL_SERVER_NAME] = {tls_value_server_name},
    [VARIABLE_SSL_SESSION_ID] = {tls_value_session_id},
    [VARIABLE_SSL_SESSION_REUSED] = {tls_value_session_reused},
    [VARIABLE_STATUS] = {status},
    [VARIABLE_TCPINFO_RCV_SPACE] = {client_value_tcp_info, OF(tcp_info, tcpi_rcv_space)},
    [VARIABLE_TCPINFO_RTT] = {client_value_tcp_info, OF(tcp_info, tcpi_rtt)},
    [VARIABLE_TCPINFO_RTTVAR] = {client_value_tcp_info, OF(tcp_info, tcpi_rttvar)},
    [VARIABLE_TCPINFO_SND_CWND] = {client_value_tcp_info, OF(tcp_info, tcpi_snd_cwnd)},
    [VARIABLE_TIME_ISO8601] = {client_value_time_iso8601},
    [VARIABLE_TIME_LOCAL] = {client_value_time_local},
    [VARIABLE_UPSTREAM_ADDR] = {upstream_value_address},
    [VARIABLE_UPSTREAM_BYTES_RECEIVED] = {upstream_value_u64, OF(try_record, bytes_received)},
    [VARIABLE_UPSTREAM_BYTES_SENT] = {upstream_value_u64, OF(try_record, bytes_sent)},
    [VARIABLE_UPSTREAM_CACHE_STATUS] = {no_value},
    [VARIABLE_UPSTREAM_CONNECT_TIME] = {upstream_value_seconds, OF(try_record, connect_us)},
    [VARIABLE_UPSTREAM_HEADER_TIME] = {upstream_value_seconds, OF(try_record, header_us)},
    [VARIABLE_UPSTREAM_LAST_ADDR] = {upstream_value_last_address},
    [VARIABLE_UPSTREAM_LAST_SERVER_NAME] = {upstream_value_last_name},
    [VARIABLE_UPSTREAM_RESPONSE_LENGTH] = {upstream_value_u64, OF(try_record, response_length)},
    [VARIABLE_UPSTREAM_RESPONSE_TIME] = {upstream_value_seconds, OF(try_record, response_us)},
    [VARIABLE_UPSTREAM_SSL_CIPHER] = {upstream_value_text, OF(try_record, cipher)},
    [VARIABLE_UPSTREAM_SSL_PROTOCOL] = {upstream_value_text, OF(try_record, protocol)},
    [VARIABLE_UPSTREAM_SSL_SESSION_REUSED] = {upstream_value_session_reused},
    [VARIABLE_UPSTREAM_STATUS] = {upstream_value_status},
    [VARIABLE_URI] = {record_span, OF(record, uri)},
    [VARIABLE_ARG_] = {request_value_argument},
    [VARIABLE_COOKIE_] = {request_value_cookie},
    [VARIABLE_PROXY_PROTOCOL_TLV_] = {client_value_proxied_tlv},
    [VARIABLE_HTTP_] = {request_value_http_field},
    [VARIABLE_SENT_HTTP_] = {sent_field},
    [VARIABLE_SENT_TRAILER_] = {sent_trailer},
    [VARIABLE_UPSTREAM_COOKIE_] = {upstream_cookie},
    [VARIABLE_UPSTREAM_HTTP_] = {upstream_field},
    [VARIABLE_UPSTREAM_TRAILER_] = {upstream_trailer},
};

static struct span capture(const struct record *r, unsigned number)
{
    return number < r->captures.count ? r->captures.at[number] : SPAN_NONE;
}

struct span variable_get(void *source, const struct template_part *part)
{
    struct record *r = source;
    struct value_key key;

    if (part->variable == VARIABLE_CAPTURE)
        return capture(r, part->number);
    if (part->variable == VARIABLE_USER)
        return user_variable_get(r, part->number, variable_get);
    assert(part->variable != VARIABLE_NONE);
    assert(rows[part->variable].get);
    key = (struct value_key){.name = part->text, .offset = rows[part->variable].offset};
    return rows[part->variable].get(r, &key);
}

int record_expand(struct record *r, const struct template *t, struct span *out)
{
    if (t->is_literal) {
        *out = t->text;
        return 0;
    }
    r->lacks_memory = false;
    if (template_expand(t, variable_get, r, r->arena, out) < 0 || r->lacks_memory)
        return -ENOMEM;
    return 0;
}

size_t record_count_fulfilled(struct record *r, const struct condition *c)
{
    size_t count = 0;
    struct span text;

    for (size_t i = 0; i < c->count; i++)
        count += !record_expand(r, &c->texts[i], &text) && value_is_true(text);
    return count;
}
