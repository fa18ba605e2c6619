/* Tests of io/tls_random: what wolfSSL gets when it asks for random bytes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/random.h>

#include <cmocka.h>

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/random.h>

#include "core/base.h"

/* What the kernel answers: at most so many bytes at once, or errors first. */
static size_t most_at_once;
static int error_once, error_always;
static unsigned call_count;

ssize_t getrandom(void *out, size_t size, unsigned flags)
{
    int error = error_always ? error_always : error_once;

    (void)flags;
    call_count++;
    error_once = 0;
    if (error) {
        errno = error;
        return -1;
    }
    size = size < most_at_once ? size : most_at_once;
    memset(out, (int)('a' + call_count), size);
    return (ssize_t)size;
}

static int set_up(void **state)
{
    (void)state;
    most_at_once = SIZE_MAX;
    error_once = 0;
    error_always = 0;
    call_count = 0;
    return 0;
}

static void a_generator_asks_for_nothing_and_holds_nothing(void **state)
{
    WC_RNG rng;
    int heap;

    (void)state;
    memset(&rng, 0xff, sizeof(rng));
    assert_int_equal(wc_InitRng_ex(&rng, &heap, 7), 0);
    assert_int_equal(call_count, 0);
    assert_null(rng.drbg);
    assert_ptr_equal(rng.heap, &heap);
    assert_int_equal(rng.devId, 7);
    assert_int_equal(wc_FreeRng(&rng), 0);
}

static void a_block_comes_from_the_kernel(void **state)
{
    unsigned char block[34];
    WC_RNG rng;

    (void)state;
    memset(block, '.', sizeof(block));
    assert_int_equal(wc_InitRng_ex(&rng, NULL, INVALID_DEVID), 0);
    assert_int_equal(wc_RNG_GenerateBlock(&rng, block + 1, 32), 0);
    assert_memory_equal(block, ".bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb.", sizeof(block));
    assert_int_equal(call_count, 1);
}

static void a_block_in_pieces_is_filled_to_its_end(void **state)
{
    unsigned char block[8];
    WC_RNG rng;

    (void)state;
    memset(block, '.', sizeof(block));
    most_at_once = 3;
    error_once = EINTR;
    assert_int_equal(wc_InitRng_ex(&rng, NULL, INVALID_DEVID), 0);
    assert_int_equal(wc_RNG_GenerateBlock(&rng, block, 7), 0);
    assert_memory_equal(block, "cccddde.", sizeof(block));
}

static void no_bytes_need_no_call(void **state)
{
    unsigned char block = '.';
    WC_RNG rng;

    (void)state;
    assert_int_equal(wc_InitRng_ex(&rng, NULL, INVALID_DEVID), 0);
    assert_int_equal(wc_RNG_GenerateBlock(&rng, &block, 0), 0);
    assert_int_equal(call_count, 0);
}

static void what_the_kernel_refuses_is_an_error(void **state)
{
    unsigned char block[8];
    WC_RNG rng;

    (void)state;
    error_always = ENOSYS;
    assert_int_equal(wc_InitRng_ex(&rng, NULL, INVALID_DEVID), 0);
    assert_int_equal(wc_RNG_GenerateBlock(&rng, block, sizeof(block)), READ_RAN_E);
    assert_int_equal(call_count, 1);
}

static void without_a_generator_or_a_block_is_an_error(void **state)
{
    unsigned char block[8];
    WC_RNG rng;

    (void)state;
    assert_int_equal(wc_InitRng_ex(NULL, NULL, INVALID_DEVID), BAD_FUNC_ARG);
    assert_int_equal(wc_InitRng_ex(&rng, NULL, INVALID_DEVID), 0);
    assert_int_equal(wc_RNG_GenerateBlock(NULL, block, sizeof(block)), BAD_FUNC_ARG);
    assert_int_equal(wc_RNG_GenerateBlock(&rng, NULL, sizeof(block)), BAD_FUNC_ARG);
    assert_int_equal(call_count, 0);
}

/* Only wolfSSL's own file can ask past us. */
static void a_generator_without_a_seed_gives_nothing_else(void **state)
{
    unsigned char byte;
    WC_RNG rng;

    (void)state;
    assert_int_equal(wc_InitRng_ex(&rng, NULL, INVALID_DEVID), 0);
    assert_int_not_equal(wc_RNG_GenerateByte(&rng, &byte), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_generator_asks_for_nothing_and_holds_nothing, set_up),
        cmocka_unit_test_setup(a_block_comes_from_the_kernel, set_up),
        cmocka_unit_test_setup(a_block_in_pieces_is_filled_to_its_end, set_up),
        cmocka_unit_test_setup(no_bytes_need_no_call, set_up),
        cmocka_unit_test_setup(what_the_kernel_refuses_is_an_error, set_up),
        cmocka_unit_test_setup(without_a_generator_or_a_block_is_an_error, set_up),
        cmocka_unit_test_setup(a_generator_without_a_seed_gives_nothing_else, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
