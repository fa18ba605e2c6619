/* worker - the thread: made, given snapshots, drained, ended. */
#include "server/worker.h"

#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proxy/access.h"
#include "proxy/balance.h"
#include "server/pools.h"
#include "worker_internal.h"

#define JOIN_MS 1 /* between looks whether a thread has ended */

/* What control tells: made by its thread, freed by whoever has it last. A word back needs nothing
 * of the worker, which may be gone when control hears it. */
struct command {
    struct delivery delivery;
    struct worker *worker;
    void *control;
    unsigned index; /* of the worker */
    void (*run)(struct worker *w, struct command *c);
    struct worker_assignment assignment;
    worker_swapped_fn swapped;
    uint64_t deadline_ms;
    int error;
    char text[TLS_ERROR_BYTES];
};

/* ---- commands, in the worker's thread ---- */

static void run_go(struct worker *w, struct command *c)
{
    w->engine.siblings = w->siblings;
    w->engine.sibling_count = w->siblings ? w->options.count : 0;
    if (w->group->handovers)
        handovers_introduce(&w->handovers, w->group->handovers, w->options.count, w->options.index);
    if (!w->is_draining)
        listeners_start(&w->listeners);
    free(c);
}

static void run_quit(struct worker *w, struct command *c)
{
    worker_drain(w);
    if (c->deadline_ms)
        timer_set(loop_wheel(w->engine.loop), &w->cut_off,
                  loop_now_ms(w->engine.loop) + c->deadline_ms);
    free(c);
}

static void run_stop(struct worker *w, struct command *c)
{
    worker_drain(w);
    clients_abort(&w->clients);
    free(c);
}

static void run_exit(struct worker *w, struct command *c)
{
    worker_drain(w);
    w->may_exit = true;
    loop_ready(w->engine.loop, &w->change);
    free(c);
}

/* Back in the control thread. */
static void tell_swapped(struct delivery *d)
{
    struct command *c = container_of(d, struct command, delivery);

    c->swapped(c->control, c->index, c->error ? c->text : NULL);
    free(c);
}

/* Of an assignment that was not taken over: those that serve already go on. */
static void close_new_fds(struct worker *w, const struct worker_assignment *a)
{
    for (size_t i = 0; i < a->snapshot->listen_count; i++) {
        if (!listeners_have(&w->listeners, a->listen_fds[i]))
            (void)close(a->listen_fds[i]);
    }
}

static int make_view(struct worker *w, struct snapshot *s, struct view **out,
                     char error[TLS_ERROR_BYTES])
{
    int result = view_new(&w->engine, s, out, error);

    for (size_t i = 0; !result && i < s->upstream_count; i++)
        balance_skip(&(*out)->upstreams[i], w->engine.index, loop_now_ms(w->engine.loop));
    return result;
}

/* All of it or nothing. */
static int swap(struct worker *w, const struct worker_assignment *a, char error[TLS_ERROR_BYTES])
{
    struct view *view;
    int result = make_view(w, a->snapshot, &view, error);

    if (result)
        return result;
    result = listeners_take(&w->listeners, a->snapshot, a->listen_fds);
    if (result) {
        view_unref(view);
        return result;
    }
    view_retire(w->view);
    view_unref(w->view);
    w->view = view;
    w->clients.view = view;
    return 0;
}

static void run_swap(struct worker *w, struct command *c)
{
    struct worker_assignment *a = &c->assignment;

    /* Its listeners close: a descriptor that is to go on may be another file's by now, and so none
     * is closed. The process ends. */
    c->error = w->is_draining ? -ECANCELED : swap(w, a, c->text);
    if (c->error && !w->is_draining)
        close_new_fds(w, a);
    free(a->listen_fds);
    snapshot_unref(a->snapshot);
    if (c->error && !c->text[0])
        snprintf(c->text, sizeof(c->text), "%s", strerror(-c->error));
    delivery_send(&c->delivery, w->engine.loop, w->options.control_loop, tell_swapped);
}

