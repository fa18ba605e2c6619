/* tls_pem - the blocks of a PEM text (RFC 7468). Pure; views only.
 *
 * Text between blocks is passed over, also where it speaks of a BEGIN in the middle of a line. */
#include "io/tls_pem.h"

#include <stdio.h>
#include <string.h>

#define BEGIN SPAN("-----BEGIN ")
#define END SPAN("-----END ")
#define DASHES SPAN("-----")
#define BYTE_ORDER_MARK SPAN("\xef\xbb\xbf")

static size_t find_text(struct span in, struct span what)
{
    const char *at = in.len ? memmem(in.data, in.len, what.data, what.len) : NULL;

    return at ? (size_t)(at - in.data) : in.len;
}

/* Nothing but blanks stands before it in its line; some editors put a mark at the very start. */
static bool starts_line(struct span pem, size_t at)
{
    while (at > 0 && (pem.data[at - 1] == ' ' || pem.data[at - 1] == '\t'))
        at--;
    return at == 0 || pem.data[at - 1] == '\n' || pem.data[at - 1] == '\r' ||
           span_equals(span_take(pem, at), BYTE_ORDER_MARK);
}

/* Where the next BEGIN line has its dashes; the text's length when there is none. */
static size_t find_begin(struct span pem)
{
    size_t at = find_text(pem, BEGIN);

    while (at < pem.len && !starts_line(pem, at)) {
        at += BEGIN.len;
        at += find_text(span_skip(pem, at), BEGIN);
    }
    return at;
}

static bool skip(struct span *in, struct span what)
{
    if (!span_starts_with(*in, what))
        return false;
    *in = span_skip(*in, what.len);
    return true;
}

static struct span take_until(struct span *in, struct span what)
{
    size_t len = find_text(*in, what);
    struct span taken = span_take(*in, len);

    *in = span_skip(*in, len);
    return taken;
}

bool pem_next(struct span *pem, struct pem_block *out)
{
    struct span left = span_skip(*pem, find_begin(*pem)), label, text;

    if (!skip(&left, BEGIN))
        return false;
    label = take_until(&left, DASHES);
    if (!skip(&left, DASHES) || span_index_of(label, '\n') != label.len)
        return false;
    text = take_until(&left, DASHES);
    if (!skip(&left, END) || !skip(&left, label) || !skip(&left, DASHES))
        return false;
    *out = (struct pem_block){label, text};
    *pem = left;
    return true;
}

static size_t line_of(struct span pem, size_t at)
{
    size_t line = 1;

    for (size_t i = 0; i < at; i++)
        line += pem.data[i] == '\n';
    return line;
}

int pem_check(struct span pem, const char *what, char *error, size_t error_size)
{
    struct span left = pem;
    struct pem_block ignored;
    size_t begin;

    while (pem_next(&left, &ignored)) {
    }
    begin = find_begin(left);
    if (begin == left.len)
        return 0;
    (void)snprintf(error, error_size, "%s: the PEM block in line %zu is cut, it has no END line",
                   what, line_of(pem, pem.len - left.len + begin));
    return -EINVAL;
}
