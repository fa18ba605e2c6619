/* Tests of http/writer. */
#include "http/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define assert_written(w, text)                                           \
    do {                                                                  \
        assert_false((w).has_overflowed);                                 \
        assert_true(span_equals(span_of((w).data, (w).len), SPAN(text))); \
    } while (0)

static void a_request_head_is_written(void **state)
{
    char buffer[200];
    struct writer w;

    writer_init(&w, buffer, sizeof(buffer));
    writer_request_line(&w, SPAN("GET"), SPAN("/a?b"), 1);
    writer_field(&w, SPAN("Host"), SPAN("example.com"));
    writer_field(&w, SPAN("X-Empty"), SPAN_NONE);
    writer_field_u64(&w, SPAN("Content-Length"), 0);
    writer_end_of_head(&w);
    assert_written(w, "GET /a?b HTTP/1.1\r\nHost: example.com\r\nX-Empty: \r\n"
                      "Content-Length: 0\r\n\r\n");
    assert_int_equal(w.refused_count, 0);
}

static void the_version_is_1_0_or_1_1(void **state)
{
    char buffer[200];
    struct writer w;

    writer_init(&w, buffer, sizeof(buffer));
    writer_request_line(&w, SPAN("POST"), SPAN("*"), 0);
    assert_written(w, "POST * HTTP/1.0\r\n");
}

static void a_bad_request_line_spoils_the_head(void **state)
{
    static const char *const targets[] = {"", "/ ", "/\r\nX: y", "/\x7f", "/\xc3\xa9", "/\t"};
    char buffer[200];
    struct writer w;

    for (size_t i = 0; i < COUNT_OF(targets); i++) {
        writer_init(&w, buffer, sizeof(buffer));
        writer_request_line(&w, SPAN("GET"), span_of_cstr(targets[i]), 1);
        assert_true(w.has_overflowed);
        assert_int_equal(w.len, 0);
    }
    writer_init(&w, buffer, sizeof(buffer));
    writer_request_line(&w, SPAN("GET /x"), SPAN("/"), 1);
    assert_true(w.has_overflowed);
}

static void a_status_line_has_its_reason(void **state)
{
    char buffer[200];
    struct writer w;

    writer_init(&w, buffer, sizeof(buffer));
    writer_status_line(&w, 200, SPAN_NONE);
    writer_status_line(&w, 404, SPAN("Gone fishing"));
    writer_status_line(&w, 299, SPAN_NONE);
    writer_status_line(&w, 500, SPAN("a\r\nX: y"));
    assert_written(w, "HTTP/1.1 200 OK\r\nHTTP/1.1 404 Gone fishing\r\nHTTP/1.1 299 \r\n"
                      "HTTP/1.1 500 \r\n");
}

static void bad_values_are_left_out_and_counted(void **state)
{
    char buffer[200];
    struct writer w;

    writer_init(&w, buffer, sizeof(buffer));
    writer_field(&w, SPAN("A"), SPAN("x\ty\xff"));
    writer_field(&w, SPAN("B"), SPAN("x\r\nC: y"));
    writer_field(&w, SPAN("B"), SPAN("x\ny"));
    writer_field(&w, SPAN("B"), SPAN("x\0y"));
    writer_field(&w, SPAN("B"), SPAN("\x1b[2J"));
    assert_written(w, "A: x\ty\xff\r\n");
    assert_int_equal(w.refused_count, 4);
}

static void numbers_are_decimal(void **state)
{
    char buffer[100];
    struct writer w;

    writer_init(&w, buffer, sizeof(buffer));
    writer_u64(&w, 0);
    writer_span(&w, SPAN(","));
    writer_u64(&w, 1234567890);
    writer_span(&w, SPAN(","));
    writer_u64(&w, UINT64_MAX);
    assert_written(w, "0,1234567890,18446744073709551615");
}

static void chunks_begin_with_their_size_in_hex(void **state)
{
    char buffer[CHUNK_PREFIX_BYTES_MAX];
    struct writer w;

    writer_init(&w, buffer, sizeof(buffer));
    writer_chunk_prefix(&w, 0x1a2f);
    assert_written(w, "1a2f\r\n");
    writer_init(&w, buffer, sizeof(buffer));
    writer_chunk_prefix(&w, UINT64_MAX);
    assert_written(w, "ffffffffffffffff\r\n");
}

static void write_all(struct writer *w)
{
    writer_request_line(w, SPAN("GET"), SPAN("/"), 1);
    writer_status_line(w, 200, SPAN_NONE);
    writer_field(w, SPAN("Name"), SPAN("value"));
    writer_field_u64(w, SPAN("N"), 12345);
    writer_end_of_head(w);
    writer_chunk_prefix(w, 255);
}

static void what_does_not_fit_is_flagged(void **state)
{
    char whole[200];
    struct writer all;

    writer_init(&all, whole, sizeof(whole));
    write_all(&all);
    assert_false(all.has_overflowed);
    for (size_t size = 0; size <= all.len; size++) {
        /* Of its own, so that a sanitizer sees a byte too many. */
        char *buffer = malloc(size ? size : 1);
        struct writer w;

        assert_non_null(buffer);
        writer_init(&w, buffer, size);
        write_all(&w);
        assert_int_equal(w.has_overflowed, size < all.len);
        assert_true(w.len <= size);
        free(buffer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_head_is_written),
        cmocka_unit_test(the_version_is_1_0_or_1_1),
        cmocka_unit_test(a_bad_request_line_spoils_the_head),
        cmocka_unit_test(a_status_line_has_its_reason),
        cmocka_unit_test(bad_values_are_left_out_and_counted),
        cmocka_unit_test(numbers_are_decimal),
        cmocka_unit_test(chunks_begin_with_their_size_in_hex),
        cmocka_unit_test(what_does_not_fit_is_flagged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
