/* Tests of server/listener: opening, accepting, pausing, and doing without descriptors. */
#include "../loop_fixture.h"

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "server/listener.h"

struct hall {
    struct turning t;
    struct listen_conf conf;
    struct listener listener;
    struct address address; /* to connect to */
    int accepted[16];
    size_t count;
    bool has_ended;
};

static void on_accepted(struct listener *l, int fd)
{
    struct hall *h = l->worker;

    assert_true(h->count < COUNT_OF(h->accepted));
    h->accepted[h->count++] = fd;
}

static void on_ended(struct listener *l)
{
    ((struct hall *)l->worker)->has_ended = true;
}

static void open_on(struct hall *h, const char *ip)
{
    int fd;

    assert_int_equal(address_parse_ip(span_of_cstr(ip), 0, &h->conf.address), 0);
    h->conf.backlog = 16;
    fd = listener_open(&h->conf);
    assert_true(fd >= 0);
    h->address = h->conf.address;
    assert_int_equal(getsockname(fd, &h->address.u.any, &h->address.len), 0);
    listener_init(&h->listener, &(struct listener_options){.loop = h->t.loop,
                                                           .conf = &h->conf,
                                                           .fd = fd,
                                                           .accepted = on_accepted,
                                                           .ended = on_ended,
                                                           .worker = h});
}

static int set_up(void **state)
{
    struct hall *h = calloc(1, sizeof(*h));

    assert_non_null(h);
    turning_init(&h->t);
    open_on(h, "127.0.0.1");
    *state = h;
    return 0;
}

static int tear_down(void **state)
{
    struct hall *h = *state;

    listener_end(&h->listener);
    turn_until(h->t.loop, h->has_ended);
    assert_int_equal(h->listener.fd, -1);
    task_cancel(&h->listener.task);
    for (size_t i = 0; i < h->count; i++)
        close(h->accepted[i]);
    turning_deinit(&h->t);
    free(h);
    return 0;
}

/* A connection by somebody; it waits in the backlog until it is accepted. */
static int call(const struct hall *h)
{
    int fd = socket(h->address.u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, &h->address.u.any, h->address.len), 0);
    return fd;
}

static void turn_a_few_times(struct hall *h)
{
    for (int i = 0; i < 5; i++)
        loop_turn(h->t.loop, 1);
}

/* --- accepting -------------------------------------------------------------------------------- */

static void it_accepts_once_it_is_started(void **state)
{
    struct hall *h = *state;
    int fds[3];

    fds[0] = call(h);
    turn_a_few_times(h);
    assert_int_equal(h->count, 0);
    listener_start(&h->listener);
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        if (i > 0)
            fds[i] = call(h);
        turn_until(h->t.loop, h->count == i + 1);
        close(fds[i]);
    }
    assert_int_equal(fcntl(h->accepted[0], F_GETFD), FD_CLOEXEC);
}

static void a_pause_leaves_connections_in_the_backlog(void **state)
{
    struct hall *h = *state;
    int fds[2];

    listener_start(&h->listener);
    turn_a_few_times(h);
    listener_pause(&h->listener);
    turn_until(h->t.loop, !h->listener.accept_op.is_in_flight);
    listener_pause(&h->listener);
    fds[0] = call(h);
    turn_a_few_times(h);
    assert_int_equal(h->count, 0);
    assert_int_equal(counted(&h->t, COUNTER_ACCEPT_PAUSES), 1);
    listener_start(&h->listener);
    turn_until(h->t.loop, h->count == 1);
    fds[1] = call(h);
    turn_until(h->t.loop, h->count == 2);
    close(fds[0]);
    close(fds[1]);
}

static void a_start_right_behind_a_pause_goes_on(void **state)
{
    struct hall *h = *state;
    int fd;

    listener_start(&h->listener);
    turn_a_few_times(h);
    listener_pause(&h->listener);
    listener_start(&h->listener);
    turn_a_few_times(h);
    fd = call(h);
    turn_until(h->t.loop, h->count == 1);
    close(fd);
}

