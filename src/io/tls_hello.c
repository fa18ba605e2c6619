/* tls_hello - a ClientHello, read before wolfSSL sees it.
 *
 * RFC 8446 sections 4.1.2 and 5.1, RFC 6066 section 3. wolfSSL checks the message again: this
 * reads what it needs and is strict about lengths only. */
#include "io/tls_hello.h"

#include <stdlib.h>
#include <string.h>

#define RECORD_HEADER_BYTES 5
#define MESSAGE_HEADER_BYTES 4
#define RECORD_IS_HANDSHAKE 22
#define MESSAGE_IS_HELLO 1
#define RECORD_BODY_MAX 16384
#define RANDOM_BYTES 32

enum {
    EXTENSION_SERVER_NAME = 0,
    EXTENSION_STATUS = 5,
    EXTENSION_SIGNATURES = 13,
    EXTENSION_ALPN = 16,
    EXTENSION_EARLY_DATA = 42,
    EXTENSION_VERSIONS = 43,
    EXTENSION_KEY_SHARES = 51
};
#define NAME_IS_HOST 0
#define STATUS_IS_OCSP 1
#define SERVER_NAME_MAX 255
#define VERSION_TLS12 0x0303
#define VERSION_TLS13 0x0304

/* Reads from the front; is_broken once there was too little. */
struct reader {
    struct span left;
    bool is_broken;
};

static struct span take(struct reader *r, size_t n)
{
    struct span taken;

    if (n > r->left.len) {
        r->is_broken = true;
        return SPAN_NONE;
    }
    taken = span_take(r->left, n);
    r->left = span_skip(r->left, n);
    return taken;
}

static size_t take_number(struct reader *r, size_t bytes)
{
    struct span s = take(r, bytes);
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++)
        n = n << 8 | (unsigned char)s.data[i];
    return n;
}

/* A vector behind its length. */
static struct span take_vector(struct reader *r, size_t length_bytes)
{
    return take(r, take_number(r, length_bytes));
}

static struct reader reader_of(struct span s)
{
    return (struct reader){.left = s};
}

static bool read_server_name(struct span body, struct tls_hello *hello)
{
    struct reader r = reader_of(body);
    struct reader list = reader_of(take_vector(&r, 2));

    while (!list.is_broken && list.left.len) {
        size_t type = take_number(&list, 1);
        struct span name = take_vector(&list, 2);

        if (type == NAME_IS_HOST && !hello->has_server_name) {
            hello->server_name = name;
            hello->has_server_name = true;
        }
    }
    return !r.is_broken && !list.is_broken && hello->server_name.len <= SERVER_NAME_MAX &&
           !(hello->has_server_name && !hello->server_name.len) &&
           span_index_of(hello->server_name, '\0') == hello->server_name.len;
}

static bool read_versions(struct span body, struct tls_hello *hello)
{
    struct reader r = reader_of(body);
    struct span list = take_vector(&r, 1);

    hello->offers_tls12 = tls_hello_has_number(list, VERSION_TLS12);
    hello->offers_tls13 = tls_hello_has_number(list, VERSION_TLS13);
    return !r.is_broken;
}

static bool read_extension(size_t type, struct span body, struct tls_hello *hello)
{
    struct reader r = reader_of(body);

    switch (type) {
    case EXTENSION_SERVER_NAME:
        return read_server_name(body, hello);
    case EXTENSION_STATUS:
        hello->asks_status = take_number(&r, 1) == STATUS_IS_OCSP;
        return !r.is_broken;
    case EXTENSION_VERSIONS:
        return read_versions(body, hello);
    case EXTENSION_SIGNATURES:
        hello->signature_schemes = take_vector(&r, 2);
        return !r.is_broken;
    case EXTENSION_ALPN:
        hello->alpn = take_vector(&r, 2);
        hello->has_alpn = true;
        return !r.is_broken;
    case EXTENSION_EARLY_DATA:
        hello->sends_early = true;
        return true;
    case EXTENSION_KEY_SHARES:
        hello->key_shares = take_vector(&r, 2);
        return !r.is_broken;
    default:
        return true;
    }
}

static enum tls_hello_result read_message(struct span body, struct tls_hello *hello)
{
    struct reader r = reader_of(body);
    struct reader extensions;

    *hello = (struct tls_hello){.offers_tls13 = false};
    /* The extension, where there is one, says it anew. */
    hello->offers_tls12 = take_number(&r, 2) >= VERSION_TLS12;
    (void)take(&r, RANDOM_BYTES);
    (void)take_vector(&r, 1);
    hello->suites = take_vector(&r, 2);
    (void)take_vector(&r, 1);
    if (r.is_broken)
        return HELLO_IS_BROKEN;
    extensions = reader_of(r.left.len ? take_vector(&r, 2) : SPAN_NONE);
    while (!extensions.is_broken && extensions.left.len) {
        size_t type = take_number(&extensions, 2);
        struct span extension = take_vector(&extensions, 2);

        if (extensions.is_broken || !read_extension(type, extension, hello))
            return HELLO_IS_BROKEN;
    }
    return r.is_broken || extensions.is_broken || r.left.len ? HELLO_IS_BROKEN : HELLO_OK;
}

