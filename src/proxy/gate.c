/* gate - the step of an exchange between its location and what answers it: may this client come?
 */
#include "proxy/gate.h"

#include "proxy/basic_auth.h"
#include "proxy/limit.h"
#include "proxy/real_ip.h"
#include "proxy/request_log.h"
#include "proxy/subrequest.h"
#include "proxy/verdict.h"

/* What a check says. */
enum gate_answer {
    GATE_ABSTAINS, /* it has no say here */
    GATE_ALLOWS,
    GATE_REFUSES, /* gate.status */
    GATE_ASKS,    /* a subrequest has begun: the check is not over */
    GATE_WAITS,   /* it goes on in the next turn */
};

/* How far a request has come through the gate of its location. */
struct gate {
    size_t check;     /* the next one */
    unsigned status;  /* that the check before refused with */
    unsigned refusal; /* of "satisfy any": with what it will be refused unless a check allows */
    uint64_t delayed_until_ms; /* limit_req */
    uint64_t held_until_ms;    /* auth_delay: a 401 is held back; 0: it is not */
    uint64_t asked_from_ms;    /* limit_req of the location that is asked by a subrequest */
    struct basic_auth basic;   /* of check_password() */
};

typedef enum gate_answer (*check_fn)(struct exchange *x, struct gate *g);

static enum gate_answer check_address(struct exchange *x, struct gate *g);
static enum gate_answer check_password(struct exchange *x, struct gate *g);
static enum gate_answer check_request(struct exchange *x, struct gate *g);

static const check_fn checks[] = {check_address, check_password, check_request};

static const struct gate_conf *conf_of(const struct exchange *x)
{
    return exchange_settings(x)->gate;
}

/* ---- the step ---- */

/* Behind it the gate is as new: the request may come to another location's. */
static enum progress pass(struct exchange *x, struct gate *g)
{
    *g = (struct gate){0};
    return go_to(x, STEP_CONTENT);
}

/* WAIT; a client that has left meanwhile is let go. */
static enum progress wait_until(struct exchange *x, uint64_t deadline_ms)
{
    if (exchange_client_is_leaving(x))
        return conclude(x, OUTCOME_CLIENT_GONE);
    exchange_hear_client(x);
    timer_set(loop_wheel(x->view->engine->loop), x->timer, deadline_ms);
    return WAIT;
}

static enum progress wait_for_turn(struct exchange *x)
{
    if (client_of(x)->error)
        return conclude(x, OUTCOME_CLIENT_GONE);
    loop_ready(x->view->engine->loop, x->task);
    return WAIT;
}

static enum progress hold_back(struct exchange *x, struct gate *g)
{
    if (exchange_now_ms(x) < g->held_until_ms)
        return wait_until(x, g->held_until_ms);
    *g = (struct gate){0};
    return answer(x, 401);
}

static enum progress refuse(struct exchange *x, struct gate *g, unsigned status)
{
    uint64_t delay_ms = conf_of(x)->auth_delay_ms;

    if (status == 401 && delay_ms) {
        request_log(&x->record, LOG_LEVEL_INFO, "delaying unauthorized request");
        g->held_until_ms = exchange_now_ms(x) + delay_ms;
        return hold_back(x, g);
    }
    *g = (struct gate){0};
    return answer(x, status);
}

/* Under "satisfy any": asking for a password tells more than a plain refusal. */
static bool may_still_pass(const struct exchange *x, struct gate *g)
{
    if (!conf_of(x)->satisfies_any || (g->status != 401 && g->status != 403))
        return false;
    if (g->refusal != 401)
        g->refusal = g->status;
    return true;
}

static enum progress all_had_their_say(struct exchange *x, struct gate *g)
{
    if (!g->refusal)
        return pass(x, g);
    if (g->refusal == 403)
        request_log(&x->record, LOG_LEVEL_ERROR, "access forbidden by rule");
    return refuse(x, g, g->refusal);
}

static enum progress run_checks(struct exchange *x, struct gate *g)
{
    while (g->check < COUNT_OF(checks)) {
        switch (checks[g->check++](x, g)) {
        case GATE_ABSTAINS:
            break;
        case GATE_ALLOWS:
            if (conf_of(x)->satisfies_any) {
                x->record.challenges = SPAN_NONE; /* of a check before */
                return pass(x, g);
            }
            break;
        case GATE_REFUSES:
            if (!may_still_pass(x, g))
                return refuse(x, g, g->status);
            break;
        case GATE_WAITS:
            g->check--;
            return wait_for_turn(x);
        case GATE_ASKS:
            g->check--;
            return enter_server(x);
        }
    }
    return all_had_their_say(x, g);
}

