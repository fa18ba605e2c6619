/* Tests of proxy/verdict: where a request goes, and where redirects within lead it. */
#include "../exchange_fixture.h"
#include "../script_text.h"

static void a_regex_that_runs_away_is_told(void **state)
{
    struct stage *s = *state;
    struct location_conf l = {.kind = LOCATION_REGEX};
    struct location_conf *list[] = {&l};
    char error[128], uri[64] = "/";

    assert_int_equal(regex_new(SPAN("^/(a+)+$"), false, &l.regex, error, sizeof(error)), 0);
    s->server.root.regexes = list;
    s->server.root.regex_count = 1;
    memset(uri + 1, 'a', sizeof(uri) - 2);
    uri[sizeof(uri) - 2] = '!';
    s->x->record.uri = SPAN("/aaa");
    assert_int_equal(locate(s->x), GO_ON);
    assert_int_equal(s->x->step, STEP_CONTENT);
    assert_ptr_equal(s->x->record.location, &l);
    s->x->record.uri = span_of(uri, sizeof(uri) - 1);
    assert_int_equal(locate(s->x), GO_ON);
    assert_int_equal(s->x->reply.plan.status, 500);
    assert_true(span_starts_with(s->x->record.detail, SPAN("a regex of the configuration")));
    s->x->record.uri = SPAN("/b");
    assert_int_equal(locate(s->x), GO_ON); /* it is not told twice */
    assert_int_equal(s->x->step, STEP_CONTENT);
    assert_ptr_equal(s->x->record.location, &s->server.root);
    regex_free(l.regex);
}

static void assert_goes_to(struct stage *s, const char *uri, const struct location_conf *l)
{
    assert_int_equal(redirect_within(s->x, span_of_cstr(uri), SPAN("a=b")), GO_ON);
    assert_int_equal(s->x->step, STEP_CONTENT);
    assert_ptr_equal(s->x->record.location, l);
    assert_true(span_equals(s->x->record.uri, span_of_cstr(uri)));
    assert_true(span_equals(s->x->record.args, SPAN("a=b")));
    assert_true(s->x->record.is_rewritten);
}

static void a_redirect_within_may_lead_to_another_location(void **state)
{
    struct stage *s = *state;
    struct location_conf pages = {.kind = LOCATION_PREFIX, .pattern = SPAN("/pages/")};
    struct location_conf *list[] = {&pages};

    s->server.root.prefixes = list;
    s->server.root.prefix_count = 1;
    assert_goes_to(s, "/pages/index.html", &pages);
    assert_goes_to(s, "/index.html", &s->server.root);
}

static void redirects_in_a_circle_are_an_error(void **state)
{
    struct stage *s = *state;

    for (int i = 0; i < REDIRECTS_MAX; i++)
        assert_goes_to(s, "/", &s->server.root);
    for (int i = 0; i < 2; i++) { /* also once its error_page has led into the circle */
        assert_int_equal(redirect_within(s->x, SPAN("/\n"), SPAN_NONE), GO_ON);
        assert_int_equal(s->x->step, STEP_DRAIN);
        assert_int_equal(s->x->record.outcome, OUTCOME_INTERNAL);
        assert_true(span_ends_with(s->x->record.detail, SPAN(" to \"/\\x0A\"")));
    }
}

static void an_internal_location_is_not_there_for_strangers(void **state)
{
    struct stage *s = *state;
    struct location_conf inner = {
        .kind = LOCATION_PREFIX, .pattern = SPAN("/inner"), .is_internal = true};
    struct location_conf *list[] = {&inner};

    s->server.root.prefixes = list;
    s->server.root.prefix_count = 1;
    s->x->record.uri = SPAN("/inner/a");
    assert_int_equal(locate(s->x), GO_ON);
    assert_int_equal(s->x->step, STEP_DRAIN);
    assert_int_equal(s->x->reply.plan.status, 404);
    assert_goes_to(s, "/inner/a", &inner);
    s->x->record.location = &s->server.root;
}

static void a_redirect_within_begins_in_the_server(void **state)
{
    struct stage *s = *state;

    s->server.root.script = SCRIPT_OF_RETURN(204);
    assert_int_equal(redirect_within(s->x, SPAN("/a"), SPAN_NONE), GO_ON);
    assert_int_equal(s->x->step, STEP_REWRITE);
}

static void groups_that_find_no_memory_are_503(void **state)
{
    struct stage *s = *state;
    struct location_conf found = s->server.root, *regexes[] = {&found};
    char error[128] = "";

    assert_int_equal(regex_new(SPAN("^/(?<x>a)$"), false, &found.regex, error, sizeof(error)), 0);
    regex_bind(found.regex, 0, 0);
    found.kind = LOCATION_REGEX;
    s->server.root.regexes = regexes;
    s->server.root.regex_count = 1;
    s->world.snapshot.user_variables.count = EXCHANGE_ARENA_BYTES_MAX; /* of several bytes each */
    s->x->record.uri = SPAN("/a");
    assert_int_equal(locate(s->x), GO_ON);
    assert_int_equal(s->x->record.outcome, OUTCOME_NO_MEMORY);
    assert_int_equal(s->x->reply.plan.status, 503);
    s->x->record.location = &s->server.root;
    regex_free(found.regex);
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, stage_set_up, stage_tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(a_regex_that_runs_away_is_told),
        CLAIM(a_redirect_within_may_lead_to_another_location),
        CLAIM(redirects_in_a_circle_are_an_error),
        CLAIM(an_internal_location_is_not_there_for_strangers),
        CLAIM(a_redirect_within_begins_in_the_server),
        CLAIM(groups_that_find_no_memory_are_503),
    };

    return cmocka_run_group_tests_name("proxy_verdict_location", tests, bench_init, bench_deinit);
}
