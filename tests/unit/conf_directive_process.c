/* Tests of conf/directive_process: its rows, and that their arguments are checked all the same. */
#include "../directive_fixture.h"

#include "conf/directive_process.h"

DIRECTIVE_TABLE_CLAIMS(directive_process_table)

static void all_rows_are_without_effect(void **state)
{
    for (size_t i = 0; i < directive_process_table.count; i++)
        assert_true(directive_process_table.rows[i].marks & ROW_WITHOUT_EFFECT);
}

static void what_nginx_takes_is_taken(void **state)
{
    struct block b;

    block_taken(&b, *state, CONTEXT_MAIN,
                "load_module a.so; load_module b.so; lock_file x; ssl_engine qat; "
                "ssl_object_cache_inheritable off; "
                "thread_pool default threads=32 max_queue=65536; thread_pool b threads=1; "
                "timer_resolution 100ms; debug_points abort;");
    block_taken(&b, *state, CONTEXT_EVENTS,
                "worker_aio_requests 32; debug_connection 127.0.0.1; debug_connection ::/0;");
    block_taken(&b, *state, CONTEXT_HTTP,
                "msie_padding off; msie_refresh on; send_lowat 4k; "
                "subrequest_output_buffer_size 8k;");
}

static void arguments_are_checked(void **state)
{
    static const struct block_claim claims[] = {
        {CONTEXT_MAIN, "thread_pool a max_queue=1;",
         "\"thread_pool\" must have \"threads\" parameter"},
        {CONTEXT_MAIN, "thread_pool a threads=0;", "invalid threads value \"0\""},
        {CONTEXT_MAIN, "thread_pool a threads=1 max_queue=x;", "invalid max_queue value \"x\""},
        {CONTEXT_MAIN, "thread_pool a threads=1 x=1;", "invalid parameter \"x=1\""},
        {CONTEXT_MAIN, "debug_points x;", "invalid value \"x\""},
        {CONTEXT_EVENTS, "debug_connection a;", "invalid network \"a\""},
        {CONTEXT_EVENTS, "worker_aio_requests 0;", "value must be equal to or greater than 1"},
        {CONTEXT_HTTP, "msie_padding x;",
         "invalid value \"x\" in \"msie_padding\" directive, it "
         "must be \"on\" or \"off\""},
    };

    for (size_t i = 0; i < COUNT_OF(claims); i++)
        block_refused(*state, claims[i].context, claims[i].text, claims[i].line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTIVE_TABLE_TESTS,
        DRAFT_TEST(all_rows_are_without_effect),
        DRAFT_TEST(what_nginx_takes_is_taken),
        DRAFT_TEST(arguments_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
