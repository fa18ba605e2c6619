/* Tests of io/tls_replay: what is known again, and what is refused for want of room or time. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/io/tls_internal.h"

#define NOW_S 1000
#define WINDOW_S 30
#define SLOTS 8

/* The n-th of those that fall into one set. */
static void make_id(unsigned char id[TLS_REPLAY_ID_BYTES], unsigned n)
{
    memset(id, 0, TLS_REPLAY_ID_BYTES);
    id[0] = 7;
    memcpy(id + 4, &n, sizeof(n));
}

static bool use(struct tls_replay *r, unsigned n, int64_t now_s)
{
    unsigned char id[TLS_REPLAY_ID_BYTES];

    make_id(id, n);
    return tls_replay_use(r, id, now_s, true);
}

static void replay_takes_each_ticket_once(void **state)
{
    struct tls_replay *r = tls_replay_new(NOW_S);

    assert_non_null(r);
    assert_true(use(r, 1, NOW_S));
    assert_false(use(r, 1, NOW_S));
    assert_true(use(r, 2, NOW_S));
    assert_false(use(r, 2, NOW_S + WINDOW_S));
    assert_false(use(r, 1, NOW_S + 100 * WINDOW_S)); /* as long as nobody needs its place */
    tls_replay_free(r);
}

static void replay_refuses_where_it_has_no_room(void **state)
{
    struct tls_replay *r = tls_replay_new(NOW_S);

    assert_non_null(r);
    for (unsigned n = 0; n < SLOTS; n++)
        assert_true(use(r, n, NOW_S + n));
    assert_false(use(r, SLOTS, NOW_S + SLOTS));
    assert_false(use(r, SLOTS, NOW_S + WINDOW_S));
    assert_true(use(r, SLOTS, NOW_S + WINDOW_S + 1)); /* in the place of the oldest */
    assert_false(use(r, SLOTS + 1, NOW_S + WINDOW_S + 1));
    assert_false(use(r, 1, NOW_S + WINDOW_S + 1));
    tls_replay_free(r);
}

static void replay_of_older_keys_begins_when_no_copy_can_be_good(void **state)
{
    struct tls_replay *r = tls_replay_new(NOW_S);
    unsigned char id[TLS_REPLAY_ID_BYTES];

    assert_non_null(r);
    make_id(id, 1);
    assert_false(tls_replay_use(r, id, NOW_S, false));
    assert_false(tls_replay_use(r, id, NOW_S + WINDOW_S - 1, false));
    assert_true(tls_replay_use(r, id, NOW_S + WINDOW_S, false));
    assert_false(tls_replay_use(r, id, NOW_S + WINDOW_S, false));
    tls_replay_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replay_takes_each_ticket_once),
        cmocka_unit_test(replay_refuses_where_it_has_no_room),
        cmocka_unit_test(replay_of_older_keys_begins_when_no_copy_can_be_good),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
