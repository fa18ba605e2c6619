/* Tests of proxy/forced_range: which part of an upstream's answer is asked for. */
#include "../record_fixture.h"

#include "proxy/forced_range.h"

static enum forced_range plan_for(struct fixture *f, const char *fields, unsigned status,
                                  struct response_plan *plan, struct relay_part *part)
{
    char text[512];

    snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
    take_request(f, text);
    take_response(f, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: \"e\"\r\n"
                     "Accept-Ranges: none\r\n\r\n");
    *plan = (struct response_plan){.status = status,
                                   .framing = FRAMING_LENGTH,
                                   .content_length = 10,
                                   .has_content_length = true};
    return forced_range_plan(&f->record, plan, &f->response.head, part);
}

static void a_part_is_cut_out(void **state)
{
    struct response_plan plan;
    struct relay_part part;

    assert_int_equal(plan_for(*state, "Range: bytes=2-4\r\n", 200, &plan, &part), FORCED_PART);
    assert_int_equal(plan.status, 206);
    assert_int_equal(plan.content_length, 3);
    assert_string_equal(plan.content_range.data, "bytes 2-4/10");
    assert_false(plan.accepts_ranges);
    assert_int_equal(part.skip_bytes, 2);
    assert_int_equal(part.left_bytes, 3);
}

static void the_rest_is_whole(void **state)
{
    static const char *const fields[] = {"", "Range: bytes=0-1,3-4\r\n", "Range: lines=1-2\r\n",
                                         "Range: bytes=0-1\r\nIf-Range: \"f\"\r\n"};
    struct fixture *f = *state;
    struct response_plan plan;
    struct relay_part part;

    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        assert_int_equal(plan_for(f, fields[i], 200, &plan, &part), FORCED_WHOLE);
        assert_int_equal(plan.status, 200);
        assert_true(plan.accepts_ranges);
        assert_null(head_find(&f->response.head, FIELD_ACCEPT_RANGES));
    }
    assert_int_equal(plan_for(f, "Range: bytes=2-4\r\n", 404, &plan, &part), FORCED_WHOLE);
    assert_false(plan.accepts_ranges);
    assert_non_null(head_find(&f->response.head, FIELD_ACCEPT_RANGES));
}

static void what_is_behind_the_end_is_refused(void **state)
{
    struct response_plan plan;
    struct relay_part part;

    assert_int_equal(plan_for(*state, "Range: bytes=9-\r\n", 200, &plan, &part), FORCED_PART);
    assert_int_equal(plan_for(*state, "Range: bytes=10-\r\n", 200, &plan, &part),
                     FORCED_UNSATISFIABLE);
    assert_string_equal(plan.content_range.data, "bytes */10");
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(a_part_is_cut_out),
        CLAIM(the_rest_is_whole),
        CLAIM(what_is_behind_the_end_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
