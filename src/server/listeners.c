/* listeners - the set of a worker's listening sockets. */
#include "server/listeners.h"

#include <stdlib.h>
#include <unistd.h>

void listeners_init(struct listeners *s)
{
    *s = (struct listeners){0};
    list_init(&s->list);
}

static void on_ended(struct listener *l)
{
    struct listeners *s = l->worker;

    list_remove(&l->link);
    task_cancel(&l->task);
    free(l);
    loop_ready(s->loop, s->on_change);
}

static struct listener *find(const struct listeners *s, int fd)
{
    list_for_each (link, &s->list) {
        struct listener *l = list_entry(link, struct listener, link);

        if (l->fd == fd)
            return l;
    }
    return NULL;
}

bool listeners_have(const struct listeners *s, int fd)
{
    return find(s, fd) != NULL;
}

static struct listener *make(struct listeners *s, int fd, const struct listen_conf *conf)
{
    struct listener_options o = {
        .loop = s->loop,
        .conf = conf,
        .fd = fd,
        .accepted = s->accepted,
        .ended = on_ended,
        .worker = s,
    };
    struct listener *l = malloc(sizeof(*l));

    if (l)
        listener_init(l, &o);
    return l;
}

static int make_new(struct listeners *s, const struct snapshot *snapshot, const int *fds,
                    struct list *made)
{
    for (size_t i = 0; i < snapshot->listen_count; i++) {
        struct listener *l;

        if (listeners_have(s, fds[i]))
            continue;
        l = make(s, fds[i], &snapshot->listens[i]);
        if (!l)
            return -ENOMEM;
        list_push_back(made, &l->link);
    }
    return 0;
}

/* Those that were here before: under the next configuration, or closing. */
static void turn_to(struct listener *l, const struct snapshot *snapshot, const int *fds)
{
    for (size_t i = 0; i < snapshot->listen_count; i++) {
        if (fds[i] == l->fd) {
            l->conf = &snapshot->listens[i];
            return;
        }
    }
    listener_end(l);
}

static void add(struct listeners *s, struct listener *l)
{
    list_push_back(&s->list, &l->link);
    if (s->are_started && !s->are_paused)
        listener_start(l);
}

/* What can fail comes first: until all are made, nothing changes. */
int listeners_take(struct listeners *s, const struct snapshot *snapshot, const int *fds)
{
    struct list made;
    struct list *link;

    list_init(&made);
    if (make_new(s, snapshot, fds, &made)) {
        list_for_each_safe (l, &made)
            free(list_entry(l, struct listener, link));
        return -ENOMEM;
    }
    list_for_each (l, &s->list)
        turn_to(list_entry(l, struct listener, link), snapshot, fds);
    while ((link = list_pop_front(&made)) != NULL)
        add(s, list_entry(link, struct listener, link));
    return 0;
}

void listeners_start(struct listeners *s)
{
    s->are_started = true;
    s->are_paused = false;
    list_for_each (link, &s->list)
        listener_start(list_entry(link, struct listener, link));
}

void listeners_pause(struct listeners *s)
{
    s->are_paused = true;
    list_for_each (link, &s->list)
        listener_pause(list_entry(link, struct listener, link));
}

void listeners_end(struct listeners *s)
{
    list_for_each (link, &s->list)
        listener_end(list_entry(link, struct listener, link));
}

void listeners_deinit(struct listeners *s)
{
    list_for_each_safe (link, &s->list) {
        struct listener *l = list_entry(link, struct listener, link);

        list_remove(link);
        (void)close(l->fd);
        free(l);
    }
}
