/* view - what a worker makes of a snapshot, and the lanes of its peers. */
#include "proxy/view.h"

#include <stdlib.h>
#include <string.h>

/* ---- views ---- */

static void peer_init(struct peer *p, struct upstream *u, const struct peer_conf *conf)
{
    *p = (struct peer){.conf = conf, .upstream = u, .effective_weight = conf->weight};
    list_init(&p->lanes);
}

int upstream_init(struct upstream *u, struct view *v, const struct upstream_conf *conf)
{
    *u = (struct upstream){.conf = conf, .view = v};
    list_init(&u->idle);
    list_init(&u->link);
    u->peers = calloc(size_max(conf->peer_count, 1), sizeof(*u->peers));
    if (!u->peers)
        return -ENOMEM;
    for (size_t i = 0; i < conf->peer_count; i++)
        peer_init(&u->peers[i], u, &conf->peers[i]);
    return 0;
}

static int make_upstreams(struct view *v)
{
    size_t count = v->snapshot->upstream_count;

    v->upstreams = calloc(size_max(count, 1), sizeof(*v->upstreams));
    if (!v->upstreams)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        if (upstream_init(&v->upstreams[i], v, v->snapshot->upstreams[i]))
            return -ENOMEM;
    }
    return 0;
}

static int make_resolvers(struct view *v)
{
    const struct snapshot *s = v->snapshot;
    int result = 0;

    v->resolvers = calloc(size_max(s->resolver_count, 1), sizeof(*v->resolvers));
    if (!v->resolvers)
        return -ENOMEM;
    for (size_t i = 0; i < s->resolver_count && !result; i++)
        result = resolver_new(v->engine->loop, &v->engine->resolvers, &s->resolvers[i]->settings,
                              &v->resolvers[i]);
    return result;
}

static int make_contexts(struct view *v, char error[TLS_ERROR_BYTES])
{
    const struct snapshot *s = v->snapshot;
    int result = 0;

    v->client_contexts = calloc(size_max(s->tls_profile_count, 1), sizeof(*v->client_contexts));
    v->server_contexts =
        calloc(size_max(s->tls_server_profile_count, 1), sizeof(*v->server_contexts));
    if (!v->client_contexts || !v->server_contexts)
        return -ENOMEM;
    for (size_t i = 0; i < s->tls_profile_count && !result; i++)
        result =
            tls_context_new_client(&s->tls_profiles[i]->settings, &v->client_contexts[i], error);
    for (size_t i = 0; i < s->tls_server_profile_count && !result; i++)
        result = tls_context_new_server(&s->tls_server_profiles[i]->settings, s->tls_server_shared,
                                        &v->server_contexts[i], error);
    return result;
}

int view_new(struct engine *e, struct snapshot *s, struct view **out, char error[TLS_ERROR_BYTES])
{
    struct view *v = calloc(1, sizeof(*v));
    int result;

    error[0] = '\0';
    if (!v)
        return -ENOMEM;
    v->engine = e;
    v->snapshot = snapshot_ref(s);
    v->ref_count = 1;
    for (size_t i = 0; i < DESTINATION_BUCKETS; i++)
        list_init(&v->destinations[i]);
    list_init(&v->gone_destinations);
    result = certificates_init(&v->certificates, s->certificate_cache_count,
                               loop_wheel(v->engine->loop));
    if (!result)
        result = make_upstreams(v);
    if (!result)
        result = make_resolvers(v);
    if (!result)
        result = make_contexts(v, error);
    if (result) {
        view_unref(v);
        return result;
    }
    *out = v;
    return 0;
}

struct view *view_ref(struct view *v)
{
    v->ref_count++;
    return v;
}

static void lane_free(struct lane *l)
{
    assert(list_is_empty(&l->idle));
    assert(list_is_empty(&l->waiters));
    assert(l->conn_count == 0);
    list_remove(&l->link);
    certificate_unref(l->certificate);
    free((char *)(uintptr_t)l->given_name.data);
    free(l);
}

void upstream_deinit(struct upstream *u)
{
    for (size_t i = 0; u->peers && i < u->conf->peer_count; i++) {
        list_for_each_safe (link, &u->peers[i].lanes)
            lane_free(list_entry(link, struct lane, link));
    }
    free(u->peers);
}

static void free_destinations(struct list *all)
{
    list_for_each_safe (link, all) {
        struct upstream *u = list_entry(link, struct upstream, link);

        upstream_deinit(u);
        free(u);
    }
}

