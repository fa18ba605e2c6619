/* Tests of proxy/route: servers and locations are written as text, one a line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/route.h"

#define ITEMS_MAX 16

struct fixture {
    struct arena arena;
    struct regex_scratch *scratch;
    struct regex *regexes[ITEMS_MAX * 4];
    size_t regex_count;
    struct captures captures;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    arena_init(&f->arena, 65536, 0);
    f->scratch = regex_scratch_new();
    assert_non_null(f->scratch);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < f->regex_count; i++)
        regex_free(f->regexes[i]);
    regex_scratch_free(f->scratch);
    arena_deinit(&f->arena);
    free(f);
    return 0;
}

static struct regex *make_regex(struct fixture *f, struct span pattern, bool ignores_case)
{
    char error[256] = "";

    assert_true(f->regex_count < COUNT_OF(f->regexes));
    if (regex_new(pattern, ignores_case, &f->regexes[f->regex_count], error, sizeof(error)) < 0)
        fail_msg("%s", error);
    return f->regexes[f->regex_count++];
}

static void *make(struct fixture *f, size_t size)
{
    void *p = arena_zalloc(&f->arena, size);

    assert_non_null(p);
    return p;
}

static bool take_word(struct span *line, struct span word)
{
    if (!span_starts_with(*line, word))
        return false;
    *line = span_skip(*line, word.len);
    return true;
}

/* "= /x", "^~ /x", "~ x", "~* x", "@x" or "/x"; "proxy " in front: with proxy_pass. */
static struct location_conf *make_location(struct fixture *f, struct span line)
{
    struct location_conf *l = make(f, sizeof(*l));

    l->origin.file = line;
    l->proxy_pass.is_set = take_word(&line, SPAN("proxy "));
    if (take_word(&line, SPAN("= ")))
        l->kind = LOCATION_EXACT;
    else if (take_word(&line, SPAN("^~ ")))
        l->kind = LOCATION_PREFIX_FINAL;
    else if (take_word(&line, SPAN("~ ")))
        l->regex = make_regex(f, line, false);
    else if (take_word(&line, SPAN("~* ")))
        l->regex = make_regex(f, line, true);
    else if (line.data[0] == '@')
        l->kind = LOCATION_NAMED;
    if (l->regex)
        l->kind = LOCATION_REGEX;
    l->pattern = line;
    return l;
}

/* Prefixes are kept longest first, exact ones first of equal length. */
static void add_prefix(struct location_conf *level, struct location_conf *l)
{
    size_t at = level->prefix_count++;

    assert_true(level->prefix_count <= ITEMS_MAX);
    while (at > 0 && (level->prefixes[at - 1]->pattern.len < l->pattern.len ||
                      (level->prefixes[at - 1]->pattern.len == l->pattern.len &&
                       l->kind == LOCATION_EXACT))) {
        level->prefixes[at] = level->prefixes[at - 1];
        at--;
    }
    level->prefixes[at] = l;
}

static void init_level(struct fixture *f, struct location_conf *level)
{
    level->prefixes = make(f, ITEMS_MAX * sizeof(struct location_conf *));
    level->regexes = make(f, ITEMS_MAX * sizeof(struct location_conf *));
}

/* Lines of locations; what is indented by one more space stands inside of the one above. */
static const struct server_conf *make_server(struct fixture *f, const char *text)
{
    struct server_conf *server = make(f, sizeof(*server));
    struct location_conf *levels[ITEMS_MAX] = {&server->root};
    struct span rest = span_of_cstr(text);

    init_level(f, &server->root);
    server->named = make(f, ITEMS_MAX * sizeof(struct location_conf *));
    while (rest.len) {
        struct span line = span_take(rest, span_index_of(rest, '\n'));
        struct location_conf *l;
        size_t depth = 0;

        rest = span_skip(rest, size_min(line.len + 1, rest.len));
        while (take_word(&line, SPAN(" ")))
            depth++;
        l = levels[depth + 1] = make_location(f, line);
        init_level(f, l);
        if (l->kind == LOCATION_NAMED)
            server->named[server->named_count++] = l;
        else if (l->kind == LOCATION_REGEX)
            levels[depth]->regexes[levels[depth]->regex_count++] = l;
        else
            add_prefix(levels[depth], l);
    }
    return server;
}

