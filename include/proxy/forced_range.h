/* forced_range - a part of an upstream's answer that it sent whole: proxy_force_ranges. */
#ifndef RINGWAY_PROXY_FORCED_RANGE_H
#define RINGWAY_PROXY_FORCED_RANGE_H

#include "proxy/heads_response.h"
#include "proxy/relay.h"

enum forced_range {
    FORCED_WHOLE,         /* the plan is for all of it */
    FORCED_PART,          /* the plan is for the part, 206 */
    FORCED_UNSATISFIABLE, /* plan.content_range is that of a 416 */
    FORCED_NO_MEMORY,
};

/* Changes the plan of an upstream's answer (record.response) whose location forces ranges. As
 * nginx: one part of a 200 whose length is known; several are answered by the whole. */
enum forced_range forced_range_plan(struct record *r, struct response_plan *plan,
                                    struct head *upstream, struct relay_part *part) MUST_USE;

#endif
