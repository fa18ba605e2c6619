/* heads - the two heads that we write: the request to an upstream, the response to a client. */
#include "proxy/heads.h"

#include "proxy/variable.h"

/* Names that replace or hide a peer's fields. The mask has a bit per length, so that most fields
 * are let through after one look. */
struct name_filter {
    uint64_t lengths;
};

/* What one Connection field asks for. */
struct connection_options {
    bool closes, keeps_alive, upgrades;
};

/* A request head while it is written. */
struct request_draft {
    struct record *record;
    const struct settings *settings;
    struct writer writer;
    struct span upgrade; /* as proxy_set_header gives it */
    struct connection_options connection;
    bool has_host;
    bool hides_te; /* proxy_set_header TE "" */
};

static uint64_t length_bit(struct span name)
{
    return UINT64_C(1) << (name.len & 63);
}

static inline bool is_framing(enum field_id id)
{
    return id == FIELD_CONTENT_LENGTH || id == FIELD_TRANSFER_ENCODING;
}

static struct connection_options connection_options_of(struct span list)
{
    struct connection_options o = {0};
    struct span option;

    while (span_next_element(&list, &option)) {
        o.closes |= span_equals_nocase(option, SPAN("close"));
        o.keeps_alive |= span_equals_nocase(option, SPAN("keep-alive"));
        o.upgrades |= span_equals_nocase(option, SPAN("upgrade"));
    }
    return o;
}

/* Sends what was written. 0, -EMSGSIZE, -ENOMEM. */
static int send_head(struct conn *c, const struct writer *w)
{
    if (w->has_overflowed)
        return -EMSGSIZE;
    return conn_write(c, span_of(w->data, w->len));
}

/* ---- the request: its target ---- */

/* uri behind prefix, escaped, with the arguments. */
static int join_target(struct record *r, struct span prefix, struct span uri, struct span *target)
{
    struct span escaped = path_escape(uri, r->arena);
    struct writer w;
    char *data;

    if (!escaped.data && uri.len)
        return -ENOMEM;
    data = arena_alloc(r->arena, prefix.len + escaped.len + 1 + r->args.len);
    if (!data)
        return -ENOMEM;
    writer_init(&w, data, prefix.len + escaped.len + 1 + r->args.len);
    writer_span(&w, prefix);
    writer_span(&w, escaped);
    if (r->args.len) {
        writer_span(&w, SPAN("?"));
        writer_span(&w, r->args);
    }
    *target = span_of(w.data, w.len);
    return 0;
}

/* As nginx: without a URI part in proxy_pass an unchanged target goes on as it came; with one, it
 * replaces what the location's prefix matched. */
static int request_target(struct record *r, struct span *target)
{
    struct span prefix = r->location->pattern;

    if (!r->pass->has_uri && span_equals(r->uri, r->request->path) &&
        span_equals(r->args, r->request->query)) {
        *target = r->request->target;
        return 0;
    }
    if (!r->pass->has_uri || !span_starts_with(r->uri, prefix))
        return join_target(r, SPAN_NONE, r->uri, target);
    return join_target(r, r->pass->uri, span_skip(r->uri, prefix.len), target);
}

/* ---- the request: its fields ---- */

/* Notes what proxy_set_header says of fields that are ours to write. True: it was such a one. */
static bool takes_own_field(struct request_draft *d, enum field_id id, struct span value)
{
    switch (id) {
    case FIELD_CONNECTION:
        d->connection = connection_options_of(value);
        return true;
    case FIELD_UPGRADE:
        d->upgrade = value;
        return true;
    case FIELD_TE:
        d->hides_te = !value.len;
        return true;
    case FIELD_HOST:
        d->has_host |= value.len > 0;
        return false;
    default:
        return is_framing(id) || id == FIELD_EXPECT || id == FIELD_TRAILER;
    }
}

static int write_set_headers(struct request_draft *d)
{
    for (size_t i = 0; i < d->settings->proxy_set_header_count; i++) {
        const struct set_header *h = &d->settings->proxy_set_headers[i];
        struct span value;

        if (record_expand(d->record, &h->value, &value) < 0)
            return -ENOMEM;
        if (!takes_own_field(d, field_id_of(h->name), value) && value.len)
            writer_field(&d->writer, h->name, value);
    }
    return 0;
}

