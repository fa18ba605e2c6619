/* Tests of conf/directive_main: main and events: its rows and limits. */
#include "../directive_fixture.h"

#include "conf/setter.h"
#include "conf/directive_main.h"

DIRECTIVE_TABLE_CLAIMS(directive_main_table)

static void limits_are_taken_up_to_the_last(void **state)
{
    static const struct block_number rows[] = {
        {CONTEXT_MAIN, "worker_rlimit_nofile 1;", 1},
        {CONTEXT_MAIN, "worker_rlimit_nofile 9223372036854775807;", INT64_MAX},
        {CONTEXT_MAIN, "worker_shutdown_timeout 0;", 0},
        {CONTEXT_MAIN, "worker_shutdown_timeout 10000000000000ms;", TIME_MS_MAX},
        {CONTEXT_MAIN, "daemon off;", 0},
        {CONTEXT_MAIN, "daemon on;", 1},
        {CONTEXT_EVENTS, "worker_connections 1;", 1},
        {CONTEXT_EVENTS, "worker_connections 16777216;", 1 << 24},
        {CONTEXT_EVENTS, "worker_balance off;", 0},
        {CONTEXT_EVENTS, "worker_balance on;", 1},
    };

    blocks_leave(*state, rows, COUNT_OF(rows));
}

static void one_beyond_a_limit_is_refused(void **state)
{
    static const struct block_claim claims[] = {
        {CONTEXT_MAIN, "worker_rlimit_nofile 0;", "value must be equal to or greater than 1"},
        {CONTEXT_MAIN, "worker_rlimit_nofile 18446744073709551616;",
         "\"worker_rlimit_nofile\" directive invalid number"},
        {CONTEXT_MAIN, "worker_shutdown_timeout 10000000000001ms;",
         "\"worker_shutdown_timeout\" directive invalid value"},
        {CONTEXT_MAIN, "daemon yes;",
         "invalid value \"yes\" in \"daemon\" directive, it must be \"on\" or \"off\""},
        {CONTEXT_EVENTS, "worker_connections 0;", "value must be between 1 and 16777216"},
        {CONTEXT_EVENTS, "worker_connections 16777217;", "value must be between 1 and 16777216"},
        {CONTEXT_EVENTS, "worker_balance least;",
         "invalid value \"least\" in \"worker_balance\" directive, it must be \"on\" or \"off\""},
        {CONTEXT_EVENTS, "worker_connections x;", "invalid number \"x\""},
        {CONTEXT_MAIN, "env =b;", "\"env\" wants the name of a variable"},
        {CONTEXT_MAIN, "worker_priority x;", "\"worker_priority\" directive invalid number"},
        {CONTEXT_MAIN, "worker_priority -;", "\"worker_priority\" directive invalid number"},
        {CONTEXT_MAIN, "worker_priority --1;", "\"worker_priority\" directive invalid number"},
        {CONTEXT_MAIN, "worker_priority 1000001;", "\"worker_priority\" directive invalid number"},
        {CONTEXT_MAIN, "worker_rlimit_core x;", "\"worker_rlimit_core\" directive invalid value"},
        {CONTEXT_MAIN, "worker_rlimit_core 8589934592g;",
         "\"worker_rlimit_core\" directive invalid value"},
        {CONTEXT_MAIN, "worker_processes 0;", "value must be between 1 and 128"},
        {CONTEXT_MAIN, "worker_processes 129;", "value must be between 1 and 128"},
        {CONTEXT_MAIN, "worker_processes x;", "\"worker_processes\" directive invalid value"},
        {CONTEXT_MAIN, "pid '';", "invalid value \"\""},
        {CONTEXT_EVENTS, "use io_uring;", "invalid event type \"io_uring\""},
        {CONTEXT_MAIN, "worker_cpu_affinity 012;",
         "invalid character \"2\" in \"worker_cpu_affinity\""},
        {CONTEXT_MAIN, "worker_cpu_affinity 000;",
         "no CPU is set in \"worker_cpu_affinity\" mask \"000\""},
        {CONTEXT_MAIN, "worker_cpu_affinity '';",
         "no CPU is set in \"worker_cpu_affinity\" mask \"\""},
        {CONTEXT_MAIN, "worker_cpu_affinity auto 1 1;",
         "invalid number of arguments in \"worker_cpu_affinity\" directive"},
    };

    blocks_refused(*state, claims, COUNT_OF(claims));
}

