/* tls_ticket - sessions that are resumed: what servers gave us, and what we give to clients.
 *
 * A client's ticket is a copy of wolfSSL's session: the live one changes with each ticket that
 * comes after. A server's ticket is wolfSSL's own text, sealed with AES-256-GCM under a key that
 * all workers share; the digest of the server's settings is authenticated with it, so that a
 * ticket of one server block opens nothing in another. */
#include "tls_internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/random.h>

#define LIFETIME_MS_MAX    (7u * 24 * 3600 * 1000) /* RFC 8446 section 4.6.1 */
#define TICKETS_WAITING_MAX 8 /* in one session, until they are taken; more are dropped */

/* --- clients --------------------------------------------------------------------------------- */

static struct tls_ticket *ticket_of(WOLFSSL_SESSION *session, bool is_single_use)
{
    struct tls_ticket *ticket = calloc(1, sizeof(*ticket));
    long seconds;

    if (!ticket)
        return NULL;
    ticket->session = wolfSSL_SESSION_dup(session);
    if (!ticket->session) {
        free(ticket);
        return NULL;
    }
    seconds = wolfSSL_SESSION_get_timeout(session);
    if (!seconds && !is_single_use) {
        /* RFC 5077 section 3.3: a hint of 0 leaves the time to the client; wolfSSL would take
         * the session for expired at once. */
        seconds = TLS_TICKET_LIFETIME_S;
        (void)wolfSSL_SSL_SESSION_set_timeout(ticket->session, seconds);
    }
    ticket->is_single_use = is_single_use;
    ticket->lifetime_ms = u64_min(seconds > 0 ? (uint64_t)seconds * 1000 : 0, LIFETIME_MS_MAX);
    return ticket;
}

static void keep(struct tls *t, WOLFSSL_SESSION *session, bool is_single_use)
{
    struct tls_ticket **end = &t->tickets;
    size_t waiting = 0;

    while (*end) {
        end = &(*end)->next;
        waiting++;
    }
    /* Without memory the next connection does a full handshake. */
    if (waiting < TICKETS_WAITING_MAX)
        *end = ticket_of(session, is_single_use);
}

int tls_on_new_session(WOLFSSL *ssl, WOLFSSL_SESSION *session)
{
    struct tls *t = wolfSSL_GetIOReadCtx(ssl);

    if (wolfSSL_version(ssl) == TLS1_3_VERSION)
        keep(t, session, true);
    else
        t->has_new_session = true;
    return 0; /* wolfSSL keeps its reference */
}

void tls_keep_session(struct tls *t)
{
    keep(t, wolfSSL_get_session(t->ssl), false);
    t->has_new_session = false;
}

struct tls_ticket *tls_take_ticket(struct tls *t)
{
    struct tls_ticket *ticket = t->tickets;

    if (!t->is_finished || !ticket)
        return NULL;
    t->tickets = ticket->next;
    ticket->next = NULL;
    return ticket;
}

void tls_ticket_free(struct tls_ticket *ticket)
{
    if (!ticket)
        return;
    wolfSSL_SESSION_free(ticket->session);
    free(ticket);
}

bool tls_ticket_is_single_use(const struct tls_ticket *ticket)
{
    return ticket->is_single_use;
}

uint64_t tls_ticket_lifetime_ms(const struct tls_ticket *ticket)
{
    return ticket->lifetime_ms;
}

struct tls_ticket *tls_ticket_copy(const struct tls_ticket *ticket)
{
    struct tls_ticket *copy = ticket_of(ticket->session, ticket->is_single_use);

    if (copy)
        copy->expires_ms = ticket->expires_ms;
    return copy;
}

/* --- the keys of servers --------------------------------------------------------------------- */

#define KEY_BYTES          32
#define KEY_NAME_BYTES     15 /* the last byte of wolfSSL's 16 holds flags */
#define KEY_LIFETIME_S     (12 * 3600)
#define NONCE_BYTES        12
#define TAG_BYTES          16

