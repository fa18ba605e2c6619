/* tls_name - the names of certificates: which match, which a CA may give.
 *
 * Names are compared with their lengths, so a NUL inside one matches nothing. Where a constraint
 * cannot be judged, the certificate is refused. */
#include "io/tls_name.h"

#include <string.h>

#include "core/address.h"

#define WILDCARD SPAN("*.")

/* --- matching -------------------------------------------------------------------------------- */

static bool has_wildcard(struct span name)
{
    return span_starts_with(name, WILDCARD);
}

/* "*.b.example" against "a.b.example". */
static bool wildcard_matches(struct span pattern, struct span reference)
{
    struct span parent = span_skip(pattern, 1); /* with its dot */
    size_t dot = span_index_of(reference, '.');

    if (span_index_of(parent, '*') != parent.len)
        return false;
    if (span_last_index_of(parent, '.') == 0)
        return false; /* "*.com" */
    return dot > 0 && span_equals_nocase(parent, span_skip(reference, dot));
}

static bool dns_matches(struct span name, struct span reference)
{
    if (has_wildcard(name))
        return wildcard_matches(name, reference);
    return span_index_of(name, '*') == name.len && span_equals_nocase(name, reference);
}

static bool address_matches(struct span name, const struct address *reference)
{
    if (reference->u.any.sa_family == AF_INET)
        return name.len == sizeof(reference->u.in.sin_addr) &&
               memcmp(name.data, &reference->u.in.sin_addr, name.len) == 0;
    return name.len == sizeof(reference->u.in6.sin6_addr) &&
           memcmp(name.data, &reference->u.in6.sin6_addr, name.len) == 0;
}

bool tls_name_matches(const struct x509_certificate *c, struct span reference)
{
    struct span left = c->alternative_names;
    struct der_item name;
    struct address address;
    bool is_address = address_parse_ip(reference, 0, &address) == 0;

    /* A fully qualified name may be written with its last dot; certificates never have it. */
    if (!is_address && reference.len > 1 && reference.data[reference.len - 1] == '.')
        reference.len--;
    if (!reference.len || span_index_of(reference, '*') != reference.len)
        return false;
    while (der_next(&left, &name)) {
        if (is_address ? name.tag == GENERAL_NAME_IP && address_matches(name.body, &address)
                       : name.tag == GENERAL_NAME_DNS && dns_matches(name.body, reference))
            return true;
    }
    return false;
}

/* --- constraints ----------------------------------------------------------------------------- */

/* "example.com" holds itself and what is below; ".example.com" only what is below. */
static bool dns_is_within(struct span name, struct span base)
{
    if (!base.len)
        return true;
    if (name.len < base.len || !span_equals_nocase(span_skip(name, name.len - base.len), base))
        return false;
    return name.len == base.len || base.data[0] == '.' || name.data[name.len - base.len - 1] == '.';
}

/* A wildcard may stand for a name within the base. */
static bool wildcard_reaches_into(struct span name, struct span base)
{
    return has_wildcard(name) && dns_is_within(base, span_skip(name, 1));
}

static bool email_is_within(struct span name, struct span base)
{
    size_t at = span_last_index_of(name, '@');
    struct span host = at < name.len ? span_skip(name, at + 1) : name;

    if (span_index_of(base, '@') != base.len)
        return span_equals_nocase(name, base);
    if (base.len && base.data[0] == '.')
        return dns_is_within(host, base);
    return span_equals_nocase(host, base);
}

/* The base is an address and a mask. */
static bool address_is_within(struct span name, struct span base)
{
    if (base.len != 2 * name.len)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if ((name.data[i] ^ base.data[i]) & base.data[name.len + i])
            return false;
    }
    return true;
}

static bool is_text_tag(unsigned tag)
{
    return tag == 0x0c || tag == 0x13 || tag == 0x14 || tag == 0x16;
}

