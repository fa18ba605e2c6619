/* Tests of server/worker: connections that one accepted and another serves. */
#include "../worker_fixture.h"

#include "../../src/server/worker_internal.h"

#define BALANCE(word) \
    CONF("worker_connections 64; worker_balance " word ";", "return 200 \"<$connection>\";")

/* The test's own desk beside the worker's: it hands over by itself, or takes. */
struct desk {
    struct engine engine;
    struct client_pool pool;
    struct listen_conf listen;
    struct snapshot snapshot;
    struct view view;
    struct handovers handovers;
    struct task change;
    struct handovers *all[2];
    unsigned taken_count;
};

static void on_taken(struct handovers *h, struct view *view, const struct listen_conf *listen,
                     int fd)
{
    container_of(h, struct desk, handovers)->taken_count++;
    close(fd);
}

static void on_change(struct task *t)
{
}

static void desk_init(struct desk *d, struct site *s)
{
    *d = (struct desk){.engine.loop = s->t.loop};
    assert_int_equal(address_parse_ip(SPAN("127.0.0.1"), 8080, &d->listen.address), 0);
    d->snapshot = (struct snapshot){.listens = &d->listen, .listen_count = 1};
    d->snapshot.main.balances_workers = true;
    d->view = (struct view){.snapshot = &d->snapshot, .ref_count = 1};
    d->pool = (struct client_pool){.engine = &d->engine, .view = &d->view};
    handovers_init(&d->handovers, &d->pool, on_taken);
    task_init(&d->change, on_change);
    d->handovers.on_change = &d->change;
    d->all[0] = &d->handovers;
    d->all[1] = &s->workers[0]->handovers;
    handovers_introduce(&d->handovers, d->all, 2, 0);
}

/* Somebody's connection, handed over to the worker, which shows no clients, whatever there are;
 * the other end. */
static int hand_over(struct site *s, struct desk *d)
{
    struct address a;
    int listener = loopback_listen(&a), fd = call_at(&a);

    atomic_store(&d->all[1]->load.client_count, 0);
    d->pool.count = 10;
    handovers_publish(&d->handovers);
    assert_true(
        handovers_give(&d->handovers, &d->listen, accept4(listener, NULL, NULL, SOCK_CLOEXEC)));
    close(listener);
    while (!handovers_are_settled(&d->handovers)) {
        loop_turn(s->t.loop, 5);
        handovers_settle(&d->handovers);
    }
    assert_int_equal(d->taken_count, 0);
    assert_int_equal(d->all[1]->load.promised_count, 0);
    return fd;
}

/* Two workers, of which only the first one is called: its clients, all asked once. */
static void call_first(struct site *s, const char *text, int *fds, unsigned count)
{
    struct address other;
    char expected[16], error[256];

    started(s, text);
    assert_int_equal(site_start(s, assign(text, loopback_listen(&other)), error), 0);
    workers_introduce(s->workers, s->count);
    for (unsigned i = 0; i < SITE_WORKERS; i++)
        worker_go(s->workers[i]);
    for (unsigned i = 0; i < count; i++) {
        snprintf(expected, sizeof(expected), "<%u>", i + 1);
        fds[i] = call(s);
        ask(s, fds[i], expected);
    }
}

static uint64_t counted_by(const struct site *s, unsigned worker, enum counter c)
{
    return atomic_load(&worker_stats(s->workers[worker])->counters[c]);
}

/* --- serving -------------------------------------------------------------------------------- */

static void connections_are_shared_out_evenly(void **state)
{
    struct site *s = *state;
    int fds[6];

    call_first(s, BALANCE("on"), fds, COUNT_OF(fds));
    for (unsigned i = 0; i < SITE_WORKERS; i++) {
        assert_int_equal(worker_client_count(s->workers[i]), 3);
        assert_int_equal(counted_by(s, i, COUNTER_ACCEPTED), 3);
    }
    assert_int_equal(counted_by(s, 0, COUNTER_HANDED_OVER), 3);
    assert_int_equal(counted_by(s, 1, COUNTER_TAKEN_OVER), 3);
    for (unsigned i = 0; i < COUNT_OF(fds); i++)
        close(fds[i]);
    for (unsigned i = 0; i < SITE_WORKERS; i++)
        turn_until(s->t.loop, worker_client_count(s->workers[i]) == 0);
}

static void where_it_is_off_each_serves_what_it_accepts(void **state)
{
    struct site *s = *state;
    int fds[6];

    call_first(s, BALANCE("off"), fds, COUNT_OF(fds));
    assert_int_equal(worker_client_count(s->workers[0]), COUNT_OF(fds));
    assert_int_equal(worker_client_count(s->workers[1]), 0);
    for (unsigned i = 0; i < COUNT_OF(fds); i++)
        close(fds[i]);
}

/* The one that it keeps goes over to the new snapshot with its next request; nothing else happens
 * that could have it look after what it handed over. */
static void what_was_handed_over_holds_no_snapshot(void **state)
{
    struct site *s = *state;
    struct worker_assignment a = assign(BALANCE("on"), shared_listener(s)), next;
    struct snapshot *old = snapshot_ref(a.snapshot);
    struct address other;
    char error[256];
    int kept, handed;

    next = assign(BALANCE("on"), a.listen_fds[0]);
    assert_int_equal(site_start(s, a, error), 0);
    assert_int_equal(site_start(s, assign(BALANCE("on"), loopback_listen(&other)), error), 0);
    workers_introduce(s->workers, s->count);
    for (unsigned i = 0; i < SITE_WORKERS; i++)
        worker_go(s->workers[i]);
    kept = call(s);
    ask(s, kept, "<1>");
    handed = call(s);
    ask(s, handed, "<2>");
    assert_int_equal(counted_by(s, 1, COUNTER_TAKEN_OVER), 1);
    swap(s, &next);
    assert_string_equal(s->swap_error, "");
    ask(s, kept, "<1>");
    turn_until(s->t.loop, old->ref_count == 1);
    snapshot_unref(old);
    close(kept);
    close(handed);
}

