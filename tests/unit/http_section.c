/* Tests of http/section: line discipline, limits, and that pieces make no difference. */
#include "http/section.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loop_fixture.h"

#define LINE_BYTES 10
#define FIELDS_MAX 3
#define HEAD_BYTES 40

static const struct parser_limits limits = {
    .head_bytes_max = HEAD_BYTES,
    .line_bytes_max = LINE_BYTES,
    .field_count_max = FIELDS_MAX,
    .head_bytes_first = 4,
};

struct reading {
    struct section section;
    struct arena arena;
    struct flaw flaw;
    struct span left;
};

static void read_all(struct reading *r, bool has_start_line, struct span stream, size_t piece_bytes)
{
    *r = (struct reading){.left = stream};
    arena_init(&r->arena, 256, 0);
    section_init(&r->section, has_start_line);
    while (r->left.len && !r->section.is_complete && !r->flaw.error) {
        struct span input = span_take(r->left, size_min(piece_bytes, r->left.len));
        size_t len = input.len;

        r->flaw = section_add(&r->section, &limits, &r->arena, &input);
        if (!r->flaw.error && !r->section.is_complete)
            assert_int_equal(input.len, 0);
        r->left = span_skip(r->left, len - input.len);
    }
}

/* What came of a stream is the same in all pieces. */
static struct flaw flaw_in_all_pieces(bool has_start_line, struct span stream)
{
    struct reading whole;

    read_all(&whole, has_start_line, stream, stream.len + 1);
    for (size_t piece = 1; piece < 8; piece++) {
        struct reading r;

        read_all(&r, has_start_line, stream, piece);
        assert_int_equal(r.flaw.error, whole.flaw.error);
        assert_ptr_equal(r.flaw.reason, whole.flaw.reason);
        assert_int_equal(r.section.is_complete, whole.section.is_complete);
        if (whole.section.is_complete && !whole.flaw.error) {
            assert_int_equal(r.left.len, whole.left.len);
            assert_int_equal(r.section.len, whole.section.len);
            assert_memory_equal(r.section.data, whole.section.data, r.section.len);
        }
        arena_deinit(&r.arena);
    }
    arena_deinit(&whole.arena);
    return whole.flaw;
}

static void section_ends_behind_its_empty_line(void **state)
{
    struct span stream = SPAN("GET\r\na: b\r\nc:\td\r\n\r\nnext");

    for (size_t piece = 1; piece <= stream.len; piece++) {
        struct reading r;

        read_all(&r, true, stream, piece);
        assert_int_equal(r.flaw.error, PARSER_OK);
        assert_true(r.section.is_complete);
        assert_int_equal(r.section.line_count, 3);
        assert_int_equal(r.section.first_line_bytes, 3);
        assert_true(span_equals(r.left, SPAN("next")));
        assert_true(span_equals(section_fields(&r.section), SPAN("a: b\r\nc:\td\r\n\r\n")));
        arena_deinit(&r.arena);
    }
}

static void trailers_have_no_start_line(void **state)
{
    struct reading r;

    read_all(&r, false, SPAN("a: b\r\n\r\n"), 3);
    assert_int_equal(r.flaw.error, PARSER_OK);
    assert_true(span_equals(section_fields(&r.section), SPAN("a: b\r\n\r\n")));
    arena_deinit(&r.arena);
    read_all(&r, false, SPAN("\r\nX"), 1);
    assert_true(r.section.is_complete);
    assert_int_equal(r.section.line_count, 0);
    assert_int_equal(r.left.len, 1);
    assert_true(span_equals(section_fields(&r.section), SPAN("\r\n")));
    arena_deinit(&r.arena);
}

