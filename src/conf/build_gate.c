/* build_gate - what a level has a request pass before it is answered. */
#include "conf/build_gate.h"

#include "conf/build_limits.h"

/* As in nginx, without a file nobody is asked. */
static bool has_basic_auth(const struct gate_draft *d)
{
    bool is_off = d->realm.is_literal && span_equals(d->realm.text, SPAN("off"));

    return d->realm.text.data && !is_off && d->user_file.text.data;
}

static int build_basic_auth(struct conf *c, const struct gate_draft *d, struct gate_conf *gate)
{
    struct basic_auth_conf *basic;

    if (!has_basic_auth(d))
        return 0;
    basic = arena_zalloc(c->arena, sizeof(*basic));
    if (!basic)
        return conf_fail_no_memory(c);
    basic->realm = d->realm;
    basic->user_file = d->user_file;
    basic->path_prefix = c->options.conf_prefix;
    gate->basic = basic;
    return 0;
}

static int build_real_ip(struct conf *c, const struct gate_draft *d, struct gate_conf *gate)
{
    struct real_ip_conf *real_ip;

    if (!d->proxies.count)
        return 0;
    real_ip = arena_zalloc(c->arena, sizeof(*real_ip));
    if (!real_ip)
        return conf_fail_no_memory(c);
    real_ip->trust.proxies = d->proxies.items;
    real_ip->trust.count = d->proxies.count;
    real_ip->trust.is_recursive = d->real_ip_is_recursive;
    real_ip->field = d->real_ip_field;
    real_ip->is_proxy_header = span_equals(d->real_ip_field, SPAN("proxy_protocol"));
    gate->real_ip = real_ip;
    return 0;
}

static bool has_auth_request(const struct gate_draft *d)
{
    return d->auth_request_uri.data && !span_equals(d->auth_request_uri, SPAN("off"));
}

static int build_auth_request(struct conf *c, const struct gate_draft *d, struct gate_conf *gate)
{
    struct auth_request_conf *auth;

    if (!has_auth_request(d))
        return 0;
    auth = arena_zalloc(c->arena, sizeof(*auth));
    if (!auth)
        return conf_fail_no_memory(c);
    auth->uri = d->auth_request_uri;
    auth->variables = d->auth_variables.items;
    auth->variable_count = d->auth_variables.count;
    gate->auth_request = auth;
    return 0;
}

static bool has_anything(const struct gate_draft *d)
{
    return d->rules.count || d->proxies.count || has_basic_auth(d) || has_auth_request(d);
}

int build_gate(struct conf *c, struct level *level, const struct level *outer)
{
    struct gate_draft *d = &level->gate;
    const struct limits_conf *limits;
    struct gate_conf *gate;
    int rc;

    if (outer && !d->rules.count)
        d->rules = outer->gate.rules;
    level->settings.gate = NULL;
    rc = build_limits(c, &level->limits, &limits);
    if (rc || (!limits && !has_anything(d)))
        return rc;
    gate = arena_zalloc(c->arena, sizeof(*gate));
    if (!gate)
        return conf_fail_no_memory(c);
    gate->limits = limits;
    gate->rules = d->rules.items;
    gate->rule_count = d->rules.count;
    gate->satisfies_any = d->satisfies_any;
    gate->auth_delay_ms = d->auth_delay_ms;
    level->settings.gate = gate;
    rc = build_basic_auth(c, d, gate);
    if (!rc)
        rc = build_auth_request(c, d, gate);
    return rc ? rc : build_real_ip(c, d, gate);
}
