/* tls_dn - distinguished names as text, byte for byte as OpenSSL prints them.
 *
 * RFC 2253 is what X509_NAME_print_ex() makes with XN_FLAG_RFC2253, legacy what
 * X509_NAME_oneline() makes: $ssl_client_s_dn and $ssl_client_s_dn_legacy. */
#include "io/tls_dn.h"

#include <stdio.h>
#include <string.h>

#include "io/tls_der.h"

enum { TEXT_BMP = 0x1e, TEXT_UNIVERSAL = 0x1c, TEXT_UTF8 = 0x0c, TEXT_T61 = 0x14 };

/* Short names of attributes, by DER of their identifiers. */
static const struct {
    const char *name;
    struct span oid;
} attributes[] = {
    {"CN", {"\x55\x04\x03", 3}},
    {"SN", {"\x55\x04\x04", 3}},
    {"serialNumber", {"\x55\x04\x05", 3}},
    {"C", {"\x55\x04\x06", 3}},
    {"L", {"\x55\x04\x07", 3}},
    {"ST", {"\x55\x04\x08", 3}},
    {"street", {"\x55\x04\x09", 3}},
    {"O", {"\x55\x04\x0a", 3}},
    {"OU", {"\x55\x04\x0b", 3}},
    {"title", {"\x55\x04\x0c", 3}},
    {"description", {"\x55\x04\x0d", 3}},
    {"businessCategory", {"\x55\x04\x0f", 3}},
    {"postalCode", {"\x55\x04\x11", 3}},
    {"name", {"\x55\x04\x29", 3}},
    {"GN", {"\x55\x04\x2a", 3}},
    {"initials", {"\x55\x04\x2b", 3}},
    {"generationQualifier", {"\x55\x04\x2c", 3}},
    {"x500UniqueIdentifier", {"\x55\x04\x2d", 3}},
    {"dnQualifier", {"\x55\x04\x2e", 3}},
    {"pseudonym", {"\x55\x04\x41", 3}},
    {"organizationIdentifier", {"\x55\x04\x61", 3}},
    {"DC", {"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", 10}},
    {"UID", {"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01", 10}},
    {"emailAddress", {"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", 9}},
    {"unstructuredName", {"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x02", 9}},
    {"jurisdictionL", {"\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x01", 11}},
    {"jurisdictionST", {"\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x02", 11}},
    {"jurisdictionC", {"\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x03", 11}},
};

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

static const char *short_name(struct span oid)
{
    for (size_t i = 0; i < COUNT_OF(attributes); i++) {
        if (span_equals(oid, attributes[i].oid))
            return attributes[i].name;
    }
    return NULL;
}

static size_t character_bytes(unsigned tag)
{
    return tag == TEXT_BMP ? 2 : tag == TEXT_UNIVERSAL ? 4 : 1;
}

/* The UTF-8 bytes of a character; 0 when it is none. */
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
    if (c > 0x10ffff)
        return 0;
    out[0] = (unsigned char)(0xf0 | c >> 18);
    out[1] = (unsigned char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (unsigned char)(0x80 | (c & 0x3f));
    return 4;
}

/* RFC 2253 section 2.4. */
static void put_escaped(struct writer *w, unsigned char c, bool is_first, bool is_last)
{
    if (c < 0x20 || c > 0x7e) {
        put_hex(w, "\\", c);
        return;
    }
    if (strchr(",+\"\\<>;", c) || (is_first && (c == ' ' || c == '#')) || (is_last && c == ' '))
        put_byte(w, '\\');
    put_byte(w, c);
}

static void put_value(struct writer *w, const struct der_item *value)
{
    size_t step = character_bytes(value->tag);
    struct span text = value->body;
    bool is_utf8 = value->tag == TEXT_UTF8;

    for (size_t i = 0; i + step <= text.len; i += step) {
        unsigned char utf8[4] = {(unsigned char)text.data[i]};
        unsigned long c = 0;
        size_t n = 1;

        for (size_t b = 0; b < step; b++)
            c = c << 8 | (unsigned char)text.data[i + b];
        if (!is_utf8)
            n = to_utf8(c, utf8);
        for (size_t b = 0; b < n; b++)
            put_escaped(w, utf8[b], i == 0, i + step == text.len);
    }
}

/* Attributes without a short name show their value's DER. */
static void put_dump(struct writer *w, struct span der)
{
    put_byte(w, '#');
    for (size_t i = 0; i < der.len; i++)
        put_hex(w, "", (unsigned char)der.data[i]);
}

static void put_attribute(struct writer *w, struct span attribute)
{
    struct der_item value;
    const char *name;
    struct span oid;

    if (!der_take(&attribute, DER_OID, &oid) || !der_next(&attribute, &value))
        return;
    name = short_name(oid);
    if (name)
        put(w, span_of_cstr(name));
    else
        put_oid(w, oid);
    put_byte(w, '=');
    if (name)
        put_value(w, &value);
    else
        put_dump(w, value.whole);
}

#define ATTRIBUTES_MAX 64

/* From the last attribute to the first; '+' between those of one part, which OpenSSL turns round
 * as well. */
size_t tls_dn_format(struct span name, char *out, size_t size)
{
    struct writer w = {.out = out, .size = size};
    struct span listed[ATTRIBUTES_MAX], left, part;
    size_t part_of[ATTRIBUTES_MAX], count = 0, part_count = 0;

    if (!der_take(&name, DER_SEQUENCE, &left))
        return 0;
    for (; der_take(&left, DER_SET, &part); part_count++) {
        while (count < ATTRIBUTES_MAX && der_take(&part, DER_SEQUENCE, &listed[count]))
            part_of[count++] = part_count;
    }
    for (size_t i = count; i-- > 0;) {
        if (i + 1 < count)
            put_byte(&w, part_of[i] == part_of[i + 1] ? '+' : ',');
        put_attribute(&w, listed[i]);
    }
    return w.len;
}

static void put_legacy_attribute(struct writer *w, struct span attribute, char separator)
{
    struct der_item value;
    const char *name;
    struct span oid;

    if (!der_take(&attribute, DER_OID, &oid) || !der_next(&attribute, &value))
        return;
    name = short_name(oid);
    put_byte(w, (unsigned char)separator);
    if (name)
        put(w, span_of_cstr(name));
    else
        put_oid(w, oid);
    put_byte(w, '=');
    for (size_t i = 0; i < value.body.len; i++) {
        unsigned char c = (unsigned char)value.body.data[i];

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

    if (!der_take(&name, DER_SEQUENCE, &left))
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
