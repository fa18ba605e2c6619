/* Tests of proxy/heads_request. */
#include "../record_fixture.h"

#include "proxy/heads_request.h"

#define GET "GET / HTTP/1.1\r\nHost: a.example\r\n"

static const char *written_request(struct fixture *f, const char *request)
{
    take_request(f, request);
    assert_int_equal(heads_write_request(&f->record, &f->upstream_conn, f->request.head.framing),
                     0);
    return sent_to_upstream(f);
}

static void set_headers(struct fixture *f, const char *const pairs[][2], size_t count)
{
    struct set_header *rows = arena_zalloc(&f->conf_arena, count * sizeof(*rows));

    f->location.settings.proxy_set_header_filter = (struct name_filter){0};
    for (size_t i = 0; i < count; i++) {
        struct span name = span_of_cstr(pairs[i][0]);

        rows[i] = (struct set_header){name, field_id_of(name), compiled(f, pairs[i][1])};
        name_filter_add(&f->location.settings.proxy_set_header_filter, rows[i].id, name);
    }
    f->location.settings.proxy_set_headers = rows;
    f->location.settings.proxy_set_header_count = count;
}

#define SET_HEADERS(f, ...)                               \
    set_headers(f, (const char *const[][2]){__VA_ARGS__}, \
                sizeof((const char *const[][2]){__VA_ARGS__}) / sizeof(const char *[2]))

static void a_request_is_written_anew(void **state)
{
    struct fixture *f = *state;

    SET_HEADERS(f, {"Host", "$proxy_host"}, {"X-Real-IP", "$remote_addr"});
    assert_string_equal(
        written_request(f, "GET /a%20b?c HTTP/1.1\r\nHost: a.example\r\nAccept:  */* \r\n"
                           "x-real-ip: 6.6.6.6\r\nCookie: a=b\r\nCookie: c=d\r\n\r\n"),
        "GET /a%20b?c HTTP/1.1\r\nHost: group:8443\r\nX-Real-IP: 192.0.2.1\r\nAccept: */*\r\n"
        "Cookie: a=b\r\nCookie: c=d\r\n\r\n");
    assert_false(f->record.asked_for_upgrade);
    assert_false(f->record.asked_to_close);
    assert_false(f->record.asked_to_continue);
}

static void one_head_for_all_tries_tells_of_those_before(void **state)
{
    struct fixture *f = *state;
    struct record *r = &f->record;
    const char *head;

    f->peer.host = SPAN("peer.test");
    for (size_t i = 0; i < 4; i++)
        r->tries[i] = (struct try_record){&f->peer, .status = 502, .is_first = i == 0 || i == 2};
    r->try_count = 4;
    SET_HEADERS(f, {"X-Before", "$upstream_addr|$upstream_status"},
                {"X-Now", "$upstream_last_addr|$upstream_last_server_name"});
    head = written_request(f, GET "\r\n");
    assert_line(head, "X-Before: 127.0.0.1:8443, 127.0.0.1:8443|502, 502");
    assert_line(head, "X-Now: 127.0.0.1:8443|peer.test");
    assert_int_equal(r->try_count, 4);
    r->try_count = 1;
    head = written_request(f, GET "\r\n");
    assert_line(head, "X-Before: |");
    assert_line(head, "X-Now: 127.0.0.1:8443|peer.test");
}

static void an_empty_value_is_not_sent(void **state)
{
    struct fixture *f = *state;
    const char *head;

    SET_HEADERS(f, {"Accept-Encoding", ""}, {"X-None", "$http_none"}, {"X-Len", "$http_host!"});
    head = written_request(f, GET "Accept-Encoding: gzip\r\nX-None-Of-It: 1\r\n\r\n");
    assert_no_field(head, "Accept-Encoding");
    assert_no_field(head, "X-None");
    assert_line(head, "X-None-Of-It: 1");
    assert_line(head, "X-Len: a.example!");
}

static void host_is_there_in_any_case(void **state)
{
    struct fixture *f = *state;

    assert_line(written_request(f, GET "\r\n"), "Host: a.example");
    SET_HEADERS(f, {"Host", "$http_host"});
    assert_line(written_request(f, "GET / HTTP/1.0\r\n\r\n"), "Host: group:8443");
    SET_HEADERS(f, {"Host", ""});
    assert_line(written_request(f, GET "\r\n"), "Host: group:8443");
    f->location.settings.proxy_http_version_minor = 0;
    assert_no_field(written_request(f, GET "\r\n"), "Host");
}

