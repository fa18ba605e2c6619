/* variable - what each variable is worth for an exchange: one getter per row of conf/template's
 * table. */
#include "proxy/variable.h"

#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "proxy/value.h"
#include "proxy/variable_tls.h"
#include "proxy/variable_upstream.h"

#define HOST_NAME_BYTES 256 /* HOST_NAME_MAX of Linux is 64 */
#define USER_BYTES_MAX 1024 /* of a name in Authorization; a longer one is no value */
#define US_PER_MS 1000

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

static struct span request_span(struct record *r, const struct value_key *key)
{
    struct span s = span_at(r->request, key->offset);

    return s.len ? s : SPAN_NONE;
}

static struct span client_u64(struct record *r, const struct value_key *key)
{
    return value_u64(r, *(const uint64_t *)((const char *)r->client + key->offset));
}

/* The offset is the identifier of a field. */
static struct span request_field(struct record *r, const struct value_key *key)
{
    const struct field *f = head_find(r->request, (enum field_id)key->offset);

    return f ? f->value : SPAN_NONE;
}

/* ---- the connection ---- */

static struct span remote_addr(struct record *r, const struct value_key *key)
{
    return value_host(r, &r->client->address);
}

static struct span remote_port(struct record *r, const struct value_key *key)
{
    return value_port(r, &r->client->address);
}

static struct span server_addr(struct record *r, const struct value_key *key)
{
    return value_host(r, &r->client->local_address);
}

static struct span server_port(struct record *r, const struct value_key *key)
{
    return value_port(r, &r->client->local_address);
}

static struct span binary_remote_addr(struct record *r, const struct value_key *key)
{
    const struct endpoint *e = &r->client->address;

    if (e->family == AF_INET)
        return span_of((const char *)e->ip, sizeof(struct in_addr));
    if (e->family == AF_INET6)
        return span_of((const char *)e->ip, sizeof(struct in6_addr));
    return remote_addr(r, key);
}

static struct span connection_time(struct record *r, const struct value_key *key)
{
    return value_seconds(r, loop_now_ms(r->engine->loop) - r->client->since_ms);
}

static struct span pipelining(struct record *r, const struct value_key *key)
{
    return r->is_pipelined ? SPAN("p") : SPAN(".");
}

static struct span https(struct record *r, const struct value_key *key)
{
    return r->listen->is_tls ? SPAN("on") : SPAN("");
}

static struct span scheme(struct record *r, const struct value_key *key)
{
    return r->listen->is_tls ? SPAN("https") : SPAN("http");
}

/* No protocol is negotiated by ALPN yet. */
static struct span ssl_alpn_protocol(struct record *r, const struct value_key *key)
{
    return SPAN_NONE;
}

/* ---- the process and its clock ---- */

static struct span host_name(struct record *r, const struct value_key *key)
{
    char *name = value_alloc(r, HOST_NAME_BYTES);

    if (!name || gethostname(name, HOST_NAME_BYTES) < 0)
        return SPAN_NONE;
    name[HOST_NAME_BYTES - 1] = '\0';
    for (char *c = name; *c; c++)
        *c = ascii_lower(*c);
    return span_of_cstr(name);
}

static struct span version(struct record *r, const struct value_key *key)
{
    return SPAN(RINGWAY_VERSION);
}

static struct span pid(struct record *r, const struct value_key *key)
{
    return value_u64(r, (uint64_t)getpid());
}

static struct span msec(struct record *r, const struct value_key *key)
{
    return value_seconds(r, (uint64_t)engine_times(r->engine)->unix_ms);
}

/* The cache's text changes with the turn: the record's does not. */
static struct span copy_of(struct record *r, struct span s)
{
    char *data = value_alloc(r, s.len);

    return data ? span_of(memcpy(data, s.data, s.len), s.len) : SPAN_NONE;
}

static struct span time_local(struct record *r, const struct value_key *key)
{
    return copy_of(r, time_cache_local(engine_times(r->engine)));
}

