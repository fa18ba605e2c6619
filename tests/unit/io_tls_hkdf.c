/* Tests of io/tls_hkdf: keys are those of wolfSSL's own HKDF, remembered or not. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/hmac.h>

#include "core/span.h"
#include "io/tls_hkdf.h"

#define OUT_BYTES_MAX 128

int __real_wc_HKDF_Expand_ex(int type, const byte *key, word32 key_len, const byte *info,
                             word32 info_len, byte *out, word32 out_len, void *heap, int device);

static int expand(int type, struct span key, struct span info, byte *out, word32 out_len)
{
    return wc_HKDF_Expand_ex(type, (const byte *)key.data, (word32)key.len, (const byte *)info.data,
                             (word32)info.len, out, out_len, NULL, INVALID_DEVID);
}

/* The same answer as wolfSSL's, and not a byte more. */
static void assert_is_wolfssls(int type, struct span key, struct span info, word32 out_len)
{
    byte ours[OUT_BYTES_MAX + 1], theirs[OUT_BYTES_MAX + 1];
    int rc;

    memset(ours, '.', sizeof(ours));
    memset(theirs, '.', sizeof(theirs));
    rc = __real_wc_HKDF_Expand_ex(type, (const byte *)key.data, (word32)key.len,
                                  (const byte *)info.data, (word32)info.len, theirs, out_len, NULL,
                                  INVALID_DEVID);
    assert_int_equal(expand(type, key, info, ours, out_len), rc);
    assert_memory_equal(ours, theirs, sizeof(ours));
}

/* Many bytes, different from each seed. */
static struct span bytes_of(unsigned seed, size_t len)
{
    static char bytes[8][512];
    char *out = bytes[seed % 8];

    assert_true(len <= sizeof(bytes[0]));
    for (size_t i = 0; i < len; i++)
        out[i] = (char)(seed * 31 + i * 7);
    return span_of(out, len);
}

static void each_length_is_what_wolfssl_makes(void **state)
{
    static const struct {
        int type;
        size_t bytes;
    } hashes[] = {{WC_SHA256, 32}, {WC_SHA384, 48}, {WC_SHA512, 64}, {WC_SHA, 20}};

    (void)state;
    tls_hkdf_begin();
    for (size_t h = 0; h < COUNT_OF(hashes); h++) {
        for (size_t key = hashes[h].bytes - 1; key <= hashes[h].bytes + 1; key++) {
            for (size_t info = 0; info <= 200; info++)
                assert_is_wolfssls(hashes[h].type, bytes_of(1, key), bytes_of(2, info), 12);
            for (word32 out = 0; out <= OUT_BYTES_MAX; out++)
                assert_is_wolfssls(hashes[h].type, bytes_of(1, key), bytes_of(2, 20), out);
        }
    }
    tls_hkdf_end();
}

/* More secrets than are remembered, each again and again, in both hashes. */
static void secrets_are_not_mistaken_for_each_other(void **state)
{
    (void)state;
    tls_hkdf_begin();
    for (unsigned round = 0; round < 100; round++) {
        unsigned seed = round * round % 7;

        assert_is_wolfssls(WC_SHA384, bytes_of(seed, 48), bytes_of(7, round), 48);
        assert_is_wolfssls(WC_SHA256, bytes_of(seed, 32), bytes_of(7, round), 32);
    }
    tls_hkdf_end();
}

static void secrets_that_differ_in_one_bit_are_two(void **state)
{
    char secret[48];

    (void)state;
    memset(secret, 0, sizeof(secret));
    tls_hkdf_begin();
    assert_is_wolfssls(WC_SHA384, span_of(secret, 48), SPAN("key"), 48);
    for (size_t i = 0; i < sizeof(secret); i++) {
        secret[i] = 1;
        assert_is_wolfssls(WC_SHA384, span_of(secret, 48), SPAN("key"), 48);
        secret[i] = 0;
        assert_is_wolfssls(WC_SHA384, span_of(secret, 48), SPAN("key"), 48);
    }
    tls_hkdf_end();
}

/* 32 bytes under one hash, the first of 48 under the other. */
static void a_hash_has_its_own_secrets(void **state)
{
    (void)state;
    tls_hkdf_begin();
    assert_is_wolfssls(WC_SHA384, bytes_of(3, 48), SPAN("key"), 32);
    assert_is_wolfssls(WC_SHA256, bytes_of(3, 32), SPAN("key"), 32);
    assert_is_wolfssls(WC_SHA384, bytes_of(3, 48), SPAN("key"), 32);
    tls_hkdf_end();
}

static void outside_of_a_handshake_keys_are_wolfssls(void **state)
{
    (void)state;
    assert_is_wolfssls(WC_SHA384, bytes_of(4, 48), SPAN("key"), 32);
    tls_hkdf_begin();
    assert_is_wolfssls(WC_SHA384, bytes_of(4, 48), SPAN("key"), 32);
    tls_hkdf_end();
    assert_is_wolfssls(WC_SHA384, bytes_of(4, 48), SPAN("key"), 32);
    tls_hkdf_end();
    assert_is_wolfssls(WC_SHA384, bytes_of(5, 48), SPAN("key"), 32);
}

/* RFC 5869 section A.1, whose output begins with one digest. */
static void an_output_is_the_one_of_the_standard(void **state)
{
    static const char key[] = "\x07\x77\x09\x36\x2c\x2e\x32\xdf\x0d\xdc\x3f\x0d\xc4\x7b\xba\x63"
                              "\x90\xb6\xc7\x3b\xb5\x0f\x9c\x31\x22\xec\x84\x4a\xd7\xc2\xb3\xe5";
    static const char output[] = "\x3c\xb2\x5f\x25\xfa\xac\xd5\x7a\x90\x43\x4f\x64\xd0\x36\x2f\x2a"
                                 "\x2d\x2d\x0a\x90\xcf\x1a\x5a\x4c\x5d\xb0\x2d\x56\xec\xc4\xc5\xbf";
    struct span info = SPAN("\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9");
    byte out[32];

    (void)state;
    tls_hkdf_begin();
    for (size_t i = 0; i < 2; i++) { /* the second time it is remembered */
        memset(out, 0, sizeof(out));
        assert_int_equal(expand(WC_SHA256, span_of(key, 32), info, out, sizeof(out)), 0);
        assert_memory_equal(out, output, sizeof(out));
    }
    tls_hkdf_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_length_is_what_wolfssl_makes),
        cmocka_unit_test(secrets_are_not_mistaken_for_each_other),
        cmocka_unit_test(secrets_that_differ_in_one_bit_are_two),
        cmocka_unit_test(a_hash_has_its_own_secrets),
        cmocka_unit_test(outside_of_a_handshake_keys_are_wolfssls),
        cmocka_unit_test(an_output_is_the_one_of_the_standard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