static void an_absolute_target_is_written_as_a_path(void **state)
{
    struct fixture *f = *state;
    const char *head =
        written_request(f, "GET http://a.example/x?y HTTP/1.1\r\nHost: a.example\r\n\r\n");

    assert_memory_equal(head, "GET /x?y HTTP/1.1\r\n", 19);
    head = written_request(f, "OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n");
    assert_memory_equal(head, "OPTIONS * HTTP/1.1\r\n", 20);
}

static void assert_target(struct fixture *f, const char *came, const char *went)
{
    char request[256], line[256];
    const char *head;

    (void)snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", came);
    (void)snprintf(line, sizeof(line), "GET %s HTTP/1.1\r\n", went);
    head = written_request(f, request);
    if (strncmp(head, line, strlen(line)) != 0)
        fail_msg("%s: not %s but %s", came, line, head);
}

static void a_target_without_changes_is_not_touched(void **state)
{
    struct fixture *f = *state;

    assert_target(f, "/", "/");
    assert_target(f, "/a//b/../%41%2f?", "/a//b/../%41%2f?");
    assert_target(f, "/?a=%zz&b", "/?a=%zz&b");
    f->location.pattern = SPAN("/a/");
    assert_target(f, "/a/b%20c", "/a/b%20c");
}

static void a_uri_takes_the_place_of_the_prefix(void **state)
{
    struct fixture *f = *state;

    f->location.pattern = SPAN("/a/");
    f->location.proxy_pass.has_uri = true;
    f->location.proxy_pass.uri = SPAN("/z/");
    assert_target(f, "/a/b", "/z/b");
    assert_target(f, "/a/", "/z/");
    assert_target(f, "/a//./b/../c%20d%3f?e=%20f", "/z/c%20d%3F?e=%20f");
    assert_target(f, "/a/b?", "/z/b");
    /* As nginx: what came without an escape goes on without one. */
    assert_target(f, "/a/<b>\"|[c]", "/z/<b>\"|[c]");
    assert_target(f, "/a/<b>\"|[c]%41", "/z/%3Cb%3E%22%7C[c]A");
    f->location.proxy_pass.uri = SPAN("/");
    assert_target(f, "/a/b", "/b");
    f->location.pattern = SPAN("/a");
    assert_target(f, "/abc", "/bc");
}

/* Whatever the file made of it: a target stays one word. */
static void a_uri_that_is_no_targets_is_written_escaped(void **state)
{
    struct fixture *f = *state;

    f->location.pattern = SPAN("/a");
    f->location.proxy_pass.has_uri = true;
    f->location.proxy_pass.uri = SPAN("/z");
    take_request(f, GET "\r\n");
    f->record.uri = SPAN("/a b?c#\x7f%");
    assert_int_equal(heads_write_request(&f->record, &f->upstream_conn, FRAMING_NONE), 0);
    assert_memory_equal(sent_to_upstream(f), "GET /z%20b%3Fc%23%7F%25 HTTP", 28);
}

static void a_changed_uri_is_written_escaped(void **state)
{
    struct fixture *f = *state;

    take_request(f, GET "\r\n");
    f->record.uri = SPAN("/error page\n");
    assert_int_equal(heads_write_request(&f->record, &f->upstream_conn, FRAMING_NONE), 0);
    assert_memory_equal(sent_to_upstream(f), GET, 16); /* as try_files leaves it */
    f->record.is_rewritten = true;
    f->record.args = SPAN("a=b");
    assert_int_equal(heads_write_request(&f->record, &f->upstream_conn, FRAMING_NONE), 0);
    assert_memory_equal(sent_to_upstream(f), "GET /error%20page%0A?a=b HTTP/1.1\r\n", 35);
}

static void arguments_that_the_file_made_are_written_escaped(void **state)
{
    struct fixture *f = *state;

    take_request(f, GET "\r\n");
    f->record.is_rewritten = true;
    f->record.args = SPAN("a=%20b\r\nX-Evil: \xc3\xbc");
    assert_int_equal(heads_write_request(&f->record, &f->upstream_conn, FRAMING_NONE), 0);
    assert_memory_equal(sent_to_upstream(f), "GET /?a=%20b%0D%0AX-Evil:%20%C3%BC HTTP/1.1\r\n", 45);
}

static void what_may_not_be_written_is_never_sent(void **state)
{
    struct fixture *f = *state;

    take_request(f, GET "\r\n");
    f->record.is_rewritten = true;
    f->record.uri = SPAN("/a\r\nX-Evil: 1");
    SET_HEADERS(f, {"X-Uri", "$uri"});
    assert_int_equal(heads_write_request(&f->record, &f->upstream_conn, FRAMING_NONE), -EINVAL);
    assert_string_equal(sent_to_upstream(f), "");
}

