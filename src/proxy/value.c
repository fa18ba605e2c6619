/* value - how values of variables are made: digits, times, lists, in the exchange's arena. */
#include "proxy/value.h"

#include <string.h>

#include "http/writer.h"

#define U64_DIGITS_MAX 20

char *value_alloc(struct record *r, size_t size)
{
    char *p = arena_alloc(r->arena, size);

    r->lacks_memory |= !p;
    return p;
}

struct span value_expand(struct record *r, const struct template *t, variable_fn get)
{
    struct span text;

    if (template_expand(t, get, r, r->arena, &text) == 0)
        return text;
    r->lacks_memory = true;
    return SPAN_NONE;
}

struct span value_copy(struct record *r, struct span s)
{
    struct span copy = arena_copy(r->arena, s);

    r->lacks_memory |= !copy.data;
    return copy;
}

/* ---- numbers and addresses ---- */

struct span value_u64(struct record *r, uint64_t value)
{
    char *data = value_alloc(r, U64_DIGITS_MAX);
    struct writer w;

    if (!data)
        return SPAN_NONE;
    writer_init(&w, data, U64_DIGITS_MAX);
    writer_u64(&w, value);
    return span_of(w.data, w.len);
}

struct span value_seconds(struct record *r, uint64_t ms)
{
    char *data = value_alloc(r, U64_DIGITS_MAX + 4);
    struct writer w;

    if (!data)
        return SPAN_NONE;
    writer_init(&w, data, U64_DIGITS_MAX);
    writer_u64(&w, ms / 1000);
    data[w.len++] = '.';
    data[w.len++] = (char)('0' + ms / 100 % 10);
    data[w.len++] = (char)('0' + ms / 10 % 10);
    data[w.len++] = (char)('0' + ms % 10);
    return span_of(data, w.len);
}

struct span value_hex(struct record *r, struct span bytes)
{
    static const char hex[] = "0123456789abcdef";
    char *data = value_alloc(r, bytes.len * 2);

    if (!data)
        return SPAN_NONE;
    for (size_t i = 0; i < bytes.len; i++) {
        data[2 * i] = hex[(unsigned char)bytes.data[i] >> 4];
        data[2 * i + 1] = hex[(unsigned char)bytes.data[i] & 15];
    }
    return span_of(data, bytes.len * 2);
}

/* inet_ntop(3) costs as much as the rest of a header with an address in it. */
static struct span host_of_ipv4(struct record *r, const struct endpoint *e)
{
    char *data = value_alloc(r, INET_ADDRSTRLEN);
    struct writer w;

    if (!data)
        return SPAN_NONE;
    writer_init(&w, data, INET_ADDRSTRLEN);
    for (size_t i = 0; i < sizeof(struct in_addr); i++) {
        if (i)
            writer_span(&w, SPAN("."));
        writer_u64(&w, e->ip[i]);
    }
    return span_of(w.data, w.len);
}

struct span value_host(struct record *r, const struct endpoint *e)
{
    char *text;

    if (e->family == AF_INET)
        return host_of_ipv4(r, e);
    text = value_alloc(r, ADDRESS_TEXT_BYTES);
    return text ? span_of(text, endpoint_format_host(e, text)) : SPAN_NONE;
}

struct span value_port(struct record *r, const struct endpoint *e)
{
    return e->port ? value_u64(r, e->port) : SPAN("");
}

/* ---- lists ---- */

struct span value_join(struct record *r, const struct span *parts, size_t count,
                       struct span separator)
{
    size_t size = 0;
    struct writer w;
    char *data;

    if (count == 1)
        return parts[0];
    for (size_t i = 0; i < count; i++)
        size += parts[i].len + separator.len;
    data = value_alloc(r, size);
    if (!data)
        return SPAN_NONE;
    writer_init(&w, data, size);
    for (size_t i = 0; i < count; i++) {
        if (i)
            writer_span(&w, separator);
        writer_span(&w, parts[i]);
    }
    return span_of(w.data, w.len);
}

static bool is_value(const struct field *f, struct span name)
{
    return (!f->is_dropped || (field_flags(f->id) & FIELD_HOP_BY_HOP)) &&
           field_name_is_variable(f->name, name);
}

