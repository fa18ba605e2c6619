/* proxy_protocol - reading the header before a connection's first byte. */
#include "http/proxy_protocol.h"

#include <stdio.h>
#include <string.h>

#include "http/bytes.h"

#define V1_BYTES_MAX 107 /* section 2.1, with its CR LF */
#define V2_HEAD_BYTES 16
#define V2_IP4_BYTES 12
#define V2_IP6_BYTES 36
#define TLV_HEAD_BYTES 3
#define TLV_SSL 0x20
#define SSL_HEAD_BYTES 5 /* which bits hold, and what verifying came to */

/* ---- version 1 ---- */

/* The next word, and the space behind it, taken out of *rest. */
static struct span take_word(struct span *rest)
{
    size_t end = span_index_of(*rest, ' ');
    struct span word = span_take(*rest, end);

    *rest = span_skip(*rest, size_min(end + 1, rest->len));
    return word;
}

static int parse_port(struct span text, uint16_t *port)
{
    uint64_t number;

    if (!text.len || text.len > 5 || span_to_u64(text, &number) < 0 || number > UINT16_MAX)
        return -EINVAL;
    *port = (uint16_t)number;
    return 0;
}

static int parse_endpoint(struct span ip, struct span port, int family, struct endpoint *out)
{
    struct address a;
    uint16_t number;

    if (ip.len && ip.data[0] == '[')
        return -EINVAL;
    if (parse_port(port, &number) < 0 || address_parse_ip(ip, 0, &a) < 0 ||
        a.u.any.sa_family != family)
        return -EINVAL;
    *out = endpoint_of(&a);
    out->port = number;
    return 0;
}

/* "PROXY TCP4 192.0.2.1 192.0.2.2 50000 80", without its CR LF. */
static int parse_line(struct span line, struct proxy_header *out)
{
    struct span rest = span_skip(line, SPAN("PROXY ").len);
    struct span protocol = take_word(&rest), words[4];
    int family = AF_INET;

    if (span_equals(protocol, SPAN("UNKNOWN")))
        return 0; /* whatever follows is to be ignored */
    if (span_equals(protocol, SPAN("TCP6")))
        family = AF_INET6;
    else if (!span_equals(protocol, SPAN("TCP4")))
        return -EINVAL;
    for (size_t i = 0; i < COUNT_OF(words); i++)
        words[i] = take_word(&rest);
    if (rest.len || span_ends_with(line, SPAN(" ")) ||
        parse_endpoint(words[0], words[2], family, &out->source) < 0 ||
        parse_endpoint(words[1], words[3], family, &out->destination) < 0)
        return -EINVAL;
    return 0;
}

static enum proxy_header_result parse_v1(struct span input, struct proxy_header *out, size_t *used)
{
    struct span head = span_take(input, size_min(input.len, V1_BYTES_MAX));
    size_t end = span_index_of(head, '\n');

    if (end == head.len)
        return input.len < V1_BYTES_MAX ? PROXY_HEADER_MORE : PROXY_HEADER_BROKEN;
    if (end == 0 || head.data[end - 1] != '\r' || parse_line(span_take(head, end - 1), out) < 0)
        return PROXY_HEADER_BROKEN;
    *used = end + 1;
    return PROXY_HEADER_DONE;
}

/* ---- version 2 ---- */

static unsigned byte_at(struct span s, size_t i)
{
    return (unsigned char)s.data[i];
}

static uint16_t u16_at(struct span s, size_t i)
{
    return (uint16_t)(byte_at(s, i) << 8 | byte_at(s, i + 1));
}

static struct endpoint binary_endpoint(struct span ip, sa_family_t family, uint16_t port)
{
    struct endpoint e = {.family = family, .port = port};

    memcpy(e.ip, ip.data, ip.len);
    return e;
}

/* Both addresses of so many bytes each, then both ports. */
static void take_addresses(struct span body, size_t ip_bytes, sa_family_t family,
                           struct proxy_header *out)
{
    out->source = binary_endpoint(span_take(body, ip_bytes), family, u16_at(body, 2 * ip_bytes));
    out->destination = binary_endpoint(span_take(span_skip(body, ip_bytes), ip_bytes), family,
                                       u16_at(body, 2 * ip_bytes + 2));
}

/* What is no TCP over IP is taken as if it said nothing: section 2.2. */
static int parse_body(unsigned family, struct span body, struct proxy_header *out)
{
    if (family == 0x11) {
        if (body.len < V2_IP4_BYTES)
            return -EINVAL;
        take_addresses(body, sizeof(struct in_addr), AF_INET, out);
        out->tlvs = span_skip(body, V2_IP4_BYTES);
    } else if (family == 0x21) {
        if (body.len < V2_IP6_BYTES)
            return -EINVAL;
        take_addresses(body, sizeof(struct in6_addr), AF_INET6, out);
        out->tlvs = span_skip(body, V2_IP6_BYTES);
    }
    return 0;
}

