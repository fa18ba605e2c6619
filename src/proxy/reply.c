/* reply - answers that are made here: return, errors, redirects, static files. */
#include "proxy/reply.h"

#include <inttypes.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "core/time_text.h"
#include "http/escape.h"
#include "proxy/added_fields.h"
#include "proxy/own_url.h"
#include "proxy/page.h"
#include "proxy/static_file.h"
#include "proxy/value.h"
#include "proxy/variable.h"

/* nginx's own: the connection is closed. */
#define STATUS_CLOSE 444

static void on_read(struct op *op, const struct completion *c);

void reply_init(struct reply *p, struct task *owner)
{
    *p = (struct reply){.fd = -1, .owner = owner};
    op_init(&p->read_op, on_read);
}

static void close_file(struct reply *p)
{
    if (p->fd >= 0)
        (void)close(p->fd);
    p->fd = -1;
    p->left = 0;
}

/* Forgets an answer that was made before, but for where it redirected to: as nginx, which tells
 * that with an error_page for a redirect. */
static void begin(struct reply *p, unsigned status)
{
    assert(!p->is_head_written);
    close_file(p);
    p->plan = (struct response_plan){
        .status = status, .keeps_alive = p->plan.keeps_alive, .location = p->plan.location};
    p->body = SPAN_NONE;
    p->multipart = NULL;
    p->closes_without_answer = false;
}

static void plan_length(struct reply *p, const struct record *r, uint64_t length)
{
    p->plan.framing = r->request->method == METHOD_HEAD ? FRAMING_NONE : FRAMING_LENGTH;
    p->plan.content_length = length;
    p->plan.has_content_length = true;
}

/* ---- built-in pages ---- */

/* RFC 9110 section 15.5.6 wants it with 405. Which methods an upstream takes is not known here. */
static struct span allowed_methods(const struct record *r)
{
    if (r->location->proxy_pass.is_set)
        return SPAN("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    return SPAN("GET, HEAD");
}

int reply_from_status(struct reply *p, struct record *r, unsigned status)
{
    begin(p, page_status(status));
    p->is_last |= page_ends_connection(status);
    if (status == 405)
        p->plan.allow = allowed_methods(r);
    if (status == 205)
        plan_length(p, r, 0);
    if (!status_has_content(status))
        return 0;
    p->body = page_make(status, r->location->settings.server_tokens, r->arena);
    if (p->body.len)
        p->plan.content_type = SPAN("text/html");
    plan_length(p, r, p->body.len);
    return p->body.data ? 0 : -ENOMEM;
}

const struct error_page *reply_error_page(const struct record *r, unsigned status)
{
    const struct settings *s = &r->location->settings;

    for (size_t i = 0; i < s->error_page_count; i++) {
        if (s->error_pages[i].status == status)
            return &s->error_pages[i];
    }
    return NULL;
}

/* ---- redirects ---- */

int reply_redirect(struct reply *p, struct record *r, unsigned status, struct span to)
{
    struct span location = own_url(r, to);

    if (!location.data && to.len)
        return -ENOMEM;
    if (!field_value_is_valid(location)) {
        r->detail = SPAN("a redirect to what may not stand in a field");
        return reply_from_status(p, r, 500);
    }
    if (reply_from_status(p, r, status) < 0)
        return -ENOMEM;
    p->plan.location = location;
    return 0;
}

/* ---- return ---- */

static struct span media_type(const struct record *r)
{
    const struct settings *s = &r->location->settings;

