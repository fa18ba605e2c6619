/* resolver - names to addresses at run time: c-ares, whose sockets the loop polls. */
#include "io/resolver.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "resolver_internal.h"

#define BUCKET_COUNT 256
#define QUESTION_TIMEOUT_MS 2000 /* the first of a server; each round waits twice as long */
#define QUESTION_ROUNDS 4

struct resolver {
    struct list link; /* in the thread's list */
    struct loop *loop;
    struct resolver_settings settings; /* without servers */
    ares_channel channel;
    int socket_error;   /* resolver_note_sockets() */
    struct task task;   /* runs when a socket is ready or a question is old */
    struct timer timer; /* of c-ares */
    bool is_due;
    bool is_closing;
    struct list polls;
    struct list buckets[BUCKET_COUNT];
    struct list ages; /* of all names in buckets, the last asked for first */
    size_t name_count, question_count;
};

/* What is known of a name. */
struct resolver_name {
    struct list bucket_link, age_link;
    struct resolver *resolver;
    struct list waits;
    enum resolver_state state;
    bool is_listed; /* in a bucket: others may ask for it */
    struct resolver_failure failure;
    struct address *addresses;
    size_t address_count;
    uint64_t expires_ms;
    size_t length;
    char text[]; /* lower case, with a NUL */
};

/* The watch over one socket of c-ares. */
struct poll {
    struct list link;
    struct op op;
    struct resolver *resolver;
    int fd;
    short wanted;
    short ready;  /* what the last completion said */
    bool is_gone; /* c-ares closed it: stays until its operation ends */
};

/* ---- sockets ---- */

static void poll_done(struct op *op, const struct completion *c)
{
    struct poll *p = container_of(op, struct poll, op);

    p->ready = c->result > 0 ? (short)c->result : 0;
    loop_ready(p->resolver->loop, &p->resolver->task);
}

static void poll_free(struct poll *p)
{
    op_assert_idle(&p->op);
    list_remove(&p->link);
    free(p);
}

static struct poll *poll_find(struct resolver *r, int fd)
{
    list_for_each (link, &r->polls) {
        struct poll *p = list_entry(link, struct poll, link);

        if (p->fd == fd && !p->is_gone)
            return p;
    }
    return NULL;
}

static struct poll *poll_new(struct resolver *r, int fd)
{
    struct poll *p = calloc(1, sizeof(*p));

    if (!p)
        return NULL;
    op_init(&p->op, poll_done);
    list_init(&p->link);
    p->resolver = r;
    p->fd = fd;
    list_push_back(&r->polls, &p->link);
    return p;
}

static void poll_end(struct poll *p)
{
    p->is_gone = true;
    if (p->op.is_in_flight)
        loop_cancel(p->resolver->loop, &p->op);
    else
        poll_free(p);
}

/* c-ares says what it wants of a socket; nothing: it is about to close it. */
static void on_socket(void *arg, ares_socket_t fd, int wants_read, int wants_write)
{
    struct resolver *r = arg;
    struct poll *p = poll_find(r, fd);
    short wanted = (short)((wants_read ? POLLIN : 0) | (wants_write ? POLLOUT : 0));

    if (!wanted) {
        if (p)
            poll_end(p);
        return;
    }
    if (!p)
        p = poll_new(r, fd);
    if (!p) /* without memory the question runs into its timeout */
        return;
    if (p->op.is_in_flight && p->wanted != wanted)
        loop_cancel(r->loop, &p->op);
    p->wanted = wanted;
    loop_ready(r->loop, &r->task);
}

/* One socket that is ready; c-ares may add and close others meanwhile. */
static struct poll *next_ready(struct resolver *r)
{
    list_for_each (link, &r->polls) {
        struct poll *p = list_entry(link, struct poll, link);

        if (p->ready && !p->is_gone)
            return p;
    }
    return NULL;
}

static void process_sockets(struct resolver *r)
{
    struct poll *p;

    while ((p = next_ready(r))) {
        bool is_bad = p->ready & (POLLERR | POLLHUP | POLLNVAL);
        int readable = p->ready & POLLIN || is_bad ? p->fd : ARES_SOCKET_BAD;
        int writable = p->ready & POLLOUT || is_bad ? p->fd : ARES_SOCKET_BAD;

        p->ready = 0;
        ares_process_fd(r->channel, readable, writable);
    }
}

