/* directive_map - the blocks that make variables of other ones: map, geo, split_clients. Their
 * table. */
#include "conf/directive_map.h"

#include "conf/geo.h"
#include "conf/setter.h"
#include "conf/split.h"
#include "conf/string_map.h"

/* --- what they share ------------------------------------------------------------------------ */

/* The variable that a block makes is its last argument. */
static struct span variable_of(const struct node *n)
{
    return n->words[n->word_count - 1];
}

static int learn_kind(struct conf *c, const struct node *n, enum user_variable_kind kind)
{
    return conf_learn_variable(c, &n->origin, variable_of(n), kind);
}

/* Of two blocks for one variable the later one counts, as in nginx. made: without its name. */
static int define(struct conf *c, const struct node *n, struct user_variable made)
{
    int rc = learn_kind(c, n, made.kind);
    struct user_variable *v;

    if (rc)
        return rc;
    v = conf_user_variable(c, span_skip(variable_of(n), 1));
    made.name = v->name;
    *v = made;
    return 0;
}

static int fail_count(struct conf *c, const struct node *block, const struct node *line)
{
    return conf_fail(c, line, "invalid number of the %.*s parameters", SPAN_ARG(block->words[0]));
}

static bool is_word(const struct node *line, struct span word)
{
    return line->word_count == 1 && span_equals(line->words[0], word);
}

/* --- map ------------------------------------------------------------------------------------ */

static bool is_regex(const struct node *line)
{
    return line->word_count == 2 && span_starts_with(line->words[0], SPAN("~"));
}

static int take_regex(struct conf *c, const struct node *line, struct regex **out)
{
    struct span pattern = span_skip(line->words[0], 1);
    bool ignores_case = span_starts_with(pattern, SPAN("*"));

    return conf_regex(c, &line->origin, span_skip(pattern, ignores_case), ignores_case, out);
}

/* The map's variable comes last: a group of the same name does not take its place. */
static int learn_map(struct conf *c, const struct node *n)
{
    struct regex *regex;
    int rc = 0;

    for (const struct node *line = n->first; line && !rc; line = line->next) {
        if (!line->row && is_regex(line))
            rc = take_regex(c, line, &regex);
    }
    return rc ? rc : learn_kind(c, n, USER_VARIABLE_MAP);
}

/* A map while its lines are read. */
struct map_draft {
    struct string_map *map;
    struct vector regexes; /* struct string_map_regex */
    bool is_volatile;
};

static int add_regex(struct conf *c, struct map_draft *m, const struct node *line,
                     const struct template *value)
{
    struct regex *regex;
    struct string_map_regex *added;
    int rc = take_regex(c, line, &regex);

    if (rc)
        return rc;
    added = vector_add(c, &m->regexes, sizeof(*added));
    if (!added)
        return -ENOMEM;
    *added = (struct string_map_regex){regex, value};
    return 0;
}

/* A backslash makes a text of what would mean something else: "\default", "\~a". */
static int add_key(struct conf *c, struct map_draft *m, const struct node *line,
                   const struct template *value)
{
    struct span key = line->words[0];

    if (key.len && key.data[0] == '\\')
        key = span_skip(key, 1);
    switch (string_map_add(m->map, c->arena, key, value)) {
    case 0:
        return 0;
    case -EEXIST:
        return conf_fail(c, line, "conflicting parameter \"%.*s\"", SPAN_ARG(key));
    case -EINVAL:
        return conf_fail(c, line, "invalid hostname or wildcard \"%.*s\"", SPAN_ARG(key));
    default:
        return conf_fail_no_memory(c);
    }
}

static int take_map_line(struct conf *c, struct map_draft *m, const struct node *block,
                         const struct node *line)
{
    struct template *value;
    int rc;

    if (is_word(line, SPAN("hostnames"))) {
        m->map->has_hostnames = true;
        return 0;
    }
    if (is_word(line, SPAN("volatile"))) {
        m->is_volatile = true;
        return 0;
    }
    if (line->word_count != 2)
        return fail_count(c, block, line);
    value = arena_alloc(c->arena, sizeof(*value));
    if (!value)
        return conf_fail_no_memory(c);
    rc = conf_template(c, &line->origin, line->words[1], value);
    if (rc)
        return rc;
    if (is_regex(line))
        return add_regex(c, m, line, value);
    if (!span_equals(line->words[0], SPAN("default")))
        return add_key(c, m, line, value);
    if (m->map->preset)
        return conf_fail(c, line, "duplicate default map parameter");
    m->map->preset = value;
    return 0;
}

