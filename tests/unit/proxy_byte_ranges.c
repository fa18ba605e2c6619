/* Tests of proxy/byte_ranges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/byte_ranges.h"

/* "whole", the Content-Range of a refusal, or those of the parts. */
static void assert_asked(const char *value, uint64_t size, uint64_t count_max, const char *expected)
{
    char out[CONTENT_RANGE_BYTES], got[512] = "";
    struct byte_ranges r;
    struct arena a;

    arena_init(&a, 4096, 0);
    r = byte_ranges_parse(span_of_cstr(value), size, count_max, &a);
    if (r.kind == BYTES_WHOLE)
        strcpy(got, "whole");
    else if (r.kind == BYTES_UNSATISFIABLE)
        (void)content_range(NULL, size, got);
    for (size_t i = 0; r.kind == BYTES_PARTS && i < r.count; i++) {
        size_t len = content_range(&r.parts[i], size, out);

        assert_int_equal(len, strlen(out));
        strcat(got, i ? ", " : "");
        strcat(got, out);
    }
    if (strcmp(got, expected) != 0)
        fail_msg("%s of %llu: %s", value, (unsigned long long)size, got);
    arena_deinit(&a);
}

static void assert_range(const char *value, uint64_t size, const char *expected)
{
    assert_asked(value, size, UINT64_MAX, expected);
}

static void one_range_is_a_part(void **state)
{
    (void)state;
    assert_range("bytes=0-0", 100, "bytes 0-0/100");
    assert_range("bytes=10-19", 100, "bytes 10-19/100");
    assert_range("bytes=10-", 100, "bytes 10-99/100");
    assert_range("bytes=99-", 100, "bytes 99-99/100");
    assert_range("bytes=0-99", 100, "bytes 0-99/100");
    assert_range("bytes=0-100", 100, "bytes 0-99/100");
    assert_range("bytes=50-18446744073709551615", 100, "bytes 50-99/100");
    assert_range("bytes=50-99999999999999999999999", 100, "bytes 50-99/100");
    assert_range("bytes=-1", 100, "bytes 99-99/100");
    assert_range("bytes=-100", 100, "bytes 0-99/100");
    assert_range("bytes=-101", 100, "bytes 0-99/100");
    assert_range("bytes=-99999999999999999999999", 100, "bytes 0-99/100");
    assert_range("Bytes= 1 - 2 ", 100, "bytes 1-2/100");
    assert_range("bytes=,1-2,", 100, "bytes 1-2/100");
    assert_range("bytes=0-1,200-", 100, "bytes 0-1/100");
}

static void several_ranges_are_parts_in_their_order(void **state)
{
    (void)state;
    assert_range("bytes=0-1,3-4", 100, "bytes 0-1/100, bytes 3-4/100");
    assert_range("bytes=-1, 0-0 ,5-5", 100, "bytes 99-99/100, bytes 0-0/100, bytes 5-5/100");
    assert_range("bytes=0-49,0-49", 100, "bytes 0-49/100, bytes 0-49/100");
    assert_range("bytes=0-1,200-,3-2,4-4", 100, "bytes 0-1/100, bytes 4-4/100");
}

static void more_than_the_file_is_the_whole(void **state)
{
    (void)state;
    assert_range("bytes=0-49,0-50", 100, "whole");
    assert_range("bytes=0-,0-", 100, "whole");
    assert_range("bytes=0-,99-", 100, "whole");
}

static void more_ranges_than_allowed_are_the_whole(void **state)
{
    (void)state;
    assert_asked("bytes=0-1", 100, 0, "whole");
    assert_asked("bytes=100-", 100, 0, "whole");
    assert_asked("bytes=0-1", 100, 1, "bytes 0-1/100");
    assert_asked("bytes=0-1,3-4", 100, 1, "whole");
    assert_asked("bytes=0-1,3-4", 100, 2, "bytes 0-1/100, bytes 3-4/100");
    assert_asked("bytes=0-1,200-,3-4", 100, 2, "bytes 0-1/100, bytes 3-4/100");
}