    return static_media_type(&s->types, r->uri, s->default_type);
}

int reply_from_return(struct reply *p, struct record *r, const struct return_rule *rule)
{
    struct span text = SPAN_NONE;

    if (rule->status == STATUS_CLOSE) {
        begin(p, STATUS_CLOSE);
        p->closes_without_answer = true;
        return 0;
    }
    if (!r->status) /* else that of an error_page; $status is a variable in the text, too */
        r->status = rule->status;
    if (rule->has_text && record_expand(r, &rule->text, &text) < 0)
        return -ENOMEM;
    if (status_is_redirect(rule->status) && rule->has_text)
        return reply_redirect(p, r, rule->status, text);
    if (!status_has_content(rule->status) || status_is_redirect(rule->status) ||
        (rule->status >= 400 && !rule->has_text))
        return reply_from_status(p, r, rule->status);
    begin(p, rule->status);
    p->body = text;
    p->plan.content_type = media_type(r);
    plan_length(p, r, text.len);
    return 0;
}

/* ---- error pages ---- */

void reply_show_with(struct reply *p, const struct record *r, unsigned status)
{
    p->plan.status = status;
    if (status_has_content(status)) {
        if (p->plan.has_content_length)
            return;
        p->plan.content_type = media_type(r);
        plan_length(p, r, 0);
        return;
    }
    close_file(p);
    p->body = SPAN_NONE;
    p->plan.framing = FRAMING_NONE;
    p->plan.has_content_length = false;
    p->plan.content_type = SPAN_NONE;
}

/* ---- static files ---- */

/* A directory is found by its path with a slash behind it, and the arguments stay. */
static unsigned redirect_to_directory(struct reply *p, struct record *r)
{
    struct span path = path_escape(r->uri, r->arena);
    struct span to;

    if (!path.data)
        return 503;
    to = arena_printf(r->arena, "%.*s/%s%.*s", SPAN_ARG(path), r->args.len ? "?" : "",
                      SPAN_ARG(r->args));
    return to.data && reply_redirect(p, r, 301, to) == 0 ? p->plan.status : 503;
}

/* Etag and Last-Modified, which 304, 206 and 200 have in common. 0 or -ENOMEM. */
static int plan_validators(struct reply *p, struct record *r, const struct stat *st)
{
    char date[TIME_HTTP_BYTES];
    char etag[STATIC_ETAG_BYTES];

    p->plan.last_modified =
        arena_copy(r->arena, span_of(date, time_format_http(st->st_mtime, date)));
    if (!p->plan.last_modified.data)
        return -ENOMEM;
    if (!r->location->settings.etag)
        return 0;
    p->plan.etag = arena_copy(r->arena, span_of(etag, static_etag(st, etag)));
    return p->plan.etag.data ? 0 : -ENOMEM;
}

static enum static_verdict evaluate(struct record *r, struct span etag, int64_t modified_s)
{
    struct static_conditions c = {
        .if_match = value_fields(r, r->request, SPAN("if_match")),
        .if_none_match = value_fields(r, r->request, SPAN("if_none_match")),
        .if_modified_since = value_fields(r, r->request, SPAN("if_modified_since")),
        .if_unmodified_since = value_fields(r, r->request, SPAN("if_unmodified_since")),
        .since = (enum static_since)r->location->settings.if_modified_since,
    };

