/* Tests of proxy/limit: what a request comes to that meets limits. The clock stands. */
#include "../record_fixture.h"

#include <sys/mman.h>

#include "proxy/limit.h"

#define LOG_BYTES 8192
#define STATES (LIMIT_ZONE_BYTES_MIN / LIMIT_STATE_BYTES)

/* Two zones of each kind, of which the first is used unless a test says more. */
struct gatehouse {
    struct fixture *fixture;
    struct limit_zone_conf request_zones[2], connection_zones[2];
    struct request_limit requests[2];
    struct connection_limit connections[2];
    struct limits_conf limits;
    struct log_target target;
    char log[LOG_BYTES];
};

static struct limit_zone_conf zone(struct fixture *f, enum limit_kind kind, const char *name,
                                   const char *key)
{
    struct limit_zone_conf z = {.kind = kind,
                                .name = span_of_cstr(name),
                                .key = compiled(f, key),
                                .per_second = 1000,
                                .zone = limit_zone_new(LIMIT_ZONE_BYTES_MIN)};

    assert_non_null(z.zone);
    return z;
}

static int set_up_gatehouse(void **state)
{
    struct gatehouse *g = calloc(1, sizeof(*g));
    struct fixture *f;

    assert_non_null(g);
    (void)set_up(state);
    g->fixture = f = *state;
    g->request_zones[0] = zone(f, LIMIT_REQUESTS, "first", "$arg_who");
    g->request_zones[1] = zone(f, LIMIT_REQUESTS, "second", "$arg_also");
    g->connection_zones[0] = zone(f, LIMIT_CONNECTIONS, "here", "$arg_who");
    g->connection_zones[1] = zone(f, LIMIT_CONNECTIONS, "there", "$arg_also");
    for (size_t i = 0; i < 2; i++) {
        g->requests[i] = (struct request_limit){.zone = &g->request_zones[i]};
        g->connections[i] = (struct connection_limit){.zone = &g->connection_zones[i], .most = 1};
    }
    g->limits = (struct limits_conf){
        .requests = g->requests,
        .request_count = 1,
        .connections = g->connections,
        .connection_count = 1,
        .request_policy = {.status = 503, .level = LOG_LEVEL_ERROR},
        .connection_policy = {.status = 503, .level = LOG_LEVEL_ERROR},
    };
    g->target =
        (struct log_target){.fd = memfd_create("log", MFD_CLOEXEC), .level = LOG_LEVEL_DEBUG};
    assert_true(g->target.fd >= 0);
    f->location.settings.error_log = (struct log){.targets = &g->target, .target_count = 1};
    *state = g;
    return 0;
}

static int tear_down_gatehouse(void **state)
{
    struct gatehouse *g = *state;
    struct fixture *f = g->fixture;

    for (size_t i = 0; i < 2; i++) {
        limit_zone_unref(g->request_zones[i].zone);
        limit_zone_unref(g->connection_zones[i].zone);
    }
    close(g->target.fd);
    free(g);
    *state = f;
    return tear_down(state);
}

/* Another request. */
static void asks(struct gatehouse *g, const char *args)
{
    g->fixture->record.args = span_of_cstr(args);
    g->fixture->record.limit_req_state = g->fixture->record.limit_conn_state = LIMIT_STATE_NONE;
}

static unsigned comes(struct gatehouse *g, const char *args, uint64_t *delay_ms)
{
    asks(g, args);
    return limit_requests(&g->fixture->record, &g->limits, delay_ms);
}

static unsigned enters(struct gatehouse *g, const char *args, struct limit_hold **holds)
{
    asks(g, args);
    *holds = NULL;
    return limit_connections(&g->fixture->record, &g->limits, holds);
}

/* All that was logged, and no more of it the next time. */
static const char *logged(struct gatehouse *g)
{
    ssize_t n = pread(g->target.fd, g->log, sizeof(g->log) - 1, 0);

    assert_true(n >= 0);
    g->log[n] = '\0';
    assert_int_equal(ftruncate(g->target.fd, 0), 0);
    assert_int_equal(lseek(g->target.fd, 0, SEEK_SET), 0);
    return g->log;
}

