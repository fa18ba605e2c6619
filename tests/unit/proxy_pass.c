/* Tests of proxy/pass: where a proxy_pass with variables leads. Hosts that are asked for: the
 * system test of resolvers. */
#include "../exchange_fixture.h"

#include "proxy/pass.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static struct upstream_conf defaults = {.keepalive_max = 2,
                                        .keepalive_requests = 1000,
                                        .keepalive_time_ms = 3600 * 1000,
                                        .keepalive_timeout_ms = 60 * 1000};

/* proxy_pass with that URL in the only location, and a request for the target. */
static void ask(struct stage *s, const char *url, const char *target)
{
    struct proxy_pass *pass = &s->server.root.proxy_pass;
    static struct template t;
    static char request[1024];
    char error[TEMPLATE_ERROR_BYTES];

    s->world.snapshot.upstream_defaults = &defaults;
    assert_int_equal(template_compile(span_of_cstr(url), NULL, &s->world.snapshot.arena, &t, error),
                     0);
    *pass = (struct proxy_pass){.is_set = true, .url = &t};
    assert_true(snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", target) >
                0);
    peer_write(s->client_fd, request);
}

static int set_up(void **state)
{
    struct stage *s;

    (void)stage_set_up(state);
    s = *state;
    arena_init(&s->world.snapshot.arena, 4096, 0);
    return 0;
}

static int tear_down(void **state)
{
    struct stage *s = *state;
    struct arena arena = s->world.snapshot.arena;
    int rc = stage_tear_down(state);

    arena_deinit(&arena);
    return rc;
}

/* The upstream answers; the request that it got. */
static const char *served(struct stage *s)
{
    int fd = stage_accept(s);
    const char *text = stage_request(s, fd, "\r\n\r\n");

    peer_write(fd, OK);
    assert_int_equal(stage_settle(s), EXCHANGE_KEEPS);
    assert_status(s, "200 ");
    close(fd);
    return text;
}

static void assert_refused(struct stage *s, const char *line, enum outcome outcome,
                           const char *detail)
{
    (void)stage_settle(s);
    if (strncmp(stage_got(s) + 9, line, strlen(line)) != 0)
        fail_msg("%s", s->got);
    assert_int_equal(s->x->record.outcome, outcome);
    if (!span_equals(s->x->record.detail, span_of_cstr(detail)))
        fail_msg("%.*s", SPAN_ARG(s->x->record.detail));
}

static void a_group_is_found_by_its_name(void **state)
{
    struct stage *s = *state;

    ask(s, "http://$arg_to", "/a%20b?to=GROUP");
    assert_non_null(strstr(served(s), "GET /a%20b?to=GROUP HTTP/1.1\r\n"));
    assert_ptr_equal(s->x->record.pass->upstream, &s->world.group);
    assert_null(s->x->attempt.named);
    assert_int_equal(s->world.view->destination_count, 0);
}

static void the_host_of_another_pass_is_found_by_its_port_too(void **state)
{
    struct stage *s = *state;

    s->world.group.is_implicit = true;
    s->world.group.host = SPAN("known.example");
    s->world.group.port = 8080;
    ask(s, "http://$arg_to", "/?to=Known.example:8080");
    (void)served(s);
    assert_ptr_equal(s->x->record.pass->upstream, &s->world.group);
    stage_next(s);
    ask(s, "http://$arg_to", "/?to=known.example");
    assert_refused(s, "502", OUTCOME_NOT_RESOLVED, "no resolver defined to resolve known.example");
}

static void a_group_has_no_port(void **state)
{
    struct stage *s = *state;

    ask(s, "http://$arg_to", "/?to=group:80");
    assert_refused(s, "502", OUTCOME_NOT_RESOLVED, "no resolver defined to resolve group");
    assert_true(span_equals(s->x->record.pass->host, SPAN("group")));
}

static void an_address_is_passed_to_as_it_is(void **state)
{
    struct stage *s = *state;
    char target[64];

    assert_true(snprintf(target, sizeof(target), "/?to=127.0.0.1:%u",
                         address_port(&s->world.peers[0].address)) > 0);
    ask(s, "http://$arg_to/base?own", target);
    assert_non_null(strstr(served(s), "GET /base?own HTTP/1.1\r\n"));
    assert_non_null(s->x->attempt.named);
    assert_int_equal(s->world.view->destination_count, 1);
    assert_int_equal(s->x->attempt.named->user_count, 1);
}

static void what_is_used_is_left_with_the_exchange(void **state)
{
    struct stage *s = *state;
    struct upstream *u;
    char target[64];

    assert_true(snprintf(target, sizeof(target), "/?to=127.0.0.1:%u",
                         address_port(&s->world.peers[0].address)) > 0);
    ask(s, "http://$arg_to", target);
    (void)served(s);
    u = s->x->attempt.named;
    assert_int_equal(u->user_count, 1);
    stage_next(s);
    assert_int_equal(u->user_count, 0);
}

static void what_would_end_the_request_line_is_escaped(void **state)
{
    struct stage *s = *state;

    ask(s, "http://group/x$uri", "/a%20b%0d%0aEvil:%201%7f%C3");
    assert_non_null(strstr(served(s), "GET /x/a%20b%0D%0AEvil:%201%7F%C3 HTTP/1.1\r\n"));
}

static void what_is_no_url_is_refused(void **state)
{
    static const struct {
        const char *url, *target, *detail;
    } rows[] = {
        {"$arg_to", "/?to=ftp://a", "invalid URL prefix in \"ftp://a\""},
        {"$arg_to", "/", "invalid URL prefix in \"\""},
        {"http://$arg_to", "/", "no host in upstream \"\""},
        {"http://$arg_to", "/?to=a:0", "invalid port in upstream \"a:0\""},
        {"http://$arg_to/x", "/?to=[::1", "invalid host in upstream \"[::1\""},
        {"http://a\"b$arg_to", "/", "invalid host in upstream \"a\\x22b\""},
    };
    struct stage *s = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        ask(s, rows[i].url, rows[i].target);
        assert_refused(s, "500", OUTCOME_INTERNAL, rows[i].detail);
        stage_next(s);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_group_is_found_by_its_name),
        TEST(the_host_of_another_pass_is_found_by_its_port_too),
        TEST(a_group_has_no_port),
        TEST(an_address_is_passed_to_as_it_is),
        TEST(what_is_used_is_left_with_the_exchange),
        TEST(what_would_end_the_request_line_is_escaped),
        TEST(what_is_no_url_is_refused),
    };

    return cmocka_run_group_tests_name("proxy_pass", tests, bench_init, bench_deinit);
}