static void settings_of_the_process_are_taken(void **state)
{
    static const struct {
        const char *text;
        int priority;
    } rows[] = {{"worker_priority 0;", 0},
                {"worker_priority 19;", 19},
                {"worker_priority +5;", 5},
                {"worker_priority -20;", -20}};
    struct draft *d = *state;
    const struct span *variables;
    struct block b;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        block_taken(&b, d, CONTEXT_MAIN, rows[i].text);
        assert_int_equal(d->c.main.conf.priority, rows[i].priority);
    }
    assert_null(d->c.main.conf.rlimit_core);
    block_taken(&b, d, CONTEXT_MAIN, "worker_rlimit_core 0;");
    assert_int_equal(*d->c.main.conf.rlimit_core, 0);
    block_taken(&b, d, CONTEXT_MAIN, "worker_rlimit_core 1g;");
    assert_int_equal(*d->c.main.conf.rlimit_core, 1 << 30);
    block_taken(&b, d, CONTEXT_MAIN, "env PATH; env TZ=UTC; env A=b=c; env B=;");
    variables = d->c.main.environment.items;
    assert_int_equal(d->c.main.environment.count, 3);
    assert_true(span_equals(variables[0], SPAN("TZ=UTC")));
    assert_true(span_equals(variables[1], SPAN("A=b=c")));
    assert_true(span_equals(variables[2], SPAN("B=")));
}

static void workers_are_counted_up_to_their_limit(void **state)
{
    struct draft *d = *state;
    struct block b;

    block_taken(&b, d, CONTEXT_MAIN, "worker_processes 1;");
    assert_int_equal(d->c.main.conf.worker_count, 1);
    block_taken(&b, d, CONTEXT_MAIN, "worker_processes 128;");
    assert_int_equal(d->c.main.conf.worker_count, WORKERS_MAX);
    block_taken(&b, d, CONTEXT_MAIN, "worker_processes auto;");
    assert_in_range(d->c.main.conf.worker_count, 1, WORKERS_MAX);
}

static void the_last_digit_of_a_mask_is_the_first_cpu(void **state)
{
    struct draft *d = *state;
    const cpu_set_t *sets;
    struct block b;

    block_taken(&b, d, CONTEXT_MAIN, "worker_cpu_affinity 0001 '10 10';");
    sets = d->c.main.affinity_sets.items;
    assert_int_equal(d->c.main.affinity_sets.count, 2);
    assert_false(d->c.main.affinity_is_auto);
    assert_int_equal(CPU_COUNT(&sets[0]), 1);
    assert_true(CPU_ISSET(0, &sets[0]));
    assert_int_equal(CPU_COUNT(&sets[1]), 2);
    assert_true(CPU_ISSET(1, &sets[1]) && CPU_ISSET(3, &sets[1]));
    block_taken(&b, d, CONTEXT_MAIN, "worker_cpu_affinity auto 11;");
    assert_true(d->c.main.affinity_is_auto);
    assert_int_equal(d->c.main.affinity_sets.count, 1);
}

static void a_mask_has_as_many_digits_as_there_may_be_cpus(void **state)
{
    char text[CPU_SETSIZE + 64];
    struct draft *d = *state;
    const cpu_set_t *sets;
    struct block b;

    snprintf(text, sizeof(text), "worker_cpu_affinity 1%0*d;", CPU_SETSIZE - 1, 0);
    block_taken(&b, d, CONTEXT_MAIN, text);
    sets = d->c.main.affinity_sets.items;
    assert_true(CPU_ISSET(CPU_SETSIZE - 1, &sets[0]));
    snprintf(text, sizeof(text), "worker_cpu_affinity 1%0*d;", CPU_SETSIZE, 0);
    block_refused(d, CONTEXT_MAIN, text, "\"worker_cpu_affinity\" supports up to 1024 CPUs only");
}

static void the_pid_file_starts_at_the_prefix(void **state)
{
    struct draft *d = *state;
    struct block b;

    d->c.options.prefix = SPAN("/srv/");
    block_taken(&b, d, CONTEXT_MAIN, "pid a.pid;");
    assert_string_equal(d->c.main.conf.pid_path.data, "/srv/a.pid");
}

static void methods_of_nginx_are_taken(void **state)
{
    static const char *const methods[] = {"select", "poll",      "epoll",
                                          "kqueue", "/dev/poll", "eventport"};
    struct block b;
    char text[64];

    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        snprintf(text, sizeof(text), "use %s;", methods[i]);
        block_taken(&b, *state, CONTEXT_EVENTS, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTIVE_TABLE_TESTS,
        DRAFT_TEST(limits_are_taken_up_to_the_last),
        DRAFT_TEST(one_beyond_a_limit_is_refused),
        DRAFT_TEST(settings_of_the_process_are_taken),
        DRAFT_TEST(workers_are_counted_up_to_their_limit),
        DRAFT_TEST(the_last_digit_of_a_mask_is_the_first_cpu),
        DRAFT_TEST(a_mask_has_as_many_digits_as_there_may_be_cpus),
        DRAFT_TEST(the_pid_file_starts_at_the_prefix),
        DRAFT_TEST(methods_of_nginx_are_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