static void watch_sockets(struct resolver *r)
{
    list_for_each_safe (link, &r->polls) {
        struct poll *p = list_entry(link, struct poll, link);

        if (p->op.is_in_flight)
            continue;
        if (p->is_gone)
            poll_free(p);
        else
            loop_poll(r->loop, &p->op, p->fd, p->wanted);
    }
}

static void set_timer(struct resolver *r)
{
    struct timeval until;

    if (!ares_timeout(r->channel, NULL, &until)) {
        timer_stop(loop_wheel(r->loop), &r->timer);
        return;
    }
    timer_set(loop_wheel(r->loop), &r->timer,
              loop_now_ms(r->loop) + (uint64_t)until.tv_sec * 1000 +
                  (uint64_t)until.tv_usec / 1000 + 1);
}

static void on_timer(struct timer *t)
{
    struct resolver *r = container_of(t, struct resolver, timer);

    r->is_due = true;
    loop_ready(r->loop, &r->task);
}

static void resolver_free(struct resolver *r)
{
    task_cancel(&r->task);
    list_remove(&r->link);
    free(r);
}

static void run(struct task *t)
{
    struct resolver *r = container_of(t, struct resolver, task);

    if (!r->is_closing) {
        process_sockets(r);
        if (r->is_due)
            ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
        r->is_due = false;
    }
    watch_sockets(r);
    if (!r->is_closing)
        set_timer(r);
    else if (list_is_empty(&r->polls))
        resolver_free(r);
}

/* ---- names ---- */

static struct list *bucket_of(struct resolver *r, struct span name)
{
    return &r->buckets[span_hash_nocase(name) % BUCKET_COUNT];
}

static struct resolver_name *name_find(struct resolver *r, struct span text)
{
    list_for_each (link, bucket_of(r, text)) {
        struct resolver_name *n = list_entry(link, struct resolver_name, bucket_link);

        if (span_equals_nocase(span_of(n->text, n->length), text))
            return n;
    }
    return NULL;
}

static void name_free(struct resolver_name *n)
{
    free(n->addresses);
    free(n);
}

static void free_unused(struct resolver_name *n)
{
    if (!n->is_listed && n->state != RESOLVER_ASKS && list_is_empty(&n->waits))
        name_free(n);
}

/* The next one who asks for it begins anew. */
static void unlist(struct resolver_name *n)
{
    assert(n->is_listed);
    n->is_listed = false;
    list_remove(&n->bucket_link);
    list_remove(&n->age_link);
    n->resolver->name_count--;
}

static void make_room(struct resolver *r)
{
    if (r->name_count < RESOLVER_NAMES_MAX)
        return;
    for (struct list *link = r->ages.prev; link != &r->ages; link = link->prev) {
        struct resolver_name *n = list_entry(link, struct resolver_name, age_link);

        if (n->state == RESOLVER_ASKS || !list_is_empty(&n->waits))
            continue;
        unlist(n);
        name_free(n);
        return;
    }
}

static struct resolver_name *name_new(struct resolver *r, struct span text)
{
    struct resolver_name *n = calloc(1, sizeof(*n) + text.len + 1);

    if (!n)
        return NULL;
    make_room(r);
    n->resolver = r;
    n->length = text.len;
    for (size_t i = 0; i < text.len; i++)
        n->text[i] = ascii_lower(text.data[i]);
    list_init(&n->waits);
    list_init(&n->bucket_link);
    list_init(&n->age_link);
    n->is_listed = true;
    list_push_front(bucket_of(r, text), &n->bucket_link);
    list_push_front(&r->ages, &n->age_link);
    r->name_count++;
    return n;
}

/* ---- answers ---- */

static int compare_addresses(const void *a, const void *b)
{
    const struct address *x = a, *y = b;

    if (x->u.any.sa_family != y->u.any.sa_family)
        return x->u.any.sa_family < y->u.any.sa_family ? -1 : 1;
    return memcmp(&x->u, &y->u, x->len);
}

static bool take_address(const struct ares_addrinfo_node *node, struct address *out)
{
    *out = (struct address){.len = 0};
    if (node->ai_family == AF_INET) {
        out->len = sizeof(out->u.in);
        out->u.in.sin_family = AF_INET;
        out->u.in.sin_addr = ((const struct sockaddr_in *)(const void *)node->ai_addr)->sin_addr;
    } else if (node->ai_family == AF_INET6) {
        out->len = sizeof(out->u.in6);
        out->u.in6.sin6_family = AF_INET6;
        out->u.in6.sin6_addr =
            ((const struct sockaddr_in6 *)(const void *)node->ai_addr)->sin6_addr;
    }
    return out->len > 0;
}