void view_unref(struct view *v)
{
    assert(v->ref_count > 0);
    if (--v->ref_count)
        return;
    for (size_t i = 0; v->upstreams && i < v->snapshot->upstream_count; i++)
        upstream_deinit(&v->upstreams[i]);
    for (size_t i = 0; i < DESTINATION_BUCKETS; i++)
        free_destinations(&v->destinations[i]);
    free_destinations(&v->gone_destinations);
    for (size_t i = 0; v->resolvers && i < v->snapshot->resolver_count; i++)
        resolver_close(v->resolvers[i]);
    certificates_deinit(&v->certificates);
    for (size_t i = 0; v->client_contexts && i < v->snapshot->tls_profile_count; i++)
        tls_context_free(v->client_contexts[i]);
    for (size_t i = 0; v->server_contexts && i < v->snapshot->tls_server_profile_count; i++)
        tls_context_free(v->server_contexts[i]);
    free(v->upstreams);
    free(v->resolvers);
    free(v->client_contexts);
    free(v->server_contexts);
    snapshot_unref(v->snapshot);
    free(v);
}

/* ---- lanes ---- */

/* By content: two of them may differ in how their keys were decrypted. */
static bool certificates_are_equal(const struct certificate *a, const struct certificate *b)
{
    if (!a || !b)
        return a == b;
    return tls_identity_equals(&a->digest, &b->digest);
}

static bool lane_fits(const struct lane *l, const struct lane_key *key)
{
    if (l->profile != key->pass->tls)
        return false;
    if (!l->profile)
        return true;
    if (!span_equals(l->given_name, key->name) ||
        !certificates_are_equal(l->certificate, key->certificate))
        return false;
    return key->name.len || span_equals(l->host_name, key->pass->host_name);
}

static void add_name(struct lane *l, struct span name)
{
    if (name.len && (!l->name_count || !span_equals_nocase(l->names[0].text, name)))
        l->names[l->name_count++].text = name;
}

/* The name given by proxy_ssl_name; else one of the two that the file itself gives, the host of
 * the server line and the host of proxy_pass. */
static void set_names(struct lane *l)
{
    struct span server = l->peer->conf->host;

    if (l->given_name.len) {
        add_name(l, l->given_name);
        l->sni = l->given_name;
    } else {
        add_name(l, server);
        add_name(l, l->host_name);
        l->sni = server.len && !address_is_ip_text(server) ? server : l->host_name;
    }
    if (!l->profile->sends_sni || address_is_ip_text(l->sni))
        l->sni = SPAN_NONE;
}

static void set_identity(struct lane *l)
{
    struct span parts[] = {
        span_of((const char *)l->profile->settings_digest.digest, TLS_IDENTITY_BYTES),
        l->peer->conf->address_text,
        l->sni,
        l->name_count > 0 ? l->names[0].text : SPAN_NONE,
        l->name_count > 1 ? l->names[1].text : SPAN_NONE,
        SPAN_NONE,
    };

    if (l->certificate)
        parts[COUNT_OF(parts) - 1] =
            span_of((const char *)l->certificate->digest.digest, TLS_IDENTITY_BYTES);
    tls_identity_make(&l->identity, parts, COUNT_OF(parts));
}

static struct lane *lane_new(struct peer *p, const struct lane_key *key)
{
    struct lane *l = calloc(1, sizeof(*l));
    char *name = malloc(key->name.len + 1);

    if (!l || !name) {
        free(l);
        free(name);
        return NULL;
    }
    if (key->name.len)
        memcpy(name, key->name.data, key->name.len);
    list_init(&l->link);
    list_init(&l->idle);
    list_init(&l->waiters);
    l->peer = p;
    l->profile = key->pass->tls;
    l->given_name = span_of(name, key->name.len);
    l->host_name = key->pass->host_name;
    l->gives_tickets = true;
    l->may_borrow = true;
    if (l->profile) {
        l->certificate = key->certificate ? certificate_ref(key->certificate) : NULL;
        set_names(l);
        set_identity(l);
    }
    return l;
}

bool lane_is_unused(const struct lane *l)
{
    return !l->conn_count && !l->is_borrowing && list_is_empty(&l->waiters);
}

