/* Tests of proxy/destination: upstreams that requests name, found, replaced and gone. */
#include "../upstream_fixture.h"

#include "proxy/destination.h"

static struct upstream_conf defaults = {.keepalive_max = 2,
                                        .keepalive_requests = 1000,
                                        .keepalive_time_ms = 3600 * 1000,
                                        .keepalive_timeout_ms = 60 * 1000};

static int set_up(void **state)
{
    struct world *w;

    (void)world_set_up(state);
    w = *state;
    w->snapshot.upstream_defaults = &defaults;
    w->pass.tls = NULL;
    return 0;
}

static struct address address_of(const char *text)
{
    struct address a;

    assert_int_equal(address_parse_ip(span_of_cstr(text), 0, &a), 0);
    return a;
}

static struct upstream *take(struct world *w, const char *host, uint16_t port, const char *ip)
{
    struct address a = address_of(ip);
    struct destination_key k = {span_of_cstr(host), port, &a, 1};
    struct upstream *u = destination_take(w->view, &k);

    assert_non_null(u);
    return u;
}

/* As a lane of a file's upstream, of its first peer. */
static struct lane *first_lane(struct world *w, struct upstream *u)
{
    struct proxy_pass pass = {.is_set = true, .upstream = u->conf, .host_name = u->conf->host};
    struct lane_key key = {.pass = &pass};
    struct lane *l = lane_find(&u->peers[0], &key);

    assert_non_null(l);
    return l;
}

static void a_host_and_port_have_one_upstream(void **state)
{
    struct world *w = *state;
    struct upstream *u = take(w, "A.example", 80, "192.0.2.1");

    assert_ptr_equal(take(w, "a.EXAMPLE", 80, "192.0.2.1"), u);
    assert_int_equal(u->user_count, 2);
    assert_ptr_not_equal(take(w, "a.example", 81, "192.0.2.1"), u);
    assert_ptr_not_equal(take(w, "b.example", 80, "192.0.2.1"), u);
    assert_int_equal(w->view->destination_count, 3);
}

static void an_upstream_is_made_of_its_addresses(void **state)
{
    struct world *w = *state;
    struct address all[] = {address_of("192.0.2.1"), address_of("2001:db8::1")};
    struct destination_key k = {SPAN("a.example"), 8080, all, COUNT_OF(all)};
    struct upstream *u = destination_take(w->view, &k);

    assert_non_null(u);
    assert_int_equal(u->conf->peer_count, 2);
    assert_string_equal(u->peers[0].conf->address_text.data, "192.0.2.1:8080");
    assert_string_equal(u->peers[1].conf->address_text.data, "[2001:db8::1]:8080");
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(u->peers[i].conf->index, i);
        assert_true(span_equals(u->peers[i].conf->host, SPAN("a.example")));
        assert_int_equal(u->peers[i].conf->weight, 1);
        assert_int_equal(u->peers[i].conf->max_fails, 1);
        assert_int_equal(u->peers[i].conf->fail_timeout_ms, 10000);
    }
    assert_int_equal(u->conf->keepalive_max, 2);
    assert_true(u->conf->is_implicit);
    assert_int_equal(u->conf->port, 8080);
}

static void other_addresses_make_another(void **state)
{
    struct world *w = *state;
    struct address two[] = {address_of("192.0.2.1"), address_of("192.0.2.2")};
    struct destination_key k = {SPAN("a.example"), 80, two, COUNT_OF(two)};
    struct upstream *first = take(w, "a.example", 80, "192.0.2.1");
    struct upstream *second = destination_take(w->view, &k), *third;

    assert_ptr_not_equal(second, first);
    assert_true(first->is_gone);
    assert_false(second->is_gone);
    assert_int_equal(w->view->destination_count, 1);
    third = take(w, "a.example", 80, "192.0.2.2");
    assert_true(second->is_gone);
    assert_ptr_equal(take(w, "a.example", 80, "192.0.2.2"), third);
}

static size_t count_gone(const struct world *w)
{
    size_t count = 0;

    list_for_each (link, &w->view->gone_destinations)
        count++;
    return count;
}