static struct name_filter set_header_filter(const struct settings *s)
{
    struct name_filter f = {0};

    for (size_t i = 0; i < s->proxy_set_header_count; i++)
        f.lengths |= length_bit(s->proxy_set_headers[i].name);
    return f;
}

static bool is_overridden(const struct settings *s, struct name_filter f, struct span name)
{
    if (!(f.lengths & length_bit(name)))
        return false;
    for (size_t i = 0; i < s->proxy_set_header_count; i++) {
        if (span_equals_nocase(s->proxy_set_headers[i].name, name))
            return true;
    }
    return false;
}

static void write_client_fields(struct request_draft *d)
{
    const struct head *request = d->record->request;
    struct name_filter filter = set_header_filter(d->settings);

    for (size_t i = 0; i < request->field_count; i++) {
        const struct field *f = &request->fields[i];

        if (f->is_dropped || is_framing(f->id) || f->id == FIELD_EXPECT ||
            is_overridden(d->settings, filter, f->name))
            continue;
        d->has_host |= f->id == FIELD_HOST;
        writer_parsed_field(&d->writer, f);
    }
}

static void write_request_framing(struct request_draft *d, enum framing framing)
{
    const struct head *request = d->record->request;
    bool is_empty = request->has_content_length && request->content_length == 0;

    if (framing == FRAMING_CHUNKED)
        writer_field(&d->writer, SPAN("Transfer-Encoding"), SPAN("chunked"));
    else if (framing == FRAMING_LENGTH)
        writer_field_u64(&d->writer, SPAN("Content-Length"), request->content_length);
    else if (is_empty)
        writer_field(&d->writer, SPAN("Content-Length"), SPAN("0"));
    if (d->record->asked_to_continue)
        writer_field(&d->writer, SPAN("Expect"), SPAN("100-continue"));
}

/* Connection, with all that it names. HTTP/1.1 that goes on needs none. */
static void write_request_connection(struct request_draft *d, bool has_te)
{
    struct writer *w = &d->writer;
    struct span options[3];
    size_t count = 0;

    if (d->record->asked_for_upgrade)
        options[count++] = SPAN("upgrade");
    if (has_te)
        options[count++] = SPAN("TE");
    if (d->record->asked_to_close)
        options[count++] = SPAN("close");
    else if (d->settings->proxy_http_version_minor == 0)
        options[count++] = SPAN("keep-alive");
    if (!count)
        return;
    writer_span(w, SPAN("Connection: "));
    for (size_t i = 0; i < count; i++) {
        if (i)
            writer_span(w, SPAN(", "));
        writer_span(w, options[i]);
    }
    writer_span(w, SPAN("\r\n"));
    if (d->record->asked_for_upgrade)
        writer_field(w, SPAN("Upgrade"), d->upgrade);
    if (has_te)
        writer_field(w, SPAN("TE"), SPAN("trailers"));
}

/* What of the hop to the upstream is asked for: by the client, as far as the file allows it. */
static void decide_hop(struct request_draft *d, enum framing framing)
{
    struct record *r = d->record;
    bool is_1_1 = d->settings->proxy_http_version_minor > 0;

    r->asked_for_upgrade =
        is_1_1 && d->connection.upgrades && d->upgrade.len && r->request->upgrade.len;
    r->asked_to_close = d->connection.closes || (!is_1_1 && !d->connection.keeps_alive);
    r->asked_to_continue = is_1_1 && r->request->expects_continue && framing != FRAMING_NONE;
}

/* RFC 9112 section 3.2: HTTP/1.1 has a Host in any case. */
static void write_missing_host(struct request_draft *d)
{
    if (!d->has_host && d->settings->proxy_http_version_minor > 0)
        writer_field(&d->writer, SPAN("Host"), d->record->pass->host);
}

