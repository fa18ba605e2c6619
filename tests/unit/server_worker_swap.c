/* Tests of server/worker: how it goes over from one snapshot to the next. */
#include "../scarce_memory.h"
#include "../worker_fixture.h"

static void a_swap_serves_the_new_snapshot_and_lets_the_old_one_go(void **state)
{
    struct site *s = *state;
    struct worker_assignment a = assign(SERVE("one"), shared_listener(s)), next;
    struct snapshot *old = snapshot_ref(a.snapshot);
    char error[256];
    int kept;

    next = assign(SERVE("two"), a.listen_fds[0]);
    assert_int_equal(site_start(s, a, error), 0);
    worker_go(s->workers[0]);
    kept = call(s);
    ask(s, kept, "<one>");
    swap(s, &next);
    assert_string_equal(s->swap_error, "");
    ask_once(s, "<two>");
    ask(s, kept, "<two>");
    turn_until(s->t.loop, old->ref_count == 1);
    snapshot_unref(old);
    close(kept);
}

static void a_swap_onto_another_socket_closes_the_one_before(void **state)
{
    struct site *s = *state;
    struct worker_assignment next;
    struct address other;

    started(s, SERVE("one"));
    worker_go(s->workers[0]);
    ask_once(s, "<one>");
    site_close_listener(s);
    next = assign(SERVE("two"), loopback_listen(&other));
    swap(s, &next);
    assert_string_equal(s->swap_error, "");
    turn_until(s->t.loop, is_refused(&s->address));
    ask_once_at(s, &other, "<two>");
}

/* The next snapshot is for another socket. True when memory sufficed; else nothing may have
 * happened. */
static bool swaps_with(struct site *s, unsigned left)
{
    struct address other;
    struct worker_assignment next = assign(SERVE("two"), loopback_listen(&other));
    struct snapshot *snapshot = snapshot_ref(next.snapshot);
    int fd = next.listen_fds[0];

    memory_is_scarce(0, left);
    if (worker_swap(s->workers[0], &next, site_swapped)) {
        assert_true(memory_was_scarce());
        snapshot_unref(next.snapshot); /* not taken over */
        free(next.listen_fds);
        close(fd);
        strcpy(s->swap_error, strerror(ENOMEM));
    } else {
        s->swapped_count = 0;
        turn_until(s->t.loop, s->swapped_count);
    }
    if (memory_was_scarce()) {
        assert_string_equal(s->swap_error, strerror(ENOMEM));
        assert_int_equal(snapshot->ref_count, 1);
        assert_false(is_open(fd));
        snapshot_unref(snapshot);
        ask_once(s, "<one>");
        return false;
    }
    assert_string_equal(s->swap_error, "");
    snapshot_unref(snapshot);
    ask_once_at(s, &other, "<two>");
    return true;
}

/* Whichever piece it is that is not there. */
static void a_swap_without_memory_leaves_the_old_snapshot_in_service(void **state)
{
    struct site *s = *state;
    unsigned left = 0;

    started(s, SERVE("one"));
    worker_go(s->workers[0]);
    ask_once(s, "<one>");
    site_close_listener(s);
    while (!swaps_with(s, left))
        left++;
    assert_true(left >= 3); /* the command, something of the view, the listener */
    turn_until(s->t.loop, is_refused(&s->address));
}

static void a_swap_that_fails_leaves_open_what_serves(void **state)
{
    struct site *s = *state;
    struct worker_assignment a = assign(SERVE("one"), shared_listener(s));
    struct worker_assignment next = assign(SERVE("two"), a.listen_fds[0]);
    char error[256];
    int fd = a.listen_fds[0];

    assert_int_equal(site_start(s, a, error), 0);
    worker_go(s->workers[0]);
    memory_is_scarce(0, 1); /* for the command */
    swap(s, &next);
    assert_true(memory_was_scarce());
    assert_string_equal(s->swap_error, strerror(ENOMEM));
    assert_true(is_open(fd));
    ask_once(s, "<one>");
}

/* One request, which comes to the origin over a connection of its own; that connection. */
static int ask_origin(struct site *s, int listener)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<late>";
    char request[1024];
    int client = call(s), origin;

    peer_write(client, GET);
    origin = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(origin >= 0);
    assert_true(read(origin, request, sizeof(request)) > 0);
    peer_write(origin, answer);
    read_body(s, client, "<late>");
    assert_int_equal(fcntl(origin, F_SETFL, O_NONBLOCK), 0);
    assert_true(is_silent(origin));
    close(client);
    return origin;
}

static void a_swap_ends_the_idle_connections_of_the_old_snapshot(void **state)
{
    struct site *s = *state;
    struct worker_assignment a, next;
    struct address address;
    char error[256], text[1024];
    int listener = loopback_listen(&address), first, second;

    snprintf(text, sizeof(text), CONF("", "location / { proxy_pass http://127.0.0.1:%u; }"),
             address_port(&address));
    a = assign(text, shared_listener(s));
    next = assign(text, a.listen_fds[0]);
    assert_int_equal(site_start(s, a, error), 0);
    worker_go(s->workers[0]);
    first = ask_origin(s, listener);
    swap(s, &next);
    assert_true(peer_has_ended(&s->t, first));
    second = ask_origin(s, listener);
    site_end(s); /* and here those of the last one */
    assert_true(peer_has_ended(&s->t, second));
    close(first);
    close(second);
    close(listener);
}

