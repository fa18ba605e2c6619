/* tls_context - what all sessions of one configuration have in common.
 *
 * Owned by one worker and used by its thread only. Everything is loaded from bytes when the
 * context is made, and checked then: a setting that cannot work is an error with a message.
 * wolfSSL's own caches stay off: it would share sessions between configurations. */
#include "tls_internal.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/limits.h"
#include "io/tls_bulk.h"
#include "io/tls_pem.h"

#define SUITES_TEXT_BYTES 4096
#define DH_BITS_MIN 2048 /* as OpenSSL's security level 2 has it */

int tls_library_init(void)
{
    if (wolfSSL_Init() != WOLFSSL_SUCCESS)
        return -EIO;
    tls_bulk_init();
    return 0;
}

void tls_library_deinit(void)
{
    (void)wolfSSL_Cleanup();
}

PRINTF_LIKE(2, 3)
static int refuse(char error[TLS_ERROR_BYTES], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(error, TLS_ERROR_BYTES, format, args);
    va_end(args);
    return -EINVAL;
}

static int refuse_as_wolfssl(char error[TLS_ERROR_BYTES], const char *what, int rc)
{
    if (rc == MEMORY_E)
        return -ENOMEM;
    /* The codes of loading itself have no words. */
    if (rc > OPEN_RAN_E)
        return refuse(error, "%s: bad PEM, or of a kind that wolfSSL does not read", what);
    return refuse(error, "%s: %s", what, wolfSSL_ERR_reason_error_string((unsigned long)rc));
}

/* --- PEM: certificates and keys -------------------------------------------------------------- */

static bool has_text(struct span in, const char *text)
{
    return in.len && memmem(in.data, in.len, text, strlen(text)) != NULL;
}

/* wolfSSL's question for a password, answered with one of ours. */
static int give_password(char *out, int size, int is_sealing, void *password)
{
    const struct span *p = password;

    (void)is_sealing;
    if (p->len > (size_t)size)
        return 0;
    memcpy(out, p->data, p->len);
    return (int)p->len;
}

static int use_key(WOLFSSL_CTX *ctx, struct span pem, struct span password)
{
    int rc;

    wolfSSL_CTX_set_default_passwd_cb(ctx, give_password);
    wolfSSL_CTX_set_default_passwd_cb_userdata(ctx, &password);
    rc = wolfSSL_CTX_use_PrivateKey_buffer(ctx, (const unsigned char *)pem.data, (long)pem.len,
                                           WOLFSSL_FILETYPE_PEM);
    wolfSSL_CTX_set_default_passwd_cb(ctx, NULL);
    wolfSSL_CTX_set_default_passwd_cb_userdata(ctx, NULL);
    return rc;
}

static int load_key(WOLFSSL_CTX *ctx, struct span pem, const struct tls_passwords *passwords,
                    char error[TLS_ERROR_BYTES])
{
    int rc = pem_check(pem, "cannot load key", error, TLS_ERROR_BYTES);

    if (rc)
        return rc;
    if (!has_text(pem, "PRIVATE KEY-----"))
        return refuse(error, "cannot load key: no PEM private key found");
    if (!has_text(pem, "ENCRYPTED")) {
        rc = use_key(ctx, pem, SPAN_NONE);
        return rc == WOLFSSL_SUCCESS ? 0 : refuse_as_wolfssl(error, "cannot load key", rc);
    }
    for (size_t i = 0; i < passwords->count; i++) {
        rc = use_key(ctx, pem, passwords->list[i]);
        if (rc == WOLFSSL_SUCCESS)
            return 0;
        if (rc == MEMORY_E)
            return -ENOMEM;
    }
    return refuse(error, "key is encrypted and no password fits");
}

static int load_pair(WOLFSSL_CTX *ctx, const struct tls_pair *pair,
                     const struct tls_passwords *passwords, char error[TLS_ERROR_BYTES])
{
    int rc = pem_check(pair->certificate_pem, "cannot load certificate", error, TLS_ERROR_BYTES);

    /* wolfSSL takes a chain whose last BEGIN line breaks off. */
    if (rc)
        return rc;
    if (!has_text(pair->certificate_pem, "CERTIFICATE-----"))
        return refuse(error, "cannot load certificate: no PEM certificate found");
    rc = wolfSSL_CTX_use_certificate_chain_buffer(
        ctx, (const unsigned char *)pair->certificate_pem.data, (long)pair->certificate_pem.len);
    if (rc != WOLFSSL_SUCCESS)
        return refuse_as_wolfssl(error, "cannot load certificate", rc);
    rc = load_key(ctx, pair->key_pem, passwords, error);
    if (rc)
        return rc;
    if (wolfSSL_CTX_check_private_key(ctx) != WOLFSSL_SUCCESS)
        return refuse(error, "key does not match the certificate");
    return 0;
}

