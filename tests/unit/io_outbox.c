/* Tests of io/outbox. */
#include "../conn_fixture.h"

#include "io/outbox.h"

struct box {
    struct chunk_pool chunks;
    struct outbox out;
};

static int set_up_with(void **state, size_t chunks)
{
    struct box *b = calloc(1, sizeof(*b));

    assert_non_null(b);
    assert_int_equal(chunk_pool_init(&b->chunks, chunks), 0);
    outbox_init(&b->out);
    *state = b;
    return 0;
}

static int set_up(void **state)
{
    return set_up_with(state, OUT_CHUNKS_PER_SEND + 4);
}

/* Every chunk must have come back. */
static int tear_down(void **state)
{
    struct box *b = *state;

    outbox_clear(&b->out, &b->chunks);
    assert_int_equal(b->out.bytes, 0);
    chunk_pool_deinit(&b->chunks);
    free(b);
    return 0;
}

static void what_is_appended_lies_together_while_it_fits(void **state)
{
    struct box *b = *state;

    assert_null(outbox_first(&b->out));
    assert_int_equal(outbox_append(&b->out, &b->chunks, SPAN_NONE), 0);
    assert_null(outbox_first(&b->out));
    assert_int_equal(outbox_append(&b->out, &b->chunks, SPAN("head")), 0);
    assert_int_equal(outbox_append(&b->out, &b->chunks, SPAN("body")), 0);
    assert_true(span_equals(chunk_unread(outbox_first(&b->out)), SPAN("headbody")));
    assert_int_equal(b->out.bytes, 8);
    assert_int_equal(b->chunks.slab.count_taken, 1);
}

static void a_byte_more_than_fits_takes_another_chunk(void **state)
{
    struct box *b = *state;
    char *bytes = calloc(1, CHUNK_ROOM + 1);

    assert_int_equal(outbox_append(&b->out, &b->chunks, span_of(bytes, CHUNK_ROOM)), 0);
    assert_int_equal(b->chunks.slab.count_taken, 1);
    assert_int_equal(outbox_append(&b->out, &b->chunks, SPAN("x")), 0);
    assert_int_equal(b->chunks.slab.count_taken, 2);
    assert_int_equal(b->out.bytes, CHUNK_ROOM + 1);
    free(bytes);
}

static void without_chunks_part_may_have_been_taken(void **state)
{
    char *bytes = calloc(1, CHUNK_ROOM + 1);
    struct box *b;

    (void)set_up_with(state, 1);
    b = *state;
    assert_int_equal(outbox_append(&b->out, &b->chunks, span_of(bytes, CHUNK_ROOM + 1)), -ENOMEM);
    assert_int_equal(b->out.bytes, CHUNK_ROOM);
    assert_int_equal(outbox_append(&b->out, &b->chunks, SPAN("x")), -ENOMEM);
    (void)tear_down(state);
    free(bytes);
}

/* While a send is in flight the last chunk grows behind it: only what was sent goes. */
static void dropping_gives_back_what_was_sent_as_a_whole(void **state)
{
    struct box *b = *state;
    char *bytes = pattern(CHUNK_ROOM);
    struct chunk *first;

    assert_int_equal(outbox_append(&b->out, &b->chunks, span_of(bytes, CHUNK_ROOM)), 0);
    first = outbox_first(&b->out);
    outbox_drop(&b->out, &b->chunks, 0);
    outbox_drop(&b->out, &b->chunks, CHUNK_ROOM - 1);
    assert_ptr_equal(outbox_first(&b->out), first);
    assert_int_equal(outbox_append(&b->out, &b->chunks, SPAN("next")), 0);
    outbox_drop(&b->out, &b->chunks, 1 + 2);
    assert_true(span_equals(chunk_unread(outbox_first(&b->out)), SPAN("xt")));
    assert_int_equal(b->out.bytes, 2);
    assert_int_equal(b->chunks.slab.count_taken, 1);
    outbox_drop(&b->out, &b->chunks, 2);
    assert_null(outbox_first(&b->out));
    assert_int_equal(b->chunks.slab.count_taken, 0);
    free(bytes);
}

static struct chunk *filled(struct box *b, size_t len)
{
    struct chunk *chunk = chunk_take(&b->chunks);
    char *bytes = pattern(len);

