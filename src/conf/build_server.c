/* build_server - server blocks with their locations. */
#include "conf/build_server.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/build_field_rules.h"
#include "conf/build_level.h"
#include "conf/build_tls.h"
#include "conf/build_tls_server.h"
#include "conf/build_upstream.h"
#include "conf/directive.h"
#include "conf/directive_server.h"

#define LISTEN_PORT 80
#define LISTEN_PORT_UNPRIVILEGED 8000
#define LISTEN_BACKLOG 511

/* What the blocks of one server share. */
struct server_build {
    struct conf *c;
    struct server_conf *server;
    struct vector named; /* struct location_conf * */
    struct parser_limits parser_limits;
};

/* The locations right within one block. */
struct location_lists {
    struct vector prefixes, regexes; /* struct location_conf * */
};

/* --- where a location stands ---------------------------------------------------------------- */

/* outer: the location around it, NULL on the server's level. */
static int check_place(struct conf *c, const struct node *n, const struct location_conf *l,
                       const struct location_conf *outer)
{
    if (!outer)
        return 0;
    if (outer->kind == LOCATION_EXACT || outer->kind == LOCATION_NAMED)
        return conf_fail(c, n, "location \"%.*s\" cannot be inside the %s location \"%.*s\"",
                         SPAN_ARG(l->pattern), outer->kind == LOCATION_EXACT ? "exact" : "named",
                         SPAN_ARG(outer->pattern));
    if (l->kind == LOCATION_NAMED)
        return conf_fail(c, n, "named location \"%.*s\" can be on the server level only",
                         SPAN_ARG(l->pattern));
    if (l->kind != LOCATION_REGEX && !span_starts_with(l->pattern, outer->pattern))
        return conf_fail(c, n, "location \"%.*s\" is outside location \"%.*s\"",
                         SPAN_ARG(l->pattern), SPAN_ARG(outer->pattern));
    return 0;
}

static bool are_duplicates(const struct location_conf *a, const struct location_conf *b)
{
    return (a->kind == LOCATION_EXACT) == (b->kind == LOCATION_EXACT) &&
           span_equals(a->pattern, b->pattern);
}

static int add_location(struct conf *c, struct vector *list, const struct node *n,
                        struct location_conf *l)
{
    struct location_conf **all = list->items;

    for (size_t i = 0; i < list->count && l->kind != LOCATION_REGEX; i++) {
        if (are_duplicates(all[i], l))
            return conf_fail(c, n, "duplicate location \"%.*s\"", SPAN_ARG(l->pattern));
    }
    all = vector_add(c, list, sizeof(struct location_conf *));
    if (!all)
        return -ENOMEM;
    *all = l;
    return 0;
}

/* The longest first; of equal length the exact one first. */
static int compare_prefixes(const void *a, const void *b)
{
    const struct location_conf *const *la = a, *const *lb = b;
    struct span pa = (*la)->pattern, pb = (*lb)->pattern;
    int order;

    if (pa.len != pb.len)
        return pa.len > pb.len ? -1 : 1;
    order = pa.len ? memcmp(pa.data, pb.data, pa.len) : 0;
    if (order)
        return order;
    return ((*lb)->kind == LOCATION_EXACT) - ((*la)->kind == LOCATION_EXACT);
}

static void take_locations(struct location_conf *l, struct location_lists *lists)
{
    l->prefixes = lists->prefixes.items;
    l->prefix_count = lists->prefixes.count;
    l->regexes = lists->regexes.items;
    l->regex_count = lists->regexes.count;
    if (l->prefix_count)
        qsort(l->prefixes, l->prefix_count, sizeof(struct location_conf *), compare_prefixes);
}

/* --- what a location does ------------------------------------------------------------------- */

static int warn_unverified(struct conf *c, const struct proxy_pass *pass, const struct origin *o)
{
    struct unverified *known = c->unverified.items;

    for (size_t i = 0; i < c->unverified.count; i++) {
        if (known[i].tls == pass->tls && known[i].upstream == pass->upstream)
            return 0;
    }
    known = vector_add(c, &c->unverified, sizeof(*known));
    if (!known)
        return -ENOMEM;
    *known = (struct unverified){pass->tls, pass->upstream};
    conf_warn(c, o, "\"proxy_ssl_verify\" is off: whoever answers for upstream \"%.*s\" is trusted",
              SPAN_ARG(pass->upstream ? pass->upstream->name : pass->url->text));
    return 0;
}

