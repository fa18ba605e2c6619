/* Tests of http/proxy_protocol: both versions, in whatever pieces they come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/proxy_protocol.h"

#define V2 "\r\n\r\n\0\r\nQUIT\n"
#define IP4 "\xc0\x00\x02\x01\xc0\x00\x02\x02\xc3\x50\x00\x50" /* 192.0.2.1:50000, .2:80 */
#define IP6_A "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
#define IP6_B "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"

static enum proxy_header_result parse(struct span input, struct proxy_header *h, size_t *used)
{
    *used = 0;
    return proxy_header_parse(input, h, used);
}

/* It is whole, not before its last byte, and what follows is not of it. */
static struct proxy_header whole(struct span header)
{
    struct proxy_header h;
    char *text = malloc(header.len + 1);
    size_t used;

    assert_non_null(text);
    memcpy(text, header.data, header.len);
    text[header.len] = 'G';
    for (size_t i = 0; i < header.len; i++)
        assert_int_equal(parse(span_take(header, i), &h, &used), PROXY_HEADER_MORE);
    assert_int_equal(parse(span_of(text, header.len + 1), &h, &used), PROXY_HEADER_DONE);
    assert_int_equal(used, header.len);
    free(text);
    assert_int_equal(parse(header, &h, &used), PROXY_HEADER_DONE);
    return h;
}

static void assert_endpoint(const struct endpoint *e, const char *host, uint16_t port)
{
    char text[ADDRESS_TEXT_BYTES];

    (void)endpoint_format_host(e, text);
    assert_string_equal(text, host);
    assert_int_equal(e->port, port);
}

/* --- version 1 -------------------------------------------------------------------------------- */

static void a_line_names_both_ends(void **state)
{
    struct proxy_header h = whole(SPAN("PROXY TCP4 192.0.2.1 192.0.2.2 50000 80\r\n"));

    (void)state;
    assert_endpoint(&h.source, "192.0.2.1", 50000);
    assert_endpoint(&h.destination, "192.0.2.2", 80);
    h = whole(SPAN("PROXY TCP6 2001:db8::1 ::1 0 65535\r\n"));
    assert_endpoint(&h.source, "2001:db8::1", 0);
    assert_endpoint(&h.destination, "::1", 65535);
}

static void an_unknown_line_says_nothing(void **state)
{
    static const char *const lines[] = {"PROXY UNKNOWN\r\n", "PROXY UNKNOWN ::1 what ever 9\r\n"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct proxy_header h = whole(span_of_cstr(lines[i]));

        assert_int_equal(h.source.family, AF_UNSPEC);
        assert_int_equal(h.destination.family, AF_UNSPEC);
    }
}

static void a_line_may_have_107_bytes(void **state)
{
    struct proxy_header h;
    char line[109];
    size_t used;

    (void)state;
    memset(line, 'x', sizeof(line));
    memcpy(line, "PROXY UNKNOWN ", 14);
    memcpy(line + 105, "\r\n", 2);
    assert_int_equal(parse(span_of(line, 106), &h, &used), PROXY_HEADER_MORE);
    assert_int_equal(parse(span_of(line, 107), &h, &used), PROXY_HEADER_DONE);
    memcpy(line + 105, "x\r\n", 3);
    assert_int_equal(parse(span_of(line, 108), &h, &used), PROXY_HEADER_BROKEN);
}

static void other_lines_are_broken(void **state)
{
    static const char *const lines[] = {
        "GET / HTTP/1.1\r\n",
        "proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 000001 2\r\n",
        "PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n",
        "PROXY TCP4 ::1 192.0.2.2 1 2\r\n",
        "PROXY TCP6 192.0.2.1 ::1 1 2\r\n",
        "PROXY TCP6 [::1] ::1 1 2\r\n",
        "PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n",
        "PROXY TCP4\t192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n",
        "PROXY \n",
        "PROXY \r\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct proxy_header h;
        size_t used;

        if (parse(span_of_cstr(lines[i]), &h, &used) != PROXY_HEADER_BROKEN)
            fail_msg("taken: %s", lines[i]);
    }
}

/* --- version 2 -------------------------------------------------------------------------------- */

static void bytes_name_both_ends(void **state)
{
    struct proxy_header h = whole(SPAN(V2 "\x21\x11\x00\x0c" IP4));

    (void)state;
    assert_endpoint(&h.source, "192.0.2.1", 50000);
    assert_endpoint(&h.destination, "192.0.2.2", 80);
    assert_int_equal(h.tlvs.len, 0);
    h = whole(SPAN(V2 "\x21\x21\x00\x24" IP6_A IP6_B "\x00\x01\xff\xff"));
    assert_endpoint(&h.source, "2001:db8::1", 1);
    assert_endpoint(&h.destination, "2001:db8::2", 65535);
}

static void what_is_no_tcp_says_nothing(void **state)
{
    static const struct span headers[] = {
        SPAN(V2 "\x20\x11\x00\x0c" IP4),         /* LOCAL */
        SPAN(V2 "\x20\x00\x00\x00"),             /* LOCAL, as health checks send it */
        SPAN(V2 "\x21\x00\x00\x00"),             /* UNSPEC */
        SPAN(V2 "\x21\x12\x00\x0c" IP4),         /* UDP */
        SPAN(V2 "\x21\x31\x00\x02\x41\x42"),     /* unix */
        SPAN(V2 "\x21\x00\x00\x03\x01\x00\x00"), /* UNSPEC with a TLV */
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(headers); i++) {
        struct proxy_header h = whole(headers[i]);

        assert_int_equal(h.source.family, AF_UNSPEC);
        assert_int_equal(h.tlvs.len, 0);
    }
}

