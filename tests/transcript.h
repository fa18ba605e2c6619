/* transcript - what a parser says of a stream of messages, as text that can be compared.
 *
 * The stream is handed over in pieces, each in memory of its own, so that a sanitizer sees a read
 * outside of it. Shared by the unit tests and the fuzzers: whatever the pieces, the text is the
 * same. */
#ifndef RINGWAY_TESTS_TRANSCRIPT_H
#define RINGWAY_TESTS_TRANSCRIPT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/parser.h"
#include "http/writer.h"

struct transcript {
    char *text;
    size_t len;
    size_t size;
    bool is_in_body;
    size_t arena_bytes; /* the most that one message took */
};

struct transcript_setup {
    struct parser_limits limits;
    bool is_request;
    struct parser_request_facts answers;
    size_t piece_bytes; /* 0: all at once; beyond 1: random sizes up to it */
    uint64_t seed;      /* of the sizes */
};

/* Small limits, so that tests reach them. */
#define TRANSCRIPT_LIMITS                                                                         \
    {                                                                                             \
        .head_bytes_max = 4096, .line_bytes_max = 1024, .field_count_max = 20,                    \
        .head_bytes_first = 64, .underscores_in_names = false, .invalid_names_are_ignored = true, \
        .slashes_are_merged = true,                                                               \
    }

static void transcript_bytes(struct transcript *t, struct span s)
{
    if (t->size - t->len < s.len + 1) {
        t->size = (t->len + s.len + 1) * 2;
        t->text = realloc(t->text, t->size);
        assert(t->text);
    }
    if (s.len)
        memcpy(t->text + t->len, s.data, s.len);
    t->len += s.len;
    t->text[t->len] = '\0';
}

static void transcript_pair(struct transcript *t, const char *name, struct span value)
{
    transcript_bytes(t, span_of_cstr(name));
    transcript_bytes(t, SPAN("="));
    transcript_bytes(t, value);
    transcript_bytes(t, SPAN("\n"));
}

static void transcript_number(struct transcript *t, const char *name, uint64_t value)
{
    char digits[32];
    int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);

    transcript_pair(t, name, span_of(digits, (size_t)len));
}

static void transcript_fields(struct transcript *t, const struct field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert(fields[i].is_dropped || field_name_is_valid(fields[i].name));
        assert(field_value_is_valid(fields[i].value));
        transcript_bytes(t, fields[i].is_dropped ? SPAN("- ") : SPAN("+ "));
        transcript_bytes(t, fields[i].name);
        transcript_pair(t, "", fields[i].value);
    }
}

static void transcript_head(struct transcript *t, const struct head *h)
{
    transcript_bytes(t, SPAN("HEAD\n"));
    transcript_pair(t, "line", h->request_line);
    transcript_pair(t, "method", h->method_text);
    transcript_pair(t, "target", h->target);
    transcript_pair(t, "raw_path", h->raw_path);
    transcript_pair(t, "path", h->path);
    transcript_pair(t, "query", h->query);
    transcript_pair(t, "authority", h->authority);
    transcript_pair(t, "host", h->host);
    transcript_number(t, "expects", h->expects_continue);
    transcript_number(t, "status", h->status);
    transcript_pair(t, "reason", h->reason);
    transcript_number(t, "version", h->version_minor);
    transcript_number(t, "framing", h->framing);
    transcript_number(t, "length", h->content_length);
    transcript_number(t, "persistent", h->is_persistent);
    transcript_pair(t, "upgrade", h->upgrade);
    transcript_number(t, "trailers", h->accepts_trailers);
    transcript_number(t, "bytes", h->head_bytes);
    transcript_fields(t, h->fields, h->field_count);
}

static void transcript_write(const struct head *h, bool is_request, struct writer *w)
{
    if (is_request) {
        writer_request_line(w, h->method_text, h->target, h->version_minor);
        if (h->authority.len)
            writer_field(w, SPAN("Host"), h->authority);
    } else {
        writer_status_line(w, h->status, h->reason);
    }
    for (size_t i = 0; i < h->field_count; i++) {
        if (!h->fields[i].is_dropped && !(is_request && h->fields[i].id == FIELD_HOST))
            writer_field(w, h->fields[i].name, h->fields[i].value);
    }
    writer_end_of_head(w);
    assert(!w->has_overflowed);
    assert(w->refused_count == 0);
}

