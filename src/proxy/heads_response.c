/* heads_response - the response head for the client. */
#include "proxy/heads_response.h"

#include "proxy/added_fields.h"
#include "proxy/field_rewrite.h"
#include "proxy/head_parts.h"
#include "proxy/request_log.h"

static bool is_hidden(const struct settings *s, const struct field *f)
{
    if (!name_filter_may_have(&s->proxy_hide_header_filter, f))
        return false;
    if (name_filter_knows(f->id))
        return true;
    for (size_t i = 0; i < s->proxy_hide_header_count; i++) {
        if (span_equals_nocase(s->proxy_hide_headers[i], f->name))
            return true;
    }
    return false;
}

/* A response head while it is written. */
struct response_draft {
    struct record *record;
    const struct settings *settings;
    struct writer writer;
    struct added_fields added;
    bool has_server, has_date; /* of the upstream */
};

#define BIT(id) (UINT64_C(1) << FIELD_##id)

/* Fields at which there is something to be looked at; the others only pass, or are hidden. */
static const uint64_t looked_at = BIT(CONTENT_LENGTH) | BIT(TRANSFER_ENCODING) | BIT(SERVER) |
                                  BIT(DATE) | BIT(LOCATION) | BIT(REFRESH) | BIT(SET_COOKIE);

static void say_left_out(struct record *r, const char *whose)
{
    request_log(r, LOG_LEVEL_ERROR, "a value of \"%s\" with control bytes was left out", whose);
}

static int write_by_rules(struct response_draft *d, const struct field *f)
{
    struct span value = f->value;
    int rc = field_rewrite(d->record, f->id, &value);

    if (rc < 0)
        return rc;
    writer_field(&d->writer, f->name, value);
    if (d->writer.refused_count)
        say_left_out(d->record, f->id == FIELD_SET_COOKIE ? "proxy_cookie_*" : "proxy_redirect");
    d->writer.refused_count = 0;
    return 0;
}

static int write_looked_at(struct response_draft *d, const struct field *f)
{
    if (d->added.replaced & field_bit(f->id))
        return 0;
    switch (f->id) {
    case FIELD_SERVER:
        d->has_server = true;
        break;
    case FIELD_DATE:
        d->has_date = true;
        break;
    case FIELD_LOCATION:
    case FIELD_REFRESH:
    case FIELD_SET_COOKIE:
        if (d->settings->field_rules)
            return write_by_rules(d, f);
        break;
    default:
        return 0; /* framing is ours */
    }
    writer_parsed_field(&d->writer, f);
    return 0;
}

