/* tls - a TLS session that never sees a socket: bytes in, bytes out.
 *
 * wolfSSL reads through tls_on_input(), which hands out from the span of the current call, and
 * writes through tls_on_output(), which appends to the connection's output: it can want input,
 * never room. Reading may write as well (alerts, key updates), so the caller flushes after both. */
#include "tls_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"

/* What a peer may send before the handshake is finished; the largest honest ones send certificate
 * chains of some 20 KB. Ends floods that wolfSSL would swallow. */
#define HANDSHAKE_BYTES_MAX (256 * 1024)

#define ALERT_UNRECOGNIZED_NAME 112
#define ALERT_NO_APPLICATION_PROTOCOL 120
#define ALERT_DECODE_ERROR 50
#define ALERT_INTERNAL_ERROR 80

#define PROTOCOL_HTTP11 SPAN("http/1.1")

static const char reason_no_memory[] = "no memory for a TLS session";

/* --- making and freeing ---------------------------------------------------------------------- */

static struct tls *new_session(struct tls_context *c, tls_output_fn output, void *owner)
{
    struct tls *t = calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    t->context = c;
    t->output = output;
    t->owner = owner;
    return t;
}

/* Binds a wolfSSL session to t. */
static int attach(struct tls *t, WOLFSSL_CTX *ctx)
{
    t->ssl = wolfSSL_new(ctx);
    if (!t->ssl)
        return -ENOMEM;
    wolfSSL_SetIOReadCtx(t->ssl, t);
    wolfSSL_SetIOWriteCtx(t->ssl, t);
    wolfSSL_SetCertCbCtx(t->ssl, t);
    if (t->context->key_log_fd >= 0)
        tls_key_log_attach(t);
    return 0;
}

static struct span copy_text(char **at, struct span text)
{
    struct span copy = span_of(*at, text.len);

    if (text.len)
        memcpy(*at, text.data, text.len);
    *at += text.len;
    return copy;
}

static struct tls_expected *copy_expected(const struct tls_client_options *options)
{
    struct tls_expected *e;
    size_t bytes = 0;
    char *at;

    assert(options->name_count <= TLS_EXPECTED_NAMES_MAX);
    for (size_t i = 0; i < options->name_count; i++)
        bytes += options->names[i].text.len;
    e = malloc(sizeof(*e) + bytes);
    if (!e)
        return NULL;
    at = e->text;
    e->name_count = options->name_count;
    for (size_t i = 0; i < e->name_count; i++)
        e->names[i].text = copy_text(&at, options->names[i].text);
    return e;
}

static int set_up_client(struct tls *t, const struct tls_client_options *options)
{
    int rc = attach(t, t->context->members[0].ctx);

    if (rc)
        return rc;
    if (options->sni.len && wolfSSL_UseSNI(t->ssl, WOLFSSL_SNI_HOST_NAME, options->sni.data,
                                           (unsigned short)options->sni.len) != WOLFSSL_SUCCESS)
        return -ENOMEM;
    t->expected = copy_expected(options);
    if (!t->expected)
        return -ENOMEM;
    /* A session that wolfSSL does not take (its time is over) only means a full handshake. */
    if (options->ticket)
        (void)wolfSSL_set_session(t->ssl, options->ticket->session);
    return 0;
}

struct tls *tls_new_client(struct tls_context *c, const struct tls_client_options *options)
{
    struct tls *t = new_session(c, options->output, options->owner);

    assert(!c->is_server);
    assert(options->sni.len <= UINT16_MAX);
    if (t && set_up_client(t, options)) {
        tls_free(t);
        t = NULL;
    }
    tls_ticket_free(options->ticket);
    return t;
}

struct tls *tls_new_server(struct tls_context *c, tls_select_fn select, tls_output_fn output,
                           void *owner)
{
    struct tls *t = new_session(c, output, owner);

    assert(c->is_server);
    if (t)
        t->select = select;
    return t;
}

static void free_hello(struct tls *t)
{
    if (t->hello)
        free(t->hello->bytes);
    free(t->hello);
    t->hello = NULL;
    t->hello_left = SPAN_NONE;
}

