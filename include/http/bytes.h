/* bytes - which bytes may stand where: the sets of RFC 9110 and RFC 3986, as one table. */
#ifndef RINGWAY_HTTP_BYTES_H
#define RINGWAY_HTTP_BYTES_H

#include "core/span.h"

#define BYTE_TOKEN 1u    /* tchar, RFC 9110 section 5.6.2 */
#define BYTE_PLAIN 2u    /* A-Z a-z 0-9 '-': what ordinary field names are made of */
#define BYTE_REG_NAME 4u /* unreserved / sub-delims, RFC 3986 section 3.2.2 */
#define BYTE_PATH 8u     /* pchar without pct-encoded, and '/', RFC 3986 section 3.3 */

extern const unsigned char byte_classes[256];

static inline bool byte_is(char c, unsigned class)
{
    return byte_classes[(unsigned char)c] & class;
}

/* 0 to 15, or -1. */
static inline int byte_hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The index of the first control byte other than a tab (DEL is one), or s.len. */
size_t text_end(struct span s);

#endif
