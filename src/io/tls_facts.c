/* tls_facts - a client's certificate, as variables show it.
 *
 * Kept as DER, and written out when somebody asks: most sessions are never asked. */
#include "tls_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <wolfssl/wolfcrypt/coding.h>
#include <wolfssl/wolfcrypt/sha.h>

#include "io/tls_dn.h"

#define NAME_BYTES_MAX 2048 /* of one distinguished name as text; what is longer is cut */
#define TIME_BYTES 32
#define FINGERPRINT_BYTES (2 * WC_SHA_DIGEST_SIZE)
#define PEM_LINE_BYTES 64

struct tls_client_facts *tls_facts_new(struct span der, enum tls_verdict verdict,
                                       const char *reason)
{
    struct tls_client_facts *f = malloc(sizeof(*f) + der.len);

    if (!f)
        return NULL;
    f->references = 1;
    f->verdict = verdict;
    (void)snprintf(f->reason, sizeof(f->reason), "%s", reason);
    f->der_len = der.len;
    memcpy(f->der, der.data, der.len);
    return f;
}

struct tls_client_facts *tls_facts_ref(struct tls_client_facts *f)
{
    f->references++;
    return f;
}

void tls_facts_free(struct tls_client_facts *f)
{
    if (f && --f->references == 0)
        free(f);
}

struct tls_client_facts *tls_known_facts(struct tls *t)
{
    return wolfSSL_session_reused(t->ssl) ? t->ticket_facts : t->facts;
}

void tls_set_ticket_facts(struct tls *t, struct tls_client_facts *f)
{
    tls_facts_free(t->ticket_facts);
    t->ticket_facts = f;
}

void tls_settle_facts(struct tls *t)
{
    if (wolfSSL_session_reused(t->ssl)) {
        tls_facts_free(t->facts);
        t->facts = t->ticket_facts;
        t->ticket_facts = NULL;
    }
    tls_set_ticket_facts(t, NULL);
}

/* --- as text --------------------------------------------------------------------------------- */

/* The texts stand one behind the other in text[]. */
struct tls_shown_certificate {
    struct tls_client_certificate shown;
    size_t len;
    char text[];
};

static struct span end_text(struct tls_shown_certificate *s, size_t len)
{
    struct span text = span_of(s->text + s->len, len);

    s->len += len;
    return text;
}

static struct span show_hex(struct tls_shown_certificate *s, struct span bytes, const char *format)
{
    char *at = s->text + s->len;

    for (size_t i = 0; i < bytes.len; i++)
        at += sprintf(at, format, (unsigned)(unsigned char)bytes.data[i]);
    return end_text(s, 2 * bytes.len);
}

static struct span show_serial(struct tls_shown_certificate *s, struct span serial)
{
    /* DER puts a zero before a number whose first bit is set. */
    if (serial.len > 1 && serial.data[0] == 0)
        serial = span_skip(serial, 1);
    return show_hex(s, serial, "%02X");
}

static struct span show_fingerprint(struct tls_shown_certificate *s, struct span der)
{
    unsigned char digest[WC_SHA_DIGEST_SIZE];

    if (wc_ShaHash((const byte *)der.data, (word32)der.len, digest) != 0)
        return SPAN_NONE;
    return show_hex(s, span_of((const char *)digest, sizeof(digest)), "%02x");
}

/* As ASN1_TIME_print() does: "Nov  5 22:00:00 2026 GMT". */
static struct span show_time(struct tls_shown_certificate *s, int64_t unix_s)
{
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = unix_s;
    struct tm tm;
    int n;

    if (!gmtime_r(&seconds, &tm))
        return SPAN_NONE;
    n = snprintf(s->text + s->len, TIME_BYTES, "%s %2d %02d:%02d:%02d %d GMT", months[tm.tm_mon],
                 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, tm.tm_year + 1900);
    return end_text(s, size_min((size_t)n, TIME_BYTES - 1));
}

static size_t pem_bytes_max(size_t der_len)
{
    size_t base64 = (der_len + 2) / 3 * 4;

    return base64 + base64 / PEM_LINE_BYTES + 80;
}

static struct span show_pem(struct tls_shown_certificate *s, struct span der)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----\n";
    static const char end[] = "-----END CERTIFICATE-----\n";
    char *at = s->text + s->len;
    word32 len = (word32)pem_bytes_max(der.len);

    memcpy(at, begin, sizeof(begin) - 1);
    if (Base64_Encode((const byte *)der.data, (word32)der.len, (byte *)at + sizeof(begin) - 1,
                      &len) != 0)
        return SPAN_NONE;
    len += sizeof(begin) - 1;
    memcpy(at + len, end, sizeof(end) - 1);
    return end_text(s, len + sizeof(end) - 1);
}

