/* http_proxy_protocol - whatever comes before a connection's first byte is no header, a part of
 * one, or a whole one; in whatever pieces it comes, the same. */
#include "http/proxy_protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned sink;

static void read_tlv(const struct proxy_header *h, struct span name)
{
    char scratch[PROXY_TLV_TEXT_BYTES];
    struct span value = proxy_header_tlv(h, name, scratch);

    for (size_t i = 0; i < value.len; i++)
        sink += (unsigned char)value.data[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = span_of((const char *)data, size);
    struct proxy_header h, other;
    size_t used = 0, again = 0;
    enum proxy_header_result whole = proxy_header_parse(input, &h, &used);

    for (size_t i = 0; i < size_min(size, 300); i++) {
        enum proxy_header_result part = proxy_header_parse(span_take(input, i), &other, &again);

        assert(part == PROXY_HEADER_MORE || part == whole);
        if (part == PROXY_HEADER_DONE)
            assert(again == used);
    }
    if (whole != PROXY_HEADER_DONE)
        return 0;
    assert(used <= size);
    assert(used <= PROXY_HEADER_BYTES_MAX);
    read_tlv(&h, SPAN("ssl"));
    read_tlv(&h, SPAN("ssl_verify"));
    read_tlv(&h, SPAN("ssl_cn"));
    read_tlv(&h, SPAN("0x01"));
    read_tlv(&h, span_take(input, size_min(size, 12)));
    return 0;
}
