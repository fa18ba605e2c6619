/* resolver_failure - why a name has no addresses, as nginx words it. */
#include "resolver_internal.h"

#include <string.h>

static const struct {
    int status;
    struct resolver_failure failure;
} rows[] = {
    {ARES_EFORMERR, {1, "Format error"}},          {ARES_ENODATA, {3, "Host not found"}},
    {ARES_ENOTFOUND, {3, "Host not found"}},       {ARES_EBADNAME, {3, "Host not found"}},
    {ARES_ETIMEOUT, {110, "Operation timed out"}}, {ARES_ENOMEM, {12, "Cannot allocate memory"}},
};

static struct resolver_failure failure_of_system(int code)
{
    const char *text = strerrordesc_np(code);

    return (struct resolver_failure){code, text ? text : "Unknown error"};
}

struct resolver_failure resolver_failure_of(int status, int socket_error)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (rows[i].status == status)
            return rows[i].failure;
    }
    /* No server was asked: what is missing is ours. */
    if (status == ARES_ECONNREFUSED && socket_error)
        return failure_of_system(socket_error);
    /* Also where each server in turn failed, or refused, or was not there. */
    return (struct resolver_failure){2, "Server failure"};
}
