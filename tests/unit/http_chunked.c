/* Tests of http/chunked: sizes, extensions, line ends and their bounds. */
#include "http/chunked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What came of a stream. */
struct result {
    enum chunked_event last; /* NEED_INPUT, LAST or FLAW */
    const char *reason;
    size_t content_bytes;
    size_t left_bytes;
    char content[100]; /* as much as fits */
};

static struct result run(struct span stream, size_t piece_bytes)
{
    struct result r = {.last = CHUNKED_NEED_INPUT};
    struct chunked c;

    chunked_init(&c);
    while (stream.len && r.last == CHUNKED_NEED_INPUT) {
        struct span input = span_take(stream, size_min(piece_bytes, stream.len));
        size_t len = input.len;
        struct span content;

        while ((r.last = chunked_next(&c, &input, &content)) == CHUNKED_CONTENT) {
            assert_true(content.len > 0);
            for (size_t i = 0; i < content.len; i++, r.content_bytes++) {
                if (r.content_bytes < sizeof(r.content) - 1)
                    r.content[r.content_bytes] = content.data[i];
            }
        }
        if (r.last == CHUNKED_NEED_INPUT)
            assert_int_equal(input.len, 0);
        stream = span_skip(stream, len - input.len);
    }
    r.reason = c.reason;
    r.left_bytes = stream.len;
    return r;
}

/* The same in all pieces. */
static struct result run_all(struct span stream)
{
    struct result whole = run(stream, stream.len + 1);

    for (size_t piece = 1; piece < 8; piece++) {
        struct result r = run(stream, piece);

        assert_int_equal(r.last, whole.last);
        assert_ptr_equal(r.reason, whole.reason);
        assert_int_equal(r.content_bytes, whole.content_bytes);
        assert_string_equal(r.content, whole.content);
        if (r.last == CHUNKED_LAST)
            assert_int_equal(r.left_bytes, whole.left_bytes);
    }
    return whole;
}

static void content_is_joined(void **state)
{
    struct result r = run_all(SPAN("5\r\nhello\r\n00006\r\n world\r\nA\r\n0123456789\r\n0\r\nX"));

    assert_int_equal(r.last, CHUNKED_LAST);
    assert_string_equal(r.content, "hello world0123456789");
    assert_int_equal(r.left_bytes, 1);
}

static void good_extensions_are_passed_over(void **state)
{
    static const struct span lines[] = {
        {"0;a\r\n", 5},           {"0;ab  =cd\r\n", 11},        {"0;a=b  ;c\r\n", 11},

        {"0;a=b\r\n", 7},         {"0;a=\"b\"\r\n", 9},         {"0;a;b;c\r\n", 9},
        {"0; a = b ; c\r\n", 14}, {"0;a=\"\\\"\\\\\"\r\n", 12}, {"0;a=\"\t;=\xff\"\r\n", 12},
        {"0;a=\"b\" ;c\r\n", 12}, {"0;a=\"\"\r\n", 8},          {"0;a =b\r\n", 8},
        {"0;\ta\r\n", 6},         {"0;a=\"\\\t\"\r\n", 10},
    };

    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct result r = run_all(lines[i]);

        if (r.last != CHUNKED_LAST)
            fail_msg("row %zu refused: %s", i, r.reason);
        assert_int_equal(r.left_bytes, 0);
    }
}

static const char *const bad_streams[] = {
    /* sizes */
    "\r\n",
    " 5\r\nhello",
    "5 \r\nhello",
    "+5\r\nhello",
    "-5\r\nhello",
    "0x5\r\nhello",
    "5h\r\nhello",
    "g\r\n",
    ";a\r\n",
    "5,5\r\nhello",
    "\"5\"\r\nhello",
    "5\t\r\nhello",
    "5 ;a\r\nhello",
    "0X\r\n",
    /* overflow */
    "10000000000000000\r\n",
    "ffffffffffffffff\r\n",
    "8000000000000000\r\n",
    "fffffffffffffffff\r\n",
    "100000000000000000000005\r\nhello",
    /* line ends */
    "5\nhello",
    "5\rhello",
    "5\r\rhello",
    "5\r\r\nhello",
    "5;a\nhello",
    "5;a\rb\r\nhello",
    "5;a=\"\n\"\r\nhello",
    "5;a=\"\r\n\"\r\nhello",
    "0\n",
    "0\r\r\n",
    /* behind content */
    "5\r\nhelloo\r\n",
    "5\r\nhello\n0\r\n",
    "5\r\nhello\r0\r\n",
    "5\r\nhello0\r\n",
    "5\r\nhello\r\r\n",
    "5\r\nhello \r\n",
    /* extensions */
    "0;\r\n",
    "0;;a\r\n",
    "0;a=\r\n",
    "0;=b\r\n",
    "0;a=b=c\r\n",
    "0;a b\r\n",
    "0;a \r\n",
    "0;a=b c\r\n",
    "0;a=b \r\n",
    "0;a=\"b\"c\r\n",
    "0;a=\"b\" \r\n",
    "0;a=\x01\r\n",
    "0;a=\"\x7f\"\r\n",
    "0;a=\"\\\x01\"\r\n",
    "0;\xc3\xa9\r\n",
    "0;a=b\"c\"\r\n",
    "0;a(\r\n",
};

