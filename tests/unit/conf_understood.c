/* Tests of conf/understood. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../understood_text.h"

static struct understood first, second;

/* The text as it is printed; good until the next one. */
static const char *printed(const char *conf)
{
    struct span text;

    understood_free(&first);
    assert_int_equal(understood_read(&first, span_of_cstr(conf)), 0);
    assert_int_equal(conf_print_understood(&first.conf, &text), 0);
    return text.data;
}

static void assert_reads_as_the_same(const char *conf)
{
    const char *text = printed(conf);

    bool is_same = understood_read(&second, span_of_cstr(text)) == 0 &&
                   understood_is_same(&first.conf.tree.root, &second.conf.tree.root);

    understood_free(&second);
    if (!is_same)
        fail_msg("%s is not\n%s", text, conf);
}

static void words_are_quoted_where_they_must_be(void **state)
{
    static const char *const words[] = {
        "a",       "''",       "'a b'",    "'a;b'",   "'{'",     "'}'",   "\"it's\"",
        "'\"'",    "'\\''",    "\"\\\"\"", "'\\\\'",  "'\\\\n'", "'\\n'", "'\\t'",
        "'a\\.b'", "\\.php$",  "'a\tb'",   "'a\nb'",  "'#a'",    "a#b",   "'$a'",
        "${a}",    "'${a} b'", "a\\",      "'a\\ b'", "a\\;b",   "a\\{b", "'\\\\\\n'",
    };

    for (size_t i = 0; i < COUNT_OF(words); i++) {
        char conf[64];

        snprintf(conf, sizeof(conf), "pid %s ;", words[i]);
        assert_reads_as_the_same(conf);
    }
}

static void blocks_are_indented_with_their_place(void **state)
{
    assert_string_equal(printed("events { worker_connections 7; }\npid a\n;"),
                        "events { # t.conf:1\n"
                        "    worker_connections 7; # t.conf:1\n"
                        "}\n"
                        "pid a; # t.conf:3\n");
}

static void what_comes_from_outside_is_a_remark(void **state)
{
    const char *text = printed("http { root /a; sendfile on; keepalive_timeout 75s;\n"
                               "server { listen 80; index a; location / { root /b; } } }");

    assert_non_null(strstr(text, "\n        # inherited: root /a; # t.conf:1\n"));
    assert_non_null(strstr(text, "\n            # inherited: index a; # t.conf:2\n"));
    assert_null(strstr(text, "inherited: keepalive_timeout")); /* nginx's default */
    assert_null(strstr(text, "inherited: sendfile"));          /* without effect */
    assert_null(strstr(text, "inherited: listen"));            /* not inherited */
    assert_null(strstr(strstr(text, "location /"), "inherited: root"));
}

static void defaults_of_ours_are_said_once(void **state)
{
    static const char wanted[] = "    # by default: proxy_ssl_verify on; # nginx: off\n";
    const char *at = strstr(printed("http { server { location / { } } }"), wanted);

    assert_non_null(at);
    assert_null(strstr(at + 1, wanted));
    at = printed("http { proxy_ssl_verify on; server { } }");
    assert_null(strstr(at, "by default: proxy_ssl_verify "));
    assert_non_null(strstr(at, "# inherited: proxy_ssl_verify on;"));
}

static void whole_texts_read_as_the_same(void **state)
{
    assert_reads_as_the_same("events { worker_connections 7; }\n"
                             "http { types { text/html html htm; 'a b' \"c d\"; }\n"
                             "upstream u { server 127.0.0.1; keepalive 3; }\n"
                             "server { listen 80; server_name ~^(?<a>.+)$ '';\n"
                             "location ~ \"^/a{2} \\.php$\" { return 200 'x y'; }\n"
                             "location @b { root /a; } } }");
}

static int tear_down(void **state)
{
    understood_free(&first);
    first = (struct understood){0};
    return 0;
}

#define TEST(f) cmocka_unit_test_teardown(f, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(words_are_quoted_where_they_must_be), TEST(blocks_are_indented_with_their_place),
        TEST(what_comes_from_outside_is_a_remark), TEST(defaults_of_ours_are_said_once),
        TEST(whole_texts_read_as_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
