/* tls_der - reading DER: tags, lengths, times. Pure; views only. */
#ifndef RINGWAY_IO_TLS_DER_H
#define RINGWAY_IO_TLS_DER_H

#include "core/span.h"

enum {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_OID = 0x06,
    DER_ENUMERATED = 0x0a,
    DER_UTC_TIME = 0x17,
    DER_GENERALIZED_TIME = 0x18,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
};
#define DER_CONTEXT(n) (0x80 | (n))             /* [n] of a plain type */
#define DER_CONTEXT_CONSTRUCTED(n) (0xa0 | (n)) /* [n] of a structure */

struct der_item {
    unsigned tag;
    struct span body;
    struct span whole; /* with tag and length */
};

/* Takes the next item. False at the end, or when it is not DER: then *in is left as it was. */
bool der_next(struct span *in, struct der_item *item);

/* Takes the next item if it has this tag. */
bool der_next_is(struct span *in, unsigned tag, struct der_item *item);

/* The same, without use for anything but its body. */
bool der_take(struct span *in, unsigned tag, struct span *body);

/* A BOOLEAN's body. */
bool der_to_bool(struct span body, bool *value);

/* A non-negative INTEGER's body that fits. */
bool der_to_unsigned(struct span body, unsigned *value);

/* A UTCTime or GeneralizedTime as RFC 5280 section 4.1.2.5 allows them, in seconds since 1970. */
bool der_to_time(const struct der_item *item, int64_t *unix_s);

#endif
