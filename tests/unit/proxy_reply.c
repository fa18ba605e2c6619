/* Tests of proxy/reply and of proxy/file: over real files, with a client that reads. */
#include "../record_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "proxy/own_url.h"
#include "proxy/reply.h"

#define MODIFIED_S 784111777
#define MODIFIED "Sun, 06 Nov 1994 08:49:37 GMT"
#define ETAG "\"2ebc98a1-b\""
#define LARGE_BYTES (1000 * 1000)

struct site {
    struct fixture *fixture;
    struct reply reply;
    char root[64];
};

static void make_file(const struct site *s, const char *name, const char *text, size_t len)
{
    struct timespec times[2] = {{.tv_sec = MODIFIED_S}, {.tv_sec = MODIFIED_S}};
    char path[128];
    int fd;

    (void)snprintf(path, sizeof(path), "%s/%s", s->root, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), len);
    assert_int_equal(futimens(fd, times), 0);
    close(fd);
}

static void make_directory(const struct site *s, const char *name)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", s->root, name);
    assert_int_equal(mkdir(path, 0755), 0);
}

static int set_up_site(void **state)
{
    static struct template index_files[2];
    struct site *s = calloc(1, sizeof(*s));
    struct settings *settings;

    (void)set_up(state);
    s->fixture = *state;
    strcpy(s->root, "/tmp/ringway-reply-XXXXXX");
    assert_non_null(mkdtemp(s->root));
    make_directory(s, "dir");
    make_directory(s, "empty");
    make_file(s, "a.txt", "hello world", 11);
    make_file(s, "dir/index.html", "index", 5);
    settings = &s->fixture->location.settings;
    settings->root = compiled(s->fixture, s->root);
    index_files[0] = compiled(s->fixture, "none.html");
    index_files[1] = compiled(s->fixture, "index.html");
    settings->index_files = index_files;
    settings->index_file_count = COUNT_OF(index_files);
    settings->default_type = SPAN("text/plain");
    s->fixture->location.proxy_pass.is_set = false;
    reply_init(&s->reply, &s->fixture->task);
    s->reply.plan.keeps_alive = true;
    *state = s;
    return 0;
}

static int tear_down_site(void **state)
{
    struct site *s = *state;
    char command[128];

    reply_deinit(&s->reply, &s->fixture->record);
    (void)snprintf(command, sizeof(command), "rm -r %s", s->root);
    assert_int_equal(system(command), 0);
    *state = s->fixture;
    free(s);
    return tear_down(state);
}

/* The exchange's part: runs the reply while the client reads. All that was sent, or the rest of
 * it behind the last time that the fixture's text was full. */
static const char *run(struct site *s)
{
    struct fixture *f = s->fixture;
    const size_t last = WIRE_BYTES - 1;
    enum reply_result result;
    size_t len = 0;

    do {
        ssize_t n;

        result = reply_run(&s->reply, &f->record);
        loop_turn(f->engine.loop, 1);
        while ((n = read(f->client_fd, f->wire + len % last, last - len % last)) > 0)
            len += (size_t)n;
    } while (result == REPLY_WAITS || conn_out_bytes(&f->client_conn));
    assert_int_equal(result, REPLY_DONE);
    assert_int_equal(f->record.sent_bytes, len);
    f->wire[len % last] = '\0';
    stop_clock(f);
    s->reply.is_head_written = false; /* for the next one */
    f->record.sent_bytes = 0;
    return f->wire;
}

static const char *body_of(const char *response)
{
    const char *end = strstr(response, "\r\n\r\n");

    assert_non_null(end);
    return end + 4;
}

static void request(struct site *s, const char *line, const char *fields)
{
    char text[512];

    (void)snprintf(text, sizeof(text), "%s HTTP/1.1\r\nHost: a.example\r\n%s\r\n", line, fields);
    take_request(s->fixture, text);
}

/* ---- pages and returns ---- */

