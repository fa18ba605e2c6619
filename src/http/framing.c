/* framing - what the fields of a head say about its body and its connection, decided once. */
#include "http/framing.h"

#include "http/bytes.h"

/* The fields of one head that decide something, and whether they came more than once. */
struct deciders {
    const struct field *content_length;
    const struct field *transfer_encoding;
    const struct field *host;
    const struct field *upgrade;
    size_t option_count; /* of all Connection fields together */
    bool content_length_repeats;
    bool transfer_encoding_repeats;
    bool host_repeats;
    uint64_t singles; /* a bit for each identifier of fields that may come once */
    bool single_repeats;
    bool closes;      /* Connection: close */
    bool keeps_alive; /* Connection: keep-alive */
    bool upgrades;    /* Connection: upgrade */
    bool expects_continue;
    bool expects_other;
};

/* --- names ---------------------------------------------------------------------------------- */

/* The limits say what becomes of names with '_' and of those with bytes that are no letters, digits
 * or '-'. */
static bool name_is_refused(struct span name, const struct parser_limits *limits)
{
    bool has_underscore = false;
    bool has_other = false;

    for (size_t i = 0; i < name.len; i++) {
        if (byte_is(name.data[i], BYTE_PLAIN))
            continue;
        has_underscore |= name.data[i] == '_';
        has_other |= name.data[i] != '_';
    }
    return limits->invalid_names_are_ignored &&
           (has_other || (has_underscore && !limits->underscores_in_names));
}

/* The classes that all bytes of a name are in; none for a name without bytes. */
static unsigned common_classes(struct span name)
{
    unsigned common = name.len ? BYTE_TOKEN | BYTE_PLAIN : 0;

    for (size_t i = 0; i < name.len; i++)
        common &= byte_classes[(unsigned char)name.data[i]];
    return common;
}

struct flaw fields_classify(struct field *fields, size_t count, const struct parser_limits *limits)
{
    for (size_t i = 0; i < count; i++) {
        struct field *f = &fields[i];
        unsigned classes;

        f->id = field_id_of(f->name);
        /* Names of our table are made of good bytes; of the family we know only the beginning. */
        if (f->id != FIELD_OTHER && f->id != FIELD_X_ACCEL)
            continue;
        classes = common_classes(f->name);
        if (!(classes & BYTE_TOKEN))
            return bad_syntax("field name is no token");
        f->is_dropped = !(classes & BYTE_PLAIN) && name_is_refused(f->name, limits);
    }
    return FLAW_NONE;
}

/* --- connection ----------------------------------------------------------------------------- */

/* A field that Connection names does not pass this hop, unless it never was the sender's to
 * remove: RFC 9110 section 7.6.1. */
static void drop_named(struct field *fields, size_t count, struct span name)
{
    for (size_t i = 0; i < count; i++) {
        struct field *f = &fields[i];

        if (span_equals_nocase(f->name, name) && !(field_flags(f->id) & FIELD_NOT_REMOVABLE))
            f->is_dropped = true;
    }
}

static struct flaw apply_connection(struct head *h, const struct field *connection,
                                    const struct parser_limits *limits, struct deciders *d)
{
    struct span list = connection->value;
    struct span option;

    while (span_next_element(&list, &option)) {
        if (++d->option_count > limits->field_count_max)
            return flaw_of(PARSER_HEAD_TOO_LARGE, "too many options in Connection");
        if (span_equals_nocase(option, SPAN("close"))) {
            d->closes = true;
        } else if (span_equals_nocase(option, SPAN("keep-alive"))) {
            d->keeps_alive = true;
        } else {
            d->upgrades |= span_equals_nocase(option, SPAN("upgrade"));
            drop_named(h->fields, h->field_count, option);
        }
    }
    return FLAW_NONE;
}

static bool lists_trailers(struct span list)
{
    struct span element;

    while (span_next_element(&list, &element)) {
        if (span_equals_nocase(element, SPAN("trailers")))
            return true;
    }
    return false;
}

/* --- gathering ------------------------------------------------------------------------------ */

