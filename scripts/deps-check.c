/* deps-check - proves that a wolfSSL build is the one that ringway needs.
 * Linked and run by scripts/deps. A missing function fails the link; the rest fails here. */

#include <wolfssl/options.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/cryptocb.h>
#include <wolfssl/wolfcrypt/misc.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Sessions that outlive their connection, keys and lists from memory, SNI before the session
 * exists, secrets for key logs, certificates of the peer inside the verify callback. */
#define NEEDED(f) (const void *)(f)
static const void *const needed[] = {
    NEEDED(wolfSSL_SESSION_dup),
    NEEDED(wolfSSL_get1_session),
    NEEDED(wolfSSL_set_session),
    NEEDED(wolfSSL_i2d_SSL_SESSION),
    NEEDED(wolfSSL_d2i_SSL_SESSION),
    NEEDED(wolfSSL_CTX_sess_set_new_cb),
    NEEDED(wolfSSL_CTX_set_session_cache_mode),
    NEEDED(wolfSSL_set_SessionTicket_cb),
    NEEDED(wolfSSL_CTX_set_TicketEncCb),
    NEEDED(wolfSSL_CTX_set_verify),
    NEEDED(wolfSSL_CTX_load_verify_buffer),
    NEEDED(wolfSSL_CTX_LoadCRLBuffer),
    NEEDED(wolfSSL_CTX_use_PrivateKey_buffer),
    NEEDED(wolfSSL_CTX_use_certificate_chain_buffer),
    NEEDED(wolfSSL_CTX_set_default_passwd_cb),
    NEEDED(wolfSSL_UseSNI),
    NEEDED(wolfSSL_SNI_GetFromBuffer),
    NEEDED(wolfSSL_CTX_set_servername_callback),
    NEEDED(wolfSSL_UseALPN),
    NEEDED(wolfSSL_ALPN_GetProtocol),
    NEEDED(wolfSSL_set_tls13_secret_cb),
    NEEDED(wolfSSL_set_secret_cb),
    NEEDED(wolfSSL_CTX_EnableOCSPStapling),
    NEEDED(wolfSSL_CTX_SetOCSP_Cb),
    NEEDED(wolfSSL_X509_get_next_altname),
    NEEDED(wolfSSL_X509_get_subject_name),
    NEEDED(wolfSSL_X509_get_der),
    NEEDED(wolfSSL_CTX_SetDevId),
    NEEDED(wc_CryptoCb_RegisterDevice),
    NEEDED(wc_DerToPem),
    NEEDED(wolfSSL_set_ex_data),
};

/* One record at a time for a tenth of a second, in bytes per nanosecond. */
static double aes_gcm_speed(void)
{
    static byte record[16384];
    const byte key[32] = {1};
    const byte iv[12] = {2};
    byte tag[16];
    struct timespec from, to;
    double ns = 0, bytes = 0;
    Aes aes;

    if (wc_AesInit(&aes, NULL, INVALID_DEVID) != 0 || wc_AesGcmSetKey(&aes, key, sizeof key) != 0)
        return 0;
    clock_gettime(CLOCK_MONOTONIC, &from);
    do {
        if (wc_AesGcmEncrypt(&aes, record, record, sizeof record, iv, sizeof iv, tag, sizeof tag,
                             NULL, 0) != 0)
            return 0;
        bytes += sizeof record;
        clock_gettime(CLOCK_MONOTONIC, &to);
        ns = (double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec);
    } while (ns < 1e8);
    wc_AesFree(&aes);
    return bytes / ns;
}

static int cpu_has_aes(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul");
#else
    return 0;
#endif
}

/* As in ringway: src/io/tls_zero.c. */
void ForceZero(void *memory, word32 size)
{
    explicit_bzero(memory, size);
}

int main(void)
{
    WOLFSSL_CTX *ctx;
    WOLFSSL *ssl;
    double speed;

    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (needed[i] == NULL)
            return 1;
    wolfSSL_Init();
    ctx = wolfSSL_CTX_new(wolfTLSv1_3_client_method());
    ssl = ctx ? wolfSSL_new(ctx) : NULL;
    if (ssl == NULL) {
        fprintf(stderr, "wolfSSL cannot make a TLS 1.3 session\n");
        return 1;
    }
    wolfSSL_free(ssl);
    wolfSSL_CTX_free(ctx);
    /* With assembly a core does gigabytes a second, without it about a tenth of one. */
    speed = aes_gcm_speed();
    if (speed < (cpu_has_aes() ? 0.5 : 0.01)) {
        fprintf(stderr, "wolfSSL's AES-GCM is slow, %.2f GB/s: no assembly?\n", speed);
        return 1;
    }
    printf("wolfSSL %s, AES-256-GCM %.1f GB/s\n", wolfSSL_lib_version(), speed);
    return 0;
}