static void ending_closes_even_while_it_is_paused_or_unstarted(void **state)
{
    struct hall *h = *state;

    listener_start(&h->listener);
    turn_a_few_times(h);
    listener_pause(&h->listener);
    listener_end(&h->listener);
    listener_end(&h->listener);
    turn_until(h->t.loop, h->has_ended); /* the unstarted one: tear_down() of other tests */
}

/* --- no descriptors --------------------------------------------------------------------------- */

static struct rlimit limit_descriptors(rlim_t most)
{
    struct rlimit before, now;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    now = (struct rlimit){.rlim_cur = most, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
    return before;
}

/* Counted in turns: one that spins takes thousands of them in this time. */
static void without_descriptors_it_waits_and_goes_on(void **state)
{
    struct hall *h = *state;
    uint64_t began_ms, turns;
    struct rlimit before;
    int fd = call(h);

    listener_start(&h->listener);
    before = limit_descriptors(1);
    turn_until(h->t.loop, counted(&h->t, COUNTER_ACCEPT_PAUSES));
    began_ms = loop_now_ms(h->t.loop);
    turns = counted(&h->t, COUNTER_TURNS);
    while (loop_now_ms(h->t.loop) < began_ms + 350)
        loop_turn(h->t.loop, UINT64_MAX); /* only the retry wakes it */
    assert_true(counted(&h->t, COUNTER_TURNS) - turns < 50);
    assert_int_equal(h->count, 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    turn_until(h->t.loop, h->count == 1);
    close(fd);
    fd = call(h);
    turn_until(h->t.loop, h->count == 2);
    close(fd);
}

static void it_ends_while_it_waits_for_descriptors(void **state)
{
    struct hall *h = *state;
    struct rlimit before;
    int fd = call(h);

    listener_start(&h->listener);
    before = limit_descriptors(1);
    turn_until(h->t.loop, h->listener.is_starved);
    listener_end(&h->listener);
    turn_until(h->t.loop, h->has_ended);
    assert_false(timer_is_set(&h->listener.retry));
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    close(fd);
}

/* --- opening ---------------------------------------------------------------------------------- */

static void several_may_listen_on_one_port(void **state)
{
    struct hall *h = *state;
    struct listen_conf conf = h->conf;
    int fd;

    conf.address = h->address;
    fd = listener_open(&conf);
    assert_true(fd >= 0);
    close(fd);
}

static void an_address_that_is_not_ours_is_refused(void **state)
{
    struct listen_conf conf = {.backlog = 1};

    assert_int_equal(address_parse_ip(SPAN("192.0.2.1"), 80, &conf.address), 0);
    assert_int_equal(listener_open(&conf), -EADDRNOTAVAIL);
}

static void ipv6_may_be_for_itself_or_for_both(void **state)
{
    for (int only = 0; only < 2; only++) {
        struct listen_conf conf = {.backlog = 1, .ipv6only = only};
        int fd, said = -1;
        socklen_t len = sizeof(said);

        assert_int_equal(address_parse_ip(SPAN("::"), 0, &conf.address), 0);
        fd = listener_open(&conf);
        if (fd == -EADDRNOTAVAIL || fd == -EAFNOSUPPORT)
            skip(); /* a host without IPv6 */
        assert_true(fd >= 0);
        assert_int_equal(getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &said, &len), 0);
        assert_int_equal(said, only);
        close(fd);
    }
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(it_accepts_once_it_is_started),
        CLAIM(a_pause_leaves_connections_in_the_backlog),
        CLAIM(a_start_right_behind_a_pause_goes_on),
        CLAIM(ending_closes_even_while_it_is_paused_or_unstarted),
        CLAIM(without_descriptors_it_waits_and_goes_on),
        CLAIM(it_ends_while_it_waits_for_descriptors),
        CLAIM(several_may_listen_on_one_port),
        cmocka_unit_test(an_address_that_is_not_ours_is_refused),
        cmocka_unit_test(ipv6_may_be_for_itself_or_for_both),
    };

    return cmocka_run_group_tests_name("server_listener", tests, NULL, NULL);
}