void lane_keep_ticket(struct lane *l, struct tls_ticket *ticket)
{
    const struct tls_place place = {
        .identity = &l->identity,
        .peer = l->peer->conf->address_text,
        .tickets_max = l->profile->tickets_max,
    };
    struct engine *e = l->peer->upstream->view->engine;

    tls_cache_put(e->tickets, &place, ticket, loop_now_ms(e->loop));
}

void lane_settle(struct lane *l)
{
    if (l->certificate && lane_is_unused(l))
        lane_free(l);
}

/* Beyond the bound the lane that was not used for the longest time goes. Those with connections
 * stay: they are as few as the worker's connections, and a stranger who makes up names must not
 * keep out others. */
static void make_room(struct peer *p)
{
    size_t count = 0;
    struct lane *unused = NULL;

    list_for_each (link, &p->lanes) {
        struct lane *l = list_entry(link, struct lane, link);

        count++;
        if (lane_is_unused(l))
            unused = l;
    }
    if (count >= LANES_PER_PEER_MAX && unused)
        lane_free(unused);
}

struct lane *lane_find(struct peer *p, const struct lane_key *key)
{
    struct lane *l;

    list_for_each (link, &p->lanes) {
        l = list_entry(link, struct lane, link);
        if (!lane_fits(l, key))
            continue;
        if (p->lanes.next != link) {
            list_remove(link);
            list_push_front(&p->lanes, link);
        }
        return l;
    }
    make_room(p);
    l = lane_new(p, key);
    if (l)
        list_push_front(&p->lanes, &l->link);
    return l;
}

/* ---- health ---- */

bool peer_begin(struct peer *p)
{
    struct peer_shared *s = p->conf->shared;
    uint32_t others = atomic_fetch_add_explicit(&s->active_count, 1, memory_order_relaxed);

    if (p->conf->max_conns && others >= p->conf->max_conns) {
        atomic_fetch_sub_explicit(&s->active_count, 1, memory_order_relaxed);
        p->trial_began_ms = 0;
        return false;
    }
    peer_count(&s->requests);
    return true;
}

static uint32_t fail_count(const struct peer *p)
{
    return atomic_load_explicit(&p->conf->shared->fail_count, memory_order_relaxed);
}

bool peer_is_on_trial(const struct peer *p)
{
    return p->conf->max_fails && fail_count(p) >= p->conf->max_fails;
}

/* The first failure opens a window of fail_timeout; max_fails of them within it take the peer out
 * for as long. Then it is on trial: until it serves, the next failure takes it out again. */
static void count_failure(struct peer *p, uint64_t at_ms)
{
    const struct peer_conf *conf = p->conf;
    struct peer_shared *s = conf->shared;
    uint64_t since = atomic_load_explicit(&s->fail_since_ms, memory_order_relaxed);

    peer_count(&s->failures);
    if (!conf->max_fails)
        return;
    if (at_ms - since > conf->fail_timeout_ms && !peer_is_on_trial(p)) {
        atomic_store_explicit(&s->fail_since_ms, at_ms, memory_order_relaxed);
        atomic_store_explicit(&s->fail_count, 0, memory_order_relaxed);
    }
    if (atomic_fetch_add_explicit(&s->fail_count, 1, memory_order_relaxed) + 1 >= conf->max_fails)
        atomic_store_explicit(&s->down_until_ms, at_ms + conf->fail_timeout_ms,
                              memory_order_relaxed);
    p->effective_weight -= conf->weight / conf->max_fails;
    if (p->effective_weight < 0)
        p->effective_weight = 0;
}

/* As in nginx, a success takes nothing back within fail_timeout: it may have begun before. */
static void count_success(struct peer *p, uint64_t at_ms)
{
    struct peer_shared *s = p->conf->shared;
    uint64_t since = atomic_load_explicit(&s->fail_since_ms, memory_order_relaxed);
    uint64_t down_until = atomic_load_explicit(&s->down_until_ms, memory_order_relaxed);

    if (fail_count(p) && at_ms >= down_until && at_ms - since >= p->conf->fail_timeout_ms)
        atomic_store_explicit(&s->fail_count, 0, memory_order_relaxed);
}

void peer_end(struct peer *p, enum peer_verdict verdict, uint64_t at_ms)
{
    atomic_fetch_sub_explicit(&p->conf->shared->active_count, 1, memory_order_relaxed);
    if (verdict == PEER_FAILED)
        count_failure(p, at_ms);
    if (verdict == PEER_SERVED)
        count_success(p, at_ms);
    if (verdict == PEER_UNTRIED)
        p->trial_began_ms = 0;
}
