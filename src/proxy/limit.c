/* limit - limit_req and limit_conn: how often, and how many at once. */
#include "proxy/limit.h"

#include <inttypes.h>

#include "proxy/log_escape.h"
#include "proxy/request_log.h"
#include "proxy/variable.h"

#define KEY_BYTES_MAX 65535       /* of limit_req, as in nginx; a longer one is not counted */
#define KEY_BYTES_MAX_COUNTED 255 /* of limit_conn */
#define SHOWN_BYTES_MAX 200

/* ---- keys ---- */

static void say_too_long(struct record *r, const struct limit_zone_conf *z, struct span key)
{
    bool is_count = z->kind == LIMIT_CONNECTIONS;
    struct span shown =
        log_escape_copy(LOG_ESCAPE_DEFAULT, span_take(key, SHOWN_BYTES_MAX), r->arena);

    request_log(r, LOG_LEVEL_ERROR, "the value of the \"%.*s\" key is more than %d bytes: \"%.*s\"",
                SPAN_ARG(z->key.text), is_count ? KEY_BYTES_MAX_COUNTED : KEY_BYTES_MAX,
                SPAN_ARG(shown));
}

/* 0; -ENOENT: the request does not count here; -ENOMEM. */
static int key_of(struct record *r, const struct limit_zone_conf *z, struct keyed_hash *out)
{
    size_t most = z->kind == LIMIT_CONNECTIONS ? KEY_BYTES_MAX_COUNTED : KEY_BYTES_MAX;
    struct span key;

    if (record_expand(r, &z->key, &key) < 0)
        return -ENOMEM;
    if (!key.len)
        return -ENOENT;
    if (key.len > most) {
        say_too_long(r, z, key);
        return -ENOENT;
    }
    *out = limit_zone_key(z->zone, key);
    return 0;
}

static const char *dry_run_text(const struct limit_policy *p)
{
    return p->is_dry_run ? ", dry run" : "";
}

/* ---- how often ---- */

/* One limit that the request met and did not exceed. */
struct passed {
    const struct request_limit *limit;
    struct keyed_hash key;
};

/* What a request that meets several limits comes to: the longest delay, and whose it is. */
struct delay {
    uint64_t ms, excess;
    const struct request_limit *limit;
};

static struct limit_rate rate_of(const struct request_limit *l)
{
    return (struct limit_rate){.per_second = l->zone->per_second, .burst = l->burst};
}

static void delay_for(struct delay *d, const struct request_limit *l, uint64_t excess)
{
    uint64_t ms;

    if (excess <= l->delay)
        return;
    ms = (excess - l->delay) * 1000 / l->zone->per_second;
    if (ms > d->ms)
        *d = (struct delay){.ms = ms, .excess = excess, .limit = l};
}

/* The limits before the last are looked at first and counted now that none refuses. */
static void count_passed(const struct passed *passed, size_t count, uint64_t now_ms,
                         struct delay *d)
{
    while (count--) {
        struct limit_visit visit = {passed[count].key, now_ms, .is_counted = true};
        struct limit_rate rate = rate_of(passed[count].limit);
        uint64_t excess;
        bool fits;

        /* Another worker may have counted meanwhile: this one counts, too. */
        rate.burst = UINT64_MAX;
        fits = limit_zone_check(passed[count].limit->zone->zone, &visit, &rate, &excess);
        assert(fits);
        delay_for(d, passed[count].limit, excess);
    }
}

static unsigned refuse_request(struct record *r, const struct limits_conf *limits,
                               const struct request_limit *l, uint64_t excess)
{
    const struct limit_policy *p = &limits->request_policy;

    request_log(r, (enum log_level)p->level,
                "limiting requests%s, excess: %" PRIu64 ".%03" PRIu64 " by zone \"%.*s\"",
                dry_run_text(p), excess / 1000, excess % 1000, SPAN_ARG(l->zone->name));
    r->limit_req_state = p->is_dry_run ? LIMIT_STATE_REJECTED_DRY_RUN : LIMIT_STATE_REJECTED;
    return p->is_dry_run ? 0 : (unsigned)p->status;
}

static void note_delay(struct record *r, const struct limits_conf *limits, const struct delay *d)
{
    const struct limit_policy *p = &limits->request_policy;
    unsigned level = p->level == LOG_LEVEL_INFO ? LOG_LEVEL_INFO : p->level + 1;

    request_log(r, (enum log_level)level,
                "delaying request%s, excess: %" PRIu64 ".%03" PRIu64 ", by zone \"%.*s\"",
                dry_run_text(p), d->excess / 1000, d->excess % 1000,
                SPAN_ARG(d->limit->zone->name));
    r->limit_req_state = p->is_dry_run ? LIMIT_STATE_DELAYED_DRY_RUN : LIMIT_STATE_DELAYED;
}

