/* Tests of server/process: what children make of themselves. */
#include "server/process.h"

#include <sys/prctl.h>
#include <time.h>

#include "child.h"

static const struct log quiet = {0};

static void take_the_environment(void *arg)
{
    struct span environment[] = {SPAN("TZ=XYZ-3"), SPAN("RINGWAY_TEST=a=b"), SPAN("RINGWAY_NONE=")};
    const struct main_conf m = {.environment = environment,
                                .environment_count = COUNT_OF(environment)};

    EXPECT(process_prepare(&m, &quiet) == 0);
    EXPECT(strcmp(getenv("RINGWAY_TEST"), "a=b") == 0);
    EXPECT(strcmp(getenv("RINGWAY_NONE"), "") == 0);
    EXPECT(timezone == -3 * 3600);
}

static void environment_is_set_and_the_time_zone_with_it(void **state)
{
    holds_in_child(take_the_environment, NULL);
}

static void be_nice(void *arg)
{
    struct main_conf m = {.priority = 0};
    int now = getpriority(PRIO_PROCESS, 0);

    EXPECT(process_prepare(&m, &quiet) == 0);
    EXPECT(getpriority(PRIO_PROCESS, 0) == now);
    m.priority = 19;
    EXPECT(process_prepare(&m, &quiet) == 0);
    EXPECT(getpriority(PRIO_PROCESS, 0) == 19);
    lose_rights();
    limit_to(RLIMIT_NICE, 0, 0);
    m.priority = -1;
    EXPECT(process_prepare(&m, &quiet) == 0); /* not allowed, and no reason to stop */
    EXPECT(getpriority(PRIO_PROCESS, 0) == 19);
}

static void priority_is_taken_where_it_is_allowed(void **state)
{
    holds_in_child(be_nice, NULL);
}

static void limit_core_files(void *arg)
{
    const uint64_t bytes = 4096, more = 8192;
    struct main_conf m = {.rlimit_core = NULL};

    limit_to(RLIMIT_CORE, 100, 8000);
    process_limit_core(&m, &quiet);
    EXPECT(limit_of(RLIMIT_CORE).rlim_cur == 100);
    m.rlimit_core = &bytes;
    process_limit_core(&m, &quiet);
    EXPECT(limit_of(RLIMIT_CORE).rlim_cur == 4096);
    lose_rights();
    m.rlimit_core = &more;
    process_limit_core(&m, &quiet);
    EXPECT(limit_of(RLIMIT_CORE).rlim_cur == 4096);
}

static void core_files_have_their_limit_where_it_is_allowed(void **state)
{
    holds_in_child(limit_core_files, NULL);
}

static void allow_core_files(void *arg)
{
    const uint64_t bytes = 0;
    struct main_conf m = {.rlimit_core = NULL};

    EXPECT(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
    process_allow_core(&m);
    EXPECT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
    m.rlimit_core = &bytes;
    process_allow_core(&m);
    EXPECT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1);
}

static void core_files_are_allowed_where_the_directive_stands(void **state)
{
    holds_in_child(allow_core_files, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(environment_is_set_and_the_time_zone_with_it),
        cmocka_unit_test(priority_is_taken_where_it_is_allowed),
        cmocka_unit_test(core_files_have_their_limit_where_it_is_allowed),
        cmocka_unit_test(core_files_are_allowed_where_the_directive_stands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
