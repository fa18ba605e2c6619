/* proxy_protocol - the header that a load balancer puts before a connection's first byte: whose
 * connection it is. Versions 1 (text) and 2 (binary) of haproxy.org's proxy-protocol.txt.
 *
 * Pure. A header is read only when all of it is there. */
#ifndef RINGWAY_HTTP_PROXY_PROTOCOL_H
#define RINGWAY_HTTP_PROXY_PROTOCOL_H

#include "core/address.h"

#define PROXY_HEADER_BYTES_MAX 4096 /* a longer one is broken, as in nginx */
#define PROXY_TLV_TEXT_BYTES 11

struct proxy_header {
    struct endpoint source, destination; /* AF_UNSPEC: it does not say */
    struct span tlvs;                    /* of version 2: points into the header */
};

enum proxy_header_result {
    PROXY_HEADER_MORE, /* what is there may be the beginning of one */
    PROXY_HEADER_DONE,
    PROXY_HEADER_BROKEN,
};

/* Reads the header that the input begins with. DONE: *out, and its length in *used. */
enum proxy_header_result proxy_header_parse(struct span input, struct proxy_header *out,
                                            size_t *used);

/* The value of a TLV by nginx's name for it: "alpn", "authority", "unique_id", "ssl", "netns",
 * "0x01", and within that of TLS "ssl_version", "ssl_cn", "ssl_cipher", "ssl_sig_alg",
 * "ssl_key_alg", "ssl_0x21", "ssl_verify" (a number, written to scratch). SPAN_NONE: there is none
 * such. */
struct span proxy_header_tlv(const struct proxy_header *h, struct span name,
                             char scratch[PROXY_TLV_TEXT_BYTES]);

#endif
