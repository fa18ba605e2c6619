/* tls_hkdf - the key schedule of TLS 1.3 (RFC 8446 section 7.1), which is HMAC some 25 times.
 *
 * wolfSSL's HMAC hashes its key twice each time, clears a kilobyte and asks the devices behind the
 * callbacks about every step. But most secrets are a key two or three times in a row: their two
 * blocks are hashed once, and kept as long as one call into wolfSSL lasts.
 *
 * The linker puts these functions in the place of wolfSSL's (--wrap, in src/meson.build). What no
 * handshake of TLS 1.3 asks for stays wolfSSL's. */
#include "io/tls_hkdf.h"

#include "tls_internal.h"

#include <string.h>

#include <wolfssl/wolfcrypt/hmac.h>
#include <wolfssl/wolfcrypt/sha256.h>
#include <wolfssl/wolfcrypt/sha512.h>

int __real_wc_HKDF_Expand_ex(int type, const byte *key, word32 key_len, const byte *info,
                             word32 info_len, byte *out, word32 out_len, void *heap, int device);
int __wrap_wc_HKDF_Expand_ex(int type, const byte *key, word32 key_len, const byte *info,
                             word32 info_len, byte *out, word32 out_len, void *heap, int device);

#define INNER_PAD 0x36 /* RFC 2104 */
#define OUTER_PAD 0x5c
#define KEYS_MAX 4 /* of the secrets of one direction, of the other, and the one they come from */

struct hash {
    bool is_long; /* SHA-384; else SHA-256 */
    union {
        wc_Sha384 sha384;
        wc_Sha256 sha256;
    } u;
};

/* A secret that is as long as its hash, and the hashes that have taken in its two blocks. */
struct key {
    byte secret[WC_SHA384_DIGEST_SIZE];
    struct hash inner, outer;
};

/* A global: wolfSSL hands down nothing of the session. Empty but inside of a handshake's call. */
static _Thread_local struct {
    bool is_on;
    size_t count; /* that were made; the oldest make room */
    struct key keys[KEYS_MAX];
} memory;

void tls_hkdf_begin(void)
{
    memory.is_on = true;
}

void tls_hkdf_end(void)
{
    if (memory.count)
        explicit_bzero(&memory, sizeof(memory));
    memory.is_on = false;
}

/* --- SHA-256 and SHA-384 --------------------------------------------------------------------- */

static int begin(struct hash *h, bool is_long)
{
    h->is_long = is_long;
    return is_long ? wc_InitSha384_ex(&h->u.sha384, NULL, INVALID_DEVID)
                   : wc_InitSha256_ex(&h->u.sha256, NULL, INVALID_DEVID);
}

static int add(struct hash *h, const byte *bytes, size_t len)
{
    return h->is_long ? wc_Sha384Update(&h->u.sha384, bytes, (word32)len)
                      : wc_Sha256Update(&h->u.sha256, bytes, (word32)len);
}

static int finish(struct hash *h, byte *digest)
{
    return h->is_long ? wc_Sha384Final(&h->u.sha384, digest) : wc_Sha256Final(&h->u.sha256, digest);
}

static size_t digest_bytes(bool is_long)
{
    return is_long ? WC_SHA384_DIGEST_SIZE : WC_SHA256_DIGEST_SIZE;
}

/* --- keys ------------------------------------------------------------------------------------ */

static int begin_padded(struct hash *h, const struct key *k, bool is_long, byte pad)
{
    byte block[WC_SHA384_BLOCK_SIZE];
    int rc = begin(h, is_long);

    memset(block, pad, sizeof(block));
    for (size_t i = 0; i < digest_bytes(is_long); i++)
        block[i] ^= k->secret[i];
    rc |= add(h, block, is_long ? WC_SHA384_BLOCK_SIZE : WC_SHA256_BLOCK_SIZE);
    explicit_bzero(block, sizeof(block));
    return rc;
}

static int make_key(struct key *k, bool is_long, const byte *secret)
{
    memcpy(k->secret, secret, digest_bytes(is_long));
    return begin_padded(&k->inner, k, is_long, INNER_PAD) |
           begin_padded(&k->outer, k, is_long, OUTER_PAD);
}

/* Takes as long wherever they differ. */
static bool is_key_of(const struct key *k, bool is_long, const byte *secret)
{
    unsigned difference = k->inner.is_long != is_long;

    for (size_t i = 0; i < digest_bytes(is_long); i++)
        difference |= (unsigned)k->secret[i] ^ secret[i];
    return !difference;
}

/* The key that is known, or is made in the place of the oldest. NULL: it cannot be made, and all
 * are forgotten. */
static const struct key *find_key(bool is_long, const byte *secret)
{
    struct key *k;

    for (size_t i = 0; i < size_min(memory.count, KEYS_MAX); i++) {
        if (is_key_of(&memory.keys[i], is_long, secret))
            return &memory.keys[i];
    }
    k = &memory.keys[memory.count++ % KEYS_MAX];
    if (make_key(k, is_long, secret)) {
        tls_hkdf_end();
        return NULL;
    }
    return k;
}

/* --- HKDF-Expand ----------------------------------------------------------------------------- */

/* RFC 5869 section 2.3, for one digest of output: T(1) = HMAC(key, info | 1). */
static int expand(const struct key *k, struct span info, byte *digest)
{
    static const byte counter[] = {1};
    byte inner[WC_SHA384_DIGEST_SIZE];
    struct hash h = k->inner;
    int rc = add(&h, (const byte *)info.data, info.len);

    rc |= add(&h, counter, sizeof(counter));
    rc |= finish(&h, inner);
    h = k->outer;
    rc |= add(&h, inner, digest_bytes(k->inner.is_long));
    rc |= finish(&h, digest);
    explicit_bzero(&h, sizeof(h));
    explicit_bzero(inner, sizeof(inner));
    return rc;
}

static bool is_ours(int type, word32 key_len, word32 out_len)
{
    return memory.is_on && (type == WC_SHA384 || type == WC_SHA256) &&
           key_len == digest_bytes(type == WC_SHA384) && out_len <= key_len;
}

int __wrap_wc_HKDF_Expand_ex(int type, const byte *key, word32 key_len, const byte *info,
                             word32 info_len, byte *out, word32 out_len, void *heap, int device)
{
    byte digest[WC_SHA384_DIGEST_SIZE];
    const struct key *k;
    int rc;

    if (!is_ours(type, key_len, out_len) || !key || !info || !out)
        return __real_wc_HKDF_Expand_ex(type, key, key_len, info, info_len, out, out_len, heap,
                                        device);
    k = find_key(type == WC_SHA384, key);
    if (!k)
        return BAD_STATE_E;
    rc = expand(k, span_of((const char *)info, info_len), digest);
    if (rc == 0)
        memcpy(out, digest, out_len);
    explicit_bzero(digest, sizeof(digest));
    return rc ? BAD_STATE_E : 0;
}
