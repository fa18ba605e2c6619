/* geo - what a "geo" block looks up: values of networks, or of ranges of IPv4 addresses. */
#include "conf/geo.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_MIN 64
#define BLOCK_COUNT 65536 /* of ranges: one for the upper half of an address */
#define PREFIXES_MAX 129  /* networks that lie within one another */

/* A network with its value; kind NETWORK_ALL: an empty slot. */
struct slot {
    struct network network;
    struct span value; /* data NULL: it was deleted */
};

/* The part of a range within one block. */
struct piece {
    uint32_t first, last;
    struct span value;
};

struct block {
    struct piece *pieces; /* disjoint, in order */
    size_t count, capacity;
};

struct geo_draft {
    struct slot *slots; /* open addressing */
    size_t slot_count;  /* a power of two; 0: none */
    size_t network_count;
    struct block *blocks; /* NULL until there is a range */
};

/* ---- finding ---- */

static uint64_t number_of(const unsigned char *bytes, size_t count)
{
    uint64_t number = 0;

    for (size_t i = 0; i < count; i++)
        number = number << 8 | bytes[i];
    return number;
}

static struct geo_address ip4_address(const unsigned char *bytes)
{
    return (struct geo_address){.low = number_of(bytes, 4)};
}

static struct geo_address ip6_address(const unsigned char *bytes)
{
    return (struct geo_address){number_of(bytes, 8), number_of(bytes + 8, 8)};
}

static bool is_behind(struct geo_address a, struct geo_address b)
{
    return a.high != b.high ? a.high > b.high : a.low > b.low;
}

static struct span table_find(const struct geo_table *t, struct geo_address address)
{
    size_t from = 0, to = t->count;

    while (to - from > 1) {
        size_t middle = from + (to - from) / 2;

        if (is_behind(t->begins[middle], address))
            to = middle;
        else
            from = middle;
    }
    return t->count ? t->values[from] : SPAN_NONE;
}

struct span geo_find(const struct geo *g, const struct endpoint *e)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (e->family == AF_INET)
        return table_find(&g->ip4, ip4_address(e->ip));
    if (e->family == AF_INET6 && memcmp(e->ip, mapped, sizeof(mapped)) == 0)
        return table_find(&g->ip4, ip4_address(e->ip + sizeof(mapped)));
    if (e->family == AF_INET6 && !g->is_by_ranges)
        return table_find(&g->ip6, ip6_address(e->ip));
    return table_find(&g->ip4, (struct geo_address){.low = UINT32_MAX});
}

/* ---- drafts ---- */

struct geo_draft *geo_draft_new(void)
{
    return calloc(1, sizeof(struct geo_draft));
}

void geo_draft_free(struct geo_draft *d)
{
    if (!d)
        return;
    for (size_t i = 0; d->blocks && i < BLOCK_COUNT; i++)
        free(d->blocks[i].pieces);
    free(d->blocks);
    free(d->slots);
    free(d);
}

/* ---- networks ---- */