/* is_pseudo: of a block within a location, where what its prefix matched is not known to it. */
static int take_proxy_pass(struct conf *c, const struct level *level, struct location_conf *l,
                           bool is_pseudo)
{
    const struct word *url = &level->proxy_pass;
    struct proxy_pass *pass = &l->proxy_pass;
    int rc;

    if (!url->text.len)
        return 0;
    rc = build_proxy_pass(c, url, pass);
    if (rc)
        return rc;
    if (pass->has_uri && (l->kind == LOCATION_REGEX || l->kind == LOCATION_NAMED || is_pseudo))
        return conf_fail_at(c, &url->origin,
                            "\"proxy_pass\" cannot have URI part in location given by regular "
                            "expression, or inside named location, or inside \"if\" statement, or "
                            "inside \"limit_except\" block");
    if (!pass->is_tls)
        return 0;
    rc = build_client_tls(c, &level->client_tls, &url->origin, &pass->tls);
    if (!rc)
        rc = build_client_certificate(c, &level->client_tls, &pass->certificate);
    if (!rc && !pass->tls->settings.verifies)
        rc = warn_unverified(c, pass, &url->origin);
    return rc;
}

static int take_level(struct conf *c, struct level *level, const struct level *outer,
                      struct location_conf *l)
{
    int rc = build_level(c, level, outer);

    l->settings = level->settings;
    l->try_files = level->try_files;
    l->is_internal = level->is_internal;
    if (!rc)
        rc = take_proxy_pass(c, level, l, false);
    return rc ? rc : build_field_rules(c, level, l);
}

/* --- limit_except --------------------------------------------------------------------------- */

/* A block within is a location of its own, without what a script of the location around it says;
 * what answers is inherited, as in nginx. */
static int build_within(struct conf *c, const struct scope *outer, const struct node *n,
                        const struct location_conf *around, struct location_conf **out)
{
    struct level *level = arena_zalloc(&c->scratch, sizeof(*level));
    struct location_conf *l = arena_alloc(c->arena, sizeof(*l));
    struct scope scope;
    int rc;

    if (!level || !l)
        return conf_fail_no_memory(c);
    *out = l;
    *l = (struct location_conf){.kind = around->kind,
                                .pattern = around->pattern,
                                .regex = around->regex,
                                .is_internal = around->is_internal,
                                .proxy_pass = around->proxy_pass,
                                .parser_limits = around->parser_limits,
                                .origin = n->origin};
    scope_init(&scope, n->row->opens, outer, n, level);
    rc = scope_read(c, &scope);
    if (!rc)
        rc = scope_complete(c, &scope);
    if (!rc)
        rc = build_level(c, level, outer->values);
    l->settings = level->settings;
    if (!rc)
        rc = take_proxy_pass(c, level, l, true);
    return rc ? rc : build_field_rules(c, level, l);
}

static int build_except(struct conf *c, const struct scope *scope, struct location_conf *around)
{
    const struct level *level = scope->values;
    const struct node *n = scope->node->first;
    struct limit_except *except;
    int rc;

    while (n && n->row->opens != CONTEXT_LIMIT_EXCEPT)
        n = n->next;
    if (!n)
        return 0;
    except = arena_zalloc(c->arena, sizeof(*except));
    if (!except)
        return conf_fail_no_memory(c);
    except->methods = level->except_methods.items;
    except->method_count = level->except_methods.count;
    rc = build_within(c, scope, n, around, &except->location);
    around->except = except;
    return rc;
}

/* --- scripts -------------------------------------------------------------------------------- */

/* Each "if" of a location is a location, too; in a server there is nothing but instructions. */
static int build_ifs(struct conf *c, const struct scope *scope, const struct location_conf *around)
{
    const struct level *level = scope->values;
    const struct if_draft *drafts = level->ifs.items;
    struct script_op *ops = level->script.items;
    int rc = 0;

    for (size_t i = 0; i < level->ifs.count && !rc; i++) {
        const struct node *n = drafts[i].node;
        struct location_conf *l = NULL;

        rc = build_within(c, scope, n, around, &l);
        if (n->row->opens == CONTEXT_IF_LOCATION)
            ops[drafts[i].op].condition.location = l;
    }
    return rc;
}

static int take_script(struct conf *c, const struct scope *scope, struct location_conf *l)
{
    const struct level *level = scope->values;
    struct script *script;

    if (!level->script.count)
        return 0;
    script = arena_alloc(c->arena, sizeof(*script));
    if (!script)
        return conf_fail_no_memory(c);
    *script = (struct script){.ops = level->script.items, .count = level->script.count};
    l->script = script;
    return build_ifs(c, scope, l);
}

/* --- locations ------------------------------------------------------------------------------ */

static int build_locations(struct server_build *b, const struct scope *outer,
                           struct location_conf *within, const struct location_conf *parent);

static int build_location(struct server_build *b, const struct scope *outer, const struct node *n,
                          struct location_lists *lists, const struct location_conf *parent)
{
    struct location_conf *l = arena_zalloc(b->c->arena, sizeof(*l));
    struct level *level = arena_zalloc(&b->c->scratch, sizeof(*level));
    struct vector *list = &lists->prefixes;
    struct scope scope;
    int rc;

