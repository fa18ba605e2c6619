/* tls_x509 - certificates and revocation lists as views of their DER. Pure.
 *
 * Strict where leniency could hide something: lengths are DER, an extension occurs once, both
 * copies of the algorithm agree, a critical extension that nobody here understands is reported. */
#include "io/tls_x509.h"

#include <string.h>

/* id-ce, 2.5.29: the third byte is the number. */
#define EXTENSION_OID_BYTES 3
enum {
    EXTENSION_SUBJECT_KEY_ID = 14,
    EXTENSION_KEY_USAGE = 15,
    EXTENSION_ALTERNATIVE_NAMES = 17,
    EXTENSION_BASIC_CONSTRAINTS = 19,
    EXTENSION_CRL_NUMBER = 20,
    EXTENSION_DELTA_CRL = 27,
    EXTENSION_ISSUING_POINT = 28,
    EXTENSION_NAME_CONSTRAINTS = 30,
    EXTENSION_CRL_POINTS = 31,
    EXTENSION_POLICIES = 32,
    EXTENSION_POLICY_MAPPINGS = 33,
    EXTENSION_AUTHORITY_KEY_ID = 35,
    EXTENSION_POLICY_CONSTRAINTS = 36,
    EXTENSION_PURPOSES = 37,
    EXTENSION_INHIBIT_POLICY = 54,
};

struct extension {
    unsigned number; /* of id-ce; 0: of another kind */
    bool is_authority_info;
    bool is_critical;
    struct span value;
};

/* False at the end, or when it is no extension: then it stays in the list. */
static bool next_extension(struct span *list, struct extension *out)
{
    static const unsigned char id_ce[] = {0x55, 0x1d};
    static const struct span authority_info = {"\x2b\x06\x01\x05\x05\x07\x01\x01", 8};
    struct span left = *list, body, oid, critical;

    *out = (struct extension){.number = 0};
    if (!der_take(&left, DER_SEQUENCE, &body) || !der_take(&body, DER_OID, &oid))
        return false;
    if (der_take(&body, DER_BOOLEAN, &critical) && !der_to_bool(critical, &out->is_critical))
        return false;
    if (oid.len == EXTENSION_OID_BYTES && memcmp(oid.data, id_ce, sizeof(id_ce)) == 0)
        out->number = (unsigned char)oid.data[2];
    out->is_authority_info = span_equals(oid, authority_info);
    if (!der_take(&body, DER_OCTET_STRING, &out->value) || body.len)
        return false;
    *list = left;
    return true;
}

/* --- extensions of certificates -------------------------------------------------------------- */

static bool read_basic_constraints(struct span value, struct x509_certificate *c)
{
    struct span body, flag, number;

    if (!der_take(&value, DER_SEQUENCE, &body) || value.len)
        return false;
    c->has_basic_constraints = true;
    if (der_take(&body, DER_BOOLEAN, &flag) && !der_to_bool(flag, &c->is_ca))
        return false;
    if (der_take(&body, DER_INTEGER, &number)) {
        c->has_path_length = true;
        if (!c->is_ca || !der_to_unsigned(number, &c->path_length))
            return false;
    }
    return !body.len;
}

static bool read_key_usage(struct span value, struct x509_certificate *c)
{
    struct span bits;
    unsigned byte;

    if (!der_take(&value, DER_BIT_STRING, &bits) || value.len || bits.len < 2 || bits.len > 3)
        return false;
    c->has_key_usage = true;
    byte = (unsigned char)bits.data[1];
    for (unsigned i = 0; i < 8; i++) {
        if (byte & (0x80u >> i))
            c->key_usage |= 1u << i;
    }
    return true;
}