static struct span time_iso8601(struct record *r, const struct value_key *key)
{
    return copy_of(r, time_cache_iso8601(engine_times(r->engine)));
}

/* ---- the request ---- */

static struct span is_args(struct record *r, const struct value_key *key)
{
    return r->args.len ? SPAN("?") : SPAN("");
}

static struct span host(struct record *r, const struct value_key *key)
{
    return r->request->host.len ? r->request->host : r->server->name;
}

static struct span server_name(struct record *r, const struct value_key *key)
{
    return r->server->name.len ? r->server->name : SPAN("");
}

static struct span server_protocol(struct record *r, const struct value_key *key)
{
    struct span line = r->request->request_line;
    size_t space = span_last_index_of(line, ' ');
    struct span last = span_skip(line, size_min(space + 1, line.len));

    return span_starts_with(last, SPAN("HTTP/")) ? last : SPAN_NONE;
}

static struct span request_time(struct record *r, const struct value_key *key)
{
    return value_seconds(r, (loop_turn_us(r->engine->loop) - r->began_us) / US_PER_MS);
}

/* 32 digits, the same each time it is asked for. */
static struct span request_id(struct record *r, const struct value_key *key)
{
    if (!r->has_request_id) {
        /* Fails only before the kernel's pool is ready, which then says so once: not here. */
        if (getrandom(r->request_id, sizeof(r->request_id), 0) != sizeof(r->request_id))
            return SPAN_NONE;
        r->has_request_id = true;
    }
    return value_hex(r, span_of((const char *)r->request_id, sizeof(r->request_id)));
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '/')
        return c == '+' ? 62 : 63;
    return -1;
}

/* Decodes up to the first ':'. The length of what is before it; -EINVAL without one. */
static int decode_user(struct span base64, char *out)
{
    unsigned bits = 0;
    unsigned bit_count = 0;
    int len = 0;

    for (size_t i = 0; i < base64.len; i++) {
        int value = base64_value(base64.data[i]);

        if (value < 0)
            return -EINVAL;
        bits = bits << 6 | (unsigned)value;
        bit_count += 6;
        if (bit_count < 8)
            continue;
        bit_count -= 8;
        out[len] = (char)(bits >> bit_count);
        if (out[len] == ':')
            return len;
        len++;
    }
    return -EINVAL;
}

/* RFC 7617 section 2. As in nginx also where nobody checks the password. */
static struct span remote_user(struct record *r, const struct value_key *key)
{
    const struct field *f = head_find(r->request, FIELD_AUTHORIZATION);
    struct span base64;
    char *user;
    int len;

    if (!f || !span_starts_with_nocase(f->value, SPAN("Basic ")))
        return SPAN_NONE;
    base64 = span_trim(span_skip(f->value, SPAN("Basic ").len));
    base64 = span_take(base64, size_min(base64.len, USER_BYTES_MAX));
    user = value_alloc(r, base64.len);
    len = user ? decode_user(base64, user) : -ENOMEM;
    return len > 0 ? span_of(user, (size_t)len) : SPAN_NONE;
}

static struct span proxy_add_x_forwarded_for(struct record *r, const struct value_key *key)
{
    struct span parts[2];

    parts[0] = value_fields(r, r->request, SPAN("x_forwarded_for"));
    parts[1] = remote_addr(r, key);
    return parts[0].len ? value_join(r, parts, 2, SPAN(", ")) : parts[1];
}

static struct span argument(struct record *r, const struct value_key *key)
{
    return value_argument(r->args, key->name);
}

static struct span cookie(struct record *r, const struct value_key *key)
{
    struct span value = SPAN_NONE;

    for (size_t i = 0; i < r->request->field_count && !value.data; i++) {
        if (r->request->fields[i].id == FIELD_COOKIE)
            value = value_cookie(r->request->fields[i].value, key->name);
    }
    return value;
}

