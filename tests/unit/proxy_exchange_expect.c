/* Tests of proxy/exchange: Expect: 100-continue (RFC 9110 section 10.1.1). */
#include "../exchange_fixture.h"
#include "../script_text.h"

#define HEAD "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

static void answer_at(int fd, const char *text)
{
    peer_write(fd, text);
    close(fd);
}

/* The client sends its body only behind a 100; the upstream answers behind the body. */
static void send_body_and_answer(struct stage *s, int fd)
{
    enum exchange_result result;

    stage_run_while(s, result, !strstr(stage_got(s), "\r\n\r\n"));
    assert_int_equal(result, EXCHANGE_WAITS);
    assert_string_equal(s->got, CONTINUE);
    peer_write(s->client_fd, "hello");
    (void)stage_request(s, fd, "hello");
    answer_at(fd, OK);
    assert_int_equal(stage_settle(s), EXCHANGE_KEEPS);
    assert_true(strncmp(stage_got(s), CONTINUE "HTTP/1.1 200 OK\r\n", strlen(CONTINUE) + 17) == 0);
}

static void the_upstream_is_asked_and_its_100_passed_on(void **state)
{
    struct stage *s = *state;
    int fd;

    peer_write(s->client_fd, HEAD);
    fd = stage_accept(s);
    assert_non_null(strstr(stage_request(s, fd, "\r\n\r\n"), "\r\nExpect: 100-continue\r\n"));
    assert_string_equal(stage_got(s), ""); /* not before the upstream says so */
    peer_write(fd, CONTINUE);
    send_body_and_answer(s, fd);
}

/* It need not say so: a client that does not wait for ever sends its body. */
static void a_body_that_comes_unasked_goes_up(void **state)
{
    struct stage *s = *state;
    int fd;

    peer_write(s->client_fd, HEAD "hello");
    fd = stage_reach_upstream(s, "hello");
    answer_at(fd, OK);
    assert_int_equal(stage_settle(s), EXCHANGE_KEEPS);
    assert_status(s, "200 ");
}

