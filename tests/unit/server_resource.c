/* Tests of server/resource: limits of children, taken down to where it just suffices. */
#include "server/resource.h"

#include <inttypes.h>

#include "child.h"

#define ERROR_BYTES 512
#define HARD_LIMIT 1000

static struct snapshot snapshot_for(unsigned workers, uint64_t connections)
{
    return (struct snapshot){.main = {.worker_count = workers, .worker_connections = connections}};
}

static void raise_to_suffice(const struct snapshot *s)
{
    char error[ERROR_BYTES] = "";

    EXPECT(resource_raise_descriptors(s, error, sizeof(error)) == 0);
    EXPECT(!*error);
}

/* What a snapshot needs, as the line says that refuses it; the soft limit is low afterwards. */
static rlim_t descriptors_needed(const struct snapshot *s)
{
    char error[ERROR_BYTES] = "";
    const char *at;

    limit_to(RLIMIT_NOFILE, 10, HARD_LIMIT);
    lose_rights();
    limit_to(RLIMIT_NOFILE, 10, 20);
    EXPECT(resource_raise_descriptors(s, error, sizeof(error)) == -EMFILE);
    at = strstr(error, " each need ");
    EXPECT(at);
    return strtoull(at + strlen(" each need "), NULL, 10);
}

/* In a child of this child, as a hard limit does not come back. */
static rlim_t ask_for_needed(const struct snapshot *s)
{
    pid_t child;
    int ends[2];
    rlim_t needed = 0;

    EXPECT(pipe(ends) == 0);
    child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        needed = descriptors_needed(s);
        _exit(write(ends[1], &needed, sizeof(needed)) == (ssize_t)sizeof(needed) ? 0 : 1);
    }
    EXPECT(close(ends[1]) == 0);
    EXPECT(read(ends[0], &needed, sizeof(needed)) == (ssize_t)sizeof(needed));
    EXPECT(close(ends[0]) == 0);
    EXPECT(waitpid(child, NULL, 0) == child);
    return needed;
}

static void count_what_needs_descriptors(void *arg)
{
    static const struct resolver_conf resolver = {.settings.server_count = 2};
    const struct resolver_conf *resolvers[] = {&resolver};
    struct snapshot s = snapshot_for(2, 100);
    rlim_t needed = ask_for_needed(&s);

    EXPECT(needed >= 200);
    s.main.worker_connections++;
    EXPECT(ask_for_needed(&s) == needed + 2);
    s.listen_count = 3; /* a socket of each worker's */
    EXPECT(ask_for_needed(&s) == needed + 2 + 6);
    s.log_file_count = 5;
    EXPECT(ask_for_needed(&s) == needed + 2 + 6 + 5);
    s.resolvers = resolvers;
    s.resolver_count = 1; /* of two servers, by UDP and TCP */
    EXPECT(ask_for_needed(&s) == needed + 2 + 6 + 5 + 8);
    s.main.worker_count = 3;
    EXPECT(ask_for_needed(&s) > needed + 2 + 6 + 5 + 8 + 101);
}

static void each_connection_listener_and_log_is_counted(void **state)
{
    holds_in_child(count_what_needs_descriptors, NULL);
}

static void raise_to_the_hard_limit(void *arg)
{
    struct snapshot s = snapshot_for(2, 100);
    rlim_t needed = ask_for_needed(&s);

    lose_rights();
    limit_to(RLIMIT_NOFILE, 10, needed);
    raise_to_suffice(&s);
    EXPECT(limit_of(RLIMIT_NOFILE).rlim_cur == needed);
}

static void refuse_one_less(void *arg)
{
    struct snapshot s = snapshot_for(2, 100);
    rlim_t needed = ask_for_needed(&s);
    char error[ERROR_BYTES] = "", words[ERROR_BYTES];

    lose_rights();
    limit_to(RLIMIT_NOFILE, 10, needed - 1);
    EXPECT(resource_raise_descriptors(&s, error, sizeof(error)) == -EMFILE);
    snprintf(words, sizeof(words),
             "2 workers with 100 worker_connections each need %" PRIu64
             " file descriptors, and RLIMIT_NOFILE allows ",
             (uint64_t)needed);
    EXPECT(strncmp(error, words, strlen(words)) == 0);
    EXPECT(strstr(error, "lower worker_connections or worker_processes, or raise the limit"));
    EXPECT(!strchr(error, '\n'));
}

