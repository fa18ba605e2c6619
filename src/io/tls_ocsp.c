/* tls_ocsp - the status of one of our own certificates, as a responder gives it (RFC 6960). */
#include "io/tls_ocsp.h"

#include "tls_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wolfssl/wolfcrypt/sha.h>
#include <wolfssl/wolfcrypt/sha256.h>

#define SKEW_S 300          /* clocks differ */
#define WITHOUT_END_S 3600  /* an answer that says no end is good for so long */
#define SERIAL_BYTES_MAX 32 /* RFC 5280 allows 20 */
#define DEPTH_MAX 100
#define RESPONSE_SUCCESSFUL 0

enum { STATUS_GOOD = DER_CONTEXT(0), STATUS_REVOKED = DER_CONTEXT_CONSTRUCTED(1) };

struct tls_ocsp {
    struct tls_trust *chain, *trusted; /* trusted: NULL without certificates */
    const struct x509_certificate *leaf, *issuer;
    bool verifies;
    struct tls_signature_memo memo;
};

/* AlgorithmIdentifiers of the hashes that a CertID is made with. */
static const struct span sha1 = {"\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00", 11};
static const struct span oid_sha1 = {"\x2b\x0e\x03\x02\x1a", 5};
static const struct span oid_sha256 = {"\x60\x86\x48\x01\x65\x03\x04\x02\x01", 9};
static const struct span oid_basic = {"\x2b\x06\x01\x05\x05\x07\x30\x01\x01", 9};
static const struct span oid_responder = {"\x2b\x06\x01\x05\x05\x07\x30\x01", 8};

/* --- making ---------------------------------------------------------------------------------- */

static const struct x509_certificate *find_issuer(struct tls_ocsp *o, const struct tls_trust *in)
{
    for (size_t i = 0; in && i < in->anchor_count; i++) {
        const struct x509_certificate *c = &in->anchors[i].certificate;

        if (span_equals(c->subject, o->leaf->issuer) &&
            tls_signature_check(&o->leaf->sealed, c->key, &o->memo) == SIGNATURE_GOOD)
            return c;
    }
    return NULL;
}

static int read_certificates(struct tls_ocsp *o, struct span chain_pem, struct span trusted_pem)
{
    char ignored[TLS_ERROR_BYTES];
    const struct tls_trust_pem chain = {.ca = chain_pem}, trusted = {.ca = trusted_pem};
    int rc = tls_trust_new(&chain, &o->chain, ignored, sizeof(ignored));

    if (!rc && trusted_pem.len)
        rc = tls_trust_new(&trusted, &o->trusted, ignored, sizeof(ignored));
    if (rc)
        return rc;
    o->leaf = &o->chain->anchors[0].certificate;
    o->issuer = find_issuer(o, o->chain);
    if (!o->issuer)
        o->issuer = find_issuer(o, o->trusted);
    return o->issuer && o->leaf->serial.len <= SERIAL_BYTES_MAX ? 0 : -EINVAL;
}

int tls_ocsp_new(struct span chain_pem, struct span trusted_pem, bool verifies,
                 struct tls_ocsp **out)
{
    struct tls_ocsp *o = calloc(1, sizeof(*o));
    int rc;

    if (!o)
        return -ENOMEM;
    o->verifies = verifies;
    rc = read_certificates(o, chain_pem, trusted_pem);
    if (rc) {
        tls_ocsp_free(o);
        return rc;
    }
    *out = o;
    return 0;
}

void tls_ocsp_free(struct tls_ocsp *o)
{
    if (!o)
        return;
    tls_trust_free(o->chain);
    tls_trust_free(o->trusted);
    free(o);
}

/* AuthorityInfoAccess: pairs of what is accessed and a GeneralName (RFC 5280 section 4.2.2.1). */
struct span tls_ocsp_url(const struct tls_ocsp *o)
{
    struct span value = o->leaf->authority_info, list, pair, method, url;

    if (!der_take(&value, DER_SEQUENCE, &list))
        return SPAN_NONE;
    while (der_take(&list, DER_SEQUENCE, &pair)) {
        if (der_take(&pair, DER_OID, &method) && span_equals(method, oid_responder) &&
            der_take(&pair, GENERAL_NAME_URI, &url))
            return url;
    }
    return SPAN_NONE;
}

/* --- asking ---------------------------------------------------------------------------------- */

static bool hash(bool is_sha256, struct span in, unsigned char out[WC_SHA256_DIGEST_SIZE])
{
    return is_sha256 ? wc_Sha256Hash((const byte *)in.data, (word32)in.len, out) == 0
                     : wc_ShaHash((const byte *)in.data, (word32)in.len, out) == 0;
}

/* The bits of the key alone, without what says of which kind it is. */
static struct span key_bits(const struct x509_certificate *c)
{
    struct span key = c->key, body, ignored, bits = SPAN_NONE;

    if (!der_take(&key, DER_SEQUENCE, &body) || !der_take(&body, DER_SEQUENCE, &ignored) ||
        !der_take(&body, DER_BIT_STRING, &bits))
        return SPAN_NONE;
    return span_skip(bits, size_min(1, bits.len));
}

