/* Tests of core/span_table. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/span_table.h"

#define KEYS 300 /* several times more slots are needed */

static void what_was_put_is_found_and_nothing_else(void **state)
{
    static char texts[KEYS][16];
    static int values[KEYS];
    struct span_table t = {.slot_count = 0};
    struct arena a;

    (void)state;
    arena_init(&a, 4096, 0);
    assert_null(span_table_find(&t, SPAN("k0")));
    for (int i = 0; i < KEYS; i++) {
        (void)snprintf(texts[i], sizeof(texts[i]), "k%d", i);
        assert_int_equal(span_table_put(&t, &a, span_of_cstr(texts[i]), &values[i]), 0);
        assert_int_equal(t.key_count, i + 1);
        assert_int_equal(t.slot_count & (t.slot_count - 1), 0);
        assert_true(t.slot_count >= 2 * t.key_count);
    }
    for (int i = 0; i < KEYS; i++)
        assert_ptr_equal(span_table_find(&t, span_of_cstr(texts[i])), &values[i]);
    assert_null(span_table_find(&t, SPAN("k300")));
    assert_null(span_table_find(&t, SPAN("K0")));
    assert_null(span_table_find(&t, SPAN("")));
    arena_deinit(&a);
}

static void case_is_ignored_where_it_is_to_be(void **state)
{
    struct span_table t = {.ignores_case = true};
    struct arena a;
    int value;

    (void)state;
    arena_init(&a, 4096, 0);
    assert_int_equal(span_table_put(&t, &a, SPAN("Html"), &value), 0);
    assert_ptr_equal(span_table_find(&t, SPAN("hTML")), &value);
    assert_null(span_table_find(&t, SPAN("htm")));
    arena_deinit(&a);
}

static void a_key_has_the_last_value(void **state)
{
    struct span_table t = {.slot_count = 0};
    struct arena a;
    int first, last;

    (void)state;
    arena_init(&a, 4096, 0);
    assert_int_equal(span_table_put(&t, &a, SPAN(""), &first), 0);
    assert_int_equal(span_table_put(&t, &a, SPAN(""), &last), 0);
    assert_ptr_equal(span_table_find(&t, SPAN("")), &last);
    assert_int_equal(t.key_count, 1);
    arena_deinit(&a);
}

static void without_memory_it_stays_as_it_is(void **state)
{
    struct span_table t = {.slot_count = 0};
    struct arena a;
    int value;

    (void)state;
    arena_init(&a, 128, 128);
    assert_int_equal(span_table_put(&t, &a, SPAN("a"), &value), 0);
    assert_int_equal(span_table_put(&t, &a, SPAN("b"), &value), 0);
    assert_int_equal(span_table_put(&t, &a, SPAN("c"), &value), -ENOMEM);
    assert_int_equal(t.key_count, 2);
    assert_ptr_equal(span_table_find(&t, SPAN("a")), &value);
    assert_null(span_table_find(&t, SPAN("c")));
    arena_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_found_and_nothing_else),
        cmocka_unit_test(case_is_ignored_where_it_is_to_be),
        cmocka_unit_test(a_key_has_the_last_value),
        cmocka_unit_test(without_memory_it_stays_as_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
