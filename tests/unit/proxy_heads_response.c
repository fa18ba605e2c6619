/* Tests of proxy/heads_response. */
#include "../record_fixture.h"

#include "proxy/heads_response.h"

#define GET "GET / HTTP/1.1\r\nHost: a.example\r\n"

static const char *written_response(struct fixture *f, const struct response_plan *plan)
{
    assert_int_equal(heads_write_response(&f->record, plan), 0);
    return sent_to_client(f);
}

/* The upstream's response, passed on with its own framing. */
static const char *passed_on(struct fixture *f, const char *response)
{
    struct response_plan plan = {.upstream = &f->response.head, .keeps_alive = true};

    take_response(f, response);
    plan.status = f->response.head.status;
    plan.reason = f->response.head.reason;
    plan.framing = f->response.head.framing;
    plan.content_length = f->response.head.content_length;
    plan.has_content_length = f->response.head.has_content_length;
    return written_response(f, &plan);
}

static void hide(struct fixture *f, const struct span *names, size_t count)
{
    struct name_filter *filter = &f->location.settings.proxy_hide_header_filter;

    *filter = (struct name_filter){0};
    for (size_t i = 0; i < count; i++)
        name_filter_add(filter, field_id_of(names[i]), names[i]);
    f->location.settings.proxy_hide_headers = names;
    f->location.settings.proxy_hide_header_count = count;
}

static void a_response_is_written_anew(void **state)
{
    static const struct span hidden[] = {SPAN("date"), SPAN("Server"), SPAN("X-Hidden")};
    struct fixture *f = *state;
    const char *head;

    hide(f, hidden, COUNT_OF(hidden));
    take_request(f, GET "\r\n");
    head = passed_on(f, "HTTP/1.1 200 Fine\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
                        "Server: upstream/1\r\nx-hidden: 1\r\nX-Shown: 2\r\n"
                        "Connection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=1\r\n"
                        "Content-Length: 3\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n");
    assert_string_equal(head, "HTTP/1.1 200 Fine\r\nX-Shown: 2\r\nSet-Cookie: a\r\nSet-Cookie: b"
                              "\r\nServer: ringway\r\nDate: " DATE "\r\nContent-Length: 3\r\n\r\n");
    assert_int_equal(f->record.status, 200);
    assert_int_equal(f->record.sent_bytes, strlen(head));
    assert_true(span_equals(f->record.sent_head, span_of_cstr(head)));
}

