/* Tests of io/tls_x25519: key pairs out of random bytes that are chosen here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <cmocka.h>

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/curve25519.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/random.h>

#include "core/base.h"

#define KEY_BYTES 32

static unsigned char next[KEY_BYTES]; /* what the kernel gives */
static bool is_broken;

ssize_t getrandom(void *out, size_t size, unsigned flags)
{
    (void)flags;
    assert_true(size <= sizeof(next));
    memcpy(out, next, size);
    return is_broken ? -1 : (ssize_t)size;
}

static int make(curve25519_key *key)
{
    WC_RNG rng;

    assert_int_equal(wc_InitRng_ex(&rng, NULL, INVALID_DEVID), 0);
    assert_int_equal(wc_curve25519_init(key), 0);
    return wc_curve25519_make_key(&rng, KEY_BYTES, key);
}

/* By wolfSSL's ladder, from any point: 9 is the base. */
static void assert_is_the_ladders(const unsigned char *random)
{
    unsigned char base[KEY_BYTES] = {9}, public[KEY_BYTES];
    curve25519_key key;

    memcpy(next, random, sizeof(next));
    assert_int_equal(make(&key), 0);
    assert_true(key.privSet);
    assert_true(key.pubSet);
    assert_int_equal(wc_curve25519_generic(KEY_BYTES, public, KEY_BYTES, key.k, KEY_BYTES, base),
                     0);
    assert_memory_equal(key.p.point, public, KEY_BYTES);
    wc_curve25519_free(&key);
}

/* RFC 7748 section 6.1. */
static void a_public_key_is_the_one_of_the_standard(void **state)
{
    static const unsigned char private[] = {
        0x77, 0x07, 0x6d, 0x0a, 0x73, 0x18, 0xa5, 0x7d, 0x3c, 0x16, 0xc1,
        0x72, 0x51, 0xb2, 0x66, 0x45, 0xdf, 0x4c, 0x2f, 0x87, 0xeb, 0xc0,
        0x99, 0x2a, 0xb1, 0x77, 0xfb, 0xa5, 0x1d, 0xb9, 0x2c, 0x2a,
    };
    static const unsigned char public[] = {
        0x85, 0x20, 0xf0, 0x09, 0x89, 0x30, 0xa7, 0x54, 0x74, 0x8b, 0x7d,
        0xdc, 0xb4, 0x3e, 0xf7, 0x5a, 0x0d, 0xbf, 0x3a, 0x0d, 0x26, 0x38,
        0x1a, 0xf4, 0xeb, 0xa4, 0xa9, 0x8e, 0xaa, 0x9b, 0x4e, 0x6a,
    };
    curve25519_key key;

    (void)state;
    memcpy(next, private, sizeof(next));
    assert_int_equal(make(&key), 0);
    assert_memory_equal(key.p.point, public, sizeof(public));
    wc_curve25519_free(&key);
}

static void a_private_key_is_clamped(void **state)
{
    curve25519_key key;

    (void)state;
    memset(next, 0xff, sizeof(next));
    assert_int_equal(make(&key), 0);
    assert_int_equal(key.k[0], 0xf8);
    assert_int_equal(key.k[1], 0xff);
    assert_int_equal(key.k[31], 0x7f);
    wc_curve25519_free(&key);
}

static void public_keys_are_what_the_ladder_makes(void **state)
{
    unsigned char random[KEY_BYTES];

    (void)state;
    memset(random, 0, sizeof(random));
    assert_is_the_ladders(random); /* the smallest */
    memset(random, 0xff, sizeof(random));
    assert_is_the_ladders(random); /* the largest */
    for (size_t bit = 0; bit < 8 * KEY_BYTES; bit++) {
        memset(random, 0, sizeof(random));
        random[bit / 8] = (unsigned char)(1u << bit % 8);
        assert_is_the_ladders(random);
    }
    srand(1);
    for (size_t i = 0; i < 1000; i++) {
        for (size_t at = 0; at < sizeof(random); at++)
            random[at] = (unsigned char)(rand() >> 7);
        assert_is_the_ladders(random);
    }
}

static void both_sides_of_an_exchange_agree(void **state)
{
    unsigned char secrets[2][KEY_BYTES];
    word32 len = KEY_BYTES;
    curve25519_key keys[2];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        memset(next, (int)(0x31 + i), sizeof(next));
        assert_int_equal(make(&keys[i]), 0);
    }
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(wc_curve25519_shared_secret(&keys[i], &keys[!i], secrets[i], &len), 0);
    assert_memory_equal(secrets[0], secrets[1], KEY_BYTES);
    for (size_t i = 0; i < 2; i++)
        wc_curve25519_free(&keys[i]);
}

static void without_random_bytes_there_is_no_key(void **state)
{
    curve25519_key key;

    (void)state;
    is_broken = true;
    assert_int_equal(make(&key), READ_RAN_E);
    is_broken = false;
    assert_false(key.privSet);
    assert_false(key.pubSet);
    wc_curve25519_free(&key);
}

static void a_key_of_another_size_is_refused(void **state)
{
    curve25519_key key;
    WC_RNG rng;

    (void)state;
    assert_int_equal(wc_InitRng_ex(&rng, NULL, INVALID_DEVID), 0);
    assert_int_equal(wc_curve25519_init(&key), 0);
    assert_int_equal(wc_curve25519_make_key(&rng, KEY_BYTES - 1, &key), ECC_BAD_ARG_E);
    assert_int_equal(wc_curve25519_make_key(&rng, KEY_BYTES + 1, &key), ECC_BAD_ARG_E);
    assert_int_equal(wc_curve25519_make_key(NULL, KEY_BYTES, &key), BAD_FUNC_ARG);
    assert_int_equal(wc_curve25519_make_key(&rng, KEY_BYTES, NULL), BAD_FUNC_ARG);
    assert_false(key.pubSet);
    wc_curve25519_free(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_public_key_is_the_one_of_the_standard),
        cmocka_unit_test(a_private_key_is_clamped),
        cmocka_unit_test(public_keys_are_what_the_ladder_makes),
        cmocka_unit_test(both_sides_of_an_exchange_agree),
        cmocka_unit_test(without_random_bytes_there_is_no_key),
        cmocka_unit_test(a_key_of_another_size_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