static void a_rewritten_target_begins_with_a_slash(void **state)
{
    struct fixture *f = *state;

    take_request(f, GET "\r\n");
    f->record.uri = SPAN("http://other.test/");
    assert_int_equal(heads_write_request(&f->record, &f->upstream_conn, FRAMING_NONE), 0);
    (void)sent_to_upstream(f); /* as it came, as nothing was rewritten */
    f->record.is_rewritten = true;
    assert_int_equal(heads_write_request(&f->record, &f->upstream_conn, FRAMING_NONE), -EINVAL);
    f->record.uri = SPAN("x");
    assert_int_equal(heads_write_request(&f->record, &f->upstream_conn, FRAMING_NONE), -EINVAL);
    assert_string_equal(sent_to_upstream(f), "");
}

static void a_rewrite_with_break_is_not_joined_to_the_url(void **state)
{
    struct fixture *f = *state;

    take_request(f, GET "\r\n");
    f->location.proxy_pass.has_uri = true;
    f->location.proxy_pass.uri = SPAN("/put/");
    f->record.uri = SPAN("/new");
    f->record.is_rewritten = true;
    assert_int_equal(heads_write_request(&f->record, &f->upstream_conn, FRAMING_NONE), 0);
    assert_memory_equal(sent_to_upstream(f), "GET /put/new HTTP/1.1\r\n", 23);
    f->record.keeps_uri = true;
    assert_int_equal(heads_write_request(&f->record, &f->upstream_conn, FRAMING_NONE), 0);
    assert_memory_equal(sent_to_upstream(f), "GET /new HTTP/1.1\r\n", 19);
}

