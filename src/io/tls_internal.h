/* tls_internal - what the files of the TLS room share, and nobody else sees.
 *
 * The only header that includes wolfSSL. */
#ifndef RINGWAY_IO_TLS_INTERNAL_H
#define RINGWAY_IO_TLS_INTERNAL_H

#include <wolfssl/options.h>
#include <wolfssl/ssl.h>
#include <wolfssl/error-ssl.h>
#include <wolfssl/wolfcrypt/asn.h>

#include "io/tls.h"
#include "io/tls_hello.h"
#include "io/tls_verify.h"

/* What this room relies on; scripts/deps builds wolfSSL so. */
#if !defined(WOLFSSL_ALWAYS_VERIFY_CB) || !defined(HAVE_EXT_CACHE) ||   \
    !defined(NO_SESSION_CACHE_REF) || !defined(HAVE_SECRET_CALLBACK) || \
    !defined(MAX_CHAIN_DEPTH) || !defined(WOLFSSL_EARLY_DATA)
#error "wolfSSL was built without what ringway needs: run scripts/deps"
#endif

#define TLS_PAIRS_MAX 8

#define TLS_SESSION_ID_BYTES 32

/* How long sessions may be resumed where nothing else is said. */
#define TLS_TICKET_LIFETIME_S 3600
#define TLS_TICKET_LIFETIME_S_MAX (7u * 24 * 3600) /* RFC 8446 section 4.6.1 */

/* A wolfSSL context has one certificate: a server with several has as many contexts. */
struct tls_member {
    WOLFSSL_CTX *ctx;
    uint16_t signature_scheme; /* that a client must offer for a key on a curve; 0: RSA */
    struct tls_staple *staple; /* NULL: none is ever sent */
    uint64_t staple_version;   /* of the response that ctx has */
};

struct tls_context {
    const struct tls_context *base; /* trust and key log are borrowed of it; NULL: its own */
    struct tls_member members[TLS_PAIRS_MAX]; /* one for a client */
    size_t member_count;
    bool is_server;
    unsigned protocols;
    struct tls_suites suites;
    struct tls_trust *trust; /* NULL: nothing is verified */
    unsigned verify_depth;
    enum tls_verify_client verify_client;
    bool prefers_server_suites;
    void (*on_end)(void *owner); /* NULL: nobody counts sessions */
    void *owner;
    bool rejects_handshakes;
    struct tls_store *store; /* NULL: no sessions but those of tickets */
    uint64_t id;             /* of a server: sessions of one id are never taken under another */
    unsigned session_lifetime_s;
    size_t record_bytes_max;
    uint32_t early_bytes_max;  /* 0: no request before a handshake is finished */
    struct tls_sealer *sealer; /* NULL: no tickets */
    int key_log_fd;            /* -1: none */
};

struct tls_ticket {
    WOLFSSL_SESSION *session;
    struct tls_ticket *next; /* while it waits in its session to be taken */
    bool is_single_use;
    uint64_t lifetime_ms;
    uint64_t expires_ms; /* by the worker's clock; 0 until a cache takes it in */
};

/* Who has to be at the other end, until the handshake is finished. */
struct tls_expected {
    struct tls_expected_name names[TLS_EXPECTED_NAMES_MAX];
    size_t name_count;
    char text[]; /* what the names point to */
};

/* Where the record ends that is being read. */
struct tls_record_end {
    unsigned char header[5];
    unsigned char header_len;
    bool is_reached; /* nothing more is read in this step */
    uint32_t body_left;
};

/* RFC 8446 section 2.3: what a client sends before our Finished is answered. */
enum tls_early {
    EARLY_NONE,        /* any more, or with TLS 1.2 */
    EARLY_UNANNOUNCED, /* there must be none */
    EARLY_OFFERED,     /* it may be taken, if the ticket allows it */
    EARLY_REJECTED,    /* it is skipped: the client sends it again */
    EARLY_TAKEN,       /* until the client's Finished */
};

