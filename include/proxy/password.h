/* password - is this the password of that line? All schemes of user files that nginx knows. */
#ifndef RINGWAY_PROXY_PASSWORD_H
#define RINGWAY_PROXY_PASSWORD_H

#include "core/span.h"

#define PASSWORD_BYTES_MAX 512 /* CRYPT_MAX_PASSPHRASE_SIZE of crypt.h; a longer one is wrong */

/* What crypt_rn(3) works in: 32 KiB, of one thread. */
struct password_scratch;

struct password_scratch *password_scratch_new(void) MUST_USE; /* NULL: no memory */
void password_scratch_free(struct password_scratch *s);

/* True where a guess shall be slow: up to many milliseconds. */
bool password_is_slow(struct span stored);

/* stored: "{PLAIN}…", "{SHA}…", "{SSHA}…", "$apr1$…", else what crypt(3) makes of it (DES, "$1$",
 * "$5$", "$6$", "$2y$", "$y$"). Takes as long as the scheme wants, and the same time wherever the
 * two differ. */
bool password_fits(struct span password, struct span stored, struct password_scratch *s);

#endif
