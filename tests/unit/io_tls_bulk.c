/* Tests of io/tls_bulk: what the device seals and opens, beside wolfSSL's own AES-GCM. */
#include "../tls_ends.h"

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/cryptocb.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/sha256.h>

#include "core/limits.h"
#include "io/tls_bulk.h"

#define LEN_MAX (RECORD_BYTES_MAX + 300) /* with what TLS puts around a record's data */
#define NONCE_BYTES 12
#define TAG_BYTES 16
#define MORE_BYTES 13 /* TLS 1.2 has that many beside a record, TLS 1.3 five */

static const word32 key_sizes[] = {16, 32};
static const unsigned protocols[] = {TLS_PROTOCOL_1_2, TLS_PROTOCOL_1_3};

static unsigned char key[32], nonce[16], more[MORE_BYTES], plain[LEN_MAX];

/* The same key, without and with the device. */
static Aes own, device;

/* One record, by one of the two. */
struct sealed {
    unsigned char text[LEN_MAX];
    unsigned char tag[TAG_BYTES];
};

static struct sealed a_sealed, b_sealed;

static bool has_device(void)
{
    return tls_bulk_device() != INVALID_DEVID;
}

static void fill(unsigned char *out, size_t len, uint32_t seed)
{
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1664525 + 1013904223;
        out[i] = (unsigned char)(seed >> 24);
    }
}

static void set_keys(word32 key_size)
{
    fill(key, sizeof(key), key_size);
    fill(nonce, sizeof(nonce), 2);
    fill(more, sizeof(more), 3);
    fill(plain, sizeof(plain), 4);
    assert_int_equal(wc_AesInit(&own, NULL, INVALID_DEVID), 0);
    assert_int_equal(wc_AesInit(&device, NULL, tls_bulk_device()), 0);
    assert_int_equal(wc_AesGcmSetKey(&own, key, key_size), 0);
    assert_int_equal(wc_AesGcmSetKey(&device, key, key_size), 0);
}

static void seal(Aes *aes, word32 len, struct sealed *out)
{
    assert_int_equal(wc_AesGcmEncrypt(aes, out->text, plain, len, nonce, NONCE_BYTES, out->tag,
                                      TAG_BYTES, more, MORE_BYTES),
                     0);
}

static int open_into(Aes *aes, unsigned char *out, word32 len, const struct sealed *s)
{
    return wc_AesGcmDecrypt(aes, out, s->text, len, nonce, NONCE_BYTES, s->tag, TAG_BYTES, more,
                            MORE_BYTES);
}

/* From now on wolfSSL's own way comes to something else: the round keys are not the key's. */
static void spoil_own_way(Aes *aes)
{
    memset(aes->key, 0xa5, sizeof(aes->key));
    memset(&aes->gcm, 0x5a, sizeof(aes->gcm));
}

/* --- what comes out -------------------------------------------------------------------------- */

static void device_seals_and_opens_every_length_as_wolfssl_does(void **state)
{
    static unsigned char opened[LEN_MAX];

    (void)state;
    for (size_t k = 0; k < COUNT_OF(key_sizes); k++) {
        set_keys(key_sizes[k]);
        for (word32 len = 0; len <= LEN_MAX; len++) {
            nonce[0] = (unsigned char)len;
            seal(&own, len, &a_sealed);
            seal(&device, len, &b_sealed);
            assert_memory_equal(a_sealed.text, b_sealed.text, len);
            assert_memory_equal(a_sealed.tag, b_sealed.tag, TAG_BYTES);
            assert_int_equal(open_into(&device, opened, len, &a_sealed), 0);
            assert_memory_equal(opened, plain, len);
        }
    }
}

/* Records are sealed and opened where they lie. */
static void device_works_in_place(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT_OF(key_sizes); k++) {
        set_keys(key_sizes[k]);
        for (word32 len = TLS_BULK_BYTES_MIN; len <= LEN_MAX; len += 61) {
            seal(&own, len, &a_sealed);
            memcpy(b_sealed.text, plain, len);
            assert_int_equal(wc_AesGcmEncrypt(&device, b_sealed.text, b_sealed.text, len, nonce,
                                              NONCE_BYTES, b_sealed.tag, TAG_BYTES, more,
                                              MORE_BYTES),
                             0);
            assert_memory_equal(a_sealed.text, b_sealed.text, len);
            assert_memory_equal(a_sealed.tag, b_sealed.tag, TAG_BYTES);
            assert_int_equal(open_into(&device, b_sealed.text, len, &b_sealed), 0);
            assert_memory_equal(b_sealed.text, plain, len);
        }
    }
}

/* Nothing is written before the first byte, nor behind the last. */
static void device_keeps_within_its_bounds(void **state)
{
    (void)state;
    set_keys(32);
    for (word32 len = TLS_BULK_BYTES_MIN; len < TLS_BULK_BYTES_MIN + 300; len++) {
        /* From the heap, at its end: address sanitizer has no eyes in assembly. */
        unsigned char *out = malloc(len + 128);

        memset(out, 0xee, len + 128);
        assert_int_equal(wc_AesGcmEncrypt(&device, out + 64, plain, len, nonce, NONCE_BYTES,
                                          a_sealed.tag, TAG_BYTES, more, MORE_BYTES),
                         0);
        for (size_t i = 0; i < 64; i++) {
            assert_int_equal(out[i], 0xee);
            assert_int_equal(out[64 + len + i], 0xee);
        }
        free(out);
    }
}

