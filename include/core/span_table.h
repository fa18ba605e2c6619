/* span_table - what texts stand for: open addressing, built by adding, then only read.
 *
 * Lies in an arena; keys are views. Half of the slots stay empty at least, so that each search
 * ends. */
#ifndef RINGWAY_CORE_SPAN_TABLE_H
#define RINGWAY_CORE_SPAN_TABLE_H

#include "core/arena.h"
#include "core/span.h"

struct span_table {
    struct span_table_slot {
        struct span key;
        const void *value; /* NULL: an empty slot */
    } * slots;
    size_t slot_count; /* a power of two; 0: none yet */
    size_t key_count;
    bool ignores_case; /* of ASCII; set before the first key is added */
};

/* The slot of a key, or the empty one where the search for it ends; there are some. */
static inline struct span_table_slot *span_table_slot(const struct span_table *t, struct span key)
{
    size_t mask = t->slot_count - 1;
    size_t at = (t->ignores_case ? span_hash_nocase(key) : span_hash(key)) & mask;

    while (t->slots[at].value && !(t->ignores_case ? span_equals_nocase(t->slots[at].key, key)
                                                   : span_equals(t->slots[at].key, key)))
        at = (at + 1) & mask;
    return &t->slots[at];
}

/* The value of a key; NULL: it is not there. */
static inline const void *span_table_find(const struct span_table *t, struct span key)
{
    return t->key_count ? span_table_slot(t, key)->value : NULL;
}

/* The value, which is not NULL, takes the place of one that is there. The key and what the value
 * points to must live as long as the table. 0, or -ENOMEM. */
int span_table_put(struct span_table *t, struct arena *a, struct span key,
                   const void *value) MUST_USE;

#endif