/* Returns the status that refuses the request, or 0. Behind a delay it is called again: what the
 * request met is met once. */
static unsigned meet_limits(struct exchange *x, uint64_t *delayed_until_ms)
{
    const struct limits_conf *limits = conf_of(x)->limits;
    uint64_t delay_ms;
    unsigned status;

    if (!limits)
        return 0;
    status = limit_requests(&x->record, limits, &delay_ms);
    if (delay_ms)
        *delayed_until_ms = exchange_now_ms(x) + delay_ms;
    return status || delay_ms ? status : limit_connections(&x->record, limits, &x->holds);
}

/* As in nginx: who may come is asked of the request alone, how often of both. */
static enum progress limit_subrequest(struct exchange *x, struct gate *g)
{
    unsigned status = 0;

    if (exchange_now_ms(x) >= g->asked_from_ms)
        status = meet_limits(x, &g->asked_from_ms);
    if (status)
        return answer(x, status);
    if (exchange_now_ms(x) < g->asked_from_ms)
        return wait_until(x, g->asked_from_ms);
    return go_to(x, STEP_CONTENT);
}

enum progress gate_run(struct exchange *x)
{
    struct gate *g = x->gate;
    unsigned status = 0;

    if (x->subrequest && !x->subrequest->status)
        return limit_subrequest(x, g);
    if (!g)
        g = x->gate = arena_zalloc(&x->arena, sizeof(*g));
    if (!g)
        return conclude(x, OUTCOME_NO_MEMORY);
    if (g->held_until_ms)
        return hold_back(x, g);
    if (conf_of(x)->real_ip && real_ip_find(&x->record, conf_of(x)->real_ip))
        return conclude(x, OUTCOME_NO_MEMORY);
    if (!g->check && exchange_now_ms(x) >= g->delayed_until_ms)
        status = meet_limits(x, &g->delayed_until_ms);
    if (status) {
        *g = (struct gate){0};
        return answer(x, status);
    }
    if (exchange_now_ms(x) < g->delayed_until_ms)
        return wait_until(x, g->delayed_until_ms);
    return run_checks(x, g);
}

/* ---- addresses ---- */

static enum gate_answer check_address(struct exchange *x, struct gate *g)
{
    const struct gate_conf *conf = conf_of(x);
    const struct endpoint *client = &x->record.client->address;

    for (size_t i = 0; i < conf->rule_count; i++) {
        if (!network_has(&conf->rules[i].network, client))
            continue;
        if (conf->rules[i].allows)
            return GATE_ALLOWS;
        if (!conf->satisfies_any)
            request_log(&x->record, LOG_LEVEL_ERROR, "access forbidden by rule");
        g->status = 403;
        return GATE_REFUSES;
    }
    return GATE_ABSTAINS;
}

/* ---- passwords ---- */

static enum gate_answer check_password(struct exchange *x, struct gate *g)
{
    const struct basic_auth_conf *basic = conf_of(x)->basic;

    g->status = basic ? basic_auth_check(&x->record, basic, &g->basic) : 0;
    if (g->status == 0)
        return GATE_ABSTAINS;
    if (g->status == BASIC_AUTH_WAITS)
        return GATE_WAITS;
    return g->status == 200 ? GATE_ALLOWS : GATE_REFUSES;
}

/* ---- somebody else, who is asked by a subrequest ---- */

static enum gate_answer ask(struct exchange *x, struct gate *g)
{
    exchange_watch_client(x);
    if (!subrequest_begin(x, conf_of(x)->auth_request->uri))
        return GATE_ASKS;
    g->status = 503;
    return GATE_REFUSES;
}

static enum gate_answer check_request(struct exchange *x, struct gate *g)
{
    if (!conf_of(x)->auth_request)
        return GATE_ABSTAINS;
    if (!x->subrequest)
        return ask(x, g);
    g->status = x->subrequest->status;
    x->subrequest = NULL;
    if (g->status >= 200 && g->status < 300)
        return GATE_ALLOWS;
    if (g->status == 401 || g->status == 403)
        return GATE_REFUSES;
    request_log(&x->record, LOG_LEVEL_ERROR, "auth request unexpected status: %u", g->status);
    g->status = 500;
    return GATE_REFUSES;
}
