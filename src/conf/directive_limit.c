/* directive_limit - the directives of how often and how many may come. Their table. */
#include "conf/directive_limit.h"

#include <string.h>

#include "conf/setter.h"

#define AT_LIMITS(member) ROW_AT(struct level, limits.member)
#define CONNECTIONS_MAX 65535
#define REQUEST 1000 /* thousandths */
/* 10^12 requests: sums with thousandths cannot overflow. */
#define REQUESTS_MAX UINT64_C(1000000000000)

/* --- zones ---------------------------------------------------------------------------------- */

static int fail_parameter(struct conf *c, const struct node *n, struct span word)
{
    return conf_fail(c, n, "invalid parameter \"%.*s\"", SPAN_ARG(word));
}

/* zone=name:size */
static int parse_zone(struct conf *c, const struct node *n, struct span word,
                      struct limit_zone_conf *z)
{
    struct span value = span_skip(word, SPAN("zone=").len);
    size_t colon = span_index_of(value, ':');
    uint64_t bytes;

    if (colon == value.len || setter_parse_size(span_skip(value, colon + 1), false, &bytes) < 0)
        return conf_fail(c, n, "invalid zone size \"%.*s\"", SPAN_ARG(word));
    if (bytes < LIMIT_ZONE_BYTES_MIN)
        return conf_fail(c, n, "zone \"%.*s\" is too small", SPAN_ARG(word));
    z->name = span_take(value, colon);
    z->bytes = bytes;
    return 0;
}

/* rate=5r/s, rate=30r/m */
static int parse_rate(struct conf *c, const struct node *n, struct span word,
                      struct limit_zone_conf *z)
{
    struct span value = span_skip(word, SPAN("rate=").len);
    uint64_t per_second = 0, seconds = 1;

    if (span_ends_with(value, SPAN("r/m")))
        seconds = 60;
    if (seconds == 60 || span_ends_with(value, SPAN("r/s")))
        value.len -= SPAN("r/s").len;
    if (span_to_u64(value, &per_second) < 0 || per_second == 0 || per_second > REQUESTS_MAX)
        return conf_fail(c, n, "invalid rate \"%.*s\"", SPAN_ARG(word));
    z->per_second = per_second * REQUEST / seconds;
    return 0;
}

static int parse_zone_words(struct conf *c, const struct node *n, struct limit_zone_conf *z)
{
    int rc = 0;

    z->per_second = REQUEST;
    for (size_t i = 2; i < n->word_count && !rc; i++) {
        if (span_starts_with(n->words[i], SPAN("zone=")))
            rc = parse_zone(c, n, n->words[i], z);
        else if (z->kind == LIMIT_REQUESTS && span_starts_with(n->words[i], SPAN("rate=")))
            rc = parse_rate(c, n, n->words[i], z);
        else
            rc = fail_parameter(c, n, n->words[i]);
    }
    if (!rc && !z->name.len)
        rc = conf_fail(c, n, "\"%.*s\" must have \"zone\" parameter", SPAN_ARG(n->words[0]));
    return rc ? rc : conf_template(c, &n->origin, n->words[1], &z->key);
}

static int check_name(struct conf *c, const struct node *n, const struct limit_zone_conf *z)
{
    struct limit_zone_conf *const *zones = c->limit_zones.items;

    for (size_t i = 0; i < c->limit_zones.count; i++) {
        if (!span_equals(zones[i]->name, z->name))
            continue;
        if (zones[i]->kind != z->kind)
            return conf_fail(c, n,
                             "the shared memory zone \"%.*s\" is already declared for a different "
                             "use",
                             SPAN_ARG(z->name));
        return conf_fail(c, n, "%.*s \"%.*s\" is already bound to key \"%.*s\"",
                         SPAN_ARG(n->words[0]), SPAN_ARG(z->name), SPAN_ARG(zones[i]->key.text));
    }
    return 0;
}

static int set_zone(struct conf *c, struct scope *s, const struct directive *d,
                    const struct node *n)
{
    struct limit_zone_conf *z = arena_zalloc(c->arena, sizeof(*z));
    struct limit_zone_conf **added;
    int rc;

    if (!z)
        return conf_fail_no_memory(c);
    z->kind = *(const enum limit_kind *)d->detail;
    z->origin = n->origin;
    rc = parse_zone_words(c, n, z);
    if (!rc)
        rc = check_name(c, n, z);
    if (rc)
        return rc;
    added = vector_add(c, &c->limit_zones, sizeof(struct limit_zone_conf *));
    if (!added)
        return -ENOMEM;
    *added = z;
    return 0;
}

/* --- limits --------------------------------------------------------------------------------- */

/* A level has one limit for each zone. */
static int check_duplicate(struct conf *c, const struct node *n, const struct vector *limits,
                           struct span zone)
{
    const struct limit_draft *all = limits->items;

    for (size_t i = 0; i + 1 < limits->count; i++) {
        if (span_equals(all[i].zone, zone))
            return conf_fail(c, n, "\"%.*s\" directive is duplicate", SPAN_ARG(n->words[0]));
    }
    return 0;
}

static int parse_requests(struct conf *c, const struct node *n, struct span word, const char *name,
                          uint64_t *thousandths)
{
    uint64_t requests;

    if (span_to_u64(span_skip(word, strlen(name) + 1), &requests) < 0 || requests == 0 ||
        requests > REQUESTS_MAX)
        return conf_fail(c, n, "invalid %s value \"%.*s\"", name, SPAN_ARG(word));
    *thousandths = requests * REQUEST;
    return 0;
}

