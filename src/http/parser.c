/* parser - bytes to messages, as events that we pull.
 *
 * A head is gathered whole (http/section holds its lines to RFC 9112 section 2.2), its start line
 * is read here, its fields by llhttp in one go. llhttp does not see the start line as it came but
 * one of ours: it knows a fixed list of methods and versions, and lets through spaces that section
 * 3 does not. Bodies do not pass through llhttp: http/chunked says why.
 *
 * For heads every lenient flag of llhttp is off, as llhttp_init() leaves them. */
#include "http/parser.h"

#include <llhttp.h>

#include "http/bytes.h"
#include "http/target.h"

/* RFC 9112 section 2.2 asks for "at least one"; some old clients send one after a body. */
#define BLANK_LINES_MAX 4

enum phase {
    AT_START, /* before the first byte */
    IN_HEAD,
    IN_LENGTH,
    IN_CHUNKS,
    IN_TRAILERS,
    IN_STREAM, /* FRAMING_UNTIL_CLOSE and FRAMING_TUNNEL */
    AT_END,    /* complete, but that was not said yet */
    ENDED,
    FAILED,
};

static void begin(struct parser *p, const struct parser_limits *limits, struct arena *a)
{
    *p = (struct parser){.limits = limits, .arena = a, .phase = AT_START};
    section_init(&p->section, true);
}

void parser_begin_request(struct parser *p, const struct parser_limits *limits, struct arena *a)
{
    begin(p, limits, a);
    p->is_request = true;
}

void parser_begin_response(struct parser *p, const struct parser_limits *limits, struct arena *a,
                           struct parser_request_facts answers)
{
    begin(p, limits, a);
    p->answers = answers;
}

static enum parser_event fail(struct parser *p, struct flaw flaw)
{
    p->phase = FAILED;
    p->error = flaw.error;
    p->reason = flaw.reason;
    return PARSER_ERROR;
}

/* --- start line ----------------------------------------------------------------------------- */

/* "HTTP/" DIGIT "." DIGIT, RFC 9112 section 2.3. A minor version above 1 is read as 1: section
 * 2.5 of RFC 9110 promises that it can be. */
static struct flaw read_version(struct head *h, struct span text)
{
    unsigned major;
    unsigned minor;

    if (text.len != 8 || !span_starts_with(text, SPAN("HTTP/")) || text.data[6] != '.')
        return bad_syntax("malformed HTTP version");
    major = (unsigned)(unsigned char)text.data[5] - '0';
    minor = (unsigned)(unsigned char)text.data[7] - '0';
    if (major > 9 || minor > 9)
        return bad_syntax("malformed HTTP version");
    if (major == 0)
        return bad_syntax("HTTP/0.9");
    if (major != 1)
        return flaw_of(PARSER_VERSION_UNKNOWN, "major HTTP version other than 1");
    h->version_minor = minor > 0;
    return FLAW_NONE;
}

/* The bytes up to the next space, taken out of *rest together with it. */
static struct span take_word(struct span *rest)
{
    size_t end = span_index_of(*rest, ' ');
    struct span word = span_take(*rest, end);

    *rest = span_skip(*rest, size_min(end + 1, rest->len));
    return word;
}

static struct flaw read_request_line(struct parser *p, struct span line)
{
    struct head *h = &p->head;
    struct span rest = line;
    struct flaw flaw;

    h->request_line = line;
    h->method_text = take_word(&rest);
    h->method = method_of(h->method_text);
    h->target = take_word(&rest);
    if (h->method == METHOD_OTHER && !field_name_is_valid(h->method_text))
        return bad_syntax("method is no token");
    flaw = read_version(h, rest);
    if (flaw.error)
        return flaw;
    if (h->method == METHOD_CONNECT)
        return flaw_of(PARSER_METHOD_REFUSED, "CONNECT or TRACE");
    return target_split(h, p->arena, &p->scheme_port);
}