/* The upstream's fields that pass. 0; -ENOMEM; -ELOOP: a regex ran away. */
static int write_upstream_fields(struct response_draft *d, const struct head *upstream)
{
    uint64_t special = looked_at | d->added.replaced;

    for (size_t i = 0; i < upstream->field_count; i++) {
        const struct field *f = &upstream->fields[i];
        int rc;

        if (f->is_dropped || is_hidden(d->settings, f))
            continue;
        if (!(special >> f->id & 1)) {
            writer_parsed_field(&d->writer, f);
            continue;
        }
        rc = write_looked_at(d, f);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static void write_unless_empty(struct writer *w, struct span name, struct span value)
{
    if (value.len)
        writer_field(w, name, value);
}

/* Of an answer that this one stands in for; NULL: none, or this one's own counts. */
static const struct field *kept_type(const struct record *r, const struct response_plan *plan)
{
    const struct field *last = NULL;

    if (plan->upstream ? head_find(plan->upstream, FIELD_CONTENT_TYPE) != NULL
                       : plan->status >= 300)
        return NULL;
    for (size_t i = 0; i < r->kept_count; i++) {
        if (r->kept_fields[i].id == FIELD_CONTENT_TYPE)
            last = &r->kept_fields[i];
    }
    return last;
}

static void write_kept_fields(struct response_draft *d, const struct response_plan *plan)
{
    const struct record *r = d->record;
    const struct field *type = kept_type(r, plan);

    for (size_t i = 0; i < r->kept_count; i++) {
        const struct field *f = &r->kept_fields[i];

        if (d->added.replaced & field_bit(f->id))
            continue;
        if (f->id == FIELD_CONTENT_TYPE ? f == type
                                        : f->id != FIELD_ACCEPT_RANGES || !plan->accepts_ranges)
            writer_field(&d->writer, f->name, f->value);
    }
    if (d->writer.refused_count)
        say_left_out(d->record, "proxy_cookie_*");
    d->writer.refused_count = 0;
}

/* Fields of an answer of ours. */
static void write_own_fields(struct response_draft *d, const struct response_plan *plan)
{
    const struct record *r = d->record;
    struct writer *w = &d->writer;
    uint64_t replaced = d->added.replaced;

    if (!r->kept_count || !kept_type(r, plan))
        write_unless_empty(w, SPAN("Content-Type"), plan->content_type);
    if (!(replaced & BIT(LAST_MODIFIED)))
        write_unless_empty(w, SPAN("Last-Modified"), plan->last_modified);
    write_unless_empty(w, SPAN("Location"), plan->location);
    if (!(replaced & BIT(ETAG)))
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
    if (!upstream || !r->passes_trailers)
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

/* The text of Last-Modified, whoever wrote it; or empty. */
static struct span last_modified_of(const struct response_plan *plan)
{
    const struct field *f;

    if (!plan->upstream)
        return plan->last_modified;
    f = head_find(plan->upstream, FIELD_LAST_MODIFIED);
    return f ? f->value : SPAN_NONE;
}

/* As in nginx: where the upstream's Server passes there is no other one. */
static bool says_own_server(const struct response_draft *d, const struct response_plan *plan)
{
    return !d->has_server && (!plan->upstream || (d->settings->proxy_hide_header_filter.ids &
                                                  field_bit(FIELD_SERVER)));
}

static int choose_added(struct response_draft *d, const struct response_plan *plan)
{
    return added_fields_choose(d->record, plan->status,
                               d->settings->expires ? last_modified_of(plan) : SPAN_NONE,
                               &d->added);
}

/* All but what the configuration adds. 0; -ENOMEM; -ELOOP. */
static int write_fields(struct response_draft *d, const struct response_plan *plan)
{
    struct record *r = d->record;
    struct writer *w = &d->writer;
    int rc = 0;

    writer_init(w, r->engine->head_buffer, WRITTEN_HEAD_BYTES_MAX);
    d->has_server = false;
    d->has_date = false;
    writer_status_line(w, plan->status, plan->reason);
    if (r->kept_count)
        write_kept_fields(d, plan);
    if (plan->upstream)
        rc = write_upstream_fields(d, plan->upstream);
    if (rc < 0)
        return rc;
    if (says_own_server(d, plan))
        write_server(w, d->settings);
    if (!d->has_date)
        writer_field(w, SPAN("Date"), time_cache_http(engine_times(r->engine)));
    write_own_fields(d, plan);
    writer_span(w, r->challenges);
    write_response_framing(w, r, plan);
    write_response_connection(w, r, plan);
    return 0;
}

/* As nginx: "expires" with variables may go by fields of the answer, $sent_http_content_type above
 * all. What it takes the place of is known when they were written once. */
static int write_again(struct response_draft *d, const struct response_plan *plan)
{
    int rc = added_fields_look_back(d->record, &d->writer);

    if (!rc)
        rc = choose_added(d, plan);
    return !rc && d->added.replaced ? write_fields(d, plan) : rc;
}

/* With what expires and add_header say. */
static int write_with_added(struct response_draft *d, const struct response_plan *plan)
{
    const struct expires_rule *expires = d->settings->expires;
    bool looks_back = expires && expires->value.text.data;
    int rc = looks_back ? 0 : choose_added(d, plan);

    if (!rc)
        rc = write_fields(d, plan);
    if (!rc && looks_back)
        rc = write_again(d, plan);
    return rc ? rc : added_fields_write(d->record, plan->status, &d->added, &d->writer);
}

static int write_response(struct response_draft *d, const struct response_plan *plan)
{
    bool has_added = d->settings->expires || d->settings->add_header_count;
    int rc = has_added ? write_with_added(d, plan) : write_fields(d, plan);

    writer_end_of_head(&d->writer);
    return rc;
}

static void begin_draft(struct response_draft *d, struct record *r)
{
    d->record = r;
    d->settings = &r->location->settings;
    d->added.replaced = 0;
    writer_init(&d->writer, r->engine->head_buffer, WRITTEN_HEAD_BYTES_MAX);
}

int heads_write_response(struct record *r, const struct response_plan *plan)
{
    struct response_draft d;
    int result;

    begin_draft(&d, r);
    /* $status and $sent_http_* in add_header are of this response. */
    r->status = plan->status;
    result = write_response(&d, plan);
    if (!result)
        result = head_send(r->client->conn, &d.writer);
    if (result < 0)
        return result;
    r->sent_head = arena_copy(r->arena, span_of(d.writer.data, d.writer.len));
    r->sent_bytes += d.writer.len;
    return 0;
}

int heads_write_interim(struct record *r, const struct head *upstream)
{
    struct response_draft d;
    int result;

    begin_draft(&d, r);
    writer_status_line(&d.writer, upstream->status, upstream->reason);
    result = write_upstream_fields(&d, upstream);
    writer_end_of_head(&d.writer);
    if (!result)
        result = head_send(r->client->conn, &d.writer);
    if (result == 0)
        r->sent_bytes += d.writer.len;
    return result;
}
