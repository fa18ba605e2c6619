/* chunked - takes apart the chunked coding, up to the trailers. */
#include "http/chunked.h"

#include "http/bytes.h"

/* Up to AT_LINE_END: states within a line, in its order. */
enum state {
    AT_SIZE, /* no digit yet */
    IN_SIZE,
    AT_NAME, /* of an extension */
    IN_NAME,
    BEHIND_NAME,
    AT_VALUE,
    IN_VALUE,
    IN_QUOTES,
    IN_QUOTED_PAIR,
    BEHIND_QUOTES,
    BEHIND_VALUE,
    AT_LF,
    LINE_DONE,
    IN_CONTENT,
    AT_CONTENT_CR,
    AT_CONTENT_LF,
    BROKEN,
};

void chunked_init(struct chunked *c)
{
    *c = (struct chunked){.state = AT_SIZE};
}

static enum state broken(struct chunked *c, const char *reason)
{
    c->reason = reason;
    return BROKEN;
}

/* What may follow a size, a name or a value: the line's end or the next extension. */
static enum state end_part(struct chunked *c, char byte, const char *reason)
{
    if (byte == '\r')
        return AT_LF;
    if (byte == ';')
        return AT_NAME;
    return broken(c, reason);
}

/* Digits only: no sign, prefix or white space, and nothing beyond what a signed 64-bit holds. */
static enum state step_size(struct chunked *c, char byte)
{
    int digit = byte_hex_value(byte);

    if (digit < 0) {
        if (c->state == AT_SIZE)
            return broken(c, "chunk size is no hexadecimal number");
        return end_part(c, byte, "chunk size is no hexadecimal number");
    }
    if (c->left > (uint64_t)INT64_MAX >> 4)
        return broken(c, "chunk size overflows");
    c->left = c->left << 4 | (unsigned)digit;
    return IN_SIZE;
}

static bool is_white(char byte)
{
    return byte == ' ' || byte == '\t';
}

static bool is_text(char byte)
{
    unsigned char c = (unsigned char)byte;

    return (c >= 0x20 && c != 0x7f) || c == '\t';
}

/* chunk-ext, RFC 9112 section 7.1.1; white space around ';' and '=' is bad but to be read. */
static enum state step_extension(struct chunked *c, char byte)
{
    static const char reason[] = "malformed chunk extension";

    switch ((enum state)c->state) {
    case AT_NAME:
        if (is_white(byte))
            return AT_NAME;
        return byte_is(byte, BYTE_TOKEN) ? IN_NAME : broken(c, reason);
    case IN_NAME:
        if (byte_is(byte, BYTE_TOKEN))
            return IN_NAME;
        if (is_white(byte))
            return BEHIND_NAME;
        return byte == '=' ? AT_VALUE : end_part(c, byte, reason);
    case BEHIND_NAME:
        if (byte == '=')
            return AT_VALUE;
        break;
    case AT_VALUE:
        if (is_white(byte))
            return AT_VALUE;
        if (byte == '"')
            return IN_QUOTES;
        return byte_is(byte, BYTE_TOKEN) ? IN_VALUE : broken(c, reason);
    case IN_VALUE:
        if (byte_is(byte, BYTE_TOKEN))
            return IN_VALUE;
        return is_white(byte) ? BEHIND_VALUE : end_part(c, byte, reason);
    case BEHIND_QUOTES:
        return is_white(byte) ? BEHIND_VALUE : end_part(c, byte, reason);
    default:
        break;
    }
    /* Behind white space only the next extension may follow. */
    if (is_white(byte))
        return (enum state)c->state;
    return byte == ';' ? AT_NAME : broken(c, reason);
}

static enum state step_quotes(struct chunked *c, char byte)
{
    if (!is_text(byte))
        return broken(c, "control byte in a chunk extension");
    if (c->state == IN_QUOTED_PAIR)
        return IN_QUOTES;
    if (byte == '"')
        return BEHIND_QUOTES;
    return byte == '\\' ? IN_QUOTED_PAIR : IN_QUOTES;
}

static enum state step_line(struct chunked *c, char byte)
{
    if (c->state <= IN_SIZE)
        return step_size(c, byte);
    if (c->state == AT_LF)
        return byte == '\n' ? LINE_DONE : broken(c, "chunk line ends in a bare CR");
    if (c->state == IN_QUOTES || c->state == IN_QUOTED_PAIR)
        return step_quotes(c, byte);
    return step_extension(c, byte);
}

/* Reads up to the end of the line or of the input. */
static void read_line(struct chunked *c, struct span *input)
{
    size_t i = 0;

    while (i < input->len && c->state < LINE_DONE) {
        c->state = step_line(c, input->data[i++]);
        if (++c->line_bytes > CHUNK_LINE_BYTES_MAX && c->state != BROKEN)
            c->state = broken(c, "chunk line is too long");
    }
    *input = span_skip(*input, i);
}

static void end_line(struct chunked *c)
{
    uint64_t paid = CHUNK_LINE_BYTES_FREE + u64_min(c->left, CHUNK_EXCESS_BYTES_MAX) * 2;

    c->excess_bytes += c->line_bytes;
    c->excess_bytes -= (size_t)u64_min(c->excess_bytes, paid);
    c->line_bytes = 0;
    c->state = IN_CONTENT;
    if (c->excess_bytes > CHUNK_EXCESS_BYTES_MAX)
        c->state = broken(c, "too much chunk framing for its content");
}

static void read_content(struct chunked *c, struct span *input, struct span *content)
{
    *content = span_take(*input, (size_t)u64_min(input->len, c->left));
    *input = span_skip(*input, content->len);
    c->left -= content->len;
    if (!c->left)
        c->state = AT_CONTENT_CR;
}

static void read_content_end(struct chunked *c, struct span *input)
{
    char expected = c->state == AT_CONTENT_CR ? '\r' : '\n';

    if (input->data[0] != expected)
        c->state = broken(c, "chunk does not end in CR LF");
    else
        c->state = c->state == AT_CONTENT_CR ? AT_CONTENT_LF : AT_SIZE;
    *input = span_skip(*input, 1);
}

enum chunked_event chunked_next(struct chunked *c, struct span *input, struct span *content)
{
    assert(c->state != LINE_DONE);
    while (c->state != BROKEN && input->len) {
        if (c->state < LINE_DONE) {
            read_line(c, input);
            if (c->state != LINE_DONE)
                continue;
            if (!c->left)
                return CHUNKED_LAST;
            end_line(c);
        } else if (c->state == IN_CONTENT) {
            read_content(c, input, content);
            return CHUNKED_CONTENT;
        } else {
            read_content_end(c, input);
        }
    }
    return c->state == BROKEN ? CHUNKED_FLAW : CHUNKED_NEED_INPUT;
}
