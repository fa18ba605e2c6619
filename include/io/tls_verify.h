/* tls_verify - who the peer is: certificate chains against trusted ones, and names. */
#ifndef RINGWAY_IO_TLS_VERIFY_H
#define RINGWAY_IO_TLS_VERIFY_H

#include "core/span.h"

struct tls_trust;
struct tls_client_facts;

void tls_facts_free(struct tls_client_facts *f);

#endif
