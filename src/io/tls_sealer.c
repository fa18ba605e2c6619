/* tls_sealer - the tickets that our servers give to clients.
 *
 * wolfSSL's own text, sealed with AES-256-GCM under a key that all workers share: a random one that
 * changes with time, or one that a file gives. The digest of the server's settings is authenticated
 * with it, so that a ticket of one server block opens
 * nothing in another. What is known of a client's certificate does not fit into a ticket: it
 * stays here, in a bounded table by the ticket's nonce, and a ticket whose entry is gone means a
 * full handshake.
 *
 * Where tickets are off and sessions are kept, the text goes there and the ticket is a name for it:
 * random bytes, which is all that a client of TLS 1.3 needs. */
#include "tls_internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <wolfssl/internal.h> /* the length of its tickets */
#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/random.h>
#include <wolfssl/wolfcrypt/sha256.h>

/* --- keys ------------------------------------------------------------------------------------ */

#define KEY_BYTES 32
#define KEY_NAME_BYTES 15          /* the last byte of wolfSSL's 16 holds flags */
#define KEY_LIFETIME_S (12 * 3600) /* a ticket opens for one to two of these at the most */
#define NONCE_BYTES 12
#define TAG_BYTES 16
#define PEER_BYTES 16 /* behind the tag */

static_assert(KEY_NAME_BYTES + 1 == WOLFSSL_TICKET_NAME_SZ, "name and flags fill the field");
static_assert(NONCE_BYTES <= WOLFSSL_TICKET_IV_SZ, "the nonce fits");
static_assert(TAG_BYTES + PEER_BYTES <= WOLFSSL_TICKET_MAC_SZ, "the tag fits, and who got it");

struct ticket_key {
    unsigned char name[KEY_NAME_BYTES];
    unsigned char key[KEY_BYTES];
};

/* Sets of a few slots each, of which the next to be overwritten takes turns. */
#define FACTS_SETS 1024
#define FACTS_SLOTS 4

#define FLAG_HAS_CERTIFICATE 1 /* the client showed one: there is an entry */
#define FLAG_ALLOWS_EARLY 2    /* early data may come with it */

struct facts_slot {
    unsigned char iv[WOLFSSL_TICKET_IV_SZ];
    struct tls_client_facts *facts; /* NULL: empty */
};

struct facts_set {
    struct facts_slot slots[FACTS_SLOTS];
    unsigned next;
};

/* keys[0] seals; keys[1] is the one before. */
struct tls_server_shared {
    _Atomic unsigned references;
    pthread_mutex_t lock;
    WC_RNG rng;
    struct ticket_key keys[2];
    int64_t rotate_at_s;
    struct facts_set facts[FACTS_SETS];
    struct tls_replay *replay; /* NULL: nobody takes early data */
};

struct sealer_key {
    unsigned char name[KEY_NAME_BYTES];
    Aes aes;
};

/* A context's own view of the keys, so that the lock is taken once per key and worker. */
struct tls_sealer {
    struct tls_server_shared *shared;
    uint64_t context_id;
    struct tls_store *store; /* tickets are names of what is kept here; NULL: they are sealed */
    WC_RNG rng;
    int64_t renew_at_s; /* 0: never filled */
    size_t key_count;
    struct sealer_key keys[TLS_TICKET_KEYS_MAX]; /* the first one seals */
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
    s->references = 1;
    (void)pthread_mutex_init(&s->lock, NULL);
    /* Twice: the key before the first is random too, and not all zero. */
    if (rotate(s) || rotate(s)) {
        tls_server_shared_free(s);
        return NULL;
    }
    return s;
}

struct tls_server_shared *tls_server_shared_ref(struct tls_server_shared *s)
{
    s->references++;
    return s;
}

void tls_server_shared_forget_clients(struct tls_server_shared *s)
{
    (void)pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < FACTS_SETS * FACTS_SLOTS; i++) {
        struct facts_slot *slot = &s->facts[i / FACTS_SLOTS].slots[i % FACTS_SLOTS];

        tls_facts_free(slot->facts);
        slot->facts = NULL;
    }
    (void)pthread_mutex_unlock(&s->lock);
}

