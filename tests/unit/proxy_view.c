/* Tests of proxy/view: lanes and what they are found by. A peer's health: proxy_balance. */
#include "../upstream_fixture.h"

/* --- lanes ------------------------------------------------------------------------------------ */

static void a_lane_is_found_again(void **state)
{
    struct world *w = *state;
    struct lane *l = lane_of(w, 0, NULL), *named = lane_of(w, 0, "b.example");

    assert_non_null(l);
    assert_non_null(named);
    assert_ptr_not_equal(l, named);
    assert_ptr_equal(lane_of(w, 0, NULL), l);
    assert_ptr_equal(lane_of(w, 0, "b.example"), named);
    assert_ptr_not_equal(lane_of(w, 1, NULL), l);
}

static void everything_that_a_session_depends_on_makes_another_lane(void **state)
{
    struct world *w = *state;
    struct lane *lanes[5];

    lanes[0] = lane_of(w, 0, NULL);
    lanes[1] = lane_of(w, 1, NULL);
    lanes[2] = lane_of(w, 0, "b.example");
    w->pass.host_name = SPAN("other");
    lanes[3] = lane_of(w, 0, NULL);
    w->pass.tls = &w->profiles[1];
    lanes[4] = lane_of(w, 0, NULL);
    for (size_t i = 0; i < COUNT_OF(lanes); i++) {
        for (size_t k = 0; k < i; k++) {
            assert_ptr_not_equal(lanes[i], lanes[k]);
            assert_memory_not_equal(&lanes[i]->identity, &lanes[k]->identity,
                                    sizeof(lanes[i]->identity));
        }
    }
}

/* The name that the file gives decides alone; the host of proxy_pass is not looked at. */
static void a_given_name_is_enough_to_share_a_lane(void **state)
{
    struct world *w = *state;
    struct lane *l = lane_of(w, 0, "b.example");

    w->pass.host_name = SPAN("other");
    assert_ptr_equal(lane_of(w, 0, "b.example"), l);
}

static void plain_connections_share_one_lane_per_peer(void **state)
{
    struct world *w = *state;
    struct lane *l, *tls = lane_of(w, 0, NULL);

    w->pass.tls = NULL;
    l = lane_of(w, 0, "b.example");
    assert_ptr_not_equal(l, tls);
    assert_null(l->profile);
    w->pass.host_name = SPAN("other");
    assert_ptr_equal(lane_of(w, 0, "c.example"), l);
    assert_ptr_not_equal(lane_of(w, 1, "c.example"), l);
}

static void names_come_from_the_file_in_their_order(void **state)
{
    static const struct {
        const char *given, *server, *host;
        bool sends_sni;
        const char *sni, *first, *second;
    } rows[] = {
        {NULL, "a.example", "group", true, "a.example", "a.example", "group"},
        {NULL, "a.example", "A.Example", true, "a.example", "a.example", NULL},
        {NULL, "a.example", "group", false, "", "a.example", "group"},
        {NULL, "192.0.2.1", "group", true, "group", "192.0.2.1", "group"},
        {NULL, "", "group", true, "group", "group", NULL},
        {NULL, "192.0.2.1", "192.0.2.1", true, "", "192.0.2.1", NULL},
        {NULL, "2001:db8::1", "2001:db8::2", true, "", "2001:db8::1", "2001:db8::2"},
        {"given.example", "a.example", "group", true, "given.example", "given.example", NULL},
        {"192.0.2.7", "a.example", "group", true, "", "192.0.2.7", NULL},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct world *w;
        struct lane *l;

        (void)world_set_up(state);
        w = *state;
        w->profiles[0].sends_sni = rows[i].sends_sni;
        w->peers[0].host = span_of_cstr(rows[i].server);
        w->pass.host_name = span_of_cstr(rows[i].host);
        l = lane_of(w, 0, rows[i].given);
        assert_true(span_equals(l->sni, span_of_cstr(rows[i].sni)));
        assert_int_equal(l->name_count, rows[i].second ? 2 : 1);
        assert_true(span_equals(l->names[0].text, span_of_cstr(rows[i].first)));
        if (rows[i].second)
            assert_true(span_equals(l->names[1].text, span_of_cstr(rows[i].second)));
        (void)world_tear_down(state);
    }
}

static struct lane *numbered(struct world *w, unsigned number)
{
    char name[32];

    (void)snprintf(name, sizeof(name), "n%u.example", number);
    return lane_of(w, 0, name);
}

static void beyond_the_bound_the_longest_unused_lane_goes(void **state)
{
    struct world *w = *state;
    struct tls_identity oldest, second;

    oldest = numbered(w, 0)->identity;
    second = numbered(w, 1)->identity;
    for (unsigned i = 2; i < LANES_PER_PEER_MAX; i++)
        assert_non_null(numbered(w, i));
    numbered(w, 1)->conn_count = 1;                   /* in use, and by that the most recent one */
    assert_non_null(numbered(w, LANES_PER_PEER_MAX)); /* in place of the oldest */
    assert_int_equal(numbered(w, 1)->conn_count, 1);
    assert_memory_equal(&numbered(w, 1)->identity, &second, sizeof(second));
    assert_memory_equal(&numbered(w, 0)->identity, &oldest, sizeof(oldest)); /* anew, the same */
    numbered(w, 1)->conn_count = 0;
}