static_assert(KEY_NAME_BYTES + 1 == WOLFSSL_TICKET_NAME_SZ, "name and flags fill the field");
static_assert(NONCE_BYTES <= WOLFSSL_TICKET_IV_SZ, "the nonce fits");
static_assert(TAG_BYTES <= WOLFSSL_TICKET_MAC_SZ, "the tag fits");
static_assert(TLS_TICKET_LIFETIME_S <= KEY_LIFETIME_S, "two keys open every live ticket");

struct ticket_key {
    unsigned char name[KEY_NAME_BYTES];
    unsigned char key[KEY_BYTES];
};

/* keys[0] seals; keys[1] is the one before. */
struct tls_server_shared {
    pthread_mutex_t lock;
    WC_RNG rng;
    struct ticket_key keys[2];
    int64_t rotate_at_s;
    /* Bytes of wolfSSL's text in a ticket, once one was sealed. wolfSSL trusts the length that
     * a ticket claims and would read behind a shorter one: no other length is looked at. */
    _Atomic int text_bytes;
};

/* A context's own view of the keys, so that the lock is taken once per key and worker. */
struct tls_sealer {
    struct tls_server_shared *shared;
    uint64_t context_id;
    WC_RNG rng;
    unsigned char names[2][KEY_NAME_BYTES];
    Aes aes[2];
    int64_t renew_at_s; /* 0: never filled */
};

static int64_t now_s(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec;
}

/* Under the lock. */
static int rotate(struct tls_server_shared *s)
{
    s->keys[1] = s->keys[0];
    s->rotate_at_s = now_s() + KEY_LIFETIME_S;
    return wc_RNG_GenerateBlock(&s->rng, (unsigned char *)&s->keys[0], sizeof(s->keys[0]));
}

struct tls_server_shared *tls_server_shared_new(void)
{
    struct tls_server_shared *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    if (wc_InitRng(&s->rng) != 0) {
        free(s);
        return NULL;
    }
    (void)pthread_mutex_init(&s->lock, NULL);
    /* Twice: the key before the first is random too, and not all zero. */
    if (rotate(s) || rotate(s)) {
        tls_server_shared_free(s);
        return NULL;
    }
    return s;
}

void tls_server_shared_free(struct tls_server_shared *s)
{
    if (!s)
        return;
    (void)pthread_mutex_destroy(&s->lock);
    (void)wc_FreeRng(&s->rng);
    explicit_bzero(s, sizeof(*s));
    free(s);
}

struct tls_sealer *tls_sealer_new(struct tls_server_shared *shared, uint64_t context_id)
{
    struct tls_sealer *s = aligned_alloc(_Alignof(struct tls_sealer), sizeof(*s));

    assert(shared);
    if (!s)
        return NULL;
    memset(s, 0, sizeof(*s));
    if (wc_InitRng(&s->rng) != 0) {
        free(s);
        return NULL;
    }
    (void)wc_AesInit(&s->aes[0], NULL, INVALID_DEVID);
    (void)wc_AesInit(&s->aes[1], NULL, INVALID_DEVID);
    s->shared = shared;
    s->context_id = context_id;
    return s;
}

void tls_sealer_free(struct tls_sealer *s)
{
    if (!s)
        return;
    wc_AesFree(&s->aes[0]);
    wc_AesFree(&s->aes[1]);
    (void)wc_FreeRng(&s->rng);
    explicit_bzero(s, sizeof(*s));
    free(s);
}

