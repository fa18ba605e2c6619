/* limit_conf - limit_req and limit_conn, as the file has them. */
#ifndef RINGWAY_CONF_LIMIT_CONF_H
#define RINGWAY_CONF_LIMIT_CONF_H

#include "conf/origin.h"
#include "conf/template.h"
#include "core/limit_zone.h"
#include "core/log.h"

enum limit_kind { LIMIT_REQUESTS, LIMIT_CONNECTIONS };

struct limit_zone_conf {
    enum limit_kind kind;
    struct span name;
    struct template key;
    size_t bytes;
    uint64_t per_second;     /* of requests: thousandths */
    struct limit_zone *zone; /* one reference; NULL until the snapshot has its zones */
    struct origin origin;
};

/* limit_req zone= burst= delay= */
struct request_limit {
    const struct limit_zone_conf *zone;
    uint64_t burst, delay; /* thousandths; more excess than delay is delayed */
};

/* limit_conn zone number */
struct connection_limit {
    const struct limit_zone_conf *zone;
    unsigned most;
};

/* What comes of it when a limit is reached. */
struct limit_policy {
    uint64_t status;
    unsigned level; /* enum log_level */
    bool is_dry_run;
};

struct limits_conf {
    const struct request_limit *requests;
    size_t request_count;
    const struct connection_limit *connections;
    size_t connection_count;
    struct limit_policy request_policy, connection_policy;
};

#endif
