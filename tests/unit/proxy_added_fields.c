/* Tests of proxy/added_fields: when an answer expires, and its trailer. The heads that they come to
 * stand in proxy_heads_response.c. */
#include "../record_fixture.h"

#include <time.h>

#include "proxy/added_fields.h"

#define GET "GET / HTTP/1.1\r\nHost: a\r\n"

static struct added_fields chosen(struct fixture *f, struct expires_rule rule, struct span modified)
{
    struct added_fields out;

    f->location.settings.expires = &rule;
    assert_int_equal(added_fields_choose(&f->record, 200, modified, &out), 0);
    f->location.settings.expires = NULL;
    return out;
}

static void assert_expires(struct fixture *f, struct expires_rule rule, const char *expires,
                           const char *cache_control)
{
    struct added_fields out = chosen(f, rule, SPAN("Fri, 20 Nov 2026 22:45:00 GMT"));

    if (!span_equals(out.expires, span_of_cstr(expires)) ||
        !span_equals(out.cache_control, span_of_cstr(cache_control)))
        fail_msg("%.*s, %.*s", SPAN_ARG(out.expires), SPAN_ARG(out.cache_control));
}

static void each_kind_has_its_time(void **state)
{
    struct fixture *f = *state;

    take_request(f, GET "\r\n");
    assert_expires(f, (struct expires_rule){EXPIRES_AFTER_ACCESS, 60, {0}},
                   "Fri, 20 Nov 2026 22:47:00 GMT", "max-age=60");
    assert_expires(f, (struct expires_rule){EXPIRES_AFTER_ACCESS, -60, {0}},
                   "Fri, 20 Nov 2026 22:45:00 GMT", "no-cache");
    assert_expires(f, (struct expires_rule){EXPIRES_AFTER_CHANGE, 61, {0}},
                   "Fri, 20 Nov 2026 22:46:01 GMT", "max-age=1");
    assert_expires(f, (struct expires_rule){EXPIRES_AFTER_CHANGE, 59, {0}},
                   "Fri, 20 Nov 2026 22:45:59 GMT", "no-cache");
    /* As nginx: nothing at all is added to the time of change, either. */
    assert_expires(f, (struct expires_rule){EXPIRES_AFTER_CHANGE, 0, {0}}, DATE, "max-age=0");
    assert_expires(f, (struct expires_rule){EXPIRES_EPOCH, 0, {0}}, "Thu, 01 Jan 1970 00:00:01 GMT",
                   "no-cache");
    assert_expires(f, (struct expires_rule){EXPIRES_MAX, 0, {0}}, "Thu, 31 Dec 2037 23:55:55 GMT",
                   "max-age=315360000");
}

static void a_time_of_day_comes_next(void **state)
{
    static const struct {
        int64_t seconds;
        const char *expires;
    } rows[] = {
        {0, "Sat, 21 Nov 2026 00:00:00 GMT"},
        {22 * 3600 + 46 * 60, "Sat, 21 Nov 2026 22:46:00 GMT"}, /* now is past */
        {22 * 3600 + 46 * 60 + 1, "Fri, 20 Nov 2026 22:46:01 GMT"},
        {86400, "Sat, 21 Nov 2026 00:00:00 GMT"},
    };
    struct fixture *f = *state;

    assert_int_equal(setenv("TZ", "UTC", 1), 0);
    tzset();
    take_request(f, GET "\r\n");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct expires_rule rule = {EXPIRES_DAILY, rows[i].seconds, {0}};

        assert_true(span_equals(chosen(f, rule, SPAN_NONE).expires, span_of_cstr(rows[i].expires)));
    }
}

static void a_variable_is_read_for_each_answer(void **state)
{
    struct fixture *f = *state;
    struct expires_rule rule = {EXPIRES_AFTER_ACCESS, 0, compiled(f, "$arg_e")};

    take_request(f, "GET /?e=1m HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_expires(f, rule, "Fri, 20 Nov 2026 22:47:00 GMT", "max-age=60");
    rule.kind = EXPIRES_AFTER_CHANGE;
    assert_expires(f, rule, DATE, "max-age=0");
    take_request(f, "GET /?e=nonsense HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_expires(f, rule, "", "");
    assert_int_equal(chosen(f, rule, SPAN_NONE).replaced, 0);
}

static void trailers_are_for_chunked_answers(void **state)
{
    static const struct {
        const char *request;
        unsigned status;
        bool is_wanted;
    } rows[] = {
        {GET "\r\n", 200, true},
        {GET "\r\n", 301, true},
        {GET "\r\n", 404, false},
        {GET "\r\n", 204, false},
        {GET "\r\n", 304, false},
        {"GET / HTTP/1.0\r\n\r\n", 200, false},
        {"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", 200, false},
    };
    struct fixture *f = *state;
    struct add_header trailer = {.name = SPAN("X-T"), .value = compiled(f, "$status")};

    take_request(f, GET "\r\n");
    assert_false(added_trailers_are_wanted(&f->record, 200));
    f->location.settings.add_trailers = &trailer;
    f->location.settings.add_trailer_count = 1;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        take_request(f, rows[i].request);
        assert_int_equal(added_trailers_are_wanted(&f->record, rows[i].status), rows[i].is_wanted);
    }
}

static void trailers_are_written_and_kept(void **state)
{
    struct fixture *f = *state;
    struct add_header trailers[] = {
        {.name = SPAN("X-A"), .value = compiled(f, "$status")},
        {.name = SPAN("X-None"), .value = compiled(f, "$arg_none")},
        {.name = SPAN("X-Evil"), .value = compiled(f, "$uri")},
        {.name = SPAN("X-B"), .value = compiled(f, "b"), .is_always = true},
    };

    take_request(f, "GET /%0d%0aX:y HTTP/1.1\r\nHost: a\r\n\r\n");
    f->location.settings.add_trailers = trailers;
    f->location.settings.add_trailer_count = COUNT_OF(trailers);
    f->record.status = 200;
    assert_int_equal(added_trailers_write(&f->record), 0);
    assert_string_equal(sent_to_client(f), "X-A: 200\r\nX-B: b\r\n");
    assert_true(span_equals(f->record.sent_trailers, SPAN("X-A: 200\r\nX-B: b\r\n")));
    f->record.status = 404;
    assert_int_equal(added_trailers_write(&f->record), 0);
    assert_string_equal(sent_to_client(f), "X-B: b\r\n");
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(each_kind_has_its_time),
        CLAIM(a_time_of_day_comes_next),
        CLAIM(a_variable_is_read_for_each_answer),
        CLAIM(trailers_are_for_chunked_answers),
        CLAIM(trailers_are_written_and_kept),
    };

    return cmocka_run_group_tests_name("proxy_added_fields", tests, NULL, NULL);
}
