/* Tests of proxy/variable, and of the rooms that its getters are made of. */
#include "../record_fixture.h"

#include <ctype.h>
#include <netinet/tcp.h>

#include "proxy/value.h"
#include "proxy/user_variable.h"
#include "proxy/variable.h"

#define GET "GET /a?x=1 HTTP/1.1\r\nHost: A.example:8080\r\n"

/* What the template is worth; "-" for a variable alone that has no value. */
static const char *worth(struct fixture *f, const char *text)
{
    struct template t = compiled(f, text);
    struct span value;

    assert_int_equal(record_expand(&f->record, &t, &value), 0);
    if (!value.data)
        return "-";
    value = arena_copy(&f->arena, value);
    assert_non_null(value.data);
    return value.data;
}

#define assert_worth(f, text, value) assert_string_equal(worth(f, text), value)

static void every_variable_has_a_getter(void **state)
{
    struct fixture *f = *state;

    take_request(f, GET "\r\n");
    for (int i = VARIABLE_NONE + 1; i < VARIABLE_CAPTURE; i++) {
        struct template_part part = {.variable = (enum variable_id)i, .text = SPAN("name")};

        (void)variable_get(&f->record, &part);
    }
    assert_false(f->record.lacks_memory);
}

/* An end of a TCP connection; the listener and the other end stay open in *rest. */
static int connected_socket(int rest[2])
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    rest[0] = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(rest[0], (struct sockaddr *)&at, size), 0);
    assert_int_equal(listen(rest[0], 1), 0);
    assert_int_equal(getsockname(rest[0], (struct sockaddr *)&at, &size), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, size), 0);
    rest[1] = accept(rest[0], NULL, NULL);
    assert_true(rest[1] >= 0);
    return fd;
}

static void tcp_info_is_what_the_kernel_tells(void **state)
{
    static const char *const names[] = {"$tcpinfo_rtt", "$tcpinfo_rttvar", "$tcpinfo_snd_cwnd",
                                        "$tcpinfo_rcv_space"};
    struct fixture *f = *state;
    int was = f->client_conn.fd, rest[2];
    struct tcp_info info;
    socklen_t size = sizeof(info);
    char text[64];

    for (size_t i = 0; i < COUNT_OF(names); i++) /* the fixture's ends are no TCP */
        assert_worth(f, names[i], "-");
    f->client_conn.fd = connected_socket(rest);
    assert_int_equal(getsockopt(f->client_conn.fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
    assert_true(snprintf(text, sizeof(text), "%u %u %u %u", info.tcpi_rtt, info.tcpi_rttvar,
                         info.tcpi_snd_cwnd, info.tcpi_rcv_space) > 0);
    assert_worth(f, "$tcpinfo_rtt $tcpinfo_rttvar $tcpinfo_snd_cwnd $tcpinfo_rcv_space", text);
    close(f->client_conn.fd);
    close(rest[0]);
    close(rest[1]);
    f->client_conn.fd = was;
}

static void every_variable_bears_an_empty_record(void **state)
{
    struct fixture *f = *state;

    f->record.pass = NULL;
    f->client.address = (struct endpoint){.family = AF_UNSPEC};
    f->client.local_address = (struct endpoint){.family = AF_UNSPEC};
    for (int i = VARIABLE_NONE + 1; i < VARIABLE_CAPTURE; i++) {
        struct template_part part = {.variable = (enum variable_id)i, .text = SPAN("name")};

        (void)variable_get(&f->record, &part);
    }
    assert_worth(f, "$1$9", "");
    assert_worth(f, "$request", "-");
    assert_worth(f, "$request_uri", "-");
    assert_worth(f, "$status", "000");
    assert_worth(f, "$host", "server.example");
    assert_worth(f, "$remote_addr", "");
    assert_worth(f, "$upstream_addr", "-");
}

static void ports_are_those_that_a_client_names(void **state)
{
    static const struct {
        const char *target, *host, *port;
    } rows[] = {{"/", "[::1]:81", "81"},
                {"/", "[::1]", ""},
                {"/", "a:", ""},
                {"http://a:82/", "a:82", "82"}};
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[128];

        (void)snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", rows[i].target,
                       rows[i].host);
        take_request(f, text);
        assert_worth(f, "$request_port", rows[i].port);
        assert_worth(f, "$is_request_port", *rows[i].port ? ":" : "");
    }
}

