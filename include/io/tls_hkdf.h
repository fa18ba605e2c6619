/* tls_hkdf - the key schedule of TLS 1.3, without hashing the same secret twice. */
#ifndef RINGWAY_IO_TLS_HKDF_H
#define RINGWAY_IO_TLS_HKDF_H

/* Around each call into wolfSSL that goes on with a handshake: what this thread derives in between
 * is derived faster, and nothing of it is remembered afterwards. */
void tls_hkdf_begin(void);
void tls_hkdf_end(void);

#endif