int heads_write_request(struct record *r, struct conn *upstream, enum framing framing)
{
    const struct settings *s = &r->location->settings;
    struct request_draft d = {.record = r, .settings = s};
    struct span target;

    if (framing == FRAMING_CHUNKED && s->proxy_http_version_minor == 0)
        return -EINVAL;
    if (request_target(r, &target) < 0)
        return -ENOMEM;
    writer_init(&d.writer, r->engine->head_buffer, WRITTEN_HEAD_BYTES_MAX);
    writer_request_line(&d.writer, r->request->method_text, target, s->proxy_http_version_minor);
    if (d.writer.has_overflowed)
        return -EINVAL;
    if (write_set_headers(&d) < 0)
        return -ENOMEM;
    write_client_fields(&d);
    write_missing_host(&d);
    decide_hop(&d, framing);
    write_request_framing(&d, framing);
    write_request_connection(&d, r->request->accepts_trailers && !d.hides_te &&
                                     s->proxy_http_version_minor > 0);
    writer_end_of_head(&d.writer);
    return d.writer.refused_count ? -EINVAL : send_head(upstream, &d.writer);
}

/* ---- the response ---- */

static struct name_filter hide_filter(const struct settings *s)
{
    struct name_filter f = {0};

    for (size_t i = 0; i < s->proxy_hide_header_count; i++)
        f.lengths |= length_bit(s->proxy_hide_headers[i]);
    return f;
}

static bool is_hidden(const struct settings *s, struct name_filter f, struct span name)
{
    if (!(f.lengths & length_bit(name)))
        return false;
    for (size_t i = 0; i < s->proxy_hide_header_count; i++) {
        if (span_equals_nocase(s->proxy_hide_headers[i], name))
            return true;
    }
    return false;
}

/* The upstream's fields that pass. Tells whether Server and Date were among them. */
static void write_upstream_fields(struct writer *w, const struct settings *s,
                                  const struct head *upstream, bool *has_server, bool *has_date)
{
    struct name_filter filter = hide_filter(s);

    for (size_t i = 0; i < upstream->field_count; i++) {
        const struct field *f = &upstream->fields[i];

        if (f->is_dropped || is_framing(f->id) || is_hidden(s, filter, f->name))
            continue;
        *has_server |= f->id == FIELD_SERVER;
        *has_date |= f->id == FIELD_DATE;
        writer_parsed_field(w, f);
    }
}

static void write_unless_empty(struct writer *w, struct span name, struct span value)
{
    if (value.len)
        writer_field(w, name, value);
}

/* Fields of an answer of ours. */
static void write_own_fields(struct writer *w, const struct response_plan *plan)
{
    write_unless_empty(w, SPAN("Content-Type"), plan->content_type);
    write_unless_empty(w, SPAN("Last-Modified"), plan->last_modified);
    write_unless_empty(w, SPAN("Location"), plan->location);
    write_unless_empty(w, SPAN("ETag"), plan->etag);
    write_unless_empty(w, SPAN("Content-Range"), plan->content_range);
    write_unless_empty(w, SPAN("Allow"), plan->allow);
    if (plan->accepts_ranges)
        writer_field(w, SPAN("Accept-Ranges"), SPAN("bytes"));
}

static void write_server(struct writer *w, const struct settings *s)
{
    writer_field(w, SPAN("Server"),
                 s->server_tokens ? SPAN("ringway/" RINGWAY_VERSION) : SPAN("ringway"));
}

static void write_upstream_trailer_names(struct writer *w, const struct record *r,
                                         const struct head *upstream)
{
    if (!upstream || !r->request->accepts_trailers)
        return;
    for (size_t i = 0; i < upstream->field_count; i++) {
        const struct field *f = &upstream->fields[i];

        if (f->id == FIELD_TRAILER)
            writer_field(w, SPAN("Trailer"), f->value);
    }
}

static void write_response_framing(struct writer *w, const struct record *r,
                                   const struct response_plan *plan)
{
    if (plan->framing == FRAMING_CHUNKED) {
        assert(r->request->version_minor > 0);
        writer_field(w, SPAN("Transfer-Encoding"), SPAN("chunked"));
        write_upstream_trailer_names(w, r, plan->upstream);
        return;
    }
    /* RFC 9110 section 8.6: never in 1xx and 204. */
    if (plan->status < 200 || plan->status == 204)
        return;
    if (plan->framing == FRAMING_LENGTH ||
        (plan->framing == FRAMING_NONE && plan->has_content_length))
        writer_field_u64(w, SPAN("Content-Length"), plan->content_length);
}

