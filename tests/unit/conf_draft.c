/* Tests of conf/draft: lists, paths, and what is kept once of regexes and log files. */
#include "../draft_fixture.h"

static const struct origin here = {.file = {"t.conf", 6}, .line = 3};

static void a_list_keeps_what_it_has_when_it_grows(void **state)
{
    struct draft *d = *state;
    struct vector v = {0};
    const unsigned *all;

    for (unsigned i = 0; i < 100; i++) {
        unsigned *added = vector_add(&d->c, &v, sizeof(*added));

        assert_non_null(added);
        assert_int_equal(*added, 0);
        *added = i + 1;
    }
    assert_int_equal(v.count, 100);
    all = v.items;
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(all[i], i + 1);
}

static void an_element_is_cleared_where_another_was_taken_back(void **state)
{
    struct draft *d = *state;
    struct vector v = {0};
    unsigned *first = vector_add(&d->c, &v, sizeof(*first));

    *first = 7;
    v.count--;
    assert_ptr_equal(vector_add(&d->c, &v, sizeof(*first)), first);
    assert_int_equal(*first, 0);
}

static void memory_at_its_end_is_said(void **state)
{
    struct draft *d = *state;
    struct log_file *file;
    struct vector v = {0};

    d->c.arena->total_bytes_max = 1;
    assert_null(vector_add(&d->c, &v, 1 << 20));
    draft_assert_said(d, "[emerg] no memory left to build the configuration");
    assert_int_equal(v.count, 0);
    assert_null(conf_path(&d->c, SPAN("/a")).data);
    draft_assert_said(d, "[emerg] no memory left to build the configuration");
    for (size_t bytes = 0, rc = 1; rc; bytes += 16) {
        d->c.log_files = (struct vector){0};
        draft_leave_bytes(d, bytes);
        rc = conf_log_file(&d->c, SPAN("/a"), &file) != 0;
        draft_assert_said(d, rc ? "[emerg] no memory left to build the configuration" : "");
    }
}

static void relative_paths_get_the_prefix_of_their_kind(void **state)
{
    struct draft *d = *state;

    d->c.options.prefix = SPAN("/srv/");
    d->c.options.conf_prefix = SPAN("/etc/ringway/");
    assert_string_equal(conf_path(&d->c, SPAN("a")).data, "/srv/a");
    assert_string_equal(conf_path(&d->c, SPAN("/a")).data, "/a");
    assert_string_equal(conf_path(&d->c, SPAN("")).data, "/srv/");
    assert_string_equal(conf_file_path(&d->c, SPAN("a")).data, "/etc/ringway/a");
    assert_string_equal(conf_file_path(&d->c, SPAN("/a")).data, "/a");
}

static void without_a_prefix_paths_stay_as_they_are(void **state)
{
    struct draft *d = *state;

    assert_string_equal(conf_path(&d->c, SPAN("a")).data, "a");
    assert_string_equal(conf_file_path(&d->c, SPAN("a/b")).data, "a/b");
}

static void mistakes_are_logged_with_their_origin(void **state)
{
    struct draft *d = *state;
    const struct node n = {.origin = here};

    assert_int_equal(conf_fail(&d->c, &n, "a %d", 1), -EINVAL);
    draft_assert_said(d, "[emerg] a 1 in t.conf:3");
    assert_int_equal(conf_fail_at(&d->c, &here, "%s", "100%s"), -EINVAL);
    draft_assert_said(d, "[emerg] 100%s in t.conf:3");
    conf_warn(&d->c, &here, "b");
    draft_assert_said(d, "[warn] b in t.conf:3");
}

