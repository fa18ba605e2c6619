/* Tests of proxy/variable_upstream: one value for each try. */
#include "../record_fixture.h"

#include "proxy/variable_upstream.h"

#define AT(member) (&(struct value_key){.offset = offsetof(struct try_record, member)})

#define assert_value(value, text)                                                 \
    do {                                                                          \
        struct span value_ = (value);                                             \
                                                                                  \
        if (!value_.data || !span_equals(value_, span_of_cstr(text)))             \
            fail_msg("\"%.*s\", not \"%s\"", (int)value_.len, value_.data, text); \
    } while (0)

static void without_a_try_there_is_no_value(void **state)
{
    struct record *r = &((struct fixture *)*state)->record;
    struct value_key key = {.offset = 0};

    assert_null(upstream_value_address(r, &key).data);
    assert_null(upstream_value_last_name(r, &key).data);
    assert_null(upstream_value_status(r, &key).data);
    assert_null(upstream_value_u64(r, AT(bytes_sent)).data);
    assert_null(upstream_value_seconds(r, AT(connect_us)).data);
    assert_null(upstream_value_text(r, AT(protocol)).data);
    assert_null(upstream_value_session_reused(r, &key).data);
    assert_false(r->lacks_memory);
}

static void where_no_peer_could_be_tried_the_group_stands_for_it(void **state)
{
    struct fixture *f = *state;
    struct value_key key = {.offset = 0};

    f->record.outcome = OUTCOME_NO_PEER;
    f->record.pass = NULL; /* answered here */
    assert_null(upstream_value_address(&f->record, &key).data);
    f->record.pass = &f->location.proxy_pass;
    assert_value(upstream_value_address(&f->record, &key), "group");
    f->record.outcome = OUTCOME_INTERNAL;
    assert_null(upstream_value_address(&f->record, &key).data);
    f->record.outcome = OUTCOME_NO_PEER;
    f->record.try_count = 1; /* then tries tell */
    f->record.tries[0].peer = &f->peer;
    assert_value(upstream_value_address(&f->record, &key), "127.0.0.1:8443");
}

static void what_a_try_lacks_is_a_dash(void **state)
{
    struct fixture *f = *state;
    struct record *r = &f->record;
    struct value_key key = {.offset = 0};

    r->try_count = 2;
    r->tries[0] = (struct try_record){.connect_us = NOT_MEASURED};
    r->tries[1] = (struct try_record){.peer = &f->peer,
                                      .status = 200,
                                      .connect_us = 1999,
                                      .bytes_sent = UINT64_MAX,
                                      .is_tls = true,
                                      .protocol = "TLSv1.3"};
    assert_value(upstream_value_address(r, &key), "-, 127.0.0.1:8443");
    assert_value(upstream_value_status(r, &key), "-, 200");
    assert_value(upstream_value_u64(r, AT(bytes_sent)), "0, 18446744073709551615");
    assert_value(upstream_value_seconds(r, AT(connect_us)), "-, 0.001");
    assert_value(upstream_value_text(r, AT(protocol)), "-, TLSv1.3");
    assert_value(upstream_value_session_reused(r, &key), "-, .");
    r->tries[1].is_resumed = true;
    assert_value(upstream_value_session_reused(r, &key), "-, r");
}

static void the_last_name_is_that_of_the_last_try(void **state)
{
    struct fixture *f = *state;
    struct record *r = &f->record;
    struct peer_conf named = {.host = SPAN("b.example")};
    struct value_key key = {.offset = 0};

    f->peer.host = SPAN("a.example");
    r->try_count = 2;
    r->tries[0].peer = &f->peer;
    r->tries[1].peer = &named;
    assert_value(upstream_value_last_name(r, &key), "b.example");
    named.host = SPAN(""); /* a unix socket */
    assert_null(upstream_value_last_name(r, &key).data);
    r->tries[1].peer = NULL;
    assert_null(upstream_value_last_name(r, &key).data);
}

static void as_many_tries_as_there_can_be_are_told(void **state)
{
    struct record *r = &((struct fixture *)*state)->record;
    struct value_key key = {.offset = 0};
    char text[TRIES_MAX * 5 + 1] = "";

    r->try_count = TRIES_MAX;
    for (unsigned i = 0; i < TRIES_MAX; i++) {
        r->tries[i].status = 500 + i;
        (void)sprintf(text + strlen(text), "%s%u", i ? ", " : "", 500 + i);
    }
    assert_value(upstream_value_status(r, &key), text);
}

static void want_of_memory_is_noted(void **state)
{
    struct fixture *f = *state;
    struct value_key key = {.offset = 0};

    f->arena.total_bytes_max = 1;
    f->record.try_count = 2;
    f->record.tries[0].peer = f->record.tries[1].peer = &f->peer;
    assert_null(upstream_value_address(&f->record, &key).data);
    assert_true(f->record.lacks_memory);
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(without_a_try_there_is_no_value),
        CLAIM(where_no_peer_could_be_tried_the_group_stands_for_it),
        CLAIM(what_a_try_lacks_is_a_dash),
        CLAIM(the_last_name_is_that_of_the_last_try),
        CLAIM(as_many_tries_as_there_can_be_are_told),
        CLAIM(want_of_memory_is_noted),
    };

    return cmocka_run_group_tests_name("proxy_variable_upstream", tests, NULL, NULL);
}
