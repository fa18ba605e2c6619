/* tls_staple - OCSP responses that our servers send with their certificates (RFC 6066 section 8,
 * RFC 8446 section 4.4.2.1).
 *
 * A response is put by one thread and copied by the workers' handshakes, under a lock that only
 * those take whose clients ask for it. wolfSSL would fetch and check responses itself, within the
 * handshake. What we send was looked at before, so it is given to wolfSSL where that keeps what it
 * has fetched: for TLS 1.3 at the session, for TLS 1.2 in the list of its certificate manager. */
#include "tls_internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <wolfssl/internal.h> /* where it keeps them */

struct tls_staple {
    pthread_mutex_t lock;
    char *der; /* NULL: none */
    size_t len;
    int64_t expires_s;
    uint64_t version; /* counts what was put */
};

/* --- what is shared -------------------------------------------------------------------------- */

struct tls_staple *tls_staple_new(void)
{
    struct tls_staple *s = calloc(1, sizeof(*s));

    if (s)
        (void)pthread_mutex_init(&s->lock, NULL);
    return s;
}

void tls_staple_free(struct tls_staple *s)
{
    if (!s)
        return;
    (void)pthread_mutex_destroy(&s->lock);
    free(s->der);
    free(s);
}

int tls_staple_put(struct tls_staple *s, struct span der, int64_t expires_s)
{
    char *copy = malloc(der.len + 1), *old;

    assert(der.len <= TLS_STAPLE_BYTES_MAX);
    if (!copy)
        return -ENOMEM;
    if (der.len)
        memcpy(copy, der.data, der.len);
    (void)pthread_mutex_lock(&s->lock);
    old = s->der;
    s->der = copy;
    s->len = der.len;
    s->expires_s = expires_s;
    s->version++;
    (void)pthread_mutex_unlock(&s->lock);
    free(old);
    return 0;
}

size_t tls_staple_copy(struct tls_staple *s, char out[TLS_STAPLE_BYTES_MAX])
{
    size_t len;

    (void)pthread_mutex_lock(&s->lock);
    len = s->len;
    if (len)
        memcpy(out, s->der, len);
    (void)pthread_mutex_unlock(&s->lock);
    return len;
}

/* Under the lock. */
static bool is_good(const struct tls_staple *s)
{
    return s->len && time(NULL) < s->expires_s;
}

/* --- TLS 1.3 --------------------------------------------------------------------------------- */

/* As TLSX_CSR_Parse() of wolfSSL's tls.c leaves it. */
static int staple_session(struct tls *t, const struct tls_staple *s)
{
    WOLFSSL *ssl = t->ssl;
    CertificateStatusRequest *csr;
    TLSX *extension;
    byte *copy = XMALLOC(s->len, ssl->heap, DYNAMIC_TYPE_TMP_BUFFER);

    if (!copy)
        return -ENOMEM;
    memcpy(copy, s->der, s->len);
    if (TLSX_UseCertificateStatusRequest(&ssl->extensions, WOLFSSL_CSR_OCSP, 0, ssl, ssl->heap,
                                         ssl->devId) != WOLFSSL_SUCCESS) {
        XFREE(copy, ssl->heap, DYNAMIC_TYPE_TMP_BUFFER);
        return -ENOMEM;
    }
    extension = TLSX_Find(ssl->extensions, TLSX_STATUS_REQUEST);
    assert(extension);
    csr = extension->data;
    csr->response.buffer = copy;
    csr->response.length = (word32)s->len;
    extension->resp = 1;
    ssl->status_request = WOLFSSL_CSR_OCSP;
    return 0;
}

/* --- TLS 1.2 --------------------------------------------------------------------------------- */

/* What a context's list has: one entry with one status, found by a request that is ours too. They
 * need no real names, as nothing else is ever looked up. */