void tls_server_shared_free(struct tls_server_shared *s)
{
    if (!s || --s->references)
        return;
    tls_server_shared_forget_clients(s);
    (void)pthread_mutex_destroy(&s->lock);
    tls_replay_free(s->replay);
    (void)wc_FreeRng(&s->rng);
    explicit_bzero(s, sizeof(*s));
    free(s);
}

static int set_key(struct sealer_key *to, const struct ticket_key *from)
{
    memcpy(to->name, from->name, KEY_NAME_BYTES);
    return wc_AesGcmSetKey(&to->aes, from->key, KEY_BYTES);
}

/* SHA-256 over a use and a secret, of which it takes as much as there is room for. */
static int derive(const char *use, struct span secret, unsigned char *out, size_t size)
{
    unsigned char digest[WC_SHA256_DIGEST_SIZE];
    wc_Sha256 sha;
    int rc = wc_InitSha256(&sha);

    assert(size <= sizeof(digest));
    if (rc == 0)
        rc = wc_Sha256Update(&sha, (const unsigned char *)use, (word32)strlen(use));
    if (rc == 0)
        rc = wc_Sha256Update(&sha, (const unsigned char *)secret.data, (word32)secret.len);
    if (rc == 0)
        rc = wc_Sha256Final(&sha, digest);
    wc_Sha256Free(&sha);
    memcpy(out, digest, size);
    explicit_bzero(digest, sizeof(digest));
    return rc;
}

/* The secrets of files have two lengths, and one use each at nginx: here all of it is in both. */
static int set_key_of_file(struct sealer_key *to, struct span secret)
{
    struct ticket_key key;
    int rc = derive("ringway ticket name", secret, key.name, sizeof(key.name));

    if (rc == 0)
        rc = derive("ringway ticket key", secret, key.key, sizeof(key.key));
    if (rc == 0)
        rc = set_key(to, &key);
    explicit_bzero(&key, sizeof(key));
    return rc;
}

static int set_keys_of_files(struct tls_sealer *s, const struct tls_server_settings *settings)
{
    int rc = 0;

    assert(settings->ticket_key_count <= TLS_TICKET_KEYS_MAX);
    for (size_t i = 0; i < settings->ticket_key_count && rc == 0; i++)
        rc = set_key_of_file(&s->keys[i], settings->ticket_keys[i]);
    if (settings->ticket_key_count) {
        s->key_count = settings->ticket_key_count;
        s->renew_at_s = INT64_MAX;
    }
    return rc;
}

/* One for all that take early data. 0, or -ENOMEM. */
static int add_replay(struct tls_server_shared *s)
{
    bool is_there;

    (void)pthread_mutex_lock(&s->lock);
    if (!s->replay)
        s->replay = tls_replay_new(time(NULL));
    is_there = s->replay != NULL;
    (void)pthread_mutex_unlock(&s->lock);
    return is_there ? 0 : -ENOMEM;
}

struct tls_sealer *tls_sealer_new(struct tls_server_shared *shared,
                                  const struct tls_server_settings *settings)
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
    for (size_t i = 0; i < TLS_TICKET_KEYS_MAX; i++)
        (void)wc_AesInit(&s->keys[i].aes, NULL, INVALID_DEVID);
    s->shared = shared;
    s->context_id = settings->id;
    s->store = settings->has_tickets ? NULL : settings->store;
    s->key_count = COUNT_OF(shared->keys);
    if (set_keys_of_files(s, settings) || (settings->takes_early_data && add_replay(shared))) {
        tls_sealer_free(s);
        return NULL;
    }
    return s;
}

void tls_sealer_free(struct tls_sealer *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < TLS_TICKET_KEYS_MAX; i++)
        wc_AesFree(&s->keys[i].aes);
    (void)wc_FreeRng(&s->rng);
    explicit_bzero(s, sizeof(*s));
    free(s);
}

/* Under the lock. A key whose time is over opens nothing either: where nobody came for so long,
 * both are replaced. */
static int rotate_if_due(struct tls_server_shared *s)
{
    int64_t late_s = now_s() - s->rotate_at_s;
    int rc = late_s >= KEY_LIFETIME_S ? rotate(s) : 0;

    return rc == 0 && late_s >= 0 ? rotate(s) : rc;
}