static void pages_are_nginxs_with_our_name(void **state)
{
    struct site *s = *state;
    const char *sent;

    request(s, "GET /", "");
    assert_int_equal(reply_from_status(&s->reply, &s->fixture->record, 404), 0);
    sent = run(s);
    assert_memory_equal(sent, "HTTP/1.1 404 Not Found\r\n", 24);
    assert_line(sent, "Content-Type: text/html");
    assert_string_equal(body_of(sent), "<html>\r\n<head><title>404 Not Found</title></head>\r\n"
                                       "<body>\r\n<center><h1>404 Not Found</h1></center>\r\n"
                                       "<hr><center>ringway</center>\r\n</body>\r\n</html>\r\n");
    s->fixture->location.settings.server_tokens = true;
    assert_int_equal(reply_from_status(&s->reply, &s->fixture->record, 503), 0);
    sent = run(s);
    assert_memory_equal(sent, "HTTP/1.1 503 Service Temporarily Unavailable\r\n", 46);
    assert_non_null(strstr(sent, "<center>ringway/" RINGWAY_VERSION "</center>"));
    assert_false(s->reply.is_last);
}

static void a_status_without_a_name_has_no_page(void **state)
{
    struct site *s = *state;
    const char *sent;

    request(s, "GET /", "");
    assert_int_equal(reply_from_status(&s->reply, &s->fixture->record, 599), 0);
    sent = run(s);
    assert_line(sent, "Content-Length: 0");
    assert_no_field(sent, "Content-Type");
}

/* Also when another's page stands for the error's. */
static void some_errors_end_the_connection(void **state)
{
    struct site *s = *state;

    request(s, "GET /", "");
    assert_int_equal(reply_from_status(&s->reply, &s->fixture->record, 500), 0);
    assert_int_equal(reply_from_status(&s->reply, &s->fixture->record, 404), 0);
    assert_true(s->reply.is_last);
}

static void some_statuses_have_no_content(void **state)
{
    static const unsigned without_length[] = {204, 304};
    struct site *s = *state;
    const char *sent;

    request(s, "GET /", "");
    for (size_t i = 0; i < COUNT_OF(without_length); i++) {
        assert_int_equal(reply_from_status(&s->reply, &s->fixture->record, without_length[i]), 0);
        sent = run(s);
        assert_no_field(sent, "Content-Length");
        assert_no_field(sent, "Content-Type");
        assert_string_equal(body_of(sent), "");
    }
    assert_int_equal(reply_from_status(&s->reply, &s->fixture->record, 205), 0);
    assert_line(run(s), "Content-Length: 0");
}

static void a_head_request_gets_no_content(void **state)
{
    struct site *s = *state;
    const char *sent;

    request(s, "HEAD /a.txt", "");
    assert_int_equal(reply_from_file(&s->reply, &s->fixture->record, false), 200);
    sent = run(s);
    assert_line(sent, "Content-Length: 11");
    assert_string_equal(body_of(sent), "");
    assert_int_equal(reply_from_status(&s->reply, &s->fixture->record, 500), 0);
    sent = run(s);
    assert_non_null(strstr(sent, "Content-Length: "));
    assert_string_equal(body_of(sent), "");
    assert_int_equal(s->fixture->record.sent_body_bytes, 0);
}

static void a_refused_method_names_those_that_are_not(void **state)
{
    struct site *s = *state;

    request(s, "DELETE /a.txt", "");
    assert_int_equal(reply_from_file(&s->reply, &s->fixture->record, false), 405);
    assert_int_equal(reply_from_status(&s->reply, &s->fixture->record, 405), 0);
    assert_line(run(s), "Allow: GET, HEAD");
}