void tls_free(struct tls *t)
{
    struct tls_ticket *ticket;

    if (!t)
        return;
    wolfSSL_free(t->ssl);
    while ((ticket = t->tickets)) {
        t->tickets = ticket->next;
        tls_ticket_free(ticket);
    }
    free_hello(t);
    tls_facts_free(t->facts);
    tls_facts_free(t->ticket_facts);
    free(t->shown);
    free(t->expected);
    free(t->server_name);
    free(t->reason);
    free(t);
}

/* --- wolfSSL's input and output -------------------------------------------------------------- */

int tls_on_input(WOLFSSL *ssl, char *out, int size, void *session)
{
    struct tls *t = session;
    struct span *from = t->hello_left.len ? &t->hello_left : &t->input;
    size_t n = size_min(from->len, (size_t)size);

    (void)ssl;
    if (!n)
        return WOLFSSL_CBIO_ERR_WANT_READ;
    memcpy(out, from->data, n);
    *from = span_skip(*from, n);
    if (!t->is_finished)
        t->handshake_bytes += n;
    if (t->hello && !t->hello_left.len)
        free_hello(t);
    return (int)n;
}

int tls_on_output(WOLFSSL *ssl, char *data, int len, void *session)
{
    struct tls *t = session;

    (void)ssl;
    if (t->output(t->owner, span_of(data, (size_t)len))) {
        tls_fail(t, TLS_FAILURE_MEMORY, "no memory for sealed bytes");
        return WOLFSSL_CBIO_ERR_GENERAL;
    }
    return len;
}

/* --- failing --------------------------------------------------------------------------------- */

enum tls_result tls_fail(struct tls *t, enum tls_failure_kind kind, const char *format, ...)
{
    va_list args;

    assert(kind != TLS_FAILURE_NONE);
    if (t->failure)
        return TLS_FAILED;
    t->failure = kind;
    va_start(args, format);
    if (vasprintf(&t->reason, format, args) < 0)
        t->reason = NULL;
    va_end(args);
    return TLS_FAILED;
}

enum tls_failure_kind tls_failure(const struct tls *t, const char **reason)
{
    if (reason)
        *reason = t->reason ? t->reason : t->failure ? reason_no_memory : "";
    return t->failure;
}

/* An alert before there is a wolfSSL session to send it. */
static void put_out_alert(struct tls *t, int description)
{
    const char record[] = {21, 3, 3, 0, 2, 2, (char)description};

    (void)t->output(t->owner, span_of(record, sizeof(record)));
}

/* --- the server's choice of context ---------------------------------------------------------- */

static int keep_server_name(struct tls *t, struct span name)
{
    t->server_name = malloc(name.len + 1);
    if (!t->server_name)
        return -ENOMEM;
    memcpy(t->server_name, name.data, name.len);
    t->server_name[name.len] = '\0';
    return 0;
}

static struct tls_context *select_context(struct tls *t, struct span name)
{
    char lower[256]; /* tls_hello refuses longer names */

    if (!t->select)
        return t->context;
    assert(name.len <= sizeof(lower));
    for (size_t i = 0; i < name.len; i++)
        lower[i] = ascii_lower(name.data[i]);
    return t->select(t->owner, span_of(lower, name.len));
}

/* The first certificate whose kind of key the client can verify, ECDSA before RSA; else any. */
static WOLFSSL_CTX *choose_member(const struct tls_context *c, const struct tls_hello *hello)
{
    bool tls13 = hello->offers_tls13 && (c->protocols & TLS_PROTOCOL_1_3);

    for (size_t i = 0; i < c->member_count; i++) {
        const struct tls_member *m = &c->members[i];

        if (m->is_ecdsa && tls_hello_has_number(hello->signature_schemes, m->signature_scheme) &&
            (tls13 || tls_context_shares_ecdsa_suite(c, hello->suites)))
            return m->ctx;
    }
    for (size_t i = 0; i < c->member_count; i++) {
        if (!c->members[i].is_ecdsa)
            return c->members[i].ctx;
    }
    return c->members[0].ctx;
}

