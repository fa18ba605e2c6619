/* tls - a TLS session that never sees a socket: bytes in, bytes out.
 *
 * The rooms io/tls* are the only ones that know wolfSSL. A context belongs to one worker thread; a
 * session belongs to a conn, in the same thread. Certificates and keys come as bytes: nothing here
 * opens a file but the key log.
 *
 * Invariants: tls_open() delivers nothing before the handshake is finished and, for a client, the
 * peer verified; tls_seal() takes nothing before that either (asserted).
 */
#ifndef RINGWAY_IO_TLS_H
#define RINGWAY_IO_TLS_H

#include "core/address.h"
#include "core/span.h"
#include "io/tls_cipher.h"

#define TLS_PROTOCOL_1_2 1u
#define TLS_PROTOCOL_1_3 2u

#define TLS_TICKET_KEYS_MAX 16

#define TLS_ERROR_BYTES 256 /* enough for every message of this room, with its NUL */

struct tls_context; /* settings of a client or of a server, made once per worker and snapshot */
struct tls;         /* one session */
struct tls_ticket;  /* a session to resume, detached from everything: may change threads */
struct tls_store;   /* sessions of clients that are kept, and not in tickets */
struct tls_server_shared; /* what all workers' server contexts of one snapshot share: ticket keys,
                             and what tickets say of verified clients */

/* Called once per process before all else, from the main thread. 0, or -EIO. */
int tls_library_init(void) MUST_USE;
void tls_library_deinit(void);

/* An OCSP response that a server sends with a certificate; empty at first. Shared between threads
 * (a lock inside, for clients that ask for it); owned by the snapshot. */
struct tls_staple;

/* A certificate chain (leaf first) with its key, both PEM. */
struct tls_pair {
    struct span certificate_pem;
    struct span key_pem;
    struct tls_staple *staple; /* of a server; outlives its contexts; NULL: none is ever sent */
};

struct tls_passwords { /* tried in turn on encrypted keys */
    const struct span *list;
    size_t count;
};

/* One client configuration: proxy_ssl_*. Spans outlive the call, not the context. */
struct tls_client_settings {
    unsigned protocols; /* TLS_PROTOCOL_* */
    struct tls_suites suites;
    struct tls_pair pair; /* empty spans: no client certificate */
    struct tls_passwords passwords;
    bool verifies;         /* proxy_ssl_verify */
    struct span ca_pem;    /* one or more certificates; must not be empty when verifies */
    struct span crl_pem;   /* empty: no CRL check; given: every certificate of the chain needs a CRL
                            of its issuer, as in nginx (X509_V_FLAG_CRL_CHECK_ALL) */
    unsigned verify_depth; /* certificates allowed between leaf and root, as in
                              X509_VERIFY_PARAM_set_depth(3): leaf <- intermediate <- root is 1 */
    const char *key_log_path; /* NULL: none. Appended to in SSLKEYLOGFILE format */
};

enum tls_verify_client {
    VERIFY_CLIENT_OFF,
    VERIFY_CLIENT_ON,
    VERIFY_CLIENT_OPTIONAL,
    VERIFY_CLIENT_OPTIONAL_NO_CA
};

/* One server block's TLS: ssl_*. */
struct tls_server_settings {
    unsigned protocols;
    struct tls_suites suites;
    bool prefers_server_suites;
    const struct tls_pair *pairs; /* several: RSA beside ECDSA */
    size_t pair_count;
    struct tls_passwords passwords;
    enum tls_verify_client verify_client;
    unsigned verify_depth;
    struct span client_ca_pem;  /* trusted; not named to the client: wolfSSL cannot in TLS 1.3 */
    struct span trusted_ca_pem; /* trusted too */
    struct span crl_pem;
    bool has_tickets;           /* session tickets are issued and accepted */
    unsigned ticket_lifetime_s; /* 0: an hour; at most 7 days count */
    struct tls_store *store;    /* for sessions without tickets; outlives the context; NULL: none */
    struct span dh_params_pem;  /* ssl_dhparam; empty: no DHE, as in nginx */
    struct span curves; /* ssl_ecdh_curve: "X25519:prime256v1"; empty or "auto": all that we have */
    const struct span *ticket_keys; /* secrets of 48 or 80 bytes: the first one seals, all of them
                                       open; none: random ones that change with time */
    size_t ticket_key_count;        /* at most TLS_TICKET_KEYS_MAX */
    size_t record_bytes_max;        /* of text in a record to the client; 0: RECORD_BYTES_MAX */
    bool takes_early_data;          /* RFC 8446 section 2.3; of clients that need no certificate */
    bool rejects_handshakes;        /* with unrecognized_name; needs no pair */
    bool chooses_pair;              /* no session begins with it: another one has its pair */
    uint64_t id; /* tickets of one id are never accepted under another; a digest of the settings */
};

