/* build_gate - what a level has a request pass before it is answered. */
#include "conf/build_gate.h"

int build_gate(struct conf *c, struct level *level, const struct level *outer)
{
    struct gate_draft *d = &level->gate;
    struct gate_conf *gate;

    if (outer && !d->rules.count)
        d->rules = outer->gate.rules;
    level->settings.gate = NULL;
    if (!d->rules.count)
        return 0;
    gate = arena_zalloc(c->arena, sizeof(*gate));
    if (!gate)
        return conf_fail_no_memory(c);
    gate->rules = d->rules.items;
    gate->rule_count = d->rules.count;
    gate->satisfies_any = d->satisfies_any;
    level->settings.gate = gate;
    return 0;
}
