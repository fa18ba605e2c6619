/* tls_verify - who the peer is: its certificate chain against trusted ones.
 *
 * First a path is built from the leaf to a trusted certificate, with signatures that are good;
 * then everything on it is checked. The path goes on from one trusted certificate to another as
 * long as there is an issuer, so that a revoked or expired one is noticed wherever it stands. */
#include "io/tls_verify.h"

#include <stdarg.h>
#include <stdio.h>

#include "io/tls_name.h"

#define PATH_MAX_CERTIFICATES 16
#define SIGNATURES_MAX 32 /* looked at for one chain: a hostile one branches */

struct search {
    struct tls_trust *trust;
    const struct tls_proof *proof;
    struct x509_certificate chain[TLS_CHAIN_MAX];
    size_t chain_count;
    const struct x509_certificate *path[PATH_MAX_CERTIFICATES]; /* the leaf first */
    size_t path_count;
    size_t signature_count;
    enum tls_verdict verdict; /* why there is no path, as far as is known */
    char *reason;
};

PRINTF_LIKE(3, 4)
static enum tls_verdict say(struct search *s, enum tls_verdict verdict, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(s->reason, TLS_REASON_BYTES, format, args);
    va_end(args);
    return verdict;
}

/* --- building the path ----------------------------------------------------------------------- */

static bool may_issue(const struct x509_certificate *issuer, const struct x509_certificate *c)
{
    if (!span_equals(issuer->subject, c->issuer))
        return false;
    return !issuer->subject_key_id.len || !c->authority_key_id.len ||
           span_equals(issuer->subject_key_id, c->authority_key_id);
}

/* A bad signature is remembered as the reason, in case nothing better turns up. */
static bool did_issue(struct search *s, const struct x509_certificate *issuer,
                      const struct x509_certificate *c)
{
    enum tls_signature signature;

    if (!may_issue(issuer, c) || ++s->signature_count > SIGNATURES_MAX)
        return false;
    signature = tls_signature_check(&c->sealed, issuer->key, &s->trust->memo);
    if (signature == SIGNATURE_WEAK)
        s->verdict = say(s, VERDICT_BAD, "CA signature digest algorithm too weak");
    else if (signature == SIGNATURE_BAD)
        s->verdict = say(s, VERDICT_BAD, "certificate signature failure");
    return signature == SIGNATURE_GOOD;
}

static bool is_on_path(const struct search *s, const struct x509_certificate *c)
{
    for (size_t i = 0; i < s->path_count; i++) {
        if (span_equals(s->path[i]->der, c->der))
            return true;
    }
    return false;
}

static bool push(struct search *s, const struct x509_certificate *c)
{
    if (s->path_count == PATH_MAX_CERTIFICATES || is_on_path(s, c))
        return false;
    s->path[s->path_count++] = c;
    return true;
}

/* A trusted certificate that issued c; first one that is valid now, then any. */
static const struct x509_certificate *trusted_issuer(struct search *s,
                                                     const struct x509_certificate *c)
{
    const struct x509_certificate *any = NULL;
    uint64_t hash = span_hash(c->issuer);

    for (size_t i = 0; i < s->trust->anchor_count; i++) {
        const struct tls_anchor *a = &s->trust->anchors[i];

        if (a->subject_hash != hash || !did_issue(s, &a->certificate, c))
            continue;
        any = &a->certificate;
        if (any->not_before_s <= s->proof->now_s && s->proof->now_s <= any->not_after_s)
            break;
    }
    return any;
}

static bool is_trusted(const struct search *s, const struct x509_certificate *c)
{
    uint64_t hash = span_hash(c->subject);

    for (size_t i = 0; i < s->trust->anchor_count; i++) {
        const struct tls_anchor *a = &s->trust->anchors[i];

        if (a->subject_hash == hash && span_equals(a->certificate.der, c->der))
            return true;
    }
    return false;
}

/* From a trusted certificate on to its root, if that is there. */
static void climb(struct search *s)
{
    const struct x509_certificate *top = s->path[s->path_count - 1];

    while (!x509_is_self_issued(top)) {
        top = trusted_issuer(s, top);
        if (!top || !push(s, top))
            break;
    }
}

/* Extends the path until it is trusted; a way that leads nowhere is taken back. At most as deep
 * as the peer's chain is long. */
static bool extend(struct search *s)
{
    const struct x509_certificate *top = s->path[s->path_count - 1];
    const struct x509_certificate *issuer;

    if (is_trusted(s, top)) {
        climb(s);
        return true;
    }
    issuer = trusted_issuer(s, top);
    if (issuer && push(s, issuer)) {
        climb(s);
        return true;
    }
    for (size_t i = 1; i < s->chain_count; i++) {
        if (!did_issue(s, &s->chain[i], top) || !push(s, &s->chain[i]))
            continue;
        if (extend(s))
            return true;
        s->path_count--;
    }
    return false;
}

