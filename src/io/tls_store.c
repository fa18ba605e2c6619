/* tls_store - sessions of clients that are kept here, and not in tickets: ssl_session_cache.
 *
 * Shared by all workers, under one lock that is held for a copy. In TLS 1.2 what is kept is a
 * session of wolfSSL's by its id; in TLS 1.3, where clients resume by tickets alone, it is the text
 * of a ticket that holds nothing but a name for it. */
#include "tls_internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TEXT_BYTES 448  /* of a session; a longer one is not kept */
#define SLOTS_PER_SET 8 /* of which the next to be overwritten takes turns */

struct slot {
    unsigned char key[TLS_STORE_KEY_BYTES];
    uint64_t context_id; /* it opens nothing under other settings */
    int64_t expires_s;   /* 0: empty */
    struct tls_client_facts *facts;
    size_t len;
    unsigned char text[TEXT_BYTES];
};

struct set {
    struct slot slots[SLOTS_PER_SET];
    unsigned next;
};

struct tls_store {
    _Atomic unsigned references;
    pthread_mutex_t lock;
    size_t set_count;
    struct set *sets;
};

static int64_t now_s(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec + 1; /* never 0 */
}

struct tls_store *tls_store_new(size_t bytes)
{
    struct tls_store *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->references = 1;
    s->set_count = size_max(bytes / sizeof(struct set), 1);
    s->sets = calloc(s->set_count, sizeof(*s->sets)); /* no memory before it is written to */
    if (!s->sets) {
        free(s);
        return NULL;
    }
    (void)pthread_mutex_init(&s->lock, NULL);
    return s;
}

struct tls_store *tls_store_ref(struct tls_store *s)
{
    s->references++;
    return s;
}

void tls_store_free(struct tls_store *s)
{
    if (!s || --s->references)
        return;
    for (size_t i = 0; i < s->set_count; i++) {
        struct set *set = &s->sets[i];

        if (!set->next) /* never written to: its memory is not to be touched */
            continue;
        for (size_t n = 0; n < SLOTS_PER_SET; n++)
            tls_facts_free(set->slots[n].facts);
        explicit_bzero(set, sizeof(*set));
    }
    (void)pthread_mutex_destroy(&s->lock);
    free(s->sets);
    free(s);
}

static struct set *set_of(const struct tls_store *s, const unsigned char *key)
{
    uint64_t number;

    memcpy(&number, key, sizeof(number)); /* keys are random */
    return &s->sets[number % s->set_count];
}

static bool holds(const struct slot *slot, const struct tls_store_key *key)
{
    return slot->expires_s && slot->context_id == key->context_id &&
           memcmp(slot->key, key->bytes, sizeof(slot->key)) == 0;
}

/* The slot of a key; else one to be overwritten. */
static struct slot *slot_for(struct set *set, const struct tls_store_key *key)
{
    for (size_t i = 0; i < SLOTS_PER_SET; i++) {
        if (holds(&set->slots[i], key))
            return &set->slots[i];
    }
    return &set->slots[set->next % SLOTS_PER_SET];
}

bool tls_store_put(struct tls_store *s, const struct tls_store_key *key, unsigned lifetime_s,
                   struct span text, struct tls_client_facts *facts)
{
    struct set *set = set_of(s, key->bytes);
    struct tls_client_facts *old;
    struct slot *slot;

    if (text.len > TEXT_BYTES)
        return false;
    (void)pthread_mutex_lock(&s->lock);
    slot = slot_for(set, key);
    set->next = set->next % SLOTS_PER_SET + 1;
    old = slot->facts;
    memcpy(slot->key, key->bytes, sizeof(slot->key));
    slot->context_id = key->context_id;
    slot->expires_s = now_s() + lifetime_s;
    slot->facts = facts ? tls_facts_ref(facts) : NULL;
    slot->len = text.len;
    memcpy(slot->text, text.data, text.len);
    (void)pthread_mutex_unlock(&s->lock);
    tls_facts_free(old);
    return true;
}

size_t tls_store_get(struct tls_store *s, const struct tls_store_key *key, void *text, size_t size,
                     struct tls_client_facts **facts)
{
    struct set *set = set_of(s, key->bytes);
    size_t len = 0;

    *facts = NULL;
    (void)pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < SLOTS_PER_SET && !len; i++) {
        const struct slot *slot = &set->slots[i];

        if (!holds(slot, key) || now_s() >= slot->expires_s || slot->len > size)
            continue;
        len = slot->len;
        memcpy(text, slot->text, len);
        *facts = slot->facts ? tls_facts_ref(slot->facts) : NULL;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return len;
}

/* --- TLS 1.2 --------------------------------------------------------------------------------- */

static bool key_of(const struct tls *t, const unsigned char *id, size_t len,
                   struct tls_store_key *key)
{
    *key = (struct tls_store_key){.context_id = t->context->id};
    if (len != sizeof(key->bytes))
        return false;
    memcpy(key->bytes, id, len);
    return true;
}

int tls_on_server_session(WOLFSSL *ssl, WOLFSSL_SESSION *session)
{
    struct tls *t = wolfSSL_GetIOReadCtx(ssl);
    unsigned char *serial = NULL;
    struct tls_session_parts parts;
    struct tls_store_key key;
    int len;

    if (wolfSSL_version(ssl) == TLS1_3_VERSION || wolfSSL_SESSION_has_ticket(session) ||
        !tls_session_read(session, &parts))
        return 0;
    explicit_bzero(parts.master_secret, sizeof(parts.master_secret));
    if (!key_of(t, parts.id, parts.id_len, &key))
        return 0;
    len = wolfSSL_i2d_SSL_SESSION(session, &serial);
    if (len > 0 && serial)
        (void)tls_store_put(t->context->store, &key, t->context->session_lifetime_s,
                            span_of((const char *)serial, (size_t)len), tls_known_facts(t));
    if (len > 0 && serial)
        explicit_bzero(serial, (size_t)len);
    wolfSSL_Free(serial);
    return 0; /* wolfSSL keeps its reference */
}

WOLFSSL_SESSION *tls_on_wanted_session(WOLFSSL *ssl, const unsigned char *id, int len, int *copy)
{
    struct tls *t = wolfSSL_GetIOReadCtx(ssl);
    struct tls_client_facts *facts;
    unsigned char text[TEXT_BYTES];
    const unsigned char *at = text;
    WOLFSSL_SESSION *session;
    struct tls_store_key key;
    size_t found;

    *copy = 0; /* wolfSSL frees it */
    if (!key_of(t, id, (size_t)len, &key))
        return NULL;
    found = tls_store_get(t->context->store, &key, text, sizeof(text), &facts);
    if (!found)
        return NULL;
    session = wolfSSL_d2i_SSL_SESSION(NULL, &at, (long)found);
    explicit_bzero(text, sizeof(text));
    if (session)
        tls_set_ticket_facts(t, facts);
    else
        tls_facts_free(facts);
    return session;
}
