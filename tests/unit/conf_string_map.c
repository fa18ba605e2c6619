/* Tests of conf/string_map. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/string_map.h"

#define KEYS_MANY 5000

struct fixture {
    struct arena arena;
    struct string_map map;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    arena_init(&f->arena, 4096, 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    arena_deinit(&f->arena);
    free(f);
    return 0;
}

/* A value whose text is the key's. */
static const struct template *value_of(struct fixture *f, struct span key)
{
    struct template *t = arena_zalloc(&f->arena, sizeof(*t));

    assert_non_null(t);
    t->text = arena_copy(&f->arena, key);
    assert_non_null(t->text.data);
    return t;
}

static int add(struct fixture *f, const char *key)
{
    const struct template *value = value_of(f, span_of_cstr(key));

    return string_map_add(&f->map, &f->arena, value->text, value);
}

/* The key under which it is found; "-": none. */
static const char *found(struct fixture *f, const char *key)
{
    const struct template *value =
        string_map_find(&f->map, string_map_key(&f->map, span_of_cstr(key)));

    return value ? value->text.data : "-";
}

static void an_empty_map_has_nothing(void **state)
{
    struct fixture *f = *state;

    assert_string_equal(found(f, ""), "-");
    assert_string_equal(found(f, "a"), "-");
    f->map.has_hostnames = true;
    assert_string_equal(found(f, "."), "-");
    assert_string_equal(found(f, "a.b"), "-");
}

static void keys_have_no_case(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(add(f, "Abc"), 0);
    assert_int_equal(add(f, ""), 0);
    assert_string_equal(found(f, "aBC"), "Abc");
    assert_string_equal(found(f, "ab"), "-");
    assert_string_equal(found(f, "abcd"), "-");
    assert_string_equal(found(f, ""), "");
    assert_int_equal(add(f, "ABC"), -EEXIST);
    assert_int_equal(add(f, ""), -EEXIST);
}

static void without_hostnames_a_wildcard_is_a_text(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(add(f, "*.a"), 0);
    assert_int_equal(add(f, ".a"), 0);
    assert_int_equal(add(f, "a..b"), 0);
    assert_string_equal(found(f, "*.A"), "*.a");
    assert_string_equal(found(f, "x.a"), "-");
    assert_string_equal(found(f, "a."), "-");
}

static void wildcards_are_found_by_the_longest(void **state)
{
    static const char *const keys[] = {"a.example", "*.example",  "*.a.example", ".both.test",
                                       "www.*",     "www.shop.*", "*.www.*",     "x.www.a.example"};
    static const struct {
        const char *key, *found;
    } rows[] = {
        {"a.example", "a.example"},
        {"A.Example.", "a.example"},
        {"b.example", "*.example"},
        {"c.b.example", "*.example"},
        {"b.a.example", "*.a.example"},
        {"C.B.A.EXAMPLE", "*.a.example"},
        {".a.example", "*.a.example"},
        {"example", "-"},
        {".example", "*.example"},
        {"both.test", ".both.test"},
        {"x.y.both.test", ".both.test"},
        {"xboth.test", "-"},
        {"www.org", "www.*"},
        {"www.shop.org", "www.shop.*"},
        {"www.shop.", "www.*"},
        {"www.", "-"},
        {"www.example", "*.example"},
        {"x.www.a.example", "x.www.a.example"},
        {"", "-"},
        {".", "-"},
    };
    struct fixture *f = *state;

    f->map.has_hostnames = true;
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        assert_int_equal(add(f, keys[i]), strcmp(keys[i], "*.www.*") ? 0 : -EINVAL);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (strcmp(found(f, rows[i].key), rows[i].found) != 0)
            fail_msg("%s: %s", rows[i].key, found(f, rows[i].key));
    }
}

static void names_that_are_none_are_refused(void **state)
{
    static const char *const keys[] = {"a..b", "a*b", "*.a.*", "*",  "*.",
                                       "a*",   "*a",  "a.*.b", "..", "**"};
    struct fixture *f = *state;

    f->map.has_hostnames = true;
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        if (add(f, keys[i]) != -EINVAL)
            fail_msg("%s", keys[i]);
    }
    assert_int_equal(string_map_add(&f->map, &f->arena, SPAN("a\0b"), value_of(f, SPAN("x"))),
                     -EINVAL);
    assert_int_equal(add(f, "."), 0);
    assert_int_equal(add(f, ".*"), 0);
}

static void names_that_mean_the_same_conflict(void **state)
{
    struct fixture *f = *state;

    f->map.has_hostnames = true;
    assert_int_equal(add(f, "*.a.b"), 0);
    assert_int_equal(add(f, "a.b"), 0);
    assert_int_equal(add(f, "*.A.b"), -EEXIST);
    assert_int_equal(add(f, ".a.b"), -EEXIST);
    assert_int_equal(add(f, ".c.d"), 0);
    assert_int_equal(add(f, "c.d"), -EEXIST);
    assert_int_equal(add(f, "*.c.d"), -EEXIST);
    assert_int_equal(add(f, "e.*"), 0);
    assert_int_equal(add(f, "E.*"), -EEXIST);
    /* What conflicts leaves nothing behind. */
    assert_int_equal(add(f, "*.f"), 0);
    assert_int_equal(add(f, ".f"), -EEXIST);
    assert_string_equal(found(f, "f"), "-");
}

static void many_keys_are_all_found(void **state)
{
    struct fixture *f = *state;
    char key[32];

    for (int i = 0; i < KEYS_MANY; i++) {
        assert_true(snprintf(key, sizeof(key), "Key-%d", i) > 0);
        assert_int_equal(add(f, key), 0);
    }
    for (int i = 0; i < KEYS_MANY; i++) {
        assert_true(snprintf(key, sizeof(key), "kEY-%d", i) > 0);
        assert_int_equal(strcasecmp(found(f, key), key), 0);
    }
    assert_string_equal(found(f, "key-5000"), "-");
    assert_int_equal(add(f, "key-0"), -EEXIST);
}

static void memory_at_its_end_is_told(void **state)
{
    struct fixture *f = *state;
    const struct template *value = value_of(f, SPAN("a"));

    f->arena.total_bytes_max = 1;
    /* What the first block has left is used up. */
    while (arena_alloc(&f->arena, 64))
        ;
    assert_int_equal(string_map_add(&f->map, &f->arena, SPAN("a"), value), -ENOMEM);
    assert_string_equal(found(f, "a"), "-");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_map_has_nothing),
        TEST(keys_have_no_case),
        TEST(without_hostnames_a_wildcard_is_a_text),
        TEST(wildcards_are_found_by_the_longest),
        TEST(names_that_are_none_are_refused),
        TEST(names_that_mean_the_same_conflict),
        TEST(many_keys_are_all_found),
        TEST(memory_at_its_end_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