/* Why there is no path, in OpenSSL's words; which depend on who asks: a server goes on to the end
 * (SSL_VERIFY_PEER with a callback), a client stops at the first error. */
static enum tls_verdict say_untrusted(struct search *s)
{
    const struct x509_certificate *leaf = &s->chain[0], *last = &s->chain[s->chain_count - 1];

    if (s->verdict != VERDICT_UNKNOWN_CA)
        return s->verdict;
    if (x509_is_self_issued(leaf))
        return say(s, VERDICT_UNKNOWN_CA, "self-signed certificate");
    if (x509_is_self_issued(last))
        return say(s, VERDICT_UNKNOWN_CA, "self-signed certificate in certificate chain");
    if (s->chain_count == 1 && s->proof->purpose == PURPOSE_CLIENT)
        return say(s, VERDICT_UNKNOWN_CA, "unable to verify the first certificate");
    return say(s, VERDICT_UNKNOWN_CA, "unable to get local issuer certificate");
}

/* --- checking the path ----------------------------------------------------------------------- */

static bool has_purpose(const struct x509_certificate *c, unsigned purpose)
{
    return !c->has_purposes || (c->purposes & (purpose | PURPOSE_ANY));
}

static bool may_sign_handshake(const struct x509_certificate *leaf, unsigned purpose)
{
    unsigned usages = KEY_USAGE_DIGITAL_SIGNATURE | KEY_USAGE_KEY_AGREEMENT;

    if (purpose == PURPOSE_SERVER)
        usages |= KEY_USAGE_KEY_ENCIPHERMENT;
    return !leaf->has_key_usage || (leaf->key_usage & usages);
}

/* Version 1 has no extensions to say so: only a trusted root may be one. */
static bool is_authority(const struct search *s, const struct x509_certificate *c)
{
    if (c->version < 3)
        return x509_is_self_issued(c) && is_trusted(s, c);
    return c->has_basic_constraints && c->is_ca &&
           (!c->has_key_usage || (c->key_usage & KEY_USAGE_CERT_SIGN));
}

static enum tls_verdict check_extensions(struct search *s)
{
    const struct x509_certificate *leaf = s->path[0];
    unsigned purpose = s->proof->purpose;
    size_t below = 0; /* authorities that count against a path length */

    for (size_t i = 0; i < s->path_count; i++) {
        const struct x509_certificate *c = s->path[i];

        if (c->has_unknown_critical)
            return say(s, VERDICT_BAD, "unhandled critical extension");
        if (i > 0 && !is_authority(s, c))
            return say(s, VERDICT_BAD, "invalid CA certificate");
        if (!has_purpose(c, purpose) || !may_sign_handshake(leaf, purpose))
            return say(s, VERDICT_BAD, "unsupported certificate purpose");
        if (i > 0 && c->has_path_length && below > c->path_length)
            return say(s, VERDICT_BAD, "path length constraint exceeded");
        if (!tls_key_is_strong(c->key))
            return say(s, VERDICT_BAD, "%s certificate key too weak", i ? "CA" : "EE");
        below += i > 0 && !x509_is_self_issued(c);
    }
    return VERDICT_GOOD;
}

static enum tls_verdict check_name_constraints(struct search *s)
{
    for (size_t i = 1; i < s->path_count; i++) {
        for (size_t below = 0; below < i; below++) {
            const struct x509_certificate *c = s->path[below];

            if (below > 0 && x509_is_self_issued(c))
                continue;
            switch (tls_name_constraint(s->path[i], c)) {
            case CONSTRAINT_OK:
                break;
            case CONSTRAINT_NOT_PERMITTED:
                return say(s, VERDICT_BAD, "permitted subtree violation");
            case CONSTRAINT_EXCLUDED:
                return say(s, VERDICT_BAD, "excluded subtree violation");
            case CONSTRAINT_UNSUPPORTED:
                return say(s, VERDICT_BAD, "unsupported name constraint type");
            }
        }
    }
    return VERDICT_GOOD;
}

static enum tls_verdict check_times(struct search *s)
{
    for (size_t i = s->path_count; i-- > 0;) {
        if (s->proof->now_s < s->path[i]->not_before_s)
            return say(s, VERDICT_EXPIRED, "certificate is not yet valid");
        if (s->proof->now_s > s->path[i]->not_after_s)
            return say(s, VERDICT_EXPIRED, "certificate has expired");
    }
    return VERDICT_GOOD;
}

