/* keyed_hash - SipHash-2-4 with 128 bits: names of any length as numbers that strangers, who do not
 * know the key, cannot make collide. */
#ifndef RINGWAY_CORE_KEYED_HASH_H
#define RINGWAY_CORE_KEYED_HASH_H

#include "core/span.h"

#define KEYED_HASH_KEY_BYTES 16

struct keyed_hash {
    uint64_t words[2];
};

/* Of a text of any length, also an empty one. */
struct keyed_hash keyed_hash(struct span text, const unsigned char key[KEYED_HASH_KEY_BYTES]);

static inline bool keyed_hash_equals(struct keyed_hash a, struct keyed_hash b)
{
    return a.words[0] == b.words[0] && a.words[1] == b.words[1];
}

#endif
