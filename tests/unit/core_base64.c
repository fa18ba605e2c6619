/* Tests of core/base64. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base64.h"

static void texts_of_all_lengths_are_decoded(void **state)
{
    static const struct {
        const char *text, *bytes;
    } rows[] = {
        {"", ""},
        {"Zg==", "f"},
        {"Zm8=", "fo"},
        {"Zm9v", "foo"},
        {"Zm9vYg==", "foob"},
        {"Zm9vYmE=", "fooba"},
        {"Zm9vYmFy", "foobar"},
        {"Zg", "f"},
        {"Zm8", "fo"},
        {"++//", "\xfb\xef\xff"},
    };
    char out[16];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct span text = span_of_cstr(rows[i].text), bytes = span_of_cstr(rows[i].bytes);
        ssize_t len = base64_decode(text, out);

        assert_true(base64_bytes_max(text.len) <= sizeof(out));
        assert_int_equal(len, bytes.len);
        assert_memory_equal(out, bytes.data, bytes.len);
    }
}

static void what_is_no_base64_is_refused(void **state)
{
    static const char *const bad[] = {"Z", "Zm9vY", "Zm 9", "Zm9-", "Zm9_", "Zm9\n", "Z==="};
    char out[16];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (base64_decode(span_of_cstr(bad[i]), out) != -EINVAL)
            fail_msg("%s is taken", bad[i]);
    }
    assert_int_equal(base64_decode(SPAN("Zm9\0"), out), -EINVAL);
    assert_int_equal(base64_decode(SPAN("Zm9\x80"), out), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_of_all_lengths_are_decoded),
        cmocka_unit_test(what_is_no_base64_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
