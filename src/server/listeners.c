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

static int add(struct listeners *s, int fd, const struct listen_conf *conf)
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

    if (!l)
        return -ENOMEM;
    listener_init(l, &o);
    list_push_back(&s->list, &l->link);
    if (s->are_started && !s->are_paused)
        listener_start(l);
    return 0;
}

static bool is_among(const int *fds, size_t count, int fd)
{
    for (size_t i = 0; i < count; i++) {
        if (fds[i] == fd)
            return true;
    }
    return false;
}

int listeners_take(struct listeners *s, const struct snapshot *snapshot, const int *fds)
{
    int result = 0;

    list_for_each (link, &s->list) {
        struct listener *l = list_entry(link, struct listener, link);

        if (!is_among(fds, snapshot->listen_count, l->fd))
            listener_end(l);
    }
    for (size_t i = 0; i < snapshot->listen_count && !result; i++) {
        struct listener *l = find(s, fds[i]);

        if (l)
            l->conf = &snapshot->listens[i];
        else
            result = add(s, fds[i], &snapshot->listens[i]);
    }
    return result;
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
