/* directive_flow - the directives of how fast and how far ahead answers go: their table. */
#include "conf/directive_flow.h"

#include "conf/setter.h"

#define AT(member) ROW_AT(struct level, member)
#define AT_FLOW(member) ROW_AT(struct level, flow.member)

/* A size with variables; one without is checked at once. */
static int set_rate(struct conf *c, struct scope *s, const struct directive *d,
                    const struct node *n)
{
    struct template *value = setter_value(s, d);
    int rc = set_template(c, s, d, n);
    uint64_t size;

    if (!rc && value->is_literal && setter_parse_size(value->text, false, &size) < 0)
        return conf_fail(c, n, "\"%s\" directive invalid value", d->name);
    return rc;
}

static int set_rate_after(struct conf *c, struct scope *s, const struct directive *d,
                          const struct node *n)
{
    struct template *value = setter_value(s, d);
    int rc = set_template(c, s, d, n);
    uint64_t size;

    if (!rc && value->is_literal && setter_parse_size(value->text, true, &size) < 0)
        return conf_fail(c, n, "\"%s\" directive invalid value", d->name);
    return rc;
}

static int set_size_at(struct conf *c, struct scope *s, const struct directive *d,
                       const struct node *n)
{
    struct size_draft *value = setter_value(s, d);

    *value = (struct size_draft){.count = 1, .origin = n->origin, .is_given = !c->is_in_preset};
    if (setter_parse_size(n->words[1], false, &value->size) < 0)
        return conf_fail(c, n, "\"%s\" directive invalid value", d->name);
    return 0;
}

static int set_buffer_size(struct conf *c, struct scope *s, const struct directive *d,
                           const struct node *n)
{
    const struct size_draft *value = setter_value(s, d);
    int rc = set_size_at(c, s, d, n);

    if (!rc && value->size == 0)
        return conf_fail(c, n, "\"%s\" directive invalid value", d->name);
    return rc;
}

static int set_buffers(struct conf *c, struct scope *s, const struct directive *d,
                       const struct node *n)
{
    struct size_draft *value = setter_value(s, d);

    *value = (struct size_draft){.origin = n->origin, .is_given = !c->is_in_preset};
    if (span_to_u64(n->words[1], &value->count) < 0 || value->count == 0 ||
        setter_parse_size(n->words[2], false, &value->size) < 0 || value->size == 0 ||
        value->count > SIZE_MAX / value->size)
        return conf_fail(c, n, "\"%s\" directive invalid value", d->name);
    if (value->count < 2)
        return conf_fail(c, n, "there must be at least 2 \"%s\"", d->name);
    return 0;
}

/* Its levels, if any, have one to three digits in all. */
static int set_temp_path(struct conf *c, struct scope *s, const struct directive *d,
                         const struct node *n)
{
    (void)s;
    for (size_t i = 2; i < n->word_count; i++) {
        uint64_t level;

        if (span_to_u64(n->words[i], &level) < 0 || level == 0 || level > 9)
            return conf_fail(c, n, "\"%s\" directive invalid value", d->name);
    }
    return 0;
}

static const struct directive rows[] = {
    {.name = "limit_rate",
     .syntax = "rate",
     .preset = "0",
     .contexts = CONTEXT_LEVELS | CONTEXT_IF_LOCATION,
     ONE_ARG,
     .set = set_rate,
     AT_FLOW(rates.limit_rate),
     .help = "bytes per second that an answer goes to its client with; 0: any; variables are "
             "allowed"},
    {.name = "limit_rate_after",
     .syntax = "size",
     .preset = "0",
     .contexts = CONTEXT_LEVELS | CONTEXT_IF_LOCATION,
     ONE_ARG,
     .set = set_rate_after,
     AT_FLOW(rates.limit_rate_after),
     .help = "bytes of an answer before limit_rate counts"},
    {.name = "proxy_limit_rate",
     .syntax = "rate",
     .preset = "0",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_rate,
     AT_FLOW(rates.proxy_limit_rate),
     .help = "bytes per second that are read of an upstream's answer; 0: any; variables are "
             "allowed"},
    {.name = "proxy_buffering",
     .syntax = "on | off",
     .preset = "on",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_flag,
     AT_FLOW(proxy_buffering),
     .help = "whether more of an answer is read than its client has taken: up to proxy_buffers; "
             "off: up to proxy_buffer_size",
     .difference = "what came is passed on at once, always"},
    {.name = "proxy_buffer_size",
     .syntax = "size",
     .preset = "4k",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_buffer_size,
     AT_FLOW(proxy_buffer_size),
     .help = "the largest head of an upstream's answer; then 502"},
    {.name = "proxy_buffers",
     .syntax = "number size",
     .preset = "8 4k",
     .contexts = CONTEXT_LEVELS,
     .args_min = 2,
     .args_max = 2,
     .set = set_buffers,
     AT_FLOW(proxy_buffers),
     .help = "what may wait of an answer for its client, in all; send_high_water where nobody says",
     .difference = "no more than send_high_water waits, as answers are not written to files"},
    {.name = "proxy_busy_buffers_size",
     .syntax = "size",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .marks = ROW_WITHOUT_EFFECT,
     .set = set_size_at,
     AT_FLOW(proxy_busy_buffers_size),
     .help = "what came is passed on at once"},
    {.name = "proxy_max_temp_file_size",
     .syntax = "size",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .marks = ROW_WITHOUT_EFFECT,
     .set = set_size_at,
     AT_FLOW(proxy_max_temp_file_size),
     .help = "answers are not written to files"},
    {.name = "proxy_temp_file_write_size",
     .syntax = "size",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .marks = ROW_WITHOUT_EFFECT,
     .set = set_size_at,
     AT_FLOW(proxy_temp_file_write_size),
     .help = "answers are not written to files"},
    {.name = "proxy_temp_path",
     .syntax = "path [level1 [level2 [level3]]]",
     .contexts = CONTEXT_LEVELS,
     .args_min = 1,
     .args_max = 4,
     .marks = ROW_WITHOUT_EFFECT,
     .set = set_temp_path,
     AT(ignored_number),
     .help = "answers are not written to files"},
};

const struct directive_table directive_flow_table = {rows, COUNT_OF(rows)};