#define assert_logged(g, text)                         \
    do {                                               \
        if (!strstr(logged(g), text))                  \
            fail_msg("no %s in \"%s\"", text, g->log); \
    } while (0)

/* --- how often ------------------------------------------------------------------------------ */

static void the_first_beyond_the_burst_is_refused(void **state)
{
    struct gatehouse *g = *state;
    uint64_t delay_ms = 7;

    g->requests[0].burst = 2000;
    g->requests[0].delay = UINT64_MAX; /* nodelay */
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(comes(g, "who=a", &delay_ms), 0);
        assert_int_equal(delay_ms, 0);
        assert_int_equal(g->fixture->record.limit_req_state, LIMIT_STATE_PASSED);
    }
    assert_string_equal(logged(g), "");
    assert_int_equal(comes(g, "who=a", &delay_ms), 503);
    assert_int_equal(delay_ms, 0);
    assert_int_equal(g->fixture->record.limit_req_state, LIMIT_STATE_REJECTED);
    assert_logged(g, "[error] ");
    assert_int_equal(comes(g, "who=a", &delay_ms), 503); /* the refused one was not counted */
    assert_logged(g, "limiting requests, excess: 3.000 by zone \"first\", client: 192.0.2.1");
    assert_int_equal(comes(g, "who=b", &delay_ms), 0);
}

static void the_status_of_a_refusal_is_the_files(void **state)
{
    struct gatehouse *g = *state;
    uint64_t delay_ms;

    g->limits.request_policy = (struct limit_policy){.status = 429, .level = LOG_LEVEL_NOTICE};
    assert_int_equal(comes(g, "who=a", &delay_ms), 0);
    assert_int_equal(comes(g, "who=a", &delay_ms), 429);
    assert_logged(g, "[notice] ");
}

static void what_exceeds_the_delay_waits(void **state)
{
    static const struct {
        uint64_t per_second, delay;
        uint64_t waits_ms[4]; /* the first requests, all at once */
    } rows[] = {
        {1000, 0, {0, 1000, 2000, 3000}}, {1000, 1000, {0, 0, 1000, 2000}},
        {1000, 3000, {0, 0, 0, 0}},       {2000, 1000, {0, 0, 500, 1000}},
        {3000, 0, {0, 333, 666, 1000}},   {50, 2000, {0, 0, 0, 20000}},
        {1000, 2999, {0, 0, 0, 1}},
    };
    struct gatehouse *g = *state;
    char args[16];

    g->requests[0].burst = 3000;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        g->request_zones[0].per_second = rows[i].per_second;
        g->requests[0].delay = rows[i].delay;
        snprintf(args, sizeof(args), "who=%zu", i);
        for (size_t n = 0; n < 4; n++) {
            uint64_t delay_ms;

            assert_int_equal(comes(g, args, &delay_ms), 0);
            if (delay_ms != rows[i].waits_ms[n])
                fail_msg("row %zu, request %zu: %llu ms", i, n, (unsigned long long)delay_ms);
            assert_int_equal(g->fixture->record.limit_req_state,
                             delay_ms ? LIMIT_STATE_DELAYED : LIMIT_STATE_PASSED);
        }
    }
    assert_logged(g, "[warn] "); /* one level below that of refusals */
}

static void a_delay_is_told_with_its_excess(void **state)
{
    struct gatehouse *g = *state;
    uint64_t delay_ms;

    g->requests[0].burst = 1000;
    g->limits.request_policy.level = LOG_LEVEL_INFO;
    assert_int_equal(comes(g, "who=a", &delay_ms), 0);
    assert_int_equal(comes(g, "who=a", &delay_ms), 0);
    assert_logged(g, "[info] "); /* there is none below it */
    assert_int_equal(comes(g, "who=b", &delay_ms), 0);
    assert_int_equal(comes(g, "who=b", &delay_ms), 0);
    assert_logged(g, "delaying request, excess: 1.000, by zone \"first\", client: 192.0.2.1");
}

