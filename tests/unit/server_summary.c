/* Tests of server/summary: which peers and workers have a line, and what it counts. */
#include "server/summary.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define PEER_COUNT 3
#define LOG_BYTES 8192

/* Two upstreams, of one peer and of two. */
struct counted {
    struct peer_shared shared[PEER_COUNT];
    struct peer_conf peers[PEER_COUNT];
    struct upstream_conf upstreams[2];
    struct upstream_conf *listed[2];
    struct snapshot snapshot;
    char said[LOG_BYTES];
};

static void init(struct counted *c)
{
    static const char *const addresses[PEER_COUNT] = {"192.0.2.1:443", "[2001:db8::1]:443",
                                                      "unix:/run/a"};

    memset(c, 0, sizeof(*c));
    for (size_t i = 0; i < PEER_COUNT; i++) {
        c->peers[i].address_text = span_of_cstr(addresses[i]);
        c->peers[i].shared = &c->shared[i];
    }
    c->upstreams[0] =
        (struct upstream_conf){.name = SPAN("one"), .peers = &c->peers[0], .peer_count = 1};
    c->upstreams[1] =
        (struct upstream_conf){.name = SPAN("two"), .peers = &c->peers[1], .peer_count = 2};
    for (size_t i = 0; i < COUNT_OF(c->listed); i++)
        c->listed[i] = &c->upstreams[i];
    c->snapshot.upstreams = c->listed;
    c->snapshot.upstream_count = COUNT_OF(c->listed);
}

/* A log of that level: its descriptor, for read_log(). */
static int log_init(struct log *log, struct log_target *target, enum log_level level)
{
    int fd = memfd_create("log", MFD_CLOEXEC);

    assert_true(fd >= 0);
    *target = (struct log_target){.fd = fd, .level = level, .is_startup = true};
    *log = (struct log){.targets = target, .target_count = 1};
    return fd;
}

static const char *read_log(struct counted *c, int fd)
{
    ssize_t len = pread(fd, c->said, sizeof(c->said) - 1, 0);

    assert_true(len >= 0);
    c->said[len] = '\0';
    close(fd);
    return c->said;
}

/* What a log of that level got. */
static const char *said_at(struct counted *c, enum log_level level)
{
    struct log log;
    struct log_target target;
    int fd = log_init(&log, &target, level);

    summary_log(&log, &c->snapshot);
    return read_log(c, fd);
}

#define assert_said(c, text) assert_string_equal(said_at(c, LOG_LEVEL_NOTICE), text)

static void peers_without_work_are_passed_over(void **state)
{
    struct counted c;

    init(&c);
    assert_said(&c, "");
    c.snapshot.upstream_count = 0;
    assert_said(&c, "");
}

static void each_peer_that_worked_has_a_line(void **state)
{
    struct counted c;

    init(&c);
    c.shared[0].requests = 5;
    c.shared[0].failures = 1;
    c.shared[2].requests = 7;
    assert_said(&c, "ringway: [notice] upstream one peer 192.0.2.1:443: requests 5, failures 1; "
                    "TLS handshakes: full 0, resumed 0, failed 0\n"
                    "ringway: [notice] upstream two peer unix:/run/a: requests 7, failures 0; "
                    "TLS handshakes: full 0, resumed 0, failed 0\n");
}

