/* Tests of io/chunk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../loop_fixture.h"

static void a_chunk_is_empty_and_has_all_its_room(void **state)
{
    struct chunk_pool p;
    struct chunk *c;

    assert_int_equal(chunk_pool_init(&p, 2), 0);
    for (int i = 0; i < 2; i++) { /* also the second time that it is taken */
        c = chunk_take(&p);
        assert_non_null(c);
        assert_int_equal(chunk_unread(c).len, 0);
        assert_int_equal(chunk_room(c), CHUNK_ROOM);
        assert_false(list_is_linked(&c->link));
        assert_int_equal(chunk_append(c, SPAN("left over")), 9);
        chunk_give(&p, c);
    }
    chunk_pool_deinit(&p);
}

static void the_pool_is_bounded(void **state)
{
    struct chunk_pool p;
    struct chunk *c[3];

    assert_int_equal(chunk_pool_init(&p, COUNT_OF(c)), 0);
    for (size_t i = 0; i < COUNT_OF(c); i++)
        c[i] = chunk_take(&p);
    assert_null(chunk_take(&p));
    chunk_give(&p, c[1]);
    c[1] = chunk_take(&p);
    assert_non_null(c[1]);
    for (size_t i = 0; i < COUNT_OF(c); i++)
        chunk_give(&p, c[i]);
    chunk_pool_deinit(&p);
}

static void appending_stops_at_the_room(void **state)
{
    static char many[CHUNK_ROOM + 1];
    struct chunk_pool p;
    struct chunk *c;

    memset(many, 'm', sizeof(many));
    assert_int_equal(chunk_pool_init(&p, 1), 0);
    for (size_t len = CHUNK_ROOM - 1; len <= CHUNK_ROOM + 1; len++) {
        size_t taken = size_min(len, CHUNK_ROOM);

        c = chunk_take(&p);
        assert_int_equal(chunk_append(c, span_of(many, len)), taken);
        assert_int_equal(chunk_room(c), CHUNK_ROOM - taken);
        assert_int_equal(chunk_append(c, SPAN("ab")), CHUNK_ROOM - taken);
        assert_int_equal(chunk_append(c, SPAN("ab")), 0);
        assert_int_equal(chunk_append(c, SPAN_NONE), 0);
        assert_int_equal(chunk_unread(c).len, CHUNK_ROOM);
        chunk_give(&p, c);
    }
    chunk_pool_deinit(&p);
}

static void what_was_read_gives_no_room_back(void **state)
{
    struct chunk_pool p;
    struct chunk *c;

    assert_int_equal(chunk_pool_init(&p, 1), 0);
    c = chunk_take(&p);
    assert_int_equal(chunk_append(c, SPAN("abcdef")), 6);
    c->start += 4;
    assert_true(span_equals(chunk_unread(c), SPAN("ef")));
    assert_int_equal(chunk_room(c), CHUNK_ROOM - 6);
    assert_int_equal(chunk_append(c, SPAN("gh")), 2);
    assert_true(span_equals(chunk_unread(c), SPAN("efgh")));
    chunk_give(&p, c);
    chunk_pool_deinit(&p);
}

/* What the send relies on: a record lies whole in one chunk, a receive as well. */
static void a_record_and_a_receive_fit(void **state)
{
    assert_true(CHUNK_ROOM >= RECORD_BYTES_MAX + RECORD_OVERHEAD_BYTES);
    assert_true(CHUNK_ROOM >= LARGE_BUFFER_BYTES);
    assert_true(sizeof(struct chunk) + CHUNK_ROOM <= CHUNK_BYTES);
}

static void a_byte_leads_to_its_chunk(void **state)
{
    struct chunk *chunks[3];
    struct chunk_pool p;

    assert_int_equal(chunk_pool_init(&p, COUNT_OF(chunks)), 0);
    for (size_t i = 0; i < COUNT_OF(chunks); i++)
        chunks[i] = chunk_take(&p);
    for (size_t i = 0; i < COUNT_OF(chunks); i++) {
        assert_ptr_equal(chunk_at(&p, chunks[i]->bytes), chunks[i]);
        assert_ptr_equal(chunk_at(&p, chunks[i]->bytes + CHUNK_ROOM - 1), chunks[i]);
        chunk_give(&p, chunks[i]);
    }
    chunk_pool_deinit(&p);
}

static void give_while_it_is_read(void)
{
    struct chunk_pool p;
    struct chunk *c;

    if (chunk_pool_init(&p, 1))
        return;
    c = chunk_take(&p);
    c->readers = 1;
    chunk_give(&p, c);
}

static void give_while_linked(void)
{
    struct chunk_pool p;
    struct list list;
    struct chunk *c;

    list_init(&list);
    if (chunk_pool_init(&p, 1))
        return;
    c = chunk_take(&p);
    list_push_back(&list, &c->link);
    chunk_give(&p, c);
}

static void leave_one_out(void)
{
    struct chunk_pool p;

    if (chunk_pool_init(&p, 1) || !chunk_take(&p))
        return;
    chunk_pool_deinit(&p);
}

static void a_chunk_in_use_is_never_given_or_left(void **state)
{
    assert_true(aborts(give_while_linked));
    assert_true(aborts(give_while_it_is_read));
    assert_true(aborts(leave_one_out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chunk_is_empty_and_has_all_its_room),
        cmocka_unit_test(the_pool_is_bounded),
        cmocka_unit_test(appending_stops_at_the_room),
        cmocka_unit_test(what_was_read_gives_no_room_back),
        cmocka_unit_test(a_record_and_a_receive_fit),
        cmocka_unit_test(a_byte_leads_to_its_chunk),
        cmocka_unit_test(a_chunk_in_use_is_never_given_or_left),
    };

    return cmocka_run_group_tests_name("io_chunk", tests, NULL, NULL);
}
