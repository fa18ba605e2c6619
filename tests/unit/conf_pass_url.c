/* Tests of conf/pass_url. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/pass_url.h"

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct arena));
    assert_non_null(*state);
    arena_init(*state, 4096, 0);
    return 0;
}

static int tear_down(void **state)
{
    arena_deinit(*state);
    free(*state);
    return 0;
}

static void a_url_is_taken_apart(void **state)
{
    static const struct {
        const char *url;
        bool is_tls;
        const char *host, *host_name;
        unsigned port;
        const char *uri; /* NULL: none */
    } rows[] = {
        {"http://a.example", false, "a.example", "a.example", 80, NULL},
        {"https://a.example", true, "a.example", "a.example", 443, NULL},
        {"HTTPS://A:443/", true, "A", "A", 443, "/"},
        {"http://a:443/x?y#z", false, "a:443", "a", 443, "/x?y#z"},
        {"https://a:80?q", true, "a:80", "a", 80, "/?q"},
        {"http://a?", false, "a", "a", 80, "/?"},
        {"http://[::1]:8080/b", false, "[::1]:8080", "::1", 8080, "/b"},
        {"http://[2001:db8::1]", false, "[2001:db8::1]", "2001:db8::1", 80, NULL},
        {"http://unix:/run/x", false, "localhost", "localhost", 0, NULL},
        {"https://unix:/run/x:/u", true, "localhost", "localhost", 0, "/u"},
        {"http://127.0.0.1:65535", false, "127.0.0.1:65535", "127.0.0.1", 65535, NULL},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct proxy_pass pass = {.is_set = true};
        const char *error = "";
        struct host host;

        if (pass_url_parse(span_of_cstr(rows[i].url), *state, &pass, &host, &error) ||
            pass.is_tls != rows[i].is_tls || pass.port != rows[i].port ||
            !span_equals(pass.host, span_of_cstr(rows[i].host)) ||
            !span_equals(pass.host_name, span_of_cstr(rows[i].host_name)) ||
            pass.has_uri != (rows[i].uri != NULL) ||
            !span_equals(pass.uri, span_of_cstr(rows[i].uri)))
            fail_msg("%s: %s, %.*s", rows[i].url, error, SPAN_ARG(pass.host));
    }
}

static void what_is_none_is_told(void **state)
{
    static const struct {
        const char *url, *error, *host; /* NULL: it is the prefix */
    } rows[] = {
        {"", "invalid URL prefix", NULL},
        {"a.example", "invalid URL prefix", NULL},
        {"ftp://a", "invalid URL prefix", NULL},
        {"http:/a", "invalid URL prefix", NULL},
        {"http://", "no host", ""},
        {"http:///x", "no host", ""},
        {"http://a:0/x", "invalid port", "a:0"},
        {"http://a:65536", "invalid port", "a:65536"},
        {"https://[::1/x", "invalid host", "[::1"},
        {"https://a b/x", "invalid host", "a b"},
        {"http://unix:", "no path in the unix domain socket", "unix:"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct proxy_pass pass = {.is_set = true};
        const char *error = "";
        struct host host;
        int rc = pass_url_parse(span_of_cstr(rows[i].url), *state, &pass, &host, &error);

        if (rc != -EINVAL || strcmp(error, rows[i].error) != 0 ||
            (pass.host.data != NULL) != (rows[i].host != NULL) ||
            !span_equals(pass.host, span_of_cstr(rows[i].host)))
            fail_msg("%s: %d, %s, %.*s", rows[i].url, rc, error, SPAN_ARG(pass.host));
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_url_is_taken_apart),
        TEST(what_is_none_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
