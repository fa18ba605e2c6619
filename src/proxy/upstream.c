/* upstream - leasing, keeping and closing connections; handshakes that fill the ticket cache. */
#include "proxy/upstream.h"

#include <string.h>

#define FAREWELL_BYTES_MAX 1024 /* an alert or close_notify, but no request */
#define FAREWELL_MS 1000

/* ---- connections ---- */

static void set_idle(struct upstream_conn *u, bool is_idle)
{
    struct upstream *up = u->lane->peer->upstream;

    if (u->is_idle == is_idle)
        return;
    u->is_idle = is_idle;
    if (is_idle) {
        list_push_front(&up->idle, &u->idle_link);
        list_push_front(&u->lane->idle, &u->lane_link);
        up->idle_count++;
    } else {
        list_remove(&u->idle_link);
        list_remove(&u->lane_link);
        up->idle_count--;
    }
}

static_assert(sizeof(struct upstream_conn) <= 384, "pooled ones wait: six lines of the cache");

static void release(struct upstream_conn *u)
{
    struct view *v = u->view;

    timer_stop(loop_wheel(v->engine->loop), &u->timer);
    task_cancel(&u->task);
    conn_deinit(&u->conn);
    u->lane->conn_count--;
    lane_settle(u->lane);
    slab_give(&v->engine->upstream_conns, u);
    view_unref(v);
}

/* Looks at what came on an idle connection: false where it has ended, or its peer spoke unasked. */
static bool is_silent(struct upstream_conn *u)
{
    bool has_bytes = conn_input(&u->conn).len > 0;

    upstream_save_tickets(u); /* it may have been a late ticket, or a key update */
    if (has_bytes)
        stats_add(&u->view->engine->stats, COUNTER_UPSTREAM_SURPLUS, 1);
    return !has_bytes && conn_end(&u->conn) == CONN_END_NONE && !u->conn.error;
}

/* Runs while nobody leases it. */
static void run_unleased(struct task *t)
{
    struct upstream_conn *u = container_of(t, struct upstream_conn, task);

    if (conn_is_closed(&u->conn))
        release(u);
    else if (u->is_idle && is_silent(u))
        conn_want_input(&u->conn);
    else if (u->is_idle)
        upstream_discard(u);
}

static void on_idle_timeout(struct timer *t)
{
    struct upstream_conn *u = container_of(t, struct upstream_conn, timer);

    if (u->is_idle)
        upstream_discard(u);
    else if (u->conn.owner == &u->task)
        conn_abort(&u->conn, false);
}

static struct upstream_conn *upstream_conn_new(struct lane *l)
{
    struct view *v = l->peer->upstream->view;
    struct upstream_conn *u = slab_take(&v->engine->upstream_conns);

    if (!u)
        return NULL;
    *u = (struct upstream_conn){.lane = l, .view = view_ref(v)};
    u->opened_ms = loop_now_ms(v->engine->loop);
    task_init(&u->task, run_unleased);
    timer_init(&u->timer, on_idle_timeout);
    list_init(&u->idle_link);
    list_init(&u->lane_link);
    l->conn_count++;
    return u;
}

static int connect_by(struct upstream_conn *u, const struct lane *l, struct task *owner)
{
    struct engine *e = u->view->engine;
    struct address from = endpoint_address(&u->link.local);
    const struct conn_route route = {
        .to = &l->peer->conf->address,
        .from = from.len ? &from : NULL,
        .is_transparent = u->link.is_transparent,
        .is_probed = u->link.is_probed,
    };

    return conn_connect(&u->conn, e->loop, &e->chunks, &route, owner);
}

struct upstream_conn *upstream_open(struct lane *l, const struct upstream_link *link,
                                    struct task *owner, int *error)
{
    struct engine *e = l->peer->upstream->view->engine;
    struct upstream_conn *u = upstream_conn_new(l);

    *error = -ENOMEM;
    if (!u) {
        lane_settle(l);
        return NULL;
    }
    u->link = *link;
    *error = connect_by(u, l, owner);
    if (*error) {
        release(u);
        return NULL;
    }
    stats_add(&e->stats, COUNTER_UPSTREAM_CONNECTS, 1);
    return u;
}