static struct span show_name(struct tls_shown_certificate *s, struct span name,
                             size_t (*format)(struct span, char *, size_t))
{
    return end_text(s, format(name, s->text + s->len, NAME_BYTES_MAX));
}

static void show_all(struct tls_shown_certificate *s, const struct x509_certificate *c)
{
    struct tls_client_certificate *out = &s->shown;

    out->subject_dn = show_name(s, c->subject, tls_dn_format);
    out->issuer_dn = show_name(s, c->issuer, tls_dn_format);
    out->subject_dn_legacy = show_name(s, c->subject, tls_dn_format_legacy);
    out->issuer_dn_legacy = show_name(s, c->issuer, tls_dn_format_legacy);
    out->serial = show_serial(s, c->serial);
    out->fingerprint = show_fingerprint(s, c->der);
    out->not_before = show_time(s, c->not_before_s);
    out->not_after = show_time(s, c->not_after_s);
    out->not_after_unix_s = c->not_after_s;
    out->pem = show_pem(s, c->der);
}

static enum tls_client_verdict verdict_of(const struct tls *t)
{
    if (!t->facts)
        return t->context->verify_client == VERIFY_CLIENT_ON ? TLS_CLIENT_MISSING
                                                             : TLS_CLIENT_ACCEPTED;
    if (t->facts->verdict == VERDICT_GOOD)
        return TLS_CLIENT_ACCEPTED;
    return t->facts->verdict == VERDICT_UNKNOWN_CA &&
                   t->context->verify_client == VERIFY_CLIENT_OPTIONAL_NO_CA
               ? TLS_CLIENT_ACCEPTED
               : TLS_CLIENT_REFUSED;
}

static const char *show_verify(struct tls_shown_certificate *s, const struct tls_client_facts *f)
{
    char *at = s->text + s->len;

    if (f->verdict == VERDICT_GOOD)
        return "SUCCESS";
    s->len += (size_t)sprintf(at, "FAILED:%s", f->reason) + 1;
    return at;
}

/* A copy of just the size that is needed: sessions live long. */
static struct tls_shown_certificate *copy_shown(const struct tls_shown_certificate *from)
{
    struct tls_shown_certificate *to = malloc(sizeof(*to) + from->len);
    struct span *spans[] = {
        &to->shown.subject_dn,       &to->shown.issuer_dn, &to->shown.subject_dn_legacy,
        &to->shown.issuer_dn_legacy, &to->shown.serial,    &to->shown.fingerprint,
        &to->shown.not_before,       &to->shown.not_after, &to->shown.pem,
    };

    if (!to)
        return NULL;
    memcpy(to, from, sizeof(*to) + from->len);
    for (size_t i = 0; i < COUNT_OF(spans); i++) {
        if (spans[i]->data)
            spans[i]->data = to->text + (spans[i]->data - from->text);
    }
    if (to->shown.verify >= from->text && to->shown.verify < from->text + from->len)
        to->shown.verify = to->text + (to->shown.verify - from->text);
    return to;
}

static struct tls_shown_certificate *show(const struct tls *t)
{
    const struct tls_client_facts *f = t->facts;
    size_t size = 4 * NAME_BYTES_MAX + 2 * f->der_len + FINGERPRINT_BYTES + 2 * TIME_BYTES +
                  pem_bytes_max(f->der_len) + sizeof("FAILED:") + TLS_REASON_BYTES;
    struct tls_shown_certificate *roomy = malloc(sizeof(*roomy) + size), *shown;
    struct x509_certificate c;

    if (!roomy)
        return NULL;
    *roomy = (struct tls_shown_certificate){.shown.verdict = verdict_of(t)};
    if (x509_certificate_parse(span_of(f->der, f->der_len), &c))
        show_all(roomy, &c);
    roomy->shown.verify = show_verify(roomy, f);
    assert(roomy->len <= size);
    shown = copy_shown(roomy);
    free(roomy);
    return shown;
}

const struct tls_client_certificate *tls_client_certificate(struct tls *t)
{
    static const struct tls_client_certificate none = {.verify = "NONE"};
    static const struct tls_client_certificate missing = {.verdict = TLS_CLIENT_MISSING,
                                                          .verify = "NONE"};
    static const struct tls_client_certificate no_memory = {.verdict = TLS_CLIENT_REFUSED,
                                                            .verify = "FAILED:out of memory"};

    if (!t->facts)
        return verdict_of(t) == TLS_CLIENT_MISSING ? &missing : &none;
    if (!t->shown)
        t->shown = show(t);
    return t->shown ? &t->shown->shown : &no_memory;
}