struct tls {
    WOLFSSL *ssl; /* a server's is made when its ClientHello is complete */
    struct tls_context *context;
    tls_select_fn select;
    tls_output_fn output;
    void *owner;
    struct span input;              /* what is left of the current call's */
    struct tls_hello_buffer *hello; /* server: a ClientHello that came in pieces */
    struct span hello_left;         /* of it: what wolfSSL has not read yet */
    struct tls_expected *expected;
    struct tls_ticket *tickets;            /* client: given by the server, the oldest first */
    char *server_name;                     /* server: as the client wrote it */
    struct tls_client_facts *facts;        /* server: of the client's certificate */
    struct tls_client_facts *ticket_facts; /* server: what the ticket that is looked at says */
    struct tls_shown_certificate *shown;   /* the same as text, once it was asked for */
    char *reason;                          /* why it failed, when that is not a literal */
    unsigned char session_id[TLS_SESSION_ID_BYTES]; /* once it was asked for */
    size_t handshake_bytes;
    uint64_t opened_bytes;
    size_t answer_bytes; /* put out in the course of opening */
    bool is_opening;
    enum tls_failure_kind failure;
    bool is_finished;
    bool is_verified;     /* client: the peer's chain was looked at, and is good */
    bool has_ended;       /* the peer sent close_notify */
    bool has_closed;      /* we did */
    bool is_stapling;     /* server, TLS 1.2: a response is to be sent */
    bool has_new_session; /* client, TLS 1.2: to be given out once the handshake is finished */
    bool has_alpn;        /* server: the client named protocols, http/1.1 among them */
    enum tls_early early : 8;
    struct tls_record_end record_end; /* server, while a handshake of TLS 1.3 lasts */
};

