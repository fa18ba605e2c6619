/* Tests of io/tls_pem: what is a block, and what is one that was cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "io/tls_pem.h"

#define BLOCK(label, text) "-----BEGIN " label "-----\n" text "\n-----END " label "-----\n"
#define A BLOCK("A", "aaaa")
#define B BLOCK("B C", "bbbb")

static char error[200];

/* All blocks of a text as "label:text;", with line ends left out. */
static const char *blocks_of(struct span pem)
{
    static char out[256];
    struct pem_block b;
    size_t len = 0;

    while (pem_next(&pem, &b)) {
        len += (size_t)sprintf(out + len, "%.*s:", SPAN_ARG(b.label));
        for (size_t i = 0; i < b.text.len; i++) {
            if (b.text.data[i] != '\n' && b.text.data[i] != '\r')
                out[len++] = b.text.data[i];
        }
        out[len++] = ';';
        assert_true(len < 128);
    }
    out[len] = '\0';
    return out;
}

static void assert_blocks(struct span pem, const char *blocks)
{
    assert_string_equal(blocks_of(pem), blocks);
    error[0] = '\0';
    if (pem_check(pem, "bad", error, sizeof(error)))
        fail_msg("%s", error);
    assert_string_equal(error, "");
}

/* line: of the BEGIN. What stands before it is taken all the same. */
static void assert_cut(struct span pem, const char *blocks, unsigned line)
{
    char expected[200];

    (void)sprintf(expected, "bad: the PEM block in line %u is cut, it has no END line", line);
    assert_string_equal(blocks_of(pem), blocks);
    assert_int_equal(pem_check(pem, "bad", error, sizeof(error)), -EINVAL);
    assert_string_equal(error, expected);
}

static void blocks_are_taken_in_their_order(void **state)
{
    (void)state;
    assert_blocks(SPAN_NONE, "");
    assert_blocks(SPAN("words\n"), "");
    assert_blocks(SPAN(A), "A:aaaa;");
    assert_blocks(SPAN("words\n" A "more\n\n" B "end"), "A:aaaa;B C:bbbb;");
    assert_blocks(SPAN("-----BEGIN A-----\r\naa\r\naa\r\n-----END A-----\r\n" B),
                  "A:aaaa;B C:bbbb;");
    assert_blocks(SPAN("-----BEGIN A-----\r-----END A-----\r-----BEGIN B-----\r-----END B-----"),
                  "A:;B:;");
    assert_blocks(SPAN("-----BEGIN A----------END A-----"), "A:;");
}

/* As cat(1) makes of a file whose last line has no end. */
static void end_and_next_begin_may_share_a_line(void **state)
{
    (void)state;
    assert_blocks(SPAN("-----BEGIN A-----\naaaa\n-----END A-----" B), "A:aaaa;B C:bbbb;");
}

static void begin_stands_first_in_its_line(void **state)
{
    (void)state;
    assert_blocks(SPAN("from -----BEGIN A----- on\n" A), "A:aaaa;");
    assert_blocks(SPAN("# -----BEGIN "), "");
    assert_blocks(SPAN("--- -----BEGIN -----BEGIN "), "");
    assert_blocks(SPAN(" \t" A "  " B), "A:aaaa;B C:bbbb;");
    assert_blocks(SPAN("\xef\xbb\xbf" A), "A:aaaa;");
    assert_blocks(SPAN("\n\xef\xbb\xbf" A), "");
    assert_blocks(SPAN("-----END A-----\n" A "-----END A-----\n-----"), "A:aaaa;");
}

static void every_cut_within_a_block_is_found(void **state)
{
    static const char text[] = A "\nword\n" B;
    const size_t begin = strlen(A) + strlen("\nword\n"), whole = strlen(text) - 1;

    (void)state;
    for (size_t len = begin + strlen("-----BEGIN "); len < whole; len++)
        assert_cut(span_of(text, len), "A:aaaa;", 6);
    assert_blocks(span_of(text, whole), "A:aaaa;B C:bbbb;");
    /* Less than a BEGIN is a word like any other. */
    for (size_t len = strlen(A) - 1; len < begin + strlen("-----BEGIN "); len++)
        assert_blocks(span_of(text, len), "A:aaaa;");
    assert_cut(SPAN("-----BEGIN "), "", 1);
}

static void cut_block_does_not_eat_the_next_one(void **state)
{
    (void)state;
    assert_cut(SPAN(A "-----BEGIN A-----\naa\n" A), "A:aaaa;", 4);
    assert_cut(SPAN("-----BEGIN A\n" A), "", 1);
    assert_cut(SPAN("-----BEGIN A" A), "", 1);
    assert_cut(SPAN("-----BEGIN A-----\naa-----BEGIN A-----"), "", 1);
    assert_cut(SPAN("-----BEGIN A-----\naa" A), "", 1);
    assert_cut(SPAN("-----BEGIN A-----\naa-----words-----\naa\n-----END A-----\n"), "", 1);
}

static void end_has_the_label_of_its_begin(void **state)
{
    (void)state;
    assert_cut(SPAN("-----BEGIN A-----\naaaa\n-----END B-----\n"), "", 1);
    assert_cut(SPAN("-----BEGIN A-----\naaaa\n-----END A B-----\n"), "", 1);
    assert_cut(SPAN("-----BEGIN A B-----\naaaa\n-----END A-----\n"), "", 1);
    assert_cut(SPAN("\n\n-----BEGIN A-----\naaaa\n-----END A----\n-----END A-----\n"), "", 3);
}

static void nul_is_a_byte_like_any_other(void **state)
{
    (void)state;
    assert_cut(SPAN("\0\n" A "\0-----\n-----BEGIN A-----\n\0"), "A:aaaa;", 6);
    assert_cut(SPAN("-----BEGIN A-----\naaaa\n-----END A\0-----\n"), "", 1);
}

static void message_is_cut_to_its_room(void **state)
{
    char small[8];

    (void)state;
    assert_int_equal(pem_check(SPAN("-----BEGIN "), "bad", small, sizeof(small)), -EINVAL);
    assert_string_equal(small, "bad: th");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_taken_in_their_order),
        cmocka_unit_test(end_and_next_begin_may_share_a_line),
        cmocka_unit_test(begin_stands_first_in_its_line),
        cmocka_unit_test(every_cut_within_a_block_is_found),
        cmocka_unit_test(cut_block_does_not_eat_the_next_one),
        cmocka_unit_test(end_has_the_label_of_its_begin),
        cmocka_unit_test(nul_is_a_byte_like_any_other),
        cmocka_unit_test(message_is_cut_to_its_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