/* Brings the view up to date. */
static int renew(struct tls_sealer *s)
{
    struct ticket_key keys[2];
    int rc;

    if (s->renew_at_s && now_s() < s->renew_at_s)
        return 0;
    (void)pthread_mutex_lock(&s->shared->lock);
    rc = rotate_if_due(s->shared);
    memcpy(keys, s->shared->keys, sizeof(keys));
    s->renew_at_s = s->shared->rotate_at_s;
    (void)pthread_mutex_unlock(&s->shared->lock);
    for (size_t i = 0; rc == 0 && i < COUNT_OF(keys); i++)
        rc = set_key(&s->keys[i], &keys[i]);
    explicit_bzero(keys, sizeof(keys));
    if (rc)
        s->renew_at_s = 0;
    return rc;
}

/* --- what is known of clients ---------------------------------------------------------------- */

static struct facts_set *set_of(struct tls_server_shared *s, const unsigned char *iv)
{
    return &s->facts[(iv[0] | iv[1] << 8) % FACTS_SETS];
}

/* Takes over a reference. */
static void put_facts(struct tls_server_shared *s, const unsigned char *iv,
                      struct tls_client_facts *facts)
{
    struct facts_set *set = set_of(s, iv);
    struct tls_client_facts *old;
    struct facts_slot *slot;

    (void)pthread_mutex_lock(&s->lock);
    slot = &set->slots[set->next++ % FACTS_SLOTS];
    old = slot->facts;
    slot->facts = facts;
    memcpy(slot->iv, iv, sizeof(slot->iv));
    (void)pthread_mutex_unlock(&s->lock);
    tls_facts_free(old);
}

/* A reference, or NULL when the entry is gone. */
static struct tls_client_facts *get_facts(struct tls_server_shared *s, const unsigned char *iv)
{
    struct facts_set *set = set_of(s, iv);
    struct tls_client_facts *found = NULL;

    (void)pthread_mutex_lock(&s->lock);
    for (size_t i = 0; !found && i < FACTS_SLOTS; i++) {
        struct facts_slot *slot = &set->slots[i];

        if (slot->facts && memcmp(slot->iv, iv, sizeof(slot->iv)) == 0)
            found = tls_facts_ref(slot->facts);
    }
    (void)pthread_mutex_unlock(&s->lock);
    return found;
}

/* --- tickets --------------------------------------------------------------------------------- */

/* What is authenticated beside the text. */
struct ticket_binding {
    unsigned char name[WOLFSSL_TICKET_NAME_SZ];
    unsigned char iv[WOLFSSL_TICKET_IV_SZ];
    unsigned char peer[PEER_BYTES]; /* zeros: not for early data */
    uint64_t context_id;
};

/* wolfSSL's arguments. */
struct sealed_ticket {
    unsigned char *name; /* of the key, and flags */
    unsigned char *iv;
    unsigned char *mac;
    unsigned char *text;
    word32 text_len;
};

static struct ticket_binding binding_of(const struct tls_sealer *s,
                                        const struct sealed_ticket *ticket)
{
    struct ticket_binding b = {.context_id = s->context_id};

    memcpy(b.name, ticket->name, sizeof(b.name));
    memcpy(b.iv, ticket->iv, sizeof(b.iv));
    memcpy(b.peer, ticket->mac + TAG_BYTES, sizeof(b.peer));
    return b;
}

/* The text is wolfSSL's own: RFC 8446 section 4.6.1, max_early_data_size. */
static void set_early_limit(struct sealed_ticket *ticket, uint32_t limit)
{
    InternalTicket *text = (InternalTicket *)ticket->text;

    for (size_t i = 0; i < sizeof(text->maxEarlyDataSz); i++)
        text->maxEarlyDataSz[i] = (unsigned char)(limit >> (24 - 8 * i));
}