static void equal_regexes_are_one(void **state)
{
    struct draft *d = *state;
    struct regex *a, *b, *other;

    assert_int_equal(conf_regex(&d->c, &here, SPAN("^/a"), false, &a), 0);
    assert_int_equal(conf_regex(&d->c, &here, SPAN("^/a"), false, &b), 0);
    assert_ptr_equal(a, b);
    assert_int_equal(conf_regex(&d->c, &here, SPAN("^/a"), true, &other), 0);
    assert_ptr_not_equal(a, other);
    assert_int_equal(conf_regex(&d->c, &here, SPAN("^/b"), false, &other), 0);
    assert_ptr_not_equal(a, other);
    assert_int_equal(d->c.regexes.count, 3);
}

static void a_regex_that_is_wrong_is_not_kept(void **state)
{
    struct draft *d = *state;
    struct regex *r;

    for (int i = 0; i < 2; i++) {
        assert_int_equal(conf_regex(&d->c, &here, SPAN("("), false, &r), -EINVAL);
        assert_non_null(strstr(draft_said(d), " in t.conf:3\n"));
        assert_int_equal(d->c.regexes.count, 0);
    }
}

static void named_groups_are_variables_of_templates(void **state)
{
    struct draft *d = *state;
    struct template t;
    struct regex *r;

    assert_int_equal(conf_template(&d->c, &here, SPAN("$who"), &t), -EINVAL);
    draft_assert_said(d, "[emerg] unknown \"who\" variable in t.conf:3");
    assert_int_equal(conf_regex(&d->c, &here, SPAN("^/(?<who>.*)$"), false, &r), 0);
    assert_int_equal(conf_template(&d->c, &here, SPAN("$who"), &t), 0);
    draft_assert_said(d, "");
}

static void assert_learnt(struct draft *d, const char *word, enum user_variable_kind kind)
{
    assert_int_equal(conf_learn_variable(&d->c, &here, span_of_cstr(word), kind), 0);
    draft_assert_said(d, "");
}

static void variables_are_learnt_once_in_any_case(void **state)
{
    struct draft *d = *state;
    struct template t;

    assert_learnt(d, "$Mine", USER_VARIABLE_SET);
    assert_learnt(d, "$other", USER_VARIABLE_SET);
    assert_learnt(d, "$mINE", USER_VARIABLE_SET);
    assert_int_equal(d->c.variables.count, 2);
    assert_true(span_equals(conf_user_variable(&d->c, SPAN("MINE"))->name, SPAN("mine")));
    assert_null(conf_user_variable(&d->c, SPAN("min")));
    assert_int_equal(conf_template(&d->c, &here, SPAN("$OTHER"), &t), 0);
    assert_int_equal(t.parts[0].variable, VARIABLE_USER);
    assert_int_equal(t.parts[0].number, 1);
}

static void set_leaves_a_variable_its_kind(void **state)
{
    struct draft *d = *state;

    assert_learnt(d, "$v", USER_VARIABLE_SET);
    assert_learnt(d, "$v", USER_VARIABLE_CAPTURE);
    assert_int_equal(conf_user_variable(&d->c, SPAN("v"))->kind, USER_VARIABLE_CAPTURE);
    assert_learnt(d, "$v", USER_VARIABLE_SET);
    assert_int_equal(conf_user_variable(&d->c, SPAN("v"))->kind, USER_VARIABLE_CAPTURE);
}

static void few_of_the_programs_variables_may_be_shadowed(void **state)
{
    static const char *const good[] = {"$http_x", "$arg_a", "$ssl_protocol", "$proxy_host"};
    static const char *const bad[] = {"uri", "host", "args", "upstream_addr", "hostname"};
    struct draft *d = *state;
    const struct template_part *shadowed;
    char line[128];

    for (size_t i = 0; i < COUNT_OF(good); i++)
        assert_learnt(d, good[i], USER_VARIABLE_SET);
    shadowed = conf_user_variable(&d->c, SPAN("http_x"))->source;
    assert_int_equal(shadowed->variable, VARIABLE_HTTP_);
    assert_true(span_equals(shadowed->text, SPAN("x")));
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct span word = arena_printf(d->c.arena, "$%s", bad[i]);

        assert_int_equal(conf_learn_variable(&d->c, &here, word, USER_VARIABLE_SET), -EINVAL);
        snprintf(line, sizeof(line), "[emerg] the duplicate \"%s\" variable in t.conf:3", bad[i]);
        draft_assert_said(d, line);
    }
}

