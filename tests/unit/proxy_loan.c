/* Tests of proxy/loan, and of the handshakes and tickets of proxy/upstream. */
#include "../upstream_fixture.h"

#include <pthread.h>
#include <semaphore.h>

static uint64_t world_counted(const struct world *w, enum counter c)
{
    return atomic_load(&w->engine.stats.counters[c]);
}

static size_t ticket_count(const struct world *w, const struct lane *l)
{
    return tls_cache_count(w->engine.tickets, &l->identity, loop_now_ms(w->t.loop));
}

static void drop(struct upstream_conn *u, struct end *other)
{
    upstream_discard(u);
    end_deinit(other);
}

/* --- handshakes ------------------------------------------------------------------------------- */

static void the_second_handshake_is_resumed_and_both_are_counted(void **state)
{
    struct world *w = *state;
    struct lane *l = lane_of(w, 0, NULL);
    struct end others[2];
    struct upstream_conn *u;

    u = connected(w, l, &others[0]);
    assert_int_equal(shake(w, u, &others[0]), CONN_READY);
    assert_false(tls_is_resumed(u->conn.tls));
    await_tickets(w, u);
    drop(u, &others[0]);
    u = connected(w, l, &others[1]);
    assert_int_equal(shake(w, u, &others[1]), CONN_READY);
    assert_true(tls_is_resumed(u->conn.tls));
    drop(u, &others[1]);
    assert_int_equal(world_counted(w, COUNTER_UPSTREAM_HANDSHAKES_FULL), 1);
    assert_int_equal(world_counted(w, COUNTER_UPSTREAM_HANDSHAKES_RESUMED), 1);
    assert_int_equal(w->shared[0].handshakes_full, 1);
    assert_int_equal(w->shared[0].handshakes_resumed, 1);
    assert_int_equal(w->shared[0].misses[TLS_MISS_COLD], 1);
}

static void another_identity_never_resumes_the_session(void **state)
{
    struct world *w = *state;
    struct lane *l = lane_of(w, 0, NULL);
    struct end others[2];
    struct upstream_conn *u = connected(w, l, &others[0]);

    assert_int_equal(shake(w, u, &others[0]), CONN_READY);
    await_tickets(w, u);
    drop(u, &others[0]);
    w->pass.tls = &w->profiles[1];
    u = connected(w, lane_of(w, 0, NULL), &others[1]);
    assert_int_equal(shake(w, u, &others[1]), CONN_READY);
    assert_false(tls_is_resumed(u->conn.tls));
    drop(u, &others[1]);
    assert_int_equal(w->shared[0].misses[TLS_MISS_IDENTITY_CHANGED], 1);
}

/* One handshake on a lane with this certificate, and what it leaves in the cache. */
static bool is_resumed_with(struct world *w, struct certificate *c)
{
    struct end other;
    struct upstream_conn *u = connected(w, lane_with(w, c), &other);
    bool is_resumed;

    assert_int_equal(shake(w, u, &other), CONN_READY);
    is_resumed = tls_is_resumed(u->conn.tls);
    await_tickets(w, u);
    drop(u, &other);
    turn_until(w->t.loop, w->engine.upstream_conns.count_taken == 0);
    return is_resumed;
}

static void a_session_is_resumed_with_its_own_certificate_only(void **state)
{
    struct world *w = *state;
    struct certificate *a = chosen(w, "a"), *b = chosen(w, "b");

    assert_false(is_resumed_with(w, NULL));
    assert_false(is_resumed_with(w, a));
    assert_false(is_resumed_with(w, b));
    certificate_unref(a);
    a = chosen(w, "a"); /* lane and certificate are made anew, and are the same to the peer */
    assert_true(is_resumed_with(w, a));
    assert_true(is_resumed_with(w, b));
    assert_true(is_resumed_with(w, NULL));
    certificate_unref(a);
    certificate_unref(b);
}