static void lanes_in_use_never_go_and_keep_no_other_out(void **state)
{
    struct world *w = *state;
    struct ticket_wait wait;
    struct lane *waited, *borrowing;

    for (unsigned i = 0; i < LANES_PER_PEER_MAX; i++)
        numbered(w, i)->conn_count = 1;
    waited = numbered(w, 7);
    waited->conn_count = 0;
    ticket_wait_init(&wait, &w->task);
    list_push_back(&waited->waiters, &wait.link);
    borrowing = numbered(w, 8);
    borrowing->conn_count = 0;
    borrowing->is_borrowing = true;
    assert_non_null(numbered(w, LANES_PER_PEER_MAX));
    assert_ptr_equal(numbered(w, 7), waited);
    assert_ptr_equal(numbered(w, 8), borrowing);
    borrowing->is_borrowing = false;
    ticket_wait_stop(&wait);
    for (unsigned i = 0; i < LANES_PER_PEER_MAX; i++)
        numbered(w, i)->conn_count = 0;
}

static void each_certificate_that_requests_choose_has_its_own_lane(void **state)
{
    struct world *w = *state;
    struct certificate *a = chosen(w, "a"), *b = chosen(w, "b");
    struct lane *plain = lane_of(w, 0, NULL), *of_a = lane_with(w, a), *of_b = lane_with(w, b);

    assert_ptr_not_equal(of_a, plain);
    assert_ptr_not_equal(of_a, of_b);
    assert_memory_not_equal(&of_a->identity, &plain->identity, sizeof(plain->identity));
    assert_memory_not_equal(&of_a->identity, &of_b->identity, sizeof(of_a->identity));
    assert_ptr_equal(lane_with(w, a), of_a);
    assert_ptr_equal(lane_with(w, b), of_b);
    assert_ptr_equal(lane_of(w, 0, NULL), plain);
    certificate_unref(a);
    certificate_unref(b);
    assert_ptr_equal(of_a->certificate, a); /* the lane keeps it */
}

static void a_lane_with_a_chosen_certificate_goes_once_it_is_unused(void **state)
{
    struct world *w = *state;
    struct certificate *c = chosen(w, "a");
    struct lane *l = lane_with(w, c), *plain = lane_of(w, 0, NULL);
    struct ticket_wait wait;

    ticket_wait_init(&wait, &w->task);
    l->conn_count = 1;
    lane_settle(l);
    l->conn_count = 0;
    l->is_borrowing = true;
    lane_settle(l);
    l->is_borrowing = false;
    list_push_back(&l->waiters, &wait.link);
    lane_settle(l);
    ticket_wait_stop(&wait);
    assert_int_equal(c->ref_count, 2);
    lane_settle(l);
    assert_int_equal(c->ref_count, 1);
    lane_settle(plain);
    assert_ptr_equal(w->upstream->peers[0].lanes.next, &plain->link);
    assert_ptr_equal(w->upstream->peers[0].lanes.prev, &plain->link);
    certificate_unref(c);
}

/* --- views ------------------------------------------------------------------------------------ */

static void a_view_keeps_its_snapshot_until_the_last_reference(void **state)
{
    struct world *w = *state;

    assert_int_equal(w->snapshot.ref_count, 2);
    assert_ptr_equal(view_ref(w->view), w->view);
    view_unref(w->view);
    assert_int_equal(w->snapshot.ref_count, 2);
} /* world_tear_down() drops the last one */

static void a_context_that_cannot_be_made_refuses_the_view(void **state)
{
    struct world *w = *state;
    char error[TLS_ERROR_BYTES] = "";
    struct view *v = NULL;

    w->profiles[1].settings.ca_pem = SPAN("no certificate");
    assert_int_equal(view_new(&w->engine, &w->snapshot, &v, error), -EINVAL);
    assert_true(error[0] != '\0');
    assert_null(v);
    assert_int_equal(w->snapshot.ref_count, 2);
}

static void forget_a_connection(void)
{
    struct world *w;
    void *state = NULL;

    (void)world_set_up(&state);
    w = state;
    lane_of(w, 0, NULL)->conn_count = 1;
    view_unref(w->view);
}

static void a_lane_never_goes_before_its_connections(void **state)
{
    assert_true(aborts(forget_a_connection));
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, world_set_up, world_tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(a_lane_is_found_again),
        CLAIM(everything_that_a_session_depends_on_makes_another_lane),
        CLAIM(a_given_name_is_enough_to_share_a_lane),
        CLAIM(plain_connections_share_one_lane_per_peer),
        cmocka_unit_test(names_come_from_the_file_in_their_order),
        CLAIM(beyond_the_bound_the_longest_unused_lane_goes),
        CLAIM(lanes_in_use_never_go_and_keep_no_other_out),
        CLAIM(each_certificate_that_requests_choose_has_its_own_lane),
        CLAIM(a_lane_with_a_chosen_certificate_goes_once_it_is_unused),
        CLAIM(a_view_keeps_its_snapshot_until_the_last_reference),
        CLAIM(a_context_that_cannot_be_made_refuses_the_view),
        cmocka_unit_test(a_lane_never_goes_before_its_connections),
    };

    return cmocka_run_group_tests_name("proxy_view", tests, bench_init, bench_deinit);
}