static void lines_end_in_cr_lf_and_nothing_else(void **state)
{
    static const struct {
        struct span stream;
        const char *reason;
    } rows[] = {
        {{"a\n", 2}, "bare LF"},
        {{"\n", 1}, "bare LF"},
        {{"a\r\n\n", 4}, "bare LF"},
        {{"a\rb\r\n", 5}, "bare CR or a control byte in a line"},
        {{"a\r\r\n", 4}, "bare CR or a control byte in a line"},
        {{"\r\r\n", 3}, "bare CR or a control byte in a line"},
        {{"a\r\n\rb", 5}, "bare CR or a control byte in a line"},
        {{"a\0\r\n", 4}, "bare CR or a control byte in a line"},
        {{"a\x7f\r\n", 4}, "bare CR or a control byte in a line"},
        {{"a\x1f", 2}, "bare CR or a control byte in a line"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (int has_start_line = 0; has_start_line < 2; has_start_line++) {
            struct flaw flaw = flaw_in_all_pieces(has_start_line, rows[i].stream);

            assert_int_equal(flaw.error, PARSER_BAD_SYNTAX);
            assert_string_equal(flaw.reason, rows[i].reason);
        }
    }
}

static void field_line_that_begins_with_white_space_is_refused(void **state)
{
    static const char reason[] = "line folding, or a field line that begins with white space";

    assert_string_equal(flaw_in_all_pieces(true, SPAN("a\r\n b\r\n")).reason, reason);
    assert_string_equal(flaw_in_all_pieces(true, SPAN("a\r\nb:\r\n\tb")).reason, reason);
    assert_string_equal(flaw_in_all_pieces(false, SPAN(" a")).reason, reason);
    assert_string_equal(flaw_in_all_pieces(false, SPAN("\t\r\n")).reason, reason);
    /* What a start line begins with is its reader's to judge. */
    assert_int_equal(flaw_in_all_pieces(true, SPAN(" a\r\n\r\n")).error, PARSER_OK);
}

static void line_may_be_as_long_as_the_limit_and_no_longer(void **state)
{
    static const char reason[] = "a line is too long";

    assert_int_equal(flaw_in_all_pieces(true, SPAN("0123456789\r\n\r\n")).error, PARSER_OK);
    assert_int_equal(flaw_in_all_pieces(false, SPAN("0123456789\r\n\r\n")).error, PARSER_OK);
    assert_int_equal(flaw_in_all_pieces(true, SPAN("0123456789a")).error, PARSER_HEAD_TOO_LARGE);
    assert_string_equal(flaw_in_all_pieces(true, SPAN("a\r\n0123456789a")).reason, reason);
    assert_string_equal(flaw_in_all_pieces(false, SPAN("0123456789ab\r\n")).reason, reason);
    /* Each line is counted by itself. */
    assert_int_equal(
        flaw_in_all_pieces(true, SPAN("0123456789\r\n0123456789\r\n0123456789\r\n\r\n")).error,
        PARSER_OK);
}

static void fields_are_counted_without_the_start_line(void **state)
{
    assert_int_equal(flaw_in_all_pieces(true, SPAN("s\r\na\r\nb\r\nc\r\n\r\n")).error, PARSER_OK);
    assert_int_equal(flaw_in_all_pieces(false, SPAN("a\r\nb\r\nc\r\n\r\n")).error, PARSER_OK);
    assert_string_equal(flaw_in_all_pieces(true, SPAN("s\r\na\r\nb\r\nc\r\nd\r\n\r\n")).reason,
                        "too many fields");
    assert_int_equal(flaw_in_all_pieces(false, SPAN("a\r\nb\r\nc\r\nd\r\n")).error,
                     PARSER_HEAD_TOO_LARGE);
}

static void section_may_be_as_large_as_the_limit_and_no_larger(void **state)
{
#define LINES "0123456789\r\n0123456789\r\n0123456789\r\n"
    struct span fits = SPAN("01234567\r\n012345678\r\n0123\r\n012345678\r\n\r\n");
    struct span large = SPAN("01234567\r\n012345678\r\n01234\r\n012345678\r\n\r\n");

    assert_int_equal(fits.len, HEAD_BYTES);
    assert_int_equal(flaw_in_all_pieces(true, fits).error, PARSER_OK);
    assert_int_equal(flaw_in_all_pieces(true, large).error, PARSER_HEAD_TOO_LARGE);
    assert_string_equal(flaw_in_all_pieces(true, SPAN(LINES "0123")).reason,
                        "the head or the trailers are too large");
    assert_int_equal(flaw_in_all_pieces(true, SPAN(LINES "012")).error, PARSER_OK);
#undef LINES
}

static void memory_at_its_end_is_said(void **state)
{
    struct arena arena;
    struct section s;
    struct span input = SPAN("0123");
    struct span more = SPAN("4");

    arena_init(&arena, 16, 16);
    section_init(&s, true);
    assert_non_null(arena_alloc(&arena, 12));
    assert_int_equal(section_add(&s, &limits, &arena, &input).error, PARSER_NO_MEMORY);
    /* While it grows: what there was stays. */
    arena_reset(&arena);
    section_init(&s, true);
    assert_int_equal(section_add(&s, &limits, &arena, &input).error, PARSER_OK);
    assert_int_equal(section_add(&s, &limits, &arena, &more).error, PARSER_NO_MEMORY);
    assert_true(span_equals(span_of(s.data, s.len), SPAN("0123")));
    arena_deinit(&arena);
}

static void empty_piece_is_nothing(void **state)
{
    struct arena arena;
    struct section s;
    struct span input = SPAN_NONE;

    arena_init(&arena, 16, 0);
    section_init(&s, true);
    assert_int_equal(section_add(&s, &limits, &arena, &input).error, PARSER_OK);
    assert_int_equal(s.len, 0);
    assert_int_equal(arena.total_bytes, 0);
    arena_deinit(&arena);
}

/* What each beginning of a stream is judged to be: so a flaw is found at one byte, in all pieces.
 * Streams of the bytes that decide, from a generator that always makes the same ones. */
static void flaw_is_found_at_the_same_byte_in_all_pieces(void **state)
{
    static const char bytes[] = "\r\r\n\n \taa:\0\x80";
    uint32_t random = 1;

    for (size_t i = 0; i < 400; i++) {
        char text[HEAD_BYTES + 2];

        for (size_t k = 0; k < sizeof(text); k++) {
            random = random * 1664525 + 1013904223;
            text[k] = random >> 31 ? 'a' : bytes[(random >> 16) % (sizeof(bytes) - 1)];
            if (k && text[k - 1] == '\r' && random >> 29 & 3)
                text[k] = '\n';
        }
        for (size_t len = 0; len <= sizeof(text); len++)
            (void)flaw_in_all_pieces(i & 1, span_of(text, len));
    }
}

static void ask_for_fields_too_early(void)
{
    struct section s;

    section_init(&s, true);
    (void)section_fields(&s);
}

static void fields_are_those_of_a_complete_section(void **state)
{
    assert_true(aborts(ask_for_fields_too_early));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(section_ends_behind_its_empty_line),
        cmocka_unit_test(trailers_have_no_start_line),
        cmocka_unit_test(lines_end_in_cr_lf_and_nothing_else),
        cmocka_unit_test(field_line_that_begins_with_white_space_is_refused),
        cmocka_unit_test(line_may_be_as_long_as_the_limit_and_no_longer),
        cmocka_unit_test(fields_are_counted_without_the_start_line),
        cmocka_unit_test(section_may_be_as_large_as_the_limit_and_no_larger),
        cmocka_unit_test(memory_at_its_end_is_said),
        cmocka_unit_test(empty_piece_is_nothing),
        cmocka_unit_test(flaw_is_found_at_the_same_byte_in_all_pieces),
        cmocka_unit_test(fields_are_those_of_a_complete_section),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
