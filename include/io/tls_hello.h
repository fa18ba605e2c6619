/* tls_hello - a ClientHello, read before wolfSSL sees it.
 *
 * Which context a session belongs to (certificates, protocols, suites, whether a client
 * certificate is asked for) depends on the name in it, and wolfSSL cannot change all of that once
 * a session exists. Pure: bytes in, views out. */
#ifndef RINGWAY_IO_TLS_HELLO_H
#define RINGWAY_IO_TLS_HELLO_H

#include "core/span.h"

/* A larger ClientHello is refused; OpenSSL's limit is about the same. */
#define HELLO_BYTES_MAX (64 * 1024)

/* Cut into more records it is refused: reading it anew with each byte would cost too much. */
#define HELLO_RECORDS_MAX 64

/* Views into the handshake message; empty without the extension. */
struct tls_hello {
    struct span server_name;       /* as it was written */
    struct span alpn;              /* RFC 7301: names, each behind its length */
    struct span signature_schemes; /* RFC 8446 section 4.2.3: two bytes each */
    struct span suites;            /* two bytes each */
    struct span key_shares;        /* RFC 8446 section 4.2.8: groups, each before its key */
    bool has_server_name;
    bool has_alpn;
    bool asks_status; /* RFC 6066 section 8: for an OCSP response */
    bool sends_early; /* RFC 8446 section 4.2.10: data behind it, under the ticket's key */
    bool offers_tls12;
    bool offers_tls13;
};

enum tls_hello_result {
    HELLO_OK,
    HELLO_NEEDS_INPUT,
    HELLO_IS_PLAIN_TEXT, /* the first byte is a letter: probably an HTTP request */
    HELLO_IS_BROKEN,
    HELLO_NO_MEMORY,
};

/* Input that is kept until the ClientHello is complete. */
struct tls_hello_buffer {
    size_t len;
    size_t size;
    char *bytes;
};

/* Looks at records from their first byte. HELLO_OK: *hello is filled with views of *message,
 * which is either a part of records, or in *joined, that the caller frees, when the message is
 * spread over several. */
enum tls_hello_result tls_hello_read(struct span records, struct tls_hello *hello, char **joined);

/* Appends. 0, -ENOMEM, or -EMSGSIZE beyond HELLO_BYTES_MAX. */
int tls_hello_buffer_add(struct tls_hello_buffer *b, struct span more) MUST_USE;

/* True when the list of protocol names has this one. */
bool tls_hello_offers_protocol(const struct tls_hello *hello, struct span name);

/* True when a list of two-byte numbers has this one. */
bool tls_hello_has_number(struct span list, uint16_t number);

/* Takes the first group off the front of key_shares; false: there is none. */
bool tls_hello_next_key_share(struct span *shares, uint16_t *group);

#endif