static void write_keep_alive(struct writer *w, const struct settings *s)
{
    if (!s->keepalive_header_s)
        return;
    writer_span(w, SPAN("Keep-Alive: timeout="));
    writer_u64(w, s->keepalive_header_s);
    writer_span(w, SPAN("\r\n"));
}

static void write_response_connection(struct writer *w, const struct record *r,
                                      const struct response_plan *plan)
{
    if (plan->framing == FRAMING_TUNNEL) {
        writer_field(w, SPAN("Connection"), SPAN("upgrade"));
        if (plan->upstream)
            write_unless_empty(w, SPAN("Upgrade"), plan->upstream->upgrade);
        return;
    }
    if (!plan->keeps_alive) {
        writer_field(w, SPAN("Connection"), SPAN("close"));
        return;
    }
    if (r->request->version_minor == 0)
        writer_field(w, SPAN("Connection"), SPAN("keep-alive"));
    write_keep_alive(w, &r->location->settings);
}

/* Statuses for which add_header needs no "always", as in nginx. */
static bool is_added_to(unsigned status)
{
    switch (status) {
    case 200:
    case 201:
    case 204:
    case 206:
    case 301:
    case 302:
    case 303:
    case 304:
    case 307:
    case 308:
        return true;
    default:
        return false;
    }
}

/* Fields that only the hop itself decides about. */
static bool is_of_the_hop(enum field_id id)
{
    return is_framing(id) || (field_flags(id) & FIELD_HOP_BY_HOP);
}

/* A value that may not be written is left out by the writer, and said so in the error log. */
static int write_added(struct writer *w, struct record *r, unsigned status)
{
    const struct settings *s = &r->location->settings;
    unsigned refused_count = w->refused_count;

    for (size_t i = 0; i < s->add_header_count; i++) {
        const struct add_header *h = &s->add_headers[i];
        struct span value;

        if ((!h->is_always && !is_added_to(status)) || is_of_the_hop(field_id_of(h->name)))
            continue;
        if (record_expand(r, &h->value, &value) < 0)
            return -ENOMEM;
        write_unless_empty(w, h->name, value);
    }
    if (w->refused_count != refused_count)
        log_write(&s->error_log, LOG_LEVEL_ERROR,
                  "a value of \"add_header\" with control bytes was left out");
    return 0;
}

static int write_response(struct writer *w, struct record *r, const struct response_plan *plan)
{
    const struct settings *s = &r->location->settings;
    bool has_server = false;
    bool has_date = false;

    writer_status_line(w, plan->status, plan->reason);
    if (plan->upstream)
        write_upstream_fields(w, s, plan->upstream, &has_server, &has_date);
    if (!has_server)
        write_server(w, s);
    if (!has_date)
        writer_field(w, SPAN("Date"), time_cache_http(engine_times(r->engine)));
    write_own_fields(w, plan);
    write_response_framing(w, r, plan);
    write_response_connection(w, r, plan);
    if (write_added(w, r, plan->status) < 0)
        return -ENOMEM;
    writer_end_of_head(w);
    return 0;
}

int heads_write_response(struct record *r, const struct response_plan *plan)
{
    struct writer w;
    int result;

    /* $status and $sent_http_* in add_header are of this response. */
    r->status = plan->status;
    writer_init(&w, r->engine->head_buffer, WRITTEN_HEAD_BYTES_MAX);
    if (write_response(&w, r, plan) < 0)
        return -ENOMEM;
    result = send_head(r->client->conn, &w);
    if (result < 0)
        return result;
    r->sent_head = arena_copy(r->arena, span_of(w.data, w.len));
    r->sent_bytes += w.len;
    return 0;
}

int heads_write_interim(struct record *r, const struct head *upstream)
{
    bool has_server = false;
    bool has_date = false;
    struct writer w;
    int result;

    writer_init(&w, r->engine->head_buffer, WRITTEN_HEAD_BYTES_MAX);
    writer_status_line(&w, upstream->status, upstream->reason);
    write_upstream_fields(&w, &r->location->settings, upstream, &has_server, &has_date);
    writer_end_of_head(&w);
    result = send_head(r->client->conn, &w);
    if (result == 0)
        r->sent_bytes += w.len;
    return result;
}
