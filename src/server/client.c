/* client - from accept to close. */
#include "server/client.h"

#include <netinet/tcp.h>
#include <unistd.h>

#include "proxy/log_escape.h"
#include "proxy/route.h"
#include "proxy/server_certificate.h"
#include "server/listener.h"
#include "server/proxied.h"

#define REQUESTS_PER_RUN 16 /* pipelined ones; the others wait for the next turn */

enum client_state {
    CLIENT_PROXIED, /* before the header of the PROXY protocol */
    CLIENT_HANDSHAKING,
    CLIENT_IDLE, /* before a request's first byte */
    CLIENT_BUSY, /* with an exchange */
    CLIENT_ENDING,
};

struct client {
    struct list link; /* in client_pool.clients */
    struct client_pool *pool;
    struct view *view; /* one reference */
    const struct listen_conf *listen;
    const struct server_conf *sni_server;
    struct exchange *exchange;
    struct task task;
    struct timer timer;
    struct conn conn;
    struct client_facts facts;
    uint64_t linger_ends_ms; /* 0: it does not linger */
    enum client_state state;
    bool is_pipelining; /* the next request was there before the answer to the last one ended */
};

static_assert(sizeof(struct client) <= 448, "many clients wait: half a KiB each, with all else");

static struct loop *loop_of(const struct client *c)
{
    return c->pool->engine->loop;
}

static const struct settings *settings_of(const struct client *c)
{
    const struct server_conf *server = c->sni_server ? c->sni_server : c->listen->default_server;

    return &server->root.settings;
}

static_assert(offsetof(struct proxied, header) == 0, "the facts point to the whole");

/* NULL: the listener asks for no header. */
static struct proxied *proxied_of(const struct client *c)
{
    return (struct proxied *)(uintptr_t)c->facts.proxy_header;
}

/* ---- the pool ---- */

int client_pool_init(struct client_pool *p, struct engine *e, size_t count_max)
{
    p->engine = e;
    list_init(&p->clients);
    return slab_init(&p->slab, sizeof(struct client), count_max);
}

void client_pool_deinit(struct client_pool *p)
{
    assert(list_is_empty(&p->clients));
    slab_deinit(&p->slab);
}

static void wait_until(struct client *c, uint64_t deadline_ms)
{
    timer_set(loop_wheel(loop_of(c)), &c->timer, deadline_ms);
}

static void wait_for(struct client *c, uint64_t ms)
{
    wait_until(c, loop_now_ms(loop_of(c)) + ms);
}

/* ---- beginning ---- */

static void run(struct task *t);

static void on_timer(struct timer *t)
{
    struct client *c = container_of(t, struct client, timer);

    loop_ready(loop_of(c), &c->task);
}

/* One of its own for what the handshake asked for; NULL: it cannot be loaded. */
static struct tls_context *choose_certificate(struct client *c,
                                              const struct tls_server_profile *profile)
{
    const struct server_certificate_wish wish = {
        .view = c->view,
        .client = &c->facts,
        .listen = c->listen,
        .server = c->sni_server,
        .profile = profile,
    };

    return server_certificate_take(&wish);
}

/* The context for the name that the client asks for, as server_name chooses servers. */
static struct tls_context *select_context(void *owner, struct span sni)
{
    struct client *c = container_of(owner, struct client, conn);
    const struct tls_server_profile *profile;

    c->sni_server = route_server(c->listen, sni, c->pool->engine->regex_scratch, NULL);
    /* One that ran away is no match here; the Host of each request is looked up again. */
    (void)regex_take_runaway(c->pool->engine->regex_scratch);
    /* As nginx: a server without a certificate of its own is behind that of the default one. */
    profile = c->sni_server->tls ? c->sni_server->tls : c->listen->default_server->tls;
    if (profile->certificate && !profile->settings.rejects_handshakes)
        return choose_certificate(c, profile);
    return c->view->server_contexts[profile->index];
}

/* The peer's address, also of a client that has reset the connection already: getpeername(2) has
 * none for it. SO_PEERNAME wants the exact length (sk_getsockopt() of the kernel's
 * net/core/sock.c), which is that of the listener's own. */
static struct endpoint peer_of(const struct client *c)
{
    struct address a = {.len = c->listen->address.len};

    if (!getsockopt(c->conn.fd, SOL_SOCKET, SO_PEERNAME, &a.u.any, &a.len))
        return endpoint_of(&a);
    a.len = sizeof(a.u);
    if (getpeername(c->conn.fd, &a.u.any, &a.len))
        a.len = 0;
    return endpoint_of(&a);
}

static struct endpoint local_of(const struct client *c)
{
    struct address a = {.len = sizeof(a.u)};

    if (getsockname(c->conn.fd, &a.u.any, &a.len))
        a.len = 0;
    return endpoint_of(&a);
}

