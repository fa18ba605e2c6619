/* tls_validity - whose the certificates of a PEM text are, and when they are valid. */
#ifndef RINGWAY_IO_TLS_VALIDITY_H
#define RINGWAY_IO_TLS_VALIDITY_H

#include "core/arena.h"

struct tls_validity {
    char subject[256];                 /* as $ssl_client_s_dn has it; what is longer is cut */
    int64_t not_before_s, not_after_s; /* since 1970 */
};

/* Takes the next certificate that can be read. False behind the last one, or without memory in the
 * arena. */
bool tls_validity_next(struct span *pem, struct arena *a, struct tls_validity *out);

#endif