static bool read_purposes(struct span value, struct x509_certificate *c)
{
    static const struct {
        struct span oid;
        unsigned purpose;
    } known[] = {
        {{"\x2b\x06\x01\x05\x05\x07\x03\x01", 8}, PURPOSE_SERVER},
        {{"\x2b\x06\x01\x05\x05\x07\x03\x02", 8}, PURPOSE_CLIENT},
        {{"\x2b\x06\x01\x05\x05\x07\x03\x09", 8}, PURPOSE_OCSP},
        {{"\x55\x1d\x25\x00", 4}, PURPOSE_ANY},
    };
    struct span body, oid;

    if (!der_take(&value, DER_SEQUENCE, &body) || value.len || !body.len)
        return false;
    c->has_purposes = true;
    while (der_take(&body, DER_OID, &oid)) {
        for (size_t i = 0; i < COUNT_OF(known); i++) {
            if (span_equals(oid, known[i].oid))
                c->purposes |= known[i].purpose;
        }
    }
    return !body.len;
}

/* GeneralNames, of which each item at least has to be DER. */
static bool read_general_names(struct span value, struct span *names)
{
    struct der_item name;
    struct span rest;

    if (!der_take(&value, DER_SEQUENCE, names) || value.len || !names->len)
        return false;
    rest = *names;
    while (der_next(&rest, &name))
        ;
    return !rest.len;
}

static bool read_name_constraints(struct span value, struct x509_certificate *c)
{
    struct span body;

    if (!der_take(&value, DER_SEQUENCE, &body) || value.len)
        return false;
    (void)der_take(&body, DER_CONTEXT_CONSTRUCTED(0), &c->permitted_names);
    (void)der_take(&body, DER_CONTEXT_CONSTRUCTED(1), &c->excluded_names);
    return !body.len && (c->permitted_names.len || c->excluded_names.len);
}

static bool read_authority_key_id(struct span value, struct x509_certificate *c)
{
    struct span body;

    if (!der_take(&value, DER_SEQUENCE, &body))
        return false;
    (void)der_take(&body, DER_CONTEXT(0), &c->authority_key_id);
    return true;
}

static bool read_extension(const struct extension *e, struct x509_certificate *c)
{
    struct span value = e->value;

    switch (e->number) {
    case EXTENSION_BASIC_CONSTRAINTS:
        return read_basic_constraints(value, c);
    case EXTENSION_KEY_USAGE:
        return read_key_usage(value, c);
    case EXTENSION_PURPOSES:
        return read_purposes(value, c);
    case EXTENSION_ALTERNATIVE_NAMES:
        return read_general_names(value, &c->alternative_names);
    case EXTENSION_NAME_CONSTRAINTS:
        return read_name_constraints(value, c);
    case EXTENSION_SUBJECT_KEY_ID:
        return der_take(&value, DER_OCTET_STRING, &c->subject_key_id);
    case EXTENSION_AUTHORITY_KEY_ID:
        return read_authority_key_id(value, c);
    case EXTENSION_CRL_POINTS:
        c->crl_points = value;
        return true;
    case EXTENSION_POLICIES: /* policies are not asked for, as in OpenSSL's default */
    case EXTENSION_POLICY_MAPPINGS:
    case EXTENSION_POLICY_CONSTRAINTS:
    case EXTENSION_INHIBIT_POLICY:
        return true;
    default:
        if (e->is_authority_info)
            c->authority_info = value;
        c->has_unknown_critical |= e->is_critical;
        return true;
    }
}

static bool read_extensions(struct span list, struct x509_certificate *c)
{
    uint64_t seen = 0;
    struct extension e;

    while (next_extension(&list, &e)) {
        if (e.number && e.number < 64) {
            if (seen >> e.number & 1)
                return false;
            seen |= (uint64_t)1 << e.number;
        }
        if (!read_extension(&e, c))
            return false;
    }
    return !list.len;
}

/* --- certificates ---------------------------------------------------------------------------- */