bool tls_error_is_of_key(const char *error)
{
    struct span text = span_of_cstr(error);

    return span_starts_with(text, SPAN("cannot load key")) ||
           span_starts_with(text, SPAN("key is encrypted"));
}

/* --- both kinds ------------------------------------------------------------------------------ */

static WOLFSSL_METHOD *method_of(bool is_server, unsigned protocols)
{
    if (protocols == TLS_PROTOCOL_1_2)
        return is_server ? wolfTLSv1_2_server_method() : wolfTLSv1_2_client_method();
    if (protocols == TLS_PROTOCOL_1_3)
        return is_server ? wolfTLSv1_3_server_method() : wolfTLSv1_3_client_method();
    return is_server ? wolfSSLv23_server_method() : wolfSSLv23_client_method();
}

static int set_suites(WOLFSSL_CTX *ctx, const struct tls_suites *suites, unsigned protocols,
                      char error[TLS_ERROR_BYTES])
{
    struct tls_suites usable = {.count = 0};
    char text[SUITES_TEXT_BYTES];

    for (size_t i = 0; i < suites->count; i++) {
        const struct tls_suite *s = suites->rows[i];

        if (protocols & (s->is_tls13 ? TLS_PROTOCOL_1_3 : TLS_PROTOCOL_1_2))
            usable.rows[usable.count++] = s;
    }
    if (!usable.count)
        return refuse(error, "no cipher suite for the protocols");
    (void)tls_suites_text(&usable, text, sizeof(text));
    if (wolfSSL_CTX_set_cipher_list(ctx, text) != WOLFSSL_SUCCESS)
        return refuse(error, "cipher suites are not available: %.150s", text);
    return 0;
}

/* A wolfSSL context with what does not depend on the side. */
static int new_wolfssl(struct tls_context *c, WOLFSSL_CTX **out, char error[TLS_ERROR_BYTES])
{
    WOLFSSL_CTX *ctx = wolfSSL_CTX_new(method_of(c->is_server, c->protocols));

    *out = ctx;
    if (!ctx)
        return -ENOMEM;
    if (c->protocols == (TLS_PROTOCOL_1_2 | TLS_PROTOCOL_1_3) &&
        wolfSSL_CTX_SetMinVersion(ctx, WOLFSSL_TLSV1_2) != WOLFSSL_SUCCESS)
        return -ENOMEM;
    (void)wolfSSL_CTX_set_group_messages(ctx);
    (void)wolfSSL_CTX_SetMinDhKey_Sz(ctx, DH_BITS_MIN);
    wolfSSL_CTX_SetIORecv(ctx, tls_on_input);
    wolfSSL_CTX_SetIOSend(ctx, tls_on_output);
    return set_suites(ctx, &c->suites, c->protocols, error);
}

static struct tls_context *new_context(bool is_server, unsigned protocols,
                                       const struct tls_suites *suites)
{
    struct tls_context *c = calloc(1, sizeof(*c));

    assert(protocols);
    if (!c)
        return NULL;
    c->is_server = is_server;
    c->protocols = protocols;
    c->suites = *suites;
    c->record_bytes_max = RECORD_BYTES_MAX;
    c->key_log_fd = -1;
    return c;
}

void tls_context_free(struct tls_context *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->member_count; i++)
        wolfSSL_CTX_free(c->members[i].ctx);
    tls_sealer_free(c->sealer);
    if (!c->base)
        tls_trust_free(c->trust);
    if (!c->base && c->key_log_fd >= 0)
        (void)close(c->key_log_fd);
    free(c);
}

/* --- clients --------------------------------------------------------------------------------- */

/* The part of wolfSSL's; pair: NULL for none. */
static int add_client_member(struct tls_context *c, const struct tls_pair *pair,
                             const struct tls_passwords *passwords, bool verifies,
                             char error[TLS_ERROR_BYTES])
{
    struct tls_member *m = &c->members[0];
    int rc = new_wolfssl(c, &m->ctx, error);

    c->member_count = 1;
    if (rc == 0)
        rc = tls_set_groups(m->ctx, SPAN_NONE, error);
    if (rc == 0 && pair)
        rc = load_pair(m->ctx, pair, passwords, error);
    if (rc)
        return rc;
    /* Our own cache gets the sessions by callback, which needs theirs "on" but without store. */
    (void)wolfSSL_CTX_set_session_cache_mode(m->ctx, WOLFSSL_SESS_CACHE_NO_INTERNAL);
    wolfSSL_CTX_sess_set_new_cb(m->ctx, tls_on_new_session);
    if (wolfSSL_CTX_UseSessionTicket(m->ctx) != WOLFSSL_SUCCESS)
        return -ENOMEM;
    /* "None": wolfSSL verifies nothing by itself. The callback is asked all the same, and decides
     * (WOLFSSL_ALWAYS_VERIFY_CB). */
    wolfSSL_CTX_set_verify(m->ctx, WOLFSSL_VERIFY_NONE, verifies ? tls_on_certificate : NULL);
    return 0;
}