static void a_refusal_comes_without_the_body(void **state)
{
    struct stage *s = *state;
    int fd;

    peer_write(s->client_fd, HEAD);
    fd = stage_reach_upstream(s, "\r\n\r\n");
    peer_write(fd, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(stage_settle(s), EXCHANGE_CLOSES); /* whether the body comes is not known */
    assert_true(exchange_lingers(s->x));
    assert_status(s, "413 ");
    assert_int_equal(s->world.upstream->idle_count, 0); /* this one waits for the body, too */
    assert_true(peer_has_ended(&s->world.t, fd));
    close(fd);
}

/* HTTP/1.0 knows no 100: the client gets one from here. */
static void an_upstream_of_http_1_0_is_not_asked(void **state)
{
    struct stage *s = *state;
    int fd;

    s->server.root.settings.proxy_http_version_minor = 0;
    peer_write(s->client_fd, HEAD);
    fd = stage_accept(s);
    assert_null(strstr(stage_request(s, fd, "\r\n\r\n"), "Expect"));
    send_body_and_answer(s, fd);
}

static void a_100_of_our_own_is_sent_once_for_all_tries(void **state)
{
    struct stage *s = *state;

    s->server.root.settings.proxy_http_version_minor = 0;
    s->server.root.settings.proxy_next_upstream |= NEXT_NON_IDEMPOTENT;
    s->world.peers[1].is_down = false;
    peer_write(s->client_fd, HEAD);
    close(stage_reach_upstream(s, "\r\n\r\n"));
    send_body_and_answer(s, stage_reach_upstream(s, "\r\n\r\n"));
    assert_int_equal(s->x->record.try_count, 2);
}

static void a_100_that_nobody_asked_for_is_dropped(void **state)
{
    struct stage *s = *state;
    int fd;

    peer_write(s->client_fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    fd = stage_reach_upstream(s, "hello");
    answer_at(fd, CONTINUE OK);
    assert_int_equal(stage_settle(s), EXCHANGE_KEEPS);
    assert_status(s, "200 ");
}

static void another_1xx_is_dropped_beside_it(void **state)
{
    struct stage *s = *state;
    int fd;

    peer_write(s->client_fd, HEAD);
    fd = stage_reach_upstream(s, "\r\n\r\n");
    peer_write(fd, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" CONTINUE);
    send_body_and_answer(s, fd);
}

/* RFC 9110 section 10.1.1: a final answer, and no 100 in front of it. */
static void an_answer_made_here_invites_no_body(void **state)
{
    struct stage *s = *state;

    s->server.root.script = SCRIPT_OF_RETURN(204);
    peer_write(s->client_fd, HEAD);
    assert_int_equal(stage_settle(s), EXCHANGE_CLOSES);
    assert_status(s, "204 ");
    assert_int_equal(s->x->record.try_count, 0);
}

static void a_body_beyond_the_limit_is_not_invited(void **state)
{
    struct stage *s = *state;

    s->server.root.settings.client_max_body_size = 4;
    peer_write(s->client_fd, HEAD);
    assert_int_equal(stage_settle(s), EXCHANGE_CLOSES);
    assert_status(s, "413 ");
}

/* The page that an upstream makes of the refusal is asked for by a GET. */
static void a_page_for_a_refusal_invites_no_body(void **state)
{
    struct stage *s = *state;
    struct settings *c = &s->server.root.settings;
    struct error_page page = {.status = 413, .uri = {.is_literal = true, .text = SPAN("/page")}};
    int fd;

    c->client_max_body_size = 4;
    c->error_pages = &page;
    c->error_page_count = 1;
    peer_write(s->client_fd, HEAD);
    fd = stage_accept(s);
    assert_true(strncmp(stage_request(s, fd, "\r\n\r\n"), "GET /", 5) == 0);
    answer_at(fd, OK);
    assert_int_equal(stage_settle(s), EXCHANGE_CLOSES);
    assert_status(s, "413 ");
}

/* RFC 9110 section 10.1.1: the expectation of an HTTP/1.0 client is ignored. */
static void a_client_of_http_1_0_gets_no_100(void **state)
{
    struct stage *s = *state;
    int fd;

    s->server.root.settings.proxy_http_version_minor = 0; /* else the 100 would not be ours */
    peer_write(s->client_fd,
               "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello");
    fd = stage_accept(s);
    assert_null(strstr(stage_request(s, fd, "hello"), "Expect"));
    answer_at(fd, OK);
    assert_int_equal(stage_settle(s), EXCHANGE_CLOSES);
    assert_status(s, "200 ");
}

static void another_expectation_is_a_417(void **state)
{
    struct stage *s = *state;

    peer_write(s->client_fd,
               "POST / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nContent-Length: 1\r\n\r\n");
    assert_int_equal(stage_settle(s), EXCHANGE_CLOSES);
    assert_status(s, "417 ");
    assert_int_equal(s->x->record.outcome, OUTCOME_EXPECTATION);
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, stage_set_up, stage_tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(the_upstream_is_asked_and_its_100_passed_on),
        CLAIM(a_body_that_comes_unasked_goes_up),
        CLAIM(a_refusal_comes_without_the_body),
        CLAIM(an_upstream_of_http_1_0_is_not_asked),
        CLAIM(a_100_of_our_own_is_sent_once_for_all_tries),
        CLAIM(a_100_that_nobody_asked_for_is_dropped),
        CLAIM(another_1xx_is_dropped_beside_it),
        CLAIM(an_answer_made_here_invites_no_body),
        CLAIM(a_body_beyond_the_limit_is_not_invited),
        CLAIM(a_page_for_a_refusal_invites_no_body),
        CLAIM(a_client_of_http_1_0_gets_no_100),
        CLAIM(another_expectation_is_a_417),
    };

    return cmocka_run_group_tests_name("proxy_exchange_expect", tests, bench_init, bench_deinit);
}