/* The line of the location for a path, "" for the server's own level. */
static struct span routed(struct fixture *f, const char *text, const char *path)
{
    const struct server_conf *server = make_server(f, text);
    const struct location_conf *l;

    l = route_location(server, span_of_cstr(path), f->scratch, &f->captures);
    assert_non_null(l);
    if (l == &server->root)
        return SPAN("");
    if (route_wants_slash(l, span_of_cstr(path)))
        return arena_printf(&f->arena, "301 %.*s", SPAN_ARG(l->pattern));
    return l->origin.file;
}

static void assert_routed(struct fixture *f, const char *text, const char *path,
                          const char *expected)
{
    struct span line = routed(f, text, path);

    if (!span_equals(line, span_of_cstr(expected)))
        fail_msg("%s: \"%.*s\" and not \"%s\" in\n%s", path, SPAN_ARG(line), expected, text);
}

/* The configurations A to E of nginx's page on "location". */
static void nginx_own_example_holds(void **state)
{
    static const char text[] = "= /\n"
                               "/\n"
                               "/documents/\n"
                               "^~ /images/\n"
                               "~* \\.(gif|jpg|jpeg)$\n";

    assert_routed(*state, text, "/", "= /");
    assert_routed(*state, text, "/index.html", "/");
    assert_routed(*state, text, "/documents/document.html", "/documents/");
    assert_routed(*state, text, "/images/1.gif", "^~ /images/");
    assert_routed(*state, text, "/documents/1.jpg", "~* \\.(gif|jpg|jpeg)$");
    assert_routed(*state, text, "/documents/1.JPG", "~* \\.(gif|jpg|jpeg)$");
}

static void the_server_itself_answers_where_nothing_matches(void **state)
{
    assert_routed(*state, "", "/x", "");
    assert_routed(*state, "/a/\n= /b\n~ \\.c$\n@d\n", "/x", "");
    assert_routed(*state, "/\n", "*", "");
}

static void the_longest_prefix_wins(void **state)
{
    static const char text[] = "/\n/a\n/ab\n/a/b/\n/a/\n";

    assert_routed(*state, text, "/a", "/a");
    assert_routed(*state, text, "/ab", "/ab");
    assert_routed(*state, text, "/abc", "/ab");
    assert_routed(*state, text, "/a/", "/a/");
    assert_routed(*state, text, "/a/b", "/a/");
    assert_routed(*state, text, "/a/b/c", "/a/b/");
    assert_routed(*state, text, "/A", "/");
}

static void exact_ones_win_over_prefixes_and_regexes(void **state)
{
    static const char text[] = "/a\n= /a\n~ ^/a\n";

    assert_routed(*state, text, "/a", "= /a");
    assert_routed(*state, text, "/ab", "~ ^/a");
    assert_routed(*state, "= /a\n/a\n", "/ab", "/a");
}

static void the_first_regex_in_the_file_wins(void **state)
{
    assert_routed(*state, "~ a\n~ ^/ab$\n", "/ab", "~ a");
    assert_routed(*state, "~ ^/ab$\n~ a\n", "/ab", "~ ^/ab$");
    assert_routed(*state, "~ \\.PHP$\n~* \\.php$\n", "/x.php", "~* \\.php$");
}

static void regexes_win_over_prefixes_but_final_ones(void **state)
{
    assert_routed(*state, "/a/\n~ \\.x$\n", "/a/b.x", "~ \\.x$");
    assert_routed(*state, "^~ /a/\n~ \\.x$\n", "/a/b.x", "^~ /a/");
    /* Only the longest prefix counts. */
    assert_routed(*state, "^~ /a/\n/a/b\n~ \\.x$\n", "/a/b.x", "~ \\.x$");
    assert_routed(*state, "/a/\n^~ /a/b\n~ \\.x$\n", "/a/b.x", "^~ /a/b");
}