    if (!l || !level)
        return conf_fail_no_memory(b->c);
    l->origin = n->origin;
    if (parent)
        l->regex_around = parent->kind == LOCATION_REGEX ? parent : parent->regex_around;
    l->parser_limits = b->parser_limits;
    rc = location_parse(b->c, n, l);
    if (!rc)
        rc = check_place(b->c, n, l, parent);
    if (rc)
        return rc;
    if (l->kind == LOCATION_NAMED)
        list = &b->named;
    else if (l->kind == LOCATION_REGEX)
        list = &lists->regexes;
    scope_init(&scope, CONTEXT_LOCATION, outer, n, level);
    rc = add_location(b->c, list, n, l);
    if (!rc)
        rc = scope_read(b->c, &scope);
    if (!rc)
        rc = scope_complete(b->c, &scope);
    if (!rc)
        rc = take_level(b->c, level, outer->values, l);
    if (!rc)
        rc = build_except(b->c, &scope, l);
    if (!rc)
        rc = take_script(b->c, &scope, l);
    return rc ? rc : build_locations(b, &scope, l, l);
}

/* All locations right within a block: a server's own level has no parent. */
static int build_locations(struct server_build *b, const struct scope *outer,
                           struct location_conf *within, const struct location_conf *parent)
{
    struct location_lists lists = {0};
    int rc = 0;

    for (const struct node *n = outer->node->first; n && !rc; n = n->next) {
        if (n->row->opens == CONTEXT_LOCATION)
            rc = build_location(b, outer, n, &lists, parent);
    }
    take_locations(within, &lists);
    return rc;
}

/* --- servers -------------------------------------------------------------------------------- */

static int add_default_listen(struct conf *c, struct level *level, const struct origin *o)
{
    struct listen_draft *l = vector_add(c, &level->listens, sizeof(*l));
    bool is_root = geteuid() == 0;
    int rc;

    if (!l)
        return -ENOMEM;
    *l = (struct listen_draft){
        .text = is_root ? SPAN("*:80") : SPAN("*:8000"),
        .origin = *o,
        .backlog = LISTEN_BACKLOG,
    };
    rc = address_parse_ip(SPAN("0.0.0.0"), is_root ? LISTEN_PORT : LISTEN_PORT_UNPRIVILEGED,
                          &l->address);
    assert(rc == 0);
    return 0;
}

static int add_empty_name(struct conf *c, struct level *level, const struct origin *o)
{
    struct server_name_draft *name = vector_add(c, &level->server_names, sizeof(*name));

    if (!name)
        return -ENOMEM;
    *name = (struct server_name_draft){.name = SPAN(""), .origin = *o};
    return 0;
}

static int complete_server(struct conf *c, struct level *level, const struct origin *o)
{
    if (!level->listens.count && add_default_listen(c, level, o) < 0)
        return -ENOMEM;
    if (!level->server_names.count && add_empty_name(c, level, o) < 0)
        return -ENOMEM;
    return 0;
}

static struct server_draft *add_server(struct conf *c, const struct node *block)
{
    struct server_draft *draft = arena_zalloc(&c->scratch, sizeof(*draft));
    struct server_conf *conf = arena_zalloc(c->arena, sizeof(*conf));
    struct server_draft **added;

    if (!draft || !conf) {
        conf_fail_no_memory(c);
        return NULL;
    }
    added = vector_add(c, &c->servers, sizeof(*added));
    if (!added)
        return NULL;
    *added = draft;
    draft->conf = conf;
    conf->index = (unsigned)c->servers.count - 1;
    conf->origin = block->origin;
    return draft;
}

static void name_server(const struct level *level, struct server_conf *conf)
{
    const struct server_name_draft *first = level->server_names.items;

    conf->name = first->name;
    if (span_starts_with(conf->name, SPAN("."))) /* ".example.com" is called "example.com" */
        conf->name = span_skip(conf->name, 1);
}

/* What the block itself says, with what it inherits. */
static int read_server(struct conf *c, struct scope *scope, struct level *level)
{
    int rc = scope_read(c, scope);

    if (!rc)
        rc = scope_complete(c, scope);
    return rc ? rc : complete_server(c, level, &scope->node->origin);
}

int build_server(struct conf *c, const struct scope *http, const struct node *block)
{
    struct server_draft *draft = add_server(c, block);
    struct server_build b = {.c = c};
    struct location_conf *root;
    struct scope scope;
    int rc;

    if (!draft)
        return -ENOMEM;
    b.server = draft->conf;
    root = &b.server->root;
    root->pattern = SPAN("");
    root->origin = block->origin;
    scope_init(&scope, CONTEXT_SERVER, http, block, &draft->level);
    rc = read_server(c, &scope, &draft->level);
    if (rc)
        return rc;
    name_server(&draft->level, b.server);
    rc = take_level(c, &draft->level, http->values, root);
    if (!rc)
        rc = take_script(c, &scope, root);
    if (!rc)
        rc = build_server_tls(c, &draft->level.server_tls, &block->origin, &b.server->tls);
    if (rc)
        return rc;
    b.parser_limits = build_parser_limits(&draft->level);
    root->parser_limits = b.parser_limits;
    rc = build_locations(&b, &scope, root, NULL);
    b.server->named = b.named.items;
    b.server->named_count = b.named.count;
    return rc;
}
