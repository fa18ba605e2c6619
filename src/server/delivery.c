/* delivery - a word between loops, told until it is heard. */
#include "server/delivery.h"

#define RETRY_MS 20

static void arrive(struct loop *loop, struct message *m)
{
    struct delivery *d = container_of(m, struct delivery, message);

    (void)loop;
    d->arrived(d);
}

static void wait(struct loop *loop, struct message *m)
{
    struct delivery *d = container_of(m, struct delivery, message);

    timer_set(loop_wheel(loop), &d->retry, loop_now_ms(loop) + RETRY_MS);
}

static void tell_again(struct timer *t)
{
    struct delivery *d = container_of(t, struct delivery, retry);

    loop_post(d->message.sender, d->receiver, &d->message);
}

void delivery_send(struct delivery *d, struct loop *sender, struct loop *receiver,
                   delivery_fn arrived)
{
    *d = (struct delivery){.message = {.deliver = arrive, .undelivered = wait},
                           .receiver = receiver,
                           .arrived = arrived};
    timer_init(&d->retry, tell_again);
    loop_post(sender, receiver, &d->message);
}