static void nested_prefixes_are_looked_up_in_the_longest(void **state)
{
    static const char text[] = "/a/\n"
                               " /a/b/\n"
                               "  /a/b/c\n"
                               " = /a/x\n"
                               "/a/b\n";

    assert_routed(*state, text, "/a/q", "/a/");
    assert_routed(*state, text, "/a/x", "= /a/x");
    assert_routed(*state, text, "/a/x/", "/a/");
    /* "/a/b" is longer than "/a/", so what is inside of "/a/" is not seen. */
    assert_routed(*state, text, "/a/b/c", "/a/b");
    assert_routed(*state, "/a/\n /a/b/\n  /a/b/c\n", "/a/b/cd", "/a/b/c");
}

static void regexes_of_the_innermost_level_come_first(void **state)
{
    static const char text[] = "/a/\n"
                               " /a/b/\n"
                               "  ~ 1\n"
                               " ~ 2\n"
                               "~ 3\n";

    assert_routed(*state, text, "/a/b/123", "~ 1");
    assert_routed(*state, text, "/a/b/23", "~ 2");
    assert_routed(*state, text, "/a/b/3", "~ 3");
    assert_routed(*state, text, "/a/b/", "/a/b/");
    assert_routed(*state, text, "/a/123", "~ 2");
    assert_routed(*state, text, "/123", "~ 3");
}

static void a_final_prefix_shuts_out_the_regexes_beside_it_only(void **state)
{
    assert_routed(*state, "/a/\n ^~ /a/b/\n ~ x\n~ y\n", "/a/b/x", "^~ /a/b/");
    assert_routed(*state, "/a/\n ^~ /a/b/\n ~ x\n~ y\n", "/a/b/xy", "~ y");
    assert_routed(*state, "^~ /a/\n ~ x\n~ y\n", "/a/xy", "~ x");
    assert_routed(*state, "^~ /a/\n /a/b/\n~ y\n", "/a/b/y", "/a/b/");
}

static void nested_exact_ones_end_the_search(void **state)
{
    assert_routed(*state, "/a/\n = /a/b\n~ b\n", "/a/b", "= /a/b");
}

static void locations_inside_of_a_regex_are_looked_up(void **state)
{
    static const char text[] = "~ \\.php$\n"
                               " /admin/\n"
                               " ~ ^/(.)/\n"
                               "~ ^/admin\n";

    assert_routed(*state, text, "/x.php", "~ \\.php$");
    assert_routed(*state, text, "/admin/x.php", "/admin/");
    assert_routed(*state, text, "/a/x.php", "~ ^/(.)/");
    assert_routed(*state, text, "/admin/x", "~ ^/admin");
}

static void captures_are_those_of_the_last_match(void **state)
{
    struct fixture *f = *state;

    assert_routed(f, "~ ^/(\\w+)/\n ~ (\\w+)\\.(\\w+)$\n", "/a/b.c", "~ (\\w+)\\.(\\w+)$");
    assert_true(span_equals(f->captures.at[1], SPAN("b")));
    assert_true(span_equals(f->captures.at[2], SPAN("c")));
    f->captures = (struct captures){0};
    assert_routed(f, "/a/\n~ ^/(b)/\n", "/a/b.c", "/a/");
    assert_null(f->captures.regex);
}

static void proxied_prefixes_redirect_to_their_slash(void **state)
{
    assert_routed(*state, "proxy /a/\n", "/a", "301 /a/");
    assert_routed(*state, "proxy /a/\n", "/a/", "proxy /a/");
    assert_routed(*state, "proxy /a/\n", "/a/b", "proxy /a/");
    assert_routed(*state, "proxy ^~ /a/\n", "/a", "301 /a/");
    assert_routed(*state, "proxy = /a/\n", "/a", "301 /a/");
    assert_routed(*state, "proxy /a/\n", "/b", "");
    assert_routed(*state, "proxy /ab\n", "/a", "");
    assert_routed(*state, "proxy /\n", "/", "proxy /");
    assert_routed(*state, "/a/\n", "/a", "");
    assert_routed(*state, "proxy ~ ^/a/\n", "/a", "");
}

