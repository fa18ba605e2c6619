/* pace - what has accrued, and when there will be more. */
#include "proxy/pace.h"

#include "conf/setter.h"
#include "proxy/variable.h"

#define MS_PER_SECOND 1000
#define STEPS_PER_SECOND 10
#define STEP_MS (MS_PER_SECOND / STEPS_PER_SECOND)

void pace_set_rate(struct record *r, uint64_t rate)
{
    r->limit_rate = rate;
    r->has_limit_rate = true;
}

void pace_set_text(struct record *r, struct span text)
{
    uint64_t rate;

    if (setter_parse_size(text, false, &rate) == 0)
        pace_set_rate(r, rate);
}

/* A size that a template makes; 0 where it makes none. */
static uint64_t size_of(struct record *r, const struct template *t)
{
    struct span text;
    uint64_t size;

    if (!t->text.data || record_expand(r, t, &text) || setter_parse_size(text, true, &size))
        return 0;
    return size;
}

static uint64_t rate_of(struct record *r, const struct template *t)
{
    uint64_t rate = size_of(r, t);

    return rate < PACE_RATE_MAX ? rate : 0;
}

bool pace_begin(struct pace *p, struct record *r, bool is_proxied)
{
    const struct rate_conf *conf = r->location->settings.rates;

    *p = (struct pace){.began_ms = loop_now_ms(r->engine->loop)};
    if (conf && !r->has_limit_rate)
        pace_set_rate(r, rate_of(r, &conf->limit_rate));
    p->limits[0].rate = r->limit_rate < PACE_RATE_MAX ? r->limit_rate : 0;
    if (conf)
        p->limits[0].free_bytes = size_of(r, &conf->limit_rate_after);
    if (conf && is_proxied)
        p->limits[1].rate = rate_of(r, &conf->proxy_limit_rate);
    return p->limits[0].rate || p->limits[1].rate;
}

/* Of the rate, in a time. */
static uint64_t accrued(uint64_t rate, uint64_t ms)
{
    return rate * (ms / MS_PER_SECOND) + rate * (ms % MS_PER_SECOND) / MS_PER_SECOND;
}

/* How long the rate takes for so many bytes, rounded up. */
static uint64_t ms_for(uint64_t rate, uint64_t bytes)
{
    return bytes / rate * MS_PER_SECOND + (bytes % rate * MS_PER_SECOND + rate - 1) / rate;
}

/* Of one limit; 0: the rest of a step has yet to accrue, and *resume_ms may be put later. */
static uint64_t allowance_of(const struct pace_limit *l, uint64_t began_ms, uint64_t sent_bytes,
                             uint64_t now_ms, uint64_t *resume_ms)
{
    uint64_t step = l->rate / STEPS_PER_SECOND + 1;
    uint64_t allowed = l->free_bytes + accrued(l->rate, now_ms - began_ms + STEP_MS);
    uint64_t due_ms;

    if (allowed >= sent_bytes + step || sent_bytes < l->free_bytes)
        return allowed - sent_bytes;
    due_ms = began_ms + ms_for(l->rate, sent_bytes + step - l->free_bytes);
    due_ms = due_ms > now_ms + STEP_MS ? due_ms - STEP_MS : now_ms + 1;
    if (due_ms > *resume_ms)
        *resume_ms = due_ms;
    return 0;
}

uint64_t pace_allowance(struct pace *p, uint64_t sent_bytes, uint64_t now_ms)
{
    uint64_t least = UINT64_MAX;

    p->resume_ms = 0;
    for (size_t i = 0; i < COUNT_OF(p->limits); i++) {
        if (p->limits[i].rate)
            least = u64_min(least, allowance_of(&p->limits[i], p->began_ms, sent_bytes, now_ms,
                                                &p->resume_ms));
    }
    return least;
}