/* Early data is for the name and the protocol that the ticket was given for, and for its time. */
static int digest_peer(const struct tls *t, const struct tls_replay_era *era,
                       unsigned char out[PEER_BYTES])
{
    char text[sizeof(*era) + 1 + 256]; /* tls_hello refuses longer names */
    struct span name = tls_server_name(t);
    char *at = text + sizeof(*era);

    assert(name.len < 256);
    memcpy(text, era, sizeof(*era));
    *at++ = t->has_alpn ? 'h' : '-';
    for (size_t i = 0; i < name.len; i++)
        *at++ = ascii_lower(name.data[i]);
    return derive("ringway early data", span_of(text, (size_t)(at - text)), out, PEER_BYTES);
}

/* Marks the ticket as used. */
static bool may_be_early(struct tls_sealer *s, const struct tls *t,
                         const struct sealed_ticket *ticket)
{
    unsigned char peer[PEER_BYTES];
    struct tls_replay_era era;

    if (t->early != EARLY_OFFERED || !(ticket->name[KEY_NAME_BYTES] & FLAG_ALLOWS_EARLY))
        return false;
    era = tls_replay_era(s->shared->replay, time(NULL));
    return digest_peer(t, &era, peer) == 0 &&
           memcmp(peer, ticket->mac + TAG_BYTES, sizeof(peer)) == 0 &&
           tls_replay_use(s->shared->replay, ticket->iv, &era, time(NULL));
}

/* Who a new ticket is for; without early data zeros. */
static int set_peer(struct tls_sealer *s, const struct tls *t, bool allows_early,
                    unsigned char peer[PEER_BYTES])
{
    struct tls_replay_era era;

    memset(peer, 0, PEER_BYTES);
    if (!allows_early)
        return 0;
    era = tls_replay_era(s->shared->replay, time(NULL));
    return digest_peer(t, &era, peer);
}

static int seal(struct tls_sealer *s, struct tls *t, struct sealed_ticket *ticket)
{
    struct tls_client_facts *facts = tls_known_facts(t);
    bool allows_early = t->context->early_bytes_max && wolfSSL_version(t->ssl) == TLS1_3_VERSION;
    struct ticket_binding b;

    memcpy(ticket->name, s->keys[0].name, KEY_NAME_BYTES);
    ticket->name[KEY_NAME_BYTES] =
        (facts ? FLAG_HAS_CERTIFICATE : 0) | (allows_early ? FLAG_ALLOWS_EARLY : 0);
    if (wc_RNG_GenerateBlock(&s->rng, ticket->iv, WOLFSSL_TICKET_IV_SZ) != 0)
        return WOLFSSL_TICKET_RET_FATAL;
    memset(ticket->mac, 0, WOLFSSL_TICKET_MAC_SZ);
    if (set_peer(s, t, allows_early, ticket->mac + TAG_BYTES) != 0)
        return WOLFSSL_TICKET_RET_FATAL;
    set_early_limit(ticket, tls_early_promise(t, allows_early));
    b = binding_of(s, ticket);
    if (wc_AesGcmEncrypt(&s->keys[0].aes, ticket->text, ticket->text, ticket->text_len, ticket->iv,
                         NONCE_BYTES, ticket->mac, TAG_BYTES, (const unsigned char *)&b,
                         sizeof(b)) != 0)
        return WOLFSSL_TICKET_RET_FATAL;
    if (facts)
        put_facts(s->shared, ticket->iv, tls_facts_ref(facts));
    return WOLFSSL_TICKET_RET_OK;
}

/* The key that sealed a ticket, or -1. */
static int find_key(const struct tls_sealer *s, const struct sealed_ticket *ticket)
{
    for (int i = 0; i < (int)s->key_count; i++) {
        if (memcmp(ticket->name, s->keys[i].name, KEY_NAME_BYTES) == 0)
            return i;
    }
    return -1;
}

