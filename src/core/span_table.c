/* span_table - adding to a table of texts. */
#include "core/span_table.h"

#define SLOTS_MIN 4

static int grow(struct span_table *t, struct arena *a)
{
    struct span_table larger = *t;

    larger.slot_count = size_max(2 * t->slot_count, SLOTS_MIN);
    larger.slots = arena_zalloc(a, larger.slot_count * sizeof(*larger.slots));
    if (!larger.slots)
        return -ENOMEM;
    for (size_t i = 0; i < t->slot_count; i++) {
        if (t->slots[i].value)
            *span_table_slot(&larger, t->slots[i].key) = t->slots[i];
    }
    *t = larger;
    return 0;
}

int span_table_put(struct span_table *t, struct arena *a, struct span key, const void *value)
{
    struct span_table_slot *slot;

    assert(value);
    if (2 * (t->key_count + 1) > t->slot_count && grow(t, a) < 0)
        return -ENOMEM;
    slot = span_table_slot(t, key);
    t->key_count += !slot->value;
    *slot = (struct span_table_slot){key, value};
    return 0;
}