/* Brings the view up to date. */
static int renew(struct tls_sealer *s)
{
    struct ticket_key keys[2];
    int rc = 0;

    if (s->renew_at_s && now_s() < s->renew_at_s)
        return 0;
    (void)pthread_mutex_lock(&s->shared->lock);
    if (now_s() >= s->shared->rotate_at_s)
        rc = rotate(s->shared);
    memcpy(keys, s->shared->keys, sizeof(keys));
    s->renew_at_s = s->shared->rotate_at_s;
    (void)pthread_mutex_unlock(&s->shared->lock);
    for (size_t i = 0; rc == 0 && i < COUNT_OF(keys); i++) {
        memcpy(s->names[i], keys[i].name, KEY_NAME_BYTES);
        rc = wc_AesGcmSetKey(&s->aes[i], keys[i].key, KEY_BYTES);
    }
    explicit_bzero(keys, sizeof(keys));
    if (rc)
        s->renew_at_s = 0;
    return rc;
}

/* --- the tickets of servers ------------------------------------------------------------------ */

/* What is authenticated beside the text. */
struct ticket_binding {
    unsigned char name[WOLFSSL_TICKET_NAME_SZ];
    unsigned char iv[WOLFSSL_TICKET_IV_SZ];
    uint64_t context_id;
};

static struct ticket_binding binding_of(const struct tls_sealer *s, const unsigned char *name,
                                        const unsigned char *iv)
{
    struct ticket_binding b = {.context_id = s->context_id};

    memcpy(b.name, name, sizeof(b.name));
    memcpy(b.iv, iv, sizeof(b.iv));
    return b;
}

static int seal(struct tls_sealer *s, unsigned char *name, unsigned char *iv, unsigned char *mac,
                unsigned char *text, int len)
{
    struct ticket_binding b;

    memcpy(name, s->names[0], KEY_NAME_BYTES);
    name[KEY_NAME_BYTES] = 0;
    if (wc_RNG_GenerateBlock(&s->rng, iv, WOLFSSL_TICKET_IV_SZ) != 0)
        return WOLFSSL_TICKET_RET_FATAL;
    memset(mac, 0, WOLFSSL_TICKET_MAC_SZ);
    b = binding_of(s, name, iv);
    if (wc_AesGcmEncrypt(&s->aes[0], text, text, (word32)len, iv, NONCE_BYTES, mac, TAG_BYTES,
                         (const unsigned char *)&b, sizeof(b)) != 0)
        return WOLFSSL_TICKET_RET_FATAL;
    s->shared->text_bytes = len;
    return WOLFSSL_TICKET_RET_OK;
}

static int open_sealed(struct tls_sealer *s, const unsigned char *name, const unsigned char *iv,
                       const unsigned char *mac, unsigned char *text, int len)
{
    struct ticket_binding b = binding_of(s, name, iv);

    if (len != s->shared->text_bytes)
        return WOLFSSL_TICKET_RET_REJECT;
    for (size_t i = 0; i < COUNT_OF(s->aes); i++) {
        if (memcmp(name, s->names[i], KEY_NAME_BYTES) != 0)
            continue;
        if (wc_AesGcmDecrypt(&s->aes[i], text, text, (word32)len, iv, NONCE_BYTES, mac, TAG_BYTES,
                             (const unsigned char *)&b, sizeof(b)) != 0)
            return WOLFSSL_TICKET_RET_REJECT;
        /* An old key still opens, and its holder gets a new ticket. */
        return i ? WOLFSSL_TICKET_RET_CREATE : WOLFSSL_TICKET_RET_OK;
    }
    return WOLFSSL_TICKET_RET_REJECT;
}

int tls_on_server_ticket(WOLFSSL *ssl, unsigned char name[WOLFSSL_TICKET_NAME_SZ],
                         unsigned char iv[WOLFSSL_TICKET_IV_SZ],
                         unsigned char mac[WOLFSSL_TICKET_MAC_SZ], int is_sealing,
                         unsigned char *ticket, int in_len, int *out_len, void *context)
{
    struct tls_sealer *s = ((struct tls_context *)context)->sealer;

    (void)ssl;
    if (renew(s))
        return WOLFSSL_TICKET_RET_FATAL;
    *out_len = in_len;
    if (is_sealing)
        return seal(s, name, iv, mac, ticket, in_len);
    return open_sealed(s, name, iv, mac, ticket, in_len);
}