static void the_slash_comes_before_regexes_and_shorter_prefixes(void **state)
{
    assert_routed(*state, "proxy /a/\n/\n~ ^/a\n", "/a", "301 /a/");
    assert_routed(*state, "proxy /a/\n^~ /\n", "/a", "301 /a/");
    assert_routed(*state, "proxy /a/\n/a\n", "/a", "/a");
    assert_routed(*state, "proxy /a/\n= /a\n", "/a", "= /a");
    assert_routed(*state, "proxy /a/\n/a\n~ ^/a\n", "/a", "~ ^/a");
    assert_routed(*state, "/a/\n proxy /a/b/\n~ b$\n", "/a/b", "301 /a/b/");
}

static void named_locations_are_found_by_name_alone(void **state)
{
    const struct server_conf *server = make_server(*state, "@a\n@b\n/\n");

    assert_ptr_equal(route_named(server, SPAN("@a")), server->named[0]);
    assert_ptr_equal(route_named(server, SPAN("@b")), server->named[1]);
    assert_null(route_named(server, SPAN("@c")));
    assert_null(route_named(server, SPAN("a")));
    assert_null(route_named(server, SPAN("")));
    assert_routed(*state, "@a\n/\n", "@a", "");
}

static void a_runaway_regex_is_reported(void **state)
{
    struct fixture *f = *state;
    char path[4096];

    memset(path, 'a', sizeof(path));
    path[sizeof(path) - 2] = '!';
    path[sizeof(path) - 1] = '\0';
    assert_routed(f, "~ ^(a+)+$\n", path, "");
    assert_true(regex_take_runaway(f->scratch));
    assert_routed(f, "~ ^(a+)+$\n", "aaa", "~ ^(a+)+$");
    assert_false(regex_take_runaway(f->scratch));
}

/* Server names of a listen_conf: tables as conf/build makes them. */

static void add_name(struct fixture *f, struct span_table *t, struct span name,
                     const struct server_conf *server)
{
    assert_int_equal(span_table_put(t, &f->arena, name, server), 0);
}

static void add_server_name(struct fixture *f, struct server_names *n, struct server_conf *server)
{
    struct server_regex_name *regexes = (struct server_regex_name *)(uintptr_t)n->regexes;
    struct span name = server->name;

    if (name.len == 0)
        n->nameless = server;
    else if (name.data[0] == '~')
        regexes[n->regex_count++] = (struct server_regex_name){
            .regex = make_regex(f, span_skip(name, 1), false), .server = server};
    else if (name.data[0] == '*')
        add_name(f, &n->heads, span_skip(name, 1), server);
    else if (name.data[name.len - 1] == '*')
        add_name(f, &n->tails, span_take(name, name.len - 1), server);
    else
        add_name(f, &n->exact, name, server);
}

/* One server for each line, with that name; the first one is the default. */
static const struct listen_conf *make_listen(struct fixture *f, const char *text)
{
    struct listen_conf *l = make(f, sizeof(*l));
    struct server_names *n = &l->names;
    struct span rest = span_of_cstr(text);

    n->regexes = make(f, ITEMS_MAX * sizeof(*n->regexes));
    while (rest.len) {
        struct server_conf *server = make(f, sizeof(*server));

        server->name = span_take(rest, span_index_of(rest, '\n'));
        rest = span_skip(rest, size_min(server->name.len + 1, rest.len));
        if (!l->default_server)
            l->default_server = server;
        add_server_name(f, n, server);
    }
    return l;
}

static void assert_served(struct fixture *f, const char *text, const char *host,
                          const char *expected)
{
    const struct server_conf *server =
        route_server(make_listen(f, text), span_of_cstr(host), f->scratch, &f->captures);

    assert_non_null(server);
    if (!span_equals(server->name, span_of_cstr(expected)))
        fail_msg("%s: %.*s and not %s", host, SPAN_ARG(server->name), expected);
}