/* SEQUENCE { text, algorithm, signature }. */
static bool read_signed(struct span der, struct x509_signed *out, struct span *text_body)
{
    struct der_item text, algorithm;
    struct span body, bits;

    if (!der_take(&der, DER_SEQUENCE, &body) || der.len ||
        !der_next_is(&body, DER_SEQUENCE, &text) || !der_next_is(&body, DER_SEQUENCE, &algorithm) ||
        !der_take(&body, DER_BIT_STRING, &bits) || body.len)
        return false;
    /* The first byte counts unused bits, of which a signature has none. */
    if (bits.len < 2 || bits.data[0] != 0)
        return false;
    *out = (struct x509_signed){text.whole, algorithm.whole, span_skip(bits, 1)};
    *text_body = text.body;
    return true;
}

static bool read_version(struct span *tbs, unsigned *version)
{
    struct span wrapped, number;

    *version = 1;
    if (!der_take(tbs, DER_CONTEXT_CONSTRUCTED(0), &wrapped))
        return true;
    if (!der_take(&wrapped, DER_INTEGER, &number) || !der_to_unsigned(number, version))
        return false;
    ++*version;
    return *version >= 2 && *version <= 3;
}

static bool read_validity(struct span *tbs, struct x509_certificate *c)
{
    struct span body;

    return der_take(tbs, DER_SEQUENCE, &body) && der_next(&body, &c->not_before) &&
           der_next(&body, &c->not_after) && !body.len &&
           der_to_time(&c->not_before, &c->not_before_s) &&
           der_to_time(&c->not_after, &c->not_after_s);
}

/* What follows the key: unique identifiers, which nobody uses, and extensions. */
static bool read_tail(struct span tbs, struct x509_certificate *c)
{
    struct span ignored, wrapped, list;

    (void)der_take(&tbs, DER_CONTEXT(1), &ignored);
    (void)der_take(&tbs, DER_CONTEXT(2), &ignored);
    if (!tbs.len)
        return true;
    return c->version == 3 && der_take(&tbs, DER_CONTEXT_CONSTRUCTED(3), &wrapped) && !tbs.len &&
           der_take(&wrapped, DER_SEQUENCE, &list) && !wrapped.len && read_extensions(list, c);
}

bool x509_certificate_parse(struct span der, struct x509_certificate *out)
{
    struct der_item algorithm, issuer, subject, key;
    struct span tbs;

    *out = (struct x509_certificate){.der = der};
    if (!read_signed(der, &out->sealed, &tbs) || !read_version(&tbs, &out->version) ||
        !der_take(&tbs, DER_INTEGER, &out->serial) ||
        !der_next_is(&tbs, DER_SEQUENCE, &algorithm) || !der_next_is(&tbs, DER_SEQUENCE, &issuer) ||
        !read_validity(&tbs, out) || !der_next_is(&tbs, DER_SEQUENCE, &subject) ||
        !der_next_is(&tbs, DER_SEQUENCE, &key))
        return false;
    out->issuer = issuer.whole;
    out->subject = subject.whole;
    out->key = key.whole;
    return out->serial.len && span_equals(algorithm.whole, out->sealed.algorithm) &&
           read_tail(tbs, out);
}

bool x509_is_self_issued(const struct x509_certificate *c)
{
    return span_equals(c->issuer, c->subject);
}

/* --- revocation lists ------------------------------------------------------------------------ */

/* RFC 5280 section 5.2.5. */
static bool read_issuing_point(struct span value, struct x509_crl *crl)
{
    struct span body, wrapped;
    struct der_item item;

    if (!der_take(&value, DER_SEQUENCE, &body) || value.len)
        return false;
    while (der_next(&body, &item)) {
        bool flag = false;

        if (item.tag == DER_CONTEXT_CONSTRUCTED(0)) {
            wrapped = item.body;
            crl->has_points = true;
            if (!der_take(&wrapped, DER_CONTEXT_CONSTRUCTED(0), &crl->points))
                crl->is_partial = true;
            continue;
        }
        if (item.tag == DER_CONTEXT(3)) {
            crl->is_partial = true;
            continue;
        }
        if (!der_to_bool(item.body, &flag))
            return false;
        crl->is_for_users_only |= item.tag == DER_CONTEXT(1) && flag;
        crl->is_for_authorities_only |= item.tag == DER_CONTEXT(2) && flag;
        crl->is_partial |= item.tag > DER_CONTEXT(2) && flag;
    }
    return !body.len;
}

