/* tls_x509 - certificates and revocation lists as views of their DER. Pure.
 *
 * RFC 5280. Nothing is checked here but the form: io/tls_verify decides. */
#ifndef RINGWAY_IO_TLS_X509_H
#define RINGWAY_IO_TLS_X509_H

#include "core/span.h"
#include "io/tls_der.h"

/* Bits of the key usage extension, in the order of RFC 5280 section 4.2.1.3. */
enum {
    KEY_USAGE_DIGITAL_SIGNATURE = 1 << 0,
    KEY_USAGE_KEY_ENCIPHERMENT = 1 << 2,
    KEY_USAGE_KEY_AGREEMENT = 1 << 4,
    KEY_USAGE_CERT_SIGN = 1 << 5,
    KEY_USAGE_CRL_SIGN = 1 << 6,
};

/* Purposes of the extended key usage extension; others are not told apart. */
enum { PURPOSE_SERVER = 1, PURPOSE_CLIENT = 2, PURPOSE_ANY = 4, PURPOSE_OCSP = 8 };

/* Tags of a GeneralName. */
enum {
    GENERAL_NAME_EMAIL = DER_CONTEXT(1),
    GENERAL_NAME_DNS = DER_CONTEXT(2),
    GENERAL_NAME_DIRECTORY = DER_CONTEXT_CONSTRUCTED(4),
    GENERAL_NAME_URI = DER_CONTEXT(6),
    GENERAL_NAME_IP = DER_CONTEXT(7),
};

/* What is signed, and how: the same in certificates and in revocation lists. */
struct x509_signed {
    struct span text;      /* the bytes that are signed */
    struct span algorithm; /* AlgorithmIdentifier, whole */
    struct span signature;
};

struct x509_certificate {
    struct span der;
    struct x509_signed sealed;
    unsigned version; /* 1 to 3 */
    struct span serial;
    struct span issuer; /* names whole, as they are compared */
    struct span subject;
    int64_t not_before_s;
    int64_t not_after_s;
    struct der_item not_before, not_after;
    struct span key; /* SubjectPublicKeyInfo, whole */

    bool has_basic_constraints;
    bool is_ca;
    bool has_path_length;
    unsigned path_length;
    bool has_key_usage;
    unsigned key_usage;
    bool has_purposes;
    unsigned purposes;
    struct span alternative_names; /* GeneralNames, one behind the other */
    struct span subject_key_id;
    struct span authority_key_id;
    struct span permitted_names; /* GeneralSubtrees, one behind the other */
    struct span excluded_names;
    struct span crl_points;     /* CRLDistributionPoints' body */
    struct span authority_info; /* AuthorityInfoAccess, whole */
    bool has_unknown_critical;
};

/* False when it is not a certificate, or one that contradicts itself. */
bool x509_certificate_parse(struct span der, struct x509_certificate *out);

/* True when issuer and subject are the same name. */
bool x509_is_self_issued(const struct x509_certificate *c);

struct x509_crl {
    struct x509_signed sealed;
    struct span issuer;
    int64_t this_update_s;
    int64_t next_update_s; /* INT64_MAX: none */
    struct span revoked;   /* entries, one behind the other */
    bool has_unknown_critical;
    /* IssuingDistributionPoint: what the list does not cover. */
    bool is_for_users_only;
    bool is_for_authorities_only;
    bool is_partial; /* some reasons, attribute certificates, or of several issuers */
    bool has_points;
    struct span points; /* GeneralNames of its distribution point */
};

/* False when it is not a revocation list (RFC 5280 section 5), or one that contradicts itself. */
bool x509_crl_parse(struct span der, struct x509_crl *out);

/* True when the list names the serial number. */
bool x509_crl_has(const struct x509_crl *crl, struct span serial);

/* True when the list's scope includes the certificate, as far as extensions say. */
bool x509_crl_covers(const struct x509_crl *crl, const struct x509_certificate *c);

#endif
