/* tls_trust - trusted certificates and revocation lists, parsed from PEM. */
#include "io/tls_trust.h"

#include "tls_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include <wolfssl/wolfcrypt/coding.h>

#include "io/tls_pem.h"

static bool is_certificate(const struct pem_block *b)
{
    return span_equals(b->label, SPAN("CERTIFICATE")) ||
           span_equals(b->label, SPAN("X509 CERTIFICATE")) ||
           span_equals(b->label, SPAN("TRUSTED CERTIFICATE"));
}

static bool is_crl(const struct pem_block *b)
{
    return span_equals(b->label, SPAN("X509 CRL"));
}

static size_t count_blocks(struct span pem, bool (*is_wanted)(const struct pem_block *b))
{
    size_t count = 0;
    struct pem_block b;

    while (pem_next(&pem, &b))
        count += is_wanted(&b);
    return count;
}

/* Decodes behind what is in the trust's DER already; empty when it is not base64 of DER. */
static struct span decode(struct tls_trust *t, const struct pem_block *b)
{
    word32 len = (word32)(t->der_size - t->der_len);
    char *at = t->der + t->der_len;
    struct der_item item;
    struct span der;

    if (Base64_Decode((const byte *)b->text.data, (word32)b->text.len, (byte *)at, &len) != 0)
        return SPAN_NONE;
    der = span_of(at, len);
    /* A TRUSTED CERTIFICATE of OpenSSL has its own remarks behind the certificate. */
    if (!der_next_is(&der, DER_SEQUENCE, &item))
        return SPAN_NONE;
    t->der_len += len;
    return item.whole;
}

static void add_anchors(struct tls_trust *t, struct span pem)
{
    struct pem_block b;

    while (pem_next(&pem, &b)) {
        struct tls_anchor *a = &t->anchors[t->anchor_count];

        if (!is_certificate(&b) || !x509_certificate_parse(decode(t, &b), &a->certificate))
            continue;
        a->subject_hash = span_hash(a->certificate.subject);
        t->anchor_count++;
    }
}

static void add_crls(struct tls_trust *t, struct span pem)
{
    struct pem_block b;

    while (pem_next(&pem, &b)) {
        if (is_crl(&b) && x509_crl_parse(decode(t, &b), &t->crls[t->crl_count]))
            t->crl_count++;
    }
}

static int refuse(char *error, size_t error_size, const char *text)
{
    (void)snprintf(error, error_size, "%s", text);
    return -EINVAL;
}

/* A text that breaks off lacks what the site wants trusted or, worse, revoked. */
static int check_whole(const struct tls_trust_pem *pem, char *error, size_t error_size)
{
    int rc = pem_check(pem->ca, "cannot load CA certificates", error, error_size);

    if (!rc)
        rc = pem_check(pem->more_ca, "cannot load trusted certificates", error, error_size);
    return rc ? rc : pem_check(pem->crl, "cannot load CRL", error, error_size);
}

static int allocate(struct tls_trust *t, const struct tls_trust_pem *pem)
{
    size_t anchors =
        count_blocks(pem->ca, is_certificate) + count_blocks(pem->more_ca, is_certificate);
    size_t crls = count_blocks(pem->crl, is_crl);

    t->anchors = calloc(anchors + 1, sizeof(*t->anchors));
    t->crls = calloc(crls + 1, sizeof(*t->crls));
    /* Base64 shrinks to three quarters. */
    t->der_size = (pem->ca.len + pem->more_ca.len + pem->crl.len) / 4 * 3 + 16;
    t->der = malloc(t->der_size);
    return t->anchors && t->crls && t->der ? 0 : -ENOMEM;
}

static int fill(struct tls_trust *t, const struct tls_trust_pem *pem, char *error,
                size_t error_size)
{
    size_t count;
    int rc = check_whole(pem, error, error_size);

    if (!rc)
        rc = allocate(t, pem);
    if (rc)
        return rc;
    add_anchors(t, pem->ca);
    count = t->anchor_count;
    if (pem->ca.len && !t->anchor_count)
        return refuse(error, error_size, "cannot load CA certificates: no PEM certificate found");
    add_anchors(t, pem->more_ca);
    if (pem->more_ca.len && t->anchor_count == count)
        return refuse(error, error_size,
                      "cannot load trusted certificates: no PEM certificate found");
    add_crls(t, pem->crl);
    t->has_crls = pem->crl.len > 0;
    if (t->crl_count != count_blocks(pem->crl, is_crl))
        return refuse(error, error_size, "cannot load CRL: a list in it cannot be read");
    if (t->has_crls && !t->crl_count)
        return refuse(error, error_size, "cannot load CRL: no PEM CRL found");
    return 0;
}

int tls_trust_new(const struct tls_trust_pem *pem, struct tls_trust **out, char *error,
                  size_t error_size)
{
    struct tls_trust *t = calloc(1, sizeof(*t));
    int rc;

    if (!t)
        return -ENOMEM;
    rc = fill(t, pem, error, error_size);
    if (rc) {
        tls_trust_free(t);
        return rc;
    }
    *out = t;
    return 0;
}

void tls_trust_free(struct tls_trust *t)
{
    if (!t)
        return;
    free(t->anchors);
    free(t->crls);
    free(t->der);
    free(t);
}