static enum proxy_header_result parse_v2(struct span input, struct proxy_header *out, size_t *used)
{
    unsigned version, command;
    size_t len;

    if (input.len < V2_HEAD_BYTES)
        return PROXY_HEADER_MORE;
    version = byte_at(input, 12) >> 4;
    command = byte_at(input, 12) & 0xf;
    len = V2_HEAD_BYTES + u16_at(input, 14);
    if (version != 2 || command > 1 || len > PROXY_HEADER_BYTES_MAX)
        return PROXY_HEADER_BROKEN;
    if (input.len < len)
        return PROXY_HEADER_MORE;
    /* LOCAL: the balancer's own, as for a health check. */
    if (command == 1 &&
        parse_body(byte_at(input, 13), span_skip(span_take(input, len), V2_HEAD_BYTES), out) < 0)
        return PROXY_HEADER_BROKEN;
    *used = len;
    return PROXY_HEADER_DONE;
}

/* ---- either ---- */

/* As far as there is something to compare. */
static bool may_begin_with(struct span input, struct span start)
{
    size_t len = size_min(input.len, start.len);

    return span_equals(span_take(input, len), span_take(start, len));
}

enum proxy_header_result proxy_header_parse(struct span input, struct proxy_header *out,
                                            size_t *used)
{
    const struct span v1 = SPAN("PROXY ");
    const struct span v2 = SPAN("\r\n\r\n\0\r\nQUIT\n");

    *out = (struct proxy_header){0};
    if (may_begin_with(input, v1))
        return input.len < v1.len ? PROXY_HEADER_MORE : parse_v1(input, out, used);
    if (may_begin_with(input, v2))
        return input.len < v2.len ? PROXY_HEADER_MORE : parse_v2(input, out, used);
    return PROXY_HEADER_BROKEN;
}

/* ---- TLVs ---- */

/* The value of the first of that type; SPAN_NONE also where they are cut short. */
static struct span find_tlv(struct span tlvs, unsigned type)
{
    while (tlvs.len >= TLV_HEAD_BYTES) {
        size_t len = u16_at(tlvs, 1);
        struct span value = span_skip(tlvs, TLV_HEAD_BYTES);

        if (len > value.len)
            return SPAN_NONE;
        if (byte_at(tlvs, 0) == type)
            return span_take(value, len);
        tlvs = span_skip(value, len);
    }
    return SPAN_NONE;
}

/* "0x" and one or two digits; -1 for anything else. */
static int type_of_hex(struct span name)
{
    int type = 0;

    if (!span_starts_with_nocase(name, SPAN("0x")) || name.len < 3 || name.len > 4)
        return -1;
    for (size_t i = 2; i < name.len; i++) {
        int digit = byte_hex_value(name.data[i]);

        if (digit < 0)
            return -1;
        type = type * 16 + digit;
    }
    return type;
}

struct tlv_name {
    const char *name;
    int type;
};

static int type_of(const struct tlv_name *names, size_t count, struct span name)
{
    for (size_t i = 0; i < count; i++) {
        if (span_equals(name, span_of_cstr(names[i].name)))
            return names[i].type;
    }
    return type_of_hex(name);
}

static struct span ssl_tlv(struct span ssl, struct span name, char *scratch)
{
    static const struct tlv_name names[] = {
        {"version", 0x21}, {"cn", 0x22}, {"cipher", 0x23}, {"sig_alg", 0x24}, {"key_alg", 0x25},
    };
    int type;

    if (ssl.len < SSL_HEAD_BYTES)
        return SPAN_NONE;
    if (span_equals(name, SPAN("verify"))) {
        unsigned verify = (unsigned)u16_at(ssl, 1) << 16 | u16_at(ssl, 3);

        return span_of(scratch, (size_t)snprintf(scratch, PROXY_TLV_TEXT_BYTES, "%u", verify));
    }
    type = type_of(names, COUNT_OF(names), name);
    return type < 0 ? SPAN_NONE : find_tlv(span_skip(ssl, SSL_HEAD_BYTES), (unsigned)type);
}

struct span proxy_header_tlv(const struct proxy_header *h, struct span name,
                             char scratch[PROXY_TLV_TEXT_BYTES])
{
    static const struct tlv_name names[] = {
        {"alpn", 0x01}, {"authority", 0x02}, {"unique_id", 0x05}, {"ssl", TLV_SSL}, {"netns", 0x30},
    };
    int type;

    if (span_starts_with(name, SPAN("ssl_")))
        return ssl_tlv(find_tlv(h->tlvs, TLV_SSL), span_skip(name, SPAN("ssl_").len), scratch);
    type = type_of(names, COUNT_OF(names), name);
    return type < 0 ? SPAN_NONE : find_tlv(h->tlvs, (unsigned)type);
}
