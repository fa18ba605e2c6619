/* Tests of server/delivery: words that the kernel does not take at once. */
#include "../loop_fixture.h"

#include "server/delivery.h"

struct letter {
    struct delivery delivery;
    bool has_arrived;
};

static void arrive(struct delivery *d)
{
    container_of(d, struct letter, delivery)->has_arrived = true;
}

static void a_word_arrives(void **state)
{
    struct turning home, away;
    struct letter letter = {0};

    (void)state;
    turning_init(&home);
    turning_init(&away);
    delivery_send(&letter.delivery, home.loop, away.loop, arrive);
    loop_submit(home.loop);
    turn_until(away.loop, letter.has_arrived);
    turning_deinit(&away);
    turning_deinit(&home);
}

static void what_the_kernel_does_not_take_is_told_again_until_it_does(void **state)
{
    struct turning home, away;
    struct letter letter = {0};
    int ring, kept;

    (void)state;
    turning_init(&home);
    turning_init(&away);
    ring = youngest_ring();
    kept = lose_ring(ring);
    delivery_send(&letter.delivery, home.loop, away.loop, arrive);
    for (int again = 0; again < 3; again++) {
        turn_until(home.loop, timer_is_set(&letter.delivery.retry));
        turn_until(home.loop, !timer_is_set(&letter.delivery.retry));
    }
    put_back_ring(ring, kept);
    for (int i = 0; i < 1000 && !letter.has_arrived; i++) {
        loop_turn(home.loop, 1);
        loop_turn(away.loop, 0);
    }
    assert_true(letter.has_arrived);
    assert_false(timer_is_set(&letter.delivery.retry));
    turning_deinit(&away);
    turning_deinit(&home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_arrives),
        cmocka_unit_test(what_the_kernel_does_not_take_is_told_again_until_it_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
