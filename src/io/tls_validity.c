/* tls_validity - whose the certificates of a PEM text are, and when they are valid. */
#include "io/tls_validity.h"

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/coding.h>

#include "io/tls_dn.h"
#include "io/tls_pem.h"
#include "io/tls_x509.h"

static bool read_certificate(const struct pem_block *b, struct arena *a, struct tls_validity *out)
{
    word32 len = (word32)b->text.len;
    byte *bytes = arena_alloc(a, b->text.len + 1);
    struct x509_certificate c;
    struct der_item item;
    struct span der;
    size_t end;

    if (!bytes || Base64_Decode((const byte *)b->text.data, len, bytes, &len) != 0)
        return false;
    der = span_of((const char *)bytes, len);
    if (!der_next_is(&der, DER_SEQUENCE, &item) || !x509_certificate_parse(item.whole, &c))
        return false;
    end = tls_dn_format(c.subject, out->subject, sizeof(out->subject) - 1);
    out->subject[end] = '\0';
    out->not_before_s = c.not_before_s;
    out->not_after_s = c.not_after_s;
    return true;
}

bool tls_validity_next(struct span *pem, struct arena *a, struct tls_validity *out)
{
    struct pem_block b;

    while (pem_next(pem, &b)) {
        if (span_ends_with(b.label, SPAN("CERTIFICATE")) && read_certificate(&b, a, out))
            return true;
    }
    return false;
}
