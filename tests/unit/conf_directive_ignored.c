/* Tests of conf/directive_ignored: its rows, and that their arguments are checked all the same. */
#include "../directive_fixture.h"

#include "conf/directive_ignored.h"

DIRECTIVE_TABLE_CLAIMS(directive_ignored_table)

static void all_rows_are_without_effect(void **state)
{
    for (size_t i = 0; i < directive_ignored_table.count; i++)
        assert_true(directive_ignored_table.rows[i].marks & ROW_WITHOUT_EFFECT);
}

static void a_test_names_each_of_them(void **state)
{
    struct draft *d = *state;
    char text[256], line[256];
    struct block b;

    d->c.options.is_test = true;
    for (size_t i = 0; i < directive_ignored_table.count; i++) {
        const struct directive *row = &directive_ignored_table.rows[i];

        snprintf(text, sizeof(text), "%s %s;", row->name, row->preset);
        assert_int_equal(block_read(&b, d, row->contexts & -row->contexts, text), 0);
        snprintf(line, sizeof(line), "[notice] \"%s\" has no effect here: %s in t.conf:1",
                 row->name, row->help);
        draft_assert_said(d, line);
    }
}

static void words_are_no_values(void **state)
{
    struct draft *d = *state;
    struct block b;
    char text[256];

    for (size_t i = 0; i < directive_ignored_table.count; i++) {
        const struct directive *row = &directive_ignored_table.rows[i];

        if (row->args_max > 1) /* of texts */
            continue;
        snprintf(text, sizeof(text), "%s x;", row->name);
        assert_int_equal(block_read(&b, d, row->contexts & -row->contexts, text), -EINVAL);
        assert_non_null(strstr(draft_said(d), row->name));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTIVE_TABLE_TESTS,
        DRAFT_TEST(all_rows_are_without_effect),
        DRAFT_TEST(a_test_names_each_of_them),
        DRAFT_TEST(words_are_no_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
