/* section - the lines of a head or of trailers, gathered into one buffer. */
#include "http/section.h"

#include <string.h>

#include "http/bytes.h"

void section_init(struct section *s, bool has_start_line)
{
    *s = (struct section){.has_start_line = has_start_line};
}

static bool is_in_start_line(const struct section *s)
{
    return s->has_start_line && s->line_count == 0;
}

static struct flaw end_line(struct section *s, const struct parser_limits *limits)
{
    if (s->line_bytes == 0) {
        s->is_complete = true;
        return FLAW_NONE;
    }
    if (s->line_count == 0)
        s->first_line_bytes = s->line_bytes;
    s->line_count++;
    s->line_bytes = 0;
    if (s->line_count - s->has_start_line > limits->field_count_max)
        return flaw_of(PARSER_HEAD_TOO_LARGE, "too many fields");
    return FLAW_NONE;
}

/* Reads to the end of the line or of the piece; piece is not empty. */
static struct flaw scan_line(struct section *s, const struct parser_limits *limits,
                             struct span piece, size_t *used)
{
    size_t room = limits->line_bytes_max - s->line_bytes;
    size_t end;

    *used = piece.len;
    if (s->ends_in_cr && piece.data[0] != '\n')
        return bad_syntax("bare CR or a control byte in a line");
    if (!s->line_bytes && !is_in_start_line(s) && (piece.data[0] == ' ' || piece.data[0] == '\t'))
        return bad_syntax("line folding, or a field line that begins with white space");
    /* The byte behind the limit is looked at too: a CR there is a bare one or ends the line, in
     * whatever pieces it comes. */
    end = text_end(span_take(piece, size_min(piece.len, room + 1)));
    if (end > room)
        return flaw_of(PARSER_HEAD_TOO_LARGE, "a line is too long");
    s->line_bytes += end;
    if (end == piece.len)
        return FLAW_NONE;
    if (piece.data[end] == '\r') {
        s->ends_in_cr = true;
        if (++end == piece.len)
            return FLAW_NONE;
    }
    if (piece.data[end] != '\n')
        return bad_syntax("bare CR or a control byte in a line");
    if (!s->ends_in_cr)
        return bad_syntax("bare LF");
    s->ends_in_cr = false;
    *used = end + 1;
    return end_line(s, limits);
}

/* A section that comes in one piece gets just what it needs; others grow by doubling. */
static size_t size_for(const struct section *s, const struct parser_limits *limits, size_t needed)
{
    size_t size = size_max(s->size, limits->head_bytes_first);

    if (s->is_complete)
        return needed;
    while (size < needed)
        size *= 2;
    return size_min(size, limits->head_bytes_max);
}

static struct flaw append(struct section *s, const struct parser_limits *limits, struct arena *a,
                          struct span bytes)
{
    size_t needed = s->len + bytes.len;

    if (needed > s->size) {
        size_t size = size_for(s, limits, needed);
        char *data = arena_alloc(a, size);

        if (!data)
            return FLAW_NO_MEMORY;
        if (s->len)
            memcpy(data, s->data, s->len);
        s->data = data;
        s->size = size;
    }
    if (bytes.len)
        memcpy(s->data + s->len, bytes.data, bytes.len);
    s->len = needed;
    return FLAW_NONE;
}

struct flaw section_add(struct section *s, const struct parser_limits *limits, struct arena *a,
                        struct span *input)
{
    struct span piece = span_take(*input, size_min(input->len, limits->head_bytes_max - s->len));
    struct flaw flaw = FLAW_NONE;
    struct flaw memory;
    size_t used = 0;

    assert(limits->head_bytes_first > 0);
    assert(!s->is_complete);
    while (used < piece.len && !s->is_complete && !flaw.error) {
        size_t line = 0;

        flaw = scan_line(s, limits, span_skip(piece, used), &line);
        used += line;
    }
    memory = append(s, limits, a, span_take(piece, used));
    if (memory.error)
        return memory;
    *input = span_skip(*input, used);
    if (!flaw.error && !s->is_complete && s->len == limits->head_bytes_max)
        return flaw_of(PARSER_HEAD_TOO_LARGE, "the head or the trailers are too large");
    return flaw;
}

struct span section_fields(const struct section *s)
{
    size_t skipped = s->has_start_line ? s->first_line_bytes + 2 : 0;

    assert(s->is_complete);
    return span_skip(span_of(s->data, s->len), skipped);
}
