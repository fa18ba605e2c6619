/* tls_bench - certificates made with openssl(1), and two sessions of ours that talk over memory. */
#ifndef RINGWAY_TESTS_TLS_BENCH_H
#define RINGWAY_TESTS_TLS_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/tls.h"

#define BENCH_FILES_MAX 96
#define BENCH_WIRE_BYTES (1 << 20)

static char bench_folder[] = "/tmp/ringway-tls-XXXXXX";

/* --- files ----------------------------------------------------------------------------------- */

__attribute__((unused)) static const char *bench_path(const char *name)
{
    static char path[4][256];
    static unsigned turn;
    char *out = path[turn++ % 4];

    (void)snprintf(out, sizeof(path[0]), "%s/%s", bench_folder, name);
    return out;
}

/* A file's bytes, read once and kept to the end. */
__attribute__((unused)) static struct span bench_file(const char *name)
{
    static struct {
        char name[64];
        char *bytes;
        size_t len;
    } files[BENCH_FILES_MAX];
    size_t i = 0;
    FILE *f;

    for (; files[i].bytes; i++) {
        if (strcmp(files[i].name, name) == 0)
            return span_of(files[i].bytes, files[i].len);
        assert_true(i + 2 < BENCH_FILES_MAX);
    }
    f = fopen(bench_path(name), "r");
    if (!f)
        fail_msg("no file %s", name);
    (void)snprintf(files[i].name, sizeof(files[i].name), "%s", name);
    files[i].bytes = malloc(1 << 16);
    files[i].len = fread(files[i].bytes, 1, 1 << 16, f);
    (void)fclose(f);
    return span_of(files[i].bytes, files[i].len);
}

