/* Tests of server/handover: who is to have a connection, and how it gets there. */
#include "../conn_fixture.h"

#include "server/handover.h"

#define DESKS 4

/* One worker, as far as the others are concerned; all turn in the test's thread. */
struct desk {
    struct turning t;
    struct engine engine;
    struct client_pool pool; /* its number of clients, and its view */
    struct listen_conf listens[2];
    struct snapshot snapshot;
    struct view view;
    struct handovers handovers;
    struct task change;
    unsigned change_count;
    unsigned taken_count;
    const struct view *taken_view; /* of the last one, and so on */
    const struct listen_conf *taken_listen;
    int taken_fd;
};

struct office {
    struct desk desks[DESKS];
    struct handovers *all[DESKS];
    struct snapshot other; /* another generation, where a test wants one */
    struct listen_conf other_listens[1];
    struct view other_view;
};

static void on_taken(struct handovers *h, struct view *view, const struct listen_conf *listen,
                     int fd)
{
    struct desk *d = container_of(h, struct desk, handovers);

    d->taken_count++;
    d->taken_view = view;
    d->taken_listen = listen;
    d->taken_fd = fd;
    d->pool.count++;
    handovers_publish(h);
}

static void on_change(struct task *t)
{
    container_of(t, struct desk, change)->change_count++;
}

static void listen_at(struct listen_conf *l, uint16_t port)
{
    *l = (struct listen_conf){0};
    assert_int_equal(address_parse_ip(SPAN("127.0.0.1"), port, &l->address), 0);
}

static void desk_init(struct desk *d)
{
    turning_init(&d->t);
    d->engine.loop = d->t.loop;
    listen_at(&d->listens[0], 8080);
    listen_at(&d->listens[1], 8443);
    d->listens[1].is_tls = true;
    d->snapshot = (struct snapshot){.listens = d->listens, .listen_count = COUNT_OF(d->listens)};
    d->snapshot.main.balances_workers = true;
    d->view = (struct view){.snapshot = &d->snapshot, .ref_count = 1};
    d->pool = (struct client_pool){.engine = &d->engine, .view = &d->view};
    handovers_init(&d->handovers, &d->pool, on_taken);
    task_init(&d->change, on_change);
    d->handovers.on_change = &d->change;
}

static int set_up(void **state)
{
    struct office *o = calloc(1, sizeof(*o));

    assert_non_null(o);
    for (unsigned i = 0; i < DESKS; i++) {
        desk_init(&o->desks[i]);
        o->all[i] = &o->desks[i].handovers;
    }
    for (unsigned i = 0; i < DESKS; i++)
        handovers_introduce(o->all[i], o->all, DESKS, i);
    *state = o;
    return 0;
}

/* Nothing may be under way, and no view pinned. */
static int tear_down(void **state)
{
    struct office *o = *state;

    for (unsigned i = 0; i < DESKS; i++) {
        struct desk *d = &o->desks[i];

        handovers_settle(&d->handovers);
        assert_true(handovers_are_settled(&d->handovers));
        assert_int_equal(d->handovers.load.promised_count, 0);
        assert_int_equal(d->view.ref_count, 1);
        turning_deinit(&d->t);
    }
    free(o);
    return 0;
}

#define OFFICE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static void has_clients(struct office *o, const uint32_t counts[DESKS])
{
    for (unsigned i = 0; i < DESKS; i++) {
        o->desks[i].pool.count = counts[i];
        handovers_publish(o->all[i]);
    }
}

static bool gives(struct office *o, unsigned from, int fd)
{
    struct desk *d = &o->desks[from];

    return handovers_give(&d->handovers, &d->view.snapshot->listens[0], fd);
}

/* What was given is handed to the kernel, and each hears what is for it. */
static void turn_all(struct office *o)
{
    for (unsigned i = 0; i < 3 * DESKS; i++)
        loop_turn(o->desks[i % DESKS].t.loop, 0);
}

static uint64_t counted_at(const struct office *o, unsigned desk, enum counter c)
{
    return atomic_load(&o->desks[desk].engine.stats.counters[c]);
}