/* "HTTP/1.x NNN", perhaps with " reason", which may be empty. */
static struct flaw read_status_line(struct parser *p, struct span line)
{
    struct head *h = &p->head;
    struct span rest = line;
    struct flaw flaw = read_version(h, take_word(&rest));
    struct span digits = take_word(&rest);
    uint64_t status;

    if (flaw.error)
        return flaw;
    if (digits.len != 3 || span_to_u64(digits, &status) < 0 || status < 100)
        return bad_syntax("malformed status");
    h->status = (unsigned)status;
    h->reason = rest;
    return FLAW_NONE;
}

static struct flaw read_start_line(struct parser *p)
{
    struct span line = span_of(p->section.data, p->section.first_line_bytes);

    return p->is_request ? read_request_line(p, line) : read_status_line(p, line);
}

/* --- fields --------------------------------------------------------------------------------- */

struct fields_reader {
    struct field *fields;
    size_t count;
    size_t size;
    bool is_complete;
};

static int on_name(llhttp_t *machine, const char *at, size_t len)
{
    struct fields_reader *r = machine->data;

    if (r->count == r->size)
        return HPE_USER;
    r->fields[r->count++] = (struct field){.name = span_of(at, len)};
    return HPE_OK;
}

static int on_value(llhttp_t *machine, const char *at, size_t len)
{
    struct fields_reader *r = machine->data;
    struct field *f;

    /* A second piece would be a folded line. */
    if (!r->count || r->fields[r->count - 1].value.data)
        return HPE_USER;
    f = &r->fields[r->count - 1];
    f->value = span_trim(span_of(at, len));
    return HPE_OK;
}

static int on_complete(llhttp_t *machine)
{
    struct fields_reader *r = machine->data;

    r->is_complete = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_headers_complete = on_complete,
};

static bool was_read(const struct fields_reader *r, enum field_id id)
{
    for (size_t i = 0; i < r->count; i++) {
        if (field_id_of(r->fields[i].name) == id)
            return true;
    }
    return false;
}

/* llhttp stops at the field that contradicts one before. */
static struct flaw flaw_of_llhttp(llhttp_errno_t error, const struct fields_reader *r)
{
    switch (error) {
    case HPE_UNEXPECTED_CONTENT_LENGTH:
        return bad_syntax("repeated Content-Length");
    case HPE_INVALID_CONTENT_LENGTH:
        if (was_read(r, FIELD_TRANSFER_ENCODING))
            return bad_syntax("Content-Length with Transfer-Encoding");
        return bad_syntax("malformed Content-Length");
    case HPE_INVALID_TRANSFER_ENCODING:
        if (was_read(r, FIELD_CONTENT_LENGTH))
            return bad_syntax("Content-Length with Transfer-Encoding");
        return bad_syntax("Transfer-Encoding where chunked is not last, or repeats");
    default:
        return bad_syntax("malformed field line");
    }
}

/* Reads the complete section's fields into the arena. Its lines were counted before: a field more
 * or less than that would mean that two readers see two different heads. */
static struct flaw read_fields(struct parser *p, struct field **fields, size_t *count,
                               bool are_trailers)
{
    const struct section *s = &p->section;
    struct span start = p->is_request ? SPAN("PUT / HTTP/1.1\r\n") : SPAN("HTTP/1.1 200 OK\r\n");
    struct span lines = section_fields(s);
    struct fields_reader r = {.size = s->line_count - s->has_start_line};
    llhttp_t machine;
    llhttp_errno_t error;

    r.fields = arena_alloc(p->arena, r.size * sizeof(*r.fields));
    if (!r.fields)
        return FLAW_NO_MEMORY;
    llhttp_init(&machine, p->is_request ? HTTP_REQUEST : HTTP_RESPONSE, &settings);
    machine.data = &r;
    /* Framing fields mean nothing behind a body: they are dropped, not weighed against each other
     * (RFC 9110 section 6.5.1). */
    llhttp_set_lenient_chunked_length(&machine, are_trailers);
    error = llhttp_execute(&machine, start.data, start.len);
    assert(error == HPE_OK);
    error = llhttp_execute(&machine, lines.data, lines.len);
    if (error != HPE_PAUSED)
        return flaw_of_llhttp(error, &r);
    if (!r.is_complete || r.count != r.size)
        return bad_syntax("malformed field line");
    *fields = r.fields;
    *count = r.count;
    return fields_classify(r.fields, r.count, p->limits);
}

