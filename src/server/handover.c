/* handover - connections that one worker accepted and another one serves. */
#include "server/handover.h"

#include <unistd.h>

#include "server/listener.h"

/* Clearly more than the idlest: by more than one in so many of its own, and by more than one. */
#define SURPLUS_SHARE 8

static_assert((HANDOVERS_MAX & (HANDOVERS_MAX - 1)) == 0, "the counts of slots go round");

void handovers_init(struct handovers *h, struct client_pool *clients, handover_taken_fn taken)
{
    *h = (struct handovers){.clients = clients, .taken = taken};
}

void handovers_introduce(struct handovers *h, struct handovers *const *all, unsigned count,
                         unsigned index)
{
    h->all = all;
    h->count = count;
    h->index = index;
}

/* ---- loads: a number that is a moment old does no harm ---- */

static uint32_t load_of(struct load *l)
{
    uint32_t clients = atomic_load_explicit(&l->client_count, memory_order_relaxed);

    if (clients == LOAD_CLOSED)
        return LOAD_CLOSED;
    return clients + atomic_load_explicit(&l->promised_count, memory_order_relaxed);
}

void handovers_publish(struct handovers *h)
{
    atomic_store_explicit(&h->load.client_count, (uint32_t)h->clients->count, memory_order_relaxed);
}

void handovers_close(struct handovers *h)
{
    atomic_store_explicit(&h->load.client_count, LOAD_CLOSED, memory_order_relaxed);
}

uint32_t handovers_client_count(const struct handovers *h)
{
    uint32_t count = atomic_load_explicit(&h->load.client_count, memory_order_relaxed);

    return count == LOAD_CLOSED ? 0 : count;
}

struct handovers *handovers_choose(struct handovers *h)
{
    struct handovers *idlest = h;
    uint32_t own = load_of(&h->load) + 1, least = own;

    /* Each begins behind itself: of equals, not all choose the same. */
    for (unsigned i = 1; i < h->count && least; i++) {
        struct handovers *other = h->all[(h->index + i) % h->count];
        uint32_t load = load_of(&other->load);

        if (load >= least)
            continue;
        idlest = other;
        least = load;
    }
    return own - least > size_max(own / SURPLUS_SHARE, 1) ? idlest : h;
}

/* ---- on the way ---- */

/* The receiver has it, or will not have it: its own count tells the rest. */
static void end_promise(struct handover *o)
{
    atomic_fetch_sub_explicit(&o->to->load.promised_count, 1, memory_order_relaxed);
}

/* From here on the slot is the sender's again. */
static void end(struct handover *o)
{
    atomic_store_explicit(&o->is_under_way, false, memory_order_release);
}

/* In the sender's thread, for which nothing has changed but that time went by. */
static void come_back(struct handover *o)
{
    o->from->taken(o->from, o->view, o->listen, o->fd);
    end(o);
}

static void on_undelivered(struct loop *loop, struct message *m)
{
    struct handover *o = container_of(m, struct handover, message);

    (void)loop;
    end_promise(o);
    come_back(o);
}

static void on_returned(struct loop *loop, struct message *m)
{
    (void)loop;
    come_back(container_of(m, struct handover, message));
}

/* In the receiver's: neither has memory for it. */
static void on_unreturned(struct loop *loop, struct message *m)
{
    struct handover *o = container_of(m, struct handover, message);

    (void)loop;
    (void)close(o->fd);
    end(o);
}

/* In the receiver's thread, which may have another snapshot by now than the sender had. */
static void on_arrived(struct loop *loop, struct message *m)
{
    struct handover *o = container_of(m, struct handover, message);
    struct handovers *here = o->to;
    struct view *view = here->clients->view;
    const struct listen_conf *listen = listener_conf(view->snapshot, o->listen);

    if (listen) {
        stats_add(&here->clients->engine->stats, COUNTER_TAKEN_OVER, 1);
        here->taken(here, view, listen, o->fd);
        end_promise(o);
        end(o);
        return;
    }
    end_promise(o);
    o->message = (struct message){.deliver = on_returned, .undelivered = on_unreturned};
    loop_post(loop, o->from->clients->engine->loop, &o->message);
}

static void hand_on(struct handovers *from, struct handovers *to, const struct listen_conf *listen,
                    int fd)
{
    struct handover *o = &from->slots[from->begun_count++ % HANDOVERS_MAX];

    *o = (struct handover){
        .message = {.deliver = on_arrived, .undelivered = on_undelivered},
        .from = from,
        .to = to,
        .view = view_ref(from->clients->view),
        .listen = listen,
        .fd = fd,
        .is_under_way = true,
    };
    atomic_fetch_add_explicit(&to->load.promised_count, 1, memory_order_relaxed);
    stats_add(&from->clients->engine->stats, COUNTER_HANDED_OVER, 1);
    loop_post(from->clients->engine->loop, to->clients->engine->loop, &o->message);
    loop_ready(from->clients->engine->loop, from->on_change);
}

bool handovers_give(struct handovers *h, const struct listen_conf *listen, int fd)
{
    struct handovers *to;

    if (h->count < 2 || !h->clients->view->snapshot->main.balances_workers ||
        h->begun_count - h->settled_count == HANDOVERS_MAX)
        return false;
    to = handovers_choose(h);
    if (to == h)
        return false;
    hand_on(h, to, listen, fd);
    return true;
}

void handovers_settle(struct handovers *h)
{
    while (!handovers_are_settled(h)) {
        struct handover *o = &h->slots[h->settled_count % HANDOVERS_MAX];

        if (atomic_load_explicit(&o->is_under_way, memory_order_acquire))
            return;
        view_unref(o->view);
        h->settled_count++;
    }
}
