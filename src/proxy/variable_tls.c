/* variable_tls - the values of $ssl_*: what the client's TLS session tells. */
#include "proxy/variable_tls.h"

#include <string.h>

#define SECONDS_PER_DAY 86400

/* The client's session, NULL without TLS or without a handshake that succeeded. */
static struct tls *session(const struct record *r)
{
    struct tls *t = r->client->conn->tls;
    const char *reason;

    return t && tls_failure(t, &reason) == TLS_FAILURE_NONE ? t : NULL;
}

static struct span unless_empty(struct span s)
{
    return s.len ? s : SPAN_NONE;
}

struct span tls_value_protocol(struct record *r, const struct value_key *key)
{
    struct tls *t = session(r);

    return t ? span_of_cstr(tls_protocol_name(t)) : SPAN_NONE;
}

struct span tls_value_cipher(struct record *r, const struct value_key *key)
{
    struct tls *t = session(r);

    return t ? span_of_cstr(tls_suite_name(t)) : SPAN_NONE;
}

/* "1" until the handshake is finished: what came so far may be a replay. */
struct span tls_value_early_data(struct record *r, const struct value_key *key)
{
    struct tls *t = session(r);

    return t && tls_is_early(t) ? SPAN("1") : SPAN_NONE;
}

struct span tls_value_curve(struct record *r, const struct value_key *key)
{
    struct tls *t = session(r);

    return t ? unless_empty(span_of_cstr(tls_curve_name(t))) : SPAN_NONE;
}

struct span tls_value_alpn_protocol(struct record *r, const struct value_key *key)
{
    struct tls *t = session(r);

    return t ? tls_chosen_alpn(t) : SPAN_NONE;
}

struct span tls_value_server_name(struct record *r, const struct value_key *key)
{
    struct tls *t = session(r);

    return t ? unless_empty(tls_server_name(t)) : SPAN_NONE;
}

struct span tls_value_session_id(struct record *r, const struct value_key *key)
{
    struct tls *t = session(r);
    struct span id = t ? tls_session_id(t) : SPAN_NONE;

    return id.len ? value_hex(r, id) : SPAN_NONE;
}

struct span tls_value_session_reused(struct record *r, const struct value_key *key)
{
    struct tls *t = session(r);

    if (!t)
        return SPAN_NONE;
    return tls_is_resumed(t) ? SPAN("r") : SPAN(".");
}

/* ---- the client's certificate ---- */

struct span tls_value_verify(struct record *r, const struct value_key *key)
{
    struct tls *t = session(r);

    return t ? span_of_cstr(tls_client_certificate(t)->verify) : SPAN_NONE;
}

struct span tls_value_certificate_span(struct record *r, const struct value_key *key)
{
    struct tls *t = session(r);

    if (!t)
        return SPAN_NONE;
    return unless_empty(
        *(const struct span *)((const char *)tls_client_certificate(t) + key->offset));
}

struct span tls_value_days_left(struct record *r, const struct value_key *key)
{
    struct tls *t = session(r);
    int64_t left_s;

    if (!t || !tls_client_certificate(t)->not_after.len)
        return SPAN_NONE;
    left_s = tls_client_certificate(t)->not_after_unix_s - engine_times(r->engine)->unix_ms / 1000;
    return left_s > 0 ? value_u64(r, (uint64_t)left_s / SECONDS_PER_DAY) : SPAN("0");
}

static struct span pem_of(const struct record *r)
{
    struct tls *t = session(r);

    return t ? tls_client_certificate(t)->pem : SPAN_NONE;
}

static size_t count_of(struct span s, char byte)
{
    size_t count = 0;

    for (size_t i = 0; i < s.len; i++)
        count += s.data[i] == byte;
    return count;
}

struct span tls_value_tabbed_pem(struct record *r, const struct value_key *key)
{
    struct span pem = pem_of(r);
    char *out;
    size_t n = 0;

    if (pem.len && pem.data[pem.len - 1] == '\n')
        pem.len--;
    if (!pem.len)
        return SPAN_NONE;
    out = value_alloc(r, pem.len + count_of(pem, '\n'));
    if (!out)
        return SPAN_NONE;
    for (size_t i = 0; i < pem.len; i++) {
        out[n++] = pem.data[i];
        if (pem.data[i] == '\n')
            out[n++] = '\t';
    }
    return span_of(out, n);
}

/* RFC 3986 section 2.3. */
static bool is_unreserved(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c && strchr("-._~", c));
}

struct span tls_value_escaped_pem(struct record *r, const struct value_key *key)
{
    static const char hex[] = "0123456789ABCDEF";
    struct span pem = pem_of(r);
    char *out = pem.len ? value_alloc(r, pem.len * 3) : NULL;
    size_t n = 0;

    if (!out)
        return SPAN_NONE;
    for (size_t i = 0; i < pem.len; i++) {
        unsigned char c = (unsigned char)pem.data[i];

        if (is_unreserved(pem.data[i])) {
            out[n++] = pem.data[i];
            continue;
        }
        out[n++] = '%';
        out[n++] = hex[c >> 4];
        out[n++] = hex[c & 15];
    }
    return span_of(out, n);
}