/* In order, each once. */
static size_t sort_addresses(struct address *all, size_t count)
{
    size_t kept = 0;

    qsort(all, count, sizeof(*all), compare_addresses);
    for (size_t i = 0; i < count; i++) {
        if (!kept || compare_addresses(&all[kept - 1], &all[i]) != 0)
            all[kept++] = all[i];
    }
    return kept;
}

static uint64_t shortest_life_s(const struct ares_addrinfo *found)
{
    uint64_t life_s = UINT32_MAX;

    for (const struct ares_addrinfo_node *n = found->nodes; n; n = n->ai_next)
        life_s = u64_min(life_s, n->ai_ttl > 0 ? (uint64_t)n->ai_ttl : 0);
    for (const struct ares_addrinfo_cname *c = found->cnames; c; c = c->next)
        life_s = u64_min(life_s, c->ttl > 0 ? (uint64_t)c->ttl : 0);
    return life_s;
}

/* 0 or the status that it fails with. */
static int take_answer(struct resolver_name *n, const struct ares_addrinfo *found)
{
    const struct resolver *r = n->resolver;
    size_t count = 0, room = 1;

    for (const struct ares_addrinfo_node *node = found->nodes; node; node = node->ai_next)
        room++;
    room = size_min(room, RESOLVER_ADDRESSES_MAX);
    n->addresses = calloc(room, sizeof(*n->addresses));
    if (!n->addresses)
        return ARES_ENOMEM;
    for (const struct ares_addrinfo_node *node = found->nodes; node && count < room;
         node = node->ai_next)
        count += take_address(node, &n->addresses[count]);
    n->address_count = sort_addresses(n->addresses, count);
    n->expires_ms = loop_now_ms(r->loop) +
                    (r->settings.has_valid ? r->settings.valid_ms : shortest_life_s(found) * 1000);
    return count ? ARES_SUCCESS : ARES_ENODATA;
}

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *found)
{
    struct resolver_name *n = arg;

    (void)timeouts;
    if (status == ARES_SUCCESS)
        status = take_answer(n, found);
    if (found)
        ares_freeaddrinfo(found);
    n->resolver->question_count--;
    n->state = status == ARES_SUCCESS ? RESOLVER_KNOWS : RESOLVER_FAILED;
    n->failure = resolver_failure_of(status, n->resolver->socket_error);
    if (n->state == RESOLVER_FAILED)
        unlist(n);
    list_for_each (link, &n->waits)
        loop_ready(n->resolver->loop, list_entry(link, struct resolver_wait, link)->task);
    free_unused(n);
}

static void ask_servers(struct resolver_name *n)
{
    struct resolver *r = n->resolver;
    bool wants_both = r->settings.wants_ip4 && r->settings.wants_ip6;
    const struct ares_addrinfo_hints hints = {
        .ai_flags = ARES_AI_NOSORT,
        .ai_family = wants_both              ? AF_UNSPEC
                     : r->settings.wants_ip4 ? AF_INET
                                             : AF_INET6,
    };

    r->question_count++;
    ares_getaddrinfo(r->channel, n->text, NULL, &hints, on_answer, n);
    loop_ready(r->loop, &r->task); /* sets its timer */
}

/* ---- asking ---- */

enum resolver_state resolver_ask(struct resolver *r, struct span text, struct task *task,
                                 struct resolver_wait *w)
{
    struct resolver_name *n = name_find(r, text);
    bool is_new;

    *w = (struct resolver_wait){.task = task};
    list_init(&w->link);
    if (n && n->state == RESOLVER_KNOWS && loop_now_ms(r->loop) >= n->expires_ms) {
        unlist(n);
        free_unused(n);
        n = NULL;
    }
    is_new = !n;
    if (is_new && r->question_count < RESOLVER_QUESTIONS_MAX)
        n = name_new(r, text);
    if (!n)
        return RESOLVER_FAILED;
    w->name = n;
    list_push_back(&n->waits, &w->link);
    if (is_new) {
        ask_servers(n);
    } else {
        list_remove(&n->age_link);
        list_push_front(&r->ages, &n->age_link);
    }
    return n->state;
}

enum resolver_state resolver_wait_state(const struct resolver_wait *w)
{
    return w->name ? w->name->state : RESOLVER_FAILED;
}

const struct address *resolver_wait_addresses(const struct resolver_wait *w, size_t *count)
{
    assert(resolver_wait_state(w) == RESOLVER_KNOWS);
    *count = w->name->address_count;
    return w->name->addresses;
}