static void a_dry_run_refuses_and_delays_nobody(void **state)
{
    struct gatehouse *g = *state;
    uint64_t delay_ms;

    g->limits.request_policy.is_dry_run = true;
    g->requests[0].burst = 1000;
    assert_int_equal(comes(g, "who=a", &delay_ms), 0);
    assert_int_equal(g->fixture->record.limit_req_state, LIMIT_STATE_PASSED);
    assert_int_equal(comes(g, "who=a", &delay_ms), 0);
    assert_int_equal(delay_ms, 0);
    assert_int_equal(g->fixture->record.limit_req_state, LIMIT_STATE_DELAYED_DRY_RUN);
    assert_logged(g, "delaying request, dry run, excess: 1.000, by zone \"first\"");
    assert_int_equal(comes(g, "who=a", &delay_ms), 0);
    assert_int_equal(delay_ms, 0);
    assert_int_equal(g->fixture->record.limit_req_state, LIMIT_STATE_REJECTED_DRY_RUN);
    assert_logged(g, "limiting requests, dry run, excess: 2.000 by zone \"first\"");
}

static void a_request_is_counted_once(void **state)
{
    struct gatehouse *g = *state;
    uint64_t delay_ms;

    assert_int_equal(comes(g, "who=a", &delay_ms), 0);
    assert_int_equal(limit_requests(&g->fixture->record, &g->limits, &delay_ms), 0);
    assert_int_equal(delay_ms, 0);
    assert_int_equal(comes(g, "who=a", &delay_ms), 503);
    assert_int_equal(limit_requests(&g->fixture->record, &g->limits, &delay_ms), 0);
}

static void without_a_key_nothing_is_counted(void **state)
{
    struct gatehouse *g = *state;
    uint64_t delay_ms;

    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(comes(g, "who=", &delay_ms), 0);
        assert_int_equal(g->fixture->record.limit_req_state, LIMIT_STATE_NONE);
    }
    for (unsigned i = 0; i < 3; i++) {
        struct limit_hold *holds;

        assert_int_equal(enters(g, "who=", &holds), 0);
        assert_null(holds);
        assert_int_equal(g->fixture->record.limit_conn_state, LIMIT_STATE_NONE);
    }
}

static char *args_of(size_t key_bytes)
{
    char *args = malloc(key_bytes + 5);

    assert_non_null(args);
    memcpy(args, "who=", 4);
    memset(args + 4, 'x', key_bytes);
    args[4 + key_bytes] = '\0';
    return args;
}

static void a_key_that_is_too_long_is_not_counted(void **state)
{
    struct gatehouse *g = *state;
    char *longest = args_of(65535), *longer = args_of(65536);
    uint64_t delay_ms;

    assert_int_equal(comes(g, longest, &delay_ms), 0);
    assert_int_equal(comes(g, longest, &delay_ms), 503);
    (void)logged(g);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(comes(g, longer, &delay_ms), 0);
    assert_int_equal(g->fixture->record.limit_req_state, LIMIT_STATE_NONE);
    assert_logged(g, "the value of the \"$arg_who\" key is more than 65535 bytes: \"xxx");
    free(longest);
    free(longer);
}