/* --- what is refused ------------------------------------------------------------------------- */

static void assert_refused(word32 len)
{
    static unsigned char opened[LEN_MAX];

    memset(opened, 0xee, sizeof(opened));
    assert_int_equal(open_into(&device, opened, len, &b_sealed), AES_GCM_AUTH_E);
    for (word32 i = 0; has_device() && i < len; i++)
        assert_int_equal(opened[i], 0);
}

static void device_refuses_what_was_changed_and_shows_nothing_of_it(void **state)
{
    const word32 len = RECORD_BYTES_MAX;

    (void)state;
    for (size_t k = 0; k < COUNT_OF(key_sizes); k++) {
        set_keys(key_sizes[k]);
        seal(&own, len, &b_sealed);
        for (size_t bit = 0; bit < TAG_BYTES * 8; bit++) {
            b_sealed.tag[bit / 8] ^= (unsigned char)(1 << bit % 8);
            assert_refused(len);
            b_sealed.tag[bit / 8] ^= (unsigned char)(1 << bit % 8);
        }
        for (word32 at = 0; at < len; at += 1021) {
            b_sealed.text[at] ^= 1;
            assert_refused(len);
            b_sealed.text[at] ^= 1;
        }
        more[MORE_BYTES - 1] ^= 1;
        assert_refused(len);
        more[MORE_BYTES - 1] ^= 1;
        nonce[NONCE_BYTES - 1] ^= 1;
        assert_refused(len);
        nonce[NONCE_BYTES - 1] ^= 1;
        assert_int_equal(open_into(&device, a_sealed.text, len, &b_sealed), 0);
    }
}

/* --- who does it ----------------------------------------------------------------------------- */

#if defined(RINGWAY_IPSEC_MB) && defined(WOLF_CRYPTO_CB)

/* What the compiler's library says of the CPU. */
static bool has_wide_aes(void)
{
    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("vaes") && __builtin_cpu_supports("vpclmulqdq");
}

#else

static bool has_wide_aes(void)
{
    return false;
}

#endif

static void device_is_there_where_the_cpu_has_wide_aes(void **state)
{
    (void)state;
    assert_int_equal(has_device(), has_wide_aes());
}

static void assert_done_by(bool is_device, word32 len)
{
    seal(&own, len, &a_sealed);
    seal(&device, len, &b_sealed);
    assert_int_equal(memcmp(a_sealed.text, b_sealed.text, len) == 0, is_device);
    assert_int_equal(open_into(&device, b_sealed.text, len, &a_sealed),
                     is_device ? 0 : AES_GCM_AUTH_E);
}

static void device_takes_large_records_and_leaves_small_ones(void **state)
{
    (void)state;
    if (!has_device())
        skip();
    for (size_t k = 0; k < COUNT_OF(key_sizes); k++) {
        set_keys(key_sizes[k]);
        spoil_own_way(&device);
        assert_done_by(false, TLS_BULK_BYTES_MIN - 1);
        assert_done_by(true, TLS_BULK_BYTES_MIN);
        assert_done_by(true, RECORD_BYTES_MAX);
    }
}

static void device_leaves_what_tls_does_not_have(void **state)
{
    static const struct {
        word32 key_size, nonce_len, tag_len;
    } others[] = {{24, 12, 16}, {32, 16, 16}, {32, 12, 12}, {16, 8, 16}};
    const word32 len = RECORD_BYTES_MAX;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        set_keys(others[i].key_size);
        assert_int_equal(wc_AesGcmEncrypt(&own, a_sealed.text, plain, len, nonce,
                                          others[i].nonce_len, a_sealed.tag, others[i].tag_len,
                                          more, MORE_BYTES),
                         0);
        assert_int_equal(wc_AesGcmEncrypt(&device, b_sealed.text, plain, len, nonce,
                                          others[i].nonce_len, b_sealed.tag, others[i].tag_len,
                                          more, MORE_BYTES),
                         0);
        assert_memory_equal(a_sealed.text, b_sealed.text, len);
        assert_memory_equal(a_sealed.tag, b_sealed.tag, others[i].tag_len);
        assert_int_equal(wc_AesGcmDecrypt(&device, b_sealed.text, a_sealed.text, len, nonce,
                                          others[i].nonce_len, a_sealed.tag, others[i].tag_len,
                                          more, MORE_BYTES),
                         0);
        assert_memory_equal(b_sealed.text, plain, len);
    }
}

/* wolfSSL would ask the first device of its list for each piece. */
static void hash_without_a_device_does_not_get_this_one(void **state)
{
    wc_Sha256 sha;

    (void)state;
    if (!has_device())
        skip();
    assert_int_equal(wc_InitSha256(&sha), 0);
    assert_int_not_equal(sha.devId, tls_bulk_device());
    wc_Sha256Free(&sha);
}