static void server_and_date_may_be_the_upstreams(void **state)
{
    static const struct span hidden[] = {SPAN("Server")};
    struct fixture *f = *state;
    const char *head;

    take_request(f, GET "\r\n");
    head = passed_on(f, "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
                        "Server: upstream/1\r\nContent-Length: 0\r\n\r\n");
    assert_string_equal(head, "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
                              "Server: upstream/1\r\nContent-Length: 0\r\n\r\n");
    f->location.settings.server_tokens = true;
    head = passed_on(f, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_line(head, "Date: " DATE);
    assert_no_field(head, "Server");
    hide(f, hidden, COUNT_OF(hidden));
    head = passed_on(f, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_line(head, "Server: ringway/" RINGWAY_VERSION);
}

static void chunks_are_announced(void **state)
{
    static const char response[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                                   "Trailer: X-Sum\r\n\r\n";
    struct fixture *f = *state;
    const char *head;

    take_request(f, GET "\r\n");
    head = passed_on(f, response);
    assert_line(head, "Transfer-Encoding: chunked");
    assert_no_field(head, "Content-Length");
    assert_no_field(head, "Trailer");
    f->record.passes_trailers = true;
    assert_line(passed_on(f, response), "Trailer: X-Sum");
}

static void lengths_are_announced_where_they_may_be(void **state)
{
    struct fixture *f = *state;

    take_request(f, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_line(passed_on(f, "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n"),
                "Content-Length: 12");
    take_request(f, GET "\r\n");
    assert_line(passed_on(f, "HTTP/1.1 304 Not Modified\r\nContent-Length: 12\r\n\r\n"),
                "Content-Length: 12");
    assert_no_field(passed_on(f, "HTTP/1.1 304 Not Modified\r\n\r\n"), "Content-Length");
    assert_no_field(passed_on(f, "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"),
                    "Content-Length");
    assert_no_field(passed_on(f, "HTTP/1.1 200 OK\r\n\r\n"), "Content-Length");
}

static void connection_says_whether_it_is_kept(void **state)
{
    struct response_plan plan = {.status = 200, .framing = FRAMING_LENGTH, .keeps_alive = true};
    struct fixture *f = *state;
    const char *head;

    take_request(f, GET "\r\n");
    assert_no_field(written_response(f, &plan), "Connection");
    f->location.settings.keepalive_header_s = 15;
    assert_line(written_response(f, &plan), "Keep-Alive: timeout=15");
    take_request(f, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_line(written_response(f, &plan), "Connection: keep-alive");
    plan.keeps_alive = false;
    head = written_response(f, &plan);
    assert_line(head, "Connection: close");
    assert_no_field(head, "Keep-Alive");
}

static void a_switch_of_protocols_is_passed_on(void **state)
{
    struct fixture *f = *state;
    const char *head;

    take_request(f, GET "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    f->record.asked_for_upgrade = true;
    head = passed_on(f, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n");
    assert_line(head, "Connection: upgrade");
    assert_line(head, "Upgrade: websocket");
    assert_line(head, "Sec-WebSocket-Accept: x");
    assert_no_field(head, "Content-Length");
}

static void fields_that_were_kept_go_with_what_answers(void **state)
{
    static const struct field kept[] = {
        {.name = SPAN("Content-Type"), .value = SPAN("x/old"), .id = FIELD_CONTENT_TYPE},
        {.name = SPAN("Content-Type"), .value = SPAN("x/kept"), .id = FIELD_CONTENT_TYPE},
        {.name = SPAN("Set-Cookie"), .value = SPAN("a=1"), .id = FIELD_SET_COOKIE},
        {.name = SPAN("Set-Cookie"), .value = SPAN("a\r\nX-Evil: 1"), .id = FIELD_SET_COOKIE},
        {.name = SPAN("Accept-Ranges"), .value = SPAN("none"), .id = FIELD_ACCEPT_RANGES},
    };
    struct response_plan plan = {
        .status = 200, .content_type = SPAN("text/own"), .accepts_ranges = true};
    struct fixture *f = *state;
    const char *head;

    take_request(f, GET "\r\n");
    f->record.kept_fields = kept;
    f->record.kept_count = COUNT_OF(kept);
    head = written_response(f, &plan);
    assert_line(head, "Content-Type: x/kept");
    assert_line(head, "Set-Cookie: a=1");
    assert_line(head, "Accept-Ranges: bytes");
    assert_null(strstr(head, "own"));
    assert_null(strstr(head, "old"));
    assert_null(strstr(head, "none"));
    assert_no_field(head, "X-Evil");
    plan.status = 404;
    plan.accepts_ranges = false;
    head = written_response(f, &plan);
    assert_line(head, "Content-Type: text/own");
    assert_line(head, "Accept-Ranges: none");
    head = passed_on(f, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Type: x/up\r\n\r\n");
    assert_line(head, "Content-Type: x/up");
    assert_null(strstr(head, "kept"));
    assert_line(head, "Set-Cookie: a=1");
    head = passed_on(f, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_line(head, "Content-Type: x/kept");
}

static void add_headers(struct fixture *f, const char *const rows[][2], size_t count, bool always)
{
    struct add_header *all = arena_zalloc(&f->conf_arena, count * sizeof(*all));

    for (size_t i = 0; i < count; i++)
        all[i] = (struct add_header){.name = span_of_cstr(rows[i][0]),
                                     .id = field_id_of(span_of_cstr(rows[i][0])),
                                     .value = compiled(f, rows[i][1]),
                                     .is_always = always};
    f->location.settings.add_headers = all;
    f->location.settings.add_header_count = count;
}

static void fields_are_added_by_status(void **state)
{
    static const char *const rows[][2] = {{"X-Status", "$status"}, {"X-None", "$arg_none"}};
    static const unsigned good[] = {200, 201, 204, 206, 301, 302, 303, 304, 307, 308};
    static const unsigned others[] = {101, 202, 205, 300, 400, 404, 500, 502};
    struct response_plan plan = {.keeps_alive = true};
    struct fixture *f = *state;
    char line[32];

    take_request(f, GET "\r\n");
    add_headers(f, rows, COUNT_OF(rows), false);
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        plan.status = good[i];
        (void)snprintf(line, sizeof(line), "X-Status: %u", good[i]);
        assert_line(written_response(f, &plan), line);
        assert_no_field(f->wire, "X-None");
    }
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        plan.status = others[i];
        assert_no_field(written_response(f, &plan), "X-Status");
    }
    add_headers(f, rows, COUNT_OF(rows), true);
    plan.status = 502;
    assert_line(written_response(f, &plan), "X-Status: 502");
}

static void added_fields_never_frame_or_split(void **state)
{
    static const char *const rows[][2] = {{"Content-Length", "9"},
                                          {"Transfer-Encoding", "x"},
                                          {"Connection", "upgrade"},
                                          {"X-Uri", "$uri"},
                                          {"X-Last", "last"}};
    struct response_plan plan = {.status = 200, .framing = FRAMING_LENGTH, .keeps_alive = true};
    struct fixture *f = *state;
    const char *head;

    take_request(f, "GET /%0d%0aX-Evil:%201 HTTP/1.1\r\nHost: a\r\n\r\n");
    add_headers(f, rows, COUNT_OF(rows), true);
    head = written_response(f, &plan);
    assert_line(head, "Content-Length: 0");
    assert_no_field(head, "Transfer-Encoding");
    assert_no_field(head, "Connection");
    assert_no_field(head, "X-Uri");
    assert_no_field(head, "X-Evil");
    assert_line(head, "X-Last: last");
}

static void validators_are_one_whoever_writes_them(void **state)
{
    static const char *const rows[][2] = {
        {"ETag", "\"a\""}, {"etag", "\"b\""}, {"Last-Modified", ""}};
    struct response_plan plan = {
        .status = 200, .keeps_alive = true, .etag = SPAN("\"own\""), .last_modified = SPAN(DATE)};
    struct fixture *f = *state;
    const char *head;

    take_request(f, GET "\r\n");
    add_headers(f, rows, COUNT_OF(rows), false);
    head = written_response(f, &plan);
    assert_line(head, "etag: \"b\"");
    assert_null(strstr(head, "own"));
    assert_null(strstr(head, "\"a\""));
    assert_no_field(head, "Last-Modified");
    plan.status = 412; /* for which they are not meant */
    assert_line(written_response(f, &plan), "ETag: \"own\"");
    take_response(f, "HTTP/1.1 200 OK\r\nETag: \"up\"\r\nX: y\r\nContent-Length: 0\r\n\r\n");
    plan =
        (struct response_plan){.status = 200, .keeps_alive = true, .upstream = &f->response.head};
    head = written_response(f, &plan);
    assert_null(strstr(head, "up"));
    assert_line(head, "X: y");
}

/* Not of the answer before, and each once. */
static void what_is_added_may_go_by_what_is_written(void **state)
{
    struct fixture *f = *state;
    struct expires_rule rule = {.kind = EXPIRES_AFTER_ACCESS,
                                .value = compiled(f, "$sent_http_x_ttl")};
    struct add_header h = {
        .name = SPAN("X-Seen"), .value = compiled(f, "$sent_http_x_ttl"), .looks_back = true};
    struct response_plan plan = {.status = 200, .keeps_alive = true};
    const char *head;

    take_request(f, GET "\r\n");
    f->location.settings.expires = &rule;
    f->location.settings.add_headers = &h;
    f->location.settings.add_header_count = 1;
    for (int i = 0; i < 2; i++) {
        take_response(f, i ? "HTTP/1.1 200 OK\r\nCache-Control: x\r\n\r\n"
                           : "HTTP/1.1 200 OK\r\nX-TTL: 60\r\nCache-Control: x\r\n\r\n");
        plan.upstream = &f->response.head;
        head = written_response(f, &plan);
        assert_line(head, i ? "Cache-Control: x" : "Cache-Control: max-age=60");
        assert_null(strstr(strstr(head, "Cache-Control") + 1, "Cache-Control"));
        assert_null(strstr(strstr(head, "HTTP/1.1") + 1, "HTTP/1.1"));
        if (i)
            assert_no_field(head, "X-Seen");
        else
            assert_line(head, "X-Seen: 60");
    }
}

static void expiry_takes_the_place_of_what_the_upstream_says(void **state)
{
    struct expires_rule rule = {.kind = EXPIRES_AFTER_CHANGE, .seconds = 3600};
    struct response_plan plan = {.status = 200, .keeps_alive = true};
    struct fixture *f = *state;
    const char *head;

    take_request(f, GET "\r\n");
    f->location.settings.expires = &rule;
    assert_line(written_response(f, &plan), "Expires: Fri, 20 Nov 2026 23:46:00 GMT");
    take_response(f, "HTTP/1.1 200 OK\r\nExpires: 0\r\nCache-Control: private\r\n"
                     "cache-control: x\r\nLast-Modified: Fri, 20 Nov 2026 22:45:00 GMT\r\n\r\n");
    plan.upstream = &f->response.head;
    head = written_response(f, &plan);
    assert_line(head, "Expires: Fri, 20 Nov 2026 23:45:00 GMT");
    assert_line(head, "Cache-Control: max-age=3540");
    assert_no_field(head, "cache-control");
    assert_null(strstr(head, "private"));
    plan.status = 404;
    assert_line(written_response(f, &plan), "Expires: 0");
}

static void answers_of_ours_carry_their_fields(void **state)
{
    struct response_plan plan = {.status = 206,
                                 .framing = FRAMING_LENGTH,
                                 .content_length = 5,
                                 .keeps_alive = true,
                                 .content_type = SPAN("text/plain"),
                                 .etag = SPAN("\"1-2\""),
                                 .last_modified = SPAN(DATE),
                                 .content_range = SPAN("bytes 0-4/9"),
                                 .accepts_ranges = true};
    struct fixture *f = *state;

    take_request(f, GET "\r\n");
    assert_string_equal(written_response(f, &plan),
                        "HTTP/1.1 206 Partial Content\r\nServer: ringway\r\nDate: " DATE "\r\n"
                        "Content-Type: text/plain\r\nLast-Modified: " DATE "\r\nETag: \"1-2\"\r\n"
                        "Content-Range: bytes 0-4/9\r\nAccept-Ranges: bytes\r\n"
                        "Content-Length: 5\r\n\r\n");
}

static void interim_responses_are_passed_on(void **state)
{
    struct fixture *f = *state;
    const char *head;

    take_request(f, GET "\r\n");
    take_response(f, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x\r\nX: 1\r\n\r\n");
    assert_int_equal(heads_write_interim(&f->record, &f->response.head), 0);
    head = sent_to_client(f);
    assert_string_equal(head, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    assert_int_equal(f->record.sent_bytes, strlen(head));
    assert_int_equal(f->record.status, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_response_is_written_anew),
        TEST(server_and_date_may_be_the_upstreams),
        TEST(chunks_are_announced),
        TEST(lengths_are_announced_where_they_may_be),
        TEST(connection_says_whether_it_is_kept),
        TEST(a_switch_of_protocols_is_passed_on),
        TEST(fields_that_were_kept_go_with_what_answers),
        TEST(fields_are_added_by_status),
        TEST(added_fields_never_frame_or_split),
        TEST(validators_are_one_whoever_writes_them),
        TEST(expiry_takes_the_place_of_what_the_upstream_says),
        TEST(what_is_added_may_go_by_what_is_written),
        TEST(answers_of_ours_carry_their_fields),
        TEST(interim_responses_are_passed_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