static void the_chosen_certificate_is_the_one_that_is_shown(void **state)
{
    struct world *w = *state;
    struct tls_pair pair = bench_pair("good.pem", "leaf.key");
    struct tls_server_settings settings = bench_server_settings(&pair);
    struct certificate *certificates[] = {NULL, chosen(w, "a")};

    settings.verify_client = VERIFY_CLIENT_OPTIONAL;
    settings.client_ca_pem = bench_file("root.pem");
    tls_context_free(w->server_context);
    w->server_context = bench_server(&settings, w->server_shared);
    for (size_t i = 0; i < COUNT_OF(certificates); i++) {
        struct end other;
        struct upstream_conn *u = connected(w, lane_with(w, certificates[i]), &other);

        assert_int_equal(shake(w, u, &other), CONN_READY);
        await_tickets(w, u); /* the server has finished, too */
        assert_string_equal(tls_client_certificate(other.conn.tls)->verify,
                            certificates[i] ? "SUCCESS" : "NONE");
        drop(u, &other);
    }
    certificate_unref(certificates[1]);
}

static void without_reuse_no_ticket_is_kept(void **state)
{
    struct world *w = *state;
    struct ticket_wait wait;
    struct lane *l;
    struct end other;
    struct upstream_conn *u;

    w->profiles[0].reuses_sessions = false;
    l = lane_of(w, 0, NULL);
    u = connected(w, l, &other);
    ticket_wait_init(&wait, &w->task);
    assert_false(upstream_should_wait(l, &wait));
    assert_int_equal(shake(w, u, &other), CONN_READY);
    for (int i = 0; i < 5; i++) {
        if (!conn_input(&u->conn).len)
            conn_want_input(&u->conn);
        upstream_save_tickets(u);
        loop_turn(w->t.loop, 1);
    }
    assert_int_equal(ticket_count(w, l), 0);
    assert_int_equal(w->shared[0].misses[TLS_MISS_OFF], 1);
    drop(u, &other);
}

static void a_handshake_that_fails_is_counted(void **state)
{
    struct world *w = *state;
    struct end other;
    struct upstream_conn *u;

    u = connected(w, lane_of(w, 0, "wrong.example"), &other);
    assert_int_equal(shake(w, u, &other), CONN_FAILED);
    assert_int_equal(world_counted(w, COUNTER_UPSTREAM_HANDSHAKES_FAILED), 1);
    assert_int_equal(w->shared[0].handshakes_failed, 1);
    assert_int_equal(u->lane->cold_handshakes, 0);
    drop(u, &other);
}

/* --- waiting ---------------------------------------------------------------------------------- */

static void a_cold_handshake_makes_others_wait_for_its_tickets(void **state)
{
    struct world *w = *state;
    struct lane *l = lane_of(w, 0, NULL);
    struct ticket_wait waits[2];
    struct task task;
    struct end other;
    struct upstream_conn *u = connected(w, l, &other);

    task_init(&task, world_run);
    ticket_wait_init(&waits[0], &w->task);
    ticket_wait_init(&waits[1], &task);
    assert_false(upstream_should_wait(l, &waits[0])); /* the first one has nobody to wait for */
    assert_int_equal(shake(w, u, &other), CONN_READY);
    assert_int_equal(l->cold_handshakes, 1);
    assert_true(upstream_should_wait(l, &waits[0]));
    assert_true(upstream_should_wait(l, &waits[0])); /* may ask again */
    w->run_count = 0;
    await_tickets(w, u);
    turn_until(w->t.loop, w->run_count);
    assert_false(list_is_linked(&waits[0].link));
    assert_int_equal(l->cold_handshakes, 0);
    assert_false(upstream_should_wait(l, &waits[1]));
    drop(u, &other);
}

static void a_cold_connection_that_goes_frees_those_who_wait(void **state)
{
    struct world *w = *state;
    struct lane *l = lane_of(w, 0, NULL);
    struct ticket_wait wait;
    struct end other;
    struct upstream_conn *u = connected(w, l, &other);

    ticket_wait_init(&wait, &w->task);
    assert_int_equal(shake(w, u, &other), CONN_READY);
    assert_true(upstream_should_wait(l, &wait));
    w->run_count = 0;
    u->request_count = 1; /* a whole exchange, and no ticket */
    drop(u, &other);
    turn_until(w->t.loop, w->run_count);
    assert_false(upstream_should_wait(l, &wait));
    assert_false(l->gives_tickets);
}

