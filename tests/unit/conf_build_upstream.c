/* Tests of conf/build_upstream: groups, single names and where proxy_pass goes. */
#include "../conf_snapshot.h"
#include "../directive_fixture.h"

#include "conf/build_upstream.h"

/* --- upstreams ------------------------------------------------------------------------------ */

static const struct proxy_pass *pass_of(const struct conf_text *t, size_t i)
{
    return &root_of(t)->prefixes[i]->proxy_pass;
}

static void groups_are_found_also_before_they_are_defined(void **state)
{
    static const char text[] =
        "http { server { listen 81; location / { proxy_pass http://Group; } }\n"
        "upstream group { server 127.0.0.1:81 weight=2 max_conns=3 max_fails=4 fail_timeout=5;\n"
        "server [::1] backup; server unix:/tmp/a down; least_conn; keepalive 6;\n"
        "keepalive_requests 7; keepalive_time 8s; keepalive_timeout 9s; } }";
    const struct upstream_conf *u;
    struct conf_text t;

    taken(&t, text);
    u = pass_of(&t, 0)->upstream;
    assert_ptr_equal(u, t.snapshot->upstreams[0]);
    assert_false(u->is_implicit);
    assert_int_equal(u->balance, BALANCE_LEAST_CONN);
    assert_int_equal(u->keepalive_max, 6);
    assert_int_equal(u->keepalive_requests, 7);
    assert_int_equal(u->keepalive_time_ms, 8000);
    assert_int_equal(u->keepalive_timeout_ms, 9000);
    assert_int_equal(u->peer_count, 3);
    assert_int_equal(u->peers[0].weight, 2);
    assert_int_equal(u->peers[0].max_conns, 3);
    assert_int_equal(u->peers[0].max_fails, 4);
    assert_int_equal(u->peers[0].fail_timeout_ms, 5000);
    assert_span(u->peers[0].address_text, "127.0.0.1:81");
    assert_span(u->peers[0].host, "127.0.0.1");
    assert_span(u->peers[0].server_text, "127.0.0.1:81");
    assert_true(u->peers[1].is_backup);
    assert_span(u->peers[1].address_text, "[::1]:80");
    assert_span(u->peers[1].host, "::1");
    assert_true(u->peers[2].is_down);
    assert_span(u->peers[2].host, "");
    assert_int_equal((uintptr_t)u->peers[2].shared % 64, 0);
    assert_ptr_not_equal(u->peers[1].shared, u->peers[2].shared);
    conf_text_deinit(&t);
}

static void single_names_are_upstreams_with_the_defaults(void **state)
{
    static const char text[] = SERVER("location /a { proxy_pass http://127.0.0.1; }\n"
                                      "location /b { proxy_pass http://127.0.0.1:80/x; }\n"
                                      "location /c { proxy_pass http://127.0.0.1:81?q; }\n"
                                      "location /d { proxy_pass http://[::1]:82/; }\n"
                                      "location /e { proxy_pass http://unix:/tmp/a.sock:/y; }\n"
                                      "location /f { proxy_pass HTTP://unix:/tmp/a.sock; }");
    const struct upstream_conf *u;
    struct conf_text t;

    taken(&t, text);
    assert_int_equal(t.snapshot->upstream_count, 4);
    u = pass_of(&t, 0)->upstream;
    assert_ptr_equal(pass_of(&t, 1)->upstream, u); /* the same host and port */
    assert_true(u->is_implicit);
    assert_span(u->name, "127.0.0.1");
    assert_int_equal(u->keepalive_max, 32);
    assert_int_equal(u->keepalive_requests, 1000);
    assert_int_equal(u->keepalive_time_ms, 3600000);
    assert_int_equal(u->keepalive_timeout_ms, 60000);
    assert_int_equal(u->peers[0].weight, 1);
    assert_int_equal(u->peers[0].max_fails, 1);
    assert_int_equal(u->peers[0].fail_timeout_ms, 10000);
    assert_false(pass_of(&t, 0)->has_uri);
    assert_span(pass_of(&t, 1)->uri, "/x");
    assert_span(pass_of(&t, 1)->host, "127.0.0.1");
    assert_span(pass_of(&t, 2)->uri, "/?q");
    assert_span(pass_of(&t, 2)->host, "127.0.0.1:81");
    assert_span(pass_of(&t, 3)->host, "[::1]:82");
    assert_span(pass_of(&t, 3)->host_name, "::1");
    assert_int_equal(pass_of(&t, 3)->port, 82);
    assert_span(pass_of(&t, 4)->uri, "/y");
    assert_span(pass_of(&t, 4)->host, "localhost");
    assert_int_equal(pass_of(&t, 4)->port, 0);
    assert_ptr_equal(pass_of(&t, 4)->upstream, pass_of(&t, 5)->upstream);
    conf_text_deinit(&t);
}

