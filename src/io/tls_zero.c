/* tls_zero - how wolfSSL wipes its memory.
 *
 * Its own function writes eight bytes at a time, behind every opened record as well: for a record
 * of 16 KB that takes longer than opening it. wolfSSL is built to leave the function to us
 * (WOLFSSL_NO_FORCE_ZERO, in scripts/deps); explicit_bzero(3) is not left out by compilers either.
 */
#include "tls_internal.h"

#include <string.h>

#include <wolfssl/wolfcrypt/misc.h>

#ifdef WOLFSSL_NO_FORCE_ZERO
void ForceZero(void *memory, word32 size)
{
    explicit_bzero(memory, size);
}
#endif