static void what_is_gone_stays_while_it_is_used(void **state)
{
    struct world *w = *state;
    struct upstream *old = take(w, "a.example", 80, "192.0.2.1");
    struct lane *l = first_lane(w, old);

    (void)take(w, "a.example", 80, "192.0.2.2");
    (void)take(w, "b.example", 80, "192.0.2.1");
    assert_int_equal(count_gone(w), 1);
    destination_leave(old);
    l->conn_count = 1;
    (void)take(w, "c.example", 80, "192.0.2.1");
    assert_int_equal(count_gone(w), 1);
    l->conn_count = 0;
    (void)take(w, "d.example", 80, "192.0.2.1");
    assert_int_equal(count_gone(w), 0);
}

static void connections_of_what_is_gone_are_not_kept(void **state)
{
    struct world *w = *state;
    uint16_t port = address_port(&w->peers[0].address);
    struct upstream *u = take(w, "a.example", port, "127.0.0.1");
    struct end other;
    struct upstream_conn *idle = connected(w, first_lane(w, u), &other), *busy;
    struct end another;

    upstream_give(idle);
    assert_int_equal(u->idle_count, 1);
    busy = connected(w, first_lane(w, u), &another);
    (void)take(w, "a.example", port, "127.0.0.2");
    assert_int_equal(u->idle_count, 0);
    upstream_give(busy);
    assert_int_equal(u->idle_count, 0);
    destination_leave(u);
    end_deinit(&other);
    end_deinit(&another);
    turn_until(w->t.loop, !w->engine.upstream_conns.count_taken);
    (void)take(w, "b.example", port, "127.0.0.1");
    assert_int_equal(count_gone(w), 0);
}

static void beyond_the_limit_the_longest_unused_goes(void **state)
{
    struct world *w = *state;
    struct upstream *used = take(w, "used.example", 80, "192.0.2.1");
    struct upstream *oldest = take(w, "oldest.example", 80, "192.0.2.1"), *next;
    char host[32];

    destination_leave(oldest);
    oldest->used_ms = 1;
    used->used_ms = 0;
    for (unsigned i = 2; i < DESTINATIONS_MAX; i++) {
        assert_true(snprintf(host, sizeof(host), "n%u.example", i) > 0);
        destination_leave(take(w, host, 80, "192.0.2.1"));
    }
    assert_int_equal(w->view->destination_count, DESTINATIONS_MAX);
    assert_false(oldest->is_gone);
    next = take(w, "next.example", 80, "192.0.2.1");
    assert_int_equal(w->view->destination_count, DESTINATIONS_MAX);
    assert_int_equal(count_gone(w), 1);
    assert_true(oldest->is_gone);
    assert_false(used->is_gone);
    assert_ptr_equal(take(w, "next.example", 80, "192.0.2.1"), next);
}

static void those_in_use_may_be_more_than_the_limit(void **state)
{
    struct world *w = *state;
    char host[32];

    for (unsigned i = 0; i <= DESTINATIONS_MAX; i++) {
        assert_true(snprintf(host, sizeof(host), "n%u.example", i) > 0);
        (void)take(w, host, 80, "192.0.2.1");
    }
    assert_int_equal(w->view->destination_count, DESTINATIONS_MAX + 1);
    assert_int_equal(count_gone(w), 0);
}

static void leaving_ends_all_of_an_exchanges_uses(void **state)
{
    struct world *w = *state;
    struct upstream *a = take(w, "a.example", 80, "192.0.2.1");
    struct upstream *b = take(w, "b.example", 80, "192.0.2.1");
    struct destination_use first = {.upstream = a}, waiting = {.next = &first};
    struct destination_use last = {.next = &waiting, .upstream = b};

    destinations_leave(&last);
    assert_int_equal(a->user_count, 0);
    assert_int_equal(b->user_count, 0);
    destinations_leave(&last); /* nothing is left */
    destinations_leave(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_host_and_port_have_one_upstream),
        TEST(an_upstream_is_made_of_its_addresses),
        TEST(other_addresses_make_another),
        TEST(what_is_gone_stays_while_it_is_used),
        TEST(connections_of_what_is_gone_are_not_kept),
        TEST(beyond_the_limit_the_longest_unused_goes),
        TEST(those_in_use_may_be_more_than_the_limit),
        TEST(leaving_ends_all_of_an_exchanges_uses),
    };

    return cmocka_run_group_tests(tests, bench_init, bench_deinit);
}
