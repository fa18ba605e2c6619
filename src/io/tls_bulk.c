/* tls_bulk - what stands between wolfSSL's crypto callbacks and intel-ipsec-mb.
 *
 * wolfSSL asks a device for each operation of the sessions that have its number, hashes and
 * signatures too, and does itself what the device declines (wolfcrypt/cryptocb.h). */
#include "io/tls_bulk.h"

#include <string.h>

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/cryptocb.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

#if defined(RINGWAY_IPSEC_MB) && defined(WOLF_CRYPTO_CB)

#include <intel-ipsec-mb.h>

/* Any numbers but wolfSSL's for none. */
#define DEVICE 1
#define DECLINING_DEVICE 2
#define NONCE_BYTES 12
#define TAG_BYTES 16

/* With less, intel-ipsec-mb has other code, which is no faster than wolfSSL's. */
#define FEATURES (IMB_FEATURE_AVX512_SKX | IMB_FEATURE_VAES | IMB_FEATURE_VPCLMULQDQ)

struct cipher {
    aes_gcm_pre_t expand;
    aes_gcm_enc_dec_t seal;
    aes_gcm_enc_dec_t open;
};

/* Written once, before there are threads. */
static struct bulk {
    int device;
    struct cipher aes_128;
    struct cipher aes_256;
} bulk = {.device = INVALID_DEVID};

/* What is needed for one record, and wiped after it. */
struct scratch {
    _Alignas(64) struct gcm_key_data key;
    struct gcm_context_data context;
};

struct record {
    const Aes *aes;
    unsigned char *out; /* may be the same as in */
    const unsigned char *in;
    size_t len;
    const unsigned char *nonce;
    const unsigned char *more; /* what is authenticated beside it */
    size_t more_len;
};

/* --- one record ------------------------------------------------------------------------------ */

static const struct cipher *cipher_of(const Aes *aes)
{
    switch (aes->keylen) {
    case 16:
        return &bulk.aes_128;
    case 32:
        return &bulk.aes_256;
    default:
        return NULL;
    }
}

/* devKey is the key as it was set: wolfSSL keeps it for devices. */
static void run(const struct cipher *c, aes_gcm_enc_dec_t function, const struct record *r,
                unsigned char tag[TAG_BYTES])
{
    struct scratch s;

    c->expand(r->aes->devKey, &s.key);
    function(&s.key, &s.context, r->out, r->in, r->len, r->nonce, r->more, r->more_len, tag,
             TAG_BYTES);
    explicit_bzero(&s, sizeof(s));
}

/* In a time that does not depend on where they differ. */
static bool tags_are_equal(const unsigned char *a, const unsigned char *b)
{
    unsigned difference = 0;

    for (size_t i = 0; i < TAG_BYTES; i++)
        difference |= a[i] ^ b[i];
    return difference == 0;
}

static bool is_taken(const Aes *aes, word32 len, word32 nonce_len, word32 tag_len)
{
    return len >= TLS_BULK_BYTES_MIN && nonce_len == NONCE_BYTES && tag_len == TAG_BYTES &&
           cipher_of(aes);
}

/* wolfSSL has no name for the types of its operations. */
static int seal(wc_CryptoInfo *info)
{
    const __typeof__(info->cipher.aesgcm_enc) *e = &info->cipher.aesgcm_enc;
    struct record r = {e->aes, e->out, e->in, e->sz, e->iv, e->authIn, e->authInSz};
    const struct cipher *c = cipher_of(e->aes);

    if (!is_taken(e->aes, e->sz, e->ivSz, e->authTagSz))
        return CRYPTOCB_UNAVAILABLE;
    run(c, c->seal, &r, e->authTag);
    return 0;
}

static int open_sealed(wc_CryptoInfo *info)
{
    const __typeof__(info->cipher.aesgcm_dec) *d = &info->cipher.aesgcm_dec;
    struct record r = {d->aes, d->out, d->in, d->sz, d->iv, d->authIn, d->authInSz};
    const struct cipher *c = cipher_of(d->aes);
    unsigned char tag[TAG_BYTES];

    if (!is_taken(d->aes, d->sz, d->ivSz, d->authTagSz))
        return CRYPTOCB_UNAVAILABLE;
    run(c, c->open, &r, tag);
    if (tags_are_equal(tag, d->authTag))
        return 0;
    /* Nobody is to read what nobody vouches for. */
    memset(d->out, 0, d->sz);
    return AES_GCM_AUTH_E;
}

static int on_operation(int device, wc_CryptoInfo *info, void *context)
{
    (void)device;
    (void)context;
    if (info->algo_type != WC_ALGO_TYPE_CIPHER || info->cipher.type != WC_CIPHER_AES_GCM)
        return CRYPTOCB_UNAVAILABLE;
    return info->cipher.enc ? seal(info) : open_sealed(info);
}

/* --- the device ------------------------------------------------------------------------------ */

/* The first device of wolfSSL's list (wc_CryptoCb_DefaultDevID()) is asked for every hash of what
 * has no device, random numbers above all. It is one without a function, which takes less time
 * to decline. */
static int register_device(void)
{
    int rc = wc_CryptoCb_RegisterDevice(DECLINING_DEVICE, NULL, NULL);

    return rc ? rc : wc_CryptoCb_RegisterDevice(DEVICE, on_operation, NULL);
}

/* The manager is 200 KB of state for its other ways to be called: only its functions are kept. */
void tls_bulk_init(void)
{
    IMB_MGR *m = alloc_mb_mgr(0);

    if (!m)
        return;
    if ((m->features & FEATURES) == FEATURES) {
        init_mb_mgr_avx512(m);
        bulk.aes_128 = (struct cipher){m->gcm128_pre, m->gcm128_enc, m->gcm128_dec};
        bulk.aes_256 = (struct cipher){m->gcm256_pre, m->gcm256_enc, m->gcm256_dec};
        if (imb_get_errno(m) == 0 && register_device() == 0)
            bulk.device = DEVICE;
    }
    free_mb_mgr(m);
}

int tls_bulk_device(void)
{
    return bulk.device;
}

#else

void tls_bulk_init(void)
{
}

int tls_bulk_device(void)
{
    return INVALID_DEVID;
}

#endif
