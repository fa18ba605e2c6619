/* section - the lines of a head or of trailers, gathered into one buffer. */
#include "http/section.h"

#include <string.h>

#include "http/message.h"

void section_init(struct section *s, bool has_start_line)
{
    *s = (struct section){.has_start_line = has_start_line};
}

static bool is_in_start_line(const struct section *s)
{
    return s->has_start_line && s->line_count == 0;
}

/* The first flaw of a stretch of a line. The byte behind the limit is looked at too: a CR there is
 * a bare one or ends the line, in whatever pieces it comes. */
static struct flaw check_text(const struct section *s, const struct parser_limits *limits,
                              struct span text)
{
    size_t room = limits->line_bytes_max - s->line_bytes;
    struct span seen = span_take(text, size_min(text.len, room + 1));

    if (!text.len)
        return FLAW_NONE;
    if (!s->line_bytes && !is_in_start_line(s) && (text.data[0] == ' ' || text.data[0] == '\t'))
        return bad_syntax("line folding, or a field line that begins with white space");
    if (!field_value_is_valid(seen))
        return bad_syntax("bare CR or a control byte in a line");
    if (text.len > room)
        return flaw_of(PARSER_HEAD_TOO_LARGE, "a line is too long");
    return FLAW_NONE;
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
    struct span text = span_take(piece, span_index_of(piece, '\n'));
    bool has_lf = text.len < piece.len;
    bool has_cr = text.len && text.data[text.len - 1] == '\r';
    struct flaw flaw;

    *used = text.len + has_lf;
    if (s->ends_in_cr && text.len)
        return bad_syntax("bare CR or a control byte in a line");
    text.len -= has_cr;
    flaw = check_text(s, limits, text);
    if (flaw.error)
        return flaw;
    s->line_bytes += text.len;
    s->ends_in_cr |= has_cr;
    if (!has_lf)
        return FLAW_NONE;
    if (!s->ends_in_cr)
        return bad_syntax("bare LF");
    s->ends_in_cr = false;
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
