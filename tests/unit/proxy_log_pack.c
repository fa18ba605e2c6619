/* Tests of proxy/log_pack. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "proxy/log_pack.h"

#define TEXT_BYTES 70000

static size_t unpacked(char *packed, size_t len, char *out)
{
    z_stream z = {0};

    z.next_in = (Bytef *)packed;
    z.avail_in = (uInt)len;
    z.next_out = (Bytef *)out;
    z.avail_out = TEXT_BYTES;
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    inflateEnd(&z);
    return z.total_out;
}

static void text_comes_back_at_every_level(void **state)
{
    char *text = malloc(TEXT_BYTES), *back = malloc(TEXT_BYTES);
    char *packed = malloc(log_pack_bytes_max(TEXT_BYTES));

    for (size_t i = 0; i < TEXT_BYTES; i++)
        text[i] = "GET /a HTTP/1.1 200\n"[i % 20];
    for (unsigned level = 1; level <= 9; level++) {
        size_t len = log_pack(level, span_of(text, TEXT_BYTES), packed);

        assert_in_range(len, 20, TEXT_BYTES / 10);
        assert_int_equal(unpacked(packed, len, back), TEXT_BYTES);
        assert_memory_equal(text, back, TEXT_BYTES);
    }
    free(packed);
    free(back);
    free(text);
}

/* Nothing to gain: it fits all the same. */
static void noise_fits(void **state)
{
    char *text = malloc(TEXT_BYTES), *back = malloc(TEXT_BYTES);
    char *packed = malloc(log_pack_bytes_max(TEXT_BYTES));
    uint32_t seed = 1;
    size_t len;

    for (size_t i = 0; i < TEXT_BYTES; i++) {
        seed = seed * 1664525 + 1013904223;
        text[i] = (char)(seed >> 24);
    }
    len = log_pack(9, span_of(text, TEXT_BYTES), packed);
    assert_in_range(len, TEXT_BYTES, log_pack_bytes_max(TEXT_BYTES));
    assert_int_equal(unpacked(packed, len, back), TEXT_BYTES);
    assert_memory_equal(text, back, TEXT_BYTES);
    free(packed);
    free(back);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_comes_back_at_every_level),
        cmocka_unit_test(noise_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