static int open_sealed(struct tls_sealer *s, struct tls *t, struct sealed_ticket *ticket)
{
    struct ticket_binding b = binding_of(s, ticket);
    struct tls_client_facts *facts = NULL;
    int key = find_key(s, ticket);

    /* wolfSSL trusts the length that a ticket claims and would read behind a shorter one. */
    tls_set_ticket_facts(t, NULL);
    if (key < 0 || (int)ticket->text_len != sizeof(InternalTicket))
        return WOLFSSL_TICKET_RET_REJECT;
    if (wc_AesGcmDecrypt(&s->keys[key].aes, ticket->text, ticket->text, ticket->text_len,
                         ticket->iv, NONCE_BYTES, ticket->mac, TAG_BYTES, (const unsigned char *)&b,
                         sizeof(b)) != 0)
        return WOLFSSL_TICKET_RET_REJECT;
    if (ticket->name[KEY_NAME_BYTES] & FLAG_HAS_CERTIFICATE) {
        facts = get_facts(s->shared, ticket->iv);
        if (!facts)
            return WOLFSSL_TICKET_RET_REJECT;
    }
    tls_set_ticket_facts(t, facts);
    set_early_limit(ticket, tls_early_decide(t, may_be_early(s, t, ticket)));
    /* An old key still opens, and its holder gets a new ticket: with TLS 1.3 in any case, where
     * wolfSSL (DoPreSharedKeys()) takes the wish for one as a refusal. */
    return key && wolfSSL_version(t->ssl) != TLS1_3_VERSION ? WOLFSSL_TICKET_RET_CREATE
                                                            : WOLFSSL_TICKET_RET_OK;
}

/* --- names of what is kept ------------------------------------------------------------------- */

static struct tls_store_key store_key(const struct tls_sealer *s,
                                      const struct sealed_ticket *ticket)
{
    struct tls_store_key key = {.context_id = s->context_id};

    static_assert(WOLFSSL_TICKET_IV_SZ <= sizeof(key.bytes), "a nonce is long enough for a name");
    memcpy(key.bytes, ticket->iv, WOLFSSL_TICKET_IV_SZ);
    return key;
}

static int put_away(struct tls_sealer *s, struct tls *t, struct sealed_ticket *ticket)
{
    struct span text = span_of((const char *)ticket->text, ticket->text_len);
    struct tls_store_key key;
    bool is_random = wc_RNG_GenerateBlock(&s->rng, ticket->iv, WOLFSSL_TICKET_IV_SZ) == 0;

    set_early_limit(ticket, tls_early_promise(t, false));
    memset(ticket->name, 1, WOLFSSL_TICKET_NAME_SZ); /* wolfSSL refuses zeros */
    memset(ticket->mac, 1, WOLFSSL_TICKET_MAC_SZ);
    key = store_key(s, ticket);
    if (!is_random ||
        !tls_store_put(s->store, &key, t->context->session_lifetime_s, text, tls_known_facts(t)) ||
        wc_RNG_GenerateBlock(&s->rng, ticket->text, ticket->text_len) != 0)
        return WOLFSSL_TICKET_RET_FATAL;
    return WOLFSSL_TICKET_RET_OK;
}

static int fetch(struct tls_sealer *s, struct tls *t, struct sealed_ticket *ticket)
{
    struct tls_store_key key = store_key(s, ticket);
    struct tls_client_facts *facts;

    tls_set_ticket_facts(t, NULL);
    if (ticket->text_len != sizeof(InternalTicket) ||
        tls_store_get(s->store, &key, ticket->text, ticket->text_len, &facts) != ticket->text_len)
        return WOLFSSL_TICKET_RET_REJECT;
    tls_set_ticket_facts(t, facts);
    set_early_limit(ticket, tls_early_decide(t, false));
    return WOLFSSL_TICKET_RET_OK;
}

int tls_on_server_ticket(WOLFSSL *ssl, unsigned char name[WOLFSSL_TICKET_NAME_SZ],
                         unsigned char iv[WOLFSSL_TICKET_IV_SZ],
                         unsigned char mac[WOLFSSL_TICKET_MAC_SZ], int is_sealing,
                         unsigned char *text, int in_len, int *out_len, void *context)
{
    struct sealed_ticket ticket = {name, iv, mac, text, (word32)in_len};
    struct tls_sealer *s = ((struct tls_context *)context)->sealer;
    struct tls *t = wolfSSL_GetIOReadCtx(ssl);

    *out_len = in_len;
    if (s->store)
        return is_sealing ? put_away(s, t, &ticket) : fetch(s, t, &ticket);
    if (renew(s))
        return WOLFSSL_TICKET_RET_FATAL;
    return is_sealing ? seal(s, t, &ticket) : open_sealed(s, t, &ticket);
}
