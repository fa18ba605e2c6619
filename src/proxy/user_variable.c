/* user_variable - the values of variables that the configuration makes. */
#include "proxy/user_variable.h"

#include "conf/geo.h"
#include "conf/split.h"
#include "conf/string_map.h"
#include "proxy/request_log.h"
#include "proxy/value.h"

struct user_value {
    struct span text;
    enum { VALUE_IS_UNKNOWN, VALUE_IS_BEING_MADE, VALUE_IS_KNOWN } state;
};

typedef struct span (*user_value_fn)(struct record *r, const struct user_variable *v,
                                     variable_fn get);

/* ---- kinds ---- */

static struct span capture_value(struct record *r, const struct user_variable *v, variable_fn get)
{
    return SPAN_NONE;
}

/* Read before "set" was run: what it shadows, or nothing. */
static struct span set_value(struct record *r, const struct user_variable *v, variable_fn get)
{
    if (v->source)
        return get(r, v->source);
    if (r->location->settings.uninitialized_variable_warn)
        request_log(r, LOG_LEVEL_WARN, "using uninitialized \"%.*s\" variable", SPAN_ARG(v->name));
    return SPAN("");
}

/* As in nginx, an empty text is no regex's. */
static const struct template *matching(struct record *r, const struct string_map *m,
                                       struct span key)
{
    for (size_t i = 0; key.len && i < m->regex_count; i++) {
        if (record_match(r, m->regexes[i].regex, key))
            return m->regexes[i].value;
    }
    return NULL;
}

static struct span map_value(struct record *r, const struct user_variable *v, variable_fn get)
{
    const struct string_map *m = v->source;
    struct span key = string_map_key(m, value_expand(r, &m->source, get));
    const struct template *value = string_map_find(m, key);

    if (!value)
        value = matching(r, m, key);
    if (!value)
        value = m->preset;
    return value ? value_expand(r, value, get) : SPAN("");
}

static struct span geo_value(struct record *r, const struct user_variable *v, variable_fn get)
{
    const struct geo *g = v->source;
    struct endpoint e = r->client->address;
    struct address address;
    struct span value;

    if (g->source.part_count) {
        bool is_ip = address_parse_ip(value_expand(r, &g->source, get), 0, &address) == 0;

        e = is_ip ? endpoint_of(&address) : (struct endpoint){.family = AF_UNSPEC};
    }
    if (g->trust.count)
        (void)forwarded_address(value_fields(r, r->request, SPAN("x_forwarded_for")), &g->trust,
                                &e);
    value = geo_find(g, &e);
    return value.data ? value : SPAN("");
}

static struct span split_value(struct record *r, const struct user_variable *v, variable_fn get)
{
    const struct split *s = v->source;
    struct span value = split_find(s, value_expand(r, &s->source, get));

    return value.data ? value : SPAN("");
}

static const user_value_fn getters[USER_VARIABLE_KIND_COUNT] = {
    [USER_VARIABLE_CAPTURE] = capture_value, [USER_VARIABLE_SET] = set_value,
    [USER_VARIABLE_MAP] = map_value,         [USER_VARIABLE_GEO] = geo_value,
    [USER_VARIABLE_SPLIT] = split_value,
};

/* ---- values ---- */

/* NULL: no memory. */
static struct user_value *value_at(struct record *r, size_t index)
{
    size_t count = r->snapshot->user_variables.count;

    assert(index < count);
    if (!r->user_values)
        r->user_values = arena_zalloc(r->arena, count * sizeof(*r->user_values));
    return r->user_values ? &r->user_values[index] : NULL;
}

struct span user_variable_get(struct record *r, size_t index, variable_fn get)
{
    const struct user_variable *v = &r->snapshot->user_variables.rows[index];
    struct user_value *value = value_at(r, index);

    if (!value) {
        r->lacks_memory = true;
        return SPAN_NONE;
    }
    if (value->state == VALUE_IS_KNOWN)
        return value->text;
    if (value->state == VALUE_IS_BEING_MADE) {
        request_log(r, LOG_LEVEL_ERROR, "cycle while evaluating variable \"%.*s\"",
                    SPAN_ARG(v->name));
        return SPAN_NONE;
    }
    value->state = VALUE_IS_BEING_MADE;
    value->text = getters[v->kind](r, v, get);
    value->state = v->is_volatile ? VALUE_IS_UNKNOWN : VALUE_IS_KNOWN;
    return value->text;
}

int user_variable_set(struct record *r, size_t index, struct span text)
{
    struct user_value *value = value_at(r, index);

    if (!value)
        return -ENOMEM;
    *value = (struct user_value){.text = text, .state = VALUE_IS_KNOWN};
    return 0;
}

/* ---- captures ---- */

int record_take_groups(struct record *r)
{
    const struct captures *c = &r->captures;
    size_t number, variable;

    for (size_t i = 0; regex_bound_group(c->regex, i, &number, &variable); i++) {
        if (user_variable_set(r, variable, c->at[number]) < 0)
            return -ENOMEM;
    }
    return 0;
}

bool record_match(struct record *r, const struct regex *regex, struct span subject)
{
    if (!regex_match(regex, subject, r->engine->regex_scratch, &r->captures))
        return false;
    if (record_take_groups(r) < 0)
        r->lacks_memory = true;
    return true;
}
