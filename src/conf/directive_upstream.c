/* directive_upstream - the directives of upstream blocks: their table. */
#include "conf/directive_upstream.h"

#include "conf/setter.h"

#define WEIGHT_MAX 1000000        /* sums over a group's peers fit into 32 bits with room */
#define KEEPALIVE_MAX (1 << 20)   /* idle connections of a worker to one group */
#define ZONE_BYTES_MIN (8 * 4096) /* nginx's smallest zone: eight pages */

/* The text behind "name=" when the word begins so. */
static bool take_parameter(struct span word, struct span name, struct span *value)
{
    if (!span_starts_with(word, name))
        return false;
    *value = span_skip(word, name.len);
    return true;
}

static int parse_number(struct span text, uint64_t min, uint64_t max, unsigned *out)
{
    uint64_t number;

    if (span_to_u64(text, &number) < 0 || number < min || number > max)
        return -EINVAL;
    *out = (unsigned)number;
    return 0;
}

static int parse_peer_parameter(struct peer_conf *p, struct span word)
{
    struct span value;

    if (take_parameter(word, SPAN("weight="), &value))
        return parse_number(value, 1, WEIGHT_MAX, &p->weight);
    if (take_parameter(word, SPAN("max_conns="), &value))
        return parse_number(value, 0, UINT32_MAX, &p->max_conns);
    if (take_parameter(word, SPAN("max_fails="), &value))
        return parse_number(value, 0, UINT32_MAX, &p->max_fails);
    if (take_parameter(word, SPAN("fail_timeout="), &value))
        return setter_parse_seconds(value, &p->fail_timeout_ms);
    if (span_equals(word, SPAN("backup")))
        p->is_backup = true;
    else if (span_equals(word, SPAN("down")))
        p->is_down = true;
    else
        return -EINVAL;
    return 0;
}

static int set_server(struct conf *c, struct scope *s, const struct directive *d,
                      const struct node *n)
{
    struct upstream_draft *u = s->values;
    struct peer_draft *p = vector_add(c, &u->peers, sizeof(*p));

    (void)d;
    if (!p)
        return -ENOMEM;
    p->url = n->words[1];
    p->origin = n->origin;
    p->conf = (struct peer_conf){.weight = 1, .max_fails = 1, .fail_timeout_ms = 10000};
    for (size_t i = 2; i < n->word_count; i++) {
        if (parse_peer_parameter(&p->conf, n->words[i]) < 0)
            return conf_fail(c, n, "invalid parameter \"%.*s\"", SPAN_ARG(n->words[i]));
    }
    return 0;
}

static int set_least_conn(struct conf *c, struct scope *s, const struct directive *d,
                          const struct node *n)
{
    struct upstream_draft *u = s->values;

    (void)d;
    if (u->balance == BALANCE_LEAST_CONN)
        conf_warn(c, &n->origin, "load balancing method redefined");
    u->balance = BALANCE_LEAST_CONN;
    return 0;
}

static int set_keepalive(struct conf *c, struct scope *s, const struct directive *d,
                         const struct node *n)
{
    uint64_t *count = setter_value(s, d);

    if (span_to_u64(n->words[1], count) < 0 || *count > KEEPALIVE_MAX)
        return conf_fail(c, n, "invalid value \"%.*s\" in \"%s\" directive", SPAN_ARG(n->words[1]),
                         d->name);
    return 0;
}

static int set_zone(struct conf *c, struct scope *s, const struct directive *d,
                    const struct node *n)
{
    uint64_t bytes;

    (void)s;
    (void)d;
    if (span_is_empty(n->words[1]))
        return conf_fail(c, n, "invalid zone name \"\"");
    if (n->word_count == 2)
        return 0;
    if (setter_parse_size(n->words[2], false, &bytes) < 0)
        return conf_fail(c, n, "invalid zone size \"%.*s\"", SPAN_ARG(n->words[2]));
    if (bytes < ZONE_BYTES_MIN)
        return conf_fail(c, n, "zone \"%.*s\" is too small", SPAN_ARG(n->words[1]));
    return 0;
}

static const struct setter_bounds from_1 = {1, UINT64_MAX};

static const struct directive rows[] = {
    {
        .name = "upstream",
        .syntax = "name",
        .contexts = CONTEXT_HTTP,
        .opens = CONTEXT_UPSTREAM,
        .args_min = 1,
        .args_max = 1,
        .marks = ROW_BLOCK | ROW_REPEATABLE,
        .help = "a group of servers to pass requests to",
    },
    {
        .name = "server",
        .syntax = "address [weight=number] [max_conns=number] [max_fails=number] "
                  "[fail_timeout=time] [backup] [down]",
        .contexts = CONTEXT_UPSTREAM,
        .args_min = 1,
        .args_max = ARGS_MANY,
        .marks = ROW_REPEATABLE,
        .set = set_server,
        .help = "a server of the group, by name or address; each address of a name is a peer",
    },
    {
        .name = "keepalive",
        .syntax = "connections",
        .preset = "32",
        .nginx_preset = "",
        .contexts = CONTEXT_UPSTREAM,
        .args_min = 1,
        .args_max = 1,
        .set = set_keepalive,
        ROW_AT(struct upstream_draft, keepalive_max),
        .help = "idle connections to the group that each worker keeps; 0: none",
        .difference = "kept under one TLS identity: never used for another name or certificate",
    },
    {
        .name = "keepalive_requests",
        .syntax = "number",
        .preset = "1000",
        .contexts = CONTEXT_UPSTREAM,
        .args_min = 1,
        .args_max = 1,
        .set = set_number,
        .detail = &from_1,
        ROW_AT(struct upstream_draft, keepalive_requests),
        .help = "requests over one upstream connection before it is closed",
    },
    {
        .name = "keepalive_time",
        .syntax = "time",
        .preset = "1h",
        .contexts = CONTEXT_UPSTREAM,
        .args_min = 1,
        .args_max = 1,
        .set = set_ms,
        ROW_AT(struct upstream_draft, keepalive_time_ms),
        .help = "age from which an upstream connection is closed after its request",
    },
    {
        .name = "keepalive_timeout",
        .syntax = "timeout",
        .preset = "60s",
        .contexts = CONTEXT_UPSTREAM,
        .args_min = 1,
        .args_max = 1,
        .set = set_ms,
        ROW_AT(struct upstream_draft, keepalive_timeout_ms),
        .help = "how long an upstream connection stays idle before it is closed",
    },
    {
        .name = "least_conn",
        .contexts = CONTEXT_UPSTREAM,
        .marks = ROW_REPEATABLE,
        .set = set_least_conn,
        .help = "the server with the fewest requests in progress is next, by weight",
    },
    {
        .name = "zone",
        .syntax = "name [size]",
        .contexts = CONTEXT_UPSTREAM,
        .args_min = 1,
        .args_max = 2,
        .marks = ROW_WITHOUT_EFFECT,
        .set = set_zone,
        .help = "a group's state is shared by all workers, always",
    },
};

const struct directive_table directive_upstream_table = {rows, COUNT_OF(rows)};