/* What answers for a directory may take a POST; a file does not. */
static void a_post_finds_directories_and_no_file(void **state)
{
    struct site *s = *state;

    request(s, "POST /dir/", "");
    assert_int_equal(reply_from_file(&s->reply, &s->fixture->record, false), FILE_IS_ELSEWHERE);
    assert_int_equal(reply_from_file(&s->reply, &s->fixture->record, false), 405);
    request(s, "POST /empty/", "");
    assert_int_equal(reply_from_file(&s->reply, &s->fixture->record, false), 403);
    request(s, "DELETE /dir/", "");
    assert_int_equal(reply_from_file(&s->reply, &s->fixture->record, false), 405);
    request(s, "POST /dir", "");
    assert_int_equal(reply_from_file(&s->reply, &s->fixture->record, false), 301);
    request(s, "POST /none", "");
    assert_int_equal(reply_from_file(&s->reply, &s->fixture->record, false), 404);
}

static const char *returned(struct site *s, unsigned status, const char *text)
{
    struct return_rule rule = {.status = status, .has_text = text != NULL};

    if (text)
        rule.text = compiled(s->fixture, text);
    assert_int_equal(reply_from_return(&s->reply, &s->fixture->record, &rule), 0);
    return s->reply.closes_without_answer ? "" : run(s);
}

/* As it is shown for an error. */
static void a_whole_file_has_no_conditions(void **state)
{
    struct site *s = *state;
    const char *sent;

    request(s, "GET /a.txt", "Range: bytes=0-1\r\nIf-None-Match: *\r\n");
    assert_int_equal(reply_from_file(&s->reply, &s->fixture->record, true), 200);
    reply_show_with(&s->reply, &s->fixture->record, 404);
    sent = run(s);
    assert_line(sent, "Content-Length: 11");
    assert_no_field(sent, "Last-Modified");
    assert_int_equal(reply_from_file(&s->reply, &s->fixture->record, true), 200);
    reply_show_with(&s->reply, &s->fixture->record, 204);
    assert_string_equal(body_of(run(s)), "");
}

static void texts_are_returned(void **state)
{
    struct site *s = *state;
    const char *sent;

    request(s, "GET /x?y", "");
    sent = returned(s, 200, "at $uri\n");
    assert_line(sent, "Content-Type: text/plain");
    assert_line(sent, "Content-Length: 6");
    assert_string_equal(body_of(sent), "at /x\n");
    assert_int_equal(s->fixture->record.sent_body_bytes, 6);
    s->fixture->record.status = 0;
    assert_string_equal(body_of(returned(s, 503, "later $status")), "later 503");
    s->fixture->record.status = 404; /* of an error_page */
    assert_string_equal(body_of(returned(s, 503, "later $status")), "later 404");
    assert_true(s->fixture->record.has_replied);
    sent = returned(s, 200, NULL);
    assert_line(sent, "Content-Length: 0");
    assert_line(sent, "Content-Type: text/plain");
    assert_non_null(strstr(body_of(returned(s, 403, NULL)), "<h1>403 Forbidden</h1>"));
    assert_string_equal(body_of(returned(s, 204, "none")), "");
    assert_string_equal(returned(s, 444, NULL), "");
    assert_true(s->reply.closes_without_answer);
}

static void assert_location(struct site *s, const char *text, const char *location)
{
    char line[256];

    (void)snprintf(line, sizeof(line), "Location: %s", location);
    assert_line(returned(s, 302, text), line);
}

static void redirects_are_made_absolute(void **state)
{
    struct site *s = *state;
    struct fixture *f = s->fixture;
    struct settings *settings = &f->location.settings;

    request(s, "GET /x?y", "");
    assert_location(s, "https://b.example$request_uri", "https://b.example/x?y");
    assert_location(s, "/z", "http://a.example:8080/z");
    settings->port_in_redirect = false;
    assert_location(s, "/z", "http://a.example/z");
    settings->server_name_in_redirect = true;
    assert_location(s, "/z", "http://server.example/z");
    settings->absolute_redirect = false;
    assert_location(s, "/z", "/z");
    assert_location(s, "z", "z");
    settings->absolute_redirect = true;
    settings->port_in_redirect = true;
    f->client.local_address.port = 443;
    assert_location(s, "/z", "http://server.example:443/z");
    f->client_conn.tls = (struct tls *)f; /* nobody looks into it */
    assert_true(span_equals(own_url(&f->record, SPAN("/z")), SPAN("https://server.example/z")));
    f->client.local_address.port = 8080;
    assert_true(
        span_equals(own_url(&f->record, SPAN("/z")), SPAN("https://server.example:8080/z")));
    f->client_conn.tls = NULL;
}

