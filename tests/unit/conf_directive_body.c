/* Tests of conf/directive_body: request bodies that are taken in first: its rows and limits. */
#include "../directive_fixture.h"

#include "conf/directive_body.h"

DIRECTIVE_TABLE_CLAIMS(directive_body_table)

static void limits_are_taken_up_to_the_last(void **state)
{
    static const struct block_number rows[] = {
        {CONTEXT_LOCATION, "client_body_in_file_only off;", BODY_FILE_UNNAMED},
        {CONTEXT_LOCATION, "client_body_in_file_only on;", BODY_FILE_KEPT},
        {CONTEXT_LOCATION, "client_body_in_file_only clean;", BODY_FILE_CLEAN},
    };

    blocks_leave(*state, rows, COUNT_OF(rows));
}

static void one_beyond_a_limit_is_refused(void **state)
{
    static const struct block_claim claims[] = {
        {CONTEXT_LOCATION, "client_body_in_file_only 1;", "invalid value \"1\""},
        {CONTEXT_LOCATION, "client_body_temp_path /a 0;",
         "\"client_body_temp_path\" directive invalid value"},
        {CONTEXT_LOCATION, "client_body_temp_path /a 10;",
         "\"client_body_temp_path\" directive invalid value"},
        {CONTEXT_LOCATION, "client_body_temp_path /a 3 3 4;",
         "\"client_body_temp_path\" directive invalid value"},
        {CONTEXT_LOCATION, "client_body_temp_path /a -1;",
         "\"client_body_temp_path\" directive invalid value"},
    };

    blocks_refused(*state, claims, COUNT_OF(claims));
}

static void a_folder_is_kept_with_its_levels(void **state)
{
    struct draft *d = *state;
    const struct body_files *files;
    struct block b;

    block_taken(&b, d, CONTEXT_SERVER, "client_body_temp_path /a/b 1 2 6;");
    files = b.level.settings.body_files;
    assert_string_equal(files->folder.data, "/a/b");
    assert_int_equal(files->levels[0], 1);
    assert_int_equal(files->levels[1], 2);
    assert_int_equal(files->levels[2], 6);
    assert_int_equal(d->c.folders.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTIVE_TABLE_TESTS,
        DRAFT_TEST(limits_are_taken_up_to_the_last),
        DRAFT_TEST(one_beyond_a_limit_is_refused),
        DRAFT_TEST(a_folder_is_kept_with_its_levels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
