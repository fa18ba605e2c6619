/* tls_accept - a server's first step: which of its contexts a client gets.
 *
 * The ClientHello is read here before wolfSSL sees it, and the wolfSSL session is made only then,
 * with the context, the certificate and the extensions that fit. wolfSSL can change the context
 * of a session later as well, but not all that depends on it: protocols, suites, and whether a
 * client certificate is asked for would stay those of the first one. */
#include "tls_internal.h"

#include <stdlib.h>
#include <string.h>

#define ALERT_DECODE_ERROR 50
#define ALERT_PROTOCOL_VERSION 70
#define ALERT_INTERNAL_ERROR 80
#define ALERT_UNRECOGNIZED_NAME 112
#define ALERT_NO_APPLICATION_PROTOCOL 120

#define PROTOCOL_HTTP11 SPAN("http/1.1") /* the only one that there is */
#define NO_MEMORY "no memory for a TLS session"

/* An alert before there is a wolfSSL session to send it. */
static void put_out_alert(struct tls *t, int description)
{
    const char record[] = {21, 3, 3, 0, 2, 2, (char)description};

    (void)t->output(t->owner, span_of(record, sizeof(record)));
}

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

/* What a key of a kind signs with, as it is named in a SubjectPublicKeyInfo. */
int tls_classify(struct tls_member *m, struct span certificate_pem)
{
    static const struct {
        struct span oid;
        uint16_t scheme;
    } kinds[] = {
        {{"\x2a\x86\x48\xce\x3d\x03\x01\x07", 8}, 0x0403}, /* ecdsa_secp256r1_sha256 */
        {{"\x2b\x81\x04\x00\x22", 5}, 0x0503},             /* ecdsa_secp384r1_sha384 */
        {{"\x2b\x81\x04\x00\x23", 5}, 0x0603},             /* ecdsa_secp521r1_sha512 */
        {{"\x2b\x65\x70", 3}, 0x0807},                     /* ed25519 */
        {{"\x2b\x65\x71", 3}, 0x0808},                     /* ed448 */
    };
    struct span key, algorithm = SPAN_NONE;
    struct tls_trust *t;
    char ignored[TLS_ERROR_BYTES];
    int rc =
        tls_trust_new(&(struct tls_trust_pem){.ca = certificate_pem}, &t, ignored, sizeof(ignored));

    if (rc)
        return rc == -ENOMEM ? rc : 0; /* one that only wolfSSL reads is taken as it is */
    key = t->anchors[0].certificate.key;
    if (der_take(&key, DER_SEQUENCE, &key))
        (void)der_take(&key, DER_SEQUENCE, &algorithm);
    for (size_t i = 0; i < COUNT_OF(kinds) && algorithm.len; i++) {
        if (memmem(algorithm.data, algorithm.len, kinds[i].oid.data, kinds[i].oid.len))
            m->signature_scheme = kinds[i].scheme;
    }
    tls_trust_free(t);
    return 0;
}

/* In TLS 1.2 a suite says who may sign: these are for all keys on curves. */
static bool shares_curve_suite(const struct tls_context *c, struct span offered)
{
    for (size_t i = 0; i < c->suites.count; i++) {
        const struct tls_suite *s = c->suites.rows[i];

        if (!s->is_tls13 && strstr(s->openssl_name, "ECDSA") &&
            tls_hello_has_number(offered, s->id))
            return true;
    }
    return false;
}

static bool will_be_tls13(const struct tls_context *c, const struct tls_hello *hello)
{
    return hello->offers_tls13 && (c->protocols & TLS_PROTOCOL_1_3);
}

/* The first certificate on a curve whose signatures the client can verify, then RSA, then any. */
static struct tls_member *choose_member(struct tls_context *c, const struct tls_hello *hello)
{
    bool may_be_curve = will_be_tls13(c, hello) || shares_curve_suite(c, hello->suites);

