/* build_field_rules - what becomes of fields of upstreams' answers in a location. */
#include "conf/build_field_rules.h"

static int literal(struct conf *c, struct span text, struct template *out)
{
    if (!text.data)
        return conf_fail_no_memory(c);
    *out = (struct template){.is_literal = true, .text = text};
    return 0;
}

/* "proxy_redirect default": the URL of proxy_pass becomes the location's path. */
static int make_default(struct conf *c, const struct level *level, const struct location_conf *l,
                        struct replacement *out)
{
    struct span url = level->proxy_pass.text;
    const char *slash = l->proxy_pass.has_uri ? "" : "/";
    int rc = literal(c, arena_printf(c->arena, "%.*s%s", SPAN_ARG(url), slash), &out->from);

    return rc ? rc : literal(c, l->proxy_pass.has_uri ? l->pattern : SPAN("/"), &out->to);
}

/* Where a proxy_pass without variables stands and no rule is written or inherited, the default
 * holds. */
static int add_preset(struct conf *c, struct level *level)
{
    struct rule_list *redirects = &level->field_rules.redirects;
    struct span url = level->proxy_pass.text;
    struct replacement *r;

    if (redirects->is_off || redirects->rules.count || !url.len ||
        span_index_of(url, '$') < url.len)
        return 0;
    r = vector_add(c, &redirects->rules, sizeof(*r));
    return r ? 0 : -ENOMEM;
}

static struct replacements replacements_of(const struct rule_list *list)
{
    return (struct replacements){list->rules.items, list->rules.count};
}

int build_field_rules(struct conf *c, struct level *level, struct location_conf *l)
{
    const struct field_rules_draft *d = &level->field_rules;
    struct field_rules *rules;
    struct replacement *rows;
    int rc = add_preset(c, level);

    rows = d->redirects.rules.items;
    for (size_t i = 0; i < d->redirects.rules.count && !rc; i++) {
        if (replacement_is_default(&rows[i]))
            rc = make_default(c, level, l, &rows[i]);
    }
    if (rc || !(d->redirects.rules.count || d->cookie_domains.rules.count ||
                d->cookie_paths.rules.count || d->cookie_flags.rules.count))
        return rc;
    rules = arena_zalloc(c->arena, sizeof(*rules));
    if (!rules)
        return conf_fail_no_memory(c);
    rules->redirects = replacements_of(&d->redirects);
    rules->cookie_domains = replacements_of(&d->cookie_domains);
    rules->cookie_paths = replacements_of(&d->cookie_paths);
    rules->cookie_flags = d->cookie_flags.rules.items;
    rules->cookie_flags_count = d->cookie_flags.rules.count;
    l->settings.field_rules = rules;
    return 0;
}