static struct span join_fields(struct record *r, const struct head *h, struct span name,
                               size_t count)
{
    struct span separator = span_equals(name, SPAN("cookie")) ? SPAN("; ") : SPAN(", ");
    struct span *parts = (struct span *)value_alloc(r, count * sizeof(*parts));
    size_t found = 0;

    if (!parts)
        return SPAN_NONE;
    for (size_t i = 0; i < h->field_count; i++) {
        if (is_value(&h->fields[i], name))
            parts[found++] = h->fields[i].value;
    }
    assert(found == count);
    return value_join(r, parts, count, separator);
}

struct span value_fields(struct record *r, const struct head *h, struct span name)
{
    const struct field *first = NULL;
    size_t count = 0;

    if (span_equals(name, SPAN("upgrade")))
        return h->upgrade.len ? h->upgrade : SPAN_NONE;
    for (size_t i = 0; i < h->field_count; i++) {
        if (!is_value(&h->fields[i], name))
            continue;
        if (!first)
            first = &h->fields[i];
        count++;
    }
    if (count > 1)
        return join_fields(r, h, name, count);
    return first ? first->value : SPAN_NONE;
}

/* The next line of a written head, without CR LF; false at its end. */
static bool next_line(struct span *head, struct span *line)
{
    size_t end = span_index_of(*head, '\r');

    *line = span_take(*head, end);
    *head = span_skip(*head, size_min(end + 2, head->len));
    return line->len > 0;
}

/* The value of the next line with that name. */
static bool next_written(struct span *lines, struct span name, struct span *value)
{
    struct span line;

    while (next_line(lines, &line)) {
        size_t colon = span_index_of(line, ':');

        if (!field_name_is_variable(span_take(line, colon), name))
            continue;
        *value = span_trim(span_skip(line, size_min(colon + 1, line.len)));
        return true;
    }
    return false;
}

struct span value_written_lines(struct record *r, struct span lines, struct span name)
{
    const struct span separator = SPAN(", ");
    struct span rest = lines, first = SPAN_NONE, value;
    size_t count = 0, size = 0;
    struct writer w;
    char *data;

    for (; next_written(&rest, name, &value); count++) {
        first = count ? first : value;
        size += value.len + separator.len;
    }
    if (count < 2)
        return first;
    data = value_alloc(r, size);
    if (!data)
        return SPAN_NONE;
    writer_init(&w, data, size);
    for (rest = lines; next_written(&rest, name, &value);) {
        writer_span(&w, value);
        writer_span(&w, separator);
    }
    return span_of(w.data, w.len - separator.len);
}

struct span value_written_fields(struct record *r, struct span head, struct span name)
{
    struct span status_line;

    (void)next_line(&head, &status_line);
    return value_written_lines(r, head, name);
}

struct span value_trailers(struct record *r, const struct head *h, struct span name)
{
    const struct head as_fields = {.fields = h->trailers, .field_count = h->trailer_count};

    return value_fields(r, &as_fields, name);
}

/* ---- within one text ---- */

struct span value_argument(struct span args, struct span name)
{
    while (args.len) {
        struct span one = span_take(args, span_index_of(args, '&'));

        if (one.len > name.len && one.data[name.len] == '=' && span_starts_with_nocase(one, name))
            return span_skip(one, name.len + 1);
        args = span_skip(args, size_min(one.len + 1, args.len));
    }
    return SPAN_NONE;
}

static struct span skip_spaces(struct span s)
{
    while (s.len && s.data[0] == ' ')
        s = span_skip(s, 1);
    return s;
}

/* What is behind the next ';' or ','. */
static struct span next_cookie(struct span s)
{
    while (s.len && s.data[0] != ';' && s.data[0] != ',')
        s = span_skip(s, 1);
    return skip_spaces(span_skip(s, size_min(1, s.len)));
}

struct span value_cookie(struct span field, struct span name)
{
    for (; field.len; field = next_cookie(field)) {
        struct span rest;

        if (!span_starts_with_nocase(field, name))
            continue;
        rest = skip_spaces(span_skip(field, name.len));
        if (!rest.len || rest.data[0] != '=')
            continue;
        rest = skip_spaces(span_skip(rest, 1));
        return span_take(rest, span_index_of(rest, ';'));
    }
    return SPAN_NONE;
}

struct span value_set_cookie(struct span field, struct span name)
{
    struct span rest;

    if (!span_starts_with_nocase(field, name))
        return SPAN_NONE;
    rest = skip_spaces(span_skip(field, name.len));
    if (!rest.len || rest.data[0] != '=')
        return SPAN_NONE;
    rest = skip_spaces(span_skip(rest, 1));
    return span_take(rest, span_index_of(rest, ';'));
}