static int set_map(struct conf *c, struct scope *s, const struct directive *d, const struct node *n)
{
    struct map_draft m = {.map = arena_zalloc(c->arena, sizeof(*m.map))};
    int rc;

    if (!m.map)
        return conf_fail_no_memory(c);
    rc = conf_template(c, &n->origin, n->words[1], &m.map->source);
    for (const struct node *line = n->first; line && !rc; line = line->next) {
        if (!line->row) /* include: its lines follow */
            rc = take_map_line(c, &m, n, line);
    }
    if (rc)
        return rc;
    m.map->regexes = m.regexes.items;
    m.map->regex_count = m.regexes.count;
    return define(c, n,
                  (struct user_variable){
                      .kind = USER_VARIABLE_MAP, .source = m.map, .is_volatile = m.is_volatile});
}

/* --- geo ------------------------------------------------------------------------------------ */

static int learn_geo(struct conf *c, const struct node *n)
{
    return learn_kind(c, n, USER_VARIABLE_GEO);
}

/* A block while its lines are read. */
struct geo_reading {
    struct conf *c;
    const struct node *block;
    struct geo *geo;
    struct geo_draft *draft;
    struct span preset;    /* of ranges */
    struct vector proxies; /* struct network */
    bool has_networks, is_volatile;
};

static int parse_network(struct conf *c, const struct node *line, struct span text,
                         struct network *out)
{
    int rc = setter_parse_network(c, &line->origin, text, out);

    if (rc < 0 || (out->kind != NETWORK_IP4 && out->kind != NETWORK_IP6))
        return conf_fail(c, line, "invalid network \"%.*s\"", SPAN_ARG(text));
    return 0;
}

static int set_network(struct geo_reading *g, const struct node *line, const struct network *n)
{
    struct span old;

    if (geo_draft_set(g->draft, n, line->words[1], &old) < 0)
        return conf_fail_no_memory(g->c);
    if (old.data)
        conf_warn(g->c, &line->origin,
                  "duplicate network \"%.*s\", value: \"%.*s\", old value: \"%.*s\"",
                  SPAN_ARG(line->words[0]), SPAN_ARG(line->words[1]), SPAN_ARG(old));
    return 0;
}

/* "default" is all networks of both kinds. */
static int take_network_line(struct geo_reading *g, const struct node *line)
{
    static const struct network all[] = {{.kind = NETWORK_IP4}, {.kind = NETWORK_IP6}};
    bool is_deletion = span_equals(line->words[0], SPAN("delete"));
    struct network n;
    int rc;

    g->has_networks = true;
    if (span_equals(line->words[0], SPAN("default"))) {
        rc = set_network(g, line, &all[0]);
        return rc ? rc : set_network(g, line, &all[1]);
    }
    rc = parse_network(g->c, line, line->words[is_deletion], &n);
    if (rc || !is_deletion)
        return rc ? rc : set_network(g, line, &n);
    if (!geo_draft_delete(g->draft, &n))
        conf_warn(g->c, &line->origin, "no network \"%.*s\" to delete", SPAN_ARG(line->words[1]));
    return 0;
}

static void set_range_preset(struct geo_reading *g, const struct node *line)
{
    if (g->preset.data)
        conf_warn(g->c, &line->origin,
                  "duplicate default geo range value: \"%.*s\", old value: \"%.*s\"",
                  SPAN_ARG(line->words[1]), SPAN_ARG(g->preset));
    g->preset = line->words[1];
}

static struct span ip4_text(uint32_t number, char out[ADDRESS_TEXT_BYTES])
{
    struct endpoint e = {.family = AF_INET,
                         .ip = {(unsigned char)(number >> 24), (unsigned char)(number >> 16),
                                (unsigned char)(number >> 8), (unsigned char)number}};

    return span_of(out, endpoint_format_host(&e, out));
}

static int fail_overlap(const struct geo_reading *g, const struct node *line,
                        const struct geo_overlap *old)
{
    char from[ADDRESS_TEXT_BYTES], to[ADDRESS_TEXT_BYTES];
    struct span first = ip4_text(old->first, from), last = ip4_text(old->last, to);

    return conf_fail(g->c, line, "range \"%.*s\" overlaps \"%.*s-%.*s\"", SPAN_ARG(line->words[0]),
                     SPAN_ARG(first), SPAN_ARG(last));
}