static struct flaw gather_field(struct head *h, struct field *f, const struct parser_limits *limits,
                                struct deciders *d)
{
    switch (f->id) {
    case FIELD_CONTENT_LENGTH:
        d->content_length_repeats |= d->content_length != NULL;
        d->content_length = f;
        break;
    case FIELD_TRANSFER_ENCODING:
        d->transfer_encoding_repeats |= d->transfer_encoding != NULL;
        d->transfer_encoding = f;
        break;
    case FIELD_HOST:
        d->host_repeats |= d->host != NULL;
        d->host = f;
        break;
    case FIELD_AUTHORIZATION:
    case FIELD_IF_MODIFIED_SINCE:
    case FIELD_IF_UNMODIFIED_SINCE:
    case FIELD_IF_RANGE:
        d->single_repeats |= d->singles >> f->id & 1;
        d->singles |= UINT64_C(1) << f->id;
        break;
    case FIELD_UPGRADE:
        if (!d->upgrade)
            d->upgrade = f;
        break;
    case FIELD_EXPECT:
        if (span_equals_nocase(f->value, SPAN("100-continue")))
            d->expects_continue = true;
        else
            d->expects_other = true;
        break;
    case FIELD_TE:
        h->accepts_trailers |= lists_trailers(f->value);
        break;
    case FIELD_X_ACCEL:
        h->has_accel = true;
        break;
    case FIELD_CONNECTION:
        return apply_connection(h, f, limits, d);
    default:
        break;
    }
    return FLAW_NONE;
}

static struct flaw gather(struct head *h, const struct parser_limits *limits, struct deciders *d)
{
    *d = (struct deciders){0};
    for (size_t i = 0; i < h->field_count; i++) {
        struct field *f = &h->fields[i];
        struct flaw flaw;

        if (f->id == FIELD_OTHER)
            continue;
        if (field_flags(f->id) & FIELD_HOP_BY_HOP)
            f->is_dropped = true;
        flaw = gather_field(h, f, limits, d);
        if (flaw.error)
            return flaw;
    }
    h->is_persistent = !d->closes && (h->version_minor > 0 || d->keeps_alive);
    /* RFC 9110 section 7.8: Upgrade in HTTP/1.0 is ignored. */
    if (d->upgrade && d->upgrades && h->version_minor > 0)
        h->upgrade = d->upgrade->value;
    return FLAW_NONE;
}

/* --- body ----------------------------------------------------------------------------------- */

/* The name of a transfer coding, without its parameters. */
static struct span coding_name(struct span coding)
{
    return span_trim(span_take(coding, span_index_of(coding, ';')));
}

/* What a Transfer-Encoding other than exactly "chunked" is: one that we do not have, where the
 * sender at least framed it by the rules (RFC 9112 section 6.1), or a trick. */
static struct flaw judge_codings(struct span list)
{
    struct span coding;
    bool has_ended = false;
    size_t count = 0;

    if (!list.len || list.data[0] == ',' || list.data[list.len - 1] == ',')
        return bad_syntax("malformed Transfer-Encoding");
    while (span_next_element(&list, &coding)) {
        if (has_ended)
            return bad_syntax("Transfer-Encoding where chunked is not last, or repeats");
        if (!field_name_is_valid(coding_name(coding)))
            return bad_syntax("malformed Transfer-Encoding");
        has_ended = span_equals_nocase(coding_name(coding), SPAN("chunked"));
        if (has_ended && coding.len > coding_name(coding).len)
            return bad_syntax("chunked with parameters");
        count++;
    }
    if (has_ended && count == 1)
        return bad_syntax("malformed Transfer-Encoding");
    return flaw_of(PARSER_CODING_UNKNOWN, "Transfer-Encoding other than chunked");
}

static struct flaw check_transfer_encoding(const struct head *h, const struct deciders *d)
{
    struct span value = d->transfer_encoding->value;

    if (d->content_length)
        return bad_syntax("Content-Length with Transfer-Encoding");
    if (d->transfer_encoding_repeats)
        return bad_syntax("repeated Transfer-Encoding");
    if (h->version_minor == 0)
        return bad_syntax("Transfer-Encoding in HTTP/1.0");
    if (!span_equals_nocase(value, SPAN("chunked")))
        return judge_codings(value);
    return FLAW_NONE;
}

