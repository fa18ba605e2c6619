/* Tests of conf/build_flow: how fast and how far ahead answers go, as a snapshot has it. */
#include "../conf_snapshot.h"

/* The next text in the place of the last one. */
static void build(struct conf_text *t, const char *text)
{
    conf_text_deinit(t);
    taken(t, text);
}

static void heads_are_as_large_as_their_buffer(void **state)
{
    struct conf_text text = {0}, *t = &text;

    (void)state;
    taken(t, SERVER("proxy_buffer_size 8k;"));
    assert_int_equal(root_of(t)->settings.response_limits->head_bytes_max, 8192);
    build(t, SERVER(""));
    assert_int_equal(root_of(t)->settings.response_limits->head_bytes_max, 4096);
    build(t, SERVER("proxy_buffer_size 1m; proxy_buffers 8 1m;"));
    assert_int_equal(root_of(t)->settings.response_limits->head_bytes_max, RESPONSE_HEAD_BYTES_MAX);
    conf_text_deinit(t);
}

static void buffers_that_nobody_wrote_are_the_workers(void **state)
{
    struct conf_text text = {0}, *t = &text;

    (void)state;
    taken(t, SERVER(""));
    assert_int_equal(root_of(t)->settings.response_waiting_max, 0);
    assert_true(root_of(t)->settings.proxy_buffering);
    build(t, SERVER("proxy_buffers 4 8k; proxy_buffering off;"));
    assert_int_equal(root_of(t)->settings.response_waiting_max, 32768);
    assert_false(root_of(t)->settings.proxy_buffering);
    conf_text_deinit(t);
}

static void a_rate_that_is_none_costs_nothing(void **state)
{
    struct conf_text text = {0}, *t = &text;

    (void)state;
    taken(t, SERVER("limit_rate 0; limit_rate_after 1k; proxy_limit_rate 0;"));
    assert_null(root_of(t)->settings.rates);
    build(t, SERVER("limit_rate 1;"));
    assert_true(span_equals(root_of(t)->settings.rates->limit_rate.text, SPAN("1")));
    build(t, SERVER("proxy_limit_rate $arg_rate;"));
    assert_non_null(root_of(t)->settings.rates);
    conf_text_deinit(t);
}

static void levels_have_what_is_around_them(void **state)
{
    struct conf_text text = {0}, *t = &text;
    const struct location_conf *root;

    (void)state;
    taken(t, SERVER("limit_rate 5; proxy_buffers 4 8k; location /a { } "
                    "location /b { limit_rate_after 7; }"));
    root = root_of(t);
    assert_ptr_equal(root->prefixes[0]->settings.rates, root->settings.rates);
    assert_ptr_equal(root->prefixes[0]->settings.response_limits, root->settings.response_limits);
    assert_int_equal(root->prefixes[0]->settings.response_waiting_max, 32768);
    assert_true(span_equals(root->prefixes[1]->settings.rates->limit_rate.text, SPAN("5")));
    assert_true(span_equals(root->prefixes[1]->settings.rates->limit_rate_after.text, SPAN("7")));
    conf_text_deinit(t);
}

static void sizes_must_fit_each_other(void **state)
{
    static const char below[] =
        "must be equal to or greater than the maximum of the value of "
        "\"proxy_buffer_size\" and one of the \"proxy_buffers\" in t.conf:4";
    static const char beyond[] = "\"proxy_busy_buffers_size\" must be less than the size of all "
                                 "\"proxy_buffers\" minus one buffer in t.conf:4";
    static const struct {
        const char *text, *message;
    } rows[] = {
        {SERVER("proxy_busy_buffers_size 4095;"), below},
        {SERVER("proxy_busy_buffers_size 28673;"), beyond},
        {SERVER("proxy_buffers 3 4k; proxy_buffer_size 4097;"), beyond},
        {SERVER("proxy_temp_file_write_size 4095;"), below},
        {SERVER("proxy_max_temp_file_size 4095;"), below},
    };
    struct conf_text text = {0}, *t = &text;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        conf_text_build(t, rows[i].text);
        assert_int_equal(t->rc, -EINVAL);
        if (!strstr(t->log, rows[i].message))
            fail_msg("%s", t->log);
    }
    taken(t, SERVER("proxy_busy_buffers_size 28672; proxy_max_temp_file_size 0; "
                    "proxy_temp_file_write_size 4096;"));
    conf_text_deinit(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_as_large_as_their_buffer),
        cmocka_unit_test(buffers_that_nobody_wrote_are_the_workers),
        cmocka_unit_test(a_rate_that_is_none_costs_nothing),
        cmocka_unit_test(levels_have_what_is_around_them),
        cmocka_unit_test(sizes_must_fit_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
