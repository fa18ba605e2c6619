/* Tests of conf/directive_tuning: its rows, their defaults and limits. */
#include "../directive_fixture.h"

#include "conf/directive_tuning.h"
#include "conf/setter.h"

DIRECTIVE_TABLE_CLAIMS(directive_tuning_table)

static void limits_are_taken_up_to_the_last(void **state)
{
    static const struct block_number rows[] = {
        {CONTEXT_EVENTS, "ring_entries 1;", 1},
        {CONTEXT_EVENTS, "ring_entries 32768;", 32768},
        {CONTEXT_EVENTS, "send_high_water 16k;", 16384},
        {CONTEXT_EVENTS, "send_high_water 16m;", 16 << 20},
        {CONTEXT_EVENTS, "send_zerocopy off;", 0},
        {CONTEXT_EVENTS, "send_zerocopy 16k;", 16384},
        {CONTEXT_EVENTS, "send_zerocopy 260096;", 260096},
        {CONTEXT_EVENTS, "busy_poll 0;", 0},
        {CONTEXT_EVENTS, "busy_poll 1000000;", 1000000},
    };

    blocks_leave(*state, rows, COUNT_OF(rows));
}

static void one_beyond_a_limit_is_refused(void **state)
{
    static const struct block_claim claims[] = {
        {CONTEXT_EVENTS, "ring_entries 0;", "value must be between 1 and 32768"},
        {CONTEXT_EVENTS, "ring_entries 32769;", "value must be between 1 and 32768"},
        {CONTEXT_EVENTS, "ring_entries 4097;", "value must be a power of two"},
        {CONTEXT_EVENTS, "ring_entries 3;", "value must be a power of two"},
        {CONTEXT_EVENTS, "ring_entries 4k;", "\"ring_entries\" directive invalid number"},
        {CONTEXT_EVENTS, "send_high_water 16383;", "value must be between 16384 and 16777216"},
        {CONTEXT_EVENTS, "send_high_water 16777217;", "value must be between 16384 and 16777216"},
        {CONTEXT_EVENTS, "send_high_water 1g;", "\"send_high_water\" directive invalid value"},
        {CONTEXT_EVENTS, "send_zerocopy 16383;", "value must be between 16384 and 260096"},
        {CONTEXT_EVENTS, "send_zerocopy 260097;", "value must be between 16384 and 260096"},
        {CONTEXT_EVENTS, "send_zerocopy on;", "\"send_zerocopy\" directive invalid value"},
        {CONTEXT_EVENTS, "busy_poll 1000001;", "value must be between 0 and 1000000"},
        {CONTEXT_EVENTS, "busy_poll 50us;", "\"busy_poll\" directive invalid number"},
        {CONTEXT_EVENTS, "receive_buffers 0 4k;", "value must be between 1 and 32768"},
        {CONTEXT_EVENTS, "receive_buffers 65536 4k;", "value must be between 1 and 32768"},
        {CONTEXT_EVENTS, "receive_buffers 48 4k;", "value must be a power of two"},
        {CONTEXT_EVENTS, "receive_buffers 4k 32;", "invalid number \"4k\""},
        {CONTEXT_EVENTS, "receive_buffers 32 x;", "invalid size \"x\""},
        {CONTEXT_EVENTS, "receive_buffers 32 4095;", "size must be between 4k and 32k"},
        {CONTEXT_EVENTS, "receive_buffers 32 32769;", "size must be between 4k and 32k"},
    };

    blocks_refused(*state, claims, COUNT_OF(claims));
}

static void receive_buffers_are_taken_up_to_their_limits(void **state)
{
    static const struct {
        const char *text;
        uint64_t count, bytes;
    } rows[] = {
        {"receive_buffers 1 4096;", 1, 4096},
        {"receive_buffers 32768 32768;", 32768, 32768},
        {"receive_buffers 64 16K;", 64, 16384},
    };
    struct draft *d = *state;
    const struct tuning_conf *t = &d->c.main.conf.tuning;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct block b;

        block_taken(&b, d, CONTEXT_EVENTS, rows[i].text);
        assert_int_equal(t->receive_buffer_count, rows[i].count);
        assert_int_equal(t->receive_buffer_bytes, rows[i].bytes);
    }
}

/* What a worker is made with where nothing is said. */
static void defaults_are_those_of_the_rooms_that_use_them(void **state)
{
    struct draft *d = *state;
    const struct tuning_conf *t = &d->c.main.conf.tuning;
    struct block b;

    block_init(&b, d, CONTEXT_EVENTS);
    assert_int_equal(scope_complete(&d->c, &b.scope), 0);
    assert_int_equal(t->ring_entries, 4096);
    assert_int_equal(t->send_high_water, OUT_BYTES_HIGH);
    assert_int_equal(t->busy_poll_us, 0);
    assert_int_equal(t->send_zerocopy_bytes, 0);
    assert_int_equal(t->receive_buffer_count, 32);
    assert_int_equal(size_min(t->receive_buffer_bytes, CHUNK_ROOM), LARGE_BUFFER_BYTES);
}

static void each_row_says_that_nginx_has_it_not(void **state)
{
    for (size_t i = 0; i < directive_tuning_table.count; i++)
        assert_string_equal(directive_tuning_table.rows[i].difference, "ringway's own");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTIVE_TABLE_TESTS,
        DRAFT_TEST(limits_are_taken_up_to_the_last),
        DRAFT_TEST(one_beyond_a_limit_is_refused),
        DRAFT_TEST(receive_buffers_are_taken_up_to_their_limits),
        DRAFT_TEST(defaults_are_those_of_the_rooms_that_use_them),
        DRAFT_TEST(each_row_says_that_nginx_has_it_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
