/* tls_signature - whether a certificate or a revocation list was signed with a key.
 *
 * RSA (PKCS #1 and PSS), ECDSA, Ed25519 and Ed448, with SHA-2. */
#include "io/tls_signature.h"

#include "tls_internal.h"

#include <string.h>

#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/ed25519.h>
#include <wolfssl/wolfcrypt/ed448.h>
#include <wolfssl/wolfcrypt/rsa.h>
#include <wolfssl/wolfcrypt/sha256.h>
#include <wolfssl/wolfcrypt/signature.h>

#define RSA_BITS_MIN 2048
#define RSA_BYTES_MAX 1024 /* a key of 8192 bits */

static_assert(WC_SHA256_DIGEST_SIZE == sizeof(((struct tls_signature_memo *)0)->digests[0]),
              "the memo holds digests of SHA-256");

enum kind { KIND_RSA, KIND_RSA_PSS, KIND_ECDSA, KIND_ED25519, KIND_ED448, KIND_WEAK };

struct algorithm {
    struct span oid;
    enum kind kind;
    enum wc_HashType hash;
};

static const struct algorithm algorithms[] = {
    {{"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", 9}, KIND_RSA, WC_HASH_TYPE_SHA256},
    {{"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c", 9}, KIND_RSA, WC_HASH_TYPE_SHA384},
    {{"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d", 9}, KIND_RSA, WC_HASH_TYPE_SHA512},
    {{"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a", 9}, KIND_RSA_PSS, WC_HASH_TYPE_NONE},
    {{"\x2a\x86\x48\xce\x3d\x04\x03\x02", 8}, KIND_ECDSA, WC_HASH_TYPE_SHA256},
    {{"\x2a\x86\x48\xce\x3d\x04\x03\x03", 8}, KIND_ECDSA, WC_HASH_TYPE_SHA384},
    {{"\x2a\x86\x48\xce\x3d\x04\x03\x04", 8}, KIND_ECDSA, WC_HASH_TYPE_SHA512},
    {{"\x2b\x65\x70", 3}, KIND_ED25519, WC_HASH_TYPE_NONE},
    {{"\x2b\x65\x71", 3}, KIND_ED448, WC_HASH_TYPE_NONE},
    /* Known so that the reason can say it. */
    {{"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04", 9}, KIND_WEAK, WC_HASH_TYPE_NONE}, /* RSA, MD5 */
    {{"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05", 9}, KIND_WEAK, WC_HASH_TYPE_NONE}, /* RSA, SHA-1 */
    {{"\x2a\x86\x48\xce\x3d\x04\x01", 7}, KIND_WEAK, WC_HASH_TYPE_NONE},         /* ECDSA, SHA-1 */
};

static const struct algorithm *find_algorithm(struct span identifier, struct span *parameters)
{
    struct span oid;

    if (!der_take(&identifier, DER_SEQUENCE, parameters) || !der_take(parameters, DER_OID, &oid))
        return NULL;
    for (size_t i = 0; i < COUNT_OF(algorithms); i++) {
        if (span_equals(oid, algorithms[i].oid))
            return &algorithms[i];
    }
    return NULL;
}

static const byte *bytes_of(struct span s)
{
    return (const byte *)s.data;
}

/* --- RSA ------------------------------------------------------------------------------------- */

/* The hash that an AlgorithmIdentifier in the parameters of PSS names. */
static enum wc_HashType pss_hash(struct span identifier)
{
    static const unsigned char sha2[] = {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02};
    struct span body, oid;

    if (!der_take(&identifier, DER_SEQUENCE, &body) || !der_take(&body, DER_OID, &oid) ||
        oid.len != sizeof(sha2) + 1 || memcmp(oid.data, sha2, sizeof(sha2)) != 0)
        return WC_HASH_TYPE_NONE;
    switch (oid.data[sizeof(sha2)]) {
    case 1:
        return WC_HASH_TYPE_SHA256;
    case 2:
        return WC_HASH_TYPE_SHA384;
    case 3:
        return WC_HASH_TYPE_SHA512;
    default:
        return WC_HASH_TYPE_NONE;
    }
}