/* Makes a context. 0; -EINVAL with a message for settings that cannot work (bad PEM, key that does
 * not match, wrong password: the message says which); -ENOMEM. */
int tls_context_new_client(const struct tls_client_settings *settings, struct tls_context **out,
                           char error[TLS_ERROR_BYTES]) MUST_USE;
int tls_context_new_server(const struct tls_server_settings *settings,
                           struct tls_server_shared *shared, struct tls_context **out,
                           char error[TLS_ERROR_BYTES]) MUST_USE;
/* A client's context like base, but with this pair: as above. What base trusts and where it logs
 * keys is borrowed and not loaded again, so base must outlive it. */
int tls_context_new_certified(const struct tls_context *base, const struct tls_pair *pair,
                              const struct tls_passwords *passwords, struct tls_context **out,
                              char error[TLS_ERROR_BYTES]) MUST_USE;
/* From now on called at the end of each session that began with the context: what the context
 * belongs to counts them, and may free it then. */
void tls_context_on_end(struct tls_context *c, void (*ended)(void *owner), void *owner);
/* True when such a message is about the key, and not about the certificate. */
bool tls_error_is_of_key(const char *error);
/* Its sessions must be gone. NULL is allowed. */
void tls_context_free(struct tls_context *c);

/* Shared between threads (locks inside, and only for clients with certificates); counted by its
 * owners, snapshots: one reference to the caller. NULL when memory is at its end. */
struct tls_server_shared *tls_server_shared_new(void) MUST_USE;
struct tls_server_shared *tls_server_shared_ref(struct tls_server_shared *s) MUST_USE;
void tls_server_shared_free(struct tls_server_shared *s); /* with the last reference */
/* Drops what tickets say of clients' certificates: those sessions start anew. */
void tls_server_shared_forget_clients(struct tls_server_shared *s);

#define TLS_STAPLE_BYTES_MAX (16 * 1024)

/* NULL when memory is at its end. */
struct tls_staple *tls_staple_new(void) MUST_USE;
void tls_staple_free(struct tls_staple *s);
/* From now on these bytes are sent, until that time (Unix); empty: none. They are not looked at.
 * From any thread. 0; -ENOMEM: all is as it was. */
int tls_staple_put(struct tls_staple *s, struct span der, int64_t expires_s) MUST_USE;

/* Copies what is there, whatever its time; 0: nothing is. */
size_t tls_staple_copy(struct tls_staple *s, char out[TLS_STAPLE_BYTES_MAX]);

/* Sessions that are kept for clients of servers, shared between threads (a lock inside), of about
 * so many bytes: 512 each. Counted by snapshots likewise. NULL when memory is at its end. */
struct tls_store *tls_store_new(size_t bytes) MUST_USE;
struct tls_store *tls_store_ref(struct tls_store *s) MUST_USE;
void tls_store_free(struct tls_store *s); /* with the last reference */

/* Where sealed bytes go: appends them to the connection's output. 0, or -ENOMEM, which makes the
 * session fail. */
typedef int (*tls_output_fn)(void *owner, struct span sealed);

/* For a server: the context for the name that a client asked for (lower case; empty without SNI).
 * NULL ends the handshake with internal_error. */
typedef struct tls_context *(*tls_select_fn)(void *owner, struct span sni);

struct tls_expected_name { /* what the peer's certificate must carry, one of them */
    struct span text;      /* DNS name, or an address in text form, which needs an IP SAN */
};
#define TLS_EXPECTED_NAMES_MAX 2

struct tls_client_options {
    struct span sni;                                        /* empty: none sent; never an address */
    struct tls_expected_name names[TLS_EXPECTED_NAMES_MAX]; /* any of them; only when verifying */
    size_t name_count;
    struct tls_ticket *ticket; /* to resume, or NULL; taken over by the call, also when it fails */
    tls_output_fn output;
    void *owner;
};

/* A session; NULL when memory is at its end. Copies what it needs of the options. */
struct tls *tls_new_client(struct tls_context *c,
                           const struct tls_client_options *options) MUST_USE;
struct tls *tls_new_server(struct tls_context *c, tls_select_fn select, tls_output_fn output,
                           void *owner) MUST_USE;
void tls_free(struct tls *t);

enum tls_result {
    TLS_OK,
    TLS_NEEDS_INPUT, /* all input is used up */
    TLS_END,         /* the peer's close_notify */
    TLS_FAILED,      /* tls_failure() says why; an alert may have been put out: flush it */
};

/* Goes on with the handshake, using up *input as far as it needs. TLS_OK: finished, and verified
 * where that is asked for (a name that does not match fails here, before any byte is sealed). With
 * early data a server's is finished before the client's.
 * Bytes behind the handshake stay in *input. */