static bool read_crl_extensions(struct span list, struct x509_crl *crl)
{
    struct extension e;

    while (next_extension(&list, &e)) {
        if (e.number == EXTENSION_ISSUING_POINT) {
            if (!read_issuing_point(e.value, crl))
                return false;
        } else if (e.number == EXTENSION_DELTA_CRL) {
            crl->is_partial = true;
        } else if (e.number != EXTENSION_CRL_NUMBER && e.number != EXTENSION_AUTHORITY_KEY_ID) {
            crl->has_unknown_critical |= e.is_critical;
        }
    }
    return !list.len;
}

/* A list that breaks off in the middle would hide what comes behind. */
static bool is_list_of_entries(struct span revoked)
{
    struct span entry, number;

    while (der_take(&revoked, DER_SEQUENCE, &entry)) {
        if (!der_take(&entry, DER_INTEGER, &number))
            return false;
    }
    return !revoked.len;
}

bool x509_crl_parse(struct span der, struct x509_crl *out)
{
    struct der_item algorithm, issuer, time;
    struct span tbs, ignored, wrapped, list;

    *out = (struct x509_crl){.next_update_s = INT64_MAX};
    if (!read_signed(der, &out->sealed, &tbs))
        return false;
    (void)der_take(&tbs, DER_INTEGER, &ignored);
    if (!der_next_is(&tbs, DER_SEQUENCE, &algorithm) || !der_next_is(&tbs, DER_SEQUENCE, &issuer) ||
        !der_next(&tbs, &time) || !der_to_time(&time, &out->this_update_s) ||
        !span_equals(algorithm.whole, out->sealed.algorithm))
        return false;
    out->issuer = issuer.whole;
    if ((der_next_is(&tbs, DER_UTC_TIME, &time) ||
         der_next_is(&tbs, DER_GENERALIZED_TIME, &time)) &&
        !der_to_time(&time, &out->next_update_s))
        return false;
    (void)der_take(&tbs, DER_SEQUENCE, &out->revoked);
    if (!is_list_of_entries(out->revoked))
        return false;
    if (!der_take(&tbs, DER_CONTEXT_CONSTRUCTED(0), &wrapped))
        return !tbs.len;
    return !tbs.len && der_take(&wrapped, DER_SEQUENCE, &list) && !wrapped.len &&
           read_crl_extensions(list, out);
}

bool x509_crl_has(const struct x509_crl *crl, struct span serial)
{
    struct span left = crl->revoked, entry, number;

    while (der_take(&left, DER_SEQUENCE, &entry)) {
        if (der_take(&entry, DER_INTEGER, &number) && span_equals(number, serial))
            return true;
    }
    return false;
}

/* One of the list's points stands, byte for byte, in the certificate's. */
static bool has_point_in_common(const struct x509_crl *crl, const struct x509_certificate *c)
{
    struct span left = crl->points;
    struct der_item name;

    while (der_next(&left, &name)) {
        if (c->crl_points.len &&
            memmem(c->crl_points.data, c->crl_points.len, name.whole.data, name.whole.len))
            return true;
    }
    return false;
}

bool x509_crl_covers(const struct x509_crl *crl, const struct x509_certificate *c)
{
    if (crl->is_partial || crl->has_unknown_critical)
        return false;
    if ((crl->is_for_users_only && c->is_ca) || (crl->is_for_authorities_only && !c->is_ca))
        return false;
    return !crl->has_points || has_point_in_common(crl, c);
}