static unsigned pass_request(struct record *r, const struct limits_conf *limits,
                             const struct delay *d, uint64_t *delay_ms)
{
    r->limit_req_state = LIMIT_STATE_PASSED;
    if (!d->ms)
        return 0;
    note_delay(r, limits, d);
    if (!limits->request_policy.is_dry_run)
        *delay_ms = d->ms;
    return 0;
}

unsigned limit_requests(struct record *r, const struct limits_conf *limits, uint64_t *delay_ms)
{
    uint64_t now_ms = loop_now_ms(r->engine->loop), excess;
    struct delay delay = {0};
    struct passed *passed;
    size_t count = 0;

    *delay_ms = 0;
    if (r->limit_req_state != LIMIT_STATE_NONE || !limits->request_count)
        return 0;
    passed = arena_alloc(r->arena, limits->request_count * sizeof(*passed));
    if (!passed)
        return 503;
    for (size_t i = 0; i < limits->request_count; i++) {
        const struct request_limit *l = &limits->requests[i];
        bool is_last = i + 1 == limits->request_count;
        struct limit_visit visit = {.now_ms = now_ms, .is_counted = is_last};
        struct limit_rate rate = rate_of(l);
        int rc = key_of(r, l->zone, &visit.key);

        if (rc == -ENOMEM)
            return 503;
        if (rc)
            continue;
        if (!limit_zone_check(l->zone->zone, &visit, &rate, &excess))
            return refuse_request(r, limits, l, excess);
        if (is_last) {
            delay_for(&delay, l, excess);
            r->limit_req_state = LIMIT_STATE_PASSED;
        } else {
            passed[count++] = (struct passed){.limit = l, .key = visit.key};
        }
    }
    if (!count && r->limit_req_state == LIMIT_STATE_NONE)
        return 0;
    count_passed(passed, count, now_ms, &delay);
    return pass_request(r, limits, &delay, delay_ms);
}

/* ---- how many ---- */

static int hold(struct record *r, const struct limit_zone_conf *z, struct keyed_hash key,
                struct limit_hold **holds)
{
    struct limit_hold *h = arena_alloc(r->arena, sizeof(*h));

    if (!h)
        return -ENOMEM;
    *h = (struct limit_hold){.next = *holds, .zone = z->zone, .key = key};
    *holds = h;
    return 0;
}

/* What was entered for this request is left again. */
static unsigned refuse_connection(struct record *r, const struct limits_conf *limits,
                                  struct limit_hold **holds)
{
    const struct limit_policy *p = &limits->connection_policy;

    limit_release(*holds);
    *holds = NULL;
    r->limit_conn_state = p->is_dry_run ? LIMIT_STATE_REJECTED_DRY_RUN : LIMIT_STATE_REJECTED;
    return p->is_dry_run ? 0 : (unsigned)p->status;
}

static unsigned enter(struct record *r, const struct limits_conf *limits,
                      const struct connection_limit *l, struct limit_hold **holds)
{
    const struct limit_policy *p = &limits->connection_policy;
    struct keyed_hash key;
    int rc = key_of(r, l->zone, &key);

    if (rc == -ENOENT)
        return 0;
    r->limit_conn_state = LIMIT_STATE_PASSED;
    if (rc || hold(r, l->zone, key, holds))
        return 503;
    switch (limit_zone_enter(l->zone->zone, key, l->most)) {
    case LIMIT_ENTERED:
        return 0;
    case LIMIT_FULL:
        request_log(r, (enum log_level)p->level, "limiting connections%s by zone \"%.*s\"",
                    dry_run_text(p), SPAN_ARG(l->zone->name));
        break;
    case LIMIT_NO_ROOM:
        request_log(r, LOG_LEVEL_CRIT, "no memory in limit_conn_zone \"%.*s\"",
                    SPAN_ARG(l->zone->name));
        break;
    }
    *holds = (*holds)->next; /* not entered */
    return refuse_connection(r, limits, holds);
}

unsigned limit_connections(struct record *r, const struct limits_conf *limits,
                           struct limit_hold **holds)
{
    if (r->limit_conn_state != LIMIT_STATE_NONE)
        return 0;
    for (size_t i = 0; i < limits->connection_count; i++) {
        unsigned status = enter(r, limits, &limits->connections[i], holds);

        if (status || r->limit_conn_state == LIMIT_STATE_REJECTED_DRY_RUN)
            return status;
    }
    return 0;
}

void limit_release(struct limit_hold *holds)
{
    for (; holds; holds = holds->next)
        limit_zone_leave(holds->zone, holds->key);
}
