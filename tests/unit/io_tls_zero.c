/* Tests of io/tls_zero: wolfSSL's memory is wiped, and nobody else's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/misc.h>

#include "core/base.h"

enum { ROOM = 20000, MARGIN = 64 };

static unsigned char room[MARGIN + ROOM + MARGIN];

static void assert_all(const unsigned char *at, size_t len, unsigned char value)
{
    for (size_t i = 0; i < len; i++)
        assert_int_equal(at[i], value);
}

static void assert_wiped(size_t start, size_t len)
{
    memset(room, 0xa5, sizeof(room));
    ForceZero(room + start, (word32)len);
    assert_all(room, start, 0xa5);
    assert_all(room + start, len, 0);
    assert_all(room + start + len, sizeof(room) - start - len, 0xa5);
}

static void all_of_it_is_wiped_and_nothing_beside_it(void **state)
{
    static const size_t lens[] = {0, 1, 7, 8, 9, 31, 32, 33, 63, 64, 65, 16384, 16406, ROOM};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lens); i++)
        for (size_t start = MARGIN - 9; start <= MARGIN; start++)
            assert_wiped(start, lens[i]);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_it_is_wiped_and_nothing_beside_it),
    };

    return cmocka_run_group_tests_name("io_tls_zero", tests, NULL, NULL);
}