static void set_options(struct client *c)
{
    static const int on = 1;

    /* Fails on unix sockets, which need none. */
    if (settings_of(c)->tcp_nodelay)
        (void)setsockopt(c->conn.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* 0, or -ENOMEM. */
static int begin_tls(struct client *c)
{
    const struct tls_server_profile *profile = c->listen->default_server->tls;
    struct tls *tls;

    c->sni_server = c->listen->default_server;
    if (!profile)
        return -EINVAL;
    tls = tls_new_server(c->view->server_contexts[profile->index], select_context, conn_tls_output,
                         &c->conn);
    if (!tls)
        return -ENOMEM;
    conn_start_tls(&c->conn, tls);
    c->state = CLIENT_HANDSHAKING;
    return 0;
}

/* What comes first on the connection. 0, or -ENOMEM. */
static int begin(struct client *c)
{
    struct proxied *proxied;

    if (!c->listen->is_proxied)
        return c->listen->is_tls ? begin_tls(c) : 0;
    proxied = proxied_new();
    if (!proxied)
        return -ENOMEM;
    c->facts.proxy_header = &proxied->header;
    c->state = CLIENT_PROXIED;
    return 0;
}

/* ---- ending ---- */

/* Well: what is written is flushed; lingers while the client may still be sending. */
static void finish(struct client *c, bool lingers)
{
    const struct settings *s = settings_of(c);
    uint64_t wait_ms = s->send_timeout_ms;

    c->state = CLIENT_ENDING;
    if (lingers) {
        c->linger_ends_ms = loop_now_ms(loop_of(c)) + s->lingering_time_ms;
        wait_ms = u64_min(wait_ms, u64_min(s->lingering_time_ms, s->lingering_timeout_ms));
    }
    wait_for(c, wait_ms); /* the first of all deadlines; ending() waits for what is left of them */
    conn_finish(&c->conn, lingers && s->lingering_close);
    if (conn_is_closed(&c->conn))
        loop_ready(loop_of(c), &c->task);
}

static void cut(struct client *c, bool with_reset)
{
    c->state = CLIENT_ENDING;
    conn_abort(&c->conn, with_reset);
    loop_ready(loop_of(c), &c->task);
}

/* ---- accepting ---- */

void client_accept(struct client_pool *p, struct view *view, const struct listen_conf *listen,
                   int fd)
{
    struct client *c = slab_take(&p->slab);

    if (!c) {
        (void)close(fd);
        return;
    }
    *c = (struct client){.pool = p, .view = view_ref(view), .listen = listen};
    list_init(&c->link);
    list_push_back(&p->clients, &c->link);
    p->count++;
    task_init(&c->task, run);
    timer_init(&c->timer, on_timer);
    conn_init(&c->conn, p->engine->loop, &p->engine->chunks, fd, &c->task);
    c->state = CLIENT_IDLE;
    c->facts.conn = &c->conn;
    c->facts.number = atomic_fetch_add_explicit(p->numbers, 1, memory_order_relaxed) + 1;
    c->facts.since_ms = loop_now_ms(p->engine->loop);
    stats_add(&p->engine->stats, COUNTER_ACCEPTED, 1);
    c->facts.address = peer_of(c);
    c->facts.local_address = local_of(c);
    set_options(c);
    wait_for(c, settings_of(c)->client_header_timeout_ms);
    if (begin(c)) {
        cut(c, false);
        return;
    }
    conn_want_input(&c->conn);
}

static void release(struct client *c)
{
    struct client_pool *p = c->pool;

    timer_stop(loop_wheel(loop_of(c)), &c->timer);
    task_cancel(&c->task);
    conn_deinit(&c->conn);
    proxied_free(proxied_of(c));
    list_remove(&c->link);
    p->count--;
    view_unref(c->view);
    slab_give(&p->slab, c);
    if (p->on_change)
        loop_ready(p->engine->loop, p->on_change);
}

/* ---- its states ---- */

#define BROKEN_BYTES_SHOWN 107 /* of a header that is none */

static void log_broken_header(const struct client *c, const struct proxied *p)
{
    struct span bytes = span_of(p->bytes, size_min(p->len, BROKEN_BYTES_SHOWN));
    char shown[4 * BROKEN_BYTES_SHOWN], client[ADDRESS_TEXT_BYTES], server[ADDRESS_TEXT_BYTES];
    size_t len = log_escape(LOG_ESCAPE_DEFAULT, bytes, shown, sizeof(shown));

    (void)endpoint_format_host(&c->facts.address, client);
    (void)address_format(&c->listen->address, server);
    log_write(&settings_of(c)->error_log, LOG_LEVEL_ERROR,
              "*%llu broken header: \"%.*s\" while reading PROXY protocol, client: %s, server: %s",
              (unsigned long long)c->facts.number, (int)len, shown, client, server);
}

/* What follows the header is TLS, or a request. */
static void begin_behind_header(struct client *c)
{
    c->state = CLIENT_IDLE;
    wait_for(c, settings_of(c)->client_header_timeout_ms);
    if (c->listen->is_tls && begin_tls(c))
        cut(c, false);
}

static void read_proxy_header(struct client *c)
{
    struct proxied *p = proxied_of(c);
    enum proxied_result result = proxied_read(&p, &c->conn);

    c->facts.proxy_header = &p->header;
    if (result == PROXIED_READY) {
        begin_behind_header(c);
        return;
    }
    if (result == PROXIED_WAITS && timer_is_set(&c->timer))
        return;
    if (result == PROXIED_BROKEN)
        log_broken_header(c, p);
    cut(c, false);
}

/* Something else than TLS came: it is told so in its own words (RFC 9112 has none for it). */
static bool answer_plain_http(struct client *c)
{
    const char *reason;

    if (tls_failure(c->conn.tls, &reason) != TLS_FAILURE_PLAIN_HTTP)
        return false;
    conn_drop_tls(&c->conn);
    return true;
}

static void log_handshake_failure(struct client *c)
{
    char text[ADDRESS_TEXT_BYTES];
    const char *reason = "the client closed the connection";

    if (tls_failure(c->conn.tls, &reason) == TLS_FAILURE_NONE)
        reason = "the client closed the connection";
    (void)endpoint_format_host(&c->facts.address, text);
    log_write(&settings_of(c)->error_log, LOG_LEVEL_INFO,
              "*%llu SSL handshake failed: %s, client: %s", (unsigned long long)c->facts.number,
              reason, text);
}

static void take_exchange(struct client *c)
{
    struct exchange_options o = {
        .view = c->view,
        .listen = c->listen,
        .sni_server = c->sni_server,
        .client = &c->facts,
        .task = &c->task,
        .timer = &c->timer,
        .is_draining = c->pool->is_draining,
        .is_pipelined = c->is_pipelining,
    };

    c->facts.request_count++;
    c->exchange = exchange_new(&o);
    if (c->exchange)
        c->state = CLIENT_BUSY;
    else
        cut(c, true);
}

static void handshake(struct client *c)
{
    struct stats *stats = &c->pool->engine->stats;

    switch (conn_handshake(&c->conn)) {
    case CONN_WAITS:
        if (!timer_is_set(&c->timer))
            cut(c, settings_of(c)->reset_timedout_connection);
        return;
    case CONN_READY:
        stats_add(stats,
                  tls_is_resumed(c->conn.tls) ? COUNTER_CLIENT_HANDSHAKES_RESUMED
                                              : COUNTER_CLIENT_HANDSHAKES_FULL,
                  1);
        c->state = CLIENT_IDLE;
        wait_for(c, settings_of(c)->client_header_timeout_ms);
        return;
    case CONN_FAILED:
        break;
    }
    stats_add(stats, COUNTER_CLIENT_HANDSHAKES_FAILED, 1);
    log_handshake_failure(c);
    if (answer_plain_http(c)) {
        take_exchange(c);
        return;
    }
    finish(c, false); /* the alert still goes out */
}

/* Between two requests a plain connection moves to the newest configuration. */
static void follow_view(struct client *c)
{
    const struct listen_conf *listen;

    if (c->view == c->pool->view || c->conn.tls)
        return;
    listen = listener_conf(c->pool->view->snapshot, c->listen);
    if (!listen)
        return; /* it stays on the old one, which ends it after its next answer */
    view_unref(c->view);
    c->view = view_ref(c->pool->view);
    c->listen = listen;
}

/* As nginx: one that was served before is closed well in any case. */
static void time_out(struct client *c)
{
    if (!c->facts.request_count && settings_of(c)->reset_timedout_connection)
        cut(c, true);
    else
        finish(c, false);
}

/* keepalive_min_timeout: until then a client that was answered may count on its connection. */
static uint64_t kept_until_ms(const struct client *c)
{
    return c->facts.request_count ? c->conn.progress_ms + settings_of(c)->keepalive_min_timeout_ms
                                  : 0;
}

/* Nothing there: waits for a request, or ends. */
static void idle_without_input(struct client *c)
{
    if (conn_end(&c->conn) != CONN_END_NONE || c->conn.error) {
        if (c->conn.error)
            cut(c, false);
        else
            finish(c, false); /* an alert still goes out */
        return;
    }
    if (c->pool->is_draining) { /* what is written is sent all the same */
        if (kept_until_ms(c) <= loop_now_ms(loop_of(c))) {
            finish(c, false);
            return;
        }
        wait_until(c, kept_until_ms(c));
    }
    if (!timer_is_set(&c->timer)) {
        time_out(c);
        return;
    }
    conn_want_input(&c->conn);
}

/* Answers to pipelined requests wait for the client to read those before; not for ever. */
static void await_room(struct client *c)
{
    uint64_t deadline_ms = c->conn.progress_ms + settings_of(c)->send_timeout_ms;

    if (c->conn.error || deadline_ms <= loop_now_ms(loop_of(c)))
        cut(c, true);
    else
        wait_until(c, deadline_ms);
}

static void idle(struct client *c)
{
    follow_view(c);
    if (!conn_input(&c->conn).len) {
        idle_without_input(c);
        return;
    }
    if (conn_has_room(&c->conn))
        take_exchange(c);
    else
        await_room(c);
}

static void end_exchange(struct client *c, enum exchange_result result)
{
    struct exchange *x = c->exchange;
    bool lingers = exchange_lingers(x);

    if (result == EXCHANGE_CUTS)
        cut(c, true);
    else if (result == EXCHANGE_CLOSES)
        finish(c, lingers || conn_input(&c->conn).len || conn_is_early(&c->conn));
    else {
        c->state = CLIENT_IDLE;
        c->is_pipelining = conn_input(&c->conn).len > 0;
        wait_for(c, settings_of(c)->keepalive_timeout_ms);
    }
    exchange_free(x);
    c->exchange = NULL;
}

/* True when it has come to an end. */
static bool busy(struct client *c)
{
    enum exchange_result result = exchange_run(c->exchange);

    if (result == EXCHANGE_WAITS)
        return false;
    /* A file may still be read into the exchange's memory: its end comes with that. */
    if (exchange_is_busy(c->exchange))
        cut(c, true);
    else
        end_exchange(c, result);
    return true;
}

/* Until when the client may go on reading our last answer, or sending what is discarded. */
static uint64_t ending_deadline_ms(const struct client *c)
{
    const struct settings *s = settings_of(c);

    if (conn_out_bytes(&c->conn))
        return c->conn.progress_ms + s->send_timeout_ms;
    return u64_min(c->linger_ends_ms, c->conn.progress_ms + s->lingering_timeout_ms);
}

static void ending(struct client *c)
{
    const struct conn *conn = &c->conn;
    uint64_t deadline_ms;

    if (c->exchange && !exchange_is_busy(c->exchange)) {
        exchange_free(c->exchange);
        c->exchange = NULL;
    }
    if (!c->exchange && conn_is_closed(conn)) {
        release(c);
        return;
    }
    if (timer_is_set(&c->timer))
        return;
    deadline_ms = ending_deadline_ms(c);
    if (deadline_ms > loop_now_ms(loop_of(c)))
        wait_until(c, deadline_ms);
    else
        conn_abort(&c->conn, settings_of(c)->reset_timedout_connection);
}

static void run(struct task *t)
{
    struct client *c = container_of(t, struct client, task);

    if (c->state == CLIENT_PROXIED)
        read_proxy_header(c);
    if (c->state == CLIENT_HANDSHAKING)
        handshake(c);
    for (unsigned i = 0; i < REQUESTS_PER_RUN; i++) {
        if (c->state == CLIENT_IDLE)
            idle(c);
        if (c->state != CLIENT_BUSY || !busy(c))
            break;
    }
    if (c->state == CLIENT_IDLE && conn_input(&c->conn).len && conn_has_room(&c->conn))
        loop_ready(loop_of(c), &c->task);
    if (c->state == CLIENT_ENDING)
        ending(c);
}

/* ---- all of them ---- */

void clients_drain(struct client_pool *p)
{
    p->is_draining = true;
    list_for_each (link, &p->clients) {
        struct client *c = list_entry(link, struct client, link);

        if (c->state == CLIENT_BUSY)
            exchange_drain(c->exchange);
        loop_ready(p->engine->loop, &c->task);
    }
}

static bool is_kept_alive(const struct client *c)
{
    return c->state == CLIENT_IDLE && c->facts.request_count && !c->conn.raw.len &&
           !conn_out_bytes(&c->conn) && kept_until_ms(c) <= loop_now_ms(loop_of(c));
}

void clients_shed(struct client_pool *p, size_t count)
{
    list_for_each_safe (link, &p->clients) {
        struct client *c = list_entry(link, struct client, link);

        if (!count)
            return;
        if (!is_kept_alive(c))
            continue;
        finish(c, false);
        count--;
    }
}

void clients_abort(struct client_pool *p)
{
    p->is_draining = true;
    list_for_each (link, &p->clients) {
        struct client *c = list_entry(link, struct client, link);

        if (c->state == CLIENT_BUSY)
            exchange_abort(c->exchange);
        cut(c, false);
    }
}