/* RFC 4055 section 3.1: the same hash twice, and a salt of its length; else NONE. */
static enum wc_HashType pss_parameters(struct span parameters)
{
    struct span body, hash, mask, salt, number, mask_body, oid;
    enum wc_HashType type;
    unsigned bytes;

    if (!der_take(&parameters, DER_SEQUENCE, &body) ||
        !der_take(&body, DER_CONTEXT_CONSTRUCTED(0), &hash) ||
        !der_take(&body, DER_CONTEXT_CONSTRUCTED(1), &mask) ||
        !der_take(&body, DER_CONTEXT_CONSTRUCTED(2), &salt) || body.len)
        return WC_HASH_TYPE_NONE;
    type = pss_hash(hash);
    if (!der_take(&mask, DER_SEQUENCE, &mask_body) || !der_take(&mask_body, DER_OID, &oid) ||
        !span_equals(oid, span_of("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08", 9)) ||
        pss_hash(mask_body) != type)
        return WC_HASH_TYPE_NONE;
    if (!der_take(&salt, DER_INTEGER, &number) || !der_to_unsigned(number, &bytes) ||
        (int)bytes != wc_HashGetDigestSize(type))
        return WC_HASH_TYPE_NONE;
    return type;
}

static int mask_of(enum wc_HashType hash)
{
    return hash == WC_HASH_TYPE_SHA256   ? WC_MGF1SHA256
           : hash == WC_HASH_TYPE_SHA384 ? WC_MGF1SHA384
                                         : WC_MGF1SHA512;
}

static bool check_pss(const struct x509_signed *s, enum wc_HashType hash, RsaKey *key)
{
    byte digest[WC_MAX_DIGEST_SIZE], signature[RSA_BYTES_MAX], plain[RSA_BYTES_MAX];
    word32 digest_bytes;

    if (hash == WC_HASH_TYPE_NONE || s->signature.len > sizeof(signature))
        return false;
    digest_bytes = (word32)wc_HashGetDigestSize(hash);
    memcpy(signature, s->signature.data, s->signature.len);
    return wc_Hash(hash, bytes_of(s->text), (word32)s->text.len, digest, digest_bytes) == 0 &&
           wc_RsaPSS_VerifyCheck(signature, (word32)s->signature.len, plain, sizeof(plain), digest,
                                 digest_bytes, hash, mask_of(hash), key) > 0;
}

static bool check_rsa(const struct x509_signed *s, const struct algorithm *a,
                      struct span parameters, struct span spki)
{
    bool is_good = false;
    word32 at = 0;
    RsaKey key;

    if (wc_InitRsaKey(&key, NULL) != 0)
        return false;
    if (wc_RsaPublicKeyDecode(bytes_of(spki), &at, &key, (word32)spki.len) == 0) {
        if (a->kind == KIND_RSA_PSS)
            is_good = check_pss(s, pss_parameters(parameters), &key);
        else
            is_good = wc_SignatureVerify(a->hash, WC_SIGNATURE_TYPE_RSA_W_ENC, bytes_of(s->text),
                                         (word32)s->text.len, bytes_of(s->signature),
                                         (word32)s->signature.len, &key, sizeof(key)) == 0;
    }
    (void)wc_FreeRsaKey(&key);
    return is_good;
}

/* --- curves ---------------------------------------------------------------------------------- */

static bool check_ecdsa(const struct x509_signed *s, const struct algorithm *a, struct span spki)
{
    bool is_good = false;
    word32 at = 0;
    ecc_key key;

    if (wc_ecc_init(&key) != 0)
        return false;
    if (wc_EccPublicKeyDecode(bytes_of(spki), &at, &key, (word32)spki.len) == 0)
        is_good = wc_SignatureVerify(a->hash, WC_SIGNATURE_TYPE_ECC, bytes_of(s->text),
                                     (word32)s->text.len, bytes_of(s->signature),
                                     (word32)s->signature.len, &key, sizeof(key)) == 0;
    (void)wc_ecc_free(&key);
    return is_good;
}

