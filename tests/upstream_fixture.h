/* upstream_fixture - an engine, a snapshot made by hand with one group of peers, and its view.
 *
 * The group's first peer listens on the loopback; the test accepts there. Certificates are
 * tls_bench's: "good" for a.example, by "root". */
#ifndef RINGWAY_TESTS_UPSTREAM_FIXTURE_H
#define RINGWAY_TESTS_UPSTREAM_FIXTURE_H

#include "conn_fixture.h"
#include "tls_bench.h"

#include "proxy/access.h"
#include "proxy/upstream.h"

/* Of a location that asks for nothing. */
static const struct upstream_link no_link;

#define CONNECTIONS_MAX 8

struct world {
    struct turning t; /* the loop, and chunks of the test's own conns */
    struct engine engine;
    struct snapshot snapshot;
    struct upstream_conf group, *groups[1];
    struct peer_conf peers[2];
    struct peer_shared shared[2];
    struct tls_profile profiles[2], *profile_list[2];
    struct proxy_pass pass; /* over TLS; clear .tls for plain */
    struct view *view;
    struct upstream *upstream;
    struct tls_server_shared *server_shared;
    struct tls_context *server_context;
    struct task task; /* leases connections */
    unsigned run_count;
    int listener;
};

static inline void world_run(struct task *t)
{
    container_of(t, struct world, task)->run_count++;
}

static inline void world_init_engine(struct world *w)
{
    struct engine *e = &w->engine;

    e->loop = w->t.loop;
    assert_int_equal(chunk_pool_init(&e->chunks, 64), 0);
    assert_int_equal(slab_init(&e->upstream_conns, sizeof(struct upstream_conn), CONNECTIONS_MAX),
                     0);
    e->tickets = tls_cache_new(64);
    assert_non_null(e->tickets);
    access_init(e);
}

static inline void world_init_peers(struct world *w)
{
    w->groups[0] = &w->group;
    w->group = (struct upstream_conf){.name = SPAN("group"),
                                      .peers = w->peers,
                                      .peer_count = COUNT_OF(w->peers),
                                      .keepalive_max = 2,
                                      .keepalive_requests = 1000,
                                      .keepalive_time_ms = 3600 * 1000,
                                      .keepalive_timeout_ms = 60 * 1000};
    for (size_t i = 0; i < COUNT_OF(w->peers); i++)
        w->peers[i] = (struct peer_conf){.weight = 1,
                                         .max_fails = 1,
                                         .fail_timeout_ms = 10000,
                                         .index = (unsigned)i,
                                         .host = SPAN("a.example"),
                                         .shared = &w->shared[i]};
    w->listener = loopback_listen(&w->peers[0].address);
    w->peers[0].address_text = SPAN("127.0.0.1:1001");
    w->peers[1].address = w->peers[0].address;
    w->peers[1].address_text = SPAN("127.0.0.1:1002");
}

static inline void world_init_tls(struct world *w)
{
    struct tls_pair pair = bench_pair("good.pem", "leaf.key");
    struct tls_server_settings server = bench_server_settings(&pair);

    for (size_t i = 0; i < COUNT_OF(w->profiles); i++) {
        w->profile_list[i] = &w->profiles[i];
        w->profiles[i] = (struct tls_profile){.index = (unsigned)i,
                                              .settings = bench_client_settings(),
                                              .sends_sni = true,
                                              .reuses_sessions = true,
                                              .tickets_max = 32};
        w->profiles[i].settings_digest.digest[0] = (unsigned char)i;
    }
    w->server_shared = tls_server_shared_new();
    w->server_context = bench_server(&server, w->server_shared);
}

static inline void world_init(struct world *w)
{
    char error[TLS_ERROR_BYTES];

    memset(w, 0, sizeof(*w));
    turning_init(&w->t);
    world_init_engine(w);
    world_init_peers(w);
    world_init_tls(w);
    w->snapshot = (struct snapshot){.ref_count = 1,
                                    .upstreams = w->groups,
                                    .upstream_count = 1,
                                    .tls_profiles = w->profile_list,
                                    .tls_profile_count = COUNT_OF(w->profiles)};
    w->pass = (struct proxy_pass){.is_set = true,
                                  .is_tls = true,
                                  .upstream = &w->group,
                                  .host_name = SPAN("group"),
                                  .tls = &w->profiles[0]};
    if (view_new(&w->engine, &w->snapshot, &w->view, error))
        fail_msg("%s", error);
    w->upstream = &w->view->upstreams[0];
    task_init(&w->task, world_run);
}