static bool has_local(const struct upstream_conn *u, const struct upstream_link *link)
{
    const struct endpoint *a = &u->link.local, *b = &link->local;

    if (a->family == AF_UNSPEC && b->family == AF_UNSPEC)
        return true;
    return a->family == b->family && a->port == b->port &&
           u->link.is_transparent == link->is_transparent &&
           memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

/* What has just come may not have been looked at yet: this turn ran the lessee's task first. */
static struct upstream_conn *silent_one(struct lane *l, const struct upstream_link *wanted)
{
    list_for_each_safe (link, &l->idle) {
        struct upstream_conn *u = list_entry(link, struct upstream_conn, lane_link);

        if (!has_local(u, wanted))
            continue;
        if (is_silent(u))
            return u;
        upstream_discard(u);
    }
    return NULL;
}

struct upstream_conn *upstream_lease(struct lane *l, const struct upstream_link *link,
                                     struct task *owner)
{
    struct upstream_conn *u = silent_one(l, link);

    if (!u)
        return NULL;
    set_idle(u, false);
    task_cancel(&u->task);
    u->conn.owner = owner;
    stats_add(&u->view->engine->stats, COUNTER_UPSTREAM_REUSES, 1);
    return u;
}

static bool may_be_kept(const struct upstream_conn *u)
{
    const struct upstream_conf *conf = u->lane->peer->upstream->conf;
    uint64_t age_ms = loop_now_ms(u->view->engine->loop) - u->opened_ms;

    return !u->view->is_retired && !u->lane->peer->upstream->is_gone && conf->keepalive_max &&
           conn_is_open(&u->conn) && conn_end(&u->conn) == CONN_END_NONE &&
           !conn_out_bytes(&u->conn) && u->request_count < conf->keepalive_requests &&
           age_ms < conf->keepalive_time_ms;
}

void upstream_give(struct upstream_conn *u)
{
    struct upstream *up = u->lane->peer->upstream;
    struct engine *e = u->view->engine;

    upstream_save_tickets(u);
    if (!may_be_kept(u)) {
        upstream_discard(u);
        return;
    }
    u->conn.owner = &u->task;
    set_idle(u, true);
    conn_want_input(&u->conn);
    timer_set(loop_wheel(e->loop), &u->timer,
              loop_now_ms(e->loop) + up->conf->keepalive_timeout_ms);
    if (up->idle_count > up->conf->keepalive_max)
        upstream_discard(list_entry(up->idle.prev, struct upstream_conn, idle_link));
}

/* The handshake's own tickets have come, or will not. */
static void end_cold(struct upstream_conn *u)
{
    if (!u->is_cold)
        return;
    u->is_cold = false;
    u->lane->cold_handshakes--;
    loan_wake_waiters(u->lane);
}

void upstream_discard(struct upstream_conn *u)
{
    struct engine *e = u->view->engine;

    if (u->is_cold && u->request_count)
        u->lane->gives_tickets = false;
    end_cold(u);
    set_idle(u, false);
    u->conn.owner = &u->task;
    /* close_notify, or an alert, still goes out; a request that is given up does not. */
    if (conn_out_bytes(&u->conn) <= FAREWELL_BYTES_MAX) {
        conn_finish(&u->conn, false);
        timer_set(loop_wheel(e->loop), &u->timer, loop_now_ms(e->loop) + FAREWELL_MS);
    } else {
        conn_abort(&u->conn, false);
    }
    if (conn_is_closed(&u->conn))
        loop_ready(e->loop, &u->task);
}

static void discard_idle(struct upstream *u)
{
    list_for_each_safe (link, &u->idle)
        upstream_discard(list_entry(link, struct upstream_conn, idle_link));
}

void view_retire(struct view *v)
{
    v->is_retired = true;
    for (size_t i = 0; i < v->snapshot->upstream_count; i++)
        discard_idle(&v->upstreams[i]);
    for (size_t i = 0; i < DESTINATION_BUCKETS; i++) {
        list_for_each (link, &v->destinations[i])
            discard_idle(list_entry(link, struct upstream, link));
    }
}

/* ---- handshakes and tickets ---- */

static uint64_t now_ms(const struct lane *l)
{
    return loop_now_ms(l->peer->upstream->view->engine->loop);
}

static struct tls_cache *cache_of(const struct lane *l)
{
    return l->peer->upstream->view->engine->tickets;
}

void ticket_wait_init(struct ticket_wait *w, struct task *task)
{
    list_init(&w->link);
    w->task = task;
}

void ticket_wait_stop(struct ticket_wait *w)
{
    list_remove(&w->link);
}

bool upstream_should_wait(struct lane *l, struct ticket_wait *w)
{
    ticket_wait_stop(w);
    if (!l->profile->reuses_sessions || !l->gives_tickets)
        return false;
    if (tls_cache_count(cache_of(l), &l->identity, now_ms(l)))
        return false;
    if (!l->is_borrowing && !l->cold_handshakes)
        loan_ask(l);
    if (!l->is_borrowing && !l->cold_handshakes)
        return false;
    list_push_back(&l->waiters, &w->link);
    return true;
}

static struct tls_ticket *ticket_for(struct upstream_conn *u)
{
    struct lane *l = u->lane;
    enum tls_miss miss = TLS_MISS_OFF;
    struct tls_ticket *ticket = NULL;

    if (l->profile->reuses_sessions)
        ticket = tls_cache_take(cache_of(l), &l->identity, l->peer->conf->address_text, now_ms(l),
                                &miss);
    u->miss = miss;
    return ticket;
}

static struct tls_context *context_of(const struct upstream_conn *u)
{
    const struct lane *l = u->lane;

    return l->certificate ? l->certificate->context : u->view->client_contexts[l->profile->index];
}

int upstream_start_tls(struct upstream_conn *u)
{
    struct lane *l = u->lane;
    struct tls_client_options options = {
        .sni = l->sni,
        .name_count = l->profile->settings.verifies ? l->name_count : 0,
        .ticket = ticket_for(u),
        .output = conn_tls_output,
        .owner = &u->conn,
    };
    struct tls *tls;

    memcpy(options.names, l->names, sizeof(options.names));
    u->had_ticket = options.ticket != NULL;
    tls = tls_new_client(context_of(u), &options);
    if (!tls)
        return -ENOMEM;
    if (!u->had_ticket && l->profile->reuses_sessions) {
        u->is_cold = true;
        l->cold_handshakes++;
    }
    if (!l->profile->settings.verifies)
        stats_add(&u->view->engine->stats, COUNTER_UPSTREAM_UNVERIFIED, 1);
    conn_start_tls(&u->conn, tls);
    return 0;
}

static void count_full(struct upstream_conn *u)
{
    enum tls_miss miss = u->had_ticket ? TLS_MISS_REFUSED : u->miss;

    stats_add(&u->view->engine->stats, COUNTER_UPSTREAM_HANDSHAKES_FULL, 1);
    peer_count(&u->lane->peer->conf->shared->handshakes_full);
    peer_count(&u->lane->peer->conf->shared->misses[miss]);
    if (u->had_ticket)
        tls_cache_refused(cache_of(u->lane), &u->lane->identity, now_ms(u->lane));
}

void upstream_handshake_done(struct upstream_conn *u, bool has_succeeded)
{
    struct peer_shared *shared = u->lane->peer->conf->shared;

    if (!has_succeeded) {
        stats_add(&u->view->engine->stats, COUNTER_UPSTREAM_HANDSHAKES_FAILED, 1);
        peer_count(&shared->handshakes_failed);
        if (u->had_ticket) /* it may have been the ticket's fault: none of them is tried again */
            tls_cache_refused(cache_of(u->lane), &u->lane->identity, now_ms(u->lane));
        end_cold(u);
        return;
    }
    if (tls_is_resumed(u->conn.tls)) {
        stats_add(&u->view->engine->stats, COUNTER_UPSTREAM_HANDSHAKES_RESUMED, 1);
        peer_count(&shared->handshakes_resumed);
    } else {
        count_full(u);
    }
    upstream_save_tickets(u);
}

void upstream_save_tickets(struct upstream_conn *u)
{
    struct lane *l = u->lane;
    struct tls_ticket *ticket;
    bool has_saved = false;

    if (!u->conn.tls)
        return;
    while ((ticket = tls_take_ticket(u->conn.tls)) != NULL) {
        if (!l->profile->reuses_sessions) {
            tls_ticket_free(ticket);
            continue;
        }
        lane_keep_ticket(l, ticket);
        has_saved = true;
    }
    if (!has_saved)
        return;
    l->gives_tickets = true;
    l->may_borrow = true;
    if (u->is_cold)
        end_cold(u);
    else
        loan_wake_waiters(l);
}