static void of_several_limits_the_longest_delay_counts(void **state)
{
    struct gatehouse *g = *state;
    uint64_t delay_ms;

    g->limits.request_count = 2;
    g->requests[0].burst = g->requests[1].burst = 5000;
    g->request_zones[1].per_second = 500;
    assert_int_equal(comes(g, "who=a&also=a", &delay_ms), 0);
    assert_int_equal(comes(g, "who=a&also=a", &delay_ms), 0);
    assert_int_equal(delay_ms, 2000); /* the second's */
    assert_logged(g, "by zone \"second\"");
    assert_int_equal(comes(g, "who=a&also=b", &delay_ms), 0);
    assert_int_equal(delay_ms, 2000); /* the first's */
    assert_logged(g, "by zone \"first\"");
    assert_int_equal(comes(g, "who=a", &delay_ms), 0); /* it counts though the last does not */
    assert_int_equal(delay_ms, 3000);
    assert_int_equal(g->fixture->record.limit_req_state, LIMIT_STATE_DELAYED);
}

static void who_is_refused_by_one_limit_counts_in_none(void **state)
{
    struct gatehouse *g = *state;
    uint64_t delay_ms;

    g->limits.request_count = 2;
    g->requests[0].delay = UINT64_MAX;
    g->requests[0].burst = 1000;
    assert_int_equal(comes(g, "who=a&also=a", &delay_ms), 0);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(comes(g, "who=a&also=a", &delay_ms), 503);
    assert_logged(g, "excess: 1.000 by zone \"second\"");
    assert_int_equal(comes(g, "who=a&also=b", &delay_ms), 0); /* the burst of the first is left */
    assert_int_equal(comes(g, "who=a&also=c", &delay_ms), 503);
    assert_logged(g, "excess: 2.000 by zone \"first\"");
    assert_int_equal(comes(g, "who=b&also=c", &delay_ms), 0); /* nor did the second count it */
}

static void a_full_zone_of_requests_takes_more(void **state)
{
    struct gatehouse *g = *state;
    uint64_t delay_ms;
    char args[16];

    for (unsigned i = 0; i <= STATES; i++) {
        snprintf(args, sizeof(args), "who=%u", i);
        assert_int_equal(comes(g, args, &delay_ms), 0);
    }
    assert_int_equal(comes(g, args, &delay_ms), 503);
    assert_int_equal(comes(g, "who=0", &delay_ms), 0); /* it was forgotten */
}

/* --- how many ------------------------------------------------------------------------------- */

static void so_many_may_be_here_and_one_more_when_one_has_left(void **state)
{
    struct gatehouse *g = *state;
    struct limit_hold *first, *second, *third;

    g->connections[0].most = 2;
    assert_int_equal(enters(g, "who=a", &first), 0);
    assert_int_equal(enters(g, "who=a", &second), 0);
    assert_int_equal(g->fixture->record.limit_conn_state, LIMIT_STATE_PASSED);
    assert_string_equal(logged(g), "");
    assert_int_equal(enters(g, "who=a", &third), 503);
    assert_null(third);
    assert_int_equal(g->fixture->record.limit_conn_state, LIMIT_STATE_REJECTED);
    assert_logged(g, "limiting connections by zone \"here\", client: 192.0.2.1");
    limit_release(second);
    assert_int_equal(enters(g, "who=a", &third), 0);
    limit_release(first);
    limit_release(third);
}

static void who_is_here_is_not_asked_again(void **state)
{
    struct gatehouse *g = *state;
    struct limit_hold *holds, *others;

    assert_int_equal(enters(g, "who=a", &holds), 0);
    assert_int_equal(limit_connections(&g->fixture->record, &g->limits, &holds), 0);
    limit_release(holds);
    assert_int_equal(enters(g, "who=a", &others), 0);
    limit_release(others);
}

static void who_is_refused_at_one_place_leaves_the_others(void **state)
{
    struct gatehouse *g = *state;
    struct limit_hold *holds, *refused, *others;

    g->limits.connection_count = 2;
    g->limits.connection_policy.status = 429;
    assert_int_equal(enters(g, "who=a&also=a", &holds), 0);
    assert_int_equal(enters(g, "who=b&also=a", &refused), 429);
    assert_null(refused);
    assert_logged(g, "by zone \"there\"");
    assert_int_equal(enters(g, "who=b&also=b", &others), 0);
    limit_release(holds);
    limit_release(others);
    assert_int_equal(enters(g, "who=a&also=b", &holds), 0);
    limit_release(holds);
}

