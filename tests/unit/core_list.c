/* Tests of core/list. */
#include "core/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct item {
    int number;
    struct list link;
};

static void init_items(struct item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        items[i].number = (int)i;
        list_init(&items[i].link);
    }
}

/* The numbers in the list, as the digits of one. */
static int digits_of(struct list *head)
{
    int digits = 0;

    list_for_each (link, head)
        digits = digits * 10 + list_entry(link, struct item, link)->number;
    return digits;
}

static int digits_backwards(struct list *head)
{
    int digits = 0;

    for (struct list *link = head->prev; link != head; link = link->prev)
        digits = digits * 10 + list_entry(link, struct item, link)->number;
    return digits;
}

static void order_is_kept_at_both_ends(void **state)
{
    struct item items[5];
    struct list head;

    init_items(items, COUNT_OF(items));
    list_init(&head);
    assert_true(list_is_empty(&head));
    list_push_back(&head, &items[2].link);
    list_push_back(&head, &items[3].link);
    list_push_front(&head, &items[1].link);
    list_insert_after(&items[2].link, &items[4].link);
    assert_false(list_is_empty(&head));
    assert_int_equal(digits_of(&head), 1243);
    assert_int_equal(digits_backwards(&head), 3421);
}

static void removing_is_harmless_twice(void **state)
{
    struct item items[3];
    struct list head;

    init_items(items, COUNT_OF(items));
    list_init(&head);
    for (size_t i = 0; i < COUNT_OF(items); i++)
        list_push_back(&head, &items[i].link);
    assert_true(list_is_linked(&items[1].link));
    list_remove(&items[1].link);
    assert_false(list_is_linked(&items[1].link));
    list_remove(&items[1].link);
    assert_int_equal(digits_of(&head), 2);
    assert_int_equal(digits_backwards(&head), 20);
    list_push_front(&head, &items[1].link);
    assert_int_equal(digits_of(&head), 102);
}

static void pop_takes_the_first(void **state)
{
    struct item items[2];
    struct list head;

    init_items(items, COUNT_OF(items));
    list_init(&head);
    list_push_back(&head, &items[0].link);
    list_push_back(&head, &items[1].link);
    assert_ptr_equal(list_pop_front(&head), &items[0].link);
    assert_false(list_is_linked(&items[0].link));
    assert_ptr_equal(list_pop_front(&head), &items[1].link);
    assert_null(list_pop_front(&head));
    assert_true(list_is_empty(&head));
}

static void all_move_in_order(void **state)
{
    struct item items[3];
    struct list from;
    struct list to;

    init_items(items, COUNT_OF(items));
    list_init(&from);
    list_init(&to);
    list_move_all(&from, &to);
    assert_true(list_is_empty(&to));
    for (size_t i = 0; i < COUNT_OF(items); i++)
        list_push_back(&from, &items[i].link);
    list_move_all(&from, &to);
    assert_true(list_is_empty(&from));
    assert_int_equal(digits_of(&to), 12);
    assert_int_equal(digits_backwards(&to), 210);
    list_push_back(&from, list_pop_front(&to));
    assert_int_equal(digits_of(&from), 0);
    assert_int_equal(digits_of(&to), 12);
}

static void the_safe_walk_may_remove(void **state)
{
    struct item items[5];
    struct list head;

    init_items(items, COUNT_OF(items));
    list_init(&head);
    for (size_t i = 0; i < COUNT_OF(items); i++)
        list_push_back(&head, &items[i].link);
    list_for_each_safe (link, &head) {
        if (list_entry(link, struct item, link)->number % 2 == 0)
            list_remove(link);
    }
    assert_int_equal(digits_of(&head), 13);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_kept_at_both_ends), cmocka_unit_test(removing_is_harmless_twice),
        cmocka_unit_test(pop_takes_the_first),        cmocka_unit_test(all_move_in_order),
        cmocka_unit_test(the_safe_walk_may_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