struct resolver_failure resolver_wait_failure(const struct resolver_wait *w)
{
    assert(resolver_wait_state(w) == RESOLVER_FAILED);
    return w->name ? w->name->failure : resolver_failure_of(ARES_ENOMEM, 0);
}

void resolver_wait_stop(struct resolver_wait *w)
{
    struct resolver_name *n = w->name;

    if (!n)
        return;
    w->name = NULL;
    list_remove(&w->link);
    free_unused(n);
}

/* ---- making and ending ---- */

static void fill_server(const struct address *a, struct ares_addr_port_node *out)
{
    *out = (struct ares_addr_port_node){
        .family = a->u.any.sa_family, .udp_port = address_port(a), .tcp_port = address_port(a)};
    if (out->family == AF_INET)
        memcpy(&out->addr.addr4, &a->u.in.sin_addr, sizeof(out->addr.addr4));
    else
        memcpy(&out->addr.addr6, &a->u.in6.sin6_addr, sizeof(out->addr.addr6));
}

static int set_servers(struct resolver *r, const struct resolver_settings *s)
{
    struct ares_addr_port_node *nodes = calloc(s->server_count, sizeof(*nodes));
    int status;

    if (!nodes)
        return ARES_ENOMEM;
    for (size_t i = 0; i < s->server_count; i++) {
        fill_server(&s->servers[i], &nodes[i]);
        nodes[i].next = i + 1 < s->server_count ? &nodes[i + 1] : NULL;
    }
    status = ares_set_servers_ports(r->channel, nodes);
    free(nodes);
    return status;
}

/* Only the servers of the file are asked, and names as they are: nothing of the host's own setting
 * has a part in it. ares_library_init() does nothing where there is no Windows. */
static int make_channel(struct resolver *r)
{
    struct ares_options options = {
        .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
        .timeout = QUESTION_TIMEOUT_MS,
        .tries = QUESTION_ROUNDS,
        /* Only read; its type is older than const. */
        .lookups = (char *)(uintptr_t) "b",
        .resolvconf_path = (char *)(uintptr_t) "/dev/null",
        .sock_state_cb = on_socket,
        .sock_state_cb_data = r,
    };

    return ares_init_options(&r->channel, &options,
                             ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                                 ARES_OPT_LOOKUPS | ARES_OPT_RESOLVCONF | ARES_OPT_SOCK_STATE_CB |
                                 ARES_OPT_ROTATE);
}

int resolver_new(struct loop *l, struct list *all, const struct resolver_settings *s,
                 struct resolver **out)
{
    struct resolver *r = calloc(1, sizeof(*r));
    int status;

    assert(s->server_count);
    assert(s->wants_ip4 || s->wants_ip6);
    if (!r)
        return -ENOMEM;
    r->loop = l;
    r->settings = *s;
    task_init(&r->task, run);
    timer_init(&r->timer, on_timer);
    list_init(&r->link);
    list_init(&r->polls);
    list_init(&r->ages);
    for (size_t i = 0; i < BUCKET_COUNT; i++)
        list_init(&r->buckets[i]);
    status = make_channel(r);
    if (status != ARES_SUCCESS) {
        free(r);
        return status == ARES_ENOMEM ? -ENOMEM : -EINVAL;
    }
    resolver_note_sockets(r->channel, &r->socket_error);
    list_push_back(all, &r->link);
    status = set_servers(r, s);
    if (status != ARES_SUCCESS) {
        resolver_close(r);
        return status == ARES_ENOMEM ? -ENOMEM : -EINVAL;
    }
    *out = r;
    return 0;
}

void resolver_close(struct resolver *r)
{
    if (!r)
        return;
    ares_destroy(r->channel);
    timer_stop(loop_wheel(r->loop), &r->timer);
    list_for_each_safe (link, &r->ages) {
        struct resolver_name *n = list_entry(link, struct resolver_name, age_link);

        assert(list_is_empty(&n->waits));
        unlist(n);
        name_free(n);
    }
    r->is_closing = true;
    if (list_is_empty(&r->polls))
        resolver_free(r);
}

void resolvers_cancel(struct list *all)
{
    list_for_each (link, all)
        ares_cancel(list_entry(link, struct resolver, link)->channel);
}

bool resolvers_are_quiet(const struct list *all)
{
    list_for_each (link, all) {
        if (!list_is_empty(&list_entry(link, struct resolver, link)->polls))
            return false;
    }
    return true;
}