/* What wolfSSL answers to the client's extensions. */
static int set_up_server(struct tls *t, const struct tls_hello *hello)
{
    struct span name = hello->server_name, http = PROTOCOL_HTTP11;
    int rc = attach(t, choose_member(t->context, hello));

    if (rc)
        return rc;
    if (!t->context->prefers_server_suites && wolfSSL_UseClientSuites(t->ssl) != 0)
        return -EIO;
    if (name.len) {
        if (wolfSSL_UseSNI(t->ssl, WOLFSSL_SNI_HOST_NAME, name.data, (unsigned short)name.len) !=
            WOLFSSL_SUCCESS)
            return -ENOMEM;
        wolfSSL_SNI_SetOptions(t->ssl, WOLFSSL_SNI_HOST_NAME,
                               WOLFSSL_SNI_CONTINUE_ON_MISMATCH | WOLFSSL_SNI_ANSWER_ON_MISMATCH);
    }
    if (hello->has_alpn && wolfSSL_UseALPN(t->ssl, (char *)(uintptr_t)http.data, (unsigned)http.len,
                                           WOLFSSL_ALPN_FAILED_ON_MISMATCH) != WOLFSSL_SUCCESS)
        return -ENOMEM;
    return 0;
}

static enum tls_result start_server(struct tls *t, const struct tls_hello *hello)
{
    struct tls_context *chosen;

    if (hello->has_server_name && keep_server_name(t, hello->server_name))
        return tls_fail(t, TLS_FAILURE_MEMORY, "%s", reason_no_memory);
    chosen = select_context(t, hello->server_name);
    if (!chosen) {
        put_out_alert(t, ALERT_UNRECOGNIZED_NAME);
        return tls_fail(t, TLS_FAILURE_PROTOCOL, "no server for the name asked for");
    }
    t->context = chosen;
    if (hello->has_alpn && !tls_hello_offers_protocol(hello, PROTOCOL_HTTP11)) {
        put_out_alert(t, ALERT_NO_APPLICATION_PROTOCOL);
        return tls_fail(t, TLS_FAILURE_PROTOCOL, "the client does not offer http/1.1 by ALPN");
    }
    if (set_up_server(t, hello)) {
        put_out_alert(t, ALERT_INTERNAL_ERROR);
        return tls_fail(t, TLS_FAILURE_MEMORY, "%s", reason_no_memory);
    }
    return TLS_OK;
}

static enum tls_result keep_hello(struct tls *t, struct span *input)
{
    int rc;

    if (!t->hello)
        t->hello = calloc(1, sizeof(*t->hello));
    rc = t->hello ? tls_hello_buffer_add(t->hello, *input) : -ENOMEM;
    *input = span_skip(*input, input->len);
    if (rc == -EMSGSIZE)
        return tls_fail(t, TLS_FAILURE_PROTOCOL, "ClientHello is too large");
    if (rc)
        return tls_fail(t, TLS_FAILURE_MEMORY, "%s", reason_no_memory);
    t->hello_left = span_of(t->hello->bytes, t->hello->len);
    return TLS_NEEDS_INPUT;
}

static enum tls_result refuse_hello(struct tls *t, enum tls_hello_result why)
{
    if (why == HELLO_IS_PLAIN_TEXT)
        return tls_fail(t, TLS_FAILURE_PLAIN_HTTP, "client sent plain HTTP request to HTTPS port");
    if (why == HELLO_NO_MEMORY)
        return tls_fail(t, TLS_FAILURE_MEMORY, "%s", reason_no_memory);
    put_out_alert(t, ALERT_DECODE_ERROR);
    return tls_fail(t, TLS_FAILURE_PROTOCOL, "client did not send a TLS ClientHello");
}

/* Reads the ClientHello and makes the wolfSSL session out of what it asks for. TLS_OK: it is
 * there, and wolfSSL goes on from the first byte. */
static enum tls_result read_hello(struct tls *t, struct span *input)
{
    struct tls_hello hello;
    enum tls_hello_result result;
    enum tls_result started;
    char *joined = NULL;

    if (!input->len)
        return TLS_NEEDS_INPUT;
    if (t->hello && keep_hello(t, input) == TLS_FAILED)
        return TLS_FAILED;
    result = tls_hello_read(t->hello ? t->hello_left : *input, &hello, &joined);
    if (result == HELLO_NEEDS_INPUT)
        return t->hello ? TLS_NEEDS_INPUT : keep_hello(t, input);
    if (result != HELLO_OK)
        return refuse_hello(t, result);
    started = start_server(t, &hello);
    free(joined);
    return started;
}

/* --- the handshake --------------------------------------------------------------------------- */

static enum tls_result finish(struct tls *t)
{
    t->is_finished = true;
    free(t->expected);
    t->expected = NULL;
    if (t->context->key_log_fd >= 0)
        tls_key_log_finish(t);
    if (t->context->is_server)
        tls_settle_facts(t);
    if (t->has_new_session)
        tls_keep_session(t);
    return TLS_OK;
}