/* --- who is to have it ---------------------------------------------------------------------- */

static void it_goes_to_the_idlest_of_those_with_clearly_fewer(void **state)
{
    static const struct {
        uint32_t counts[DESKS]; /* the first one accepts one more */
        unsigned chosen;
    } rows[] = {
        {{0, 0, 0, 0}, 0},
        {{1, 0, 1, 1}, 1},
        {{1, 1, 1, 1}, 0},
        {{7, 7, 7, 7}, 0},
        {{7, 7, 6, 7}, 2},
        {{7, 5, 4, 3}, 3},
        {{7, 5, 3, 4}, 2},
        {{14, 14, 13, 14}, 2}, /* 15: one more than an eighth below 16 */
        {{15, 15, 14, 15}, 0}, /* 16: by two is not yet more than an eighth */
        {{15, 15, 13, 15}, 2},
        {{22, 22, 21, 22}, 0},
        {{23, 22, 21, 23}, 0},
        {{23, 22, 20, 23}, 2},
        {{799, 700, 800, 800}, 0},
        {{799, 699, 800, 800}, 1},
        {{LOAD_CLOSED - 1, 0, 0, 0}, 1},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct office *o = *state;

        has_clients(o, rows[i].counts);
        if (handovers_choose(o->all[0]) != o->all[rows[i].chosen])
            fail_msg("row %zu", i);
    }
}

static void of_equals_it_is_the_next_one(void **state)
{
    static const uint32_t counts[DESKS] = {5, 0, 5, 0};
    struct office *o = *state;

    has_clients(o, counts);
    assert_ptr_equal(handovers_choose(o->all[0]), o->all[1]);
    assert_ptr_equal(handovers_choose(o->all[2]), o->all[3]);
}

static void who_has_closed_is_passed_over(void **state)
{
    static const uint32_t counts[DESKS] = {9, 0, 3, 9};
    struct office *o = *state;

    has_clients(o, counts);
    handovers_close(o->all[1]);
    assert_ptr_equal(handovers_choose(o->all[0]), o->all[2]);
    assert_int_equal(handovers_client_count(o->all[1]), 0);
    assert_int_equal(handovers_client_count(o->all[2]), 3);
}

/* A burst does not all go to one. */
static void what_is_under_way_counts_at_once(void **state)
{
    static const uint32_t counts[DESKS] = {8, 0, 2, 8};
    static const unsigned receivers[] = {1, 1, 1, 2, 1, 2, 1, 2};
    struct office *o = *state;

    has_clients(o, counts);
    for (size_t i = 0; i < COUNT_OF(receivers); i++) {
        unsigned before = o->desks[receivers[i]].handovers.load.promised_count;

        assert_true(gives(o, 0, 100));
        if (o->desks[receivers[i]].handovers.load.promised_count != before + 1)
            fail_msg("connection %zu went elsewhere", i);
    }
    turn_all(o);
    assert_int_equal(o->desks[1].taken_count, 5);
    assert_int_equal(o->desks[2].taken_count, 3);
}

static void what_is_promised_to_oneself_counts_as_well(void **state)
{
    static const uint32_t counts[DESKS] = {5, 0, 5, 5};
    struct office *o = *state;

    has_clients(o, counts);
    assert_true(gives(o, 0, 100));
    assert_true(gives(o, 0, 100));
    has_clients(o, (uint32_t[]){0, 0, 0, 0});
    assert_ptr_not_equal(handovers_choose(o->all[1]), o->all[1]); /* it has 2, and this one */
    turn_all(o);
}

static void where_it_is_off_everybody_keeps_his_own(void **state)
{
    static const uint32_t counts[DESKS] = {50, 0, 0, 0};
    struct office *o = *state;

    has_clients(o, counts);
    o->desks[0].snapshot.main.balances_workers = false;
    assert_false(gives(o, 0, 100));
    o->desks[0].snapshot.main.balances_workers = true;
    handovers_introduce(o->all[0], o->all, 1, 0);
    assert_false(gives(o, 0, 100));
    handovers_introduce(o->all[0], o->all, 2, 0);
    assert_true(gives(o, 0, 100));
    turn_all(o);
}