static int set_up_client(struct tls_context *c, const struct tls_client_settings *s,
                         char error[TLS_ERROR_BYTES])
{
    const struct tls_pair *pair = s->pair.certificate_pem.len ? &s->pair : NULL;
    const struct tls_trust_pem trusted = {.ca = s->ca_pem, .crl = s->crl_pem};
    int rc = add_client_member(c, pair, &s->passwords, s->verifies, error);

    if (rc)
        return rc;
    if (s->verifies) {
        c->verify_depth = s->verify_depth;
        rc = tls_trust_new(&trusted, &c->trust, error, TLS_ERROR_BYTES);
        if (rc)
            return rc;
        if (!c->trust->anchor_count)
            return refuse(error, "cannot load CA certificates: no PEM certificate found");
    }
    if (s->key_log_path) {
        c->key_log_fd = open(s->key_log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        if (c->key_log_fd < 0)
            return refuse(error, "cannot open key log \"%.150s\": %s", s->key_log_path,
                          strerror(errno));
    }
    return 0;
}

int tls_context_new_client(const struct tls_client_settings *settings, struct tls_context **out,
                           char error[TLS_ERROR_BYTES])
{
    struct tls_context *c = new_context(false, settings->protocols, &settings->suites);
    int rc;

    error[0] = '\0';
    if (!c)
        return -ENOMEM;
    rc = set_up_client(c, settings, error);
    if (rc) {
        tls_context_free(c);
        return rc;
    }
    *out = c;
    return 0;
}

int tls_context_new_certified(const struct tls_context *base, const struct tls_pair *pair,
                              const struct tls_passwords *passwords, struct tls_context **out,
                              char error[TLS_ERROR_BYTES])
{
    struct tls_context *c = new_context(false, base->protocols, &base->suites);
    int rc;

    assert(!base->is_server);
    error[0] = '\0';
    if (!c)
        return -ENOMEM;
    c->base = base;
    c->trust = base->trust;
    c->verify_depth = base->verify_depth;
    c->key_log_fd = base->key_log_fd;
    rc = add_client_member(c, pair, passwords, base->trust != NULL, error);
    if (rc) {
        tls_context_free(c);
        return rc;
    }
    *out = c;
    return 0;
}

void tls_context_on_end(struct tls_context *c, void (*ended)(void *owner), void *owner)
{
    c->on_end = ended;
    c->owner = owner;
}

/* --- servers --------------------------------------------------------------------------------- */

/* Clients end the connection when they are told more than 7 days. */
static unsigned lifetime_of(const struct tls_server_settings *s)
{
    unsigned lifetime_s = s->ticket_lifetime_s ? s->ticket_lifetime_s : TLS_TICKET_LIFETIME_S;

    return lifetime_s < TLS_TICKET_LIFETIME_S_MAX ? lifetime_s : TLS_TICKET_LIFETIME_S_MAX;
}

/* In TLS 1.3 there are tickets in any case where something is kept: then they hold only a name. */
static void set_up_sessions(struct tls_context *c, WOLFSSL_CTX *ctx,
                            const struct tls_server_settings *s)
{
    if (c->store) {
        (void)wolfSSL_CTX_set_session_cache_mode(ctx, WOLFSSL_SESS_CACHE_NO_INTERNAL);
        wolfSSL_CTX_sess_set_new_cb(ctx, tls_on_server_session);
        wolfSSL_CTX_sess_set_get_cb(ctx, tls_on_wanted_session);
    } else {
        (void)wolfSSL_CTX_set_session_cache_mode(ctx, WOLFSSL_SESS_CACHE_OFF);
    }
    if (!s->has_tickets)
        (void)wolfSSL_CTX_NoTicketTLSv12(ctx);
    (void)wolfSSL_CTX_set_timeout(ctx, c->session_lifetime_s);
    if (!c->sealer) {
        (void)wolfSSL_CTX_no_ticket_TLSv13(ctx);
        return;
    }
    (void)wolfSSL_CTX_set_TicketEncCb(ctx, tls_on_server_ticket);
    (void)wolfSSL_CTX_set_TicketEncCtx(ctx, c);
    (void)wolfSSL_CTX_set_TicketHint(ctx, (int)c->session_lifetime_s);
}

static int set_key_exchange(WOLFSSL_CTX *ctx, const struct tls_server_settings *s,
                            char error[TLS_ERROR_BYTES])
{
    bool is_default = !s->curves.len || span_equals(s->curves, SPAN("auto"));
    struct span dh = s->dh_params_pem;

    if (dh.len && wolfSSL_CTX_SetTmpDH_buffer(ctx, (const byte *)dh.data, (long)dh.len,
                                              WOLFSSL_FILETYPE_PEM) != WOLFSSL_SUCCESS)
        return refuse(error, "cannot load DH parameters: bad PEM, or under 2048 bits");
    return tls_set_groups(ctx, is_default ? SPAN_NONE : s->curves, error);
}

/* What a pair would be loaded beside. */
static int check_key_exchange(struct tls_context *c, const struct tls_server_settings *s,
                              char error[TLS_ERROR_BYTES])
{
    WOLFSSL_CTX *ctx;
    int rc = new_wolfssl(c, &ctx, error);

    if (rc == 0)
        rc = set_key_exchange(ctx, s, error);
    wolfSSL_CTX_free(ctx);
    return rc;
}

/* One more certificate of a server. */
static int add_member(struct tls_context *c, const struct tls_server_settings *s,
                      const struct tls_pair *pair, char error[TLS_ERROR_BYTES])
{
    struct tls_member *m = &c->members[c->member_count++];
    int rc = new_wolfssl(c, &m->ctx, error);

    if (rc == 0)
        rc = set_key_exchange(m->ctx, s, error);
    if (rc == 0)
        rc = load_pair(m->ctx, pair, &s->passwords, error);
    if (rc)
        return rc;
    set_up_sessions(c, m->ctx, s);
    m->staple = pair->staple;
    rc = tls_classify(m, pair->certificate_pem);
    if (rc)
        return rc;
    if (c->trust)
        wolfSSL_CTX_set_verify(m->ctx, WOLFSSL_VERIFY_PEER, tls_on_certificate);
    else
        wolfSSL_CTX_set_verify(m->ctx, WOLFSSL_VERIFY_NONE, NULL);
    return 0;
}

static int set_up_server(struct tls_context *c, const struct tls_server_settings *s,
                         struct tls_server_shared *shared, char error[TLS_ERROR_BYTES])
{
    const struct tls_trust_pem trusted = {s->client_ca_pem, s->trusted_ca_pem, s->crl_pem};

    if (s->verify_client != VERIFY_CLIENT_OFF) {
        int rc = tls_trust_new(&trusted, &c->trust, error, TLS_ERROR_BYTES);

        if (rc)
            return rc;
    }
    if (s->chooses_pair && !s->pair_count)
        return check_key_exchange(c, s, error);
    if (!s->pair_count && !s->rejects_handshakes)
        return refuse(error, "no certificate is set");
    if (s->pair_count > TLS_PAIRS_MAX)
        return refuse(error, "too many certificates, %d are possible", TLS_PAIRS_MAX);
    if (s->has_tickets || s->store) {
        c->sealer = tls_sealer_new(shared, s);
        if (!c->sealer)
            return -ENOMEM;
    }
    while (c->member_count < s->pair_count) {
        int rc = add_member(c, s, &s->pairs[c->member_count], error);

        if (rc)
            return rc;
    }
    return 0;
}

int tls_context_new_server(const struct tls_server_settings *settings,
                           struct tls_server_shared *shared, struct tls_context **out,
                           char error[TLS_ERROR_BYTES])
{
    struct tls_context *c = new_context(true, settings->protocols, &settings->suites);
    int rc;

    error[0] = '\0';
    if (!c)
        return -ENOMEM;
    c->prefers_server_suites = settings->prefers_server_suites;
    c->rejects_handshakes = settings->rejects_handshakes;
    c->store = settings->store;
    c->id = settings->id;
    c->session_lifetime_s = lifetime_of(settings);
    if (settings->record_bytes_max)
        c->record_bytes_max = settings->record_bytes_max;
    /* What a certificate says is known only with the client's Finished. */
    if (settings->takes_early_data && settings->verify_client == VERIFY_CLIENT_OFF)
        c->early_bytes_max = RECORD_BYTES_MAX;
    c->verify_client = settings->verify_client;
    c->verify_depth = settings->verify_depth;
    rc = set_up_server(c, settings, shared, error);
    if (rc) {
        tls_context_free(c);
        return rc;
    }
    *out = c;
    return 0;
}
