/* geo - what a "geo" block looks up: values of networks, or of ranges of IPv4 addresses.
 *
 * Built in a draft that takes one line after the other; what comes of it is flat: disjoint ranges
 * in order, found by bisection, in the snapshot's arena. */
#ifndef RINGWAY_CONF_GEO_H
#define RINGWAY_CONF_GEO_H

#include "conf/template.h"
#include "core/forwarded.h"

/* An address as a number; of IPv4 high is 0. */
struct geo_address {
    uint64_t high, low;
};

struct geo_table {
    const struct geo_address *begins; /* of ranges that reach to the next; the first is 0 */
    const struct span *values;        /* data NULL: no line is for it */
    size_t count;                     /* 0: no line at all */
};

struct geo {
    struct template source;       /* part_count 0: the address of the client */
    struct forwarded_trust trust; /* "proxy": whose X-Forwarded-For says for whom they ask */
    bool is_by_ranges;
    struct geo_table ip4, ip6;
};

/* The value of an endpoint's address. IPv6 addresses that stand for IPv4 ones are those; what is no
 * IP address, and IPv6 among ranges, is 255.255.255.255. SPAN_NONE: no line is for it. */
struct span geo_find(const struct geo *g, const struct endpoint *e);

/* ---- building ---- */

struct geo_draft;

struct geo_draft *geo_draft_new(void) MUST_USE; /* NULL: no memory */
void geo_draft_free(struct geo_draft *d);

/* A network's value; the one that it had goes into *old (data NULL: none). 0 or -ENOMEM. */
int geo_draft_set(struct geo_draft *d, const struct network *n, struct span value,
                  struct span *old) MUST_USE;
/* Without a value again. False: it had none. */
bool geo_draft_delete(struct geo_draft *d, const struct network *n);

/* "192.0.2.1-192.0.2.9". 0, or -EINVAL. */
int geo_parse_range(struct span text, uint32_t *first, uint32_t *last) MUST_USE;

/* Where a range stands in the way of another. */
struct geo_overlap {
    uint32_t first, last;
    struct span value;
};

/* A range's value; it may lie within one that came before. 0; 1 when part of it was there (the last
 * such in *old: its value is replaced); -EINVAL when it overlaps *old; -ENOMEM. As in nginx, ranges
 * count by the pieces that the blocks of 65536 addresses make of them. */
int geo_draft_set_range(struct geo_draft *d, uint32_t first, uint32_t last, struct span value,
                        struct geo_overlap *old) MUST_USE;
/* False: nothing of it was there. */
bool geo_draft_delete_range(struct geo_draft *d, uint32_t first, uint32_t last);

/* Flattens it. preset: of what is in no range; data NULL: none. 0 or -ENOMEM. */
int geo_draft_finish(const struct geo_draft *d, struct span preset, struct arena *a,
                     struct geo *out) MUST_USE;

#endif