/* --- revocation ------------------------------------------------------------------------------ */

static bool is_signed_by(struct search *s, const struct x509_crl *crl,
                         const struct x509_certificate *issuer)
{
    if (issuer->has_key_usage && !(issuer->key_usage & KEY_USAGE_CRL_SIGN))
        return false;
    return tls_signature_check(&crl->sealed, issuer->key, &s->trust->memo) == SIGNATURE_GOOD;
}

/* One list that is good and in time has to cover the certificate, and none may name it. */
static enum tls_verdict check_revoked(struct search *s, const struct x509_certificate *c,
                                      const struct x509_certificate *issuer)
{
    enum tls_verdict verdict = say(s, VERDICT_BAD, "unable to get certificate CRL");

    for (size_t i = 0; i < s->trust->crl_count; i++) {
        const struct x509_crl *crl = &s->trust->crls[i];

        if (!span_equals(crl->issuer, c->issuer) || !x509_crl_covers(crl, c))
            continue;
        if (!is_signed_by(s, crl, issuer)) {
            if (verdict != VERDICT_GOOD)
                verdict = say(s, VERDICT_BAD, "CRL signature failure");
        } else if (x509_crl_has(crl, c->serial)) {
            return say(s, VERDICT_REVOKED, "certificate revoked");
        } else if (s->proof->now_s > crl->next_update_s) {
            if (verdict != VERDICT_GOOD)
                verdict = say(s, VERDICT_BAD, "CRL has expired");
        } else if (s->proof->now_s < crl->this_update_s) {
            if (verdict != VERDICT_GOOD)
                verdict = say(s, VERDICT_BAD, "CRL is not yet valid");
        } else {
            verdict = VERDICT_GOOD;
        }
    }
    return verdict;
}

static enum tls_verdict check_all_revoked(struct search *s)
{
    enum tls_verdict verdict = VERDICT_GOOD;

    if (!s->trust->has_crls)
        return VERDICT_GOOD;
    for (size_t i = 0; verdict == VERDICT_GOOD && i + 1 < s->path_count; i++)
        verdict = check_revoked(s, s->path[i], s->path[i + 1]);
    return verdict;
}

/* --- names ----------------------------------------------------------------------------------- */

static enum tls_verdict check_names(struct search *s)
{
    const struct tls_proof *p = s->proof;

    for (size_t i = 0; i < p->name_count; i++) {
        if (tls_name_matches(s->path[0], p->names[i]))
            return VERDICT_GOOD;
    }
    if (p->name_count == 1)
        return say(s, VERDICT_BAD, "no subject alternative name matches \"%.*s\"",
                   SPAN_ARG(p->names[0]));
    return p->name_count
               ? say(s, VERDICT_BAD, "no subject alternative name matches \"%.*s\" or \"%.*s\"",
                     SPAN_ARG(p->names[0]), SPAN_ARG(p->names[1]))
               : VERDICT_GOOD;
}

/* --- entry ----------------------------------------------------------------------------------- */

/* Behind the leaf, what cannot be read is left out: it may not be needed. */
static bool parse_chain(struct search *s)
{
    for (size_t i = 0; i < s->proof->chain_count && s->chain_count < TLS_CHAIN_MAX; i++) {
        if (x509_certificate_parse(s->proof->chain[i], &s->chain[s->chain_count]))
            s->chain_count++;
        else if (i == 0)
            return false;
    }
    return s->chain_count > 0;
}

enum tls_verdict tls_verify(struct tls_trust *t, const struct tls_proof *proof,
                            char reason[TLS_REASON_BYTES])
{
    static enum tls_verdict (*const checks[])(struct search * s) = {
        check_extensions, check_name_constraints, check_times, check_all_revoked, check_names,
    };
    struct search s = {.trust = t, .proof = proof, .verdict = VERDICT_UNKNOWN_CA, .reason = reason};
    enum tls_verdict verdict = VERDICT_GOOD;

    reason[0] = '\0';
    if (!parse_chain(&s))
        return say(&s, VERDICT_BAD, "certificate cannot be read");
    s.path[s.path_count++] = &s.chain[0];
    if (!extend(&s))
        return say_untrusted(&s);
    if (s.path_count > (size_t)proof->depth_max + 2)
        return say(&s, VERDICT_BAD, "certificate chain too long");
    for (size_t i = 0; verdict == VERDICT_GOOD && i < COUNT_OF(checks); i++)
        verdict = checks[i](&s);
    if (verdict == VERDICT_GOOD)
        reason[0] = '\0';
    return verdict;
}
