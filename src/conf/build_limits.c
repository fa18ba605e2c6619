/* build_limits - the limits of a level, with the zones that they name. */
#include "conf/build_limits.h"

static int find_zone(struct conf *c, const struct limit_draft *l, enum limit_kind kind,
                     const struct limit_zone_conf **out)
{
    struct limit_zone_conf *const *zones = c->limit_zones.items;

    for (size_t i = 0; i < c->limit_zones.count; i++) {
        if (!span_equals(zones[i]->name, l->zone))
            continue;
        *out = zones[i];
        if (zones[i]->kind == kind)
            return 0;
        return conf_fail_at(c, &l->origin,
                            "the shared memory zone \"%.*s\" is already declared for a different "
                            "use",
                            SPAN_ARG(l->zone));
    }
    return conf_fail_at(c, &l->origin, "zero size shared memory zone \"%.*s\"", SPAN_ARG(l->zone));
}

static int build_requests(struct conf *c, const struct vector *drafts, struct limits_conf *out)
{
    const struct limit_draft *from = drafts->items;
    struct request_limit *to = arena_zalloc(c->arena, (drafts->count + 1) * sizeof(*to));
    int rc = 0;

    if (!to)
        return conf_fail_no_memory(c);
    out->requests = to;
    out->request_count = drafts->count;
    for (size_t i = 0; i < drafts->count && !rc; i++) {
        to[i] = (struct request_limit){.burst = from[i].burst, .delay = from[i].delay};
        rc = find_zone(c, &from[i], LIMIT_REQUESTS, &to[i].zone);
    }
    return rc;
}

static int build_connections(struct conf *c, const struct vector *drafts, struct limits_conf *out)
{
    const struct limit_draft *from = drafts->items;
    struct connection_limit *to = arena_zalloc(c->arena, (drafts->count + 1) * sizeof(*to));
    int rc = 0;

    if (!to)
        return conf_fail_no_memory(c);
    out->connections = to;
    out->connection_count = drafts->count;
    for (size_t i = 0; i < drafts->count && !rc; i++) {
        to[i].most = from[i].most;
        rc = find_zone(c, &from[i], LIMIT_CONNECTIONS, &to[i].zone);
    }
    return rc;
}

int build_limits(struct conf *c, const struct limits_draft *d, const struct limits_conf **out)
{
    struct limits_conf *limits;
    int rc;

    *out = NULL;
    if (!d->requests.count && !d->connections.count)
        return 0;
    limits = arena_zalloc(c->arena, sizeof(*limits));
    if (!limits)
        return conf_fail_no_memory(c);
    limits->request_policy = d->request_policy;
    limits->connection_policy = d->connection_policy;
    rc = build_requests(c, &d->requests, limits);
    if (!rc)
        rc = build_connections(c, &d->connections, limits);
    *out = limits;
    return rc;
}
