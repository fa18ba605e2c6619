/* gate - the step of an exchange between its location and what answers it: may this client come?
 */
#include "proxy/gate.h"

#include "proxy/request_log.h"
#include "proxy/verdict.h"

/* What a check says. */
enum gate_answer {
    GATE_ABSTAINS, /* it has no say here */
    GATE_ALLOWS,
    GATE_REFUSES, /* gate.status */
};

/* How far a request has come through the gate of its location. */
struct gate {
    size_t check;     /* the next one */
    unsigned status;  /* that the check before refused with */
    unsigned refusal; /* of "satisfy any": with what it will be refused unless a check allows */
};

typedef enum gate_answer (*check_fn)(struct exchange *x, struct gate *g);

static enum gate_answer check_address(struct exchange *x, struct gate *g);

static const check_fn checks[] = {check_address};

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

static enum progress refuse(struct exchange *x, struct gate *g, unsigned status)
{
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

enum progress gate_run(struct exchange *x)
{
    if (!x->gate)
        x->gate = arena_zalloc(&x->arena, sizeof(*x->gate));
    if (!x->gate)
        return conclude(x, OUTCOME_NO_MEMORY);
    while (x->gate->check < COUNT_OF(checks)) {
        switch (checks[x->gate->check++](x, x->gate)) {
        case GATE_ABSTAINS:
            break;
        case GATE_ALLOWS:
            if (conf_of(x)->satisfies_any)
                return pass(x, x->gate);
            break;
        case GATE_REFUSES:
            if (!may_still_pass(x, x->gate))
                return refuse(x, x->gate, x->gate->status);
            break;
        }
    }
    return all_had_their_say(x, x->gate);
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