/* --- head ----------------------------------------------------------------------------------- */

static struct flaw finish_request(struct parser *p)
{
    struct head *h = &p->head;
    const struct field *host = NULL;
    struct flaw flaw = framing_of_request(h, p->limits, &host);
    int result;

    if (!flaw.error)
        flaw = target_find_host(h, host, p->scheme_port, p->arena);
    if (flaw.error)
        return flaw;
    if (h->method == METHOD_TRACE) /* whose target names a host, for logs */
        return flaw_of(PARSER_METHOD_REFUSED, "CONNECT or TRACE");
    h->path = h->raw_path;
    if (span_equals(h->path, SPAN("*")))
        return FLAW_NONE;
    result = path_normalize(h->raw_path, p->limits->slashes_are_merged, p->arena, &h->path);
    if (result == -ENOMEM)
        return FLAW_NO_MEMORY;
    return result ? bad_syntax("bad escape in the path, or .. above its root") : FLAW_NONE;
}

static struct flaw finish_head(struct parser *p)
{
    struct flaw flaw = read_fields(p, &p->head.fields, &p->head.field_count, false);

    p->head.head_bytes = p->section.len;
    if (flaw.error)
        return flaw;
    if (p->is_request)
        return finish_request(p);
    return framing_of_response(&p->head, p->limits, p->answers);
}

/* Gathers lines. The start line is judged when it is there: garbage gets its answer at once, and
 * a flaw in it comes before those of later lines in whatever pieces they arrive. Judged again at
 * the end, as the lines may have moved in memory. */
static struct flaw gather_head(struct parser *p, struct span *input)
{
    struct section *s = &p->section;
    bool had_start_line = s->line_count > 0;
    struct flaw flaw = section_add(s, p->limits, p->arena, input);
    struct flaw earlier;

    if (flaw.error == PARSER_NO_MEMORY)
        return flaw;
    if (s->line_count == 0) {
        if (s->is_complete)
            return bad_syntax("empty start line");
        if (flaw.error == PARSER_HEAD_TOO_LARGE && p->is_request)
            return flaw_of(PARSER_URI_TOO_LONG, "request line is too long");
        return flaw;
    }
    if (had_start_line && !s->is_complete)
        return flaw;
    earlier = read_start_line(p);
    return earlier.error ? earlier : flaw;
}

static enum phase phase_of_body(const struct head *h)
{
    switch (h->framing) {
    case FRAMING_NONE:
        return AT_END;
    case FRAMING_LENGTH:
        return h->content_length ? IN_LENGTH : AT_END;
    case FRAMING_CHUNKED:
        return IN_CHUNKS;
    case FRAMING_UNTIL_CLOSE:
    case FRAMING_TUNNEL:
        return IN_STREAM;
    }
    assert(!"a framing that is none");
    return FAILED;
}

static enum parser_event next_in_head(struct parser *p, struct span *input)
{
    struct flaw flaw = gather_head(p, input);

    if (!flaw.error && p->section.is_complete)
        flaw = finish_head(p);
    if (flaw.error)
        return fail(p, flaw);
    if (!p->section.is_complete)
        return PARSER_NEED_INPUT;
    p->phase = phase_of_body(&p->head);
    p->body_left = p->head.content_length;
    chunked_init(&p->chunked);
    return PARSER_HEAD;
}

