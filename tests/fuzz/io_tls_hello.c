/* io_tls_hello - whatever a client sends first, what is read of it lies within. */
#include "io/tls_hello.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned sink;

static void touch(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        sink += (unsigned char)s.data[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tls_hello hello;
    char *joined = NULL;

    if (tls_hello_read(span_of((const char *)data, size), &hello, &joined) != HELLO_OK) {
        assert(!joined);
        return 0;
    }
    touch(hello.server_name);
    touch(hello.alpn);
    touch(hello.signature_schemes);
    touch(hello.suites);
    assert(hello.has_server_name == (hello.server_name.len > 0));
    (void)tls_hello_offers_protocol(&hello, SPAN("http/1.1"));
    (void)tls_hello_has_number(hello.suites, 0x1301);
    free(joined);
    return 0;
}