static void other_bytes_are_broken(void **state)
{
    static const struct span headers[] = {
        SPAN(V2 "\x11\x11\x00\x0c" IP4), /* version 1 in binary */
        SPAN(V2 "\x31\x11\x00\x0c" IP4), /* version 3 */
        SPAN(V2 "\x22\x11\x00\x0c" IP4), /* no such command */
        SPAN(V2 "\x21\x11\x00\x0b" IP4), /* too short for its addresses */
        SPAN(V2 "\x21\x21\x00\x23" IP6_A IP6_B "\x00\x01\xff"),
        SPAN(V2 "\x21\x11\x0f\xf1"), /* a byte more than the limit */
        SPAN("\r\n\r\n\0\r\nQUIT\r\x21\x11\x00\x0c" IP4),
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(headers); i++) {
        struct proxy_header h;
        size_t used;

        assert_int_equal(parse(headers[i], &h, &used), PROXY_HEADER_BROKEN);
    }
}

static void a_header_may_have_4096_bytes(void **state)
{
    static char header[PROXY_HEADER_BYTES_MAX];
    struct proxy_header h;
    size_t used;

    (void)state;
    memcpy(header, V2 "\x21\x11\x0f\xf0" IP4, 28);
    assert_int_equal(parse(span_of(header, sizeof(header) - 1), &h, &used), PROXY_HEADER_MORE);
    assert_int_equal(parse(span_of(header, sizeof(header)), &h, &used), PROXY_HEADER_DONE);
    assert_int_equal(h.tlvs.len, PROXY_HEADER_BYTES_MAX - 28);
}

/* --- TLVs ------------------------------------------------------------------------------------- */

static void assert_tlv(struct span tlvs, const char *name, const char *value)
{
    const struct proxy_header h = {.tlvs = tlvs};
    char scratch[PROXY_TLV_TEXT_BYTES];
    struct span found = proxy_header_tlv(&h, span_of_cstr(name), scratch);

    if (!value)
        assert_null(found.data);
    else if (!span_equals(found, span_of_cstr(value)))
        fail_msg("%s: %.*s", name, SPAN_ARG(found));
}

static void tlvs_are_found_by_name_and_number(void **state)
{
    static const struct span tlvs =
        SPAN("\x01\x00\x02h2\x02\x00\x03web\x05\x00\x01u\x30\x00\x01n\xea\x00\x03vpc\x01\x00\x01x");

    (void)state;
    assert_tlv(tlvs, "alpn", "h2");
    assert_tlv(tlvs, "authority", "web");
    assert_tlv(tlvs, "unique_id", "u");
    assert_tlv(tlvs, "netns", "n");
    assert_tlv(tlvs, "0xea", "vpc");
    assert_tlv(tlvs, "0xEA", "vpc");
    assert_tlv(tlvs, "0x1", "h2");
    assert_tlv(tlvs, "0xeb", NULL);
    assert_tlv(tlvs, "0x", NULL);
    assert_tlv(tlvs, "0x001", NULL);
    assert_tlv(tlvs, "0xg1", NULL);
    assert_tlv(tlvs, "nothing", NULL);
    assert_tlv(tlvs, "ssl_cn", NULL);
}

static void those_of_tls_lie_within_one(void **state)
{
    static const struct span tlvs = SPAN("\x02\x00\x01w\x20\x00\x19\x01\xff\xff\xff\xff"
                                         "\x21\x00\x07TLSv1.3\x22\x00\x07"
                                         "a.b.c.d");

    (void)state;
    assert_tlv(tlvs, "ssl_version", "TLSv1.3");
    assert_tlv(tlvs, "ssl_cn", "a.b.c.d");
    assert_tlv(tlvs, "ssl_0x22", "a.b.c.d");
    assert_tlv(tlvs, "ssl_verify", "4294967295");
    assert_tlv(tlvs, "ssl_cipher", NULL);
    assert_tlv(tlvs, "ssl_", NULL);
}

static void tlvs_that_are_cut_short_have_no_value(void **state)
{
    (void)state;
    assert_tlv(SPAN("\x02\x00\x04web"), "authority", NULL);
    assert_tlv(SPAN("\x02\x00"), "authority", NULL);
    assert_tlv(SPAN("\x20\x00\x04\x01\x00\x00\x00"), "ssl_verify", NULL);
    assert_tlv(SPAN("\x20\x00\x08\x01\x00\x00\x00\x00\x22\x00\x09"), "ssl_cn", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_names_both_ends),
        cmocka_unit_test(an_unknown_line_says_nothing),
        cmocka_unit_test(a_line_may_have_107_bytes),
        cmocka_unit_test(other_lines_are_broken),
        cmocka_unit_test(bytes_name_both_ends),
        cmocka_unit_test(what_is_no_tcp_says_nothing),
        cmocka_unit_test(other_bytes_are_broken),
        cmocka_unit_test(a_header_may_have_4096_bytes),
        cmocka_unit_test(tlvs_are_found_by_name_and_number),
        cmocka_unit_test(those_of_tls_lie_within_one),
        cmocka_unit_test(tlvs_that_are_cut_short_have_no_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