static void deliver_command(struct delivery *d)
{
    struct command *c = container_of(d, struct command, delivery);

    c->run(c->worker, c);
}

/* ---- the thread ---- */

/* What control keeps for reloads is not for those who read strangers' bytes. */
static void drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

    if (geteuid() != 0)
        (void)syscall(SYS_capset, &header, none);
}

static int set_up(struct worker *w)
{
    const struct tuning_conf *tuning = &w->options.first.snapshot->main.tuning;
    struct loop_options o = {
        .entries = (unsigned)tuning->ring_entries,
        .small_buffer_count = SMALL_BUFFER_COUNT,
        .large_buffer_count = (unsigned)tuning->receive_buffer_count,
        .large_buffer_bytes = size_min(tuning->receive_buffer_bytes, LARGE_BUFFER_BYTES),
        .send_high_water = tuning->send_high_water,
        .zerocopy_bytes = tuning->send_zerocopy_bytes,
        .busy_poll_us = tuning->busy_poll_us,
        .stats = &w->engine.stats,
    };
    const struct worker_assignment *a = &w->options.first;
    int result = loop_new(&o, &w->engine.loop, w->start_text, sizeof(w->start_text));

    if (!result)
        result = pools_init(&w->engine, &w->clients, w->connections_max);
    if (!result)
        result = make_view(w, a->snapshot, &w->view, w->start_text);
    if (result)
        return result;
    w->clients.view = w->view;
    w->clients.numbers = &w->group->connection_numbers;
    w->clients.on_change = &w->change;
    w->listeners.loop = w->engine.loop;
    return listeners_take(&w->listeners, a->snapshot, a->listen_fds);
}

static void explain_start(unsigned index, int code, char *error, size_t error_size)
{
    snprintf(error, error_size, "worker %u cannot start: %s%s", index, strerror(-code),
             code == -ENOMEM
                 ? "; lower worker_connections or worker_processes, or raise the limit on memory"
                 : "");
}

static void *run_thread(void *arg)
{
    struct worker *w = arg;

    drop_capabilities();
    w->start_error = set_up(w);
    sem_post(&w->has_started);
    if (w->start_error)
        return NULL;
    loop_run(w->engine.loop);
    return NULL;
}

static int set_affinity(struct worker *w, pthread_attr_t *attributes)
{
    const cpu_set_t *sets = w->options.first.snapshot->main.affinity;

    if (!sets)
        return 0;
    return pthread_attr_setaffinity_np(attributes, sizeof(*sets), &sets[w->options.index]);
}

static int start_thread(struct worker *w)
{
    pthread_attr_t attributes;
    char name[16];
    int result = pthread_attr_init(&attributes);

    if (result)
        return -result;
    result = set_affinity(w, &attributes);
    if (!result)
        result = pthread_create(&w->thread, &attributes, run_thread, w);
    (void)pthread_attr_destroy(&attributes);
    if (result)
        return -result;
    snprintf(name, sizeof(name), "worker %u", w->options.index);
    (void)pthread_setname_np(w->thread, name);
    while (sem_wait(&w->has_started) && errno == EINTR)
        ;
    if (w->start_error)
        (void)pthread_join(w->thread, NULL);
    return w->start_error;
}

/* ---- the control thread's calls ---- */

static void free_worker(struct worker *w)
{
    listeners_deinit(&w->listeners);
    if (w->view)
        view_unref(w->view);
    access_deinit(&w->engine);
    pools_deinit(&w->engine, &w->clients);
    if (w->engine.loop)
        loop_free(w->engine.loop);
    sem_destroy(&w->has_started);
    free(w->siblings);
    free(w->farewell);
    if (--w->group->worker_count == 0) {
        free(w->group->handovers);
        free(w->group);
    }
    free(w);
}

/* 0, or -ENOMEM, and then there is nothing to give back. */
static int init_worker(struct worker *w, const struct worker_options *o)
{
    w->options = *o;
    if (worker_init_serving(w))
        return -ENOMEM;
    w->connections_max = o->first.snapshot->main.worker_connections;
    w->engine.index = o->index;
    access_init(&w->engine);
    list_init(&w->engine.resolvers);
    list_init(&w->clients.clients);
    sem_init(&w->has_started, 0, 0);
    return 0;
}

