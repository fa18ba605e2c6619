/* Tests of io/tls_early: when a request that comes with a ticket is taken, by any clock. */
#include "../tls_ends.h"

#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "../../src/io/tls_internal.h"

#define TEXT "early"

/* How far the tests have moved the host's clock. */
static long clock_offset_s;

/* In place of libc's: tickets are dated with this one. */
int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    struct timespec ts;
    int rc = (int)syscall(SYS_clock_gettime, CLOCK_REALTIME, &ts);

    (void)zone;
    tv->tv_sec = ts.tv_sec + clock_offset_s;
    tv->tv_usec = ts.tv_nsec / 1000;
    return rc;
}

time_t time(time_t *out)
{
    struct timeval tv;

    (void)gettimeofday(&tv, NULL);
    if (out)
        *out = tv.tv_sec;
    return tv.tv_sec;
}

static const char secret[80] = "of a file";

static struct tls_context *new_early_server(void)
{
    struct tls_pair pair = bench_pair("good.pem", "leaf.key");
    struct tls_server_settings s = bench_server_settings(&pair);
    struct span key = span_of(secret, sizeof(secret));

    s.takes_early_data = true;
    s.ticket_keys = &key;
    s.ticket_key_count = 1;
    return bench_server(&s, shared);
}

static int set_up_early(void **state)
{
    int rc = set_up(state);

    clock_offset_s = 0;
    tls_context_free(server);
    server = new_early_server();
    return rc;
}

static struct tls_ticket *new_ticket(void)
{
    struct tls_ticket *ticket;

    assert_connects();
    ticket = bench_take_ticket(&b);
    assert_non_null(ticket);
    bench_disconnect(&b);
    return ticket;
}

/* What a client sends first. */
struct flight {
    char bytes[4096];
    size_t len;
};

static struct flight flight_with(struct tls_ticket *ticket)
{
    struct flight f;
    int sent;

    b.options.ticket = ticket;
    b.options.output = bench_output;
    b.options.owner = &b.client;
    b.client.tls = tls_new_client(client, &b.options);
    b.options.ticket = NULL;
    assert_non_null(b.client.tls);
    assert_int_equal(wolfSSL_write_early_data(b.client.tls->ssl, TEXT, strlen(TEXT), &sent),
                     strlen(TEXT));
    f.len = b.client.len;
    assert_in_range(f.len, 1, sizeof(f.bytes));
    memcpy(f.bytes, b.client.wire, f.len);
    bench_disconnect(&b);
    return f;
}

/* With a ticket of its own. */
static struct flight new_flight(void)
{
    return flight_with(new_ticket());
}

/* The first bytes of a connection; another worker's: that of a context of its own. */
static bool is_taken_by(const struct flight *f, struct tls_context *worker)
{
    struct span input = span_of(f->bytes, f->len);
    char out[64];
    bool is_early;
    size_t len;

    b.server.tls = tls_new_server(worker, NULL, bench_output, &b.server);
    assert_non_null(b.server.tls);
    is_early = tls_handshake(b.server.tls, &input) == TLS_OK;
    assert_int_equal(is_early, tls_is_early(b.server.tls));
    if (is_early) {
        assert_int_equal(tls_open(b.server.tls, &input, out, sizeof(out), &len), TLS_OK);
        assert_true(span_equals(span_of(out, len), SPAN(TEXT)));
        assert_int_equal(tls_open(b.server.tls, &input, out, sizeof(out), &len), TLS_NEEDS_INPUT);
    }
    assert_int_equal(tls_failure(b.server.tls, NULL), TLS_FAILURE_NONE);
    bench_disconnect(&b);
    return is_early;
}

static bool is_taken(const struct flight *f)
{
    return is_taken_by(f, server);
}

static void early_data_is_taken_once_by_all_workers(void **state)
{
    struct tls_context *other = new_early_server();
    struct flight first = new_flight(), second = new_flight();

    (void)state;
    assert_true(is_taken(&first));
    assert_false(is_taken(&first));
    assert_false(is_taken_by(&first, other));
    assert_true(is_taken_by(&second, other));
    assert_false(is_taken(&second));
    tls_context_free(other);
}

static void early_data_is_taken_for_some_seconds(void **state)
{
    static const struct {
        long late_s;
        bool is_taken;
    } rows[] = {{0, true}, {10, true}, {12, false}, {3600, false}, {-2, false}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct flight f = new_flight();

        clock_offset_s += rows[i].late_s;
        assert_int_equal(is_taken(&f), rows[i].is_taken);
    }
}

/* Nobody has used the ticket; but had it been, that might be forgotten. */
static void ticket_from_before_the_clock_went_back_brings_none(void **state)
{
    struct flight before = new_flight(), between;

    (void)state;
    clock_offset_s = 100;
    between = new_flight();
    clock_offset_s = 0;
    assert_false(is_taken(&before));
    clock_offset_s = 100;
    assert_false(is_taken(&between));
    between = new_flight();
    assert_true(is_taken(&between));
}

static void clock_that_goes_on_changes_nothing(void **state)
{
    struct tls_ticket *ticket = new_ticket();
    struct flight f;

    (void)state;
    clock_offset_s = 1000;
    f = flight_with(ticket);
    assert_true(is_taken(&f));
    assert_false(is_taken(&f));
}

static void ticket_of_another_process_with_the_same_key_brings_none(void **state)
{
    struct flight f = new_flight();

    (void)state;
    tls_context_free(server);
    tls_server_shared_free(shared);
    shared = tls_server_shared_new();
    server = new_early_server();
    assert_false(is_taken(&f));
    clock_offset_s = 5;
    assert_false(is_taken(&f));
    f = new_flight();
    assert_true(is_taken(&f));
}

static void ticket_for_another_name_brings_none(void **state)
{
    struct tls_ticket *ticket = new_ticket();
    struct flight f;

    (void)state;
    b.options.sni = SPAN("b.example");
    f = flight_with(ticket);
    assert_false(is_taken(&f));
    b.options.sni = SPAN("A.Example");
    ticket = new_ticket();
    b.options.sni = SPAN("a.example");
    f = flight_with(ticket);
    assert_true(is_taken(&f));
}

#define EARLY(f) cmocka_unit_test_setup_teardown(f, set_up_early, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EARLY(early_data_is_taken_once_by_all_workers),
        EARLY(early_data_is_taken_for_some_seconds),
        EARLY(ticket_from_before_the_clock_went_back_brings_none),
        EARLY(clock_that_goes_on_changes_nothing),
        EARLY(ticket_of_another_process_with_the_same_key_brings_none),
        EARLY(ticket_for_another_name_brings_none),
    };

    return cmocka_run_group_tests(tests, bench_init, bench_deinit);
}