/* --- on the way ----------------------------------------------------------------------------- */

#define GIVING     \
    {              \
        9, 0, 9, 9 \
    }

static void it_arrives_as_if_it_had_been_accepted_there(void **state)
{
    static const uint32_t counts[DESKS] = GIVING;
    struct office *o = *state;
    struct desk *from = &o->desks[0], *to = &o->desks[1];

    has_clients(o, counts);
    assert_true(gives(o, 0, 123));
    assert_int_equal(from->view.ref_count, 2);
    turn_all(o);
    assert_int_equal(to->taken_count, 1);
    assert_int_equal(to->taken_fd, 123);
    assert_ptr_equal(to->taken_view, &to->view);
    assert_ptr_equal(to->taken_listen, &to->listens[0]);
    assert_int_equal(to->handovers.load.promised_count, 0);
    assert_int_equal(counted_at(o, 0, COUNTER_HANDED_OVER), 1);
    assert_int_equal(counted_at(o, 0, COUNTER_TAKEN_OVER), 0);
    assert_int_equal(counted_at(o, 1, COUNTER_TAKEN_OVER), 1);
    assert_int_equal(from->taken_count, 0);
}

/* Its view goes when it has arrived, and not before. */
static void the_sender_lets_go_once_it_has_arrived(void **state)
{
    static const uint32_t counts[DESKS] = GIVING;
    struct office *o = *state;
    struct desk *from = &o->desks[0];

    has_clients(o, counts);
    assert_true(gives(o, 0, 123));
    loop_turn(from->t.loop, 0);
    assert_int_equal(from->change_count, 1);
    handovers_settle(&from->handovers);
    assert_false(handovers_are_settled(&from->handovers));
    assert_int_equal(from->view.ref_count, 2);
    turn_all(o);
    assert_false(handovers_are_settled(&from->handovers));
    handovers_settle(&from->handovers);
    assert_true(handovers_are_settled(&from->handovers));
    assert_int_equal(from->view.ref_count, 1);
}

static void beyond_what_may_be_under_way_it_stays(void **state)
{
    struct office *o = *state;
    struct desk *from = &o->desks[0];

    for (unsigned round = 0; round < 2; round++) { /* slots come round */
        has_clients(o, (uint32_t[]){1000000, 0, 0, 0});
        for (unsigned i = 0; i < HANDOVERS_MAX; i++) {
            assert_true(gives(o, 0, (int)i));
            if (i % 50 == 0)
                loop_turn(from->t.loop, 0); /* the queue of this ring is a small one */
        }
        assert_false(gives(o, 0, 123));
        while (o->desks[1].taken_count + o->desks[2].taken_count + o->desks[3].taken_count <
               (round + 1) * HANDOVERS_MAX)
            turn_all(o);
        assert_false(gives(o, 0, 123));
        handovers_settle(&from->handovers);
    }
    assert_int_equal(from->taken_count, 0);
    assert_int_equal(from->view.ref_count, 1);
}

/* --- during a reload ------------------------------------------------------------------------ */

/* The next generation at that desk, with one listener. */
static void swap(struct office *o, struct desk *d, uint16_t port, bool is_tls)
{
    listen_at(&o->other_listens[0], port);
    o->other_listens[0].is_tls = is_tls;
    o->other = (struct snapshot){.listens = o->other_listens, .listen_count = 1};
    o->other_view = (struct view){.snapshot = &o->other, .ref_count = 1};
    d->pool.view = &o->other_view;
}

static void in_another_generation_it_is_the_listener_with_the_same_address(void **state)
{
    static const uint32_t counts[DESKS] = GIVING;
    struct office *o = *state;
    struct desk *to = &o->desks[1];

    has_clients(o, counts);
    assert_true(gives(o, 0, 123));
    swap(o, to, 8080, false);
    turn_all(o);
    assert_int_equal(to->taken_count, 1);
    assert_ptr_equal(to->taken_view, &o->other_view);
    assert_ptr_equal(to->taken_listen, &o->other_listens[0]);
}

