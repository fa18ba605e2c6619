/* tls_x25519 - key pairs for X25519; a handshake needs a new one.
 *
 * wolfSSL gets the public key as it gets shared secrets, by the ladder that takes any point. But
 * the base point is that of Ed25519, for which it has a table and code that takes as long for one
 * key as for another: a third of the time, and the same key (RFC 7748 section 4.1).
 *
 * The linker puts this in the place of wolfSSL's function (--wrap, in src/meson.build). */
#include "tls_internal.h"

#include <string.h>

#include <wolfssl/wolfcrypt/curve25519.h>
#include <wolfssl/wolfcrypt/ge_operations.h>

int __wrap_wc_curve25519_make_key(WC_RNG *rng, int size, curve25519_key *key);

/* u = (1 + y) / (1 - y), where y is Y / Z. Only a multiple of the base point's order, a prime above
 * 2^252, would give y = 1; a private key is 8 times a number below that. */
static void multiply_base(unsigned char *u, const unsigned char *private)
{
    ge_p3 point;
    fe above, below;

    fe_init();
    ge_scalarmult_base(&point, private);
    fe_add(above, point.Z, point.Y);
    fe_sub(below, point.Z, point.Y);
    fe_invert(below, below);
    fe_mul(above, above, below);
    fe_tobytes(u, above);
    explicit_bzero(&point, sizeof(point)); /* not the fraction, but its parts tell of the key */
    explicit_bzero(below, sizeof(below));
}

int __wrap_wc_curve25519_make_key(WC_RNG *rng, int size, curve25519_key *key)
{
    int rc;

    if (!rng || !key)
        return BAD_FUNC_ARG;
    rc = wc_curve25519_make_priv(rng, size, key->k);
    if (rc)
        return rc;
    multiply_base(key->p.point, key->k);
    key->privSet = 1;
    key->pubSet = 1;
    return 0;
}