/* --- loans between two workers ---------------------------------------------------------------- */

struct sibling {
    struct engine engine;
    struct stats stats;
    struct tls_identity identity;
    pthread_t thread;
    sem_t is_ready, may_turn;
    size_t ticket_count; /* that it has to lend */
    struct message stop;
};

static void *run_sibling(void *arg)
{
    struct sibling *s = arg;
    struct loop_options options = {.entries = 16, .stats = &s->stats};
    char error[256];

    if (loop_new(&options, &s->engine.loop, error, sizeof(error)))
        abort();
    (void)sem_post(&s->is_ready);
    (void)sem_wait(&s->may_turn);
    for (size_t i = 0; i < s->ticket_count; i++)
        tls_cache_put(s->engine.tickets,
                      &(struct tls_place){&s->identity, SPAN("127.0.0.1:1001"), 32},
                      bench_ticket(TLS_PROTOCOL_1_3), loop_now_ms(s->engine.loop));
    loop_run(s->engine.loop);
    loop_submit(s->engine.loop);
    return NULL;
}

static void deliver_stop(struct loop *l, struct message *m)
{
    loop_stop(l);
}

static void cannot_stop(struct loop *l, struct message *m)
{
    abort();
}

static void start_sibling(struct sibling *s, struct world *w, size_t ticket_count)
{
    static struct engine *siblings[2];

    memset(s, 0, sizeof(*s));
    (void)sem_init(&s->is_ready, 0, 0);
    (void)sem_init(&s->may_turn, 0, 0);
    s->ticket_count = ticket_count;
    s->engine.index = 1;
    s->engine.tickets = tls_cache_new(64);
    assert_int_equal(pthread_create(&s->thread, NULL, run_sibling, s), 0);
    (void)sem_wait(&s->is_ready);
    siblings[0] = &w->engine;
    siblings[1] = &s->engine;
    w->engine.siblings = s->engine.siblings = siblings;
    w->engine.sibling_count = s->engine.sibling_count = 2;
}

static void end_sibling(struct sibling *s, struct world *w)
{
    s->stop = (struct message){.deliver = deliver_stop, .undelivered = cannot_stop};
    loop_post(w->t.loop, s->engine.loop, &s->stop);
    loop_submit(w->t.loop);
    assert_int_equal(pthread_join(s->thread, NULL), 0);
    tls_cache_free(s->engine.tickets);
    loop_free(s->engine.loop);
}

/* Asks for a loan, and waits until it is home. Returns how many tickets it brought. */
static size_t borrow(struct world *w, struct lane *l, size_t there)
{
    struct ticket_wait wait;
    struct sibling s;

    start_sibling(&s, w, there);
    s.identity = l->identity;
    (void)sem_post(&s.may_turn);
    ticket_wait_init(&wait, &w->task);
    assert_true(upstream_should_wait(l, &wait));
    assert_true(l->is_borrowing);
    assert_int_equal(w->engine.loans_out, 1);
    turn_until(w->t.loop, w->run_count);
    assert_false(l->is_borrowing);
    assert_int_equal(w->engine.loans_out, 0);
    assert_false(list_is_linked(&wait.link));
    end_sibling(&s, w);
    assert_int_equal(atomic_load(&s.engine.stats.counters[COUNTER_TICKETS_LENT]),
                     world_counted(w, COUNTER_TICKETS_BORROWED));
    return ticket_count(w, l);
}

static void a_sibling_lends_half_of_its_tickets(void **state)
{
    static const size_t rows[][2] = {{1, 1}, {2, 1}, {4, 2}, {7, 3}, {20, LOAN_TICKETS_MAX}};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct world *w;
        struct lane *l;

        (void)world_set_up(state);
        w = *state;
        l = lane_of(w, 0, NULL);
        assert_int_equal(borrow(w, l, rows[i][0]), rows[i][1]);
        assert_true(l->may_borrow);
        (void)world_tear_down(state);
    }
}

