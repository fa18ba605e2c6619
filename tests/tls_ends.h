/* tls_ends - a client and a server context that every test of a pair begins with.
 *
 * Static and whole: included by the programs that let sessions of ours talk with each other. */
#ifndef RINGWAY_TESTS_TLS_ENDS_H
#define RINGWAY_TESTS_TLS_ENDS_H

#include "tls_bench.h"

#define BOTH (TLS_PROTOCOL_1_2 | TLS_PROTOCOL_1_3)

static struct tls_server_shared *shared;
static struct tls_context *client, *server;
static struct bench b;

/* --- set-up ---------------------------------------------------------------------------------- */

static struct tls_client_settings client_settings(unsigned protocols)
{
    struct tls_client_settings s = bench_client_settings();

    s.protocols = protocols;
    return s;
}

static void make_client(const struct tls_client_settings *settings)
{
    bench_disconnect(&b); /* sessions go before their context */
    tls_context_free(client);
    client = bench_client(settings);
}

static struct tls_context *new_server(const char *certificate, const char *key, unsigned protocols,
                                      uint64_t id)
{
    struct tls_pair pair = bench_pair(certificate, key);
    struct tls_server_settings s = bench_server_settings(&pair);

    s.protocols = protocols;
    s.id = id;
    return bench_server(&s, shared);
}

static void set_protocols(unsigned of_client, unsigned of_server)
{
    struct tls_client_settings s = client_settings(of_client);

    make_client(&s);
    tls_context_free(server);
    server = new_server("good.pem", "leaf.key", of_server, 1);
}

static int set_up(void **state)
{
    (void)state;
    shared = tls_server_shared_new();
    set_protocols(BOTH, BOTH);
    b = (struct bench){
        .options = {.sni = SPAN("a.example"), .names = {{SPAN("a.example")}}, .name_count = 1}};
    return shared ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    bench_disconnect(&b);
    tls_context_free(client);
    tls_context_free(server);
    client = server = NULL;
    tls_server_shared_free(shared);
    return 0;
}

static void assert_connects(void)
{
    const char *reason, *other;

    if (bench_connect(&b, client, server))
        return;
    (void)tls_failure(b.client.tls, &reason);
    (void)tls_failure(b.server.tls, &other);
    fail_msg("client: \"%s\", server: \"%s\"", reason, other);
}

/* One end failed, so; the other one has read its alert. */
static void assert_failure(const struct bench_end *e, enum tls_failure_kind kind, const char *text)
{
    const char *reason;

    assert_int_equal(e->result, TLS_FAILED);
    assert_int_equal(tls_failure(e->tls, &reason), kind);
    assert_string_equal(reason, text);
}

__attribute__((unused)) static void assert_client_fails(enum tls_failure_kind kind,
                                                        const char *text)
{
    assert_false(bench_connect(&b, client, server));
    assert_failure(&b.client, kind, text);
}

#endif
