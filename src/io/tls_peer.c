/* tls_peer - wolfSSL's question whether the peer's certificates are good.
 *
 * A client's answer ends the handshake when it is no. A server's is always yes: what it found out
 * is recorded, and the HTTP layer answers a client whose certificate is bad. */
#include "tls_internal.h"

#include <time.h>

static_assert(TLS_CHAIN_MAX == MAX_CHAIN_DEPTH, "all that wolfSSL takes from a peer is looked at");

enum {
    ALERT_FATAL = 2,
    ALERT_BAD_CERTIFICATE = 42,
    ALERT_CERTIFICATE_REVOKED = 44,
    ALERT_CERTIFICATE_EXPIRED = 45,
    ALERT_UNKNOWN_CA = 48,
};

/* wolfSSL sends alerts of its own by this function, and has no public one that can. */
int SendAlert(WOLFSSL *ssl, int severity, int type);

static int alert_for(enum tls_verdict verdict)
{
    switch (verdict) {
    case VERDICT_UNKNOWN_CA:
        return ALERT_UNKNOWN_CA;
    case VERDICT_EXPIRED:
        return ALERT_CERTIFICATE_EXPIRED;
    case VERDICT_REVOKED:
        return ALERT_CERTIFICATE_REVOKED;
    default:
        return ALERT_BAD_CERTIFICATE;
    }
}

static size_t chain_of(const WOLFSSL_X509_STORE_CTX *store, struct span chain[TLS_CHAIN_MAX])
{
    size_t count = 0;

    for (; count < (size_t)store->totalCerts && count < TLS_CHAIN_MAX; count++)
        chain[count] =
            span_of((const char *)store->certs[count].buffer, store->certs[count].length);
    return count;
}

/* wolfSSL leaves out what is over MAX_CHAIN_DEPTH, says so only here, and would go on to take the
 * bytes that are left for messages. */
static bool is_too_long(struct tls *t)
{
    return wolfSSL_get_verify_result(t->ssl) == WOLFSSL_X509_V_ERR_CERT_CHAIN_TOO_LONG;
}

static int refuse(struct tls *t, enum tls_verdict verdict, const char *reason)
{
    (void)SendAlert(t->ssl, ALERT_FATAL, alert_for(verdict));
    tls_fail(t, TLS_FAILURE_NOT_VERIFIED, "%s", reason);
    return 0;
}

static int accept_server(struct tls *t, const struct span *chain, size_t count)
{
    struct span names[TLS_EXPECTED_NAMES_MAX];
    char reason[TLS_REASON_BYTES];
    struct tls_proof proof = {
        .chain = chain,
        .chain_count = count,
        .purpose = PURPOSE_SERVER,
        .depth_max = t->context->verify_depth,
        .now_s = time(NULL),
        .names = names,
        .name_count = t->expected->name_count,
    };
    enum tls_verdict verdict;

    for (size_t i = 0; i < proof.name_count; i++)
        names[i] = t->expected->names[i].text;
    verdict = tls_verify(t->context->trust, &proof, reason);
    t->is_verified = verdict == VERDICT_GOOD;
    return t->is_verified ? 1 : refuse(t, verdict, reason);
}

static int record_client(struct tls *t, const struct span *chain, size_t count)
{
    char reason[TLS_REASON_BYTES];
    const struct tls_proof proof = {
        .chain = chain,
        .chain_count = count,
        .purpose = PURPOSE_CLIENT,
        .depth_max = t->context->verify_depth,
        .now_s = time(NULL),
    };
    enum tls_verdict verdict = tls_verify(t->context->trust, &proof, reason);

    tls_facts_free(t->facts);
    t->facts = tls_facts_new(chain[0], verdict, reason);
    if (!t->facts)
        tls_fail(t, TLS_FAILURE_MEMORY, "no memory for a client certificate");
    return t->facts != NULL;
}

int tls_on_certificate(int is_good, WOLFSSL_X509_STORE_CTX *store)
{
    struct tls *t = store->userCtx;
    struct span chain[TLS_CHAIN_MAX];
    size_t count;

    /* Its own opinion of intermediate certificates does not count. */
    (void)is_good;
    if (is_too_long(t))
        return refuse(t, VERDICT_BAD, "certificate chain too long");
    if (store->error_depth > 0)
        return 1;
    count = chain_of(store, chain);
    if (!count)
        return t->context->is_server; /* a client may have none */
    if (!t->context->is_server)
        return accept_server(t, chain, count);
    /* wolfSSL takes intermediates into its store of trusted ones, for good and for all. */
    (void)wolfSSL_CertManagerUnloadIntermediateCerts(
        wolfSSL_CTX_GetCertManager(wolfSSL_get_SSL_CTX(t->ssl)));
    return record_client(t, chain, count);
}