__attribute__((unused)) static void bench_write(const char *name, const char *text)
{
    FILE *f = fopen(bench_path(name), "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* Runs a shell script in the folder; its words show when it fails. */
static void bench_shell(const char *script)
{
    char command[512];

    bench_write("script", script);
    (void)snprintf(command, sizeof(command),
                   "cd %s && sh -e script >log 2>&1 || { cat log; exit 1; }", bench_folder);
    if (system(command) != 0)
        fail_msg("openssl failed");
}

/* --- certificates ---------------------------------------------------------------------------- */

/* Makes <name>.pem with the key <key>.key, signed by <issuer>.pem. */
struct bench_certificate {
    const char *name;
    const char *issuer;     /* NULL: by itself */
    const char *subject;    /* "/CN=x" */
    const char *extensions; /* lines of openssl's configuration; NULL: version 1 */
    const char *key;        /* NULL: "leaf" or, where a CA's extensions are given, "ca" */
    const char *more;       /* further arguments */
};

#define BENCH_CA "basicConstraints=critical,CA:true\nkeyUsage=keyCertSign,cRLSign\n"
#define BENCH_LEAF "basicConstraints=CA:false\n"
#define BENCH_SAN BENCH_LEAF "subjectAltName=DNS:a.example\n"

static const char *bench_key_of(const struct bench_certificate *c)
{
    if (c->key)
        return c->key;
    return c->extensions && strstr(c->extensions, "CA:true") ? "ca" : "leaf";
}

static const struct bench_certificate *bench_find(const struct bench_certificate *table,
                                                  size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    }
    fail_msg("no certificate %s", name);
    return NULL;
}

/* Makes all of a table, in its order, with two keys. */
__attribute__((unused)) static void bench_make(const struct bench_certificate *table, size_t count)
{
    static char script[1 << 16];
    size_t at;

    at = (size_t)sprintf(script,
                         "for k in ca leaf; do [ -f $k.key ] || openssl genpkey -algorithm EC "
                         "-pkeyopt ec_paramgen_curve:P-256 -out $k.key; done\n");
    for (size_t i = 0; i < count; i++) {
        const struct bench_certificate *c = &table[i];
        char issuer[256] = "", config[1024];

        if (c->issuer)
            (void)snprintf(issuer, sizeof(issuer), "-CA %s.pem -CAkey %s.key", c->issuer,
                           bench_key_of(bench_find(table, count, c->issuer)));
        (void)snprintf(config, sizeof(config), "[req]\ndistinguished_name=d\n[d]\n[x]\n%s",
                       c->extensions ? c->extensions : "");
        (void)snprintf(issuer + strlen(issuer), sizeof(issuer) - strlen(issuer), " %s",
                       c->more && strstr(c->more, "-days") ? "" : "-days 30");
        at += (size_t)snprintf(
            script + at, sizeof(script) - at,
            "cat >%s.cnf <<'E'\n%sE\n"
            "openssl req -new -x509 -utf8 -key %s.key -subj '%s' %s %s -config %s.cnf %s -out "
            "%s.pem\n",
            c->name, config, bench_key_of(c), c->subject, issuer,
            c->extensions ? "-extensions x" : "-x509v1", c->name, c->more ? c->more : "", c->name);
        assert_true(at < sizeof(script));
    }
    bench_shell(script);
}

static const struct bench_certificate bench_basics[] = {
    {"root", NULL, "/CN=root", BENCH_CA},
    {"good", "root", "/CN=good", BENCH_SAN},
};

__attribute__((unused)) static int bench_init(void **state)
{
    (void)state;
    if (!mkdtemp(bench_folder))
        return -1;
    bench_make(bench_basics, COUNT_OF(bench_basics));
    return tls_library_init();
}

__attribute__((unused)) static int bench_deinit(void **state)
{
    char command[64];

    (void)state;
    tls_library_deinit();
    (void)snprintf(command, sizeof(command), "rm -rf %s", bench_folder);
    return system(command);
}

/* --- contexts -------------------------------------------------------------------------------- */

static struct tls_suites bench_suites(const char *text)
{
    char error[TLS_ERROR_BYTES];
    struct tls_suites suites;

    assert_int_equal(tls_suites_select(span_of_cstr(text), &suites, error, sizeof(error)), 0);
    return suites;
}

__attribute__((unused)) static struct tls_client_settings bench_client_settings(void)
{
    return (struct tls_client_settings){
        .protocols = TLS_PROTOCOL_1_2 | TLS_PROTOCOL_1_3,
        .suites = bench_suites("DEFAULT"),
        .verifies = true,
        .ca_pem = bench_file("root.pem"),
        .verify_depth = 9,
    };
}

__attribute__((unused)) static struct tls_context *
bench_client(const struct tls_client_settings *settings)
{
    char error[TLS_ERROR_BYTES];
    struct tls_context *c = NULL;

    if (tls_context_new_client(settings, &c, error))
        fail_msg("%s", error);
    return c;
}

__attribute__((unused)) static struct tls_pair bench_pair(const char *certificate, const char *key)
{
    return (struct tls_pair){bench_file(certificate), bench_file(key)};
}

__attribute__((unused)) static struct tls_server_settings
bench_server_settings(const struct tls_pair *pair)
{
    return (struct tls_server_settings){
        .protocols = TLS_PROTOCOL_1_2 | TLS_PROTOCOL_1_3,
        .suites = bench_suites("DEFAULT"),
        .pairs = pair,
        .pair_count = 1,
        .has_tickets = true,
        .verify_depth = 9,
        .id = 1,
    };
}

__attribute__((unused)) static struct tls_context *
bench_server(const struct tls_server_settings *settings, struct tls_server_shared *shared)
{
    char error[TLS_ERROR_BYTES];
    struct tls_context *c = NULL;

    if (tls_context_new_server(settings, shared, &c, error))
        fail_msg("%s", error);
    return c;
}

/* --- two ends -------------------------------------------------------------------------------- */

struct bench_end {
    struct tls *tls;
    char *wire; /* what it has put out and the other end has not read */
    size_t len;
    enum tls_result result;
};

__attribute__((unused)) static int bench_output(void *owner, struct span sealed)
{
    struct bench_end *e = owner;

    assert_true(e->len + sealed.len <= BENCH_WIRE_BYTES);
    if (!e->wire)
        e->wire = malloc(BENCH_WIRE_BYTES);
    memcpy(e->wire + e->len, sealed.data, sealed.len);
    e->len += sealed.len;
    return 0;
}

/* One call, with at most so many bytes of what the other end has put out. */
static void bench_step(struct bench_end *e, struct bench_end *other, size_t most)
{
    size_t given = size_min(other->len, most), used;
    struct span input = span_of(other->wire, given);

    if (e->result != TLS_NEEDS_INPUT)
        return;
    e->result = tls_handshake(e->tls, &input);
    used = given - input.len;
    if (used)
        memmove(other->wire, other->wire + used, other->len - used);
    other->len -= used;
}

/* Until both are finished, or none gets on. True when both are finished. */
static bool bench_shake_hands(struct bench_end *client, struct bench_end *server, size_t most)
{
    client->result = server->result = TLS_NEEDS_INPUT;
    bench_step(client, server, most);
    while ((client->result == TLS_NEEDS_INPUT && server->len) ||
           (server->result == TLS_NEEDS_INPUT && client->len)) {
        bench_step(server, client, most);
        bench_step(client, server, most);
    }
    return client->result == TLS_OK && server->result == TLS_OK;
}

/* What an end can read of what the other has put out. */
__attribute__((unused)) static enum tls_result
bench_open(struct bench_end *e, struct bench_end *other, char *out, size_t size, size_t *total)
{
    struct span input = span_of(other->wire, other->len);
    enum tls_result result;
    size_t len;

    *total = 0;
    while ((result = tls_open(e->tls, &input, out + *total, size - *total, &len)) == TLS_OK) {
        *total += len;
        assert_true(*total < size);
    }
    if (input.len)
        memmove(other->wire, other->wire + other->len - input.len, input.len);
    other->len = input.len;
    return result;
}

/* A client's and a server's session of two contexts. */
struct bench {
    struct bench_end client, server;
    struct tls_client_options options;
    tls_select_fn select;
};

static bool bench_connect(struct bench *b, struct tls_context *client, struct tls_context *server)
{
    b->options.output = bench_output;
    b->options.owner = &b->client;
    b->client.tls = tls_new_client(client, &b->options);
    b->options.ticket = NULL;
    b->server.tls = tls_new_server(server, b->select, bench_output, &b->server);
    assert_non_null(b->client.tls);
    assert_non_null(b->server.tls);
    return bench_shake_hands(&b->client, &b->server, SIZE_MAX);
}

static void bench_end_deinit(struct bench_end *e)
{
    tls_free(e->tls);
    free(e->wire);
    *e = (struct bench_end){.tls = NULL};
}

__attribute__((unused)) static void bench_disconnect(struct bench *b)
{
    bench_end_deinit(&b->client);
    bench_end_deinit(&b->server);
}

/* The client's last ticket; with TLS 1.3 it has to read for it. */
__attribute__((unused)) static struct tls_ticket *bench_take_ticket(struct bench *b)
{
    struct tls_ticket *ticket, *last = NULL;
    char out[64];
    size_t len;

    (void)bench_open(&b->client, &b->server, out, sizeof(out), &len);
    while ((ticket = tls_take_ticket(b->client.tls))) {
        tls_ticket_free(last);
        last = ticket;
    }
    return last;
}

/* A ticket of one protocol, out of a handshake. */
__attribute__((unused)) static struct tls_ticket *bench_ticket(unsigned protocol)
{
    struct tls_client_settings client_settings = bench_client_settings();
    struct tls_pair pair = bench_pair("good.pem", "leaf.key");
    struct tls_server_settings server_settings = bench_server_settings(&pair);
    struct tls_server_shared *shared = tls_server_shared_new();
    struct tls_context *client, *server;
    struct tls_ticket *ticket;
    struct bench b = {.select = NULL};

    client_settings.protocols = protocol;
    client = bench_client(&client_settings);
    server = bench_server(&server_settings, shared);
    assert_true(bench_connect(&b, client, server));
    ticket = bench_take_ticket(&b);
    assert_non_null(ticket);
    bench_disconnect(&b);
    tls_context_free(client);
    tls_context_free(server);
    tls_server_shared_free(shared);
    return ticket;
}

#endif