enum tls_result tls_handshake(struct tls *t, struct span *input)
{
    enum tls_result result;
    int rc;

    assert(!t->is_finished);
    if (t->failure)
        return TLS_FAILED;
    if (!t->ssl) {
        result = read_hello(t, input);
        if (result != TLS_OK)
            return result;
    }
    t->input = *input;
    rc = t->context->is_server ? wolfSSL_accept(t->ssl) : wolfSSL_connect(t->ssl);
    *input = t->input;
    t->input = SPAN_NONE;
    if (rc == WOLFSSL_SUCCESS && !t->failure)
        return finish(t);
    result = tls_fail_as_wolfssl(t, rc);
    if (result == TLS_NEEDS_INPUT && t->handshake_bytes > HANDSHAKE_BYTES_MAX)
        return tls_fail(t, TLS_FAILURE_PROTOCOL, "handshake is longer than %d bytes",
                        HANDSHAKE_BYTES_MAX);
    if (result == TLS_END)
        return tls_fail(t, TLS_FAILURE_PROTOCOL, "peer closed the connection in the handshake");
    return result;
}

/* --- bytes ----------------------------------------------------------------------------------- */

enum tls_result tls_open(struct tls *t, struct span *input, char *out, size_t size, size_t *len)
{
    int rc;

    assert(t->is_finished);
    assert(size > 0);
    *len = 0;
    if (t->failure)
        return TLS_FAILED;
    if (t->has_ended)
        return TLS_END;
    t->input = *input;
    rc = wolfSSL_read(t->ssl, out, (int)size_min(size, INT32_MAX));
    *input = t->input;
    t->input = SPAN_NONE;
    if (rc > 0) {
        *len = (size_t)rc;
        return TLS_OK;
    }
    return tls_fail_as_wolfssl(t, rc);
}

bool tls_has_opened_bytes(const struct tls *t)
{
    return t->is_finished && !t->failure && wolfSSL_pending(t->ssl) > 0;
}

int tls_seal(struct tls *t, struct span plain)
{
    int rc;

    assert(t->is_finished);
    assert(plain.len > 0);
    assert(plain.len <= RECORD_BYTES_MAX);
    if (t->failure)
        return t->failure == TLS_FAILURE_MEMORY ? -ENOMEM : -EPROTO;
    rc = wolfSSL_write(t->ssl, plain.data, (int)plain.len);
    if (rc == (int)plain.len)
        return 0;
    tls_fail_as_wolfssl(t, rc);
    if (!t->failure)
        tls_fail(t, TLS_FAILURE_PROTOCOL, "record was not sealed");
    return t->failure == TLS_FAILURE_MEMORY ? -ENOMEM : -EPROTO;
}

void tls_seal_close_notify(struct tls *t)
{
    if (!t->ssl || t->has_closed || t->failure)
        return;
    t->has_closed = true;
    (void)wolfSSL_shutdown(t->ssl);
}

/* --- facts ----------------------------------------------------------------------------------- */

bool tls_is_resumed(const struct tls *t)
{
    return t->ssl && wolfSSL_session_reused(t->ssl);
}

const char *tls_protocol_name(const struct tls *t)
{
    return t->ssl ? wolfSSL_get_version(t->ssl) : "";
}

const char *tls_suite_name(const struct tls *t)
{
    const struct tls_suite *suite;

    if (!t->ssl)
        return "";
    suite = tls_suite_by_id((uint16_t)wolfSSL_get_current_cipher_suite(t->ssl));
    return suite ? suite->openssl_name : "";
}

/* wolfSSL and OpenSSL name the curves of NIST differently. */
const char *tls_curve_name(const struct tls *t)
{
    static const char *const names[][2] = {
        {"SECP256R1", "prime256v1"},
        {"SECP384R1", "secp384r1"},
        {"SECP521R1", "secp521r1"},
    };
    const char *name = t->ssl ? wolfSSL_get_curve_name(t->ssl) : NULL;

    for (size_t i = 0; name && i < COUNT_OF(names); i++) {
        if (strcmp(name, names[i][0]) == 0)
            return names[i][1];
    }
    return name ? name : "";
}

struct span tls_server_name(const struct tls *t)
{
    return span_of_cstr(t->server_name);
}
