/* tls_pem - the blocks of a PEM text (RFC 7468). Pure; views only. */
#ifndef RINGWAY_IO_TLS_PEM_H
#define RINGWAY_IO_TLS_PEM_H

#include "core/span.h"

/* A line "-----BEGIN label-----", and what stands before "-----END label-----". */
struct pem_block {
    struct span label;
    struct span text;
};

/* Takes the next block. False when none is left or the next one is cut: then *pem is left as it
 * was. */
bool pem_next(struct span *pem, struct pem_block *out);

/* Looks for a block that is cut, as the last one of a file is that was not copied to its end: its
 * BEGIN line breaks off, or no END line with its label comes before the next BEGIN line. 0, or
 * -EINVAL with a message that begins with what: "cannot load CRL: ...". */
int pem_check(struct span pem, const char *what, char *error, size_t error_size) MUST_USE;

#endif