static bool check_ed25519(const struct x509_signed *s, struct span spki)
{
    ed25519_key key;
    word32 at = 0;
    int matches = 0;

    if (wc_ed25519_init(&key) != 0)
        return false;
    if (wc_Ed25519PublicKeyDecode(bytes_of(spki), &at, &key, (word32)spki.len) != 0 ||
        wc_ed25519_verify_msg(bytes_of(s->signature), (word32)s->signature.len, bytes_of(s->text),
                              (word32)s->text.len, &matches, &key) != 0)
        matches = 0;
    wc_ed25519_free(&key);
    return matches == 1;
}

static bool check_ed448(const struct x509_signed *s, struct span spki)
{
    ed448_key key;
    word32 at = 0;
    int matches = 0;

    if (wc_ed448_init(&key) != 0)
        return false;
    if (wc_Ed448PublicKeyDecode(bytes_of(spki), &at, &key, (word32)spki.len) != 0 ||
        wc_ed448_verify_msg(bytes_of(s->signature), (word32)s->signature.len, bytes_of(s->text),
                            (word32)s->text.len, &matches, &key, NULL, 0) != 0)
        matches = 0;
    wc_ed448_free(&key);
    return matches == 1;
}

/* --- entry ----------------------------------------------------------------------------------- */

static bool digest_all(const struct x509_signed *s, struct span key, unsigned char *out)
{
    const struct span parts[] = {s->algorithm, s->text, s->signature, key};
    wc_Sha256 sha;
    int rc = wc_InitSha256(&sha);

    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        word32 len = (word32)parts[i].len;

        rc |= wc_Sha256Update(&sha, (const byte *)&len, sizeof(len));
        rc |= wc_Sha256Update(&sha, bytes_of(parts[i]), len);
    }
    rc |= wc_Sha256Final(&sha, out);
    wc_Sha256Free(&sha);
    return rc == 0;
}

static bool check(const struct x509_signed *s, const struct algorithm *a, struct span parameters,
                  struct span key)
{
    switch (a->kind) {
    case KIND_RSA:
    case KIND_RSA_PSS:
        return check_rsa(s, a, parameters, key);
    case KIND_ECDSA:
        return check_ecdsa(s, a, key);
    case KIND_ED25519:
        return check_ed25519(s, key);
    case KIND_ED448:
        return check_ed448(s, key);
    default:
        return false;
    }
}

enum tls_signature tls_signature_check(const struct x509_signed *sealed, struct span key,
                                       struct tls_signature_memo *memo)
{
    unsigned char digest[WC_SHA256_DIGEST_SIZE];
    struct span parameters;
    const struct algorithm *a = find_algorithm(sealed->algorithm, &parameters);
    unsigned char *remembered;

    if (!a)
        return SIGNATURE_BAD;
    if (a->kind == KIND_WEAK)
        return SIGNATURE_WEAK;
    if (!digest_all(sealed, key, digest))
        return SIGNATURE_BAD;
    remembered = memo->digests[digest[0] % COUNT_OF(memo->digests)];
    if (memcmp(remembered, digest, sizeof(digest)) == 0)
        return SIGNATURE_GOOD;
    if (!check(sealed, a, parameters, key))
        return SIGNATURE_BAD;
    memcpy(remembered, digest, sizeof(digest));
    return SIGNATURE_GOOD;
}

bool tls_key_is_strong(struct span key)
{
    RsaKey rsa;
    word32 at = 0;
    int bytes = 0;

    if (wc_InitRsaKey(&rsa, NULL) != 0)
        return false;
    /* Keys of other kinds do not decode as RSA, and all curves that we verify with are strong. */
    if (wc_RsaPublicKeyDecode(bytes_of(key), &at, &rsa, (word32)key.len) != 0) {
        (void)wc_FreeRsaKey(&rsa);
        return true;
    }
    bytes = wc_RsaEncryptSize(&rsa);
    (void)wc_FreeRsaKey(&rsa);
    return bytes * 8 >= RSA_BITS_MIN;
}
