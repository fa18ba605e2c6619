/* tls_ocsp - the status of one of our own certificates, as a responder gives it (RFC 6960).
 *
 * What is asked, and whether an answer is good. Bytes in, bytes out: who carries them is another
 * room's matter. One thread uses it at a time. */
#ifndef RINGWAY_IO_TLS_OCSP_H
#define RINGWAY_IO_TLS_OCSP_H

#include "core/span.h"
#include "io/tls_verify.h"

#define TLS_OCSP_REQUEST_BYTES 256 /* enough for every request */

struct tls_ocsp; /* a certificate with its issuer */

/* Reads a chain (PEM, the leaf first) and finds the leaf's issuer in it or in trusted_pem. With
 * verifies the leaf must lead to a certificate of trusted_pem before an answer is good. 0;
 * -EINVAL: there is no issuer; -ENOMEM. */
int tls_ocsp_new(struct span chain_pem, struct span trusted_pem, bool verifies,
                 struct tls_ocsp **out) MUST_USE;
void tls_ocsp_free(struct tls_ocsp *o);

/* The responder that the certificate names, a view; empty: none. */
struct span tls_ocsp_url(const struct tls_ocsp *o);

/* Writes a request without a nonce: responders prepare their answers. Returns its length. */
size_t tls_ocsp_request(const struct tls_ocsp *o, char out[TLS_OCSP_REQUEST_BYTES]);

/* True when the bytes have the outer form of an answer that is no error. */
bool tls_ocsp_is_answer(struct span der);

/* True for "good", now, about this certificate, said by its issuer or by whom that appointed; then
 * *expires_s is when the answer's time ends. Else the reason says why not. */
bool tls_ocsp_check(struct tls_ocsp *o, struct span der, int64_t now_s, int64_t *expires_s,
                    char reason[TLS_REASON_BYTES]);

#endif