/* Passes over blank lines before a request line; whatever else comes begins the head. */
static enum parser_event next_at_start(struct parser *p, struct span *input)
{
    while (p->is_request && input->len) {
        char c = input->data[0];

        if (p->blank_line_has_cr ? c != '\n' : c != '\r')
            break;
        *input = span_skip(*input, 1);
        p->blank_line_has_cr = c == '\r';
        if (c == '\n' && ++p->blank_line_count > BLANK_LINES_MAX)
            return fail(p, bad_syntax("too many blank lines before the request line"));
    }
    if (!input->len)
        return PARSER_NEED_INPUT;
    if (p->blank_line_has_cr)
        return fail(p, bad_syntax("bare CR before the request line"));
    p->phase = IN_HEAD;
    return next_in_head(p, input);
}

/* --- body ----------------------------------------------------------------------------------- */

static enum parser_event next_in_length(struct parser *p, struct span *input, struct span *body)
{
    *body = span_take(*input, (size_t)u64_min(input->len, p->body_left));
    *input = span_skip(*input, body->len);
    p->body_left -= body->len;
    if (!p->body_left)
        p->phase = AT_END;
    return PARSER_BODY;
}

static enum parser_event next_in_trailers(struct parser *p, struct span *input)
{
    struct flaw flaw = section_add(&p->section, p->limits, p->arena, input);

    if (!flaw.error && !p->section.is_complete)
        return PARSER_NEED_INPUT;
    if (!flaw.error && p->section.line_count)
        flaw = read_fields(p, &p->head.trailers, &p->head.trailer_count, true);
    if (flaw.error)
        return fail(p, flaw);
    trailers_filter(&p->head);
    p->phase = ENDED;
    return PARSER_END;
}

static enum parser_event next_in_chunks(struct parser *p, struct span *input, struct span *body)
{
    switch (chunked_next(&p->chunked, input, body)) {
    case CHUNKED_NEED_INPUT:
        return PARSER_NEED_INPUT;
    case CHUNKED_CONTENT:
        return PARSER_BODY;
    case CHUNKED_LAST:
        break;
    case CHUNKED_FLAW:
        return fail(p, bad_syntax(p->chunked.reason));
    }
    p->phase = IN_TRAILERS;
    section_init(&p->section, false);
    return input->len ? next_in_trailers(p, input) : PARSER_NEED_INPUT;
}

/* --- public --------------------------------------------------------------------------------- */

enum parser_event parser_next(struct parser *p, struct span *input, struct span *body)
{
    enum phase phase = p->phase;

    *body = SPAN_NONE;
    if (phase == AT_END)
        p->phase = ENDED;
    if (phase == AT_END || phase == ENDED)
        return PARSER_END;
    if (phase == FAILED)
        return PARSER_ERROR;
    if (!input->len)
        return PARSER_NEED_INPUT;
    switch (phase) {
    case AT_START:
        return next_at_start(p, input);
    case IN_HEAD:
        return next_in_head(p, input);
    case IN_LENGTH:
        return next_in_length(p, input, body);
    case IN_CHUNKS:
        return next_in_chunks(p, input, body);
    case IN_TRAILERS:
        return next_in_trailers(p, input);
    default:
        assert(phase == IN_STREAM);
        *body = *input;
        *input = span_skip(*input, input->len);
        return PARSER_BODY;
    }
}

enum parser_event parser_end_of_stream(struct parser *p)
{
    switch ((enum phase)p->phase) {
    case IN_STREAM:
    case AT_END:
    case ENDED:
        p->phase = ENDED;
        return PARSER_END;
    case FAILED:
        return PARSER_ERROR;
    default:
        return fail(p, flaw_of(PARSER_EARLY_END, "the stream ended inside of a message"));
    }
}

bool parser_is_at_start(const struct parser *p)
{
    return p->phase == AT_START;
}

bool parser_is_at_end(const struct parser *p)
{
    return p->phase == ENDED;
}