static void who_got_none_does_not_ask_again(void **state)
{
    struct world *w = *state;
    struct lane *l = lane_of(w, 0, NULL);
    struct ticket_wait wait;

    assert_int_equal(borrow(w, l, 0), 0);
    assert_false(l->may_borrow);
    ticket_wait_init(&wait, &w->task);
    assert_false(upstream_should_wait(l, &wait));
    assert_int_equal(w->engine.loans_out, 0);
}

static void a_worker_alone_asks_nobody(void **state)
{
    struct world *w = *state;
    struct lane *l = lane_of(w, 0, NULL);

    loan_ask(l);
    assert_false(l->is_borrowing);
    assert_int_equal(w->engine.loans_out, 0);
}

static void a_loan_that_nobody_takes_comes_home_empty(void **state)
{
    struct world *w = *state;
    struct lane *l = lane_of(w, 0, NULL);
    struct ticket_wait wait;
    struct turning gone;
    struct engine sibling = {.index = 1};
    struct engine *siblings[] = {&w->engine, &sibling};

    turning_init_with(&gone, &(struct turning_sizes){8, 0, 0, 1});
    lose_youngest_ring();
    sibling.loop = gone.loop;
    w->engine.siblings = siblings;
    w->engine.sibling_count = 2;
    ticket_wait_init(&wait, &w->task);
    assert_true(upstream_should_wait(l, &wait));
    turn_until(w->t.loop, w->run_count);
    assert_int_equal(w->engine.loans_out, 0);
    assert_false(l->is_borrowing);
    assert_false(l->may_borrow);
    assert_int_equal(w->view->ref_count, 1);
    turning_deinit(&gone);
}

/* The view goes only when its loan is home, though nobody else wants it any more. */
static void a_loan_pins_its_view(void **state)
{
    struct world *w = *state;
    struct lane *l = lane_of(w, 0, NULL);
    struct sibling s;

    start_sibling(&s, w, 1);
    s.identity = l->identity;
    loan_ask(l);
    assert_int_equal(w->view->ref_count, 2);
    (void)sem_post(&s.may_turn);
    turn_until(w->t.loop, w->engine.loans_out == 0);
    assert_int_equal(w->view->ref_count, 1);
    end_sibling(&s, w);
}

static void a_loan_is_the_last_that_a_lane_with_a_chosen_certificate_waits_for(void **state)
{
    struct world *w = *state;
    struct certificate *c = chosen(w, "a");
    struct lane *l = lane_with(w, c);
    struct sibling s;

    start_sibling(&s, w, 1);
    s.identity = l->identity;
    loan_ask(l);
    lane_settle(l);
    assert_int_equal(c->ref_count, 2);
    (void)sem_post(&s.may_turn);
    turn_until(w->t.loop, w->engine.loans_out == 0);
    assert_int_equal(c->ref_count, 1);
    end_sibling(&s, w);
    certificate_unref(c);
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, world_set_up, world_tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(the_second_handshake_is_resumed_and_both_are_counted),
        CLAIM(another_identity_never_resumes_the_session),
        CLAIM(the_chosen_certificate_is_the_one_that_is_shown),
        CLAIM(a_session_is_resumed_with_its_own_certificate_only),
        CLAIM(a_loan_is_the_last_that_a_lane_with_a_chosen_certificate_waits_for),
        CLAIM(without_reuse_no_ticket_is_kept),
        CLAIM(a_handshake_that_fails_is_counted),
        CLAIM(a_cold_handshake_makes_others_wait_for_its_tickets),
        CLAIM(a_cold_connection_that_goes_frees_those_who_wait),
        cmocka_unit_test(a_sibling_lends_half_of_its_tickets),
        CLAIM(who_got_none_does_not_ask_again),
        CLAIM(a_worker_alone_asks_nobody),
        CLAIM(a_loan_that_nobody_takes_comes_home_empty),
        CLAIM(a_loan_pins_its_view),
    };

    return cmocka_run_group_tests_name("proxy_loan", tests, bench_init, bench_deinit);
}