static void a_variable_is_learnt_with_its_dollar(void **state)
{
    struct draft *d = *state;

    assert_int_equal(conf_learn_variable(&d->c, &here, SPAN("v"), USER_VARIABLE_SET), -EINVAL);
    draft_assert_said(d, "[emerg] invalid variable name \"v\" in t.conf:3");
    assert_int_equal(conf_learn_variable(&d->c, &here, SPAN("$"), USER_VARIABLE_SET), -EINVAL);
    draft_assert_said(d, "[emerg] invalid variable name \"$\" in t.conf:3");
}

static void a_group_knows_its_variable(void **state)
{
    struct draft *d = *state;
    size_t number, variable;
    struct regex *r;

    assert_learnt(d, "$first", USER_VARIABLE_SET);
    assert_int_equal(conf_regex(&d->c, &here, SPAN("(.)(?<b>.)(?<a>.)"), false, &r), 0);
    assert_true(regex_bound_group(r, 0, &number, &variable)); /* a: the first by name */
    assert_int_equal(number, 3);
    assert_int_equal(variable, 1);
    assert_true(regex_bound_group(r, 1, &number, &variable));
    assert_int_equal(number, 2);
    assert_int_equal(variable, 2);
    assert_int_equal(conf_regex(&d->c, &here, SPAN("(?<uri>.)"), false, &r), -EINVAL);
    draft_assert_said(d, "[emerg] the duplicate \"uri\" variable in t.conf:3");
}

static void a_path_has_one_log_file(void **state)
{
    struct draft *d = *state;
    struct log_file *a, *b, *error;

    assert_int_equal(conf_log_file(&d->c, SPAN("/a"), &a), 0);
    assert_int_equal(conf_log_file(&d->c, SPAN(""), &error), 0);
    assert_int_equal(conf_log_file(&d->c, SPAN("/a"), &b), 0);
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, error);
    assert_int_equal(d->c.log_files.count, 2);
    assert_int_equal(a->index, 0);
    assert_int_equal(error->index, 1);
    assert_int_equal(a->fd, -1);
    assert_false(a->is_used);
    assert_false(a->is_preset);
    conf_use_log_file(&d->c, error);
    assert_true(error->is_used);
    assert_false(a->is_used);
}

static void a_log_file_of_a_default_is_known_as_such(void **state)
{
    struct draft *d = *state;
    struct log_file *file;

    d->c.is_in_preset = true;
    assert_int_equal(conf_log_file(&d->c, SPAN("/a"), &file), 0);
    assert_true(file->is_preset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DRAFT_TEST(a_list_keeps_what_it_has_when_it_grows),
        DRAFT_TEST(an_element_is_cleared_where_another_was_taken_back),
        DRAFT_TEST(memory_at_its_end_is_said),
        DRAFT_TEST(relative_paths_get_the_prefix_of_their_kind),
        DRAFT_TEST(without_a_prefix_paths_stay_as_they_are),
        DRAFT_TEST(mistakes_are_logged_with_their_origin),
        DRAFT_TEST(equal_regexes_are_one),
        DRAFT_TEST(a_regex_that_is_wrong_is_not_kept),
        DRAFT_TEST(named_groups_are_variables_of_templates),
        DRAFT_TEST(variables_are_learnt_once_in_any_case),
        DRAFT_TEST(set_leaves_a_variable_its_kind),
        DRAFT_TEST(few_of_the_programs_variables_may_be_shadowed),
        DRAFT_TEST(a_variable_is_learnt_with_its_dollar),
        DRAFT_TEST(a_group_knows_its_variable),
        DRAFT_TEST(a_path_has_one_log_file),
        DRAFT_TEST(a_log_file_of_a_default_is_known_as_such),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
