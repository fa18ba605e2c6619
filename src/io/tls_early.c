/* tls_early - a server that reads a request before its client's Finished (RFC 8446 section 2.3).
 *
 * wolfSSL leaves the handshake behind our own Finished, when early data was offered, also where it
 * was not taken; it would give out what is sealed with a key of the handshake as data, or drop it
 * where no early data was announced; and bytes that it opened and nobody read lie in a buffer that
 * its next record may move. So it gets one record per call here, and is looked at behind each.
 *
 * Whether early data is taken is decided when its ticket is opened (tls_sealer.c). A client whose
 * early data is not taken sends it again: what cannot be opened is skipped. */
#include "tls_internal.h"

#include <wolfssl/internal.h> /* the state of early data */
#include <wolfssl/version.h>

/* No interface of wolfSSL's is promised here: what it does with its state was read. */
#if LIBWOLFSSL_VERSION_HEX != 0x05007002
#error "another wolfSSL than 5.7.2: see whether its early data still is as tls_early.c takes it"
#endif

/* As much is skipped, in records: more than a ticket of ours ever allowed. */
#define SKIPPED_BYTES_MAX (64 * 1024)

/* wolfSSL would take the data before it asks for another key, and cannot go back. */
static bool shares_group(const struct tls *t, const struct tls_hello *hello)
{
    struct span shares = hello->key_shares;
    uint16_t group;

    while (tls_hello_next_key_share(&shares, &group)) {
        for (int i = 0; i < t->ssl->numGroups; i++) {
            if (t->ssl->group[i] == group)
                return true;
        }
    }
    return false;
}

void tls_early_begin(struct tls *t, const struct tls_hello *hello)
{
    t->early = hello->sends_early ? EARLY_REJECTED : EARLY_UNANNOUNCED;
    t->ssl->options.maxEarlyDataSz = SKIPPED_BYTES_MAX;
    if (!hello->sends_early || !t->context->early_bytes_max || !shares_group(t, hello))
        return;
    t->early = EARLY_OFFERED;
    t->ssl->earlyData = expecting_early_data;
}

/* As if there were no such extension, but for what is to be skipped. */
static void reject(struct tls *t)
{
    TLSX_Remove(&t->ssl->extensions, TLSX_EARLY_DATA, t->ssl->heap);
    t->ssl->earlyData = early_data_ext;
    t->ssl->options.maxEarlyDataSz = SKIPPED_BYTES_MAX;
    t->early = EARLY_REJECTED;
}

uint32_t tls_early_decide(struct tls *t, bool is_good)
{
    if (is_good)
        return t->context->early_bytes_max;
    if (t->early == EARLY_OFFERED)
        reject(t);
    return SKIPPED_BYTES_MAX;
}

uint32_t tls_early_promise(struct tls *t, bool allows)
{
    t->ssl->options.maxEarlyDataSz = allows ? t->context->early_bytes_max : 0;
    return t->ssl->options.maxEarlyDataSz;
}

size_t tls_early_read(struct tls *t, struct span from, size_t n)
{
    struct tls_record_end *end = &t->record_end;
    size_t header_left = sizeof(end->header) - end->header_len;

    if (end->is_reached || !n)
        return 0;
    n = size_min(n, header_left ? header_left : end->body_left);
    if (header_left) {
        memcpy(end->header + end->header_len, from.data, n);
        end->header_len += (unsigned char)n;
        if (n < header_left)
            return n;
        end->body_left = (uint32_t)(end->header[3] << 8 | end->header[4]);
    } else {
        end->body_left -= (uint32_t)n;
    }
    if (!end->body_left) {
        end->is_reached = true;
        end->header_len = 0;
    }
    return n;
}

static int fail(struct tls *t, int alert, const char *why)
{
    (void)SendAlert(t->ssl, alert_fatal, alert);
    tls_fail(t, TLS_FAILURE_PROTOCOL, "%s", why);
    return WOLFSSL_FATAL_ERROR;
}