static int parse_request_limit(struct conf *c, const struct node *n, struct limit_draft *l)
{
    int rc = 0;

    for (size_t i = 1; i < n->word_count && !rc; i++) {
        struct span word = n->words[i];

        if (span_starts_with(word, SPAN("zone="))) {
            l->zone = span_skip(word, SPAN("zone=").len);
            l->has_zone = true;
        } else if (span_starts_with(word, SPAN("burst="))) {
            rc = parse_requests(c, n, word, "burst", &l->burst);
        } else if (span_starts_with(word, SPAN("delay="))) {
            rc = parse_requests(c, n, word, "delay", &l->delay);
        } else if (span_equals(word, SPAN("nodelay"))) {
            l->delay = UINT64_MAX;
        } else {
            rc = fail_parameter(c, n, word);
        }
    }
    if (!rc && !l->has_zone)
        rc = conf_fail(c, n, "\"limit_req\" must have \"zone\" parameter");
    return rc;
}

static int set_request_limit(struct conf *c, struct scope *s, const struct directive *d,
                             const struct node *n)
{
    struct vector *limits = setter_value(s, d);
    struct limit_draft *l = vector_add(c, limits, sizeof(*l));
    int rc;

    if (!l)
        return -ENOMEM;
    l->origin = n->origin;
    rc = parse_request_limit(c, n, l);
    return rc ? rc : check_duplicate(c, n, limits, l->zone);
}

static int set_connection_limit(struct conf *c, struct scope *s, const struct directive *d,
                                const struct node *n)
{
    struct vector *limits = setter_value(s, d);
    struct limit_draft *l = vector_add(c, limits, sizeof(*l));
    uint64_t most;

    if (!l)
        return -ENOMEM;
    if (span_to_u64(n->words[2], &most) < 0 || most == 0)
        return conf_fail(c, n, "invalid number of connections \"%.*s\"", SPAN_ARG(n->words[2]));
    if (most > CONNECTIONS_MAX)
        return conf_fail(c, n, "connection limit must be less 65536");
    *l = (struct limit_draft){
        .zone = n->words[1], .has_zone = true, .most = (unsigned)most, .origin = n->origin};
    return check_duplicate(c, n, limits, l->zone);
}

/* --- the table ------------------------------------------------------------------------------ */

static const enum limit_kind requests = LIMIT_REQUESTS, connections = LIMIT_CONNECTIONS;
static const struct setter_bounds statuses = {400, 599};
static const struct setter_word levels[] = {{"info", LOG_LEVEL_INFO},
                                            {"notice", LOG_LEVEL_NOTICE},
                                            {"warn", LOG_LEVEL_WARN},
                                            {"error", LOG_LEVEL_ERROR},
                                            {NULL, 0}};

static const struct directive rows[] = {
    {.name = "limit_req_zone",
     .syntax = "key zone=name:size rate=rate",
     .contexts = CONTEXT_HTTP,
     .args_min = 3,
     .args_max = 3,
     .marks = ROW_REPEATABLE,
     .set = set_zone,
     .detail = &requests,
     .help = "where all workers keep how often requests with the same key came, and how often they "
             "may (5r/s, 30r/m); an empty key is not counted, a reload keeps what is counted"},
    {.name = "limit_req",
     .syntax = "zone=name [burst=number] [nodelay | delay=number]",
     .contexts = CONTEXT_LEVELS,
     .args_min = 1,
     .args_max = 3,
     .marks = ROW_REPEATABLE,
     .set = set_request_limit,
     AT_LIMITS(requests),
     .help = "holds requests back to the rate of the zone; more than burst= of them are refused"},
    {.name = "limit_req_status",
     .syntax = "code",
     .preset = "503",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_number,
     AT_LIMITS(request_policy.status),
     .detail = &statuses,
     .help = "the status of requests that limit_req refuses"},
    {.name = "limit_req_log_level",
     .syntax = "info | notice | warn | error",
     .preset = "error",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_word,
     AT_LIMITS(request_policy.level),
     .detail = levels,
     .help = "how a refusal by limit_req is logged; a delay one level lower"},
    {.name = "limit_req_dry_run",
     .syntax = "on | off",
     .preset = "off",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_flag,
     AT_LIMITS(request_policy.is_dry_run),
     .help = "whether limit_req only counts and logs"},
    {.name = "limit_conn_zone",
     .syntax = "key zone=name:size",
     .contexts = CONTEXT_HTTP,
     .args_min = 2,
     .args_max = 2,
     .marks = ROW_REPEATABLE,
     .set = set_zone,
     .detail = &connections,
     .help = "where all workers keep how many requests with the same key are under way; an empty "
             "key is not counted, a reload keeps what is counted"},
    {.name = "limit_conn",
     .syntax = "zone number",
     .contexts = CONTEXT_LEVELS,
     .args_min = 2,
     .args_max = 2,
     .marks = ROW_REPEATABLE,
     .set = set_connection_limit,
     AT_LIMITS(connections),
     .help = "how many connections with a request under way may have the same key"},
    {.name = "limit_conn_status",
     .syntax = "code",
     .preset = "503",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_number,
     AT_LIMITS(connection_policy.status),
     .detail = &statuses,
     .help = "the status of requests that limit_conn refuses"},
    {.name = "limit_conn_log_level",
     .syntax = "info | notice | warn | error",
     .preset = "error",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_word,
     AT_LIMITS(connection_policy.level),
     .detail = levels,
     .help = "how a refusal by limit_conn is logged"},
    {.name = "limit_conn_dry_run",
     .syntax = "on | off",
     .preset = "off",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_flag,
     AT_LIMITS(connection_policy.is_dry_run),
     .help = "whether limit_conn only counts and logs"},
};

const struct directive_table directive_limit_table = {rows, COUNT_OF(rows)};
