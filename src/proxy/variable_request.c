/* variable_request - the values of variables about the request. */
#include "proxy/variable_request.h"

#include <sys/random.h>

#include "http/credentials.h"
#include "proxy/variable_client.h"

#define US_PER_MS 1000

/* ---- the request ---- */

struct span request_value_span(struct record *r, const struct value_key *key)
{
    struct span s = *(const struct span *)((const char *)r->request + key->offset);

    return s.len ? s : SPAN_NONE;
}

/* The offset is the identifier of a field. */
struct span request_value_field(struct record *r, const struct value_key *key)
{
    const struct field *f = head_find(r->request, (enum field_id)key->offset);

    return f ? f->value : SPAN_NONE;
}

/* Of a chunked body it is known once that was taken in. */
struct span request_value_content_length(struct record *r, const struct value_key *key)
{
    struct span field = request_value_field(r, key);

    if (field.data || !r->request->has_content_length)
        return field;
    return value_u64(r, r->request->content_length);
}

struct span request_value_is_args(struct record *r, const struct value_key *key)
{
    return r->args.len ? SPAN("?") : SPAN("");
}

struct span request_value_host(struct record *r, const struct value_key *key)
{
    return r->request->host.len ? r->request->host : r->server->name;
}

/* As it stands behind the host. */
struct span request_value_port(struct record *r, const struct value_key *key)
{
    struct span host, port;

    return address_split(r->request->authority, &host, &port) == 0 && port.len ? port : SPAN("");
}

struct span request_value_is_port(struct record *r, const struct value_key *key)
{
    return request_value_port(r, key).len ? SPAN(":") : SPAN("");
}

struct span request_value_server_name(struct record *r, const struct value_key *key)
{
    return r->server->name.len ? r->server->name : SPAN("");
}

struct span request_value_server_protocol(struct record *r, const struct value_key *key)
{
    struct span line = r->request->request_line;
    size_t space = span_last_index_of(line, ' ');
    struct span last = span_skip(line, size_min(space + 1, line.len));

    return span_starts_with(last, SPAN("HTTP/")) ? last : SPAN_NONE;
}

struct span request_value_request_time(struct record *r, const struct value_key *key)
{
    return value_seconds(r, (loop_turn_us(r->engine->loop) - r->began_us) / US_PER_MS);
}

/* 32 digits, the same each time it is asked for. */
struct span request_value_request_id(struct record *r, const struct value_key *key)
{
    if (!r->has_request_id) {
        /* Fails only before the kernel's pool is ready, which then says so once: not here. */
        if (getrandom(r->request_id, sizeof(r->request_id), 0) != sizeof(r->request_id))
            return SPAN_NONE;
        r->has_request_id = true;
    }
    return value_hex(r, span_of((const char *)r->request_id, sizeof(r->request_id)));
}

/* RFC 7617 section 2. As in nginx also where nobody checks the password. */
struct span request_value_remote_user(struct record *r, const struct value_key *key)
{
    struct span user, password;

    return credentials_read(r->request, r->arena, &user, &password) ? user : SPAN_NONE;
}

struct span request_value_proxy_add_x_forwarded_for(struct record *r, const struct value_key *key)
{
    struct span parts[2];

    parts[0] = value_fields(r, r->request, SPAN("x_forwarded_for"));
    parts[1] = client_value_remote_addr(r, key);
    return parts[0].len ? value_join(r, parts, 2, SPAN(", ")) : parts[1];
}

struct span request_value_argument(struct record *r, const struct value_key *key)
{
    return value_argument(r->args, key->name);
}

struct span request_value_cookie(struct record *r, const struct value_key *key)
{
    struct span value = SPAN_NONE;

    for (size_t i = 0; i < r->request->field_count && !value.data; i++) {
        if (r->request->fields[i].id == FIELD_COOKIE)
            value = value_cookie(r->request->fields[i].value, key->name);
    }
    return value;
}

struct span request_value_http_field(struct record *r, const struct value_key *key)
{
    return value_fields(r, r->request, key->name);
}