static void hard_limit_that_just_suffices_is_used_and_one_less_refused(void **state)
{
    holds_in_child(raise_to_the_hard_limit, NULL);
    holds_in_child(refuse_one_less, NULL);
}

static void raise_as_far_as_useful(void *arg)
{
    struct snapshot s = snapshot_for(2, 100);
    rlim_t needed = ask_for_needed(&s);

    limit_to(RLIMIT_NOFILE, 10, HARD_LIMIT);
    raise_to_suffice(&s);
    EXPECT(limit_of(RLIMIT_NOFILE).rlim_cur == needed + 200);
    EXPECT(limit_of(RLIMIT_NOFILE).rlim_max == HARD_LIMIT);
}

static void room_for_a_file_beside_each_connection_is_taken_where_it_is_allowed(void **state)
{
    holds_in_child(raise_as_far_as_useful, NULL);
}

static void leave_what_suffices(void *arg)
{
    struct snapshot s = snapshot_for(1, 10);

    limit_to(RLIMIT_NOFILE, HARD_LIMIT - 1, HARD_LIMIT);
    raise_to_suffice(&s);
    EXPECT(limit_of(RLIMIT_NOFILE).rlim_cur == HARD_LIMIT - 1);
}

static void limit_that_suffices_stays(void **state)
{
    holds_in_child(leave_what_suffices, NULL);
}

static void raise_the_hard_limit(void *arg)
{
    const struct rlimit more = {.rlim_cur = HARD_LIMIT, .rlim_max = HARD_LIMIT};
    struct snapshot s = snapshot_for(2, 100);
    rlim_t needed = ask_for_needed(&s);

    limit_to(RLIMIT_NOFILE, 10, 20);
    if (setrlimit(RLIMIT_NOFILE, &more))
        _exit(CHILD_SKIPPED);
    limit_to(RLIMIT_NOFILE, 10, 20);
    raise_to_suffice(&s);
    EXPECT(limit_of(RLIMIT_NOFILE).rlim_cur == needed);
    EXPECT(limit_of(RLIMIT_NOFILE).rlim_max == needed);
}

static void root_goes_beyond_the_hard_limit(void **state)
{
    holds_in_child(raise_the_hard_limit, NULL);
}

static void apply_the_directive(void *arg)
{
    struct snapshot s = snapshot_for(1, 10);

    s.main.rlimit_nofile = 300;
    limit_to(RLIMIT_NOFILE, 500, HARD_LIMIT);
    raise_to_suffice(&s);
    EXPECT(limit_of(RLIMIT_NOFILE).rlim_cur == 300);
    EXPECT(limit_of(RLIMIT_NOFILE).rlim_max == HARD_LIMIT);
}

static void directive_is_the_limit_and_leaves_the_hard_one(void **state)
{
    holds_in_child(apply_the_directive, NULL);
}

static void refuse_a_directive_too_high(void *arg)
{
    struct snapshot s = snapshot_for(1, 10);
    char error[ERROR_BYTES] = "";

    lose_rights();
    limit_to(RLIMIT_NOFILE, 500, HARD_LIMIT);
    s.main.rlimit_nofile = HARD_LIMIT;
    raise_to_suffice(&s);
    s.main.rlimit_nofile = HARD_LIMIT + 1;
    EXPECT(resource_raise_descriptors(&s, error, sizeof(error)) == -EPERM);
    EXPECT(strcmp(error,
                  "worker_rlimit_nofile 1001: setrlimit(RLIMIT_NOFILE) failed (1: Operation not "
                  "permitted): start as root, or raise the hard limit (LimitNOFILE= in "
                  "systemd)") == 0);
}

static void directive_beyond_the_hard_limit_is_refused_with_the_remedy(void **state)
{
    holds_in_child(refuse_a_directive_too_high, NULL);
}

static void refuse_a_directive_too_low(void *arg)
{
    struct snapshot s = snapshot_for(2, 100);
    rlim_t needed = ask_for_needed(&s);
    char error[ERROR_BYTES] = "";

    limit_to(RLIMIT_NOFILE, HARD_LIMIT, HARD_LIMIT);
    s.main.rlimit_nofile = needed;
    raise_to_suffice(&s);
    s.main.rlimit_nofile = needed - 1;
    EXPECT(resource_raise_descriptors(&s, error, sizeof(error)) == -EMFILE);
    EXPECT(strstr(error, "worker_rlimit_nofile as root"));
}