static int set_range(struct geo_reading *g, const struct node *line, uint32_t first, uint32_t last)
{
    struct geo_overlap old;

    switch (geo_draft_set_range(g->draft, first, last, line->words[1], &old)) {
    case 0:
        return 0;
    case 1:
        conf_warn(g->c, &line->origin,
                  "duplicate range \"%.*s\", value: \"%.*s\", old value: \"%.*s\"",
                  SPAN_ARG(line->words[0]), SPAN_ARG(line->words[1]), SPAN_ARG(old.value));
        return 0;
    case -EINVAL:
        return fail_overlap(g, line, &old);
    default:
        return conf_fail_no_memory(g->c);
    }
}

static int take_range_line(struct geo_reading *g, const struct node *line)
{
    bool is_deletion = span_equals(line->words[0], SPAN("delete"));
    struct span range = line->words[is_deletion];
    uint32_t first, last;

    if (span_equals(line->words[0], SPAN("default"))) {
        set_range_preset(g, line);
        return 0;
    }
    if (geo_parse_range(range, &first, &last) < 0)
        return conf_fail(g->c, line, "invalid range \"%.*s\"", SPAN_ARG(range));
    if (!is_deletion)
        return set_range(g, line, first, last);
    if (!geo_draft_delete_range(g->draft, first, last))
        conf_warn(g->c, &line->origin, "no address range \"%.*s\" to delete", SPAN_ARG(range));
    return 0;
}

static int add_proxy(struct geo_reading *g, const struct node *line)
{
    struct network *n = vector_add(g->c, &g->proxies, sizeof(*n));

    return n ? parse_network(g->c, line, line->words[1], n) : -ENOMEM;
}

static int take_geo_line(struct geo_reading *g, const struct node *line)
{
    if (is_word(line, SPAN("ranges"))) {
        if (g->has_networks)
            return conf_fail(g->c, line,
                             "the \"ranges\" directive must be the first directive inside \"geo\" "
                             "block");
        g->geo->is_by_ranges = true;
        return 0;
    }
    if (is_word(line, SPAN("volatile"))) {
        g->is_volatile = true;
        return 0;
    }
    if (is_word(line, SPAN("proxy_recursive"))) {
        g->geo->trust.is_recursive = true;
        return 0;
    }
    if (line->word_count != 2)
        return fail_count(g->c, g->block, line);
    if (span_equals(line->words[0], SPAN("proxy")))
        return add_proxy(g, line);
    return g->geo->is_by_ranges ? take_range_line(g, line) : take_network_line(g, line);
}

static int read_geo(struct geo_reading *g)
{
    struct span source = g->block->words[1];
    int rc = 0;

    if (g->block->word_count == 3 && (source.len < 2 || source.data[0] != '$'))
        return conf_fail(g->c, g->block, "invalid variable name \"%.*s\"", SPAN_ARG(source));
    if (g->block->word_count == 3)
        rc = conf_template(g->c, &g->block->origin, source, &g->geo->source);
    for (const struct node *line = g->block->first; line && !rc; line = line->next) {
        if (!line->row)
            rc = take_geo_line(g, line);
    }
    g->geo->trust.proxies = g->proxies.items;
    g->geo->trust.count = g->proxies.count;
    if (!rc && geo_draft_finish(g->draft, g->preset, g->c->arena, g->geo) < 0)
        rc = conf_fail_no_memory(g->c);
    if (rc)
        return rc;
    return define(g->c, g->block,
                  (struct user_variable){
                      .kind = USER_VARIABLE_GEO, .source = g->geo, .is_volatile = g->is_volatile});
}

static int set_geo(struct conf *c, struct scope *s, const struct directive *d, const struct node *n)
{
    struct geo_reading g = {.c = c,
                            .block = n,
                            .geo = arena_zalloc(c->arena, sizeof(*g.geo)),
                            .draft = geo_draft_new()};
    int rc = g.geo && g.draft ? read_geo(&g) : conf_fail_no_memory(c);

    geo_draft_free(g.draft);
    return rc;
}

/* --- split_clients -------------------------------------------------------------------------- */

static int learn_split(struct conf *c, const struct node *n)
{
    return learn_kind(c, n, USER_VARIABLE_SPLIT);
}

