/* endpoints - ends of connections by their text. */
#ifndef RINGWAY_TESTS_ENDPOINTS_H
#define RINGWAY_TESTS_ENDPOINTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/address.h"

/* "192.0.2.1", "::1", "unix:/path"; a unix socket has no port. */
static inline struct endpoint endpoint_at(const char *text, uint16_t port)
{
    struct span s = span_of_cstr(text);
    struct address a;

    if (address_parse_unix(s, &a) && address_parse_ip(s, port, &a))
        fail_msg("no address: %s", text);
    return endpoint_of(&a);
}

#endif
