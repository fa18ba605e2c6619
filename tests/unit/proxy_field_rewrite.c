/* Tests of proxy/field_rewrite. */
#include "../record_fixture.h"

#include "proxy/field_rewrite.h"

struct rule_texts {
    const char *from, *to;
    bool is_regex;
};

static int set_up_regexes(void **state)
{
    struct fixture *f;

    (void)set_up(state);
    f = *state;
    f->engine.regex_scratch = regex_scratch_new();
    assert_non_null(f->engine.regex_scratch);
    parser_begin_request(&f->request, &f->limits, &f->arena);
    take_request(f, "GET /p?v=arg HTTP/1.1\r\nHost: a.example\r\n\r\n");
    return 0;
}

static int tear_down_regexes(void **state)
{
    struct fixture *f = *state;

    regex_scratch_free(f->engine.regex_scratch);
    return tear_down(state);
}

static struct regex *regex_of(const char *pattern)
{
    struct regex *regex;
    char error[128];

    assert_int_equal(regex_new(span_of_cstr(pattern), false, &regex, error, sizeof(error)), 0);
    return regex;
}

static struct replacements replacements_of(struct fixture *f, const struct rule_texts *rows,
                                           size_t count)
{
    struct replacement *all = arena_zalloc(&f->conf_arena, count * sizeof(*all));

    for (size_t i = 0; i < count; i++) {
        all[i].to = compiled(f, rows[i].to);
        if (rows[i].is_regex)
            all[i].regex = regex_of(rows[i].from);
        else
            all[i].from = compiled(f, rows[i].from);
    }
    return (struct replacements){all, count};
}

static void free_regexes(const struct replacements *all)
{
    for (size_t i = 0; i < all->count; i++) {
        if (all->rows[i].regex)
            regex_free((struct regex *)(uintptr_t)all->rows[i].regex);
    }
}

static void assert_rewritten(struct fixture *f, const struct field_rules *rules, enum field_id id,
                             const char *from, const char *to)
{
    struct span value = span_of_cstr(from);

    f->location.settings.field_rules = rules;
    assert_int_equal(field_rewrite(&f->record, id, &value), 0);
    if (!span_equals(value, span_of_cstr(to)))
        fail_msg("\"%s\" became \"%.*s\"", from, SPAN_ARG(value));
}

static void the_first_rule_that_fits_is_applied(void **state)
{
    static const struct rule_texts rows[] = {
        {"http://one/", "http://two/", false},
        {"^http://(\\w+)/(\\w*)x$", "$2-$1", true},
        {"http://$arg_v/", "http://$host/", false},
        {"http://", "never for one", false},
    };
    struct fixture *f = *state;
    struct field_rules rules = {.redirects = replacements_of(f, rows, COUNT_OF(rows))};

    assert_rewritten(f, &rules, FIELD_LOCATION, "http://one/a", "http://two/a");
    assert_rewritten(f, &rules, FIELD_LOCATION, "http://other/abx", "ab-other");
    assert_rewritten(f, &rules, FIELD_LOCATION, "http://arg/", "http://a.example/");
    assert_rewritten(f, &rules, FIELD_LOCATION, "http://x", "never for onex");
    assert_rewritten(f, &rules, FIELD_LOCATION, "http:/x", "http:/x");
    assert_rewritten(f, &rules, FIELD_LOCATION, "", "");
    assert_rewritten(f, &rules, FIELD_REFRESH, "1;URL=http://one/a", "1;URL=http://two/a");
    assert_rewritten(f, &rules, FIELD_REFRESH, "http://one/a", "http://one/a");
    assert_rewritten(f, &rules, FIELD_REFRESH, "url", "url");
    assert_rewritten(f, &rules, FIELD_SET_COOKIE, "http://one/", "http://one/");
    free_regexes(&rules.redirects);
}

static void a_path_becomes_a_url_of_this_server(void **state)
{
    static const struct rule_texts rows[] = {{"/u/", "/p/", false}, {"x", "", false}};
    struct fixture *f = *state;
    struct field_rules rules = {.redirects = replacements_of(f, rows, COUNT_OF(rows))};

    assert_rewritten(f, &rules, FIELD_LOCATION, "/u/a", "http://a.example:8080/p/a");
    assert_rewritten(f, &rules, FIELD_LOCATION, "x", "");
    assert_rewritten(f, &rules, FIELD_REFRESH, "0;url=/u/a", "0;url=/p/a");
}

