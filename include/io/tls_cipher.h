/* tls_cipher - OpenSSL's cipher-string language over the suites that we have.
 *
 * "HIGH:!aNULL:!MD5", "ECDHE+AESGCM", "!kRSA", "-AES", "+RSA", "@STRENGTH", "DEFAULT", single names
 * of OpenSSL or of IANA, TLS 1.3 names: see ciphers(1). Pure: knows tables, not wolfSSL. */
#ifndef RINGWAY_IO_TLS_CIPHER_H
#define RINGWAY_IO_TLS_CIPHER_H

#include "core/span.h"

#define TLS_SUITES_MAX 48

struct tls_suite {
    const char *openssl_name; /* "ECDHE-RSA-AES128-GCM-SHA256", "TLS_AES_128_GCM_SHA256" */
    const char *iana_name;
    uint16_t id;
    bool is_tls13;
    /* (columns for key exchange, authentication, cipher, bits, mac follow) */
    unsigned kx, au, enc, mac, bits;
};

/* What a string selects, in the order of preference; TLS 1.3 suites first. TLS 1.3 suites stay at
 * their default (all of them) unless the string names one of them. */
struct tls_suites {
    const struct tls_suite *rows[TLS_SUITES_MAX];
    size_t count;
    struct span unknown; /* the first word that nobody knows, within the string; empty: none */
};

/* Evaluates a string; a name that nobody knows selects nothing. 0, or -EINVAL with a message (one
 * line, NUL-terminated) for what is no name, or a string that leaves no suite. */
int tls_suites_select(struct span text, struct tls_suites *out, char *error,
                      size_t error_size) MUST_USE;

/* The suites as a colon-separated list of OpenSSL names, NUL-terminated; for wolfSSL and for -T.
 * Returns its length; asserts that size suffices (4096 does). */
size_t tls_suites_text(const struct tls_suites *s, char *out, size_t size);

/* True when there is one whose key exchange is DHE. */
bool tls_suites_have_dhe(const struct tls_suites *s);

/* The suite with this number of the IANA registry; NULL when we do not have it. */
const struct tls_suite *tls_suite_by_id(uint16_t id);

#endif