/* Also a handshake without a request: it may be what went wrong. */
static void any_of_the_counts_is_work(void **state)
{
    static const struct {
        size_t offset;
        const char *counts;
    } rows[] = {
        {offsetof(struct peer_shared, requests),
         "requests 1, failures 0; TLS handshakes: full 0, resumed 0, failed 0"},
        {offsetof(struct peer_shared, handshakes_full),
         "requests 0, failures 0; TLS handshakes: full 1, resumed 0, failed 0"},
        {offsetof(struct peer_shared, handshakes_resumed),
         "requests 0, failures 0; TLS handshakes: full 0, resumed 1, failed 0"},
        {offsetof(struct peer_shared, handshakes_failed),
         "requests 0, failures 0; TLS handshakes: full 0, resumed 0, failed 1"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char line[256];
        struct counted c;

        init(&c);
        *(_Atomic uint64_t *)((char *)&c.shared[1] + rows[i].offset) = 1;
        snprintf(line, sizeof(line), "ringway: [notice] upstream two peer [2001:db8::1]:443: %s\n",
                 rows[i].counts);
        assert_said(&c, line);
    }
}

static void full_handshakes_say_why(void **state)
{
    struct counted c;

    init(&c);
    c.shared[0].handshakes_full = 3;
    c.shared[0].misses[TLS_MISS_EXPIRED] = 2;
    assert_said(&c, "ringway: [notice] upstream one peer 192.0.2.1:443: requests 0, failures 0; "
                    "TLS handshakes: full 3 (expired 2), resumed 0, failed 0\n");
    c.shared[0].misses[TLS_MISS_COLD] = 1;
    assert_said(&c, "ringway: [notice] upstream one peer 192.0.2.1:443: requests 0, failures 0; "
                    "TLS handshakes: full 3 (cold 1, expired 2), resumed 0, failed 0\n");
}

static void the_largest_counts_have_room(void **state)
{
    char line[1024] = "ringway: [notice] upstream one peer 192.0.2.1:443: requests "
                      "18446744073709551615, failures 18446744073709551615; TLS handshakes: full "
                      "18446744073709551615 (";
    struct counted c;

    init(&c);
    c.shared[0].requests = c.shared[0].failures = UINT64_MAX;
    c.shared[0].handshakes_full = c.shared[0].handshakes_resumed = UINT64_MAX;
    c.shared[0].handshakes_failed = UINT64_MAX;
    for (unsigned i = 0; i < TLS_MISS_COUNT; i++) {
        size_t len = strlen(line);

        c.shared[0].misses[i] = UINT64_MAX;
        snprintf(line + len, sizeof(line) - len, "%s%s %" PRIu64, i ? ", " : "",
                 tls_miss_word((enum tls_miss)i), UINT64_MAX);
    }
    strcat(line, "), resumed 18446744073709551615, failed 18446744073709551615\n");
    assert_said(&c, line);
}

static void a_log_above_notice_gets_nothing(void **state)
{
    struct counted c;

    init(&c);
    c.shared[0].requests = 1;
    assert_string_equal(said_at(&c, LOG_LEVEL_WARN), "");
    assert_string_not_equal(said_at(&c, LOG_LEVEL_NOTICE), "");
}

static void names_and_addresses_are_no_text_with_an_end(void **state)
{
    struct counted c;

    init(&c);
    c.upstreams[0].name = span_of("onetwo", 3);
    c.peers[0].address_text = span_of("192.0.2.1:4430", 13);
    c.shared[0].requests = 1;
    assert_said(&c, "ringway: [notice] upstream one peer 192.0.2.1:443: requests 1, failures 0; "
                    "TLS handshakes: full 0, resumed 0, failed 0\n");
}

/* --- workers -------------------------------------------------------------------------------- */

static const char *said_of_worker(struct counted *c, const struct stats *stats)
{
    struct log log;
    struct log_target target;
    int fd = log_init(&log, &target, LOG_LEVEL_NOTICE);

    summary_log_worker(&log, 3, 4, stats);
    return read_log(c, fd);
}

static void a_worker_without_connections_is_passed_over(void **state)
{
    struct stats stats = {0};
    struct counted c;

    stats_add(&stats, COUNTER_TURNS, 1);
    assert_string_equal(said_of_worker(&c, &stats), "");
}

static void each_other_worker_has_a_line(void **state)
{
    struct stats stats = {0};
    struct counted c;

    stats_add(&stats, COUNTER_HANDED_OVER, 3);
    assert_string_equal(said_of_worker(&c, &stats),
                        "ringway: [notice] worker 3: clients 4; connections served 0, taken over "
                        "0, handed over 3\n");
    stats_add(&stats, COUNTER_ACCEPTED, 2);
    stats_add(&stats, COUNTER_TAKEN_OVER, 1);
    assert_string_equal(said_of_worker(&c, &stats),
                        "ringway: [notice] worker 3: clients 4; connections served 2, taken over "
                        "1, handed over 3\n");
}

/* --- counters ------------------------------------------------------------------------------- */

static const char *said_of_counters(struct counted *c, const struct stats *sum)
{
    struct log log;
    struct log_target target;
    int fd = log_init(&log, &target, LOG_LEVEL_NOTICE);

    summary_log_counters(&log, sum);
    return read_log(c, fd);
}

static void counters_are_told_by_their_names(void **state)
{
    struct stats sum = {0};
    struct counted c;

    assert_string_equal(said_of_counters(&c, &sum), "");
    stats_add(&sum, COUNTER_REQUESTS, 5);
    stats_add(&sum, COUNTER_LOG_RECORDS_LOST, 2);
    assert_string_equal(said_of_counters(&c, &sum),
                        "ringway: [notice] counted: requests 5, log_records_lost 2\n");
    stats_count_outcome(&sum, OUTCOME_DONE);
    stats_count_outcome(&sum, OUTCOME_READ_TIMEOUT);
    assert_string_equal(said_of_counters(&c, &sum),
                        "ringway: [notice] counted: requests 5, log_records_lost 2\n"
                        "ringway: [notice] requests ended: done 1, read_timeout 1\n");
}

static void all_counters_at_their_largest_have_room(void **state)
{
    struct stats sum = {0};
    struct counted c;
    const char *said;

    for (size_t i = 0; i < COUNTER_COUNT; i++)
        stats_add(&sum, (enum counter)i, UINT64_MAX);
    for (size_t i = 0; i < OUTCOME_COUNT; i++)
        atomic_store(&sum.outcomes[i], UINT64_MAX);
    said = said_of_counters(&c, &sum);
    assert_non_null(strstr(said, "log_records_lost 18446744073709551615\n"));
    assert_non_null(strstr(said, "response_cut 18446744073709551615\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peers_without_work_are_passed_over),
        cmocka_unit_test(each_peer_that_worked_has_a_line),
        cmocka_unit_test(any_of_the_counts_is_work),
        cmocka_unit_test(full_handshakes_say_why),
        cmocka_unit_test(the_largest_counts_have_room),
        cmocka_unit_test(a_log_above_notice_gets_nothing),
        cmocka_unit_test(names_and_addresses_are_no_text_with_an_end),
        cmocka_unit_test(counters_are_told_by_their_names),
        cmocka_unit_test(all_counters_at_their_largest_have_room),
        cmocka_unit_test(a_worker_without_connections_is_passed_over),
        cmocka_unit_test(each_other_worker_has_a_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
