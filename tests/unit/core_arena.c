/* Tests of core/arena. */
#include "core/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void memory_is_aligned_and_apart(void **state)
{
    struct arena a;
    char *pieces[100];

    arena_init(&a, 64, 0);
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        pieces[i] = arena_alloc(&a, i + 1);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        memset(pieces[i], (int)i, i + 1);
    }
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        for (size_t k = 0; k <= i; k++)
            assert_int_equal(pieces[i][k], (char)i);
    }
    arena_deinit(&a);
}

static void nothing_is_allocated_before_it_is_needed(void **state)
{
    struct arena a;

    arena_init(&a, 64, 0);
    assert_null(a.first);
    assert_int_equal(a.total_bytes, 0);
    arena_reset(&a);
    arena_deinit(&a);
}

static void reset_keeps_the_first_block(void **state)
{
    struct arena a;
    void *first;

    arena_init(&a, 64, 0);
    first = arena_alloc(&a, 16);
    for (int i = 0; i < 10; i++)
        assert_non_null(arena_alloc(&a, 64));
    assert_int_equal(a.total_bytes, 11 * 64);
    arena_reset(&a);
    assert_int_equal(a.total_bytes, 64);
    assert_ptr_equal(arena_alloc(&a, 16), first);
    assert_non_null(arena_alloc(&a, 48));
    assert_int_equal(a.total_bytes, 64);
    arena_deinit(&a);
    assert_null(a.first);
    assert_int_equal(a.total_bytes, 0);
}

static void a_large_piece_gets_its_own_block(void **state)
{
    struct arena a;
    char *large;

    arena_init(&a, 64, 0);
    large = arena_alloc(&a, 1000);
    assert_non_null(large);
    memset(large, 1, 1000);
    assert_in_range(a.total_bytes, 1000, 1000 + _Alignof(max_align_t));
    arena_deinit(&a);
}

static void the_limit_holds(void **state)
{
    struct arena a;

    arena_init(&a, 64, 128);
    assert_non_null(arena_alloc(&a, 64));
    assert_non_null(arena_alloc(&a, 64));
    assert_null(arena_alloc(&a, 1));
    assert_int_equal(a.total_bytes, 128);
    arena_reset(&a);
    assert_null(arena_alloc(&a, 65 + 64));
    assert_non_null(arena_alloc(&a, 64));
    arena_deinit(&a);
    arena_init(&a, 64, 63);
    assert_null(arena_alloc(&a, 1));
    arena_deinit(&a);
}

/* What a block has left is handed out still; only new ones are refused. */
static void a_limit_lowered_below_what_is_there_lets_no_block_in(void **state)
{
    struct arena a;

    arena_init(&a, 64, 0);
    assert_non_null(arena_alloc(&a, 64));
    assert_non_null(arena_alloc(&a, 48));
    a.total_bytes_max = 1;
    assert_non_null(arena_alloc(&a, 16));
    assert_null(arena_alloc(&a, 1));
    assert_null(arena_alloc(&a, 1000));
    a.total_bytes_max = 127;
    assert_null(arena_alloc(&a, 1));
    a.total_bytes_max = 128 + 63;
    assert_null(arena_alloc(&a, 1));
    assert_int_equal(a.total_bytes, 128);
    a.total_bytes_max = 128 + 64;
    assert_non_null(arena_alloc(&a, 1));
    arena_deinit(&a);
}

static void sizes_that_would_wrap_are_refused(void **state)
{
    struct arena a;

    arena_init(&a, 64, 0);
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_null(arena_alloc(&a, SIZE_MAX / 2 + 1));
    assert_null(arena_zalloc(&a, SIZE_MAX));
    arena_deinit(&a);
}

static void zalloc_clears_what_was_used_before(void **state)
{
    struct arena a;
    char *p;

    arena_init(&a, 64, 0);
    p = arena_alloc(&a, 64);
    memset(p, 0xff, 64);
    arena_reset(&a);
    p = arena_zalloc(&a, 64);
    for (int i = 0; i < 64; i++)
        assert_int_equal(p[i], 0);
    arena_deinit(&a);
}

static void copies_and_texts_end_in_nul(void **state)
{
    struct arena a;
    struct span s;

    arena_init(&a, 64, 0);
    s = arena_copy(&a, SPAN("a\0b"));
    assert_true(span_equals(s, SPAN("a\0b")));
    assert_int_equal(s.data[3], '\0');
    s = arena_copy(&a, SPAN_NONE);
    assert_int_equal(s.len, 0);
    assert_string_equal(s.data, "");
    s = arena_printf(&a, "%s-%0100d", "x", 7);
    assert_int_equal(s.len, 102);
    assert_int_equal(strlen(s.data), 102);
    s = arena_printf(&a, "%s", "");
    assert_string_equal(s.data, "");
    arena_deinit(&a);
}

static void copies_without_memory_are_null(void **state)
{
    struct arena a;

    arena_init(&a, 16, 8);
    assert_null(arena_copy(&a, SPAN("a")).data);
    assert_null(arena_printf(&a, "%d", 1).data);
    assert_null(arena_zalloc(&a, 1));
    arena_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_aligned_and_apart),
        cmocka_unit_test(nothing_is_allocated_before_it_is_needed),
        cmocka_unit_test(reset_keeps_the_first_block),
        cmocka_unit_test(a_large_piece_gets_its_own_block),
        cmocka_unit_test(the_limit_holds),
        cmocka_unit_test(a_limit_lowered_below_what_is_there_lets_no_block_in),
        cmocka_unit_test(sizes_that_would_wrap_are_refused),
        cmocka_unit_test(zalloc_clears_what_was_used_before),
        cmocka_unit_test(copies_and_texts_end_in_nul),
        cmocka_unit_test(copies_without_memory_are_null),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