/* Records why a session failed; the first reason stays. Returns TLS_FAILED. */
enum tls_result tls_fail(struct tls *t, enum tls_failure_kind kind, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* What wolfSSL says through its last return value: an outcome for the caller, or why it failed. */
enum tls_result tls_fail_as_wolfssl(struct tls *t, int rc);

/* What is known of a client's certificate: kept by its session and by the tickets of it, which
 * may be opened by other threads. Immutable, counted. */
struct tls_client_facts {
    _Atomic unsigned references;
    enum tls_verdict verdict;
    char reason[TLS_REASON_BYTES]; /* empty when it is good */
    size_t der_len;
    char der[];
};

/* tls_accept.c: reads the ClientHello and makes the wolfSSL session. TLS_OK: it is there. */
enum tls_result tls_read_hello(struct tls *t, struct span *input);
/* Finds out what kind of key a certificate has. 0, or -ENOMEM. */
int tls_classify(struct tls_member *m, struct span certificate_pem) MUST_USE;

/* tls.c: makes the wolfSSL session. 0, or -ENOMEM. */
int tls_attach(struct tls *t, WOLFSSL_CTX *ctx) MUST_USE;
void tls_hello_free(struct tls *t);

/* tls_facts.c. new: NULL when memory is at its end. free: gives one reference back. */
struct tls_client_facts *tls_facts_new(struct span der, enum tls_verdict verdict,
                                       const char *reason) MUST_USE;
struct tls_client_facts *tls_facts_ref(struct tls_client_facts *f) MUST_USE;
void tls_facts_free(struct tls_client_facts *f);
/* What a ticket of this session has to say, borrowed; NULL without a certificate. */
struct tls_client_facts *tls_known_facts(struct tls *t);
/* What the ticket says that is looked at; takes over the reference. */
void tls_set_ticket_facts(struct tls *t, struct tls_client_facts *f);
/* Once the handshake is finished: a resumed session's facts are those of its ticket. */
void tls_settle_facts(struct tls *t);

/* tls_group.c: the groups of a list like "X25519:prime256v1", in its order; empty: all of them. 0;
 * -EINVAL with a message; -ENOMEM. */
int tls_set_groups(WOLFSSL_CTX *ctx, struct span list, char error[TLS_ERROR_BYTES]) MUST_USE;

/* tls_peer.c: wolfSSL's verify callback; it calls for each certificate, the leaf last. */
int tls_on_certificate(int is_good, WOLFSSL_X509_STORE_CTX *store);

/* tls_ticket.c */
int tls_on_new_session(WOLFSSL *ssl, WOLFSSL_SESSION *session);
void tls_keep_session(struct tls *t);

/* tls_staple.c: a client asks for the response of a certificate that has one. */
void tls_staple_attach(struct tls *t, struct tls_member *m, bool is_tls13);
/* Around each call that goes on with a server's handshake. */
void tls_staple_begin(struct tls *t);
void tls_staple_end(struct tls *t);

/* tls_early.c: early data, RFC 8446 section 4.2.10. */
/* Of a session that will be one of TLS 1.3; its ClientHello may say that early data follows. */
void tls_early_begin(struct tls *t, const struct tls_hello *hello);
/* The ticket is looked at: whether it is good for early data. Returns what limit it carries on. */
uint32_t tls_early_decide(struct tls *t, bool is_good);
/* A new ticket is made: its limit. */
uint32_t tls_early_promise(struct tls *t, bool allows);
/* In the place of wolfSSL_accept() and wolfSSL_read(), with what they return. */
int tls_early_accept(struct tls *t);
int tls_early_open(struct tls *t, char *out, size_t size);
/* How much of so many bytes may be read now; notes that they are. */
size_t tls_early_read(struct tls *t, struct span from, size_t n);

/* tls_replay.c: tickets that early data came with, shared between threads (a lock inside). */
#define TLS_REPLAY_ID_BYTES 12
struct tls_replay;
struct tls_replay_era {
    unsigned char memory[12]; /* random */
    uint32_t number;
};
static_assert(sizeof(struct tls_replay_era) == 16, "an era is compared byte by byte");
/* The clock is the one that tickets are dated with: CLOCK_REALTIME. */
struct tls_replay *tls_replay_new(int64_t now_s) MUST_USE;
void tls_replay_free(struct tls_replay *r);
/* A ticket that is given now is for this one. */
struct tls_replay_era tls_replay_era(struct tls_replay *r, int64_t now_s);
/* False: the ticket may have been used before, or its era is over. */
bool tls_replay_use(struct tls_replay *r, const unsigned char id[TLS_REPLAY_ID_BYTES],
                    const struct tls_replay_era *era, int64_t now_s) MUST_USE;

/* tls_sealer.c */
int tls_on_server_ticket(WOLFSSL *ssl, unsigned char name[WOLFSSL_TICKET_NAME_SZ],
                         unsigned char iv[WOLFSSL_TICKET_IV_SZ],
                         unsigned char mac[WOLFSSL_TICKET_MAC_SZ], int is_sealing,
                         unsigned char *ticket, int in_len, int *out_len, void *context);

struct tls_sealer *tls_sealer_new(struct tls_server_shared *shared,
                                  const struct tls_server_settings *settings) MUST_USE;
void tls_sealer_free(struct tls_sealer *s);

/* tls_store.c */
#define TLS_STORE_KEY_BYTES 32
struct tls_store_key {
    unsigned char bytes[TLS_STORE_KEY_BYTES]; /* random ones */
    uint64_t context_id;
};
/* False: it is too long. The facts may be NULL; they are borrowed. */
bool tls_store_put(struct tls_store *s, const struct tls_store_key *key, unsigned lifetime_s,
                   struct span text, struct tls_client_facts *facts);
/* Copies the text; returns its length, 0 when there is none. *facts: a reference, or NULL. */
size_t tls_store_get(struct tls_store *s, const struct tls_store_key *key, void *text, size_t size,
                     struct tls_client_facts **facts) MUST_USE;
/* wolfSSL's questions of a server. */
int tls_on_server_session(WOLFSSL *ssl, WOLFSSL_SESSION *session);
WOLFSSL_SESSION *tls_on_wanted_session(WOLFSSL *ssl, const unsigned char *id, int len, int *copy);

/* tls_session.c */
struct tls_session_parts {
    unsigned char id[TLS_SESSION_ID_BYTES];
    size_t id_len;                   /* 0 when the server gave none */
    unsigned char master_secret[48]; /* TLS 1.2; to be wiped by the caller */
};
/* False, and all of it 0, when memory is at its end. */
bool tls_session_read(WOLFSSL_SESSION *session, struct tls_session_parts *out);
WOLFSSL_SESSION *tls_session_copy_without_id(WOLFSSL_SESSION *session) MUST_USE;

/* tls_key_log.c */
void tls_key_log_attach(struct tls *t);
void tls_key_log_finish(struct tls *t);

/* tls.c */
int tls_on_input(WOLFSSL *ssl, char *out, int size, void *session);
int tls_on_output(WOLFSSL *ssl, char *data, int len, void *session);

#endif