/* Written from the end to the front, where lengths are known: all of them are below 128. */
struct writer {
    char *start, *at;
};

static void put(struct writer *w, struct span bytes)
{
    assert((size_t)(w->at - w->start) >= bytes.len);
    w->at -= bytes.len;
    memcpy(w->at, bytes.data, bytes.len);
}

static void wrap(struct writer *w, unsigned tag, const char *end)
{
    const char head[] = {(char)tag, (char)(end - w->at)};

    assert(end - w->at < 128);
    put(w, span_of(head, sizeof(head)));
}

static void put_item(struct writer *w, unsigned tag, struct span body)
{
    const char *end = w->at;

    put(w, body);
    wrap(w, tag, end);
}

size_t tls_ocsp_request(const struct tls_ocsp *o, char out[TLS_OCSP_REQUEST_BYTES])
{
    char buffer[TLS_OCSP_REQUEST_BYTES], *end = buffer + sizeof(buffer);
    unsigned char name[WC_SHA256_DIGEST_SIZE], key[WC_SHA256_DIGEST_SIZE];
    struct writer w = {buffer, end};
    bool is_hashed = hash(false, o->issuer->subject, name) && hash(false, key_bits(o->issuer), key);

    assert(is_hashed); /* in software it has no way to fail */
    put_item(&w, DER_INTEGER, o->leaf->serial);
    put_item(&w, DER_OCTET_STRING, span_of((const char *)key, WC_SHA_DIGEST_SIZE));
    put_item(&w, DER_OCTET_STRING, span_of((const char *)name, WC_SHA_DIGEST_SIZE));
    put(&w, sha1);
    for (int depth = 0; depth < 5; depth++) /* CertID, Request, the list, TBSRequest, the whole */
        wrap(&w, DER_SEQUENCE, end);
    memcpy(out, w.at, (size_t)(end - w.at));
    return (size_t)(end - w.at);
}

/* --- what an answer says --------------------------------------------------------------------- */

struct answer {
    struct x509_signed sealed;
    struct span responses;    /* SingleResponses, one behind the other */
    struct span certificates; /* that came with it */
};

PRINTF_LIKE(2, 3)
static bool refuse(char reason[TLS_REASON_BYTES], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(reason, TLS_REASON_BYTES, format, args);
    va_end(args);
    return false;
}

/* The bytes of a BasicOCSPResponse; empty, with the status of the answer, where there are none. */
static struct span open_answer(struct span der, unsigned *status)
{
    struct span body, number, wrapped, type, basic;

    *status = UINT_MAX;
    if (!der_take(&der, DER_SEQUENCE, &body) || der.len ||
        !der_take(&body, DER_ENUMERATED, &number) || !der_to_unsigned(number, status) ||
        *status != RESPONSE_SUCCESSFUL || !der_take(&body, DER_CONTEXT_CONSTRUCTED(0), &wrapped) ||
        !der_take(&wrapped, DER_SEQUENCE, &body) || !der_take(&body, DER_OID, &type) ||
        !span_equals(type, oid_basic) || !der_take(&body, DER_OCTET_STRING, &basic))
        return SPAN_NONE;
    return basic;
}

bool tls_ocsp_is_answer(struct span der)
{
    unsigned status;

    return open_answer(der, &status).len > 0;
}

static bool read_data(struct span data, struct answer *out)
{
    struct der_item responder, produced;
    struct span ignored;

    (void)der_take(&data, DER_CONTEXT_CONSTRUCTED(0), &ignored); /* the version */
    return der_next(&data, &responder) && der_next_is(&data, DER_GENERALIZED_TIME, &produced) &&
           der_take(&data, DER_SEQUENCE, &out->responses);
}

static bool read_basic(struct span basic, struct answer *out)
{
    struct der_item data, algorithm;
    struct span body, bits, wrapped;

    *out = (struct answer){.responses = SPAN_NONE};
    if (!der_take(&basic, DER_SEQUENCE, &body) || !der_next_is(&body, DER_SEQUENCE, &data) ||
        !der_next_is(&body, DER_SEQUENCE, &algorithm) || !der_take(&body, DER_BIT_STRING, &bits) ||
        bits.len < 2 || bits.data[0] != 0)
        return false;
    out->sealed = (struct x509_signed){data.whole, algorithm.whole, span_skip(bits, 1)};
    if (der_take(&body, DER_CONTEXT_CONSTRUCTED(0), &wrapped) &&
        !der_take(&wrapped, DER_SEQUENCE, &out->certificates))
        return false;
    return read_data(data.body, out);
}

/* --- who said it ----------------------------------------------------------------------------- */

static bool may_answer(struct tls_ocsp *o, const struct x509_certificate *c, int64_t now_s)
{
    return (c->purposes & PURPOSE_OCSP) && span_equals(c->issuer, o->issuer->subject) &&
           c->not_before_s <= now_s && now_s <= c->not_after_s &&
           tls_signature_check(&c->sealed, o->issuer->key, &o->memo) == SIGNATURE_GOOD;
}

