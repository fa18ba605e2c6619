/* loan - a message that goes round the workers for tickets. */
#include "proxy/loan.h"

#include <stdlib.h>

struct loan {
    struct message message;
    struct engine *home;
    struct view *view; /* one reference, of the home's thread */
    struct lane *lane; /* the home's; nobody else looks at it */
    struct tls_identity identity;
    unsigned at; /* index of the worker that holds it */
    size_t count;
    struct tls_ticket *tickets[LOAN_TICKETS_MAX];
};

void loan_wake_waiters(struct lane *l)
{
    struct loop *loop = l->peer->upstream->view->engine->loop;

    list_for_each_safe (link, &l->waiters) {
        struct ticket_wait *w = list_entry(link, struct ticket_wait, link);

        list_remove(link);
        loop_ready(loop, w->task);
    }
}

/* In the home's thread. */
static void come_home(struct loan *loan)
{
    struct lane *l = loan->lane;
    struct engine *e = loan->home;

    for (size_t i = 0; i < loan->count; i++)
        lane_keep_ticket(l, loan->tickets[i]);
    stats_add(&e->stats, COUNTER_TICKETS_BORROWED, loan->count);
    l->is_borrowing = false;
    l->may_borrow = loan->count > 0;
    e->loans_out--;
    loan_wake_waiters(l);
    lane_settle(l);
    view_unref(loan->view);
    free(loan);
}

static void arrive(struct loop *loop, struct message *m);

/* Only a receiver that is gone does not take a message: nobody is left to lend, then. */
static void undelivered(struct loop *loop, struct message *m)
{
    struct loan *loan = container_of(m, struct loan, message);

    if (loan->home->loop == loop) {
        come_home(loan);
        return;
    }
    for (size_t i = 0; i < loan->count; i++)
        tls_ticket_free(loan->tickets[i]);
    free(loan);
}

static void send_on(struct loan *loan, struct loop *from)
{
    loan->at = (loan->at + 1) % loan->home->sibling_count;
    if (loan->count)
        loan->at = loan->home->index;
    loan->message = (struct message){.deliver = arrive, .undelivered = undelivered};
    loop_post(from, loan->home->siblings[loan->at]->loop, &loan->message);
}

/* In the thread of whoever holds it now. */
static void arrive(struct loop *loop, struct message *m)
{
    struct loan *loan = container_of(m, struct loan, message);
    struct engine *here = loan->home->siblings[loan->at];

    assert(here->loop == loop);
    if (here == loan->home) {
        come_home(loan);
        return;
    }
    loan->count = tls_cache_lend(here->tickets, &loan->identity, loop_now_ms(loop), loan->tickets,
                                 LOAN_TICKETS_MAX);
    stats_add(&here->stats, COUNTER_TICKETS_LENT, loan->count);
    send_on(loan, loop);
}

void loan_ask(struct lane *l)
{
    struct view *v = l->peer->upstream->view;
    struct engine *e = v->engine;
    struct loan *loan;

    if (e->sibling_count < 2 || !l->may_borrow)
        return;
    loan = calloc(1, sizeof(*loan));
    if (!loan)
        return;
    loan->home = e;
    loan->view = view_ref(v);
    loan->lane = l;
    loan->identity = l->identity;
    loan->at = e->index;
    l->is_borrowing = true;
    e->loans_out++;
    send_on(loan, e->loop);
}