static void framing_is_ours_alone(void **state)
{
    struct fixture *f = *state;
    const char *head;

    SET_HEADERS(f, {"Content-Length", "5"}, {"Transfer-Encoding", "gzip"});
    head = written_request(f, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n");
    assert_line(head, "Content-Length: 3");
    assert_no_field(head, "Transfer-Encoding");
    head = written_request(f, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_line(head, "Transfer-Encoding: chunked");
    assert_no_field(head, "Content-Length");
    head = written_request(f, GET "\r\n");
    assert_no_field(head, "Content-Length");
    assert_no_field(head, "Transfer-Encoding");
}

static void a_body_that_is_gone_is_not_announced(void **state)
{
    struct fixture *f = *state;

    take_request(f, GET "Content-Length: 3\r\n\r\n");
    assert_int_equal(heads_write_request(&f->record, &f->upstream_conn, FRAMING_NONE), 0);
    assert_no_field(sent_to_upstream(f), "Content-Length");
    take_request(f, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n");
    assert_int_equal(heads_write_request(&f->record, &f->upstream_conn, FRAMING_NONE), 0);
    assert_line(sent_to_upstream(f), "Content-Length: 0");
    take_request(f, "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_int_equal(heads_write_request(&f->record, &f->upstream_conn, FRAMING_NONE), 0);
    assert_line(sent_to_upstream(f), "Content-Length: 0");
    assert_line(written_request(f, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
                "Content-Length: 0");
}

static void chunks_cannot_go_to_http_1_0(void **state)
{
    struct fixture *f = *state;

    f->location.settings.proxy_http_version_minor = 0;
    take_request(f, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_int_equal(heads_write_request(&f->record, &f->upstream_conn, FRAMING_CHUNKED), -EINVAL);
    assert_string_equal(sent_to_upstream(f), "");
}

static void hop_by_hop_fields_stay_here(void **state)
{
    const char *head =
        written_request(*state,
                        GET "Connection: close, X-Mine, Cookie\r\nX-Mine: 1\r\nCookie: a=b\r\n"
                            "Keep-Alive: timeout=5\r\nProxy-Connection: close\r\nTE: gzip\r\n"
                            "Proxy-Authorization: x\r\nUpgrade: h2c\r\nTrailer: x\r\n\r\n");

    assert_string_equal(head, "GET / HTTP/1.1\r\nHost: a.example\r\nCookie: a=b\r\n\r\n");
}

static void an_upgrade_needs_the_client_and_the_file(void **state)
{
    struct fixture *f = *state;
    const char *head;

    assert_no_field(written_request(f, GET "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n"),
                    "Upgrade");
    assert_false(f->record.asked_for_upgrade);
    SET_HEADERS(f, {"Upgrade", "$http_upgrade"}, {"Connection", "upgrade"});
    head = written_request(f, GET "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n");
    assert_line(head, "Connection: upgrade");
    assert_line(head, "Upgrade: websocket");
    assert_true(f->record.asked_for_upgrade);
    head = written_request(f, GET "\r\n");
    assert_no_field(head, "Upgrade");
    assert_no_field(head, "Connection");
    assert_false(f->record.asked_for_upgrade);
    assert_no_field(written_request(f, GET "Upgrade: websocket\r\n\r\n"), "Upgrade");
    SET_HEADERS(f, {"Upgrade", "websocket"}, {"Connection", "upgrade"});
    assert_no_field(written_request(f, GET "\r\n"), "Upgrade");
    f->location.settings.proxy_http_version_minor = 0;
    assert_no_field(written_request(f, GET "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n"),
                    "Upgrade");
}

static void the_file_may_end_the_connection(void **state)
{
    struct fixture *f = *state;

    SET_HEADERS(f, {"Connection", "close"});
    assert_line(written_request(f, GET "\r\n"), "Connection: close");
    assert_true(f->record.asked_to_close);
    SET_HEADERS(f, {"Connection", ""});
    assert_no_field(written_request(f, GET "\r\n"), "Connection");
    assert_false(f->record.asked_to_close);
    SET_HEADERS(f, {"Connection", "$http_connection"});
    assert_no_field(written_request(f, GET "Connection: X-Real-IP\r\n\r\n"), "Connection");
}

static void http_1_0_closes_unless_it_is_told(void **state)
{
    struct fixture *f = *state;
    const char *head;

    f->location.settings.proxy_http_version_minor = 0;
    head = written_request(f, GET "TE: trailers\r\nConnection: TE\r\n\r\n");
    assert_memory_equal(head, "GET / HTTP/1.0\r\n", 16);
    assert_line(head, "Connection: close");
    assert_no_field(head, "TE");
    assert_true(f->record.asked_to_close);
    SET_HEADERS(f, {"Connection", "keep-alive"});
    assert_line(written_request(f, GET "\r\n"), "Connection: keep-alive");
    assert_false(f->record.asked_to_close);
}

static void trailers_are_accepted_where_the_client_does(void **state)
{
    struct fixture *f = *state;
    const char *head;

    f->location.settings.proxy_pass_trailers = true;
    head = written_request(f, GET "TE: trailers\r\nConnection: TE\r\n\r\n");
    assert_line(head, "Connection: TE");
    assert_line(head, "TE: trailers");
    assert_no_field(written_request(f, GET "\r\n"), "TE");
    SET_HEADERS(f, {"TE", "gzip, trailers"});
    f->location.settings.proxy_pass_trailers = false;
    assert_line(written_request(f, GET "\r\n"), "TE: trailers");
    SET_HEADERS(f, {"X-Other", ""});
    assert_no_field(written_request(f, GET "TE: trailers\r\nConnection: TE\r\n\r\n"), "TE");
    f->location.settings.proxy_pass_trailers = true;
    SET_HEADERS(f, {"TE", ""});
    assert_no_field(written_request(f, GET "TE: trailers\r\nConnection: TE\r\n\r\n"), "TE");
    SET_HEADERS(f, {"Connection", "close"});
    assert_line(written_request(f, GET "TE: trailers\r\nConnection: TE\r\n\r\n"),
                "Connection: TE, close");
}

static void a_method_of_the_files_is_sent(void **state)
{
    struct request_changes changes = {.has_method = true};
    struct fixture *f = *state;

    f->location.settings.request_changes = &changes;
    changes.method = compiled(f, "$arg_m");
    assert_memory_equal(written_request(f, "GET /?m=PUT HTTP/1.1\r\nHost: a\r\n\r\n"), "PUT /", 5);
    assert_int_equal(f->record.asked_method, METHOD_PUT);
    assert_memory_equal(written_request(f, "GET /?m= HTTP/1.1\r\nHost: a\r\n\r\n"), "GET /", 5);
    assert_int_equal(f->record.asked_method, METHOD_GET);
    take_request(f, "GET /?m=CONNECT HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(heads_write_request(&f->record, &f->upstream_conn, FRAMING_NONE), -EINVAL);
    take_request(f, "GET /?m=A/B HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(heads_write_request(&f->record, &f->upstream_conn, FRAMING_NONE), -EINVAL);
}

static void a_body_of_the_files_has_its_own_length(void **state)
{
    static const char text[] = "POST /?b=12345 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
                               "Expect: 100-continue\r\n\r\n";
    struct request_changes changes = {.has_body = true};
    struct fixture *f = *state;
    const char *head;

    f->location.settings.request_changes = &changes;
    changes.body = compiled(f, "$arg_b");
    head = written_request(f, text);
    assert_line(head, "Content-Length: 5");
    assert_no_field(head, "Expect");
    assert_true(span_equals(f->record.set_body, SPAN("12345")));
    changes.body = compiled(f, "$arg_none");
    assert_line(written_request(f, text), "Content-Length: 0");
    assert_non_null(f->record.set_body.data);
    f->location.settings.request_changes = NULL;
    head = written_request(f, text);
    assert_line(head, "Content-Length: 3");
    assert_line(head, "Expect: 100-continue");
    assert_null(f->record.set_body.data);
}

static void fields_of_the_request_can_stay_here(void **state)
{
    struct request_changes changes = {.drops_fields = true};
    struct fixture *f = *state;
    const char *head;

    f->location.settings.request_changes = &changes;
    SET_HEADERS(f, {"X-Set", "$http_x_own"});
    head = written_request(f, GET "X-Own: 1\r\nCookie: a=b\r\n\r\n");
    assert_line(head, "X-Set: 1");
    assert_no_field(head, "X-Own");
    assert_no_field(head, "Cookie");
    assert_line(head, "Host: group:8443");
}

static void an_expectation_goes_on_with_http_1_1(void **state)
{
    static const char text[] = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
                               "Expect: 100-continue\r\n\r\n";
    struct fixture *f = *state;

    assert_line(written_request(f, text), "Expect: 100-continue");
    assert_true(f->record.asked_to_continue);
    f->location.settings.proxy_http_version_minor = 0;
    assert_no_field(written_request(f, text), "Expect");
    assert_false(f->record.asked_to_continue);
}

static void a_head_that_is_too_large_is_not_sent(void **state)
{
    struct fixture *f = *state;
    char *value = malloc(WRITTEN_HEAD_BYTES_MAX + 1);

    memset(value, 'a', WRITTEN_HEAD_BYTES_MAX);
    value[WRITTEN_HEAD_BYTES_MAX] = '\0';
    SET_HEADERS(f, {"X-Large", value});
    take_request(f, GET "\r\n");
    assert_int_equal(heads_write_request(&f->record, &f->upstream_conn, FRAMING_NONE), -EMSGSIZE);
    assert_string_equal(sent_to_upstream(f), "");
    free(value);
}

static void memory_that_ends_is_an_error(void **state)
{
    struct fixture *f = *state;

    SET_HEADERS(f, {"X-For", "$remote_addr, $remote_addr"});
    take_request(f, GET "\r\n");
    f->arena.total_bytes_max = f->arena.total_bytes;
    while (arena_alloc(&f->arena, 16))
        ;
    assert_int_equal(heads_write_request(&f->record, &f->upstream_conn, FRAMING_NONE), -ENOMEM);
    SET_HEADERS(f, {"X-For", "$remote_addr"});
    assert_int_equal(heads_write_request(&f->record, &f->upstream_conn, FRAMING_NONE), -ENOMEM);
    assert_string_equal(sent_to_upstream(f), "");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_is_written_anew),
        TEST(one_head_for_all_tries_tells_of_those_before),
        TEST(an_empty_value_is_not_sent),
        TEST(host_is_there_in_any_case),
        TEST(an_absolute_target_is_written_as_a_path),
        TEST(a_target_without_changes_is_not_touched),
        TEST(a_uri_takes_the_place_of_the_prefix),
        TEST(a_changed_uri_is_written_escaped),
        TEST(a_uri_that_is_no_targets_is_written_escaped),
        TEST(arguments_that_the_file_made_are_written_escaped),
        TEST(what_may_not_be_written_is_never_sent),
        TEST(framing_is_ours_alone),
        TEST(a_body_that_is_gone_is_not_announced),
        TEST(chunks_cannot_go_to_http_1_0),
        TEST(hop_by_hop_fields_stay_here),
        TEST(an_upgrade_needs_the_client_and_the_file),
        TEST(the_file_may_end_the_connection),
        TEST(http_1_0_closes_unless_it_is_told),
        TEST(trailers_are_accepted_where_the_client_does),
        TEST(a_method_of_the_files_is_sent),
        TEST(a_body_of_the_files_has_its_own_length),
        TEST(fields_of_the_request_can_stay_here),
        TEST(an_expectation_goes_on_with_http_1_1),
        TEST(a_head_that_is_too_large_is_not_sent),
        TEST(memory_that_ends_is_an_error),
        TEST(a_rewritten_target_begins_with_a_slash),
        TEST(a_rewrite_with_break_is_not_joined_to_the_url),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