/* Clients that come and go while it swaps and ends. */
static void it_ends_amid_swaps_and_clients(void **state)
{
    struct site *s = *state;
    int fds[32];

    all_started(s, SERVE("one"));
    for (unsigned i = 0; i < COUNT_OF(fds); i++) {
        struct worker_assignment next = assign(SERVE("two"), shared_listener(s));

        fds[i] = call(s);
        peer_write(fds[i], GET);
        assert_int_equal(worker_swap(s->workers[i % SITE_WORKERS], &next, site_swapped), 0);
    }
    for (unsigned i = 0; i < SITE_WORKERS; i++)
        worker_quit(s->workers[i], 100);
    turn_until(s->t.loop, s->drained_count == SITE_WORKERS);
    assert_int_equal(s->swapped_count, COUNT_OF(fds));
    assert_string_equal(s->swap_error, "");
    for (unsigned i = 0; i < COUNT_OF(fds); i++)
        close(fds[i]);
}

/* --- a kernel that delivers nothing for a while ----------------------------------------------- */

/* A worker that serves "one", and the ring by which it hears. */
static int serving_ring(struct site *s)
{
    int ring;

    started(s, SERVE("one"));
    ring = youngest_ring();
    worker_go(s->workers[0]);
    ask_once(s, "<one>");
    return ring;
}

static void a_swap_that_is_not_delivered_is_told_again(void **state)
{
    struct site *s = *state;
    struct worker_assignment next = assign(SERVE("two"), shared_listener(s));
    int ring, kept;

    ring = serving_ring(s);
    kept = lose_ring(ring);
    s->swapped_count = 0;
    assert_int_equal(worker_swap(s->workers[0], &next, site_swapped), 0);
    for (int i = 0; i < 5; i++)
        loop_turn(s->t.loop, 10);
    assert_int_equal(s->swapped_count, 0);
    put_back_ring(ring, kept);
    turn_until(s->t.loop, s->swapped_count);
    assert_string_equal(s->swap_error, "");
    ask_once(s, "<two>");
}

/* What control hears of. */
static void an_answer_that_is_not_delivered_is_told_again(void **state)
{
    struct site *s = *state;
    struct worker_assignment next = assign(SERVE("two"), shared_listener(s));
    int ring = youngest_ring(), kept;

    started(s, SERVE("one"));
    worker_go(s->workers[0]);
    ask_once(s, "<one>");
    s->swapped_count = 0;
    assert_int_equal(worker_swap(s->workers[0], &next, site_swapped), 0);
    kept = lose_ring(ring);
    usleep(50 * 1000); /* it has swapped, and tells so */
    put_back_ring(ring, kept);
    turn_until(s->t.loop, s->swapped_count);
    worker_stop(s->workers[0]);
    kept = lose_ring(ring);
    usleep(50 * 1000); /* it has drained, and tells so */
    put_back_ring(ring, kept);
    turn_until(s->t.loop, s->drained_count);
}

static void an_end_that_is_not_delivered_is_told_again(void **state)
{
    struct site *s = *state;
    int ring, kept;

    ring = serving_ring(s);
    worker_stop(s->workers[0]);
    turn_until(s->t.loop, s->drained_count);
    kept = lose_ring(ring);
    worker_exit(s->workers[0]);
    loop_turn(s->t.loop, 1);
    put_back_ring(ring, kept);
    site_join(s);
    s->drained_count = 0;
}

/* It overtakes what had to be told again. */
static void a_swap_that_comes_behind_the_end_is_not_made(void **state)
{
    struct site *s = *state;
    struct worker_assignment next = assign(SERVE("two"), shared_listener(s));
    int ring, kept;

    ring = serving_ring(s);
    kept = lose_ring(ring);
    s->swapped_count = 0;
    assert_int_equal(worker_swap(s->workers[0], &next, site_swapped), 0);
    loop_turn(s->t.loop, 0);
    put_back_ring(ring, kept);
    worker_quit(s->workers[0], 0);
    turn_until(s->t.loop, s->swapped_count);
    assert_string_equal(s->swap_error, strerror(ECANCELED));
    turn_until(s->t.loop, s->drained_count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SITE_TEST(a_swap_serves_the_new_snapshot_and_lets_the_old_one_go),
        SITE_TEST(a_swap_onto_another_socket_closes_the_one_before),
        SITE_TEST(a_swap_without_memory_leaves_the_old_snapshot_in_service),
        SITE_TEST(a_swap_that_fails_leaves_open_what_serves),
        SITE_TEST(a_swap_ends_the_idle_connections_of_the_old_snapshot),
        SITE_TEST(it_ends_amid_swaps_and_clients),
        SITE_TEST(a_swap_that_is_not_delivered_is_told_again),
        SITE_TEST(an_answer_that_is_not_delivered_is_told_again),
        SITE_TEST(an_end_that_is_not_delivered_is_told_again),
        SITE_TEST(a_swap_that_comes_behind_the_end_is_not_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