static void ranges_behind_the_end_are_refused(void **state)
{
    (void)state;
    assert_range("bytes=100-", 100, "bytes */100");
    assert_range("bytes=100-200", 100, "bytes */100");
    assert_range("bytes=100-,200-", 100, "bytes */100");
    assert_range("bytes=99999999999999999999999-", 100, "bytes */100");
    assert_range("bytes=-0", 100, "bytes */100");
    assert_range("bytes=5-", 0, "bytes */0");
}

static void bad_ranges_are_refused(void **state)
{
    static const char *const bad[] = {"bytes=-",      "bytes=5",       "bytes=a-b", "bytes=2-1",
                                      "bytes=1-x",    "bytes=--1",     "bytes=,",   "bytes=+1-2",
                                      "bytes=1--2",   "bytes=0-1;2-3", "bytes=0x1", "bytes=0x1-2",
                                      "bytes=0-1, x", "bytes=1 1-2"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_range(bad[i], 100, "bytes */100");
}

static void what_nobody_must_obey_is_the_whole(void **state)
{
    (void)state;
    assert_range("bytes=", 100, "whole");
    assert_range("lines=0-1", 100, "whole");
    assert_range("bytes 0-1", 100, "whole");
    assert_range("", 100, "whole");
    assert_range("bytes=0-", 0, "whole");
    assert_range("bytes=-5", 0, "whole");
}

static void the_largest_numbers_fit(void **state)
{
    struct byte_range part = {UINT64_MAX, UINT64_MAX};
    char out[CONTENT_RANGE_BYTES];

    (void)state;
    assert_true(content_range(&part, UINT64_MAX, out) < CONTENT_RANGE_BYTES);
    assert_range("bytes=18446744073709551614-", UINT64_MAX,
                 "bytes 18446744073709551614-18446744073709551614/18446744073709551615");
}

static void want_of_memory_is_the_whole(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, 64, 1);
    assert_int_equal(byte_ranges_parse(SPAN("bytes=0-1"), 100, 9, &a).kind, BYTES_WHOLE);
    arena_deinit(&a);
}

static void parts_are_told_with_their_length(void **state)
{
    struct byte_range parts[] = {{0, 1}, {UINT64_MAX - 2, UINT64_MAX - 1}};
    struct multipart m = {.ranges = {BYTES_PARTS, parts, 2}, .size = UINT64_MAX, .boundary = 7};
    char head[MULTIPART_HEAD_BYTES];
    struct arena a;
    size_t bytes;

    (void)state;
    arena_init(&a, 4096, 0);
    assert_true(span_equals(multipart_type(&m, &a),
                            SPAN("multipart/byteranges; boundary=00000000000000000007")));
    for (int i = 0; i < 2; i++) {
        m.type = i ? SPAN("text/plain") : SPAN_NONE;
        m.boundary = i ? 7 : UINT64_MAX;
        bytes = 4; /* of the parts themselves */
        for (size_t n = 0; n <= 2; n++)
            bytes += multipart_head(&m, n, head, sizeof(head));
        assert_int_equal(multipart_bytes(&m), bytes);
    }
    (void)multipart_head(&m, 0, head, sizeof(head));
    assert_string_equal(head, "\r\n--00000000000000000007\r\nContent-Type: text/plain\r\n"
                              "Content-Range: bytes 0-1/18446744073709551615\r\n\r\n");
    (void)multipart_head(&m, 2, head, sizeof(head));
    assert_string_equal(head, "\r\n--00000000000000000007--\r\n");
    arena_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_range_is_a_part),
        cmocka_unit_test(several_ranges_are_parts_in_their_order),
        cmocka_unit_test(more_than_the_file_is_the_whole),
        cmocka_unit_test(more_ranges_than_allowed_are_the_whole),
        cmocka_unit_test(ranges_behind_the_end_are_refused),
        cmocka_unit_test(bad_ranges_are_refused),
        cmocka_unit_test(what_nobody_must_obey_is_the_whole),
        cmocka_unit_test(the_largest_numbers_fit),
        cmocka_unit_test(want_of_memory_is_the_whole),
        cmocka_unit_test(parts_are_told_with_their_length),
    };

    return cmocka_run_group_tests_name("proxy_byte_ranges", tests, NULL, NULL);
}