static void directive_that_does_not_suffice_is_refused(void **state)
{
    holds_in_child(refuse_a_directive_too_low, NULL);
}

static void memory_that_suffices_is_not_spoken_of(void **state)
{
    struct snapshot s = snapshot_for(1, 1);
    char error[ERROR_BYTES] = "";

    assert_int_equal(resource_check_memory(&s, error, sizeof(error)), 0);
    assert_string_equal(error, "");
}

static void more_memory_than_any_host_has_is_refused(void **state)
{
    struct snapshot s = snapshot_for(2, UINT64_C(1) << 40);
    char error[ERROR_BYTES] = "";
    const char *words = "2 workers with 1099511627776 worker_connections each need at least ";

    assert_int_equal(resource_check_memory(&s, error, sizeof(error)), -ENOMEM);
    assert_memory_equal(error, words, strlen(words));
    assert_non_null(strstr(error, " are available: lower worker_processes, worker_connections "
                                  "or receive_buffers"));
}

static void zones_larger_than_what_is_left_are_refused(void **state)
{
    struct limit_zone_conf some = {.bytes = 1 << 20}, vast = {.bytes = SIZE_MAX};
    struct limit_zone_conf *zones[] = {&some, &vast, &vast};
    struct snapshot s = snapshot_for(1, 1);
    char error[ERROR_BYTES] = "";

    s.limit_zones = zones;
    s.limit_zone_count = 1;
    assert_int_equal(resource_check_memory(&s, error, sizeof(error)), 0);
    s.limit_zone_count = COUNT_OF(zones); /* a sum that would overflow */
    assert_int_equal(resource_check_memory(&s, error, sizeof(error)), -ENOMEM);
    assert_non_null(strstr(error, "the zones of limit_req_zone and limit_conn_zone take "));
}

/* Nothing is allocated in between. 2048: what the room counts for a connection. */
static void check_against_an_address_space(void *arg)
{
    const uint64_t buffers =
        (uint64_t)SMALL_BUFFER_BYTES * SMALL_BUFFER_COUNT + UINT64_C(64) * 8192;
    struct snapshot s = snapshot_for(2, 50);
    const rlim_t needed = 2 * (buffers + 50 * 2048);
    const rlim_t hard = limit_of(RLIMIT_AS).rlim_max;
    char error[ERROR_BYTES] = "";
    int enough, short_of_one;

    s.main.tuning.receive_buffer_count = 64;
    s.main.tuning.receive_buffer_bytes = 8192;
    limit_to(RLIMIT_AS, needed, hard);
    enough = resource_check_memory(&s, error, sizeof(error));
    limit_to(RLIMIT_AS, needed - 1, hard);
    short_of_one = resource_check_memory(&s, error, sizeof(error));
    limit_to(RLIMIT_AS, hard, hard);
    EXPECT(enough == 0);
    EXPECT(short_of_one == -ENOMEM);
}

static void address_space_that_just_suffices_is_taken_and_a_byte_less_refused(void **state)
{
    holds_in_child(check_against_an_address_space, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_connection_listener_and_log_is_counted),
        cmocka_unit_test(hard_limit_that_just_suffices_is_used_and_one_less_refused),
        cmocka_unit_test(room_for_a_file_beside_each_connection_is_taken_where_it_is_allowed),
        cmocka_unit_test(limit_that_suffices_stays),
        cmocka_unit_test(root_goes_beyond_the_hard_limit),
        cmocka_unit_test(directive_is_the_limit_and_leaves_the_hard_one),
        cmocka_unit_test(directive_beyond_the_hard_limit_is_refused_with_the_remedy),
        cmocka_unit_test(directive_that_does_not_suffice_is_refused),
        cmocka_unit_test(memory_that_suffices_is_not_spoken_of),
        cmocka_unit_test(more_memory_than_any_host_has_is_refused),
        cmocka_unit_test(zones_larger_than_what_is_left_are_refused),
        cmocka_unit_test(address_space_that_just_suffices_is_taken_and_a_byte_less_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
