/* heads_request - the request head for an upstream: its target, its fields, and what of the hop to
 * the upstream it asks for. */
#include "proxy/heads_request.h"

#include "http/escape.h"
#include "proxy/head_parts.h"
#include "proxy/variable.h"

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
    enum { TE_IS_THE_CLIENTS, TE_IS_HIDDEN, TE_IS_SET } te; /* as proxy_set_header says */
};

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

static bool lists_trailers(struct span list)
{
    struct span option;

    while (span_next_element(&list, &option)) {
        if (span_equals_nocase(option, SPAN("trailers")))
            return true;
    }
    return false;
}

/* ---- the target ---- */

/* As nginx: a path that came without an escape goes on as it was normalized. One that was
 * rewritten, or is of the file's making, is escaped wherever a target needs that. */
static bool is_plain(const struct record *r, struct span uri)
{
    struct span came = r->request->raw_path;

    if (r->is_rewritten || span_index_of(came, '%') < came.len)
        return false;
    for (size_t i = 0; i < uri.len; i++) {
        char c = uri.data[i];

        if (c <= 0x20 || c >= 0x7f || c == '#' || c == '?' || c == '%')
            return false;
    }
    return true;
}

/* uri behind prefix, escaped, with the arguments. */
static int join_target(struct record *r, struct span prefix, struct span uri, struct span *target)
{
    struct span escaped = is_plain(r, uri) ? uri : path_escape(uri, r->arena);
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

/* With a URI part in proxy_pass, it replaces what the location's prefix matched. */
static int make_target(struct record *r, struct span *target)
{
    struct span prefix = r->location->pattern;

    /* What variables made of it is all of it. */
    if (r->pass->has_uri && r->pass->url) {
        *target = r->pass->uri;
        return 0;
    }
    if (!r->pass->has_uri || r->keeps_uri || !span_starts_with(r->uri, prefix))
        return join_target(r, SPAN_NONE, r->uri, target);
    return join_target(r, r->pass->uri, span_skip(r->uri, prefix.len), target);
}

/* As nginx: without a URI part in proxy_pass a target that was not rewritten goes on as it came,
 * also where try_files chose a file. What the file puts into another one may be decoded, as $uri
 * is: then nginx's would be no request line, or two. */
static int request_target(struct record *r, struct span *target)
{
    if (!r->pass->has_uri && !r->is_rewritten) {
        *target = r->request->target;
        return 0;
    }
    if (make_target(r, target) < 0)
        return -ENOMEM;
    *target = target_escape(*target, r->arena);
    return target->data ? 0 : -ENOMEM;
}

/* ---- the fields ---- */

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
        d->te = lists_trailers(value) ? TE_IS_SET : TE_IS_HIDDEN;
        return true;
    case FIELD_HOST:
        d->has_host |= value.len > 0;
        return false;
    default:
        return field_is_framing(id) || id == FIELD_EXPECT || id == FIELD_TRAILER;
    }
}

static int write_set_headers(struct request_draft *d)
{
    for (size_t i = 0; i < d->settings->proxy_set_header_count; i++) {
        const struct set_header *h = &d->settings->proxy_set_headers[i];
        struct span value;

        if (record_expand(d->record, &h->value, &value) < 0)
            return -ENOMEM;
        if (!takes_own_field(d, h->id, value) && value.len)
            writer_field(&d->writer, h->name, value);
    }
    return 0;
}

static bool is_overridden(const struct settings *s, const struct field *f)
{
    if (!name_filter_may_have(&s->proxy_set_header_filter, f))
        return false;
    if (name_filter_knows(f->id))
        return true;
    for (size_t i = 0; i < s->proxy_set_header_count; i++) {
        if (span_equals_nocase(s->proxy_set_headers[i].name, f->name))
            return true;
    }
    return false;
}

static void write_client_fields(struct request_draft *d)
{
    const struct head *request = d->record->request;

    for (size_t i = 0; i < request->field_count; i++) {
        const struct field *f = &request->fields[i];

        if (f->is_dropped || field_is_framing(f->id) || f->id == FIELD_EXPECT ||
            is_overridden(d->settings, f))
            continue;
        d->has_host |= f->id == FIELD_HOST;
        writer_parsed_field(&d->writer, f);
    }
}

/* A body that nobody could take, for the location that answers in place of another: as nginx. */
static bool has_lost_body(const struct request_draft *d)
{
    const struct record *r = d->record;

    return r->request->framing != FRAMING_NONE && !d->settings->request_changes &&
           r->asked_method != METHOD_GET && r->asked_method != METHOD_HEAD;
}

