/* tls_digest - digests of the TLS library, for what is no TLS: passwords of user files.
 *
 * None of these calls can fail: they allocate nothing, and no device is asked. */
#include "io/tls_digest.h"

#include <wolfssl/options.h>

#include <wolfssl/wolfcrypt/md5.h>
#include <wolfssl/wolfcrypt/sha.h>
#include <wolfssl/wolfcrypt/sha256.h>

static_assert(MD5_BYTES == WC_MD5_DIGEST_SIZE, "as the library has it");
static_assert(SHA1_BYTES == WC_SHA_DIGEST_SIZE, "as the library has it");
static_assert(SHA256_BYTES == WC_SHA256_DIGEST_SIZE, "as the library has it");

void tls_md5(const struct span *parts, size_t count, unsigned char out[MD5_BYTES])
{
    wc_Md5 md5;
    int rc = wc_InitMd5(&md5);

    for (size_t i = 0; i < count && !rc; i++)
        rc = wc_Md5Update(&md5, (const byte *)parts[i].data, (word32)parts[i].len);
    if (!rc)
        rc = wc_Md5Final(&md5, out);
    wc_Md5Free(&md5);
    assert(rc == 0);
}

void tls_sha1(const struct span *parts, size_t count, unsigned char out[SHA1_BYTES])
{
    wc_Sha sha;
    int rc = wc_InitSha(&sha);

    for (size_t i = 0; i < count && !rc; i++)
        rc = wc_ShaUpdate(&sha, (const byte *)parts[i].data, (word32)parts[i].len);
    if (!rc)
        rc = wc_ShaFinal(&sha, out);
    wc_ShaFree(&sha);
    assert(rc == 0);
}

void tls_sha256(const struct span *parts, size_t count, unsigned char out[SHA256_BYTES])
{
    wc_Sha256 sha;
    int rc = wc_InitSha256(&sha);

    for (size_t i = 0; i < count && !rc; i++)
        rc = wc_Sha256Update(&sha, (const byte *)parts[i].data, (word32)parts[i].len);
    if (!rc)
        rc = wc_Sha256Final(&sha, out);
    wc_Sha256Free(&sha);
    assert(rc == 0);
}