static bool wants_read(const struct tls *t, int rc)
{
    return wolfSSL_get_error(t->ssl, rc) == WOLFSSL_ERROR_WANT_READ;
}

static bool waits_for_record(const struct tls *t, int rc)
{
    return wants_read(t, rc) && t->record_end.is_reached;
}

/* NULL: a client may do so. */
static const char *find_misdeed(const struct tls *t)
{
    const WOLFSSL *ssl = t->ssl;
    bool is_data = t->record_end.is_reached && ssl->curRL.type == application_data;

    /* It gives out what is sealed with a key of the handshake, or drops it. */
    if (ssl->buffers.clearOutputBuffer.length || (t->early == EARLY_UNANNOUNCED && is_data))
        return "data within the handshake";
    if (t->early == EARLY_UNANNOUNCED && ssl->earlyData != no_early_data)
        return "early data announced in a second ClientHello";
    if (t->early != EARLY_OFFERED && ssl->msgsReceived.got_end_of_early_data)
        return "end of early data that was not taken";
    return NULL;
}

/* What became of the offer. */
static int look(struct tls *t, int rc)
{
    WOLFSSL *ssl = t->ssl;
    bool is_retried = ssl->options.serverState == SERVER_HELLO_RETRY_REQUEST_COMPLETE;
    const char *misdeed = find_misdeed(t);

    if (t->failure || (rc != WOLFSSL_SUCCESS && !wants_read(t, rc)))
        return rc;
    if (misdeed)
        return fail(t, unexpected_message, misdeed);
    if (t->early != EARLY_OFFERED)
        return rc;
    if (ssl->earlyData == process_early_data && is_retried)
        return fail(t, illegal_parameter, "early data before a retried ClientHello");
    if (ssl->earlyData == process_early_data && rc == WOLFSSL_SUCCESS)
        t->early = EARLY_TAKEN;
    else if (rc == WOLFSSL_SUCCESS || is_retried)
        reject(t);
    return rc;
}

int tls_early_accept(struct tls *t)
{
    int rc;

    for (;;) {
        t->record_end.is_reached = false;
        rc = look(t, wolfSSL_accept(t->ssl));
        if (t->failure || t->early == EARLY_TAKEN)
            return rc;
        if (t->ssl->options.handShakeState == HANDSHAKE_DONE) {
            if (rc == WOLFSSL_SUCCESS)
                t->early = EARLY_NONE;
            return rc;
        }
        if (rc != WOLFSSL_SUCCESS && !waits_for_record(t, rc))
            return rc;
    }
}

/* The client's Finished is there. */
static int finish(struct tls *t, char *out, size_t size)
{
    int rc;

    t->ssl->error = 0; /* it said that early data is at its end, as if the stream were */
    rc = wolfSSL_accept(t->ssl);
    if (rc != WOLFSSL_SUCCESS)
        return rc;
    t->early = EARLY_NONE;
    return wolfSSL_read(t->ssl, out, (int)size);
}

int tls_early_open(struct tls *t, char *out, size_t size)
{
    WOLFSSL *ssl = t->ssl;
    word32 counted;
    int rc;

    do {
        t->record_end.is_reached = false;
        counted = ssl->earlyDataSz;
        rc = wolfSSL_read(ssl, out, (int)size);
        if (rc > 0 && ssl->earlyData == process_early_data)
            return rc;
        if (rc > 0 || ssl->buffers.clearOutputBuffer.length)
            return fail(t, unexpected_message, "data between early data and Finished");
        /* wolfSSL skips what it cannot open, whether early data was taken or not. */
        if (!t->failure && ssl->earlyDataSz > counted)
            return fail(t, bad_record_mac, "bad record");
        if (!t->failure && ssl->options.handShakeState == HANDSHAKE_DONE)
            return finish(t, out, size);
    } while (!t->failure && waits_for_record(t, rc));
    return rc;
}
