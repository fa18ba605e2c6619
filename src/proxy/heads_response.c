/* heads_response - the response head for the client. */
#include "proxy/heads_response.h"

#include "proxy/head_parts.h"
#include "proxy/variable.h"

static struct name_filter hide_filter(const struct settings *s)
{
    struct name_filter f = {0};

    for (size_t i = 0; i < s->proxy_hide_header_count; i++)
        name_filter_add(&f, s->proxy_hide_headers[i]);
    return f;
}

static bool is_hidden(const struct settings *s, struct name_filter f, struct span name)
{
    if (!name_filter_may_have(f, name))
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

        if (f->is_dropped || field_is_framing(f->id) || is_hidden(s, filter, f->name))
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
    return field_is_framing(id) || (field_flags(id) & FIELD_HOP_BY_HOP);
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
    writer_span(w, r->challenges);
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
    result = head_send(r->client->conn, &w);
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
    result = head_send(r->client->conn, &w);
    if (result == 0)
        r->sent_bytes += w.len;
    return result;
}