static void bad_framing_is_refused(void **state)
{
    for (size_t i = 0; i < COUNT_OF(bad_streams); i++) {
        struct result r = run_all(span_of_cstr(bad_streams[i]));

        if (r.last != CHUNKED_FLAW)
            fail_msg("row %zu accepted: %s", i, bad_streams[i]);
        assert_non_null(r.reason);
    }
    assert_int_equal(run_all(SPAN("0;a=\"\0\"\r\n")).last, CHUNKED_FLAW);
    assert_int_equal(run_all(SPAN("\0")).last, CHUNKED_FLAW);
}

static void the_largest_size_is_taken(void **state)
{
    struct result r = run_all(SPAN("7fffffffffffffff\r\nabc"));

    assert_int_equal(r.last, CHUNKED_NEED_INPUT);
    assert_string_equal(r.content, "abc");
}

/* count times a piece of text. The caller frees it. */
static char *repeated(const char *text, size_t count)
{
    size_t len = strlen(text);
    char *all = malloc(len * count + 1);

    assert_non_null(all);
    for (size_t i = 0; i < count; i++)
        memcpy(all + i * len, text, len);
    all[len * count] = '\0';
    return all;
}

static void check_repeated(const char *prefix, const char *text, size_t count, const char *suffix,
                           enum chunked_event expected)
{
    char *middle = repeated(text, count);
    size_t size = strlen(prefix) + strlen(middle) + strlen(suffix) + 1;
    char *all = malloc(size);

    assert_non_null(all);
    (void)snprintf(all, size, "%s%s%s", prefix, middle, suffix);
    assert_int_equal(run_all(span_of(all, size - 1)).last, expected);
    free(all);
    free(middle);
}

static void lines_are_bounded(void **state)
{
    /* "0;" and CR LF are four bytes of the line. */
    check_repeated("0;", "x", CHUNK_LINE_BYTES_MAX - 4, "\r\n", CHUNKED_LAST);
    check_repeated("0;", "x", CHUNK_LINE_BYTES_MAX - 3, "\r\n", CHUNKED_FLAW);
    check_repeated("0;", "x", 200 * 1024, "\r\n", CHUNKED_FLAW);
    check_repeated("", "0", CHUNK_LINE_BYTES_MAX - 2, "\r\n", CHUNKED_LAST);
    check_repeated("", "0", CHUNK_LINE_BYTES_MAX - 1, "\r\n", CHUNKED_FLAW);
}

static void framing_is_bounded_by_content(void **state)
{
    char chunk[1200];

    check_repeated("", "1\r\nx\r\n", 20000, "0\r\n", CHUNKED_LAST);
    /* 13 bytes of line are free. */
    check_repeated("", "1;01234567890\r\nx\r\n", 20000, "0\r\n", CHUNKED_LAST);
    (void)snprintf(chunk, sizeof(chunk), "1;%01000d\r\nx\r\n", 0);
    check_repeated("", chunk, 10, "0\r\n", CHUNKED_LAST);
    check_repeated("", chunk, 20, "0\r\n", CHUNKED_FLAW);
    check_repeated("", chunk, 4000, "0\r\n", CHUNKED_FLAW);
    /* Content pays for it. */
    (void)snprintf(chunk, sizeof(chunk), "1f4;%0200d\r\n%0500d\r\n", 0, 0);
    check_repeated("", chunk, 1000, "0\r\n", CHUNKED_LAST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_is_joined),      cmocka_unit_test(good_extensions_are_passed_over),
        cmocka_unit_test(bad_framing_is_refused), cmocka_unit_test(the_largest_size_is_taken),
        cmocka_unit_test(lines_are_bounded),      cmocka_unit_test(framing_is_bounded_by_content),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
