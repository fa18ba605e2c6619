/* Tests of conf/directive_disk: knobs without effect, whose arguments are checked. */
#include "../directive_fixture.h"

#include "conf/directive_disk.h"

DIRECTIVE_TABLE_CLAIMS(directive_disk_table)

static void arguments_are_checked(void **state)
{
    static const struct block_claim claims[] = {
        {CONTEXT_HTTP, "aio x;", "\"aio\" directive invalid value"},
        {CONTEXT_HTTP, "directio x;", "\"directio\" directive invalid value"},
        {CONTEXT_HTTP, "output_buffers 0 1k;", "\"output_buffers\" directive invalid value"},
        {CONTEXT_HTTP, "output_buffers 1 x;", "\"output_buffers\" directive invalid value"},
        {CONTEXT_HTTP, "open_file_cache max=0;", "invalid \"open_file_cache\" parameter \"max=0\""},
        {CONTEXT_HTTP, "open_file_cache max=1 x;", "invalid \"open_file_cache\" parameter \"x\""},
        {CONTEXT_HTTP, "open_file_cache max=1 inactive=x;",
         "invalid \"open_file_cache\" parameter \"inactive=x\""},
        {CONTEXT_HTTP, "open_file_cache inactive=1s;",
         "\"open_file_cache\" must have the \"max\" parameter"},
        {CONTEXT_HTTP, "open_file_cache_min_uses 0;", "value must be equal to or greater than 1"},
    };

    blocks_refused(*state, claims, COUNT_OF(claims));
}

static void what_nginx_takes_is_taken(void **state)
{
    static const char *const texts[] = {
        "aio on;",
        "aio threads;",
        "aio threads=pool;",
        "directio 4m;",
        "directio off;",
        "output_buffers 1 32k;",
        "open_file_cache off;",
        "open_file_cache max=1000 inactive=20s;",
        "open_file_cache_valid 30s;",
    };
    struct block b;

    for (size_t i = 0; i < COUNT_OF(texts); i++)
        block_taken(&b, *state, CONTEXT_LOCATION, texts[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTIVE_TABLE_TESTS,
        DRAFT_TEST(arguments_are_checked),
        DRAFT_TEST(what_nginx_takes_is_taken),
    };

    return cmocka_run_group_tests_name("conf_directive_disk", tests, NULL, NULL);
}
