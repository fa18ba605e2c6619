/* der_text - DER put together by hand: what openssl(1) would not make.
 *
 * What is made lives to the end of the program, in one buffer. */
#ifndef RINGWAY_TESTS_DER_TEXT_H
#define RINGWAY_TESTS_DER_TEXT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base.h"
#include "core/span.h"
#include "io/tls_x509.h"

#define DER_PARTS_MAX 16

/* An item of a tag and of all that is inside. */
#define DER(tag, ...) \
    der_item_of(tag, (const struct span[DER_PARTS_MAX + 1]){__VA_ARGS__}, DER_PARTS_MAX)
#define DER_TEXT(tag, literal) DER(tag, SPAN(literal))
#define SEQ(...) DER(DER_SEQUENCE, __VA_ARGS__)
#define JOIN(...) der_join((const struct span[DER_PARTS_MAX + 1]){__VA_ARGS__}, DER_PARTS_MAX)

static char der_bytes[1 << 20];
static size_t der_used;

/* Parts behind the last one are empty. */
static struct span der_join(const struct span *parts, size_t count)
{
    char *start = der_bytes + der_used;

    assert_int_equal(parts[count].len, 0);
    for (size_t i = 0; i < count; i++) {
        assert_true(der_used + parts[i].len <= sizeof(der_bytes));
        if (parts[i].len)
            memcpy(der_bytes + der_used, parts[i].data, parts[i].len);
        der_used += parts[i].len;
    }
    return span_of(start, (size_t)(der_bytes + der_used - start));
}

static struct span der_item_of(unsigned tag, const struct span *parts, size_t count)
{
    struct span body = der_join(parts, count);
    char header[4] = {(char)tag, (char)body.len};
    size_t len = 2;

    if (body.len >= 0x80) {
        assert_true(body.len < 0x10000);
        header[1] = (char)0x82;
        header[2] = (char)(body.len >> 8);
        header[3] = (char)body.len;
        len = 4;
    }
    if (body.len >= 0x80 && body.len < 0x100) {
        header[1] = (char)0x81;
        header[2] = (char)body.len;
        len = 3;
    }
    return JOIN(span_of(header, len), body);
}

#endif
