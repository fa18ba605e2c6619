/* limit_zone - how often somebody came of late, or how many of them are here: shared by all
 * workers.
 *
 * Counted, as it outlives the configuration that made it: a reload that names it again goes on with
 * it. Somebody is a key of any length, kept as a keyed hash of 16 bytes, so that all states are of
 * one size and nothing is allocated after the start. States are spread over shards, each with a
 * lock that is held for one look-up and one sum. A shard that is full forgets whoever was not seen
 * for longest; those that are counted as here are never forgotten. */
#ifndef RINGWAY_CORE_LIMIT_ZONE_H
#define RINGWAY_CORE_LIMIT_ZONE_H

#include "core/keyed_hash.h"

#define LIMIT_STATE_BYTES 64             /* so many bytes of a zone's size are one state */
#define LIMIT_ZONE_BYTES_MIN (32 * 1024) /* a smaller zone is refused */
#define LIMIT_SHARDS_MAX 16

struct limit_zone;

/* One reference to the caller; NULL: no memory. */
struct limit_zone *limit_zone_new(size_t bytes) MUST_USE;
/* One reference more, for the caller. Returns z. */
struct limit_zone *limit_zone_ref(struct limit_zone *z);
void limit_zone_unref(struct limit_zone *z); /* frees with the last one; NULL is allowed */

/* What a key is kept as in this zone; in no other one. */
struct keyed_hash limit_zone_key(const struct limit_zone *z, struct span key);

/* In thousandths of a request. */
struct limit_rate {
    uint64_t per_second;
    uint64_t burst;
};

/* One request more. */
struct limit_visit {
    struct keyed_hash key;
    uint64_t now_ms;
    bool is_counted; /* unless the burst is exceeded; else it is only looked at */
};

/* What a visit comes to: by how much the rate is exceeded. False: by more than the burst. */
bool limit_zone_check(struct limit_zone *z, const struct limit_visit *v,
                      const struct limit_rate *rate, uint64_t *excess) MUST_USE;

enum limit_entry { LIMIT_ENTERED, LIMIT_FULL, LIMIT_NO_ROOM };

/* One more is here, unless there are `most` of them, or the zone has no state left. */
enum limit_entry limit_zone_enter(struct limit_zone *z, struct keyed_hash key,
                                  unsigned most) MUST_USE;
/* One less: of those that entered. */
void limit_zone_leave(struct limit_zone *z, struct keyed_hash key);

#endif