static void https_to_a_server_without_a_port_is_warned_about(void **state)
{
    static const char text[] =
        "http { upstream u { server 127.0.0.1; }\nproxy_ssl_verify off; server { listen 81;\n"
        "location / { proxy_pass https://u; } } }";
    struct conf_text t;

    conf_text_build(&t, text);
    assert_int_equal(t.rc, 0);
    assert_string_equal(t.log, "[warn] https is passed to port 80 of \"127.0.0.1\" in upstream "
                               "\"u\", as by nginx: write \"127.0.0.1:443\" if that is meant in "
                               "t.conf:3\n[warn] \"proxy_ssl_verify\" is off: whoever answers for "
                               "upstream \"u\" is trusted in t.conf:3\n");
    assert_int_equal(address_port(&t.snapshot->upstreams[0]->peers[0].address), 80);
    assert_span(pass_of(&t, 0)->host, "u");
    assert_int_equal(pass_of(&t, 0)->port, 443);
    conf_text_deinit(&t);
}

static void each_address_of_a_name_is_a_peer(void **state)
{
    struct conf_text t;
    struct address addresses[8];
    int count = address_resolve(SPAN("localhost"), 81, addresses, COUNT_OF(addresses));

    if (count <= 0) {
        skip(); /* a host without /etc/hosts */
    }
    taken(&t, "http { upstream u { server localhost:81; } server { listen 81; } }");
    assert_int_equal(t.snapshot->upstreams[0]->peer_count, count);
    assert_span(t.snapshot->upstreams[0]->peers[0].host, "localhost");
    conf_text_deinit(&t);
}

/* --- memory --------------------------------------------------------------------------------- */

/* With a little more memory each time, so that every allocation is once the one that fails. */
static void memory_at_its_end_is_no_mistake_in_a_group(void **state)
{
    struct draft *d = *state;
    struct block b;
    size_t bytes = 0;

    block_parse(&b, d, CONTEXT_HTTP, "upstream a { server 127.0.0.1:1; server 127.0.0.1:2; }");
    for (int rc = -ENOMEM; rc; bytes += 16) {
        d->c.upstreams = (struct vector){0};
        draft_leave_bytes(d, bytes);
        rc = build_upstream_group(&d->c, b.tree.root.first);
        if (rc != 0 && rc != -ENOMEM)
            fail_msg("with %zu bytes it is %d: %s", bytes, rc, draft_said(d));
        if (rc)
            draft_assert_said_no_memory(d);
    }
    draft_assert_said(d, "");
    assert_true(bytes > 16); /* it did fail */
}

static void memory_at_its_end_is_no_mistake_in_a_proxy_pass(void **state)
{
    const struct word url = {.text = SPAN("http://127.0.0.1:1?a")};
    struct draft *d = *state;
    struct proxy_pass pass;
    size_t bytes = 0;

    for (int rc = -ENOMEM; rc; bytes += 16) {
        d->c.upstreams = (struct vector){0};
        draft_leave_bytes(d, bytes);
        rc = build_proxy_pass(&d->c, &url, &pass);
        if (rc != 0 && rc != -ENOMEM)
            fail_msg("with %zu bytes it is %d: %s", bytes, rc, draft_said(d));
        if (rc)
            draft_assert_said_no_memory(d);
    }
    draft_assert_said(d, "");
    assert_true(bytes > 16); /* it did fail */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_are_found_also_before_they_are_defined),
        cmocka_unit_test(single_names_are_upstreams_with_the_defaults),
        cmocka_unit_test(https_to_a_server_without_a_port_is_warned_about),
        cmocka_unit_test(each_address_of_a_name_is_a_peer),
        DRAFT_TEST(memory_at_its_end_is_no_mistake_in_a_group),
        DRAFT_TEST(memory_at_its_end_is_no_mistake_in_a_proxy_pass),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
