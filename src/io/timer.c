/* timer - a hierarchical wheel: each level counts in 64ths of the next. */
#include "io/timer.h"

#define SLOT_MASK (WHEEL_SLOTS - 1)
#define SPAN_MS (1ull << (WHEEL_BITS * WHEEL_LEVELS))

static_assert(WHEEL_SLOTS == 64, "a level's occupancy is one 64-bit word");

void wheel_init(struct wheel *w, uint64_t now_ms)
{
    w->now_ms = now_ms;
    for (size_t level = 0; level < WHEEL_LEVELS; level++) {
        w->occupied[level] = 0;
        for (size_t slot = 0; slot < WHEEL_SLOTS; slot++)
            list_init(&w->slots[level][slot]);
    }
}

void timer_init(struct timer *t, timer_fn expired)
{
    *t = (struct timer){.expired = expired};
    list_init(&t->link);
}

/* The lowest level whose slots reach that far. */
static unsigned level_for(uint64_t delta_ms)
{
    unsigned level = 0;

    while (level + 1 < WHEEL_LEVELS && delta_ms >> (WHEEL_BITS * (level + 1)))
        level++;
    return level;
}

static void insert(struct wheel *w, struct timer *t)
{
    uint64_t delta = t->deadline_ms > w->now_ms ? t->deadline_ms - w->now_ms : 1;

    if (delta >= SPAN_MS)
        delta = SPAN_MS - 1;
    t->slot_ms = w->now_ms + delta;
    t->level = (unsigned char)level_for(delta);
    t->slot = (unsigned char)((t->slot_ms >> (WHEEL_BITS * t->level)) & SLOT_MASK);
    list_push_back(&w->slots[t->level][t->slot], &t->link);
    w->occupied[t->level] |= 1ull << t->slot;
}

static void take_out(struct wheel *w, struct timer *t)
{
    list_remove(&t->link);
    if (list_is_empty(&w->slots[t->level][t->slot]))
        w->occupied[t->level] &= ~(1ull << t->slot);
}

void timer_set(struct wheel *w, struct timer *t, uint64_t deadline_ms)
{
    assert(deadline_ms != 0);
    t->deadline_ms = deadline_ms;
    if (list_is_linked(&t->link)) {
        if (deadline_ms >= t->slot_ms)
            return; /* found out when the slot comes up */
        take_out(w, t);
    }
    insert(w, t);
}

void timer_stop(struct wheel *w, struct timer *t)
{
    t->deadline_ms = 0;
    if (list_is_linked(&t->link))
        take_out(w, t);
}

/* When the first occupied slot of a level begins; UINT64_MAX when it is empty. The current slot of
 * a level was emptied when the clock entered it: what stands there is a whole round away. */
static uint64_t level_next_ms(const struct wheel *w, unsigned level)
{
    uint64_t tick = w->now_ms >> (WHEEL_BITS * level);
    unsigned from = (unsigned)((tick + 1) & SLOT_MASK);
    uint64_t bits = w->occupied[level];

    if (!bits)
        return UINT64_MAX;
    if (from)
        bits = bits >> from | bits << (WHEEL_SLOTS - from);
    return (tick + 1 + (unsigned)__builtin_ctzll(bits)) << (WHEEL_BITS * level);
}

uint64_t wheel_next_ms(const struct wheel *w)
{
    uint64_t next = UINT64_MAX;

    for (unsigned level = 0; level < WHEEL_LEVELS; level++)
        next = u64_min(next, level_next_ms(w, level));
    return next;
}

/* Fires what is due in one slot and puts the rest where it belongs now. */
static void empty_slot(struct wheel *w, unsigned level, unsigned slot)
{
    struct list due;

    list_init(&due);
    list_move_all(&w->slots[level][slot], &due);
    w->occupied[level] &= ~(1ull << slot);
    while (!list_is_empty(&due)) {
        struct timer *t = list_entry(list_pop_front(&due), struct timer, link);

        if (t->deadline_ms > w->now_ms) {
            insert(w, t);
            continue;
        }
        t->deadline_ms = 0;
        t->expired(t);
    }
}

void wheel_advance(struct wheel *w, uint64_t now_ms)
{
    uint64_t next;

    while ((next = wheel_next_ms(w)) <= now_ms) {
        w->now_ms = next;
        for (unsigned level = WHEEL_LEVELS; level-- > 0;) {
            uint64_t tick = next >> (WHEEL_BITS * level);

            if (tick << (WHEEL_BITS * level) == next)
                empty_slot(w, level, (unsigned)(tick & SLOT_MASK));
        }
    }
    if (now_ms > w->now_ms)
        w->now_ms = now_ms;
}