static void write_request_framing(struct request_draft *d, enum framing framing)
{
    const struct head *request = d->record->request;
    bool is_empty =
        (request->has_content_length && request->content_length == 0) || has_lost_body(d);

    if (framing == FRAMING_CHUNKED)
        writer_field(&d->writer, SPAN("Transfer-Encoding"), SPAN("chunked"));
    else if (framing == FRAMING_LENGTH)
        writer_field_u64(&d->writer, SPAN("Content-Length"),
                         d->record->set_body.data ? d->record->set_body.len
                                                  : request->content_length);
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
    r->asked_to_continue =
        is_1_1 && r->request->expects_continue && framing != FRAMING_NONE && !r->set_body.data;
}

/* RFC 9112 section 3.2: HTTP/1.1 has a Host in any case. */
static void write_missing_host(struct request_draft *d)
{
    if (!d->has_host && d->settings->proxy_http_version_minor > 0)
        writer_field(&d->writer, SPAN("Host"), d->record->pass->host);
}

/* Of trailers that will not be passed on nothing is asked for, unless the file says so. */
static bool asks_for_trailers(const struct request_draft *d)
{
    if (!d->settings->proxy_http_version_minor || d->te == TE_IS_HIDDEN)
        return false;
    return d->te == TE_IS_SET ||
           (d->settings->proxy_pass_trailers && d->record->request->accepts_trailers);
}

/* ---- what of the request is another one ---- */

/* CONNECT would make a tunnel of a connection that others are to use. */
static int change_method(struct record *r, const struct template *t, struct span *method)
{
    struct span text;

    if (record_expand(r, t, &text) < 0)
        return -ENOMEM;
    if (!text.len)
        return 0;
    *method = text;
    r->asked_method = method_of(text);
    return r->asked_method == METHOD_CONNECT ? -EINVAL : 0;
}

static int change_request(struct record *r, const struct request_changes *changes,
                          struct span *method)
{
    int rc = changes->has_method ? change_method(r, &changes->method, method) : 0;

    if (rc || !changes->has_body)
        return rc;
    if (record_expand(r, &changes->body, &r->set_body) < 0)
        return -ENOMEM;
    if (!r->set_body.data)
        r->set_body = SPAN("");
    return 0;
}

/* ---- the head ---- */

static int write_fields(struct request_draft *d)
{
    const struct request_changes *changes = d->settings->request_changes;

    if (write_set_headers(d) < 0)
        return -ENOMEM;
    if (!changes || !changes->drops_fields)
        write_client_fields(d);
    write_missing_host(d);
    return 0;
}

static int write_head(struct request_draft *d, enum framing framing)
{
    struct record *r = d->record;
    const struct settings *s = d->settings;
    struct span method = record_method(r);
    struct span target;
    int rc = s->request_changes ? change_request(r, s->request_changes, &method) : 0;

    if (rc)
        return rc;
    if (request_target(r, &target) < 0)
        return -ENOMEM;
    /* RFC 9112 section 3.2: without its slash a rewritten one might be a target of another form. */
    if (r->is_rewritten && !span_starts_with(target, SPAN("/")))
        return -EINVAL;
    writer_init(&d->writer, r->engine->head_buffer, WRITTEN_HEAD_BYTES_MAX);
    writer_request_line(&d->writer, method, target, s->proxy_http_version_minor);
    if (d->writer.has_overflowed)
        return -EINVAL;
    if (write_fields(d) < 0)
        return -ENOMEM;
    decide_hop(d, framing);
    write_request_framing(d, framing);
    write_request_connection(d, asks_for_trailers(d));
    writer_end_of_head(&d->writer);
    return d->writer.refused_count ? -EINVAL : 0;
}

/* How many tries this location has made. */
static size_t own_tries(const struct record *r)
{
    size_t i = r->try_count;

    while (i && !r->tries[i - 1].is_first)
        i--;
    return i ? r->try_count - i + 1 : 0;
}

int heads_write_request(struct record *r, struct conn *upstream, enum framing framing)
{
    const struct settings *s = &r->location->settings;
    struct request_draft d = {.record = r, .settings = s};
    int rc;

    if (framing == FRAMING_CHUNKED && s->proxy_http_version_minor == 0)
        return -EINVAL;
    r->asked_method = r->request->method;
    r->set_body = SPAN_NONE;
    /* As nginx, which writes one head for all tries before the first of them: $upstream_addr. */
    r->untold_count = own_tries(r);
    r->try_count -= r->untold_count;
    rc = write_head(&d, framing);
    r->try_count += r->untold_count;
    r->untold_count = 0;
    return rc ? rc : head_send(upstream, &d.writer);
}