static void a_dry_run_lets_all_in(void **state)
{
    struct gatehouse *g = *state;
    struct limit_hold *holds, *others;

    g->limits.connection_policy.is_dry_run = true;
    assert_int_equal(enters(g, "who=a", &holds), 0);
    assert_int_equal(enters(g, "who=a", &others), 0);
    assert_null(others);
    assert_int_equal(g->fixture->record.limit_conn_state, LIMIT_STATE_REJECTED_DRY_RUN);
    assert_logged(g, "limiting connections, dry run by zone \"here\"");
    limit_release(holds);
}

static void a_full_zone_of_connections_refuses(void **state)
{
    struct gatehouse *g = *state;
    struct limit_hold *holds[STATES], *beyond;
    char args[16];

    for (unsigned i = 0; i < STATES; i++) {
        snprintf(args, sizeof(args), "who=%u", i);
        assert_int_equal(enters(g, args, &holds[i]), 0);
    }
    assert_int_equal(enters(g, "who=beyond", &beyond), 503);
    assert_null(beyond);
    assert_int_equal(g->fixture->record.limit_conn_state, LIMIT_STATE_REJECTED);
    assert_logged(g, "[crit] ");
    limit_release(holds[0]);
    assert_int_equal(enters(g, "who=beyond", &beyond), 0);
    assert_int_equal(enters(g, "who=more", &holds[0]), 503);
    assert_logged(g, "no memory in limit_conn_zone \"here\"");
    limit_release(beyond);
    for (unsigned i = 1; i < STATES; i++)
        limit_release(holds[i]);
}

static void a_key_of_connections_may_be_shorter(void **state)
{
    struct gatehouse *g = *state;
    char *longest = args_of(255), *longer = args_of(256);
    struct limit_hold *holds, *others;

    assert_int_equal(enters(g, longest, &holds), 0);
    assert_int_equal(enters(g, longest, &others), 503);
    limit_release(holds);
    (void)logged(g);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(enters(g, longer, &holds), 0);
    assert_null(holds);
    assert_logged(g, "the value of the \"$arg_who\" key is more than 255 bytes: \"xxx");
    free(longest);
    free(longer);
}

static void without_memory_the_request_is_refused(void **state)
{
    struct gatehouse *g = *state;
    struct limit_hold *holds;
    uint64_t delay_ms;

    while (arena_alloc(&g->fixture->arena, 4096))
        ;
    while (arena_alloc(&g->fixture->arena, 1))
        ;
    assert_int_equal(comes(g, "who=a", &delay_ms), 503);
    assert_int_equal(enters(g, "who=a", &holds), 503);
    assert_null(holds);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up_gatehouse, tear_down_gatehouse)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_beyond_the_burst_is_refused),
        TEST(the_status_of_a_refusal_is_the_files),
        TEST(what_exceeds_the_delay_waits),
        TEST(a_delay_is_told_with_its_excess),
        TEST(a_dry_run_refuses_and_delays_nobody),
        TEST(a_request_is_counted_once),
        TEST(without_a_key_nothing_is_counted),
        TEST(a_key_that_is_too_long_is_not_counted),
        TEST(of_several_limits_the_longest_delay_counts),
        TEST(who_is_refused_by_one_limit_counts_in_none),
        TEST(a_full_zone_of_requests_takes_more),
        TEST(so_many_may_be_here_and_one_more_when_one_has_left),
        TEST(who_is_here_is_not_asked_again),
        TEST(who_is_refused_at_one_place_leaves_the_others),
        TEST(a_dry_run_lets_all_in),
        TEST(a_full_zone_of_connections_refuses),
        TEST(a_key_of_connections_may_be_shorter),
        TEST(without_memory_the_request_is_refused),
    };

    return cmocka_run_group_tests_name("proxy_limit", tests, NULL, NULL);
}
