/* tls_session - what is inside a session of wolfSSL, for which it has no accessors.
 *
 * Read out of its serial form (wolfSSL_i2d_SSL_SESSION()), whose start is: side, birth, lifetime,
 * id behind its length, master secret, a flag, and the length of an id that wolfSSL made up. */
#include "tls_internal.h"

#include <string.h>

#define ID_LENGTH_AT 9

void tls_session_read(WOLFSSL_SESSION *session, struct tls_session_parts *out)
{
    unsigned char *serial = NULL, *id, *secret;
    int len = wolfSSL_i2d_SSL_SESSION(session, &serial);
    size_t id_len;

    *out = (struct tls_session_parts){.id_len = 0};
    if (len <= 0 || !serial)
        return;
    id_len = serial[ID_LENGTH_AT];
    id = serial + ID_LENGTH_AT + 1;
    secret = id + id_len;
    assert(id_len <= sizeof(out->id));
    memcpy(out->master_secret, secret, sizeof(out->master_secret));
    if (secret[sizeof(out->master_secret) + 1] == 0) {
        memcpy(out->id, id, id_len);
        out->id_len = id_len;
    }
    explicit_bzero(serial, (size_t)len);
    wolfSSL_Free(serial);
}

struct span tls_session_id(struct tls *t)
{
    struct tls_session_parts parts;

    if (!t->is_finished)
        return SPAN_NONE;
    tls_session_read(wolfSSL_get_session(t->ssl), &parts);
    memcpy(t->session_id, parts.id, sizeof(t->session_id));
    explicit_bzero(parts.master_secret, sizeof(parts.master_secret));
    return span_of((const char *)t->session_id, parts.id_len);
}
