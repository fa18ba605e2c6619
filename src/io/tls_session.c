/* tls_session - what is inside a session of wolfSSL, for which it has no accessors.
 *
 * Read out of its serial form (wolfSSL_i2d_SSL_SESSION()), whose start is: side, birth, lifetime,
 * id behind its length, master secret, a flag, and the length of an id that wolfSSL made up. */
#include "tls_internal.h"

#include <string.h>

#define ID_LENGTH_AT 9
#define ID_AT (ID_LENGTH_AT + 1)
#define SECRET_BYTES 48
#define MADE_UP_BEHIND (SECRET_BYTES + 1) /* behind the id: the length of the other one */

static_assert(sizeof(((struct tls_session_parts *)0)->master_secret) == SECRET_BYTES,
              "the secret fits");

struct serial {
    unsigned char *bytes;
    size_t len;
    size_t id_len;
    unsigned char *made_up; /* a length, and that many bytes */
};

static bool serialize(WOLFSSL_SESSION *session, struct serial *out)
{
    int len;

    *out = (struct serial){.bytes = NULL};
    len = wolfSSL_i2d_SSL_SESSION(session, &out->bytes);
    if (len <= 0 || !out->bytes)
        return false;
    out->len = (size_t)len;
    out->id_len = out->bytes[ID_LENGTH_AT];
    out->made_up = out->bytes + ID_AT + out->id_len + MADE_UP_BEHIND;
    assert(out->id_len <= TLS_SESSION_ID_BYTES);
    assert(out->made_up < out->bytes + out->len);
    return true;
}

static void serial_free(struct serial *s)
{
    explicit_bzero(s->bytes, s->len);
    wolfSSL_Free(s->bytes);
}

bool tls_session_read(WOLFSSL_SESSION *session, struct tls_session_parts *out)
{
    struct serial s;

    *out = (struct tls_session_parts){.id_len = 0};
    if (!serialize(session, &s))
        return false;
    memcpy(out->master_secret, s.bytes + ID_AT + s.id_len, SECRET_BYTES);
    if (*s.made_up == 0) {
        memcpy(out->id, s.bytes + ID_AT, s.id_len);
        out->id_len = s.id_len;
    }
    serial_free(&s);
    return true;
}

/* Takes bytes out of the middle. */
static void cut(struct serial *s, unsigned char *at, size_t n)
{
    memmove(at, at + n, (size_t)(s->bytes + s->len - at) - n);
    s->len -= n;
}

WOLFSSL_SESSION *tls_session_copy_without_id(WOLFSSL_SESSION *session)
{
    WOLFSSL_SESSION *copy;
    const unsigned char *bytes;
    struct serial s;
    size_t len;

    if (!serialize(session, &s))
        return NULL;
    len = s.len;
    cut(&s, s.made_up + 1, *s.made_up);
    *s.made_up = 0;
    cut(&s, s.bytes + ID_AT, s.id_len);
    s.bytes[ID_LENGTH_AT] = 0;
    bytes = s.bytes;
    copy = wolfSSL_d2i_SSL_SESSION(NULL, &bytes, (long)s.len);
    s.len = len;
    serial_free(&s);
    return copy;
}

struct span tls_session_id(struct tls *t)
{
    struct tls_session_parts parts;

    if (!t->is_finished)
        return SPAN_NONE;
    (void)tls_session_read(wolfSSL_get_session(t->ssl), &parts);
    memcpy(t->session_id, parts.id, sizeof(t->session_id));
    explicit_bzero(parts.master_secret, sizeof(parts.master_secret));
    return span_of((const char *)t->session_id, parts.id_len);
}
