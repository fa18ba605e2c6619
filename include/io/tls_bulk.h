/* tls_bulk - AES-GCM of large records, by a library that is faster at them than wolfSSL.
 *
 * intel-ipsec-mb, where the build has it and the CPU runs AES on vectors of 512 bits: there a
 * record of 16 KB takes less than half the time. With narrower vectors it is no faster than
 * wolfSSL's own assembly, which then does all of it, as it does with small records everywhere.
 *
 * Invariant: no session has state here. The key is expanded anew for each record, which costs a
 * tenth of a microsecond and saves a kilobyte in every session and direction. */
#ifndef RINGWAY_IO_TLS_BULK_H
#define RINGWAY_IO_TLS_BULK_H

#include "core/base.h"

/* Shorter ones would not win back what it takes to expand the key. */
#define TLS_BULK_BYTES_MIN 2048

/* Once per process, after wolfSSL's own initialization and before the first session. */
void tls_bulk_init(void);

/* For wolfSSL_SetDevId(), and wc_AesInit(): who is asked before wolfSSL does the work itself. It
 * is wolfSSL's number for nobody where there is nothing to gain. */
int tls_bulk_device(void);

#endif
