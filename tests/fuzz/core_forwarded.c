/* core_forwarded - whatever a client writes into X-Forwarded-For, nobody is taken for another one
 * unless a proxy says so, and recursion goes past proxies only.
 *
 * The first byte of the input chooses who is trusted; the rest is the list. */
#include "core/forwarded.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct endpoint loopback(void)
{
    struct address a;
    int rc = address_parse_ip(SPAN("127.0.0.1"), 80, &a);

    assert(rc == 0);
    return endpoint_of(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct endpoint first = loopback();
    struct network proxies[] = {{.kind = NETWORK_IP4, .prefix_bits = 8, .ip = {10}},
                                {.kind = NETWORK_IP4, .prefix_bits = 8, .ip = {127}}};
    struct forwarded_trust trust = {.proxies = proxies};
    struct endpoint last = first, deep = first;
    bool has_last, has_deep;
    char *list;

    if (!size)
        return 0;
    list = malloc(size); /* of the list's own size: what is read behind it is noticed */
    assert(list);
    memcpy(list, data + 1, size - 1);
    trust.count = data[0] & 1 ? 2 : 1;
    has_last = forwarded_address(span_of(list, size - 1), &trust, &last);
    trust.is_recursive = true;
    has_deep = forwarded_address(span_of(list, size - 1), &trust, &deep);
    assert(has_last == has_deep);
    assert(!has_last || trust.count == 2);
    assert(has_last || memcmp(&last, &first, sizeof(last)) == 0);
    /* An address that is no proxy's is where both stop. */
    if (has_last && !forwarded_is_trusted(&trust, &last))
        assert(memcmp(&last, &deep, sizeof(last)) == 0);
    free(list);
    return 0;
}
