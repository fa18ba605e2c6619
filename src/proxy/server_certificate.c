/* server_certificate - the certificate that a handshake chooses: ssl_certificate with variables. */
#include "proxy/server_certificate.h"

#include "proxy/certificate.h"
#include "proxy/variable.h"

#define ARENA_BLOCK_BYTES 4096
#define ARENA_BYTES_MAX (256 * 1024)

/* There is no request yet: what variables say of one is empty. */
static void begin_record(struct record *r, const struct server_certificate_wish *w,
                         struct arena *arena)
{
    static const struct head none = {.field_count = 0};

    *r = (struct record){
        .engine = w->view->engine,
        .arena = arena,
        .snapshot = w->view->snapshot,
        .client = w->client,
        .listen = w->listen,
        .server = w->server,
        .location = &w->server->root,
        .request = &none,
        .began_us = loop_turn_us(w->view->engine->loop),
    };
    captures_clear(&r->captures);
}

/* 0; -EINVAL with a message; -ENOMEM. */
static int take(const struct server_certificate_wish *w, struct record *r, struct certificate **out,
                struct span *message)
{
    struct certificate_wish wish = {
        .conf = w->profile->certificate,
        .base = w->view->server_contexts[w->profile->index],
        .server = &w->profile->settings,
        .shared = w->view->snapshot->tls_server_shared,
        .arena = r->arena,
        .now_ms = loop_now_ms(r->engine->loop),
    };
    struct span name = tls_server_name(w->client->conn->tls);
    int rc = record_expand(r, &wish.conf->certificate, &wish.certificate);

    /* No client leads to files of another folder. */
    if (span_index_of(name, '/') < name.len) {
        *message = SPAN("the name that was asked for holds a slash");
        return -EINVAL;
    }
    if (!rc)
        rc = record_expand(r, &wish.conf->key, &wish.key);
    if (rc)
        return rc;
    if (!wish.certificate.len) {
        *message = SPAN("\"ssl_certificate\" is empty");
        return -EINVAL;
    }
    return certificate_take(&w->view->certificates, &wish, out, message);
}

static void log_failure(const struct server_certificate_wish *w, struct span message)
{
    char text[ADDRESS_TEXT_BYTES];

    (void)endpoint_format_host(&w->client->address, text);
    log_write(&w->server->root.settings.error_log, LOG_LEVEL_ERROR,
              "*%llu %.*s while SSL handshaking, client: %s", (unsigned long long)w->client->number,
              SPAN_ARG(message), text);
}

struct tls_context *server_certificate_take(const struct server_certificate_wish *wish)
{
    struct span message = SPAN("no memory for a certificate");
    struct certificate *certificate = NULL;
    struct arena arena;
    struct record r;

    arena_init(&arena, ARENA_BLOCK_BYTES, ARENA_BYTES_MAX);
    begin_record(&r, wish, &arena);
    if (take(wish, &r, &certificate, &message))
        log_failure(wish, message);
    arena_deinit(&arena);
    return certificate ? certificate->context : NULL;
}