/* Every connection must have come back, and every reference. */
static inline void world_deinit(struct world *w)
{
    turn_until(w->t.loop, w->engine.upstream_conns.count_taken == 0);
    assert_int_equal(w->view->ref_count, 1);
    view_unref(w->view);
    assert_int_equal(w->snapshot.ref_count, 1);
    task_cancel(&w->task);
    close(w->listener);
    tls_context_free(w->server_context);
    tls_server_shared_free(w->server_shared);
    tls_cache_free(w->engine.tickets);
    slab_deinit(&w->engine.upstream_conns);
    chunk_pool_deinit(&w->engine.chunks);
    turning_deinit(&w->t);
}

static inline int world_set_up(void **state)
{
    *state = malloc(sizeof(struct world));
    assert_non_null(*state);
    world_init(*state);
    return 0;
}

static inline int world_tear_down(void **state)
{
    world_deinit(*state);
    free(*state);
    return 0;
}

static inline struct lane *lane_of(struct world *w, size_t peer, const char *name)
{
    struct lane_key key = {.pass = &w->pass, .name = name ? span_of_cstr(name) : SPAN_NONE};

    return lane_find(&w->upstream->peers[peer], &key);
}

/* A certificate that a request chose: the content that makes its digest is made up. */
static inline struct certificate *chosen(struct world *w, const char *content)
{
    static const struct certificate_conf conf;
    struct arena arena;
    struct span pem = bench_file("good.pem"), key = bench_file("leaf.key"), message;
    struct certificate_wish wish = {
        .conf = &conf, .base = w->view->client_contexts[0], .arena = &arena};
    struct certificate *c;

    arena_init(&arena, 4096, 0);
    wish.certificate = arena_printf(&arena, "data:%.*s%s\n", SPAN_ARG(pem), content);
    wish.key = arena_printf(&arena, "data:%.*s", SPAN_ARG(key));
    if (certificate_take(&w->view->certificates, &wish, &c, &message))
        fail_msg("%.*s", SPAN_ARG(message));
    arena_deinit(&arena);
    return c;
}

static inline struct lane *lane_with(struct world *w, struct certificate *c)
{
    struct lane_key key = {.pass = &w->pass, .certificate = c};

    return lane_find(&w->upstream->peers[0], &key);
}

/* --- connections ------------------------------------------------------------------------------ */

/* A connection that is open, and its other end as an owner that reads. */
static inline struct upstream_conn *connected(struct world *w, struct lane *l, struct end *other)
{
    int error, fd;
    struct upstream_conn *u = upstream_open(l, &no_link, &w->task, &error);

    assert_non_null(u);
    turn_until(w->t.loop, conn_is_open(&u->conn));
    fd = accept4(w->listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(fd >= 0);
    end_init(other, &w->t);
    conn_init(&other->conn, w->t.loop, &w->t.chunks, fd, &other->task);
    return u;
}

static inline enum conn_progress shake(struct world *w, struct upstream_conn *u, struct end *other)
{
    enum conn_progress progress = CONN_WAITS;

    conn_start_tls(&other->conn,
                   tls_new_server(w->server_context, NULL, conn_tls_output, &other->conn));
    loop_ready(w->t.loop, &other->task);
    assert_int_equal(upstream_start_tls(u), 0);
    do {
        loop_turn(w->t.loop, 20);
        if (conn_is_open(&u->conn))
            break;
        progress = conn_handshake(&u->conn);
    } while (progress == CONN_WAITS);
    upstream_handshake_done(u, progress == CONN_READY);
    return progress;
}

/* Reads what came behind the handshake, until there are tickets. */
static inline void await_tickets(struct world *w, struct upstream_conn *u)
{
    uint64_t give_up_us = loop_now_us(w->t.loop) + PATIENCE_US;

    while (!tls_cache_count(w->engine.tickets, &u->lane->identity, loop_now_ms(w->t.loop))) {
        if (!conn_input(&u->conn).len)
            conn_want_input(&u->conn);
        upstream_save_tickets(u);
        loop_turn(w->t.loop, 20);
        if (loop_now_us(w->t.loop) > give_up_us)
            fail_msg("no ticket came");
    }
}

#endif
