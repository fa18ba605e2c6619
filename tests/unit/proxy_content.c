/* Tests of proxy/content: what a return or a file becomes that stands in for an error. */
#include "../exchange_fixture.h"

#include "proxy/content.h"

#define FILE_BYTES 20
#define HEAD "GET / HTTP/1.1\r\nHost: a\r\n"

static char folder[64];

static const char *path_of_file(void)
{
    static char path[80];

    (void)snprintf(path, sizeof(path), "%s/a.txt", folder);
    return path;
}

/* folder/a.txt */
static int set_up_folder(void **state)
{
    int fd;

    strcpy(folder, "/tmp/ringway-content-XXXXXX");
    assert_non_null(mkdtemp(folder));
    fd = open(path_of_file(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "0123456789abcdefghij", FILE_BYTES), FILE_BYTES);
    close(fd);
    return stage_set_up(state);
}

static int tear_down_folder(void **state)
{
    assert_int_equal(unlink(path_of_file()), 0);
    assert_int_equal(rmdir(folder), 0);
    return stage_tear_down(state);
}

/* The request that came, for which an error page is shown with that status. */
static void take_request(struct stage *s, const char *head, unsigned shown_with)
{
    struct span input = span_of_cstr(head), body;
    struct exchange *x = s->x;

    parser_begin_request(&x->request, &s->server.root.parser_limits, &x->arena);
    assert_int_equal(parser_next(&x->request, &input, &body), PARSER_HEAD);
    x->is_head_good = true;
    x->record.uri = SPAN("/a.txt");
    x->record.status = x->error_status = shown_with;
    s->server.root.proxy_pass.is_set = false;
    s->server.root.settings.root = stage_compiled(s, folder);
    s->server.root.settings.etag = true;
    s->server.root.settings.max_ranges = UINT64_MAX;
    s->server.root.settings.default_type = SPAN("text/plain");
}

static const struct response_plan *returned(struct stage *s, unsigned status)
{
    const struct return_rule rule = {.status = status};

    assert_int_equal(content_return(s->x, &rule), GO_ON);
    assert_int_equal(s->x->step, STEP_DRAIN);
    return &s->x->reply.plan;
}

static const struct response_plan *answered(struct stage *s)
{
    assert_int_equal(content_choose(s->x), GO_ON);
    assert_int_equal(s->x->step, STEP_DRAIN);
    return &s->x->reply.plan;
}

/* Else the client would wait for content until the connection ends, which it does not. */
static void no_content_that_is_shown_with_another_status_has_a_length(void **state)
{
    static const unsigned statuses[] = {204, 304, 205};
    struct stage *s = *state;

    for (size_t i = 0; i < COUNT_OF(statuses); i++) {
        const struct response_plan *plan;

        take_request(s, HEAD "\r\n", 403);
        plan = returned(s, statuses[i]);
        assert_int_equal(plan->status, 403);
        assert_int_equal(plan->framing, FRAMING_LENGTH);
        assert_int_equal(plan->content_length, 0);
    }
    take_request(s, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", 403);
    assert_int_equal(returned(s, 204)->framing, FRAMING_NONE);
    assert_true(s->x->reply.plan.has_content_length);
    take_request(s, HEAD "\r\n", 204);
    assert_int_equal(returned(s, 304)->status, 204);
    assert_int_equal(s->x->reply.plan.framing, FRAMING_NONE);
    assert_false(s->x->reply.plan.has_content_length);
}

static void what_conditions_come_to_keeps_its_status(void **state)
{
    struct stage *s = *state;
    const struct response_plan *plan;

    take_request(s, HEAD "If-None-Match: *\r\n\r\n", 200);
    plan = answered(s);
    assert_int_equal(plan->status, 304);
    assert_int_equal(plan->framing, FRAMING_NONE);
    take_request(s, HEAD "Range: bytes=1-2\r\n\r\n", 200);
    plan = answered(s);
    assert_int_equal(plan->status, 206);
    assert_int_equal(plan->content_length, 2);
    take_request(s, HEAD "\r\n", 200);
    plan = answered(s);
    assert_int_equal(plan->status, 200);
    assert_int_equal(plan->content_length, FILE_BYTES);
}

static void a_file_for_an_error_is_whole(void **state)
{
    struct stage *s = *state;
    const struct response_plan *plan;

    take_request(s, HEAD "If-None-Match: *\r\nRange: bytes=1-2\r\n\r\n", 404);
    plan = answered(s);
    assert_int_equal(plan->status, 404);
    assert_int_equal(plan->content_length, FILE_BYTES);
    assert_int_equal(plan->last_modified.len, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up_folder, tear_down_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_content_that_is_shown_with_another_status_has_a_length),
        TEST(what_conditions_come_to_keeps_its_status),
        TEST(a_file_for_an_error_is_whole),
    };

    return cmocka_run_group_tests_name("proxy_content", tests, bench_init, bench_deinit);
}
