/* tls_reason - why a session failed, in the words that an operator searches for. */
#include "tls_internal.h"

#include <string.h>

struct word {
    int code;
    const char *text;
};

/* RFC 8446 section 6 and the registry of IANA. */
static const struct word alerts[] = {
    {0, "close_notify"},
    {10, "unexpected_message"},
    {20, "bad_record_mac"},
    {21, "decryption_failed"},
    {22, "record_overflow"},
    {40, "handshake_failure"},
    {42, "bad_certificate"},
    {43, "unsupported_certificate"},
    {44, "certificate_revoked"},
    {45, "certificate_expired"},
    {46, "certificate_unknown"},
    {47, "illegal_parameter"},
    {48, "unknown_ca"},
    {49, "access_denied"},
    {50, "decode_error"},
    {51, "decrypt_error"},
    {70, "protocol_version"},
    {71, "insufficient_security"},
    {80, "internal_error"},
    {86, "inappropriate_fallback"},
    {90, "user_canceled"},
    {100, "no_renegotiation"},
    {109, "missing_extension"},
    {110, "unsupported_extension"},
    {112, "unrecognized_name"},
    {113, "bad_certificate_status_response"},
    {116, "certificate_required"},
    {120, "no_application_protocol"},
};

/* What wolfSSL's own words leave unclear. */
static const struct word errors[] = {
    {VERSION_ERROR, "unsupported TLS version"},
    {MATCH_SUITE_ERROR, "no cipher suite in common"},
    {UNSUPPORTED_SUITE, "no cipher suite in common"},
    {UNKNOWN_RECORD_TYPE, "peer does not speak TLS"},
    {LENGTH_ERROR, "record is too long"},
    {DH_KEY_SIZE_E, "DH key is too small"},
    {VERIFY_MAC_ERROR, "record does not decrypt"},
    {DECRYPT_ERROR, "record does not decrypt"},
    {AES_GCM_AUTH_E, "record does not decrypt"},
    {MAC_CMP_FAILED_E, "record does not decrypt"},
    {ALERT_COUNT_E, "peer sends one warning alert after another"},
    {VERIFY_FINISHED_ERROR, "Finished message does not verify"},
    {VERIFY_SIGN_ERROR, "peer's signature of the handshake is bad"},
    {SIG_VERIFY_E, "peer's signature of the handshake is bad"},
    {OUT_OF_ORDER_E, "unexpected handshake message"},
    {SANITY_MSG_E, "unexpected handshake message"},
    {DUPLICATE_MSG_E, "handshake message sent twice"},
    {SECURE_RENEGOTIATION_E, "peer asks for renegotiation"},
    {NO_PEER_CERT, "peer sent no certificate"},
};

static const char *find(const struct word *table, size_t count, int code)
{
    for (size_t i = 0; i < count; i++) {
        if (table[i].code == code)
            return table[i].text;
    }
    return NULL;
}

static enum tls_result fail_by_alert(struct tls *t)
{
    WOLFSSL_ALERT_HISTORY history = {{0}, {0}};
    const char *name;

    (void)wolfSSL_get_alert_history(t->ssl, &history);
    name = find(alerts, COUNT_OF(alerts), history.last_rx.code);
    if (name)
        return tls_fail(t, TLS_FAILURE_PROTOCOL, "peer sent alert %s", name);
    return tls_fail(t, TLS_FAILURE_PROTOCOL, "peer sent alert %d", history.last_rx.code);
}

/* wolfSSL's parser gave up before our callback was asked. */
static bool is_about_certificate(int error)
{
    return (error <= ASN_PARSE_E && error >= ASN_NO_PEM_HEADER) || error == PEER_KEY_ERROR;
}

enum tls_result tls_fail_as_wolfssl(struct tls *t, int rc)
{
    int error = wolfSSL_get_error(t->ssl, rc);
    const char *text;

    if (t->failure)
        return TLS_FAILED;
    if (error == WOLFSSL_ERROR_WANT_READ)
        return TLS_NEEDS_INPUT;
    if (error == WOLFSSL_ERROR_ZERO_RETURN) {
        t->has_ended = true;
        return TLS_END;
    }
    if (error == FATAL_ERROR)
        return fail_by_alert(t);
    if (is_about_certificate(error))
        return tls_fail(t, TLS_FAILURE_NOT_VERIFIED, "certificate cannot be read: %s",
                        wolfSSL_ERR_reason_error_string((unsigned long)error));
    if (error == MAX_CHAIN_ERROR)
        return tls_fail(t, TLS_FAILURE_NOT_VERIFIED, "certificate chain too long");
    if (error == MEMORY_E || error == MEMORY_ERROR)
        return tls_fail(t, TLS_FAILURE_MEMORY, "no memory for TLS");
    if (error == DUPLICATE_MSG_E && t->is_finished)
        error = SECURE_RENEGOTIATION_E;
    text = find(errors, COUNT_OF(errors), error);
    return tls_fail(t, TLS_FAILURE_PROTOCOL, "%s",
                    text ? text : wolfSSL_ERR_reason_error_string((unsigned long)error));
}