static void who_has_no_such_listener_sends_it_back(void **state)
{
    static const struct {
        uint16_t port;
        bool is_tls;
    } rows[] = {{8081, false}, {8080, true}};
    static const uint32_t counts[DESKS] = GIVING;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct office *o = *state;
        struct desk *from = &o->desks[0], *to = &o->desks[1];

        has_clients(o, counts);
        assert_true(gives(o, 0, 123));
        swap(o, to, rows[i].port, rows[i].is_tls);
        turn_all(o);
        assert_int_equal(to->taken_count, 0);
        assert_int_equal(to->handovers.load.promised_count, 0);
        assert_int_equal(counted_at(o, 1, COUNTER_TAKEN_OVER), 0);
        assert_int_equal(from->taken_count, i + 1);
        assert_int_equal(from->taken_fd, 123);
        assert_ptr_equal(from->taken_view, &from->view);
        assert_ptr_equal(from->taken_listen, &from->listens[0]);
    }
}

/* The listener is gone everywhere, but not for who was let in. */
static void the_sender_serves_it_with_the_view_that_it_was_accepted_under(void **state)
{
    static const uint32_t counts[DESKS] = GIVING;
    struct office *o = *state;
    struct desk *from = &o->desks[0];

    has_clients(o, counts);
    assert_true(gives(o, 0, 123));
    swap(o, &o->desks[1], 8081, false);
    from->pool.view = &o->other_view;
    turn_all(o);
    assert_int_equal(from->taken_count, 1);
    assert_ptr_equal(from->taken_view, &from->view);
    assert_ptr_equal(from->taken_listen, &from->listens[0]);
    assert_int_equal(from->view.ref_count, 2);
    handovers_settle(&from->handovers);
    assert_int_equal(from->view.ref_count, 1);
}

/* --- when a ring takes nothing -------------------------------------------------------------- */

static void what_the_receiver_does_not_get_the_sender_serves(void **state)
{
    struct office *o = *state;
    struct desk *from = &o->desks[0];

    has_clients(o, (uint32_t[]){9, 9, 9, 0}); /* the last one's ring is the youngest */
    lose_youngest_ring();
    assert_true(gives(o, 0, 123));
    loop_turn(from->t.loop, 0);
    turn_until(from->t.loop, from->taken_count == 1);
    assert_int_equal(from->taken_fd, 123);
    assert_ptr_equal(from->taken_view, &from->view);
    assert_int_equal(o->desks[3].handovers.load.promised_count, 0);
}

static void what_cannot_come_back_either_is_closed(void **state)
{
    struct office *o = *state;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    has_clients(o, (uint32_t[]){0, 9, 9, 9});
    assert_true(gives(o, 3, fd));
    swap(o, &o->desks[0], 8081, false);
    loop_turn(o->desks[3].t.loop, 0);
    lose_youngest_ring();
    turn_until(o->desks[0].t.loop, fcntl(fd, F_GETFD) < 0);
    assert_int_equal(o->desks[3].taken_count, 0);
    assert_int_equal(o->desks[0].taken_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OFFICE_TEST(it_goes_to_the_idlest_of_those_with_clearly_fewer),
        OFFICE_TEST(of_equals_it_is_the_next_one),
        OFFICE_TEST(who_has_closed_is_passed_over),
        OFFICE_TEST(what_is_under_way_counts_at_once),
        OFFICE_TEST(what_is_promised_to_oneself_counts_as_well),
        OFFICE_TEST(where_it_is_off_everybody_keeps_his_own),
        OFFICE_TEST(it_arrives_as_if_it_had_been_accepted_there),
        OFFICE_TEST(the_sender_lets_go_once_it_has_arrived),
        OFFICE_TEST(beyond_what_may_be_under_way_it_stays),
        OFFICE_TEST(in_another_generation_it_is_the_listener_with_the_same_address),
        OFFICE_TEST(who_has_no_such_listener_sends_it_back),
        OFFICE_TEST(the_sender_serves_it_with_the_view_that_it_was_accepted_under),
        OFFICE_TEST(what_the_receiver_does_not_get_the_sender_serves),
        OFFICE_TEST(what_cannot_come_back_either_is_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
