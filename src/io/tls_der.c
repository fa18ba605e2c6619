/* tls_der - reading DER: tags, lengths, times. Pure; views only. */
#include "io/tls_der.h"

#include <time.h>

#define TAG_IS_LONG 0x1f
#define LENGTH_IS_LONG 0x80

/* The length behind the tag: how many bytes it takes, or 0 when it is not DER. */
static size_t read_length(const unsigned char *p, size_t left, size_t *length)
{
    size_t bytes, n = 0;

    if (!left)
        return 0;
    if (p[0] < LENGTH_IS_LONG) {
        *length = p[0];
        return 1;
    }
    bytes = p[0] & 0x7f;
    /* No indefinite lengths, none over 16 MB, none longer than it has to be. */
    if (bytes < 1 || bytes > 3 || bytes + 1 > left || p[1] == 0)
        return 0;
    for (size_t i = 1; i <= bytes; i++)
        n = n << 8 | p[i];
    if (n < LENGTH_IS_LONG)
        return 0;
    *length = n;
    return bytes + 1;
}

bool der_next(struct span *in, struct der_item *item)
{
    const unsigned char *p = (const unsigned char *)in->data;
    size_t header, length;

    if (in->len < 2 || (p[0] & TAG_IS_LONG) == TAG_IS_LONG)
        return false;
    header = read_length(p + 1, in->len - 1, &length);
    if (!header++ || length > in->len - header)
        return false;
    item->tag = p[0];
    item->whole = span_take(*in, header + length);
    item->body = span_skip(item->whole, header);
    *in = span_skip(*in, header + length);
    return true;
}

bool der_next_is(struct span *in, unsigned tag, struct der_item *item)
{
    return in->len && (unsigned char)in->data[0] == tag && der_next(in, item);
}

bool der_take(struct span *in, unsigned tag, struct span *body)
{
    struct der_item item;

    if (!der_next_is(in, tag, &item))
        return false;
    *body = item.body;
    return true;
}

bool der_to_bool(struct span body, bool *value)
{
    unsigned char byte = body.len == 1 ? (unsigned char)body.data[0] : 1;

    if (byte != 0 && byte != 0xff)
        return false;
    *value = byte != 0;
    return true;
}

bool der_to_unsigned(struct span body, unsigned *value)
{
    const unsigned char *p = (const unsigned char *)body.data;

    if (body.len < 1 || body.len > 4 || (p[0] & 0x80))
        return false;
    *value = 0;
    for (size_t i = 0; i < body.len; i++)
        *value = *value << 8 | p[i];
    return true;
}

/* Digits, two by two. */
static bool take_pair(struct span *text, int *value)
{
    int tens, ones;

    if (text->len < 2)
        return false;
    tens = text->data[0] - '0';
    ones = text->data[1] - '0';
    if (tens < 0 || tens > 9 || ones < 0 || ones > 9)
        return false;
    *value = 10 * tens + ones;
    *text = span_skip(*text, 2);
    return true;
}

bool der_to_time(const struct der_item *item, int64_t *unix_s)
{
    struct span text = item->body;
    struct tm tm = {.tm_isdst = 0};
    int century = 0, year;

    if (item->tag != DER_UTC_TIME && item->tag != DER_GENERALIZED_TIME)
        return false;
    if (item->tag == DER_GENERALIZED_TIME && !take_pair(&text, &century))
        return false;
    if (!take_pair(&text, &year) || !take_pair(&text, &tm.tm_mon) ||
        !take_pair(&text, &tm.tm_mday) || !take_pair(&text, &tm.tm_hour) ||
        !take_pair(&text, &tm.tm_min) || !take_pair(&text, &tm.tm_sec))
        return false;
    if (!span_equals(text, SPAN("Z")) || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 ||
        tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 59)
        return false;
    if (item->tag == DER_UTC_TIME)
        century = year < 50 ? 20 : 19;
    tm.tm_year = century * 100 + year - 1900;
    tm.tm_mon--;
    *unix_s = timegm(&tm);
    return true;
}