static void domains_are_compared_as_a_whole(void **state)
{
    static const struct rule_texts rows[] = {
        {"one.test", "two.test", false}, {"^\\.(\\w+)\\.r$", "$1.q", true}, {"", "set", false}};
    struct fixture *f = *state;
    struct field_rules rules = {.cookie_domains = replacements_of(f, rows, COUNT_OF(rows))};

    assert_rewritten(f, &rules, FIELD_SET_COOKIE, "a=1;Domain=ONE.test", "a=1; Domain=two.test");
    assert_rewritten(f, &rules, FIELD_SET_COOKIE, "a=1;domain=.one.test", "a=1; domain=.two.test");
    assert_rewritten(f, &rules, FIELD_SET_COOKIE, "a=1;Domain=one.test2", "a=1;Domain=one.test2");
    assert_rewritten(f, &rules, FIELD_SET_COOKIE, "a=1;Domain=.s.r", "a=1; Domain=s.q");
    assert_rewritten(f, &rules, FIELD_SET_COOKIE, "a=1;Domain=.", "a=1; Domain=.set");
    assert_rewritten(f, &rules, FIELD_SET_COOKIE, "a=1;Domain", "a=1;Domain");
    assert_rewritten(f, &rules, FIELD_SET_COOKIE, "Domain=one.test", "Domain=one.test");
    assert_rewritten(f, &rules, FIELD_SET_COOKIE, "a;Domain=one.test", "a;Domain=one.test");
    free_regexes(&rules.cookie_domains);
}

static void flags_come_and_go(void **state)
{
    static const struct {
        const char *flags[2];
        const char *from, *to;
    } rows[] = {
        {{"secure", "httponly"}, "c=1", "c=1; Secure; HttpOnly"},
        {{"secure", "nosecure"}, "c=1;SECURE;a;secure", "c=1; a"},
        {{"nosecure", "secure"}, "c=1;SECURE;a", "c=1; SECURE; a"},
        {{"nohttponly", "samesite=lax"}, "c=1;HttpOnly", "c=1; SameSite=Lax"},
        {{"samesite=lax", "samesite=none"}, "c=1;samesite=x;samesite;a", "c=1; SameSite=None; a"},
        {{"samesite=strict", "secure"}, "c=1", "c=1; Secure; SameSite=Strict"},
        {{"nosamesite", ""}, "c=1;samesite=lax;SameSite;b", "c=1; b"},
        {{"", "$arg_none"}, "c=1;a", "c=1; a"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct template flags[2] = {compiled(f, rows[i].flags[0]), compiled(f, rows[i].flags[1])};
        struct cookie_flags row = {.name = compiled(f, "C"), .flags = flags, .flag_count = 2};
        struct field_rules rules = {.cookie_flags = &row, .cookie_flags_count = 1};

        assert_rewritten(f, &rules, FIELD_SET_COOKIE, rows[i].from, rows[i].to);
        assert_rewritten(f, &rules, FIELD_SET_COOKIE, "other=1;a", "other=1;a");
        assert_rewritten(f, &rules, FIELD_SET_COOKIE, "c", "c");
    }
}

static void a_regex_that_runs_away_is_told(void **state)
{
    static const struct rule_texts rows[] = {{"^(a+)+$", "", true}};
    struct fixture *f = *state;
    struct field_rules rules = {.redirects = replacements_of(f, rows, COUNT_OF(rows))};
    char text[2001];
    struct span value = span_of(text, 2000);

    memset(text, 'a', sizeof(text));
    text[1999] = 'b';
    f->location.settings.field_rules = &rules;
    assert_int_equal(field_rewrite(&f->record, FIELD_LOCATION, &value), -ELOOP);
    assert_false(regex_take_runaway(f->engine.regex_scratch));
    free_regexes(&rules.redirects);
}

static void memory_that_is_at_its_end_is_told(void **state)
{
    static const struct rule_texts rows[] = {{"/", "/p/", false}};
    struct fixture *f = *state;
    struct field_rules rules = {.redirects = replacements_of(f, rows, COUNT_OF(rows)),
                                .cookie_paths = replacements_of(f, rows, COUNT_OF(rows))};
    struct span value = SPAN("/x");
    struct arena none;

    arena_init(&none, 16, 16);
    while (arena_alloc(&none, 16))
        continue;
    f->record.arena = &none;
    f->location.settings.field_rules = &rules;
    assert_int_equal(field_rewrite(&f->record, FIELD_LOCATION, &value), -ENOMEM);
    value = SPAN("a=1;Path=/x");
    assert_int_equal(field_rewrite(&f->record, FIELD_SET_COOKIE, &value), -ENOMEM);
    f->record.arena = &f->arena;
    arena_deinit(&none);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_regexes, tear_down_regexes)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_rule_that_fits_is_applied), TEST(a_path_becomes_a_url_of_this_server),
        TEST(domains_are_compared_as_a_whole),     TEST(flags_come_and_go),
        TEST(a_regex_that_runs_away_is_told),      TEST(memory_that_is_at_its_end_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
