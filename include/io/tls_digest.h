/* tls_digest - digests of the TLS library, for what is no TLS: passwords of user files. */
#ifndef RINGWAY_IO_TLS_DIGEST_H
#define RINGWAY_IO_TLS_DIGEST_H

#include "core/span.h"

#define MD5_BYTES 16
#define SHA1_BYTES 20
#define SHA256_BYTES 32

/* Of all parts in their order. */
void tls_md5(const struct span *parts, size_t count, unsigned char out[MD5_BYTES]);
void tls_sha1(const struct span *parts, size_t count, unsigned char out[SHA1_BYTES]);
void tls_sha256(const struct span *parts, size_t count, unsigned char out[SHA256_BYTES]);

#endif