static void a_redirect_without_a_host_names_the_address(void **state)
{
    struct site *s = *state;
    struct fixture *f = s->fixture;

    take_request(f, "GET / HTTP/1.0\r\n\r\n");
    assert_location(s, "/z", "http://192.0.2.254:8080/z");
    f->client.local_address = endpoint_at("::1", 80);
    assert_location(s, "/z", "http://[::1]/z");
    f->client.local_address = endpoint_at("unix:/x", 0);
    assert_location(s, "/z", "/z");
}

static void a_redirect_cannot_be_split(void **state)
{
    struct site *s = *state;
    const char *sent;

    request(s, "GET /%0d%0aX-Evil:%201", "");
    sent = returned(s, 302, "https://b.example$uri");
    assert_memory_equal(sent, "HTTP/1.1 500 ", 13);
    assert_no_field(sent, "X-Evil");
    assert_no_field(sent, "Location");
}

static void error_pages_are_found_by_status(void **state)
{
    static const struct error_page pages[] = {{.status = 404}, {.status = 502}};
    struct site *s = *state;

    assert_null(reply_error_page(&s->fixture->record, 404));
    s->fixture->location.settings.error_pages = pages;
    s->fixture->location.settings.error_page_count = COUNT_OF(pages);
    assert_ptr_equal(reply_error_page(&s->fixture->record, 502), &pages[1]);
    assert_null(reply_error_page(&s->fixture->record, 500));
}

/* ---- files ---- */

static unsigned file_status(struct site *s, const char *path)
{
    char line[256];

    (void)snprintf(line, sizeof(line), "GET %s", path);
    request(s, line, "");
    return reply_from_file(&s->reply, &s->fixture->record, false);
}

static void a_file_is_sent(void **state)
{
    struct site *s = *state;

    assert_int_equal(file_status(s, "/a.txt"), 200);
    assert_string_equal(run(s), "HTTP/1.1 200 OK\r\nServer: ringway\r\nDate: " DATE "\r\n"
                                "Content-Type: text/plain\r\nLast-Modified: " MODIFIED "\r\n"
                                "ETag: " ETAG "\r\nAccept-Ranges: bytes\r\nContent-Length: 11\r\n"
                                "\r\nhello world");
    assert_int_equal(s->fixture->record.sent_body_bytes, 11);
}

static void an_empty_file_is_sent(void **state)
{
    struct site *s = *state;

    make_file(s, "none", "", 0);
    assert_int_equal(file_status(s, "/none"), 200);
    assert_line(run(s), "Content-Length: 0");
}

static void a_directory_shows_its_index(void **state)
{
    struct site *s = *state;

    assert_int_equal(file_status(s, "/dir/"), FILE_IS_ELSEWHERE);
    assert_int_equal(s->reply.fd, -1);
    assert_true(span_equals(s->fixture->record.uri, SPAN("/dir/index.html")));
    assert_int_equal(file_status(s, "/dir/index.html"), 200);
    assert_string_equal(body_of(run(s)), "index");
    assert_int_equal(file_status(s, "/empty/"), 403);
    assert_non_null(strstr(s->fixture->record.detail.data, "is forbidden"));
    assert_int_equal(file_status(s, "/none/"), 404);
}