/* A head that was taken says the same to the next reader once it is written anew. */
static void transcript_check_rewritten(const struct parser *p)
{
    static char buffer[3 * 4096];
    struct parser_limits limits = *p->limits;
    const struct head *h = &p->head;
    struct parser again;
    struct writer w;
    struct span input;
    struct span body;
    struct arena a;

    writer_init(&w, buffer, sizeof(buffer));
    transcript_write(h, p->is_request, &w);
    input = span_of(w.data, w.len);
    limits.head_bytes_max = sizeof(buffer);
    limits.line_bytes_max = sizeof(buffer);
    arena_init(&a, 4096, 0);
    if (p->is_request)
        parser_begin_request(&again, &limits, &a);
    else
        parser_begin_response(&again, &limits, &a, p->answers);
    assert(parser_next(&again, &input, &body) == PARSER_HEAD);
    assert(input.len == 0);
    assert(span_equals(again.head.method_text, h->method_text));
    assert(span_equals(again.head.target, h->target));
    assert(span_equals(again.head.path, h->path));
    assert(span_equals(again.head.host, h->host));
    assert(again.head.status == h->status);
    assert(again.head.framing == h->framing);
    assert(again.head.content_length == h->content_length);
    arena_deinit(&a);
}

static void transcript_event(struct transcript *t, const struct parser *p, enum parser_event event)
{
    if (event == PARSER_NEED_INPUT || event == PARSER_BODY)
        return;
    if (t->is_in_body)
        transcript_bytes(t, SPAN("\n"));
    t->is_in_body = false;
    if (event == PARSER_HEAD) {
        transcript_head(t, &p->head);
        transcript_check_rewritten(p);
    } else if (event == PARSER_END) {
        transcript_bytes(t, SPAN("END\n"));
        transcript_fields(t, p->head.trailers, p->head.trailer_count);
    } else {
        transcript_number(t, "ERROR", p->error);
        transcript_pair(t, "because", span_of_cstr(p->reason));
    }
}

static void transcript_begin(const struct transcript_setup *setup, struct parser *p,
                             struct arena *a)
{
    arena_reset(a);
    if (setup->is_request)
        parser_begin_request(p, &setup->limits, a);
    else
        parser_begin_response(p, &setup->limits, a, setup->answers);
}

/* True while the parser wants more than this piece. */
static bool transcript_piece(struct transcript *t, const struct transcript_setup *setup,
                             struct parser *p, struct span piece)
{
    struct span input = piece;
    enum parser_event event;
    struct span body;

    do {
        event = parser_next(p, &input, &body);
        assert(input.data + input.len == piece.data + piece.len);
        transcript_event(t, p, event);
        if (event == PARSER_BODY) {
            assert(body.len > 0);
            assert(body.data >= piece.data);
            assert(body.data + body.len <= input.data);
            if (!t->is_in_body)
                transcript_bytes(t, SPAN("BODY "));
            t->is_in_body = true;
            transcript_bytes(t, body);
        }
        t->arena_bytes = size_max(t->arena_bytes, p->arena->total_bytes);
        if (event == PARSER_END) {
            assert(parser_is_at_end(p));
            transcript_begin(setup, p, p->arena);
        }
    } while (event != PARSER_NEED_INPUT && event != PARSER_ERROR);
    assert(event == PARSER_ERROR || input.len == 0);
    return event == PARSER_NEED_INPUT;
}

static size_t transcript_piece_size(const struct transcript_setup *setup, uint64_t *seed,
                                    size_t left)
{
    if (!setup->piece_bytes)
        return left;
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return size_min(left, 1 + (size_t)(*seed >> 33) % setup->piece_bytes);
}

/* The text belongs to the caller, who frees t->text. */
static void transcript_of(struct transcript *t, const struct transcript_setup *setup,
                          struct span stream)
{
    uint64_t seed = setup->seed;
    bool is_hungry = true;
    struct parser p;
    struct arena a;

    *t = (struct transcript){0};
    arena_init(&a, 256, 0);
    transcript_begin(setup, &p, &a);
    while (stream.len && is_hungry) {
        size_t len = transcript_piece_size(setup, &seed, stream.len);
        char *piece = malloc(len);

        assert(piece);
        memcpy(piece, stream.data, len);
        is_hungry = transcript_piece(t, setup, &p, span_of(piece, len));
        free(piece);
        stream = span_skip(stream, len);
    }
    if (is_hungry && !parser_is_at_start(&p))
        transcript_event(t, &p, parser_end_of_stream(&p));
    transcript_bytes(t, SPAN(""));
    arena_deinit(&a);
}

#endif
