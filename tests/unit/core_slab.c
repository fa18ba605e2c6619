/* Tests of core/slab. */
#include "core/slab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void objects_are_apart_and_bounded(void **state)
{
    struct slab s;
    char *objects[10];

    assert_int_equal(slab_init(&s, 100, COUNT_OF(objects)), 0);
    for (size_t i = 0; i < COUNT_OF(objects); i++) {
        objects[i] = slab_take(&s);
        assert_non_null(objects[i]);
        assert_int_equal((uintptr_t)objects[i] % 64, 0);
        memset(objects[i], (int)i, 100);
    }
    assert_null(slab_take(&s));
    assert_int_equal(s.count_taken, COUNT_OF(objects));
    for (size_t i = 0; i < COUNT_OF(objects); i++) {
        for (size_t k = 0; k < 100; k++)
            assert_int_equal(objects[i][k], (char)i);
        slab_give(&s, objects[i]);
    }
    assert_int_equal(s.count_taken, 0);
    slab_deinit(&s);
}

static void the_warm_object_comes_back_first(void **state)
{
    struct slab s;
    void *a;
    void *b;

    assert_int_equal(slab_init(&s, sizeof(void *), 3), 0);
    a = slab_take(&s);
    b = slab_take(&s);
    slab_give(&s, a);
    slab_give(&s, b);
    assert_ptr_equal(slab_take(&s), b);
    assert_ptr_equal(slab_take(&s), a);
    assert_int_equal(s.count_touched, 2);
    slab_give(&s, a);
    slab_give(&s, b);
    slab_deinit(&s);
}

static void a_full_slab_goes_on_after_a_give(void **state)
{
    struct slab s;
    void *a;

    assert_int_equal(slab_init(&s, 64, 1), 0);
    a = slab_take(&s);
    assert_null(slab_take(&s));
    slab_give(&s, a);
    assert_ptr_equal(slab_take(&s), a);
    slab_give(&s, a);
    slab_deinit(&s);
}

static void sizes_that_cannot_be_are_refused(void **state)
{
    struct slab s;

    assert_int_equal(slab_init(&s, 64, SIZE_MAX / 2), -ENOMEM);
    slab_deinit(&s);
    assert_int_equal(slab_init(&s, 64, SIZE_MAX / 64), -ENOMEM);
    slab_deinit(&s);
}

static void untouched_objects_cost_address_space_only(void **state)
{
    struct slab s;
    void *object;

    /* 64 GiB: more than a test host has. */
    assert_int_equal(slab_init(&s, 4096, 16 * 1024 * 1024), 0);
    object = slab_take(&s);
    memset(object, 1, 4096);
    slab_give(&s, object);
    slab_deinit(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_are_apart_and_bounded),
        cmocka_unit_test(the_warm_object_comes_back_first),
        cmocka_unit_test(a_full_slab_goes_on_after_a_give),
        cmocka_unit_test(sizes_that_cannot_be_are_refused),
        cmocka_unit_test(untouched_objects_cost_address_space_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