/* --- limits --------------------------------------------------------------------------------- */

static void for_one_that_arrives_an_idle_one_makes_room(void **state)
{
    struct site *s = *state;
    struct desk d;
    int first, second, third;

    started(s, CONF("worker_connections 2;", "return 200 \"<$connection>\";"));
    desk_init(&d, s);
    worker_go(s->workers[0]);
    first = call(s);
    ask(s, first, "<1>");
    second = hand_over(s, &d);
    ask(s, second, "<2>");
    assert_true(peer_has_ended(&s->t, first));
    third = hand_over(s, &d);
    ask(s, third, "<3>");
    assert_true(peer_has_ended(&s->t, second));
    close(first);
    close(second);
    close(third);
}

/* As one that was accepted before the pause took effect. */
static void one_that_arrives_at_a_full_worker_is_served(void **state)
{
    struct site *s = *state;
    struct desk d;
    int busy[2], beyond;

    started(s, CONF("worker_connections 2;", "return 200 \"<$connection>\";"));
    desk_init(&d, s);
    worker_go(s->workers[0]);
    busy[0] = call_busy(s, "<1>");
    busy[1] = call_busy(s, "<2>");
    beyond = hand_over(s, &d);
    ask(s, beyond, "<3>");
    close(beyond);
    close(busy[0]);
    close(busy[1]);
    ask_once(s, "<4>"); /* and it goes on accepting */
}

/* --- ending --------------------------------------------------------------------------------- */

static void one_that_drains_closes_what_arrives(void **state)
{
    struct site *s = *state;
    struct desk d;
    int busy, fd;

    started(s, SERVE("one"));
    desk_init(&d, s);
    worker_go(s->workers[0]);
    busy = call_busy(s, "<one>");
    worker_quit(s->workers[0], 0);
    turn_until(s->t.loop, d.all[1]->load.client_count == LOAD_CLOSED);
    fd = hand_over(s, &d);
    assert_true(peer_has_ended(&s->t, fd));
    peer_write(busy, "\r\n");
    read_body(s, busy, "<one>");
    close(fd);
    close(busy);
    turn_until(s->t.loop, s->drained_count == 1);
}

static void so_does_one_that_has_drained(void **state)
{
    struct site *s = *state;
    struct desk d;
    int fd;

    started(s, SERVE("one"));
    desk_init(&d, s);
    worker_go(s->workers[0]);
    worker_quit(s->workers[0], 0);
    turn_until(s->t.loop, s->drained_count == 1);
    fd = hand_over(s, &d);
    assert_true(peer_has_ended(&s->t, fd));
    close(fd);
}

/* Here the test takes, and looks for it late. */
static void it_has_not_drained_while_a_connection_is_under_way(void **state)
{
    struct site *s = *state;
    struct handovers **all = calloc(SITE_WORKERS, sizeof(*all));
    struct worker *w;
    struct desk d;
    int kept, handed;

    assert_non_null(all);
    started(s, SERVE("one"));
    desk_init(&d, s);
    w = s->workers[0];
    all[0] = &w->handovers;
    all[1] = &d.handovers;
    w->group->handovers = all;
    worker_go(w);
    kept = call(s);
    ask(s, kept, "<one>");
    handed = call(s);
    while (!atomic_load(&d.handovers.load.promised_count))
        usleep(1000);
    worker_stop(w);
    for (unsigned i = 0; i < 10; i++)
        usleep(20000); /* it looks more often than that */
    assert_int_equal(atomic_load(&w->group->undrained_count), 1);
    turn_until(s->t.loop, s->drained_count == 1);
    assert_int_equal(d.taken_count, 1);
    assert_true(peer_has_ended(&s->t, handed));
    close(kept);
    close(handed);
}

/* Whatever comes of each: an answer, or an end. */
static void they_end_amid_handovers(void **state)
{
    struct site *s = *state;
    int fds[32];
    char byte;

    call_first(s, BALANCE("on"), NULL, 0);
    for (unsigned i = 0; i < COUNT_OF(fds); i++) {
        fds[i] = call(s);
        peer_write(fds[i], "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    }
    worker_quit(s->workers[1], 0);
    worker_quit(s->workers[0], 0);
    site_close_listener(s); /* what nobody accepted ends as well */
    for (unsigned i = 0; i < COUNT_OF(fds); i++) {
        while (peer_read(&s->t, fds[i], &byte, 1) == 1)
            ;
        close(fds[i]);
    }
    turn_until(s->t.loop, s->drained_count == SITE_WORKERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SITE_TEST(connections_are_shared_out_evenly),
        SITE_TEST(where_it_is_off_each_serves_what_it_accepts),
        SITE_TEST(what_was_handed_over_holds_no_snapshot),
        SITE_TEST(for_one_that_arrives_an_idle_one_makes_room),
        SITE_TEST(one_that_arrives_at_a_full_worker_is_served),
        SITE_TEST(one_that_drains_closes_what_arrives),
        SITE_TEST(so_does_one_that_has_drained),
        SITE_TEST(it_has_not_drained_while_a_connection_is_under_way),
        SITE_TEST(they_end_amid_handovers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