/* sum: of all shares so far; what is behind "*" gets nothing. */
static int add_part(struct conf *c, struct vector *parts, const struct node *line, uint64_t *sum)
{
    const struct split_part *before = parts->items;
    uint32_t end = parts->count ? before[parts->count - 1].end : 0;
    bool is_rest = span_equals(line->words[0], SPAN("*"));
    uint64_t share = 0;
    struct split_part *part;

    if (!is_rest && split_parse_share(line->words[0], &share) < 0)
        return conf_fail(c, line, "invalid percent value \"%.*s\"", SPAN_ARG(line->words[0]));
    part = vector_add(c, parts, sizeof(*part));
    if (!part)
        return -ENOMEM;
    *sum = is_rest ? SPLIT_WHOLE : *sum + share;
    *part = (struct split_part){.is_rest = is_rest, .value = line->words[1]};
    if (*sum <= SPLIT_WHOLE)
        part->end = end + split_width(share);
    return 0;
}

static int set_split(struct conf *c, struct scope *s, const struct directive *d,
                     const struct node *n)
{
    struct split *split = arena_zalloc(c->arena, sizeof(*split));
    struct vector parts = {0};
    bool is_too_much = false;
    uint64_t sum = 0;
    int rc;

    if (!split)
        return conf_fail_no_memory(c);
    rc = conf_template(c, &n->origin, n->words[1], &split->source);
    for (const struct node *line = n->first; line && !rc; line = line->next) {
        if (line->row)
            continue;
        rc = line->word_count == 2 ? add_part(c, &parts, line, &sum) : fail_count(c, n, line);
        is_too_much |= sum > SPLIT_WHOLE;
    }
    if (rc)
        return rc;
    if (is_too_much)
        return conf_fail_at(c, &n->end, "percent total is greater than 100%%");
    split->parts = parts.items;
    split->part_count = parts.count;
    return define(c, n, (struct user_variable){.kind = USER_VARIABLE_SPLIT, .source = split});
}

/* --- the table ------------------------------------------------------------------------------ */

static const struct setter_bounds from_1 = {1, UINT64_MAX};

static const struct directive rows[] = {
    {
        .name = "map",
        .syntax = "string $variable { default value; hostnames; volatile; include file; "
                  "key value; ~regex value; ~*regex value; }",
        .contexts = CONTEXT_HTTP,
        .opens = CONTEXT_FREE,
        .args_min = 2,
        .args_max = 2,
        .marks = ROW_BLOCK | ROW_REPEATABLE,
        .learn = learn_map,
        .set = set_map,
        .help =
            "a variable whose value depends on that of a string; upper and lower case are alike "
            "but for ~regex",
    },
    {
        .name = "map_hash_max_size",
        .syntax = "size",
        .preset = "2048",
        .contexts = CONTEXT_HTTP,
        .args_min = 1,
        .args_max = 1,
        .marks = ROW_WITHOUT_EFFECT,
        .set = set_number,
        .detail = &from_1,
        ROW_AT(struct level, ignored_number),
        .help = "tables have the size that they need",
    },
    {
        .name = "map_hash_bucket_size",
        .syntax = "size",
        .preset = "64",
        .contexts = CONTEXT_HTTP,
        .args_min = 1,
        .args_max = 1,
        .marks = ROW_WITHOUT_EFFECT,
        .set = set_number,
        .detail = &from_1,
        ROW_AT(struct level, ignored_number),
        .help = "tables have the size that they need",
    },
    {
        .name = "geo",
        .syntax = "[$address] $variable { ranges; default value; include file; network value; "
                  "first-last value; delete network; proxy network; proxy_recursive; volatile; }",
        .contexts = CONTEXT_HTTP,
        .opens = CONTEXT_FREE,
        .args_min = 1,
        .args_max = 2,
        .marks = ROW_BLOCK | ROW_REPEATABLE,
        .learn = learn_geo,
        .set = set_geo,
        .help = "a variable whose value depends on an address, by default that of the client",
    },
    {
        .name = "split_clients",
        .syntax = "string $variable { share% value; * value; }",
        .contexts = CONTEXT_HTTP,
        .opens = CONTEXT_FREE,
        .args_min = 2,
        .args_max = 2,
        .marks = ROW_BLOCK | ROW_REPEATABLE,
        .learn = learn_split,
        .set = set_split,
        .help = "a variable that takes each value for a share of all strings, by MurmurHash2",
    },
};

const struct directive_table directive_map_table = {rows, COUNT_OF(rows)};