/* The issuer, or somebody with a certificate for it from the issuer (section 4.2.2.2). */
static bool is_signed(struct tls_ocsp *o, const struct answer *a, int64_t now_s)
{
    struct span left = a->certificates;
    struct x509_certificate c;
    struct der_item item;

    if (tls_signature_check(&a->sealed, o->issuer->key, &o->memo) == SIGNATURE_GOOD)
        return true;
    for (int i = 0; i < TLS_CHAIN_MAX && der_next(&left, &item); i++) {
        if (x509_certificate_parse(item.whole, &c) && may_answer(o, &c, now_s) &&
            tls_signature_check(&a->sealed, c.key, &o->memo) == SIGNATURE_GOOD)
            return true;
    }
    return false;
}

/* ssl_stapling_verify: the certificate itself leads to one that is trusted. */
static bool is_trusted(struct tls_ocsp *o, int64_t now_s, char reason[TLS_REASON_BYTES])
{
    struct span chain[TLS_CHAIN_MAX];
    struct tls_proof proof = {
        .chain = chain,
        .purpose = PURPOSE_SERVER,
        .depth_max = DEPTH_MAX,
        .now_s = now_s,
    };

    if (!o->trusted)
        return refuse(reason, "there is no trusted certificate to verify with");
    for (size_t i = 0; i < o->chain->anchor_count && i < TLS_CHAIN_MAX; i++)
        chain[proof.chain_count++] = o->chain->anchors[i].certificate.der;
    return tls_verify(o->trusted, &proof, reason) == VERDICT_GOOD;
}

/* --- what it is about ------------------------------------------------------------------------ */

static bool has_hash(struct span body, bool is_sha256, struct span of)
{
    unsigned char digest[WC_SHA256_DIGEST_SIZE];
    size_t len = is_sha256 ? WC_SHA256_DIGEST_SIZE : WC_SHA_DIGEST_SIZE;

    return hash(is_sha256, of, digest) && span_equals(body, span_of((const char *)digest, len));
}

static bool is_about(const struct tls_ocsp *o, struct span id)
{
    struct span algorithm, oid, name, key, serial;
    bool is_sha256;

    if (!der_take(&id, DER_SEQUENCE, &algorithm) || !der_take(&algorithm, DER_OID, &oid) ||
        !der_take(&id, DER_OCTET_STRING, &name) || !der_take(&id, DER_OCTET_STRING, &key) ||
        !der_take(&id, DER_INTEGER, &serial))
        return false;
    is_sha256 = span_equals(oid, oid_sha256);
    return (is_sha256 || span_equals(oid, oid_sha1)) && span_equals(serial, o->leaf->serial) &&
           has_hash(name, is_sha256, o->issuer->subject) &&
           has_hash(key, is_sha256, key_bits(o->issuer));
}

static bool check_status(const struct der_item *status, char reason[TLS_REASON_BYTES])
{
    if (status->tag == STATUS_GOOD)
        return true;
    return refuse(reason, "the certificate is %s",
                  status->tag == STATUS_REVOKED ? "revoked" : "unknown to the responder");
}

static bool check_times(struct span left, int64_t now_s, int64_t *expires_s,
                        char reason[TLS_REASON_BYTES])
{
    struct der_item from, until;
    struct span wrapped;
    int64_t from_s;

    if (!der_next_is(&left, DER_GENERALIZED_TIME, &from) || !der_to_time(&from, &from_s))
        return refuse(reason, "the response cannot be read");
    *expires_s = now_s + WITHOUT_END_S;
    if (der_take(&left, DER_CONTEXT_CONSTRUCTED(0), &wrapped) &&
        (!der_next_is(&wrapped, DER_GENERALIZED_TIME, &until) || !der_to_time(&until, expires_s)))
        return refuse(reason, "the response cannot be read");
    if (from_s > now_s + SKEW_S)
        return refuse(reason, "the response is not yet valid");
    if (*expires_s <= now_s)
        return refuse(reason, "the response has expired");
    return true;
}

bool tls_ocsp_check(struct tls_ocsp *o, struct span der, int64_t now_s, int64_t *expires_s,
                    char reason[TLS_REASON_BYTES])
{
    struct span basic, single, id;
    struct der_item status_item;
    struct answer a;
    unsigned status;

    basic = open_answer(der, &status);
    if (status && status != UINT_MAX)
        return refuse(reason, "the responder answers with error %u", status);
    if (!basic.len || !read_basic(basic, &a))
        return refuse(reason, "the response cannot be read");
    if (!is_signed(o, &a, now_s))
        return refuse(reason, "the response is not signed by the certificate's issuer");
    while (der_take(&a.responses, DER_SEQUENCE, &single)) {
        if (!der_take(&single, DER_SEQUENCE, &id) || !is_about(o, id))
            continue;
        return der_next(&single, &status_item) && check_status(&status_item, reason) &&
               check_times(single, now_s, expires_s, reason) &&
               (!o->verifies || is_trusted(o, now_s, reason));
    }
    return refuse(reason, "the response is not about the certificate");
}