    assert_int_equal(chunk_append(chunk, span_of(bytes, len)), len);
    free(bytes);
    return chunk;
}

static void small_chunks_are_put_together(void **state)
{
    struct box *b = *state;

    for (size_t i = 0; i < 100; i++)
        outbox_adopt(&b->out, &b->chunks, filled(b, 10));
    assert_int_equal(b->out.bytes, 1000);
    assert_int_equal(b->chunks.slab.count_taken, 1);
    outbox_adopt(&b->out, &b->chunks, filled(b, CHUNK_ROOM - 1000));
    assert_int_equal(b->chunks.slab.count_taken, 1);
    outbox_adopt(&b->out, &b->chunks, filled(b, 1));
    assert_int_equal(b->chunks.slab.count_taken, 2);
}

static void a_message_covers_what_stands_first(void **state)
{
    enum { PIECE = CHUNK_ROOM - 1 };
    struct box *b = *state;
    const struct msghdr *message;
    size_t bytes;

    for (size_t i = 0; i < OUT_CHUNKS_PER_SEND + 1; i++) {
        struct chunk *chunk = filled(b, CHUNK_ROOM);

        chunk->start = 1;
        outbox_adopt(&b->out, &b->chunks, chunk);
    }
    assert_int_equal(b->out.bytes, PIECE * (OUT_CHUNKS_PER_SEND + 1));
    message = outbox_message(&b->out, &bytes);
    assert_int_equal(bytes, PIECE * OUT_CHUNKS_PER_SEND);
    assert_int_equal(message->msg_iovlen, OUT_CHUNKS_PER_SEND);
    for (size_t i = 0; i < OUT_CHUNKS_PER_SEND; i++)
        assert_int_equal(message->msg_iov[i].iov_len, PIECE);
    outbox_drop(&b->out, &b->chunks, bytes - 4); /* a short send */
    message = outbox_message(&b->out, &bytes);
    assert_int_equal(message->msg_iovlen, 2);
    assert_int_equal(message->msg_iov[0].iov_len, 4);
    assert_int_equal(bytes, 4 + PIECE);
}

static void drop_more_than_there_is(void)
{
    void *state = NULL;
    struct box *b;

    (void)set_up(&state);
    b = state;
    if (outbox_append(&b->out, &b->chunks, SPAN("ab")))
        return;
    outbox_drop(&b->out, &b->chunks, 3);
}

/* It would be sent again and again: no byte of it ever goes. */
static void adopt_an_empty_chunk(void)
{
    void *state = NULL;
    struct box *b;

    (void)set_up(&state);
    b = state;
    outbox_adopt(&b->out, &b->chunks, chunk_take(&b->chunks));
}

/* It is the reader's then, and nobody else's. */
static void what_is_still_read_is_dropped_and_not_given_back(void **state)
{
    struct box *b = *state;

    for (int clears = 0; clears < 2; clears++) {
        struct chunk *read = chunk_take(&b->chunks);

        assert_int_equal(chunk_append(read, SPAN("read")), 4);
        outbox_adopt(&b->out, &b->chunks, read);
        read->readers = 1;
        if (clears)
            outbox_clear(&b->out, &b->chunks);
        else
            outbox_drop(&b->out, &b->chunks, 4);
        assert_int_equal(b->out.bytes, 0);
        assert_null(outbox_first(&b->out));
        assert_false(list_is_linked(&read->link));
        assert_int_equal(b->chunks.slab.count_taken, 1);
        read->readers = 0;
        chunk_give(&b->chunks, read);
    }
}

static void what_cannot_be_is_asserted(void **state)
{
    assert_true(aborts(drop_more_than_there_is));
    assert_true(aborts(adopt_an_empty_chunk));
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(what_is_appended_lies_together_while_it_fits),
        CLAIM(a_byte_more_than_fits_takes_another_chunk),
        cmocka_unit_test(without_chunks_part_may_have_been_taken),
        CLAIM(dropping_gives_back_what_was_sent_as_a_whole),
        CLAIM(small_chunks_are_put_together),
        CLAIM(a_message_covers_what_stands_first),
        CLAIM(what_is_still_read_is_dropped_and_not_given_back),
        cmocka_unit_test(what_cannot_be_is_asserted),
    };

    return cmocka_run_group_tests_name("io_outbox", tests, NULL, NULL);
}