enum tls_result tls_handshake(struct tls *t, struct span *input);

/* Decrypts into out[0, size): TLS_OK with *len > 0, or TLS_NEEDS_INPUT, TLS_END, TLS_FAILED with
 * *len == 0. Call until TLS_NEEDS_INPUT: a call may leave decrypted bytes within. */
enum tls_result tls_open(struct tls *t, struct span *input, char *out, size_t size, size_t *len);

/* Server: what tls_open() delivers may be a replay, as the client did not finish the handshake. */
bool tls_is_early(const struct tls *t);

/* True when tls_open() would deliver bytes without input. */
bool tls_has_opened_bytes(const struct tls *t);

/* How many bytes the next record may take. */
size_t tls_record_bytes_max(const struct tls *t);

/* Encrypts at most RECORD_BYTES_MAX bytes as one record, to the output. 0, -ENOMEM, -EPROTO. */
int tls_seal(struct tls *t, struct span plain) MUST_USE;

/* Puts out close_notify, once. Errors do not matter: the connection is about to go. */
void tls_seal_close_notify(struct tls *t);

enum tls_failure_kind {
    TLS_FAILURE_NONE,
    TLS_FAILURE_NOT_VERIFIED, /* certificate: chain, name, validity, CRL, depth, purpose */
    TLS_FAILURE_PROTOCOL,     /* alert, version, suites, garbage, bad record */
    TLS_FAILURE_PLAIN_HTTP,   /* server: the client's first bytes are an HTTP request */
    TLS_FAILURE_MEMORY,
};

/* Why it failed, as one line for the log ("certificate has expired", "no subject alternative name
 * matches "a.example"", "unable to get local issuer certificate", "peer sent alert
 * handshake_failure", "peer does not speak TLS"). */
enum tls_failure_kind tls_failure(const struct tls *t, const char **reason);

/* Facts of a finished handshake. */
bool tls_is_resumed(const struct tls *t);
const char *tls_protocol_name(const struct tls *t); /* "TLSv1.3" */
const char *tls_suite_name(const struct tls *t);    /* OpenSSL's name */
const char *tls_curve_name(const struct tls *t);    /* "X25519", "" */
struct span tls_chosen_alpn(const struct tls *t);   /* server: "http/1.1"; empty: none */
struct span tls_server_name(const struct tls *t);   /* server: the SNI, as it was asked for */
struct span tls_session_id(struct tls *t);          /* bytes; may be empty */

/* Client: takes the sessions that the server has given since the last call, one at a time, NULL
 * when there is none. The caller owns it. With TLS 1.3 tickets come after the handshake, out of
 * tls_open(); with TLS 1.2 the session is there once the handshake is finished. */
struct tls_ticket *tls_take_ticket(struct tls *t) MUST_USE;
void tls_ticket_free(struct tls_ticket *ticket);
bool tls_ticket_is_single_use(const struct tls_ticket *ticket);   /* TLS 1.3: RFC 8446 C.4 */
uint64_t tls_ticket_lifetime_ms(const struct tls_ticket *ticket); /* capped at 7 days */
/* Another ticket with the same content, for sessions of TLS 1.2, which may be used again; NULL
 * when memory is at its end. */
struct tls_ticket *tls_ticket_copy(const struct tls_ticket *ticket) MUST_USE;

/* What the HTTP layer makes of it. */
enum tls_client_verdict {
    TLS_CLIENT_ACCEPTED, /* good, not asked for, or left out where it is optional */
    TLS_CLIENT_MISSING,  /* 400 "No required SSL certificate was sent" */
    TLS_CLIENT_REFUSED,  /* 400 "The SSL certificate error" */
};

/* Server: the client's certificate. Resumed sessions say the same as the one that they resume. */
struct tls_client_certificate {
    enum tls_client_verdict verdict;
    const char *verify;     /* "NONE", "SUCCESS" or "FAILED:reason": $ssl_client_verify */
    struct span subject_dn; /* RFC 2253: $ssl_client_s_dn */
    struct span issuer_dn;
    struct span subject_dn_legacy; /* "/C=../CN=..": $ssl_client_s_dn_legacy */
    struct span issuer_dn_legacy;
    struct span serial;      /* upper case hex */
    struct span fingerprint; /* SHA1, lower case hex */
    struct span not_before;  /* "Nov 20 22:00:00 2026 GMT" */
    struct span not_after;
    int64_t not_after_unix_s;
    struct span pem;
};
/* Spans live as long as the session. Filled with "NONE" and empty spans without a certificate. */
const struct tls_client_certificate *tls_client_certificate(struct tls *t);

#endif