static void a_directory_without_slash_redirects(void **state)
{
    struct site *s = *state;

    make_directory(s, "a b");
    assert_int_equal(file_status(s, "/dir"), 301);
    assert_line(run(s), "Location: http://a.example:8080/dir/");
    assert_int_equal(file_status(s, "/a%20b?x=1"), 301);
    assert_line(run(s), "Location: http://a.example:8080/a%20b/?x=1");
}

static void what_is_no_file_is_not_found(void **state)
{
    struct site *s = *state;
    char path[128];

    assert_int_equal(file_status(s, "/none"), 404);
    assert_non_null(strstr(s->fixture->record.detail.data, "failed (2: No such file"));
    assert_int_equal(file_status(s, "/a.txt/"), 404);
    assert_int_equal(file_status(s, "/a.txt/b"), 404);
    assert_int_equal(file_status(s, "/%22%0a"), 404);
    assert_null(strchr(s->fixture->record.detail.data, '\n'));
    (void)snprintf(path, sizeof(path), "%s/fifo", s->root);
    assert_int_equal(mkfifo(path, 0644), 0);
    assert_int_equal(file_status(s, "/fifo"), 404);
}

static void links_are_followed_and_loops_are_not(void **state)
{
    struct site *s = *state;
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/link", s->root);
    assert_int_equal(symlink("a.txt", path), 0);
    assert_int_equal(file_status(s, "/link"), 200);
    assert_string_equal(body_of(run(s)), "hello world");
    (void)snprintf(path, sizeof(path), "%s/loop", s->root);
    assert_int_equal(symlink("loop", path), 0);
    assert_int_equal(file_status(s, "/loop"), 403);
}

static unsigned conditional_status(struct site *s, const char *fields)
{
    request(s, "GET /a.txt", fields);
    return reply_from_file(&s->reply, &s->fixture->record, false);
}

static void conditions_are_judged(void **state)
{
    struct site *s = *state;
    const char *sent;

    assert_int_equal(conditional_status(s, "If-None-Match: \"x\", " ETAG "\r\n"), 304);
    sent = run(s);
    assert_line(sent, "ETag: " ETAG);
    assert_line(sent, "Last-Modified: " MODIFIED);
    assert_no_field(sent, "Content-Length");
    assert_string_equal(body_of(sent), "");
    assert_int_equal(conditional_status(s, "If-Modified-Since: " MODIFIED "\r\n"), 304);
    assert_int_equal(conditional_status(s, "If-None-Match: \"x\"\r\n"), 200);
    assert_int_equal(conditional_status(s, "If-Match: \"x\"\r\n"), 412);
    assert_non_null(strstr(run(s), "<h1>412 "));
}

static void a_range_is_a_part(void **state)
{
    struct site *s = *state;
    const char *sent;

    assert_int_equal(conditional_status(s, "Range: bytes=6-8\r\n"), 206);
    sent = run(s);
    assert_line(sent, "Content-Range: bytes 6-8/11");
    assert_no_field(sent, "Accept-Ranges");
    assert_line(sent, "Content-Length: 3");
    assert_string_equal(body_of(sent), "wor");
    assert_int_equal(conditional_status(s, "Range: bytes=-5\r\n"), 206);
    assert_string_equal(body_of(run(s)), "world");
    assert_int_equal(conditional_status(s, "Range: bytes=0-1\r\nIf-Range: \"x\"\r\n"), 200);
    assert_int_equal(conditional_status(s, "Range: bytes=0-1\r\nIf-Range: " ETAG "\r\n"), 206);
}

static void a_range_behind_the_end_is_refused(void **state)
{
    struct site *s = *state;
    const char *sent;

    assert_int_equal(conditional_status(s, "Range: bytes=11-\r\n"), 416);
    sent = run(s);
    assert_line(sent, "Content-Range: bytes */11");
    assert_non_null(strstr(body_of(sent), "<h1>416 "));
}

