/* destination - upstreams that requests name. */
#include "proxy/destination.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/balance.h"
#include "proxy/upstream.h"

#define FAIL_TIMEOUT_MS 10000 /* as for a literal proxy_pass */

/* One block of memory, with what its parts point to behind it. */
struct destination {
    struct upstream upstream; /* first: view_unref() frees it as an upstream */
    struct upstream_conf conf;
    struct peer_conf peers[];
};

static_assert(offsetof(struct destination, upstream) == 0, "an upstream's block is its own");

/* ---- finding ---- */

static struct list *bucket_of(struct view *v, const struct destination_key *k)
{
    return &v->destinations[(span_hash_nocase(k->host) + k->port) % DESTINATION_BUCKETS];
}

static bool has_name(const struct upstream_conf *conf, const struct destination_key *k)
{
    return conf->port == k->port && span_equals_nocase(conf->host, k->host);
}

/* An address as a peer has it. */
static struct address with_port(const struct address *address, uint16_t port)
{
    struct address a = *address;

    if (a.u.any.sa_family == AF_INET)
        a.u.in.sin_port = htons(port);
    else if (a.u.any.sa_family == AF_INET6)
        a.u.in6.sin6_port = htons(port);
    return a;
}

static bool has_addresses(const struct upstream_conf *conf, const struct destination_key *k)
{
    if (conf->peer_count != k->address_count)
        return false;
    for (size_t i = 0; i < k->address_count; i++) {
        struct address a = with_port(&k->addresses[i], k->port);

        if (!address_equals(&conf->peers[i].address, &a))
            return false;
    }
    return true;
}

static struct upstream *find(struct view *v, const struct destination_key *k)
{
    list_for_each (link, bucket_of(v, k)) {
        struct upstream *u = list_entry(link, struct upstream, link);

        if (has_name(u->conf, k))
            return u;
    }
    return NULL;
}

/* ---- going ---- */

/* Another has its place, or it is one too many. */
static void retire(struct upstream *u)
{
    list_remove(&u->link);
    list_push_back(&u->view->gone_destinations, &u->link);
    u->view->destination_count--;
    u->is_gone = true;
    list_for_each_safe (link, &u->idle)
        upstream_discard(list_entry(link, struct upstream_conn, idle_link));
}

static bool is_unused(const struct upstream *u)
{
    for (size_t i = 0; i < u->conf->peer_count; i++) {
        list_for_each (link, &u->peers[i].lanes) {
            if (!lane_is_unused(list_entry(link, struct lane, link)))
                return false;
        }
    }
    return !u->user_count;
}

static void sweep(struct view *v)
{
    list_for_each_safe (link, &v->gone_destinations) {
        struct upstream *u = list_entry(link, struct upstream, link);

        if (!is_unused(u))
            continue;
        list_remove(&u->link);
        upstream_deinit(u);
        free(u);
    }
}

/* Those in use stay: they are as few as exchanges. */
static void make_room(struct view *v)
{
    struct upstream *oldest = NULL;

    sweep(v);
    for (size_t i = 0; v->destination_count >= DESTINATIONS_MAX && i < DESTINATION_BUCKETS; i++) {
        list_for_each (link, &v->destinations[i]) {
            struct upstream *u = list_entry(link, struct upstream, link);

            if (!u->user_count && (!oldest || u->used_ms < oldest->used_ms))
                oldest = u;
        }
    }
    if (oldest)
        retire(oldest);
}

/* ---- making ---- */

static void fill_peer(struct peer_conf *p, const struct destination_key *k, struct span host,
                      char text[ADDRESS_TEXT_BYTES])
{
    p->address = with_port(&k->addresses[p->index], k->port);
    p->address_text = span_of(text, address_format(&p->address, text));
    p->host = p->address.u.any.sa_family == AF_UNIX ? SPAN_NONE : host;
    p->server_text = host;
    p->weight = 1;
    p->max_fails = 1;
    p->fail_timeout_ms = FAIL_TIMEOUT_MS;
}

static struct destination *allocate(const struct destination_key *k)
{
    size_t per_peer = sizeof(struct peer_conf) + sizeof(struct peer_shared) + ADDRESS_TEXT_BYTES;
    struct destination *d = calloc(1, sizeof(*d) + k->address_count * per_peer + k->host.len);
    struct peer_shared *shared;
    char *texts, *host;

    if (!d)
        return NULL;
    shared = (struct peer_shared *)(void *)(d->peers + k->address_count);
    texts = (char *)(shared + k->address_count);
    host = texts + k->address_count * ADDRESS_TEXT_BYTES;
    memcpy(host, k->host.data, k->host.len);
    d->conf.host = span_of(host, k->host.len);
    for (size_t i = 0; i < k->address_count; i++) {
        d->peers[i].index = (unsigned)i;
        d->peers[i].shared = &shared[i];
        fill_peer(&d->peers[i], k, d->conf.host, texts + i * ADDRESS_TEXT_BYTES);
    }
    return d;
}

static struct upstream *make(struct view *v, const struct destination_key *k)
{
    const struct upstream_conf *defaults = v->snapshot->upstream_defaults;
    struct destination *d = allocate(k);
    struct span host;

    if (!d)
        return NULL;
    host = d->conf.host;
    d->conf = *defaults;
    d->conf.is_implicit = true;
    d->conf.name = host;
    d->conf.host = host;
    d->conf.port = k->port;
    d->conf.peers = d->peers;
    d->conf.peer_count = k->address_count;
    if (upstream_init(&d->upstream, v, &d->conf)) {
        free(d);
        return NULL;
    }
    /* As for those of the file: workers do not all begin with the first peer. */
    balance_skip(&d->upstream, v->engine->index, loop_now_ms(v->engine->loop));
    return &d->upstream;
}

struct upstream *destination_take(struct view *v, const struct destination_key *k)
{
    struct upstream *u = find(v, k);

    assert(k->address_count);
    if (u && !has_addresses(u->conf, k)) {
        retire(u);
        u = NULL;
    }
    if (!u) {
        make_room(v);
        u = make(v, k);
        if (!u)
            return NULL;
        list_push_front(bucket_of(v, k), &u->link);
        v->destination_count++;
    }
    u->user_count++;
    u->used_ms = loop_now_ms(v->engine->loop);
    return u;
}

void destination_leave(struct upstream *u)
{
    assert(u->user_count);
    u->user_count--;
}

void destinations_leave(struct destination_use *uses)
{
    for (; uses; uses = uses->next) {
        resolver_wait_stop(&uses->wait);
        if (uses->upstream)
            destination_leave(uses->upstream);
        uses->upstream = NULL;
    }
}
