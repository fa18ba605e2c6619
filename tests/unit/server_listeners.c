/* Tests of server/listeners: the set follows the snapshots. */
#include "../conn_fixture.h"
#include "../scarce_memory.h"

#include "server/listeners.h"

#define ADDRESSES 3

struct set {
    struct turning t;
    struct listeners listeners;
    struct task change;
    unsigned change_count;
    struct listen_conf confs[2][ADDRESSES]; /* of two snapshots */
    struct snapshot snapshots[2];
    struct address addresses[ADDRESSES];
    int fds[ADDRESSES];
    unsigned accepted_count;
    const struct listen_conf *accepted_under;
};

static void on_accepted(struct listener *l, int fd)
{
    struct set *s = container_of(l->worker, struct set, listeners);

    s->accepted_count++;
    s->accepted_under = l->conf;
    close(fd);
}

static void on_change(struct task *t)
{
    container_of(t, struct set, change)->change_count++;
}

static int set_up(void **state)
{
    struct set *s = calloc(1, sizeof(*s));

    assert_non_null(s);
    turning_init(&s->t);
    listeners_init(&s->listeners);
    task_init(&s->change, on_change);
    s->listeners.loop = s->t.loop;
    s->listeners.accepted = on_accepted;
    s->listeners.on_change = &s->change;
    for (size_t i = 0; i < ADDRESSES; i++)
        s->fds[i] = loopback_listen(&s->addresses[i]);
    for (size_t i = 0; i < 2; i++)
        s->snapshots[i] = (struct snapshot){.listens = s->confs[i], .listen_count = ADDRESSES};
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct set *s = *state;

    listeners_end(&s->listeners);
    turn_until(s->t.loop, listeners_are_gone(&s->listeners));
    loop_turn(s->t.loop, 0);
    task_cancel(&s->change);
    turning_deinit(&s->t);
    free(s);
    return 0;
}

/* Connects to an address: true when it is accepted before long. */
static bool is_served(struct set *s, size_t address)
{
    struct address *a = &s->addresses[address];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    unsigned before = s->accepted_count;
    bool is_connected = connect(fd, &a->u.any, a->len) == 0;

    for (int i = 0; i < 5 && s->accepted_count == before; i++)
        loop_turn(s->t.loop, 10);
    close(fd);
    return is_connected && s->accepted_count > before;
}

static void take(struct set *s, size_t snapshot, size_t count)
{
    s->snapshots[snapshot].listen_count = count;
    assert_int_equal(listeners_take(&s->listeners, &s->snapshots[snapshot], s->fds), 0);
}

static void nothing_is_accepted_before_the_start(void **state)
{
    struct set *s = *state;

    take(s, 0, ADDRESSES);
    assert_true(listeners_have(&s->listeners, s->fds[2]));
    assert_false(listeners_have(&s->listeners, -1));
    assert_false(is_served(s, 0));
    listeners_start(&s->listeners);
    for (size_t i = 0; i < ADDRESSES; i++)
        assert_true(is_served(s, i));
}

static void a_socket_goes_on_under_the_next_snapshot(void **state)
{
    struct set *s = *state;

    take(s, 0, ADDRESSES);
    listeners_start(&s->listeners);
    assert_true(is_served(s, 1));
    assert_ptr_equal(s->accepted_under, &s->confs[0][1]);
    take(s, 1, ADDRESSES);
    assert_true(is_served(s, 1));
    assert_ptr_equal(s->accepted_under, &s->confs[1][1]);
    assert_int_equal(s->change_count, 0);
}

static void what_a_snapshot_does_not_name_closes(void **state)
{
    struct set *s = *state;

    take(s, 0, ADDRESSES);
    listeners_start(&s->listeners);
    take(s, 1, 1);
    turn_until(s->t.loop, s->change_count);
    assert_true(is_served(s, 0));
    turn_until(s->t.loop, !listeners_have(&s->listeners, s->fds[2]));
    assert_false(is_served(s, 2));
    s->fds[1] = loopback_listen(&s->addresses[1]);
    take(s, 0, 2); /* a new one, which begins at once */
    assert_true(is_served(s, 1));
}

static void a_pause_holds_for_all_and_for_new_ones(void **state)
{
    struct set *s = *state;

    take(s, 0, 2);
    listeners_start(&s->listeners);
    listeners_pause(&s->listeners);
    take(s, 1, ADDRESSES);
    for (size_t i = 0; i < ADDRESSES; i++)
        assert_false(is_served(s, i));
    s->accepted_count = 0;
    listeners_start(&s->listeners);
    turn_until(s->t.loop, s->accepted_count == ADDRESSES); /* those who waited */
}

static void lacks_memory(struct set *s, const struct snapshot *next, const int *fds, unsigned left)
{
    memory_is_scarce(sizeof(struct listener), left);
    assert_int_equal(listeners_take(&s->listeners, next, fds), -ENOMEM);
    assert_true(memory_was_scarce());
    assert_true(is_served(s, 0));
    assert_ptr_equal(s->accepted_under, &s->confs[0][0]);
    for (size_t i = 1; i < ADDRESSES; i++) {
        assert_false(listeners_have(&s->listeners, s->fds[i]));
        assert_int_not_equal(fcntl(s->fds[i], F_GETFD), -1);
        assert_false(is_served(s, i));
    }
}

/* Also when there is some for the first of the new ones, and whether or not the old one goes on. */
static void without_memory_all_stays_as_it_was(void **state)
{
    struct set *s = *state;
    struct snapshot *next = &s->snapshots[1];

    take(s, 0, 1);
    listeners_start(&s->listeners);
    for (unsigned left = 0; left < ADDRESSES - 1; left++) {
        next->listen_count = ADDRESSES;
        lacks_memory(s, next, s->fds, left);
        next->listen_count = ADDRESSES - 1;
        lacks_memory(s, next, s->fds + 1, left);
    }
    take(s, 1, ADDRESSES);
    for (size_t i = 0; i < ADDRESSES; i++)
        turn_until(s->t.loop, is_served(s, i) && s->accepted_under == &s->confs[1][i]);
}

static void what_never_started_is_closed(void **state)
{
    struct set *s = *state;

    take(s, 0, ADDRESSES);
    listeners_deinit(&s->listeners);
    for (size_t i = 0; i < ADDRESSES; i++)
        assert_int_equal(fcntl(s->fds[i], F_GETFD), -1);
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(nothing_is_accepted_before_the_start),
        CLAIM(a_socket_goes_on_under_the_next_snapshot),
        CLAIM(what_a_snapshot_does_not_name_closes),
        CLAIM(a_pause_holds_for_all_and_for_new_ones),
        CLAIM(without_memory_all_stays_as_it_was),
        CLAIM(what_never_started_is_closed),
    };

    return cmocka_run_group_tests_name("server_listeners", tests, NULL, NULL);
}