/* --- in sessions ----------------------------------------------------------------------------- */

/* The record's data, from one end to the other. */
static void assert_carries(struct bench_end *from, struct bench_end *to, size_t len)
{
    static char out[RECORD_BYTES_MAX + 1];
    size_t total;

    assert_int_equal(tls_seal(from->tls, span_of((const char *)plain, len)), 0);
    assert_int_equal(bench_open(to, from, out, sizeof(out), &total), TLS_NEEDS_INPUT);
    assert_int_equal(total, len);
    assert_memory_equal(out, plain, len);
}

static void use_suite(const char *name, unsigned protocol)
{
    struct tls_client_settings s = client_settings(protocol);

    s.suites = bench_suites(name);
    make_client(&s);
}

static const char *const suites[][2] = {
    {"TLS_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"},
    {"TLS_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"},
    {"TLS_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"},
};

static void sessions_carry_records_of_all_sizes(void **state)
{
    static const size_t sizes[] = {1,
                                   TLS_BULK_BYTES_MIN - 32,
                                   TLS_BULK_BYTES_MIN - 1,
                                   TLS_BULK_BYTES_MIN,
                                   RECORD_BYTES_MAX - 1,
                                   RECORD_BYTES_MAX};

    (void)state;
    set_keys(32);
    for (size_t p = 0; p < COUNT_OF(protocols) * COUNT_OF(suites); p++) {
        const char *suite = suites[p / 2][protocols[p % 2] == TLS_PROTOCOL_1_2];

        use_suite(suite, protocols[p % 2]);
        assert_connects();
        assert_string_equal(tls_suite_name(b.client.tls), suite);
        for (size_t i = 0; i < COUNT_OF(sizes); i++) {
            assert_carries(&b.client, &b.server, sizes[i]);
            assert_carries(&b.server, &b.client, sizes[i]);
        }
        bench_disconnect(&b);
    }
}

static void session_ends_where_a_large_record_was_changed(void **state)
{
    static char out[RECORD_BYTES_MAX + 1];
    size_t total;

    (void)state;
    set_keys(32);
    for (size_t p = 0; p < COUNT_OF(protocols); p++) {
        set_protocols(protocols[p], BOTH);
        assert_connects();
        assert_carries(&b.server, &b.client, RECORD_BYTES_MAX);
        assert_int_equal(tls_seal(b.server.tls, span_of((const char *)plain, RECORD_BYTES_MAX)), 0);
        b.server.wire[b.server.len - 1] ^= 1;
        memset(out, 0xee, sizeof(out));
        assert_int_equal(bench_open(&b.client, &b.server, out, sizeof(out), &total), TLS_FAILED);
        assert_int_equal(total, 0);
        for (size_t i = 0; i < sizeof(out); i++)
            assert_int_equal((unsigned char)out[i], 0xee);
        bench_disconnect(&b);
    }
}

/* In place of the device: it counts, and declines. */
static int count_large(int device_id, wc_CryptoInfo *info, void *context)
{
    size_t *count = context;

    (void)device_id;
    if (info->algo_type == WC_ALGO_TYPE_CIPHER && info->cipher.type == WC_CIPHER_AES_GCM &&
        info->cipher.aesgcm_enc.sz >= RECORD_BYTES_MAX)
        count[info->cipher.enc]++;
    return CRYPTOCB_UNAVAILABLE;
}

static void sessions_ask_the_device_for_each_record(void **state)
{
    (void)state;
    if (!has_device())
        skip();
    set_keys(32);
    for (size_t p = 0; p < COUNT_OF(protocols); p++) {
        size_t count[2] = {0, 0}; /* opened, sealed */

        set_protocols(protocols[p], BOTH);
        assert_connects();
        assert_int_equal(wc_CryptoCb_RegisterDevice(tls_bulk_device(), count_large, count), 0);
        assert_carries(&b.client, &b.server, RECORD_BYTES_MAX);
        assert_carries(&b.server, &b.client, RECORD_BYTES_MAX);
        tls_bulk_init();
        assert_int_equal(count[0], 2);
        assert_int_equal(count[1], 2);
        bench_disconnect(&b);
    }
}

#define TLS_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(device_seals_and_opens_every_length_as_wolfssl_does),
        cmocka_unit_test(device_works_in_place),
        cmocka_unit_test(device_keeps_within_its_bounds),
        cmocka_unit_test(device_refuses_what_was_changed_and_shows_nothing_of_it),
        cmocka_unit_test(device_is_there_where_the_cpu_has_wide_aes),
        cmocka_unit_test(device_takes_large_records_and_leaves_small_ones),
        cmocka_unit_test(device_leaves_what_tls_does_not_have),
        cmocka_unit_test(hash_without_a_device_does_not_get_this_one),
        TLS_TEST(sessions_carry_records_of_all_sizes),
        TLS_TEST(session_ends_where_a_large_record_was_changed),
        TLS_TEST(sessions_ask_the_device_for_each_record),
    };

    return cmocka_run_group_tests(tests, bench_init, bench_deinit);
}