static void a_large_file_is_sent_in_chunks(void **state)
{
    struct site *s = *state;
    char *text = malloc(LARGE_BYTES);

    memset(text, 'a', LARGE_BYTES);
    make_file(s, "large", text, LARGE_BYTES);
    free(text);
    assert_int_equal(file_status(s, "/large"), 200);
    (void)run(s);
    assert_int_equal(s->fixture->record.sent_body_bytes, LARGE_BYTES);
    assert_int_equal(s->fixture->engine.chunks.slab.count_taken, 0);
}

/* Runs without a client that reads, as far as it goes. */
static enum reply_result run_unread(struct site *s, unsigned turns)
{
    enum reply_result result = REPLY_WAITS;

    for (unsigned i = 0; i < turns && (result == REPLY_WAITS || reply_is_busy(&s->reply)); i++) {
        result = reply_run(&s->reply, &s->fixture->record);
        loop_turn(s->fixture->engine.loop, 1);
    }
    return result;
}

static void a_client_that_does_not_read_is_waited_for(void **state)
{
    struct site *s = *state;
    char *text = calloc(1, LARGE_BYTES);

    make_file(s, "large", text, LARGE_BYTES);
    free(text);
    assert_int_equal(file_status(s, "/large"), 200);
    assert_int_equal(run_unread(s, 100), REPLY_WAITS);
    assert_false(reply_is_busy(&s->reply));
    assert_true(conn_out_bytes(&s->fixture->client_conn) <= OUT_BYTES_HIGH + CHUNK_ROOM);
}

static void a_file_that_shrinks_is_a_cut(void **state)
{
    struct site *s = *state;
    char path[128];

    assert_int_equal(file_status(s, "/a.txt"), 200);
    (void)snprintf(path, sizeof(path), "%s/a.txt", s->root);
    assert_int_equal(truncate(path, 5), 0);
    assert_int_equal(run_unread(s, 100), REPLY_FAILED);
    assert_non_null(strstr(s->fixture->record.detail.data, "it became shorter"));
}

static void a_reply_waits_for_its_read(void **state)
{
    struct site *s = *state;

    assert_int_equal(file_status(s, "/a.txt"), 200);
    assert_int_equal(reply_run(&s->reply, &s->fixture->record), REPLY_WAITS);
    assert_true(reply_is_busy(&s->reply));
    for (int i = 0; i < 100 && reply_is_busy(&s->reply); i++)
        loop_turn(s->fixture->engine.loop, 1);
    assert_int_equal(s->fixture->run_count > 0, 1);
    /* And may be let go of before it was sent: tear down does. */
    assert_non_null(s->reply.chunk);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up_site, tear_down_site)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pages_are_nginxs_with_our_name),
        TEST(a_status_without_a_name_has_no_page),
        TEST(some_errors_end_the_connection),
        TEST(some_statuses_have_no_content),
        TEST(a_head_request_gets_no_content),
        TEST(a_refused_method_names_those_that_are_not),
        TEST(a_post_finds_directories_and_no_file),
        TEST(texts_are_returned),
        TEST(a_whole_file_has_no_conditions),
        TEST(redirects_are_made_absolute),
        TEST(a_redirect_without_a_host_names_the_address),
        TEST(a_redirect_cannot_be_split),
        TEST(error_pages_are_found_by_status),
        TEST(a_file_is_sent),
        TEST(an_empty_file_is_sent),
        TEST(a_directory_shows_its_index),
        TEST(a_directory_without_slash_redirects),
        TEST(what_is_no_file_is_not_found),
        TEST(links_are_followed_and_loops_are_not),
        TEST(conditions_are_judged),
        TEST(a_range_is_a_part),
        TEST(a_range_behind_the_end_is_refused),
        TEST(a_large_file_is_sent_in_chunks),
        TEST(a_client_that_does_not_read_is_waited_for),
        TEST(a_file_that_shrinks_is_a_cut),
        TEST(a_reply_waits_for_its_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