static void what_is_not_there_has_no_value(void **state)
{
    struct fixture *f = *state;

    take_request(f, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_worth(f, "$gzip_ratio", "-");
    assert_worth(f, "$upstream_cache_status", "-");
    assert_worth(f, "$http2$http3", "");
}

static void the_request_is_told_as_it_came(void **state)
{
    struct fixture *f = *state;

    take_request(f, "POST /a%20b/../c?x=1&y HTTP/1.1\r\nHost: A.Example.:8080\r\n"
                    "Content-Type: text/x\r\nContent-Length: 3\r\n\r\n");
    assert_worth(f, "$request", "POST /a%20b/../c?x=1&y HTTP/1.1");
    assert_worth(f, "$request_method", "POST");
    assert_worth(f, "$request_uri", "/a%20b/../c?x=1&y");
    assert_worth(f, "$uri $document_uri", "/c /c");
    assert_worth(f, "$args $query_string", "x=1&y x=1&y");
    assert_worth(f, "$is_args", "?");
    assert_worth(f, "$server_protocol", "HTTP/1.1");
    assert_worth(f, "$content_type", "text/x");
    assert_worth(f, "$content_length", "3");
    assert_worth(f, "$host", "a.example");
    assert_worth(f, "$http_host", "A.Example.:8080");
    assert_worth(f, "$host$is_request_port$request_port", "a.example:8080");
    take_request(f, "GET / HTTP/1.0\r\n\r\n");
    assert_worth(f, "$host$is_request_port$request_port", "server.example");
    assert_worth(f, "$request_port", "");
    assert_worth(f, "$args", "-");
    assert_worth(f, "$is_args", "");
    assert_worth(f, "$server_protocol", "HTTP/1.0");
    assert_worth(f, "$content_type", "-");
}

static void the_connection_is_told(void **state)
{
    struct fixture *f = *state;

    assert_worth(f, "$remote_addr:$remote_port", "192.0.2.1:50000");
    assert_worth(f, "$server_addr:$server_port", "192.0.2.254:8080");
    assert_worth(f, "$connection $connection_requests", "7 2");
    assert_worth(f, "$connection_time", "1.500");
    assert_worth(f, "$scheme $https.", "http .");
    assert_worth(f, "$pipe", ".");
    f->listen.is_tls = true; /* plain HTTP may come there all the same */
    assert_worth(f, "$scheme $https.", "http .");
    f->client_conn.tls = (struct tls *)f; /* nobody looks into it */
    assert_worth(f, "$scheme $https.", "https on.");
    f->client_conn.tls = NULL;
    f->record.is_pipelined = true;
    assert_worth(f, "$pipe", "p");
    assert_worth(f, "$ssl_protocol", "-");
    assert_worth(f, "$ssl_client_verify", "-");
    assert_memory_equal(worth(f, "$binary_remote_addr"), "\xc0\x00\x02\x01", 5);
}

static void addresses_of_every_kind_are_told(void **state)
{
    struct fixture *f = *state;

    f->client.address = endpoint_at("255.0.10.200", 1);
    assert_worth(f, "$remote_addr:$remote_port", "255.0.10.200:1");
    f->client.address = endpoint_at("2001:db8::1", 65535);
    assert_worth(f, "$remote_addr $remote_port", "2001:db8::1 65535");
    assert_memory_equal(worth(f, "$binary_remote_addr"), "\x20\x01\x0d\xb8", 5);
    f->client.address = endpoint_at("unix:/run/x", 0);
    assert_worth(f, "$remote_addr", "unix:");
    assert_worth(f, "$remote_port", "");
}

static void fields_are_found_by_their_variable(void **state)
{
    struct fixture *f = *state;

    take_request(f, GET "User-Agent: u/1\r\nX-One: a\r\nx-one: b\r\nX-ONE: c\r\n"
                        "Cookie: a=1\r\nCookie: b=2\r\nEmpty:\r\n\r\n");
    assert_worth(f, "$http_user_agent", "u/1");
    assert_worth(f, "$http_x_one", "a, b, c");
    assert_worth(f, "$http_cookie", "a=1; b=2");
    assert_worth(f, "$http_empty", "");
    assert_worth(f, "$http_none", "-");
    assert_worth(f, "$http_x", "-");
}

static void hop_by_hop_fields_are_values(void **state)
{
    struct fixture *f = *state;

    take_request(f, GET "Connection: keep-alive, Upgrade, X-Real-IP, X-Mine\r\nUpgrade: h2c\r\n"
                        "X-Real-IP: 6.6.6.6\r\nX-Mine: 1\r\nTE: trailers\r\n\r\n");
    assert_worth(f, "$http_connection", "keep-alive, Upgrade, X-Real-IP, X-Mine");
    assert_worth(f, "$http_te", "trailers");
    assert_worth(f, "$http_upgrade", "h2c");
    assert_worth(f, "$http_x_real_ip", "-");
    assert_worth(f, "$http_x_mine", "-");
    take_request(f, GET "Upgrade: h2c\r\n\r\n");
    assert_worth(f, "$http_upgrade", "-");
    take_request(f, GET "X_Under: 1\r\n\r\n");
    assert_worth(f, "$http_x_under", "-");
}

static void forwarded_for_is_added_to(void **state)
{
    struct fixture *f = *state;

    take_request(f, GET "\r\n");
    assert_worth(f, "$proxy_add_x_forwarded_for", "192.0.2.1");
    take_request(f, GET "X-Forwarded-For: a\r\n\r\n");
    assert_worth(f, "$proxy_add_x_forwarded_for", "a, 192.0.2.1");
    take_request(f, GET "X-Forwarded-For: a, b\r\nX-Forwarded-For: c\r\n\r\n");
    assert_worth(f, "$proxy_add_x_forwarded_for", "a, b, c, 192.0.2.1");
}

static void arguments_are_found_in_any_case(void **state)
{
    struct fixture *f = *state;

    take_request(f, "GET /?ab=1&A=%20&b&c=&=d&a=2&ab=3 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_worth(f, "$arg_a", "%20");
    assert_worth(f, "$arg_ab", "1");
    assert_worth(f, "$arg_b", "-");
    assert_worth(f, "$arg_c", "");
    assert_worth(f, "$arg_none", "-");
}

static void cookies_are_found(void **state)
{
    struct fixture *f = *state;

    take_request(f, GET "Cookie: ab=0; A = 1 2; b=x,c=3;; d; e=\r\nCookie: f=6; a=7\r\n\r\n");
    assert_worth(f, "$cookie_a", "1 2");
    assert_worth(f, "$cookie_ab", "0");
    assert_worth(f, "$cookie_b", "x,c=3");
    assert_worth(f, "$cookie_c", "3");
    assert_worth(f, "$cookie_d", "-");
    assert_worth(f, "$cookie_e", "");
    assert_worth(f, "$cookie_f", "6");
    assert_worth(f, "$cookie_none", "-");
}

static void assert_user(struct fixture *f, const char *authorization, const char *user)
{
    char request[512];

    (void)snprintf(request, sizeof(request), GET "Authorization: %s\r\n\r\n", authorization);
    take_request(f, request);
    assert_worth(f, "$remote_user", user);
}

static void the_user_is_told_by_basic_authorization(void **state)
{
    struct fixture *f = *state;

    assert_user(f, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin");
    assert_user(f, "basic  YTpi", "a");
    assert_user(f, "Basic YTo=", "a");
    assert_user(f, "Basic OmI=", "-");  /* ":b" */
    assert_user(f, "Basic YWI=", "-");  /* no colon */
    assert_user(f, "Basic Y!Tpi", "-"); /* no base64 */
    assert_user(f, "Basic", "-");
    assert_user(f, "Bearer YTpi", "-");
    take_request(f, GET "\r\n");
    assert_worth(f, "$remote_user", "-");
}

static void times_are_of_this_turn(void **state)
{
    struct fixture *f = *state;

    assert_worth(f, "$msec", "1795214760.123");
    assert_int_equal(strlen(worth(f, "$time_local")), strlen("20/Nov/2026:22:46:00 +0000"));
    assert_int_equal(strlen(worth(f, "$time_iso8601")), strlen("2026-11-20T22:46:00+00:00"));
    f->record.began_us = loop_now_us(f->engine.loop) - 61002500;
    assert_memory_equal(worth(f, "$request_time"), "61.00", 5);
}

static void the_process_is_told(void **state)
{
    struct fixture *f = *state;
    char pid[32];

    (void)snprintf(pid, sizeof(pid), "%ld", (long)getpid());
    assert_worth(f, "$pid", pid);
    assert_worth(f, "$nginx_version", RINGWAY_VERSION);
    assert_true(strlen(worth(f, "$hostname")) > 0);
    for (const char *c = worth(f, "$hostname"); *c; c++)
        assert_false(isupper((unsigned char)*c));
}

static void an_identifier_stays_and_is_no_other(void **state)
{
    struct fixture *f = *state;
    const char *first = worth(f, "$request_id");

    assert_int_equal(strlen(first), 32);
    assert_int_equal(strspn(first, "0123456789abcdef"), 32);
    assert_worth(f, "$request_id", first);
    f->record.has_request_id = false;
    assert_string_not_equal(worth(f, "$request_id"), first);
}

static void files_are_below_the_root(void **state)
{
    struct fixture *f = *state;

    take_request(f, GET "\r\n");
    f->location.settings.root = compiled(f, "/srv/$host");
    assert_worth(f, "$document_root", "/srv/a.example");
    assert_worth(f, "$request_filename", "/srv/a.example/a");
    f->location.settings.root = compiled(f, "/srv/$document_root");
    assert_worth(f, "$document_root", "-");
    f->location.settings.root = compiled(f, "$request_filename");
    assert_worth(f, "$request_filename", "/a");
}

static void an_alias_is_in_place_of_the_prefix(void **state)
{
    struct fixture *f = *state;

    take_request(f, GET "\r\n");
    f->location.settings.root = compiled(f, "/srv/b");
    f->location.settings.alias_bytes = 1;
    assert_worth(f, "$document_root $request_filename", "/srv/b /srv/ba");
    f->location.settings.alias_bytes = ALIAS_BYTES_ALL;
    assert_worth(f, "$document_root $request_filename", "/srv/b /srv/b");
    f->record.adds_uri_to_alias = true;
    assert_worth(f, "$request_filename", "/srv/b/a");
}

static void the_real_root_has_no_links(void **state)
{
    struct fixture *f = *state;
    char link[64];

    take_request(f, GET "\r\n");
    (void)snprintf(link, sizeof(link), "/tmp/ringway-root-%d", (int)getpid());
    assert_int_equal(symlink("/proc/sys", link), 0);
    f->location.settings.root = compiled(f, link);
    assert_worth(f, "$realpath_root", "/proc/sys");
    assert_int_equal(unlink(link), 0);
    assert_worth(f, "$realpath_root", "-");
}

static void the_answer_is_told(void **state)
{
    struct fixture *f = *state;

    f->record.sent_bytes = 1234567890123;
    f->record.sent_body_bytes = 0;
    f->record.request_bytes = 55;
    assert_worth(f, "$bytes_sent $body_bytes_sent $request_length", "1234567890123 0 55");
    assert_worth(f, "$request_completion", "");
    f->record.outcome = OUTCOME_CLIENT_GONE;
    assert_worth(f, "$status", "499");
    f->record.status = 200;
    assert_worth(f, "$status", "200");
    f->record.outcome = OUTCOME_DONE;
    assert_worth(f, "$request_completion", "OK");
    f->record.sent_head = SPAN("HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a:2\r\nContent-Type: t\r\nX-A: 3"
                               "\r\n\r\nX-A: 4");
    assert_worth(f, "$sent_http_x_a", "1, 2, 3");
    assert_worth(f, "$sent_http_content_type", "t");
    assert_worth(f, "$sent_http_none", "-");
}

static void upstreams_are_told_try_by_try(void **state)
{
    struct fixture *f = *state;
    struct record *r = &f->record;

    assert_worth(f, "$proxy_host $proxy_port", "group:8443 8443");
    assert_worth(f, "$upstream_status", "-");
    r->outcome = OUTCOME_NO_PEER;
    assert_worth(f, "$upstream_addr", "group");
    r->try_count = 1;
    r->tries[0] = (struct try_record){.peer = &f->peer,
                                      .status = 502,
                                      .connect_us = NOT_MEASURED,
                                      .header_us = NOT_MEASURED,
                                      .response_us = 1999};
    assert_worth(f, "$upstream_addr", "127.0.0.1:8443");
    assert_worth(f, "$upstream_connect_time $upstream_response_time", "- 0.001");
    assert_worth(f, "$upstream_ssl_protocol", "-");
    r->try_count = 2;
    r->tries[1] = (struct try_record){.peer = &f->peer,
                                      .connect_us = 12000,
                                      .header_us = 61002000,
                                      .response_us = NOT_MEASURED,
                                      .bytes_sent = 10,
                                      .response_length = 30,
                                      .is_tls = true,
                                      .is_resumed = true,
                                      .protocol = "TLSv1.3",
                                      .cipher = "C"};
    assert_worth(f, "$upstream_addr", "127.0.0.1:8443, 127.0.0.1:8443");
    assert_worth(f, "$upstream_status", "502, -");
    assert_worth(f, "$upstream_header_time", "-, 61.002");
    assert_worth(f, "$upstream_bytes_sent/$upstream_response_length", "0, 10/0, 30");
    assert_worth(f, "$upstream_ssl_protocol $upstream_ssl_cipher", "-, TLSv1.3 -, C");
    assert_worth(f, "$upstream_ssl_session_reused", "-, r");
    r->tries[1].is_first = true;
    assert_worth(f, "$upstream_addr", "127.0.0.1:8443 : 127.0.0.1:8443");
    r->tries[1].is_resumed = false;
    assert_worth(f, "$upstream_ssl_session_reused", "- : .");
}

static void upstream_fields_are_told(void **state)
{
    struct fixture *f = *state;

    assert_worth(f, "$upstream_http_server", "-");
    take_request(f, GET "\r\n");
    take_response(f, "HTTP/1.1 200 OK\r\nServer: s\r\nConnection: close\r\nX: 1\r\nX: 2\r\n"
                     "Content-Length: 0\r\n\r\n");
    assert_worth(f, "$upstream_http_server", "s");
    assert_worth(f, "$upstream_http_x", "1, 2");
    assert_worth(f, "$upstream_http_connection", "close");
    assert_worth(f, "$upstream_http_content_length", "0");
}

static void match(struct fixture *f, const char *pattern, const char *subject, struct captures *c)
{
    char error[128];
    struct regex *r;

    f->engine.regex_scratch = regex_scratch_new();
    assert_int_equal(regex_new(span_of_cstr(pattern), false, &r, error, sizeof(error)), 0);
    assert_true(regex_match(r, span_of_cstr(subject), f->engine.regex_scratch, c));
    regex_scratch_free(f->engine.regex_scratch);
}

static struct span captured(struct fixture *f, unsigned number)
{
    struct template_part part = {.variable = VARIABLE_CAPTURE, .number = number};

    return variable_get(&f->record, &part);
}

static void captures_are_of_what_matched_last(void **state)
{
    struct fixture *f = *state;
    struct record *r = &f->record;

    assert_null(captured(f, 1).data);
    match(f, "^/(\\w)(x)?", "/b", &r->captures);
    assert_true(span_equals(captured(f, 1), SPAN("b")));
    assert_null(captured(f, 2).data);
    assert_null(captured(f, 9).data);
    regex_free((struct regex *)(uintptr_t)r->captures.regex);
}

static void user_variables_are_asked_by_their_index(void **state)
{
    static const struct user_variable rows[] = {{.name = SPAN("a")}, {.name = SPAN("b")}};
    struct fixture *f = *state;
    struct template t;
    struct span value;
    char error[TEMPLATE_ERROR_BYTES];

    f->snapshot.user_variables = (struct user_variables){rows, COUNT_OF(rows)};
    assert_int_equal(user_variable_set(&f->record, 1, SPAN("two")), 0);
    assert_int_equal(
        template_compile(SPAN("$a-$b"), &f->snapshot.user_variables, &f->conf_arena, &t, error), 0);
    assert_int_equal(record_expand(&f->record, &t, &value), 0);
    assert_true(span_equals(value, SPAN("-two")));
}

static void want_of_memory_is_no_empty_value(void **state)
{
    struct fixture *f = *state;
    struct template t = compiled(f, "$remote_addr");
    struct span value;

    f->arena.total_bytes_max = 1;
    assert_int_equal(record_expand(&f->record, &t, &value), -ENOMEM);
    f->arena.total_bytes_max = 0;
    assert_int_equal(record_expand(&f->record, &t, &value), 0);
    assert_true(span_equals(value, SPAN("192.0.2.1")));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_variable_has_a_getter),
        TEST(tcp_info_is_what_the_kernel_tells),
        TEST(every_variable_bears_an_empty_record),
        TEST(ports_are_those_that_a_client_names),
        TEST(what_is_not_there_has_no_value),
        TEST(the_request_is_told_as_it_came),
        TEST(the_connection_is_told),
        TEST(addresses_of_every_kind_are_told),
        TEST(fields_are_found_by_their_variable),
        TEST(hop_by_hop_fields_are_values),
        TEST(forwarded_for_is_added_to),
        TEST(arguments_are_found_in_any_case),
        TEST(cookies_are_found),
        TEST(the_user_is_told_by_basic_authorization),
        TEST(times_are_of_this_turn),
        TEST(the_process_is_told),
        TEST(an_identifier_stays_and_is_no_other),
        TEST(files_are_below_the_root),
        TEST(an_alias_is_in_place_of_the_prefix),
        TEST(the_real_root_has_no_links),
        TEST(the_answer_is_told),
        TEST(upstreams_are_told_try_by_try),
        TEST(upstream_fields_are_told),
        TEST(captures_are_of_what_matched_last),
        TEST(user_variables_are_asked_by_their_index),
        TEST(want_of_memory_is_no_empty_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
