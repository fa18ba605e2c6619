/* split - what a "split_clients" block looks up: shares of the range of a hash. */
#ifndef RINGWAY_CONF_SPLIT_H
#define RINGWAY_CONF_SPLIT_H

#include "conf/template.h"

#define SPLIT_WHOLE 10000 /* shares count hundredths of a percent */

struct split_part {
    uint32_t end; /* hashes below it are of this part, or of one before; of "*": not asked */
    bool is_rest; /* "*" */
    struct span value;
};

struct split {
    struct template source;
    const struct split_part *parts;
    size_t part_count;
};

/* "12.5%" in hundredths of a percent, from 1 on. 0, or -EINVAL. */
int split_parse_share(struct span text, uint64_t *hundredths) MUST_USE;

/* What the share adds to the ends of the parts behind it. */
uint32_t split_width(uint64_t hundredths);

/* MurmurHash2 with the seed 0, as nginx has it. */
uint32_t split_hash(struct span text);

/* The value for a text; SPAN_NONE where it falls behind the last part. */
struct span split_find(const struct split *s, struct span text);

#endif