/* The order on nginx's page "Server names". */
static void names_are_tried_in_nginx_order(void **state)
{
    static const char text[] = "default.test\n"
                               "~^www\\.\n"
                               "www.example.*\n"
                               "*.example.org\n"
                               "www.example.org\n";

    assert_served(*state, text, "www.example.org", "www.example.org");
    assert_served(*state, text, "ftp.example.org", "*.example.org");
    assert_served(*state, text, "www.example.net", "www.example.*");
    assert_served(*state, text, "www.other.net", "~^www\\.");
    assert_served(*state, text, "ftp.other.net", "default.test");
    assert_served(*state, "d\n*.example.org\nwww.example.*\n", "www.example.org", "*.example.org");
}

static void the_longest_wildcard_wins(void **state)
{
    static const char text[] = "d\n*.org\n*.example.org\nmail.*\nmail.a.*\n";

    assert_served(*state, text, "a.org", "*.org");
    assert_served(*state, text, "a.example.org", "*.example.org");
    assert_served(*state, text, "a.b.example.org", "*.example.org");
    assert_served(*state, text, "mail.b.net", "mail.*");
    assert_served(*state, text, "mail.a.net", "mail.a.*");
}

static void a_wildcard_stands_for_something(void **state)
{
    static const char text[] = "d\n*.example.org\nmail.*\n";

    assert_served(*state, text, "example.org", "d");
    assert_served(*state, text, ".example.org", "d");
    assert_served(*state, text, "myexample.org", "d");
    assert_served(*state, text, "mail", "d");
    assert_served(*state, text, "mail.", "d");
    assert_served(*state, text, "xmail.net", "d");
}

static void the_first_matching_regex_wins(void **state)
{
    struct fixture *f = *state;

    assert_served(f, "d\n~^(?<user>[^.]+)\\.test$\n~test\n", "ann.test",
                  "~^(?<user>[^.]+)\\.test$");
    assert_non_null(f->captures.regex);
    assert_true(span_equals(f->captures.at[1], SPAN("ann")));
    assert_served(f, "d\n~test\n~^ann\n", "ann.test", "~test");
}

static void requests_without_a_host_go_to_the_nameless_server(void **state)
{
    assert_served(*state, "d\n\nx\n", "", "");
    assert_served(*state, "d\n~^$\n", "", "d");
    assert_served(*state, "d\n\n", "y", "d");
}

static void addresses_are_names_as_well(void **state)
{
    assert_served(*state, "d\n127.0.0.1\n[::1]\n", "[::1]", "[::1]");
    assert_served(*state, "d\n127.0.0.1\n[::1]\n", "127.0.0.1", "127.0.0.1");
}

static void listeners_without_names_serve_the_default(void **state)
{
    struct server_conf server = {.index = 0};
    struct listen_conf l = {.default_server = &server};

    (void)state;
    assert_ptr_equal(route_server(&l, SPAN("a.test"), NULL, NULL), &server);
    assert_ptr_equal(route_server(&l, SPAN_NONE, NULL, NULL), &server);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nginx_own_example_holds),
        TEST(the_server_itself_answers_where_nothing_matches),
        TEST(the_longest_prefix_wins),
        TEST(exact_ones_win_over_prefixes_and_regexes),
        TEST(the_first_regex_in_the_file_wins),
        TEST(regexes_win_over_prefixes_but_final_ones),
        TEST(nested_prefixes_are_looked_up_in_the_longest),
        TEST(regexes_of_the_innermost_level_come_first),
        TEST(a_final_prefix_shuts_out_the_regexes_beside_it_only),
        TEST(nested_exact_ones_end_the_search),
        TEST(locations_inside_of_a_regex_are_looked_up),
        TEST(captures_are_those_of_the_last_match),
        TEST(proxied_prefixes_redirect_to_their_slash),
        TEST(the_slash_comes_before_regexes_and_shorter_prefixes),
        TEST(named_locations_are_found_by_name_alone),
        TEST(a_runaway_regex_is_reported),
        TEST(names_are_tried_in_nginx_order),
        TEST(the_longest_wildcard_wins),
        TEST(a_wildcard_stands_for_something),
        TEST(the_first_matching_regex_wins),
        TEST(requests_without_a_host_go_to_the_nameless_server),
        TEST(addresses_are_names_as_well),
        TEST(listeners_without_names_serve_the_default),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