static struct worker *worker_new(const struct worker_options *o)
{
    struct worker *w = calloc(1, sizeof(*w));
    struct group *group = o->beside ? o->beside->group : calloc(1, sizeof(*group));

    if (!w || !group || init_worker(w, o)) {
        if (!o->beside)
            free(group);
        free(w);
        return NULL;
    }
    w->group = group;
    group->worker_count++;
    return w;
}

static void close_fds(const struct worker_assignment *a)
{
    for (size_t i = 0; i < a->snapshot->listen_count; i++)
        (void)close(a->listen_fds[i]);
}

int worker_start(const struct worker_options *o, struct worker **out, char *error,
                 size_t error_size)
{
    const struct worker_assignment *first = &o->first;
    struct worker *w = worker_new(o);
    int result = w ? start_thread(w) : -ENOMEM;

    if (result)
        close_fds(first);
    free(first->listen_fds);
    snapshot_unref(first->snapshot);
    if (!result) {
        atomic_fetch_add(&w->group->undrained_count, 1);
        *out = w;
        return 0;
    }
    if (w && w->start_text[0])
        snprintf(error, error_size, "%s", w->start_text);
    else
        explain_start(o->index, result, error, error_size);
    if (w)
        free_worker(w);
    return result;
}

bool worker_has_zerocopy(const struct worker *w)
{
    return loop_zerocopy_bytes(w->engine.loop) != SIZE_MAX;
}

void workers_introduce(struct worker **workers, unsigned count)
{
    struct handovers **all = calloc(count, sizeof(*all));

    for (unsigned i = 0; i < count; i++) {
        struct worker *w = workers[i];

        if (all)
            all[i] = &w->handovers;
        w->siblings = calloc(count, sizeof(*w->siblings));
        for (unsigned k = 0; w->siblings && k < count; k++)
            w->siblings[k] = &workers[k]->engine;
    }
    workers[0]->group->handovers = all;
}

static struct command *command_new(struct worker *w,
                                   void (*run)(struct worker *w, struct command *c))
{
    struct command *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->worker = w;
    c->control = w->options.control;
    c->index = w->options.index;
    c->run = run;
    return c;
}

static void post(struct command *c)
{
    struct worker *w = c->worker;

    delivery_send(&c->delivery, w->options.control_loop, w->engine.loop, deliver_command);
    loop_submit(w->options.control_loop);
}

/* Without memory for a command nothing can be told: the process could not even end. */
static void tell(struct worker *w, void (*run)(struct worker *w, struct command *c),
                 uint64_t deadline_ms)
{
    struct command *c = command_new(w, run);

    assert(c);
    c->deadline_ms = deadline_ms;
    post(c);
}

void worker_go(struct worker *w)
{
    tell(w, run_go, 0);
}

int worker_swap(struct worker *w, const struct worker_assignment *a, worker_swapped_fn done)
{
    struct command *c = command_new(w, run_swap);

    if (!c)
        return -ENOMEM;
    c->assignment = *a;
    c->swapped = done;
    post(c);
    return 0;
}

size_t worker_client_count(const struct worker *w)
{
    return handovers_client_count(&w->handovers);
}

const struct stats *worker_stats(const struct worker *w)
{
    return &w->engine.stats;
}

void worker_quit(struct worker *w, uint64_t deadline_ms)
{
    tell(w, run_quit, deadline_ms);
}

void worker_stop(struct worker *w)
{
    tell(w, run_stop, 0);
}

void worker_exit(struct worker *w)
{
    tell(w, run_exit, 0);
}

void worker_join(struct worker *w)
{
    /* What it was told may not have been delivered yet. */
    while (pthread_tryjoin_np(w->thread, NULL) == EBUSY)
        loop_turn(w->options.control_loop, JOIN_MS);
    free_worker(w);
}
