/* tls_group - the groups of a key exchange: which there are, and which a context uses.
 *
 * wolfSSL's groups of a context are those of TLS 1.3. In TLS 1.2 its servers take whatever a client
 * prefers: there the client's list is cut to ours before wolfSSL chooses. */
#include "tls_internal.h"

#include <stdio.h>
#include <wolfssl/internal.h> /* what a client's extensions are kept as */

/* X25519 first: it is the fastest key share. */
#define GROUPS_DEFAULT SPAN("X25519:P-256:P-384:P-521")

static const struct {
    const char *name;
    int group;
} known[] = {
    {"X25519", WOLFSSL_ECC_X25519},       {"prime256v1", WOLFSSL_ECC_SECP256R1},
    {"secp384r1", WOLFSSL_ECC_SECP384R1}, {"secp521r1", WOLFSSL_ECC_SECP521R1},
    {"X448", WOLFSSL_ECC_X448},           {"P-256", WOLFSSL_ECC_SECP256R1},
    {"secp256r1", WOLFSSL_ECC_SECP256R1}, {"P-384", WOLFSSL_ECC_SECP384R1},
    {"P-521", WOLFSSL_ECC_SECP521R1},     {"ffdhe2048", WOLFSSL_FFDHE_2048},
};

static bool has_group(const WOLFSSL_CTX *ctx, word16 group)
{
    for (int i = 0; i < ctx->numGroups; i++) {
        if (ctx->group[i] == group)
            return true;
    }
    return false;
}

/* wolfSSL calls it when it has read the extensions of a ClientHello, whether there is a name among
 * them or not. */
static int cut_groups(WOLFSSL *ssl, int *alert, void *unused)
{
    TLSX *groups = TLSX_Find(ssl->extensions, TLSX_SUPPORTED_GROUPS);
    SupportedCurve **at;

    (void)alert;
    (void)unused;
    if (!groups || wolfSSL_version(ssl) == TLS1_3_VERSION)
        return 0;
    for (at = (SupportedCurve **)&groups->data; *at;) {
        SupportedCurve *one = *at;

        if (has_group(ssl->ctx, one->name)) {
            at = &one->next;
            continue;
        }
        *at = one->next;
        XFREE(one, ssl->heap, DYNAMIC_TYPE_TLSX);
    }
    return 0;
}

int tls_set_groups(WOLFSSL_CTX *ctx, struct span list, char error[TLS_ERROR_BYTES])
{
    int groups[COUNT_OF(known)];
    int count = 0;

    if (list.len)
        wolfSSL_CTX_set_servername_callback(ctx, cut_groups);
    else
        list = GROUPS_DEFAULT;
    while (list.len) {
        size_t end = span_index_of(list, ':'), i = 0;
        struct span name = span_take(list, end);

        while (i < COUNT_OF(known) && !span_equals_nocase(name, span_of_cstr(known[i].name)))
            i++;
        if (i == COUNT_OF(known) || count == (int)COUNT_OF(groups)) {
            (void)snprintf(error, TLS_ERROR_BYTES, "unknown curve \"%.*s\"",
                           (int)size_min(name.len, 64), name.data);
            return -EINVAL;
        }
        groups[count++] = known[i].group;
        list = span_skip(list, size_min(end + 1, list.len));
    }
    return wolfSSL_CTX_set_groups(ctx, groups, count) == WOLFSSL_SUCCESS ? 0 : -ENOMEM;
}