static struct flaw read_content_length(struct head *h, const struct deciders *d)
{
    if (d->content_length_repeats)
        return bad_syntax("repeated Content-Length");
    if (span_to_u64(d->content_length->value, &h->content_length) < 0)
        return bad_syntax("malformed Content-Length");
    if (h->content_length > INT64_MAX)
        return bad_syntax("Content-Length overflows");
    h->has_content_length = true;
    return FLAW_NONE;
}

/* Framing by the fields alone; otherwise where they say nothing. */
static struct flaw decide_framing(struct head *h, const struct deciders *d, enum framing otherwise)
{
    h->framing = otherwise;
    if (d->transfer_encoding) {
        h->framing = FRAMING_CHUNKED;
        return check_transfer_encoding(h, d);
    }
    if (d->content_length) {
        h->framing = FRAMING_LENGTH;
        return read_content_length(h, d);
    }
    return FLAW_NONE;
}

static_assert(FIELD_ID_COUNT <= 64, "a bit for each identifier");

struct flaw framing_of_request(struct head *h, const struct parser_limits *limits,
                               const struct field **host)
{
    struct deciders d;
    struct flaw flaw = gather(h, limits, &d);

    if (flaw.error)
        return flaw;
    *host = d.host;
    if (d.host_repeats)
        return bad_syntax("repeated Host");
    /* Each reader of them would take another one. */
    if (d.single_repeats)
        return bad_syntax("a credential or a condition is repeated");
    flaw = decide_framing(h, &d, FRAMING_NONE);
    if (flaw.error || h->version_minor == 0)
        return flaw;
    if (d.expects_other)
        return flaw_of(PARSER_EXPECT_UNKNOWN, "expectation other than 100-continue");
    /* Without a body there is nothing to go on with. */
    h->expects_continue = d.expects_continue && h->framing != FRAMING_NONE;
    return FLAW_NONE;
}

static void drop_field(struct head *h, enum field_id id)
{
    for (size_t i = 0; i < h->field_count; i++) {
        if (h->fields[i].id == id)
            h->fields[i].is_dropped = true;
    }
}

struct flaw framing_of_response(struct head *h, const struct parser_limits *limits,
                                struct parser_request_facts answers)
{
    bool is_interim = h->status < 200;
    struct deciders d;
    struct flaw flaw = gather(h, limits, &d);

    if (!flaw.error)
        flaw = decide_framing(h, &d, FRAMING_UNTIL_CLOSE);
    if (flaw.error)
        return flaw;
    if (is_interim || h->status == 204) {
        /* RFC 9110 section 8.6 and RFC 9112 section 6.1 forbid them here. */
        drop_field(h, FIELD_CONTENT_LENGTH);
        drop_field(h, FIELD_TRANSFER_ENCODING);
        h->has_content_length = false;
        h->content_length = 0;
    }
    if (is_interim || h->status == 204 || h->status == 304 || answers.was_head)
        h->framing = FRAMING_NONE;
    if (h->status == 101) {
        if (!answers.asked_for_upgrade)
            return bad_syntax("101 that nobody asked for");
        h->framing = FRAMING_TUNNEL;
    }
    if (h->framing == FRAMING_UNTIL_CLOSE || h->framing == FRAMING_TUNNEL)
        h->is_persistent = false;
    return FLAW_NONE;
}

/* --- trailers ------------------------------------------------------------------------------- */

void trailers_filter(struct head *h)
{
    size_t kept = 0;

    for (size_t i = 0; i < h->field_count; i++) {
        struct span list = h->fields[i].value;
        struct span option;

        while (h->fields[i].id == FIELD_CONNECTION && span_next_element(&list, &option))
            drop_named(h->trailers, h->trailer_count, option);
    }
    for (size_t i = 0; i < h->trailer_count; i++) {
        const struct field *f = &h->trailers[i];

        if (!f->is_dropped && !(field_flags(f->id) & (FIELD_HOP_BY_HOP | FIELD_NOT_IN_TRAILERS)))
            h->trailers[kept++] = *f;
    }
    h->trailer_count = kept;
}