    return static_evaluate(&c, etag, modified_s);
}

/* RFC 9110 section 14.2: Range is defined for GET alone. A type that another answer gave leaves no
 * room for that of several parts. */
static struct byte_ranges ranges_of(struct record *r, const struct response_plan *plan,
                                    const struct stat *st)
{
    uint64_t count_max = r->location->settings.max_ranges;
    struct span range = value_fields(r, r->request, SPAN("range"));
    struct span if_range = value_fields(r, r->request, SPAN("if_range"));

    if (!range.data || r->request->method != METHOD_GET ||
        !static_range_is_wanted(if_range, plan->etag, st->st_mtime))
        return (struct byte_ranges){.kind = BYTES_WHOLE};
    return byte_ranges_parse(range, (uint64_t)st->st_size,
                             r->kept_count ? u64_min(count_max, 1) : count_max, r->arena);
}

/* Tells which part it is, or with NULL that there is none. 0, -ENOMEM. */
static int plan_content_range(struct reply *p, struct record *r, const struct byte_range *part,
                              uint64_t size)
{
    char text[CONTENT_RANGE_BYTES];

    p->plan.content_range = arena_copy(r->arena, span_of(text, content_range(part, size, text)));
    return p->plan.content_range.data ? 0 : -ENOMEM;
}

static unsigned refuse_range(struct reply *p, struct record *r, uint64_t size)
{
    if (reply_from_status(p, r, 416) < 0 || plan_content_range(p, r, NULL, size) < 0)
        return 503;
    return 416;
}

static unsigned plan_parts(struct reply *p, struct record *r, const struct byte_ranges *ranges,
                           uint64_t size)
{
    struct multipart *m = arena_zalloc(r->arena, sizeof(*m));

    if (!m)
        return 503;
    *m = (struct multipart){.ranges = *ranges, .size = size, .type = p->plan.content_type};
    /* Fails only before the kernel's pool is ready: then any number will do. */
    if (getrandom(&m->boundary, sizeof(m->boundary), 0) < 0)
        m->boundary = 0;
    p->plan.content_type = multipart_type(m, r->arena);
    p->multipart = m;
    plan_length(p, r, multipart_bytes(m));
    return p->plan.content_type.data ? 206 : 503;
}

static void plan_bytes(struct reply *p, struct record *r, uint64_t first, uint64_t bytes)
{
    p->offset = first;
    p->left = bytes;
    plan_length(p, r, bytes);
}

/* The file, or the parts of it that were asked for. */
static unsigned plan_content(struct reply *p, struct record *r, const struct stat *st)
{
    struct byte_ranges ranges = ranges_of(r, &p->plan, st);
    uint64_t size = (uint64_t)st->st_size;

    if (ranges.kind == BYTES_UNSATISFIABLE)
        return refuse_range(p, r, size);
    p->plan.content_type = media_type(r);
    p->plan.status = ranges.kind == BYTES_PARTS ? 206 : 200;
    p->plan.accepts_ranges = ranges.kind == BYTES_WHOLE && r->location->settings.max_ranges;
    if (ranges.kind == BYTES_WHOLE) {
        plan_bytes(p, r, 0, size);
        return 200;
    }
    if (ranges.count > 1)
        return plan_parts(p, r, &ranges, size);
    plan_bytes(p, r, ranges.parts[0].first, ranges.parts[0].last - ranges.parts[0].first + 1);
    return plan_content_range(p, r, &ranges.parts[0], size) < 0 ? 503 : 206;
}

/* Shown with another status than its own: all of it, whatever the request says. */
static unsigned plan_whole(struct reply *p, struct record *r, const struct stat *st)
{
    p->plan.last_modified = SPAN_NONE;
    p->plan.content_type = media_type(r);
    plan_bytes(p, r, 0, (uint64_t)st->st_size);
    return 200;
}

static unsigned answer_with_file(struct reply *p, struct record *r, const struct stat *st,
                                 bool is_whole)
{
    if (plan_validators(p, r, st) < 0)
        return 503;
    if (is_whole)
        return plan_whole(p, r, st);
    switch (evaluate(r, p->plan.etag, st->st_mtime)) {
    case STATIC_NOT_MODIFIED:
        p->plan.status = 304;
        return 304;
    case STATIC_PRECONDITION_FAILED:
        return reply_from_status(p, r, 412) < 0 ? 503 : 412;
    case STATIC_SEND:
        break;
    }
    return plan_content(p, r, st);
}

/* POST finds directories and what is missing, as in nginx; a file it does not. */
static bool may_look(enum method m)
{
    return m == METHOD_GET || m == METHOD_HEAD || m == METHOD_POST;
}

unsigned reply_from_file(struct reply *p, struct record *r, bool is_whole)
{
    struct file file;
    unsigned status;

    begin(p, 200);
    if (!may_look(r->request->method))
        return 405;
    status = file_open(r, &file);
    if (status == 301)
        return redirect_to_directory(p, r);
    if (status)
        return status;
    p->fd = file.fd;
    status = r->request->method == METHOD_POST ? 405 : answer_with_file(p, r, &file.stat, is_whole);
    if (status != 200 && status != 206)
        close_file(p);
    return status;
}

/* ---- sending ---- */

static void on_read(struct op *op, const struct completion *c)
{
    struct reply *p = container_of(op, struct reply, read_op);

    if (c->result > 0)
        p->chunk->end = (uint32_t)c->result;
    else
        p->read_error = c->result < 0 ? c->result : -ENODATA;
    loop_ready(p->loop, p->owner);
}

static void start_read(struct reply *p, uint64_t most)
{
    const struct iovec room = {
        .iov_base = p->chunk->bytes,
        .iov_len = (size_t)u64_min(u64_min(p->left, CHUNK_ROOM), most),
    };

    loop_read(p->loop, &p->read_op, p->fd, room, p->offset);
}

static void count_body(struct record *r, size_t bytes)
{
    r->sent_bytes += bytes;
    r->sent_body_bytes += bytes;
}

/* Framing of chunked content. 0, -ENOMEM. */
static int write_framing(struct record *r, struct span text)
{
    count_body(r, text.len);
    return conn_write(r->client->conn, text);
}

static int begin_piece(const struct reply *p, struct record *r, size_t bytes)
{
    char text[CHUNK_PREFIX_BYTES_MAX];
    struct writer w;

    if (p->plan.framing != FRAMING_CHUNKED)
        return 0;
    writer_init(&w, text, sizeof(text));
    writer_chunk_prefix(&w, bytes);
    return write_framing(r, span_of(w.data, w.len));
}

static int end_piece(const struct reply *p, struct record *r)
{
    return p->plan.framing == FRAMING_CHUNKED ? write_framing(r, SPAN("\r\n")) : 0;
}

static enum reply_result end_content(const struct reply *p, struct record *r)
{
    if (p->plan.framing != FRAMING_CHUNKED)
        return REPLY_DONE;
    if (write_framing(r, SPAN("0\r\n")) || added_trailers_write(r))
        return REPLY_FAILED;
    count_body(r, r->sent_trailers.len);
    return write_framing(r, SPAN("\r\n")) ? REPLY_FAILED : REPLY_DONE;
}

/* What was read goes to the client's output, which takes over the chunk. 0, -ENOMEM. */
static int send_chunk(struct reply *p, struct record *r)
{
    size_t bytes = chunk_unread(p->chunk).len;

    if (begin_piece(p, r, bytes))
        return -ENOMEM;
    p->offset += bytes;
    p->left -= bytes;
    conn_write_chunk(r->client->conn, p->chunk);
    p->chunk = NULL;
    count_body(r, bytes);
    return end_piece(p, r);
}

/* What is in front of the next part, or behind the last one. 0, -ENOMEM. */
static int begin_part(struct reply *p, struct record *r)
{
    struct multipart *m = p->multipart;
    char *head = r->engine->head_buffer;
    size_t len = multipart_head(m, m->next, head, WRITTEN_HEAD_BYTES_MAX);

    if (m->next < m->ranges.count) {
        p->offset = m->ranges.parts[m->next].first;
        p->left = m->ranges.parts[m->next].last - p->offset + 1;
    }
    m->next++;
    if (begin_piece(p, r, len) || conn_write(r->client->conn, span_of(head, len)))
        return -ENOMEM;
    count_body(r, len);
    return end_piece(p, r);
}

static enum reply_result fail_read(struct reply *p, struct record *r)
{
    r->detail =
        arena_printf(r->arena, "read() of a file failed at %" PRIu64 " (%s)", p->offset,
                     p->read_error == -ENODATA ? "it became shorter" : strerror(-p->read_error));
    return REPLY_FAILED;
}

/* How much of the body may go now; 0: none before pace.resume_ms. */
static uint64_t allowance(struct reply *p, const struct record *r)
{
    if (!p->pace)
        return UINT64_MAX;
    return pace_allowance(p->pace, r->sent_body_bytes, loop_now_ms(r->engine->loop));
}

static enum reply_result send_file(struct reply *p, struct record *r)
{
    uint64_t most;

