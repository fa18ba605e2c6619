/* io_tls_x509 - whatever a certificate or a revocation list says, it is judged, and what is read
 * of it lies within. */
#include "io/tls_x509.h"

#include "io/tls_dn.h"
#include "io/tls_name.h"
#include "io/tls_verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned sink;

static void touch(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        sink += (unsigned char)s.data[i];
}

static void judge_certificate(const struct x509_certificate *c)
{
    static struct tls_trust trust;
    struct tls_anchor anchor = {.certificate = *c, .subject_hash = span_hash(c->subject)};
    struct span name = SPAN("a.example"), chain[] = {c->der, c->der};
    struct tls_proof proof = {.chain = chain,
                              .chain_count = COUNT_OF(chain),
                              .purpose = PURPOSE_SERVER,
                              .depth_max = 9,
                              .now_s = c->not_before_s,
                              .names = &name,
                              .name_count = 1};
    char reason[TLS_REASON_BYTES], text[256];

    touch(c->serial);
    touch(c->key);
    touch(c->alternative_names);
    touch(c->crl_points);
    (void)tls_dn_format(c->subject, text, sizeof(text));
    (void)tls_dn_format_legacy(c->issuer, text, sizeof(text));
    (void)tls_name_matches(c, SPAN("192.0.2.1"));
    (void)tls_name_constraint(c, c);
    trust.anchors = &anchor;
    trust.anchor_count = 1;
    (void)tls_verify(&trust, &proof, reason);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span der = span_of((const char *)data, size);
    struct x509_certificate c;
    struct x509_crl crl;

    if (x509_certificate_parse(der, &c))
        judge_certificate(&c);
    if (x509_crl_parse(der, &crl)) {
        touch(crl.points);
        (void)x509_crl_has(&crl, SPAN("\1"));
        (void)x509_crl_covers(&crl, &c);
    }
    return 0;
}
