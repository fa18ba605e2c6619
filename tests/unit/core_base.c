/* Tests of core/base: assertions that stay on, and the helpers at the ends of their types. */
#include "core/base.h"

#include "loop_fixture.h"

static void break_an_invariant(void)
{
    volatile int one = 1;

    assert(one == 2);
}

static void keep_an_invariant(void)
{
    volatile int one = 1;

    assert(one == 1);
}

static void broken_assertion_ends_the_process(void **state)
{
    assert_true(aborts(break_an_invariant));
    assert_false(aborts(keep_an_invariant));
}

static void assertion_is_evaluated_once(void **state)
{
    int count = 0;

    assert(++count);
    assert_int_equal(count, 1);
}

struct outer {
    char first;
    uint64_t inner;
    uint32_t row[3];
};

static void struct_is_found_from_any_of_its_members(void **state)
{
    struct outer o[2];

    assert_ptr_equal(container_of(&o[1].first, struct outer, first), &o[1]);
    assert_ptr_equal(container_of(&o[1].inner, struct outer, inner), &o[1]);
    assert_ptr_equal(container_of(&o[1].row[2], struct outer, row[2]), &o[1]);
}

static void elements_are_counted_and_not_bytes(void **state)
{
    static const uint64_t numbers[7];
    static const char text[] = "abc";

    assert_int_equal(COUNT_OF(numbers), 7);
    assert_int_equal(COUNT_OF(text), 4);
    assert_int_equal(COUNT_OF(((struct outer *)0)->row), 3);
}

static void smaller_and_larger_hold_at_the_ends(void **state)
{
    static const struct {
        size_t a, b, least, most;
    } rows[] = {
        {0, 0, 0, 0},
        {0, 1, 0, 1},
        {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 1, SIZE_MAX},
        {0, SIZE_MAX, 0, SIZE_MAX},
        {SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX},
        {SIZE_MAX / 2, SIZE_MAX / 2 + 1, SIZE_MAX / 2, SIZE_MAX / 2 + 1}, /* no sign */
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        size_t a = rows[i].a, b = rows[i].b;

        assert_int_equal(size_min(a, b), rows[i].least);
        assert_int_equal(size_min(b, a), rows[i].least);
        assert_int_equal(size_max(a, b), rows[i].most);
        assert_int_equal(size_max(b, a), rows[i].most);
        assert_int_equal(u64_min(a, b), rows[i].least);
        assert_int_equal(u64_min(b, a), rows[i].least);
    }
    /* Where size_t is narrower it must not cut. */
    assert_true(u64_min(UINT64_MAX, UINT64_C(1) << 40) == UINT64_C(1) << 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_assertion_ends_the_process),
        cmocka_unit_test(assertion_is_evaluated_once),
        cmocka_unit_test(struct_is_found_from_any_of_its_members),
        cmocka_unit_test(elements_are_counted_and_not_bytes),
        cmocka_unit_test(smaller_and_larger_hold_at_the_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