static int make_entry(WOLFSSL_CTX *ctx)
{
    static const char begin[] = "20000101000000Z", end[] = "99991231235959Z";
    WOLFSSL_OCSP *ocsp = ctx->cm->ocsp_stapling;
    OcspRequest *request = XMALLOC(sizeof(*request), ctx->heap, DYNAMIC_TYPE_OCSP_REQUEST);
    OcspEntry *entry = XMALLOC(sizeof(*entry), ctx->cm->heap, DYNAMIC_TYPE_OCSP_ENTRY);
    CertStatus *status = XMALLOC(sizeof(*status), ctx->cm->heap, DYNAMIC_TYPE_OCSP_STATUS);
    byte *serial = XMALLOC(1, ctx->heap, DYNAMIC_TYPE_OCSP_REQUEST);

    if (!request || !entry || !status || !serial) {
        XFREE(request, ctx->heap, DYNAMIC_TYPE_OCSP_REQUEST);
        XFREE(entry, ctx->cm->heap, DYNAMIC_TYPE_OCSP_ENTRY);
        XFREE(status, ctx->cm->heap, DYNAMIC_TYPE_OCSP_STATUS);
        XFREE(serial, ctx->heap, DYNAMIC_TYPE_OCSP_REQUEST);
        return -ENOMEM;
    }
    *serial = 1;
    *request = (OcspRequest){.serial = serial, .serialSz = 1, .heap = ctx->heap};
    *status = (CertStatus){.serial = {1}, .serialSz = 1, .status = CERT_GOOD};
    memcpy(status->thisDate, begin, sizeof(begin));
    memcpy(status->nextDate, end, sizeof(end));
    status->thisDateFormat = status->nextDateFormat = ASN_GENERALIZED_TIME;
    *entry = (OcspEntry){.status = status, .totalStatus = 1, .ownStatus = 1, .isDynamic = 1};
    entry->next = ocsp->ocspList;
    ocsp->ocspList = entry;
    assert(!ctx->certOcspRequest);
    ctx->certOcspRequest = request;
    return 0;
}

static int staple_context(struct tls_member *m, const struct tls_staple *s)
{
    WOLFSSL_CTX *ctx = m->ctx;
    CertStatus *status;
    byte *copy;

    if (m->staple_version == s->version)
        return 0;
    if (!ctx->cm->ocsp_stapling) {
        if (wolfSSL_CTX_EnableOCSPStapling(ctx) != WOLFSSL_SUCCESS)
            return -ENOMEM;
        (void)wolfSSL_CTX_DisableOCSPStapling(ctx);
    }
    if (!ctx->certOcspRequest && make_entry(ctx))
        return -ENOMEM;
    copy = XMALLOC(s->len, ctx->cm->heap, DYNAMIC_TYPE_OCSP_STATUS);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, s->der, s->len);
    status = ctx->cm->ocsp_stapling->ocspList->status;
    XFREE(status->rawOcspResponse, ctx->cm->heap, DYNAMIC_TYPE_OCSP_STATUS);
    status->rawOcspResponse = copy;
    status->rawOcspResponseSz = (word32)s->len;
    m->staple_version = s->version;
    return 0;
}

/* --- handshakes ------------------------------------------------------------------------------ */

/* Without memory none is sent, as without a response: a client that insists says so. */
void tls_staple_attach(struct tls *t, struct tls_member *m, bool is_tls13)
{
    struct tls_staple *s = m->staple;

    (void)pthread_mutex_lock(&s->lock);
    if (is_good(s)) {
        if (is_tls13)
            (void)staple_session(t, s);
        else
            t->is_stapling = staple_context(m, s) == 0;
    }
    (void)pthread_mutex_unlock(&s->lock);
}

/* Only for as long as a session of TLS 1.2 needs it: in one of TLS 1.3 wolfSSL would verify our own
 * certificate, and look for a response by what that says. */
void tls_staple_begin(struct tls *t)
{
    if (t->is_stapling)
        (void)wolfSSL_CTX_EnableOCSPStapling(wolfSSL_get_SSL_CTX(t->ssl));
}

void tls_staple_end(struct tls *t)
{
    if (t->is_stapling)
        (void)wolfSSL_CTX_DisableOCSPStapling(wolfSSL_get_SSL_CTX(t->ssl));
}