    if (p->read_op.is_in_flight)
        return REPLY_WAITS;
    if (p->read_error)
        return fail_read(p, r);
    if (p->chunk && send_chunk(p, r))
        return REPLY_FAILED;
    if (!p->left && p->multipart && p->multipart->next <= p->multipart->ranges.count &&
        begin_part(p, r))
        return REPLY_FAILED;
    if (!p->left)
        return end_content(p, r);
    if (!conn_has_room(r->client->conn))
        return REPLY_WAITS;
    most = allowance(p, r);
    if (!most)
        return REPLY_WAITS;
    p->chunk = chunk_take(r->client->conn->chunks);
    if (!p->chunk)
        return REPLY_FAILED;
    p->loop = r->engine->loop;
    start_read(p, most);
    return REPLY_WAITS;
}

static enum reply_result send_text(struct reply *p, struct record *r)
{
    while (p->body.len) {
        struct span part = span_take(p->body, (size_t)u64_min(allowance(p, r), p->body.len));

        if (!part.len)
            return REPLY_WAITS;
        if (begin_piece(p, r, part.len) || conn_write(r->client->conn, part) || end_piece(p, r))
            return REPLY_FAILED;
        count_body(r, part.len);
        p->body = span_skip(p->body, part.len);
    }
    return end_content(p, r);
}

static enum reply_result send_body(struct reply *p, struct record *r)
{
    if (p->plan.framing == FRAMING_NONE)
        return REPLY_DONE;
    return p->fd >= 0 ? send_file(p, r) : send_text(p, r);
}

enum reply_result reply_run(struct reply *p, struct record *r)
{
    enum reply_result result;

    if (p->closes_without_answer)
        return REPLY_FAILED;
    if (!p->is_head_written && p->plan.framing == FRAMING_LENGTH &&
        added_trailers_are_wanted(r, p->plan.status))
        p->plan.framing = FRAMING_CHUNKED;
    if (!p->is_head_written && heads_write_response(r, &p->plan) < 0)
        return REPLY_FAILED;
    p->is_head_written = true;
    result = send_body(p, r);
    r->has_replied = result == REPLY_DONE;
    return result;
}

bool reply_is_busy(const struct reply *p)
{
    return p->read_op.is_in_flight;
}

void reply_deinit(struct reply *p, struct record *r)
{
    op_assert_idle(&p->read_op);
    if (p->chunk)
        chunk_give(r->client->conn->chunks, p->chunk);
    p->chunk = NULL;
    close_file(p);
}
