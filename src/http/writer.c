/* writer - heads and chunk framing written into a buffer. */
#include "http/writer.h"

#include <string.h>

#define U64_DIGITS_MAX 20

void writer_init(struct writer *w, char *data, size_t size)
{
    *w = (struct writer){.data = data, .size = size};
}

void writer_span(struct writer *w, struct span s)
{
    if (s.len > w->size - w->len) {
        w->has_overflowed = true;
        return;
    }
    if (s.len)
        memcpy(w->data + w->len, s.data, s.len);
    w->len += s.len;
}

/* The digits of value in base 10 or 16, at the end of the buffer of U64_DIGITS_MAX bytes. */
static struct span digits_of(uint64_t value, unsigned base, char *buffer)
{
    char *end = buffer + U64_DIGITS_MAX;
    char *at = end;

    do {
        *--at = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    return span_of(at, (size_t)(end - at));
}

void writer_u64(struct writer *w, uint64_t value)
{
    char buffer[U64_DIGITS_MAX];

    writer_span(w, digits_of(value, 10, buffer));
}

static bool target_is_valid(struct span target)
{
    for (size_t i = 0; i < target.len; i++) {
        if (target.data[i] <= 0x20 || target.data[i] >= 0x7f)
            return false;
    }
    return target.len > 0;
}

void writer_request_line(struct writer *w, struct span method, struct span target,
                         unsigned version_minor)
{
    if (!field_name_is_valid(method) || !target_is_valid(target)) {
        w->has_overflowed = true;
        return;
    }
    writer_span(w, method);
    writer_span(w, SPAN(" "));
    writer_span(w, target);
    writer_span(w, version_minor ? SPAN(" HTTP/1.1\r\n") : SPAN(" HTTP/1.0\r\n"));
}

void writer_status_line(struct writer *w, unsigned status, struct span reason)
{
    assert(status >= 100);
    assert(status <= 999);
    if (!reason.len)
        reason = status_reason(status);
    writer_span(w, SPAN("HTTP/1.1 "));
    writer_u64(w, status);
    /* RFC 9112 section 4: the space stays where there is no reason. */
    writer_span(w, SPAN(" "));
    if (field_value_is_valid(reason))
        writer_span(w, reason);
    writer_span(w, SPAN("\r\n"));
}

static void write_field(struct writer *w, struct span name, struct span value)
{
    size_t len = name.len + value.len + 4;
    char *at = w->data + w->len;

    if (len > w->size - w->len) {
        w->has_overflowed = true;
        return;
    }
    memcpy(at, name.data, name.len);
    at += name.len;
    *at++ = ':';
    *at++ = ' ';
    if (value.len)
        memcpy(at, value.data, value.len);
    at += value.len;
    *at++ = '\r';
    *at++ = '\n';
    w->len += len;
}

void writer_field(struct writer *w, struct span name, struct span value)
{
    if (field_value_is_valid(value))
        write_field(w, name, value);
    else
        w->refused_count++;
}

void writer_parsed_field(struct writer *w, const struct field *f)
{
    write_field(w, f->name, f->value);
}

void writer_field_u64(struct writer *w, struct span name, uint64_t value)
{
    char buffer[U64_DIGITS_MAX];

    writer_field(w, name, digits_of(value, 10, buffer));
}

void writer_end_of_head(struct writer *w)
{
    writer_span(w, SPAN("\r\n"));
}

static_assert(CHUNK_PREFIX_BYTES_MAX == sizeof(uint64_t) * 2 + 2, "16 digits and CR LF");

void writer_chunk_prefix(struct writer *w, uint64_t size)
{
    char buffer[U64_DIGITS_MAX];

    assert(size > 0); /* that would be the last chunk, which has no content and other ends */
    writer_span(w, digits_of(size, 16, buffer));
    writer_span(w, SPAN("\r\n"));
}
