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
#include "io/tls_hkdf.h"
#include "io/tls_bulk.h"

/* What a peer may send before the handshake is finished; the largest honest ones send certificate
 * chains of some 20 KB. Ends floods that wolfSSL would swallow. */
#define HANDSHAKE_BYTES_MAX (256 * 1024)

/* The same with early data in it: of 16 KB, a byte in each record, become some 370 KB. */
#define EARLY_HANDSHAKE_BYTES_MAX (512 * 1024)
static_assert(EARLY_HANDSHAKE_BYTES_MAX > RECORD_BYTES_MAX * (5 + 1 + 1 + 16), "it fits");

/* What opening may put out: so much, and one byte for so many bytes of data. */
#define ANSWER_BYTES_MAX (64 * 1024)
#define ANSWER_RATIO 256

#define RECORD_TYPE_MIN 20 /* change_cipher_spec */
#define RECORD_TYPE_MAX 23 /* application_data */

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

int tls_attach(struct tls *t, WOLFSSL_CTX *ctx)
{
    t->ssl = wolfSSL_new(ctx);
    if (!t->ssl)
        return -ENOMEM;
    (void)wolfSSL_SetDevId(t->ssl, tls_bulk_device());
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
    int rc = tls_attach(t, t->context->members[0].ctx);

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

void tls_hello_free(struct tls *t)
{
    if (t->hello)
        free(t->hello->bytes);
    free(t->hello);
    t->hello = NULL;
    t->hello_left = SPAN_NONE;
}

void tls_free(struct tls *t)
{
    struct tls_context *context;
    struct tls_ticket *ticket;

    if (!t)
        return;
    context = t->context;
    wolfSSL_free(t->ssl);
    while ((ticket = t->tickets)) {
        t->tickets = ticket->next;
        tls_ticket_free(ticket);
    }
    tls_hello_free(t);
    tls_facts_free(t->facts);
    tls_facts_free(t->ticket_facts);
    free(t->shown);
    free(t->expected);
    free(t->server_name);
    free(t->reason);
    free(t);
    if (context->on_end)
        context->on_end(context->owner);
}

/* --- wolfSSL's input and output -------------------------------------------------------------- */

int tls_on_input(WOLFSSL *ssl, char *out, int size, void *session)
{
    struct tls *t = session;
    struct span *from = t->hello_left.len ? &t->hello_left : &t->input;
    size_t n = size_min(from->len, (size_t)size);

    (void)ssl;
    if (t->early)
        n = tls_early_read(t, *from, n);
    if (!n)
        return WOLFSSL_CBIO_ERR_WANT_READ;
    memcpy(out, from->data, n);
    *from = span_skip(*from, n);
    if (!t->is_finished || t->early)
        t->handshake_bytes += n;
    if (t->hello && !t->hello_left.len)
        tls_hello_free(t);
    return (int)n;
}

/* A peer that asks for key updates or renegotiation without end, and does not read the answers,
 * would fill our memory: they may not be many beside the data. */
static bool answers_too_much(struct tls *t, size_t len)
{
    if (!t->is_opening)
        return false;
    t->answer_bytes += len;
    return t->answer_bytes > ANSWER_BYTES_MAX + t->opened_bytes / ANSWER_RATIO;
}

int tls_on_output(WOLFSSL *ssl, char *data, int len, void *session)
{
    struct tls *t = session;

    (void)ssl;
    if (answers_too_much(t, (size_t)len)) {
        tls_fail(t, TLS_FAILURE_PROTOCOL, "peer asks for one answer after another");
        return WOLFSSL_CBIO_ERR_GENERAL;
    }
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
        *reason = t->reason ? t->reason : t->failure ? "no memory for TLS" : "";
    return t->failure;
}

/* --- the handshake --------------------------------------------------------------------------- */

/* Whatever wolfSSL did: a server whose certificate was not looked at is not trusted. */
static bool has_to_be_verified(const struct tls *t)
{
    return !t->context->is_server && t->context->trust && !t->is_verified &&
           !wolfSSL_session_reused(t->ssl);
}

static enum tls_result finish(struct tls *t)
{
    if (has_to_be_verified(t))
        return tls_fail(t, TLS_FAILURE_NOT_VERIFIED, "peer's certificate was not verified");
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

/* A server's first byte is the type of a record. */
static bool may_be_record(struct span input)
{
    unsigned char type = input.len ? (unsigned char)input.data[0] : RECORD_TYPE_MIN;

    return type >= RECORD_TYPE_MIN && type <= RECORD_TYPE_MAX;
}

static enum tls_result fail_too_long(struct tls *t, int bytes_max)
{
    return tls_fail(t, TLS_FAILURE_PROTOCOL, "handshake is longer than %d bytes", bytes_max);
}

enum tls_result tls_handshake(struct tls *t, struct span *input)
{
    enum tls_result result;
    int rc;

    assert(!t->is_finished);
    if (t->failure)
        return TLS_FAILED;
    if (!t->ssl) {
        result = tls_read_hello(t, input);
        if (result != TLS_OK)
            return result;
    }
    if (!t->handshake_bytes && !t->context->is_server && !may_be_record(*input))
        return tls_fail(t, TLS_FAILURE_PROTOCOL, "peer does not speak TLS");
    t->input = *input;
    tls_hkdf_begin();
    tls_staple_begin(t);
    if (t->early)
        rc = tls_early_accept(t);
    else
        rc = t->context->is_server ? wolfSSL_accept(t->ssl) : wolfSSL_connect(t->ssl);
    tls_staple_end(t);
    tls_hkdf_end();
    *input = t->input;
    t->input = SPAN_NONE;
    if (rc == WOLFSSL_SUCCESS && !t->failure)
        return finish(t);
    result = tls_fail_as_wolfssl(t, rc);
    if (result == TLS_NEEDS_INPUT && t->handshake_bytes > HANDSHAKE_BYTES_MAX)
        return fail_too_long(t, HANDSHAKE_BYTES_MAX);
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
    t->is_opening = true;
    size = size_min(size, INT32_MAX);
    rc = t->early ? tls_early_open(t, out, size) : wolfSSL_read(t->ssl, out, (int)size);
    t->is_opening = false;
    *input = t->input;
    t->input = SPAN_NONE;
    if (rc > 0) {
        *len = (size_t)rc;
        t->opened_bytes += (size_t)rc;
        return TLS_OK;
    }
    if (t->early && t->handshake_bytes > EARLY_HANDSHAKE_BYTES_MAX)
        return fail_too_long(t, EARLY_HANDSHAKE_BYTES_MAX);
    return tls_fail_as_wolfssl(t, rc);
}

bool tls_is_early(const struct tls *t)
{
    return t->early == EARLY_TAKEN;
}

bool tls_has_opened_bytes(const struct tls *t)
{
    return t->is_finished && !t->failure && (t->hello_left.len || wolfSSL_pending(t->ssl) > 0);
}

size_t tls_record_bytes_max(const struct tls *t)
{
    return t->context->record_bytes_max;
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
