/* tls_dn - distinguished names as text, byte for byte as OpenSSL prints them.
 *
 * RFC 2253 is what X509_NAME_print_ex() makes with XN_FLAG_RFC2253, legacy what
 * X509_NAME_oneline() makes: $ssl_client_s_dn and $ssl_client_s_dn_legacy.
 *
 * OpenSSL takes no certificate whose names are malformed. Here they are empty, so that nobody is
 * taken for somebody else; strings alone that are not what their type says show their DER. */
#include "io/tls_dn.h"

#include <stdio.h>
#include <string.h>

#include "io/tls_attribute.h"
#include "io/tls_der.h"

enum {
    TEXT_UTF8 = 0x0c,
    TEXT_NUMERIC = 0x12,
    TEXT_PRINTABLE = 0x13,
    TEXT_T61 = 0x14,
    TEXT_IA5 = 0x16,
    TEXT_UNIVERSAL = 0x1c,
    TEXT_BMP = 0x1e,
};

#define CHARACTER_MAX 0x10ffff
#define NUMBER_BYTES_MAX 9 /* of an object identifier: 63 bits */

/* Where the text goes; what does not fit is dropped. */
struct writer {
    char *out;
    size_t size;
    size_t len;
};

static void put(struct writer *w, struct span s)
{
    size_t n = size_min(s.len, w->size - w->len);

    if (n)
        memcpy(w->out + w->len, s.data, n);
    w->len += n;
}

static void put_byte(struct writer *w, unsigned char c)
{
    char byte = (char)c;

    put(w, span_of(&byte, 1));
}

static void put_hex(struct writer *w, const char *prefix, unsigned char c)
{
    char text[8];
    int n = snprintf(text, sizeof(text), "%s%02X", prefix, (unsigned)c);

    put(w, span_of(text, (size_t)n));
}

/* An object identifier in dots: an attribute without a short name. */
static void put_oid(struct writer *w, struct span oid)
{
    unsigned long value = 0;
    bool is_first = true;
    char text[32];

    for (size_t i = 0; i < oid.len; i++) {
        unsigned char c = (unsigned char)oid.data[i];
        unsigned long top;
        int n;

        value = value << 7 | (c & 0x7f);
        if (c & 0x80)
            continue;
        top = value < 80 ? value / 40 : 2;
        n = is_first ? snprintf(text, sizeof(text), "%lu.%lu", top, value - 40 * top)
                     : snprintf(text, sizeof(text), ".%lu", value);
        put(w, span_of(text, (size_t)n));
        is_first = false;
        value = 0;
    }
}

/* --- characters ------------------------------------------------------------------------------ */

/* How many bytes a character has; 0: of UTF-8 it depends, and other values are no text. */
static size_t character_bytes(unsigned tag)
{
    switch (tag) {
    case TEXT_NUMERIC:
    case TEXT_PRINTABLE:
    case TEXT_T61:
    case TEXT_IA5:
        return 1;
    case TEXT_BMP:
        return 2;
    case TEXT_UNIVERSAL:
        return 4;
    default:
        return 0;
    }
}

static bool take_utf8(struct span *text, unsigned long *c)
{
    static const unsigned long least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)text->data[0];
    size_t n = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;

    if ((first >= 0x80 && first < 0xc0) || first >= 0xf8 || n > text->len)
        return false;
    *c = n == 1 ? first : first & (0x7f >> n);
    for (size_t i = 1; i < n; i++) {
        unsigned char next = (unsigned char)text->data[i];

        if ((next & 0xc0) != 0x80)
            return false;
        *c = *c << 6 | (next & 0x3f);
    }
    *text = span_skip(*text, n);
    return *c >= least[n];
}

/* Takes the first character of a text that has one; false when it is not of its type. */
static bool take_character(struct span *text, unsigned tag, unsigned long *c)
{
    size_t n = character_bytes(tag);

    if (tag == TEXT_UTF8) {
        if (!take_utf8(text, c))
            return false;
    } else {
        if (!n || n > text->len)
            return false;
        *c = 0;
        for (size_t i = 0; i < n; i++)
            *c = *c << 8 | (unsigned char)text->data[i];
        *text = span_skip(*text, n);
    }
    return *c <= CHARACTER_MAX && (*c < 0xd800 || *c > 0xdfff);
}

static bool is_text(const struct der_item *value)
{
    struct span left = value->body;
    bool is_sound = value->tag == TEXT_UTF8 || character_bytes(value->tag);
    unsigned long c;

    while (is_sound && left.len)
        is_sound = take_character(&left, value->tag, &c);
    return is_sound;
}

