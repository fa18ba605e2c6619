/* tls_random - wolfSSL's random numbers are the kernel's.
 *
 * wolfSSL makes a generator for each session: it tests it, opens /dev/urandom for a seed and hashes
 * some forty blocks, all for the three numbers of a handshake. The kernel's generator costs one
 * system call for each, and has no state here that a fork, a dump or a bug could give away.
 *
 * The linker puts these functions in the place of wolfSSL's (--wrap, in src/meson.build). What asks
 * for bytes inside of wolfSSL's own file finds a generator without a seed, and fails. */
#include "tls_internal.h"

#include <sys/random.h>

#include <wolfssl/wolfcrypt/random.h>

int __wrap_wc_InitRng_ex(WC_RNG *rng, void *heap, int device);
int __wrap_wc_RNG_GenerateBlock(WC_RNG *rng, byte *out, word32 size);

int __wrap_wc_InitRng_ex(WC_RNG *rng, void *heap, int device)
{
    if (!rng)
        return BAD_FUNC_ARG;
    *rng = (WC_RNG){.heap = heap, .devId = device};
    return 0;
}

int __wrap_wc_RNG_GenerateBlock(WC_RNG *rng, byte *out, word32 size)
{
    if (!rng || !out)
        return BAD_FUNC_ARG;
    while (size) {
        ssize_t n = getrandom(out, size, 0);

        if (n < 0 && errno == EINTR) /* only while the machine starts, or in large ones */
            continue;
        if (n < 0)
            return READ_RAN_E;
        out += n;
        size -= (word32)n;
    }
    return 0;
}