static bool are_equal(const struct network *a, const struct network *b)
{
    return a->kind == b->kind && a->prefix_bits == b->prefix_bits &&
           memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

/* The slot of a network, or the empty one where it would be put. There must be an empty one. */
static struct slot *slot_of(struct slot *slots, size_t slot_count, const struct network *n)
{
    uint64_t hash = span_hash(span_of((const char *)n->ip, sizeof(n->ip))) + n->prefix_bits;
    size_t at = hash & (slot_count - 1);

    while (slots[at].network.kind != NETWORK_ALL && !are_equal(&slots[at].network, n))
        at = (at + 1) & (slot_count - 1);
    return &slots[at];
}

static int grow(struct geo_draft *d)
{
    size_t slot_count = size_max(2 * d->slot_count, SLOTS_MIN);
    struct slot *slots = calloc(slot_count, sizeof(*slots));

    if (!slots)
        return -ENOMEM;
    for (size_t i = 0; i < d->slot_count; i++) {
        if (d->slots[i].network.kind != NETWORK_ALL)
            *slot_of(slots, slot_count, &d->slots[i].network) = d->slots[i];
    }
    free(d->slots);
    d->slots = slots;
    d->slot_count = slot_count;
    return 0;
}

int geo_draft_set(struct geo_draft *d, const struct network *n, struct span value, struct span *old)
{
    struct slot *slot;

    assert(n->kind == NETWORK_IP4 || n->kind == NETWORK_IP6);
    if (2 * (d->network_count + 1) > d->slot_count && grow(d) < 0)
        return -ENOMEM;
    slot = slot_of(d->slots, d->slot_count, n);
    d->network_count += slot->network.kind == NETWORK_ALL;
    *old = slot->value;
    *slot = (struct slot){*n, value};
    return 0;
}

bool geo_draft_delete(struct geo_draft *d, const struct network *n)
{
    struct slot *slot = d->slot_count ? slot_of(d->slots, d->slot_count, n) : NULL;
    bool had_value = slot && slot->value.data;

    if (had_value)
        slot->value = SPAN_NONE;
    return had_value;
}

/* ---- ranges ---- */

static int parse_ip4(struct span text, uint32_t *address)
{
    struct network n;

    if (span_index_of(text, '/') < text.len || network_parse(text, &n) != 0 ||
        n.kind != NETWORK_IP4)
        return -EINVAL;
    *address = (uint32_t)number_of(n.ip, 4);
    return 0;
}

int geo_parse_range(struct span text, uint32_t *first, uint32_t *last)
{
    size_t dash = span_index_of(text, '-');

    if (dash == text.len || parse_ip4(span_take(text, dash), first) < 0 ||
        parse_ip4(span_skip(text, dash + 1), last) < 0)
        return -EINVAL;
    return *first <= *last ? 0 : -EINVAL;
}

/* Where the pieces of a block begin that end at the address or behind it. */
static size_t piece_index(const struct block *b, uint32_t address)
{
    size_t from = 0, to = b->count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (b->pieces[middle].last < address)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* Room for more pieces at an index. */
static int make_room(struct block *b, size_t at, size_t more)
{
    if (b->count + more > b->capacity) {
        size_t capacity = size_max(2 * b->capacity, 4);
        struct piece *pieces = realloc(b->pieces, capacity * sizeof(*pieces));

        if (!pieces)
            return -ENOMEM;
        b->pieces = pieces;
        b->capacity = capacity;
    }
    if (b->count > at)
        memmove(&b->pieces[at + more], &b->pieces[at], (b->count - at) * sizeof(*b->pieces));
    b->count += more;
    return 0;
}

/* Cuts a piece out of the one at an index, which stays on either side where it is longer. */
static int cut_in(struct block *b, size_t at, const struct piece *inner)
{
    struct piece outer = b->pieces[at];
    size_t before = outer.first < inner->first, behind = inner->last < outer.last;

    if (make_room(b, at, before + behind) < 0)
        return -ENOMEM;
    b->pieces[at + before] = *inner;
    if (before)
        b->pieces[at] = (struct piece){outer.first, inner->first - 1, outer.value};
    if (behind)
        b->pieces[at + before + 1] = (struct piece){inner->last + 1, outer.last, outer.value};
    return 0;
}

static struct geo_overlap overlap_of(const struct piece *p)
{
    return (struct geo_overlap){p->first, p->last, p->value};
}

/* As geo_draft_set_range(), within one block. */
static int set_piece(struct block *b, const struct piece *p, struct geo_overlap *old)
{
    size_t at = piece_index(b, p->first);

    if (at == b->count || p->last < b->pieces[at].first) {
        if (make_room(b, at, 1) < 0)
            return -ENOMEM;
        b->pieces[at] = *p;
        return 0;
    }
    if (p->first < b->pieces[at].first || p->last > b->pieces[at].last) {
        /* nginx names the last one that is in the way. */
        while (at + 1 < b->count && b->pieces[at + 1].first <= p->last)
            at++;
        *old = overlap_of(&b->pieces[at]);
        return -EINVAL;
    }
    if (p->first == b->pieces[at].first && p->last == b->pieces[at].last) {
        *old = overlap_of(&b->pieces[at]);
        b->pieces[at].value = p->value;
        return 1;
    }
    return cut_in(b, at, p);
}

static struct piece piece_within(uint32_t block, uint32_t first, uint32_t last, struct span value)
{
    uint32_t begin = block << 16, end = begin | 0xffff;

    return (struct piece){first > begin ? first : begin, last < end ? last : end, value};
}

int geo_draft_set_range(struct geo_draft *d, uint32_t first, uint32_t last, struct span value,
                        struct geo_overlap *old)
{
    int result = 0;

    assert(first <= last);
    if (!d->blocks)
        d->blocks = calloc(BLOCK_COUNT, sizeof(*d->blocks));
    if (!d->blocks)
        return -ENOMEM;
    for (uint32_t i = first >> 16; i <= last >> 16; i++) {
        struct piece p = piece_within(i, first, last, value);
        int rc = set_piece(&d->blocks[i], &p, old);

        if (rc < 0)
            return rc;
        result |= rc;
    }
    return result;
}

static bool delete_piece(struct block *b, const struct piece *p)
{
    size_t at = piece_index(b, p->first);

    if (at == b->count || b->pieces[at].first != p->first || b->pieces[at].last != p->last)
        return false;
    b->count--;
    memmove(&b->pieces[at], &b->pieces[at + 1], (b->count - at) * sizeof(*b->pieces));
    return true;
}

bool geo_draft_delete_range(struct geo_draft *d, uint32_t first, uint32_t last)
{
    bool had_all = d->blocks != NULL;

    for (uint32_t i = first >> 16; d->blocks && i <= last >> 16; i++) {
        struct piece p = piece_within(i, first, last, SPAN_NONE);

        had_all &= delete_piece(&d->blocks[i], &p);
    }
    return had_all;
}

/* ---- flattening ---- */

/* A table while it is written. */
struct flat {
    struct geo_address *begins;
    struct span *values;
    size_t count;
    struct span preset;
};

static int flat_init(struct flat *f, size_t count_max, struct span preset, struct arena *a)
{
    f->begins = arena_alloc(a, count_max * sizeof(*f->begins));
    f->values = arena_alloc(a, count_max * sizeof(*f->values));
    f->count = 0;
    f->preset = preset;
    return f->begins && f->values ? 0 : -ENOMEM;
}

/* From there on it is that value. */
static void flat_add(struct flat *f, struct geo_address begin, struct span value)
{
    struct span v = value.data ? value : f->preset;

    if (f->count && !is_behind(begin, f->begins[f->count - 1]))
        f->count--;
    if (f->count && v.data == f->values[f->count - 1].data && v.len == f->values[f->count - 1].len)
        return;
    f->begins[f->count] = begin;
    f->values[f->count++] = v;
}

static struct geo_table flat_table(const struct flat *f)
{
    return (struct geo_table){f->begins, f->values, f->count};
}

/* By address, the wider network first. */
static int compare_slots(const void *a, const void *b)
{
    const struct slot *sa = a, *sb = b;
    int order = memcmp(sa->network.ip, sb->network.ip, sizeof(sa->network.ip));

    return order ? order : (int)sa->network.prefix_bits - (int)sb->network.prefix_bits;
}

static struct geo_address first_of(const struct slot *s)
{
    return s->network.kind == NETWORK_IP4 ? ip4_address(s->network.ip) : ip6_address(s->network.ip);
}

static uint64_t ones(unsigned count)
{
    return count >= 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1;
}

static struct geo_address last_of(const struct slot *s)
{
    struct geo_address a = first_of(s);
    unsigned free_bits = (s->network.kind == NETWORK_IP4 ? 32 : 128) - s->network.prefix_bits;

    a.low |= ones(free_bits);
    a.high |= ones(free_bits > 64 ? free_bits - 64 : 0);
    return a;
}

static struct geo_address behind(struct geo_address a)
{
    return (struct geo_address){a.high + (a.low == UINT64_MAX), a.low + 1};
}

/* Networks lie within one another or apart: a stack of those that are open at an address tells
 * which is the innermost. */
static void sweep(const struct slot *slots, size_t count, struct geo_address end, struct flat *f)
{
    const struct slot *open[PREFIXES_MAX];
    size_t depth = 0;

    for (size_t i = 0; i <= count; i++) {
        struct geo_address at = i < count ? first_of(&slots[i]) : end;

        while (depth && (i == count || is_behind(at, last_of(open[depth - 1])))) {
            struct geo_address last = last_of(open[--depth]);

            if (is_behind(end, last))
                flat_add(f, behind(last), depth ? open[depth - 1]->value : SPAN_NONE);
        }
        if (i == count)
            break;
        assert(depth < PREFIXES_MAX);
        open[depth++] = &slots[i];
        flat_add(f, at, slots[i].value);
    }
}

/* The networks of one kind that have a value, sorted, into a table. */
static int flatten_networks(const struct geo_draft *d, enum network_kind kind, struct arena *a,
                            struct geo_table *out)
{
    struct geo_address end = kind == NETWORK_IP4 ? (struct geo_address){.low = UINT32_MAX}
                                                 : (struct geo_address){UINT64_MAX, UINT64_MAX};
    struct slot *sorted = malloc(size_max(d->network_count, 1) * sizeof(*sorted));
    struct flat f;
    size_t count = 0;
    int rc;

    for (size_t i = 0; sorted && i < d->slot_count; i++) {
        if (d->slots[i].network.kind == kind && d->slots[i].value.data)
            sorted[count++] = d->slots[i];
    }
    rc = sorted ? flat_init(&f, 2 * count + 1, SPAN_NONE, a) : -ENOMEM;
    if (!rc) {
        qsort(sorted, count, sizeof(*sorted), compare_slots);
        flat_add(&f, (struct geo_address){0, 0}, SPAN_NONE);
        sweep(sorted, count, end, &f);
        *out = flat_table(&f);
    }
    free(sorted);
    return rc;
}

static int flatten_ranges(const struct geo_draft *d, struct span preset, struct arena *a,
                          struct geo_table *out)
{
    struct flat f;
    size_t count = 0;

    for (size_t i = 0; d->blocks && i < BLOCK_COUNT; i++)
        count += d->blocks[i].count;
    if (flat_init(&f, 2 * count + 1, preset, a) < 0)
        return -ENOMEM;
    flat_add(&f, (struct geo_address){0, 0}, SPAN_NONE);
    for (size_t i = 0; d->blocks && i < BLOCK_COUNT; i++) {
        for (size_t at = 0; at < d->blocks[i].count; at++) {
            const struct piece *p = &d->blocks[i].pieces[at];

            flat_add(&f, (struct geo_address){.low = p->first}, p->value);
            if (p->last < UINT32_MAX)
                flat_add(&f, (struct geo_address){.low = p->last + UINT64_C(1)}, SPAN_NONE);
        }
    }
    *out = flat_table(&f);
    return 0;
}

int geo_draft_finish(const struct geo_draft *d, struct span preset, struct arena *a,
                     struct geo *out)
{
    if (out->is_by_ranges)
        return flatten_ranges(d, preset, a, &out->ip4);
    if (flatten_networks(d, NETWORK_IP4, a, &out->ip4) < 0)
        return -ENOMEM;
    return flatten_networks(d, NETWORK_IP6, a, &out->ip6);
}
