/* target - the request target in its forms, and the host that a request is for. */
#include "http/target.h"

#include <arpa/inet.h>
#include <string.h>

#include "http/bytes.h"

/* Visible ASCII without '#', which begins a fragment and never belongs to a target. */
static bool target_bytes_are_valid(struct span target)
{
    for (size_t i = 0; i < target.len; i++) {
        char c = target.data[i];

        if (c <= 0x20 || c >= 0x7f || c == '#')
            return false;
    }
    return target.len > 0;
}

static void split_query(struct head *h)
{
    size_t end = span_index_of(h->target, '?');

    h->raw_path = span_take(h->target, end);
    h->has_query = end < h->target.len;
    h->query = h->has_query ? span_skip(h->target, end + 1) : SPAN_NONE;
}

/* Splits "authority/path?query" behind "scheme://"; the target that is left is in origin-form, or
 * "*" for the server as a whole (RFC 9112 section 3.2.4). */
static struct flaw split_absolute(struct head *h, struct span rest, struct arena *a)
{
    size_t end = size_min(span_index_of(rest, '/'), span_index_of(rest, '?'));

    h->authority = span_take(rest, end);
    if (!h->authority.len)
        return bad_syntax("absolute target without a host");
    h->target = span_skip(rest, end);
    if (!h->target.len)
        h->target = h->method == METHOD_OPTIONS ? SPAN("*") : SPAN("/");
    else if (h->target.data[0] == '?')
        h->target = arena_printf(a, "/%.*s", SPAN_ARG(h->target));
    return h->target.data ? FLAW_NONE : FLAW_NO_MEMORY;
}

struct flaw target_split(struct head *h, struct arena *a, unsigned *scheme_port)
{
    struct flaw flaw = FLAW_NONE;

    *scheme_port = 0;
    if (!target_bytes_are_valid(h->target))
        return bad_syntax("empty target, fragment, control byte or non-ASCII byte in the target");
    if (h->target.data[0] == '/') {
        split_query(h);
        return FLAW_NONE;
    }
    if (span_starts_with_nocase(h->target, SPAN("http://"))) {
        *scheme_port = 80;
        flaw = split_absolute(h, span_skip(h->target, 7), a);
    } else if (span_starts_with_nocase(h->target, SPAN("https://"))) {
        *scheme_port = 443;
        flaw = split_absolute(h, span_skip(h->target, 8), a);
    } else if (span_equals(h->target, SPAN("*"))) {
        if (h->method != METHOD_OPTIONS)
            flaw = bad_syntax("target * outside OPTIONS");
    } else {
        flaw = bad_syntax("target neither a path nor an http or https URI");
    }
    if (!flaw.error)
        split_query(h);
    return flaw;
}

static bool is_ipv6(struct span text)
{
    char copy[INET6_ADDRSTRLEN];
    struct in6_addr address;

    if (text.len >= sizeof(copy))
        return false;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    return strlen(copy) == text.len && inet_pton(AF_INET6, copy, &address) == 1;
}

/* reg-name, in which a dotted IPv4 address is one too. Two things that RFC 3986 allows are refused:
 * empty labels, which make one name look like another, and commas, which make two Host fields
 * that somebody joined look like one. */
static bool is_reg_name(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (c == '.' && (i + 1 == text.len || text.data[i + 1] == '.'))
            return false;
        if (byte_is(c, BYTE_REG_NAME) && c != ',')
            continue;
        if (c != '%' || text.len - i < 3 || byte_hex_value(text.data[i + 1]) < 0 ||
            byte_hex_value(text.data[i + 2]) < 0)
            return false;
        i += 2;
    }
    return text.len > 0;
}

/* Digits behind ':'; RFC 3986 lets them be absent. */
static int parse_port(struct span digits, struct authority *authority)
{
    uint64_t port = 0;

    if (!digits.len)
        return 0;
    if (digits.len > 5 || span_to_u64(digits, &port) < 0 || port > 65535)
        return -EINVAL;
    authority->port = (unsigned)port;
    authority->has_port = true;
    return 0;
}

static int parse_ipv6_authority(struct span text, struct authority *authority)
{
    size_t end = span_index_of(text, ']');
    struct span rest;

    if (end == text.len || !is_ipv6(span_of(text.data + 1, end - 1)))
        return -EINVAL;
    authority->host = span_take(text, end + 1);
    rest = span_skip(text, end + 1);
    if (!rest.len)
        return 0;
    return rest.data[0] == ':' ? parse_port(span_skip(rest, 1), authority) : -EINVAL;
}

int authority_parse(struct span text, struct authority *authority)
{
    size_t end = span_index_of(text, ':');

    *authority = (struct authority){0};
    if (text.len && text.data[0] == '[')
        return parse_ipv6_authority(text, authority);
    authority->host = span_take(text, end);
    if (span_ends_with(authority->host, SPAN(".")))
        authority->host.len--;
    if (!is_reg_name(authority->host))
        return -EINVAL;
    return end < text.len ? parse_port(span_skip(text, end + 1), authority) : 0;
}

static unsigned port_of(const struct authority *authority, unsigned scheme_port)
{
    return authority->has_port ? authority->port : scheme_port;
}

static int lower_case(struct span text, struct arena *a, struct span *lower)
{
    size_t i = 0;
    char *out;

    *lower = text;
    while (i < text.len && text.data[i] == ascii_lower(text.data[i]))
        i++;
    if (i == text.len)
        return 0;
    out = arena_alloc(a, text.len);
    if (!out)
        return -ENOMEM;
    for (i = 0; i < text.len; i++)
        out[i] = ascii_lower(text.data[i]);
    *lower = span_of(out, text.len);
    return 0;
}

struct flaw target_find_host(struct head *h, const struct field *host, unsigned scheme_port,
                             struct arena *a)
{
    bool is_absolute = scheme_port != 0;
    struct span text = is_absolute ? h->authority : host ? host->value : SPAN_NONE;
    struct authority ours;
    struct authority theirs;

    if (!host && h->version_minor > 0)
        return bad_syntax("HTTP/1.1 without Host");
    h->authority = text;
    /* What has no authority at all cannot be a request for http: RFC 9110 section 4.2.1. */
    if (!text.len)
        return text.data ? bad_syntax("malformed host") : FLAW_NONE;
    if (authority_parse(text, &ours) < 0)
        return bad_syntax("malformed host");
    if (is_absolute && host) {
        if (authority_parse(host->value, &theirs) < 0)
            return bad_syntax("malformed host");
        if (!span_equals_nocase(ours.host, theirs.host) ||
            port_of(&ours, scheme_port) != port_of(&theirs, scheme_port))
            return bad_syntax("Host differs from the target's");
    }
    return lower_case(ours.host, a, &h->host) < 0 ? FLAW_NO_MEMORY : FLAW_NONE;
}
