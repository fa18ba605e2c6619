/* Tests of conf/directive_files: root and alias, try_files, internal: its rows and limits. */
#include "../conf_snapshot.h"
#include "../directive_fixture.h"

#include "conf/directive_files.h"

DIRECTIVE_TABLE_CLAIMS(directive_files_table)

#define LOCATION(text) SERVER("location /a/ {" text "}")

static void mistakes_are_named(void **state)
{
    static const struct {
        const char *text, *line;
    } rows[] = {
        {LOCATION("root $x;"), "unknown \"x\" variable in t.conf:4"},
        {LOCATION("alias $x;"), "unknown \"x\" variable in t.conf:4"},
        {LOCATION("root /a$document_root;"),
         "the $document_root variable cannot be used in the \"root\" directive in t.conf:4"},
        {LOCATION("alias ${realpath_root}/b;"),
         "the $realpath_root variable cannot be used in the \"alias\" directive in t.conf:4"},
        {LOCATION("root /a; alias /b;"),
         "\"alias\" directive is duplicate, \"root\" directive was specified earlier in t.conf:4"},
        {LOCATION("alias /b; root /a;"),
         "\"root\" directive is duplicate, \"alias\" directive was specified earlier in t.conf:4"},
        {LOCATION("alias /b; alias /b;"), "\"alias\" directive is duplicate in t.conf:4"},
        {SERVER("location @a { alias /b; }"),
         "the \"alias\" directive cannot be used inside the named location in t.conf:4"},
        {LOCATION("try_files /a;"), "invalid number of arguments in \"try_files\" directive in "
                                    "t.conf:4"},
        {LOCATION("try_files /a =;"), "invalid code \"=\" in t.conf:4"},
        {LOCATION("try_files /a =x;"), "invalid code \"=x\" in t.conf:4"},
        {LOCATION("try_files /a =$arg_x;"), "invalid code \"=$arg_x\" in t.conf:4"},
        {LOCATION("try_files /a =1000;"), "invalid code \"=1000\" in t.conf:4"},
        {LOCATION("try_files $x =404;"), "unknown \"x\" variable in t.conf:4"},
        {LOCATION("try_files /a /b; try_files /a /b;"),
         "\"try_files\" directive is duplicate in t.conf:4"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_refused(rows[i].text, rows[i].line);
}

static void a_root_starts_at_the_prefix_unless_a_variable_does(void **state)
{
    static const struct {
        const char *text, *root;
    } rows[] = {
        {"root a/;", "/srv/a"}, {"root /;", ""}, {"root /a;", "/a"}, {"root $host;", "$host"}};
    struct draft *d = *state;
    struct block b;

    d->c.options.prefix = SPAN("/srv/");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        block_taken(&b, d, CONTEXT_LOCATION, rows[i].text);
        assert_true(span_equals(b.level.settings.root.text, span_of_cstr(rows[i].root)));
    }
}

static const struct location_conf *prefix_of(const struct location_conf *l)
{
    assert_int_equal(l->prefix_count, 1);
    return l->prefixes[0];
}

static void assert_alias(const struct location_conf *l, const char *path, size_t bytes)
{
    assert_span(l->settings.root.text, path);
    assert_int_equal(l->settings.alias_bytes, bytes);
}

/* Also by locations within, as nginx has it: they stand for the outer one's prefix. */
static void of_root_and_alias_the_nearer_one_counts(void **state)
{
    static const char text[] =
        SERVER("root /r; location /a/ { alias /b/; location /a/c { location /a/c/d { root /r; } "
               "location ~ e { } } }\n"
               "location ~ ^/x(.) { alias /y$1; location ~ z { alias z; } }");
    const struct location_conf *a, *c, *x;
    struct conf_text t;

    taken(&t, text);
    a = prefix_of(root_of(&t));
    c = prefix_of(a);
    x = root_of(&t)->regexes[0];
    assert_alias(root_of(&t), "/r", 0);
    assert_alias(a, "/b/", 3);
    assert_alias(c, "/b/", 3);
    assert_alias(c->regexes[0], "/b/", 3);
    assert_alias(prefix_of(c), "/r", 0);
    assert_alias(x, "/y$1", ALIAS_BYTES_ALL);
    assert_int_equal(x->regexes[0]->settings.alias_bytes, ALIAS_BYTES_ALL);
    conf_text_deinit(&t);
}

static void files_are_tried_where_it_is_said_alone(void **state)
{
    static const char text[] = SERVER("try_files $uri $uri/ / @b; location /a/ { location /a/b {"
                                      " internal; try_files /c =405; } } location @b { }");
    const struct try_files *t;
    const struct location_conf *a;
    struct conf_text c;

    taken(&c, text);
    t = root_of(&c)->try_files;
    assert_int_equal(t->count, 3);
    assert_false(t->files[0].is_directory);
    assert_true(t->files[1].is_directory);
    assert_span(t->files[1].path.text, "$uri");
    assert_true(t->files[2].is_directory);
    assert_int_equal(t->files[2].path.text.len, 0);
    assert_span(t->last.text, "@b");
    assert_int_equal(t->status, 0);
    a = prefix_of(root_of(&c));
    assert_null(a->try_files);
    assert_false(a->is_internal);
    assert_true(prefix_of(a)->is_internal);
    assert_int_equal(prefix_of(a)->try_files->status, 405);
    conf_text_deinit(&c);
}

static void what_is_within_an_internal_location_is_internal(void **state)
{
    struct conf_text c;

    taken(&c, SERVER("location /a/ { internal; location /a/b { } }"));
    assert_true(prefix_of(prefix_of(root_of(&c)))->is_internal);
    conf_text_deinit(&c);
}

static void flags_have_their_values(void **state)
{
    static const struct block_number rows[] = {
        {CONTEXT_HTTP, "recursive_error_pages on;", 1},
        {CONTEXT_HTTP, "log_not_found on;", 1},
        {CONTEXT_HTTP, "log_not_found off;", 0},
        {CONTEXT_LOCATION, "internal;", 1},
    };

    blocks_leave(*state, rows, COUNT_OF(rows));
}

static void memory_at_its_end_is_no_wrong_value(void **state)
{
    static const char *const texts[] = {"root a;", "root $host;", "try_files $uri $host/ =404;"};
    struct draft *d = *state;

    d->c.options.prefix = SPAN("/srv/");
    blocks_want_memory(d, CONTEXT_LOCATION, texts, COUNT_OF(texts));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTIVE_TABLE_TESTS,
        cmocka_unit_test(mistakes_are_named),
        DRAFT_TEST(a_root_starts_at_the_prefix_unless_a_variable_does),
        cmocka_unit_test(of_root_and_alias_the_nearer_one_counts),
        cmocka_unit_test(files_are_tried_where_it_is_said_alone),
        cmocka_unit_test(what_is_within_an_internal_location_is_internal),
        DRAFT_TEST(flags_have_their_values),
        DRAFT_TEST(memory_at_its_end_is_no_wrong_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