static struct span http_field(struct record *r, const struct value_key *key)
{
    return value_fields(r, r->request, key->name);
}

/* ---- files ---- */

/* A root that names itself has no value: nginx refuses it. */
static struct span document_root(struct record *r, const struct value_key *key)
{
    const struct template *root = &r->location->settings.root;
    struct span path;

    for (size_t i = 0; i < root->part_count; i++) {
        if (root->parts[i].variable == VARIABLE_DOCUMENT_ROOT ||
            root->parts[i].variable == VARIABLE_REQUEST_FILENAME)
            return SPAN_NONE;
    }
    if (template_expand(root, variable_get, r, r->arena, &path) < 0) {
        r->lacks_memory = true;
        return SPAN_NONE;
    }
    return path;
}

static struct span request_filename(struct record *r, const struct value_key *key)
{
    struct span parts[2];

    parts[0] = document_root(r, key);
    parts[1] = r->uri;
    return value_join(r, parts, 2, SPAN(""));
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

/* ---- the table ---- */

#define OF(type, member) .offset = offsetof(struct type, member)
#define OF_CERTIFICATE(member) OF(tls_client_certificate, member)

static const struct row {
    value_fn get;
    size_t offset; /* for getters that serve several variables */
} rows[VARIABLE_CAPTURE] = {
    [VARIABLE_ARGS] = {record_span, OF(record, args)},
    [VARIABLE_BINARY_REMOTE_ADDR] = {binary_remote_addr},
    [VARIABLE_BODY_BYTES_SENT] = {record_u64, OF(record, sent_body_bytes)},
    [VARIABLE_BYTES_SENT] = {record_u64, OF(record, sent_bytes)},
    [VARIABLE_CONNECTION] = {client_u64, OF(client_facts, number)},
    [VARIABLE_CONNECTION_REQUESTS] = {client_u64, OF(client_facts, request_count)},
    [VARIABLE_CONNECTION_TIME] = {connection_time},
    [VARIABLE_CONTENT_LENGTH] = {request_field, FIELD_CONTENT_LENGTH},
    [VARIABLE_CONTENT_TYPE] = {request_field, FIELD_CONTENT_TYPE},
    [VARIABLE_DOCUMENT_ROOT] = {document_root},
    [VARIABLE_DOCUMENT_URI] = {record_span, OF(record, uri)},
    [VARIABLE_HOST] = {host},
    [VARIABLE_HOSTNAME] = {host_name},
    [VARIABLE_HTTPS] = {https},
    [VARIABLE_IS_ARGS] = {is_args},
    [VARIABLE_MSEC] = {msec},
    [VARIABLE_NGINX_VERSION] = {version},
    [VARIABLE_PID] = {pid},
    [VARIABLE_PIPE] = {pipelining},
    [VARIABLE_PROXY_ADD_X_FORWARDED_FOR] = {proxy_add_x_forwarded_for},
    [VARIABLE_PROXY_HOST] = {proxy_host},
    [VARIABLE_PROXY_PORT] = {proxy_port},
    [VARIABLE_QUERY_STRING] = {record_span, OF(record, args)},
    [VARIABLE_REMOTE_ADDR] = {remote_addr},
    [VARIABLE_REMOTE_PORT] = {remote_port},
    [VARIABLE_REMOTE_USER] = {remote_user},
    [VARIABLE_REQUEST] = {request_span, OF(head, request_line)},
    [VARIABLE_REQUEST_COMPLETION] = {request_completion},
    [VARIABLE_REQUEST_FILENAME] = {request_filename},
    [VARIABLE_REQUEST_ID] = {request_id},
    [VARIABLE_REQUEST_LENGTH] = {record_u64, OF(record, request_bytes)},
    [VARIABLE_REQUEST_METHOD] = {request_span, OF(head, method_text)},
    [VARIABLE_REQUEST_TIME] = {request_time},
    [VARIABLE_REQUEST_URI] = {request_span, OF(head, target)},
    [VARIABLE_SCHEME] = {scheme},
    [VARIABLE_SERVER_ADDR] = {server_addr},
    [VARIABLE_SERVER_NAME] = {server_name},
    [VARIABLE_SERVER_PORT] = {server_port},
    [VARIABLE_SERVER_PROTOCOL] = {server_protocol},
    [VARIABLE_SSL_ALPN_PROTOCOL] = {ssl_alpn_protocol},
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
    [VARIABLE_SSL_PROTOCOL] = {tls_value_protocol},
    [VARIABLE_SSL_SERVER_NAME] = {tls_value_server_name},
    [VARIABLE_SSL_SESSION_ID] = {tls_value_session_id},
    [VARIABLE_SSL_SESSION_REUSED] = {tls_value_session_reused},
    [VARIABLE_STATUS] = {status},
    [VARIABLE_TIME_ISO8601] = {time_iso8601},
    [VARIABLE_TIME_LOCAL] = {time_local},
    [VARIABLE_UPSTREAM_ADDR] = {upstream_value_address},
    [VARIABLE_UPSTREAM_BYTES_RECEIVED] = {upstream_value_u64, OF(try_record, bytes_received)},
    [VARIABLE_UPSTREAM_BYTES_SENT] = {upstream_value_u64, OF(try_record, bytes_sent)},
    [VARIABLE_UPSTREAM_CONNECT_TIME] = {upstream_value_seconds, OF(try_record, connect_us)},
    [VARIABLE_UPSTREAM_HEADER_TIME] = {upstream_value_seconds, OF(try_record, header_us)},
    [VARIABLE_UPSTREAM_LAST_SERVER_NAME] = {upstream_value_last_name},
    [VARIABLE_UPSTREAM_RESPONSE_LENGTH] = {upstream_value_u64, OF(try_record, response_length)},
    [VARIABLE_UPSTREAM_RESPONSE_TIME] = {upstream_value_seconds, OF(try_record, response_us)},
    [VARIABLE_UPSTREAM_SSL_CIPHER] = {upstream_value_text, OF(try_record, cipher)},
    [VARIABLE_UPSTREAM_SSL_PROTOCOL] = {upstream_value_text, OF(try_record, protocol)},
    [VARIABLE_UPSTREAM_SSL_SESSION_REUSED] = {upstream_value_session_reused},
    [VARIABLE_UPSTREAM_STATUS] = {upstream_value_status},
    [VARIABLE_URI] = {record_span, OF(record, uri)},
    [VARIABLE_ARG_] = {argument},
    [VARIABLE_COOKIE_] = {cookie},
    [VARIABLE_HTTP_] = {http_field},
    [VARIABLE_SENT_HTTP_] = {sent_field},
    [VARIABLE_UPSTREAM_HTTP_] = {upstream_field},
};

/* A named group of the location's regex, else of the server_name's, is a variable. */
static struct span named_group(const struct record *r, struct span name)
{
    const struct captures *both[] = {&r->captures, &r->server_captures};

    for (size_t i = 0; i < COUNT_OF(both); i++) {
        int group = both[i]->regex ? regex_group(both[i]->regex, name) : -1;

        if (group >= 0 && (size_t)group < both[i]->count)
            return both[i]->at[group];
    }
    return SPAN_NONE;
}

/* $1 to $9 are of the regex that matched last, which may be that of the server_name. */
static struct span capture(const struct record *r, const struct template_part *part)
{
    const struct captures *last = r->captures.regex ? &r->captures : &r->server_captures;

    if (!part->capture)
        return named_group(r, part->text);
    return part->capture < last->count ? last->at[part->capture] : SPAN_NONE;
}

struct span variable_get(void *source, const struct template_part *part)
{
    struct record *r = source;
    struct value_key key;

    if (part->variable == VARIABLE_CAPTURE)
        return capture(r, part);
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