    for (size_t i = 0; i < c->member_count && may_be_curve; i++) {
        struct tls_member *m = &c->members[i];

        if (m->signature_scheme &&
            tls_hello_has_number(hello->signature_schemes, m->signature_scheme))
            return m;
    }
    for (size_t i = 0; i < c->member_count; i++) {
        if (!c->members[i].signature_scheme)
            return &c->members[i];
    }
    return &c->members[0];
}

/* What wolfSSL answers to the client's extensions. */
static int set_up_server(struct tls *t, const struct tls_hello *hello)
{
    struct span name = hello->server_name, http = PROTOCOL_HTTP11;
    struct tls_member *m = choose_member(t->context, hello);
    int rc = tls_attach(t, m->ctx);

    if (rc)
        return rc;
    if (will_be_tls13(t->context, hello))
        tls_early_begin(t, hello);
    t->has_alpn = hello->has_alpn;
    if (hello->asks_status && m->staple)
        tls_staple_attach(t, m, will_be_tls13(t->context, hello));
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

static bool shares_version(const struct tls_context *c, const struct tls_hello *hello)
{
    return (hello->offers_tls12 && (c->protocols & TLS_PROTOCOL_1_2)) ||
           (hello->offers_tls13 && (c->protocols & TLS_PROTOCOL_1_3));
}

static enum tls_result start_server(struct tls *t, const struct tls_hello *hello)
{
    struct tls_context *chosen;

    if (hello->has_server_name && keep_server_name(t, hello->server_name))
        return tls_fail(t, TLS_FAILURE_MEMORY, NO_MEMORY);
    chosen = select_context(t, hello->server_name);
    if (!chosen) {
        put_out_alert(t, ALERT_INTERNAL_ERROR);
        return tls_fail(t, TLS_FAILURE_PROTOCOL, "no certificate for this handshake");
    }
    t->context = chosen;
    if (chosen->rejects_handshakes) {
        put_out_alert(t, ALERT_UNRECOGNIZED_NAME);
        return tls_fail(t, TLS_FAILURE_PROTOCOL, "handshake rejected");
    }
    if (!shares_version(chosen, hello)) {
        put_out_alert(t, ALERT_PROTOCOL_VERSION);
        return tls_fail(t, TLS_FAILURE_PROTOCOL, "unsupported TLS version");
    }
    if (hello->has_alpn && !tls_hello_offers_protocol(hello, PROTOCOL_HTTP11)) {
        put_out_alert(t, ALERT_NO_APPLICATION_PROTOCOL);
        return tls_fail(t, TLS_FAILURE_PROTOCOL, "the client does not offer http/1.1 by ALPN");
    }
    if (set_up_server(t, hello)) {
        put_out_alert(t, ALERT_INTERNAL_ERROR);
        return tls_fail(t, TLS_FAILURE_MEMORY, NO_MEMORY);
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
        return tls_fail(t, TLS_FAILURE_MEMORY, NO_MEMORY);
    t->hello_left = span_of(t->hello->bytes, t->hello->len);
    return TLS_NEEDS_INPUT;
}

static enum tls_result refuse_hello(struct tls *t, enum tls_hello_result why)
{
    if (why == HELLO_IS_PLAIN_TEXT)
        return tls_fail(t, TLS_FAILURE_PLAIN_HTTP, "client sent plain HTTP request to HTTPS port");
    if (why == HELLO_NO_MEMORY)
        return tls_fail(t, TLS_FAILURE_MEMORY, NO_MEMORY);
    put_out_alert(t, ALERT_DECODE_ERROR);
    return tls_fail(t, TLS_FAILURE_PROTOCOL, "client did not send a TLS ClientHello");
}

/* Reads the ClientHello and makes the wolfSSL session out of what it asks for. TLS_OK: it is
 * there, and wolfSSL goes on from the first byte. */
enum tls_result tls_read_hello(struct tls *t, struct span *input)
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

struct span tls_chosen_alpn(const struct tls *t)
{
    return t->has_alpn ? PROTOCOL_HTTP11 : SPAN_NONE;
}