static size_t to_utf8(unsigned long c, unsigned char out[4])
{
    if (c < 0x80) {
        out[0] = (unsigned char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (unsigned char)(0xc0 | c >> 6);
        out[1] = (unsigned char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (unsigned char)(0xe0 | c >> 12);
        out[1] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (unsigned char)(0x80 | (c & 0x3f));
        return 3;
    }
    assert(c <= CHARACTER_MAX);
    out[0] = (unsigned char)(0xf0 | c >> 18);
    out[1] = (unsigned char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (unsigned char)(0x80 | (c & 0x3f));
    return 4;
}

/* --- RFC 2253 -------------------------------------------------------------------------------- */

/* Section 2.4; a '#' that stands alone is not escaped, nobody knows why. */
static void put_escaped(struct writer *w, unsigned char c, bool is_first, bool is_last)
{
    if (c < 0x20 || c > 0x7e) {
        put_hex(w, "\\", c);
        return;
    }
    if (strchr(",+\"\\<>;", c) || (c == '#' && is_first && !is_last) ||
        (c == ' ' && (is_first || is_last)))
        put_byte(w, '\\');
    put_byte(w, c);
}

static void put_text(struct writer *w, const struct der_item *value)
{
    struct span left = value->body;
    unsigned long c;

    while (left.len) {
        bool is_first = left.len == value->body.len;
        bool is_sound = take_character(&left, value->tag, &c);
        unsigned char utf8[4];
        size_t n;

        assert(is_sound);
        n = to_utf8(c, utf8);
        for (size_t i = 0; i < n; i++)
            put_escaped(w, utf8[i], is_first, left.len == 0);
    }
}

static void put_dump(struct writer *w, struct span der)
{
    put_byte(w, '#');
    for (size_t i = 0; i < der.len; i++)
        put_hex(w, "", (unsigned char)der.data[i]);
}

/* An attribute of a sound name. */
static void split(struct span attribute, struct span *oid, struct der_item *value)
{
    bool has_oid = der_take(&attribute, DER_OID, oid);
    bool has_value = der_next(&attribute, value);

    assert(has_oid);
    assert(has_value);
}

static void put_type(struct writer *w, struct span oid)
{
    const char *name = tls_attribute_name(oid);

    if (name)
        put(w, span_of_cstr(name));
    else
        put_oid(w, oid);
    put_byte(w, '=');
}

/* Attributes without a short name show their value's DER, and so does what is no text. */
static void put_attribute(struct writer *w, struct span attribute)
{
    struct der_item value;
    struct span oid;

    split(attribute, &oid, &value);
    put_type(w, oid);
    if (tls_attribute_name(oid) && is_text(&value))
        put_text(w, &value);
    else
        put_dump(w, value.whole);
}

static bool oid_is_sound(struct span oid)
{
    size_t bytes = 0; /* of the number that is looked at */

    for (size_t i = 0; i < oid.len; i++) {
        unsigned char c = (unsigned char)oid.data[i];

        if ((bytes == 0 && c == 0x80) || ++bytes > NUMBER_BYTES_MAX)
            return false;
        if (c < 0x80)
            bytes = 0;
    }
    return oid.len && !bytes;
}

static bool attribute_is_sound(struct span attribute)
{
    struct der_item value;
    struct span oid;

    return der_take(&attribute, DER_OID, &oid) && oid_is_sound(oid) &&
           der_next(&attribute, &value) && !attribute.len;
}

/* The parts of a name, one behind the other; false when it is malformed. */
static bool take_parts(struct span name, struct span *parts)
{
    struct span left, part, attribute;

    if (!der_take(&name, DER_SEQUENCE, parts) || name.len)
        return false;
    for (left = *parts; left.len;) {
        if (!der_take(&left, DER_SET, &part))
            return false;
        while (part.len) {
            if (!der_take(&part, DER_SEQUENCE, &attribute) || !attribute_is_sound(attribute))
                return false;
        }
    }
    return true;
}

/* From the last attribute to the first; '+' between those of one part, which OpenSSL turns round
 * as well. */
size_t tls_dn_format(struct span name, char *out, size_t size)
{
    struct writer w = {.out = out, .size = size};
    struct span listed[TLS_DN_ATTRIBUTES_MAX], attribute, left, part;
    size_t part_of[TLS_DN_ATTRIBUTES_MAX], count = 0, part_count = 0, first, i;

    if (!take_parts(name, &left))
        return 0;
    for (; der_take(&left, DER_SET, &part); part_count++) {
        for (; der_take(&part, DER_SEQUENCE, &attribute); count++) {
            listed[count % TLS_DN_ATTRIBUTES_MAX] = attribute;
            part_of[count % TLS_DN_ATTRIBUTES_MAX] = part_count;
        }
    }
    first = count - size_min(count, TLS_DN_ATTRIBUTES_MAX);
    for (size_t left_count = count; left_count-- > first;) {
        i = left_count % TLS_DN_ATTRIBUTES_MAX;
        if (left_count + 1 < count)
            put_byte(&w, part_of[i] == part_of[(i + 1) % TLS_DN_ATTRIBUTES_MAX] ? '+' : ',');
        put_attribute(&w, listed[i]);
    }
    return w.len;
}

/* --- legacy ---------------------------------------------------------------------------------- */

/* The bytes that OpenSSL keeps of a value: without the count of unused bits, and with the header
 * of what has items of its own. */
static struct span legacy_bytes(const struct der_item *value)
{
    if (value->tag == DER_BIT_STRING && value->body.len)
        return span_skip(value->body, 1);
    return value->tag == DER_SEQUENCE ? value->whole : value->body;
}

static void put_legacy_attribute(struct writer *w, struct span attribute, char separator)
{
    struct der_item value;
    struct span oid, bytes;

    split(attribute, &oid, &value);
    bytes = legacy_bytes(&value);
    put_byte(w, (unsigned char)separator);
    put_type(w, oid);
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.data[i];

        if (c < ' ' || c > '~') {
            put_hex(w, "\\x", c);
            continue;
        }
        if (c == '/' || c == '+')
            put_byte(w, '\\');
        put_byte(w, c);
    }
}

size_t tls_dn_format_legacy(struct span name, char *out, size_t size)
{
    struct writer w = {.out = out, .size = size};
    struct span left, part, attribute;

    if (!take_parts(name, &left))
        return 0;
    while (der_take(&left, DER_SET, &part)) {
        char separator = '/';

        while (der_take(&part, DER_SEQUENCE, &attribute)) {
            put_legacy_attribute(&w, attribute, separator);
            separator = '+';
        }
    }
    return w.len;
}