/* AttributeTypeAndValue: the same but for case and for the kind of string. */
static bool attributes_are_equal(struct span a, struct span b)
{
    struct span a_body, b_body, a_oid, b_oid;
    struct der_item a_value, b_value;

    if (!der_take(&a, DER_SEQUENCE, &a_body) || !der_take(&b, DER_SEQUENCE, &b_body) ||
        !der_take(&a_body, DER_OID, &a_oid) || !der_take(&b_body, DER_OID, &b_oid) ||
        !der_next(&a_body, &a_value) || !der_next(&b_body, &b_value))
        return false;
    if (a.len || b.len || !span_equals(a_oid, b_oid))
        return false;
    if (is_text_tag(a_value.tag) && is_text_tag(b_value.tag))
        return span_equals_nocase(a_value.body, b_value.body);
    return span_equals(a_value.whole, b_value.whole);
}

/* The base's parts stand at the front of the name's. */
static bool directory_is_within(struct span name, struct span base)
{
    struct span name_parts, base_parts, name_part, base_part;

    if (!der_take(&name, DER_SEQUENCE, &name_parts) || !der_take(&base, DER_SEQUENCE, &base_parts))
        return false;
    while (base_parts.len) {
        if (!der_take(&base_parts, DER_SET, &base_part) ||
            !der_take(&name_parts, DER_SET, &name_part))
            return false;
        if (!span_equals(name_part, base_part) && !attributes_are_equal(name_part, base_part))
            return false;
    }
    return true;
}

static bool is_judged(unsigned tag)
{
    return tag == GENERAL_NAME_DNS || tag == GENERAL_NAME_IP || tag == GENERAL_NAME_EMAIL ||
           tag == GENERAL_NAME_DIRECTORY;
}

static bool is_within(const struct der_item *name, struct span base, bool is_excluding)
{
    switch (name->tag) {
    case GENERAL_NAME_DNS:
        return dns_is_within(name->body, base) ||
               (is_excluding && wildcard_reaches_into(name->body, base));
    case GENERAL_NAME_IP:
        return address_is_within(name->body, base);
    case GENERAL_NAME_EMAIL:
        return email_is_within(name->body, base);
    default:
        return directory_is_within(name->body, base);
    }
}

/* What one list of subtrees says to a name. */
struct verdict {
    bool has_kind; /* there is a subtree of the name's kind */
    bool is_within;
    bool is_unsupported;
};

static struct verdict judge(const struct der_item *name, struct span subtrees, bool is_excluding)
{
    struct verdict v = {.has_kind = false};
    struct span subtree;
    struct der_item base;

    while (der_take(&subtrees, DER_SEQUENCE, &subtree)) {
        if (!der_next(&subtree, &base) || subtree.len) {
            v.is_unsupported = true; /* with minimum or maximum, which RFC 5280 rules out */
            break;
        }
        if (base.tag != name->tag)
            continue;
        v.has_kind = true;
        v.is_unsupported |= !is_judged(name->tag);
        v.is_within |= is_judged(name->tag) && is_within(name, base.body, is_excluding);
    }
    v.is_unsupported |= subtrees.len > 0;
    return v;
}

static enum tls_constraint constrain(const struct x509_certificate *ca, const struct der_item *name)
{
    struct verdict excluded = judge(name, ca->excluded_names, true);
    struct verdict permitted = judge(name, ca->permitted_names, false);

    if (excluded.is_unsupported || permitted.is_unsupported)
        return CONSTRAINT_UNSUPPORTED;
    if (excluded.is_within)
        return CONSTRAINT_EXCLUDED;
    return permitted.has_kind && !permitted.is_within ? CONSTRAINT_NOT_PERMITTED : CONSTRAINT_OK;
}

enum tls_constraint tls_name_constraint(const struct x509_certificate *ca,
                                        const struct x509_certificate *c)
{
    static const size_t empty_name_bytes = 2;
    struct der_item name = {.tag = GENERAL_NAME_DIRECTORY, .body = c->subject};
    struct span left = c->alternative_names;
    enum tls_constraint result = CONSTRAINT_OK;

    if (!ca->permitted_names.len && !ca->excluded_names.len)
        return CONSTRAINT_OK;
    if (c->subject.len > empty_name_bytes)
        result = constrain(ca, &name);
    while (result == CONSTRAINT_OK && der_next(&left, &name))
        result = constrain(ca, &name);
    return result;
}
