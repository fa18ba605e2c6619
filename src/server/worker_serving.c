/* worker_serving - what a worker decides between its start and its end: whether to accept, and
 * whether all has ended. */
#include "worker_internal.h"

#include <stdlib.h>
#include <unistd.h>

#include "proxy/access.h"

#define CHECK_MS 10          /* between looks whether all siblings have drained */
#define LOG_PATIENCE_MS 1000 /* for access logs, once all clients are gone */
#define RESUME_SHARE 16      /* accepting goes on when one in so many slots is free */

/* ---- accepting ---- */

/* How many must be free before accepting goes on. */
static size_t slots_to_free(const struct worker *w)
{
    return size_max(w->connections_max / RESUME_SHARE, 1);
}

/* Accepted here or by a sibling. */
static void take(struct handovers *h, struct view *view, const struct listen_conf *listen, int fd)
{
    struct worker *w = container_of(h, struct worker, handovers);

    if (w->is_draining) { /* as a listener that is ending */
        (void)close(fd);
        return;
    }
    client_accept(&w->clients, view, listen, fd);
    handovers_publish(h);
    if (w->clients.count < w->connections_max || w->listeners.are_paused)
        return;
    listeners_pause(&w->listeners);
    clients_shed(&w->clients, slots_to_free(w));
}

static void on_accepted(struct listener *l, int fd)
{
    struct worker *w = container_of(l->worker, struct worker, listeners);

    if (!handovers_give(&w->handovers, l->conf, fd))
        take(&w->handovers, w->view, l->conf, fd);
}

static void resume_accepting(struct worker *w)
{
    if (w->listeners.are_paused && w->clients.count <= w->connections_max - slots_to_free(w))
        listeners_start(&w->listeners);
}

/* ---- draining and ending ---- */

static bool is_quiet(const struct worker *w)
{
    return !w->clients.count && listeners_are_gone(&w->listeners) && !w->engine.loans_out &&
           !w->engine.upstream_conns.count_taken && handovers_are_settled(&w->handovers) &&
           !access_is_busy(&w->engine) && resolvers_are_quiet(&w->engine.resolvers);
}

static void tell_drained(struct delivery *d)
{
    struct farewell *f = container_of(d, struct farewell, delivery);

    if (f->on_drained)
        f->on_drained(f->control);
    free(f);
}

static void note_drained(struct worker *w)
{
    w->is_drained = true;
    timer_stop(loop_wheel(w->engine.loop), &w->cut_off);
    atomic_fetch_sub(&w->group->undrained_count, 1);
    delivery_send(&w->farewell->delivery, w->engine.loop, w->options.control_loop, tell_drained);
    w->farewell = NULL;
    loop_submit(w->engine.loop); /* this may be the last turn */
}

/* A log that takes nothing, as a pipe that nobody reads, does not hold up the end. */
static void end_logs(struct worker *w)
{
    uint64_t now_ms = loop_now_ms(w->engine.loop);

    access_flush(&w->engine);
    if (w->clients.count || !access_is_busy(&w->engine))
        return;
    if (!w->logs_end_ms)
        w->logs_end_ms = now_ms + LOG_PATIENCE_MS;
    if (now_ms >= w->logs_end_ms)
        access_abort(&w->engine);
}

static void look_again(struct worker *w)
{
    timer_set(loop_wheel(w->engine.loop), &w->check, loop_now_ms(w->engine.loop) + CHECK_MS);
}

static void run_serving(struct worker *w)
{
    handovers_publish(&w->handovers);
    resume_accepting(w);
    if (!handovers_are_settled(&w->handovers))
        look_again(w);
}

/* Is it all? A worker that has drained stays for its siblings' loans and connections. */
static void run_draining(struct worker *w)
{
    if (!w->clients.count && w->view && !w->view->is_retired)
        view_retire(w->view);
    if (!w->clients.count)
        resolvers_cancel(&w->engine.resolvers);
    end_logs(w);
    if (!w->is_drained && is_quiet(w))
        note_drained(w);
    if (w->is_drained && w->may_exit && !atomic_load(&w->group->undrained_count))
        loop_stop(w->engine.loop);
    else
        look_again(w);
}

/* Something has ended. */
static void run_change(struct task *t)
{
    struct worker *w = container_of(t, struct worker, change);

    handovers_settle(&w->handovers);
    if (w->is_draining)
        run_draining(w);
    else
        run_serving(w);
}

static void on_check(struct timer *t)
{
    struct worker *w = container_of(t, struct worker, check);

    loop_ready(w->engine.loop, &w->change);
}

static void on_cut_off(struct timer *t)
{
    clients_abort(&container_of(t, struct worker, cut_off)->clients);
}

void worker_drain(struct worker *w)
{
    if (w->is_draining)
        return;
    w->is_draining = true;
    handovers_close(&w->handovers);
    listeners_end(&w->listeners);
    clients_drain(&w->clients);
    loop_ready(w->engine.loop, &w->change);
}

/* ---- making ---- */

static struct farewell *farewell_new(const struct worker_options *o)
{
    struct farewell *f = calloc(1, sizeof(*f));

    if (!f)
        return NULL;
    f->on_drained = o->on_drained;
    f->control = o->control;
    return f;
}

int worker_init_serving(struct worker *w)
{
    w->farewell = farewell_new(&w->options);
    if (!w->farewell)
        return -ENOMEM;
    task_init(&w->change, run_change);
    timer_init(&w->check, on_check);
    timer_init(&w->cut_off, on_cut_off);
    listeners_init(&w->listeners);
    w->listeners.accepted = on_accepted;
    w->listeners.on_change = &w->change;
    handovers_init(&w->handovers, &w->clients, take);
    w->handovers.on_change = &w->change;
    return 0;
}