/* The record at the front: its body, as far as it is there. */
static enum tls_hello_result next_record(struct span *records, struct span *body)
{
    const unsigned char *p = (const unsigned char *)records->data;
    size_t len;

    if (records->len && p[0] != RECORD_IS_HANDSHAKE)
        return HELLO_IS_BROKEN;
    if (records->len > 1 && p[1] != 3)
        return HELLO_IS_BROKEN;
    if (records->len < RECORD_HEADER_BYTES)
        return HELLO_NEEDS_INPUT;
    len = (size_t)p[3] << 8 | p[4];
    if (len == 0 || len > RECORD_BODY_MAX)
        return HELLO_IS_BROKEN;
    *records = span_skip(*records, RECORD_HEADER_BYTES);
    *body = span_take(*records, size_min(len, records->len));
    *records = span_skip(*records, body->len);
    return body->len == len ? HELLO_OK : HELLO_NEEDS_INPUT;
}

/* The handshake message's length with its header, once that header is there; else 0. */
static size_t message_length(struct span message)
{
    struct reader r = reader_of(span_skip(message, size_min(1, message.len)));

    return message.len < MESSAGE_HEADER_BYTES ? 0 : MESSAGE_HEADER_BYTES + take_number(&r, 3);
}

static enum tls_hello_result check_start(struct span message)
{
    if (message.len && message.data[0] != MESSAGE_IS_HELLO)
        return HELLO_IS_BROKEN;
    return message_length(message) > HELLO_BYTES_MAX ? HELLO_IS_BROKEN : HELLO_OK;
}

/* The message lies in more than one record. */
static enum tls_hello_result join(struct span records, struct tls_hello *hello, char **joined)
{
    char *message = malloc(records.len);
    size_t len = 0, count = 0;
    enum tls_hello_result result;
    struct span body;

    if (!message)
        return HELLO_NO_MEMORY;
    do {
        result = next_record(&records, &body);
        if (result != HELLO_OK)
            break;
        memcpy(message + len, body.data, body.len);
        len += body.len;
        result = check_start(span_of(message, len));
        if (result == HELLO_OK &&
            (len < MESSAGE_HEADER_BYTES || len < message_length(span_of(message, len))))
            result = HELLO_NEEDS_INPUT;
        if (++count == HELLO_RECORDS_MAX && result == HELLO_NEEDS_INPUT)
            result = HELLO_IS_BROKEN;
    } while (result == HELLO_NEEDS_INPUT && records.len);
    if (result == HELLO_OK)
        result = read_message(span_of(message + MESSAGE_HEADER_BYTES,
                                      message_length(span_of(message, len)) - MESSAGE_HEADER_BYTES),
                              hello);
    if (result == HELLO_OK)
        *joined = message;
    else
        free(message);
    return result;
}

enum tls_hello_result tls_hello_read(struct span records, struct tls_hello *hello, char **joined)
{
    struct span rest = records, body = SPAN_NONE;
    enum tls_hello_result result;
    size_t len;

    *joined = NULL;
    if (records.len && ascii_lower(records.data[0]) >= 'a' && ascii_lower(records.data[0]) <= 'z')
        return HELLO_IS_PLAIN_TEXT;
    result = next_record(&rest, &body);
    if (result == HELLO_IS_BROKEN || check_start(body) == HELLO_IS_BROKEN)
        return HELLO_IS_BROKEN;
    if (result == HELLO_NEEDS_INPUT)
        return result;
    len = message_length(body);
    if (!len || len > body.len)
        return rest.len ? join(records, hello, joined) : HELLO_NEEDS_INPUT;
    body = span_take(body, len);
    return read_message(span_skip(body, MESSAGE_HEADER_BYTES), hello);
}

int tls_hello_buffer_add(struct tls_hello_buffer *b, struct span more)
{
    size_t size = b->size ? b->size : 1024;
    char *bytes;

    /* Records add headers to the message: twice its limit is never needed by a sane peer. */
    if (b->len + more.len > 2 * HELLO_BYTES_MAX)
        return -EMSGSIZE;
    while (size < b->len + more.len)
        size *= 2;
    bytes = size > b->size ? realloc(b->bytes, size) : b->bytes;
    if (!bytes)
        return -ENOMEM;
    b->bytes = bytes;
    b->size = size;
    memcpy(b->bytes + b->len, more.data, more.len);
    b->len += more.len;
    return 0;
}

bool tls_hello_offers_protocol(const struct tls_hello *hello, struct span name)
{
    struct reader list = reader_of(hello->alpn);

    while (!list.is_broken && list.left.len) {
        struct span offered = take_vector(&list, 1);

        if (!list.is_broken && span_equals(offered, name))
            return true;
    }
    return false;
}

bool tls_hello_has_number(struct span list, uint16_t number)
{
    const unsigned char *p = (const unsigned char *)list.data;

    for (size_t i = 0; i + 1 < list.len; i += 2) {
        if ((p[i] << 8 | p[i + 1]) == number)
            return true;
    }
    return false;
}

bool tls_hello_next_key_share(struct span *shares, uint16_t *group)
{
    struct reader list = reader_of(*shares);

    *group = (uint16_t)take_number(&list, 2);
    (void)take_vector(&list, 2);
    *shares = list.left;
    return !list.is_broken;
}
