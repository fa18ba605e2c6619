/* build - a configuration, from its text to a snapshot. */
#include "conf/build.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conf/advice.h"
#include "conf/build_level.h"
#include "conf/build_listen.h"
#include "conf/build_server.h"
#include "conf/build_upstream.h"
#include "conf/directive.h"
#include "conf/understood.h"

#define ARENA_BLOCK_BYTES (64 * 1024)
#define ARENA_BYTES_MAX (1024 * 1024 * 1024) /* beyond: an error */

/* --- reading -------------------------------------------------------------------------------- */

/* The directory of a path, with its '/'; empty: the current one. */
static struct span directory_of(struct span path)
{
    size_t end = span_last_index_of(path, '/');

    return end < path.len ? span_take(path, end + 1) : SPAN("");
}

static int set_prefixes(struct conf *c, const struct build_options *o)
{
    struct span prefix = span_of_cstr(o->prefix);

    if (prefix.len)
        prefix =
            arena_printf(c->arena, "%s%s", o->prefix, span_ends_with(prefix, SPAN("/")) ? "" : "/");
    c->options.prefix = prefix;
    c->options.conf_prefix = o->path ? directory_of(span_of_cstr(o->path)) : prefix;
    c->tree.include_prefix = c->options.conf_prefix;
    return o->prefix && *o->prefix && !prefix.data ? conf_fail_no_memory(c) : 0;
}

/* -e: an error_log of the main context, where there is none. */
static int add_error_log(struct conf *c, const char *path)
{
    struct node *n = arena_zalloc(c->arena, sizeof(*n));
    struct span *words = arena_alloc(c->arena, 2 * sizeof(*words));
    struct node *root = &c->tree.root;

    for (const struct node *other = root->first; other; other = other->next) {
        if (span_equals(other->words[0], SPAN("error_log")))
            return 0;
    }
    if (!n || !words)
        return conf_fail_no_memory(c);
    words[0] = SPAN("error_log");
    words[1] = arena_copy(c->arena, span_of_cstr(path));
    if (!words[1].data)
        return conf_fail_no_memory(c);
    *n = (struct node){.parent = root, .words = words, .word_count = 2, .depth = 1};
    n->origin.file = SPAN(ORIGIN_COMMAND_LINE " (-e)");
    n->row = directive_find(words[0], CONTEXT_MAIN);
    if (root->last)
        root->last->next = n;
    else
        root->first = n;
    root->last = n;
    return 0;
}

/* Flags beside a file. */
static int read_tuning(struct conf *c, const struct build_options *o)
{
    struct tree *t = &c->tuning;

    tree_init(t, c->arena, &c->scratch, c->log);
    if (!o->tuning.len)
        return 0;
    t->check = directive_check;
    t->owner = t;
    t->root_context = CONTEXT_MAIN;
    t->line_names = o->line_names;
    t->line_count = o->line_count;
    return tree_read_text(t, SPAN(ORIGIN_COMMAND_LINE), o->tuning, false);
}

static int read_tree(struct conf *c, const struct build_options *o)
{
    const char *name = o->text_name ? o->text_name : ORIGIN_COMMAND_LINE;
    int rc = 0;

    tree_init(&c->tree, c->arena, &c->scratch, c->log);
    c->tree.check = directive_check;
    c->tree.owner = &c->tree;
    c->tree.root_context = CONTEXT_MAIN;
    c->tree.includes_nothing = o->reads_nothing;
    rc = set_prefixes(c, o);
    if (!rc && o->globals.len)
        rc = tree_read_text(&c->tree, SPAN(ORIGIN_COMMAND_LINE), o->globals, true);
    if (rc)
        return rc;
    if (o->path) {
        rc = tree_read_file(&c->tree, span_of_cstr(o->path));
    } else {
        c->tree.line_names = o->line_names;
        c->tree.line_count = o->line_count;
        rc = tree_read_text(&c->tree, span_of_cstr(name), o->text, false);
    }
    return rc || !o->error_log ? rc : add_error_log(c, o->error_log);
}

/* What the file makes a variable is one everywhere, also before the line that does. */
static int learn_variables(struct conf *c, const struct node *block)
{
    for (const struct node *n = block->first; n; n = n->next) {
        int rc = n->row && n->row->learn ? n->row->learn(c, n) : 0;

        if (!rc && n->is_block)
            rc = learn_variables(c, n);
        if (rc)
            return rc;
    }
    return 0;
}

/* --- main ----------------------------------------------------------------------------------- */

/* The block of a name in the main context; NULL when there is none. */
static const struct node *find_block(const struct tree *t, unsigned opens)
{
    for (const struct node *n = t->root.first; n; n = n->next) {
        if (n->row->opens == opens)
            return n;
    }
    return NULL;
}

/* One CPU set for each worker: in turn the ones that were written, the last one for the rest. */
static int build_affinity(struct conf *c)
{
    const cpu_set_t *written = c->main.affinity_sets.items;
    size_t written_count = c->main.affinity_sets.count;
    struct main_conf *m = &c->main.conf;
    cpu_set_t allowed;
    int cpu = -1;

    if (!written_count && !c->main.affinity_is_auto)
        return 0;
    m->affinity = arena_zalloc(c->arena, m->worker_count * sizeof(*m->affinity));
    if (!m->affinity)
        return conf_fail_no_memory(c);
    if (written_count && c->main.affinity_is_auto)
        allowed = written[0];
    else if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0 || CPU_COUNT(&allowed) == 0)
        CPU_SET(0, &allowed);
    for (size_t i = 0; i < m->worker_count; i++) {
        if (!c->main.affinity_is_auto) {
            m->affinity[i] = written[size_min(i, written_count - 1)];
            continue;
        }
        do
            cpu = (cpu + 1) % CPU_SETSIZE;
        while (!CPU_ISSET(cpu, &allowed));
        CPU_SET(cpu, &m->affinity[i]);
    }
    return 0;
}

/* One block, and what comes over it; NULL: not there. */
static int read_main(struct conf *c, unsigned context, const struct node *block,
                     const struct node *tuning)
{
    struct node empty = {0};
    struct scope scope;
    int rc;

    scope_init(&scope, context, NULL, block ? block : &empty, &c->main);
    rc = scope_read(c, &scope);
    if (!rc && tuning)
        rc = scope_read_over(c, &scope, tuning);
    return rc ? rc : scope_complete(c, &scope);
}

static int build_main(struct conf *c)
{
    int rc = read_main(c, CONTEXT_MAIN, &c->tree.root, &c->tuning.root);

    if (!rc)
        rc = read_main(c, CONTEXT_EVENTS, find_block(&c->tree, CONTEXT_EVENTS),
                       find_block(&c->tuning, CONTEXT_EVENTS));
    c->main.conf.environment = c->main.environment.items;
    c->main.conf.environment_count = c->main.environment.count;
    if (!rc)
        rc = build_affinity(c);
    if (!rc)
        rc = build_error_log(c, &c->main.error_logs, &c->main.conf.error_log);
    return rc;
}

/* --- http ----------------------------------------------------------------------------------- */

static int build_blocks(struct conf *c, const struct scope *http, unsigned opens)
{
    int rc = 0;

    for (const struct node *n = http->node->first; n && !rc; n = n->next) {
        if (n->row->opens != opens)
            continue;
        rc = opens == CONTEXT_UPSTREAM ? build_upstream_group(c, n) : build_server(c, http, n);
    }
    return rc;
}

static int build_http(struct conf *c, const struct node *block)
{
    struct level *level = arena_zalloc(&c->scratch, sizeof(*level));
    struct scope scope;
    int rc;

    if (!level)
        return conf_fail_no_memory(c);
    scope_init(&scope, CONTEXT_HTTP, NULL, block, level);
    /* "combined" is there before the first directive. */
    rc = scope_set_preset(c, &scope, directive_find(SPAN("log_format"), CONTEXT_HTTP));
    if (!rc)
        rc = scope_read(c, &scope);
    if (!rc)
        rc = scope_complete(c, &scope);
    if (rc)
        return rc;
    if (!level->error_logs.count)
        level->error_logs = c->main.error_logs;
    rc = build_level(c, level, NULL);
    if (!rc)
        rc = build_blocks(c, &scope, CONTEXT_UPSTREAM);
    if (!rc)
        rc = build_blocks(c, &scope, CONTEXT_SERVER);
    return rc ? rc : build_listens(c);
}

/* --- the snapshot --------------------------------------------------------------------------- */

/* An array of pointers out of a list of elements that begin with them. */
static int take_upstreams(struct conf *c, struct snapshot *s)
{
    const struct upstream_entry *entries = c->upstreams.items;

    s->upstream_count = c->upstreams.count;
    s->upstreams = arena_zalloc(c->arena, (s->upstream_count + 1) * sizeof(struct upstream_conf *));
    if (!s->upstreams)
        return conf_fail_no_memory(c);
    for (size_t i = 0; i < s->upstream_count; i++)
        s->upstreams[i] = entries[i].conf;
    return 0;
}

static int take_servers(struct conf *c, struct snapshot *s)
{
    struct server_draft *const *drafts = c->servers.items;

    s->server_count = c->servers.count;
    s->servers = arena_zalloc(c->arena, (s->server_count + 1) * sizeof(struct server_conf *));
    if (!s->servers)
        return conf_fail_no_memory(c);
    for (size_t i = 0; i < s->server_count; i++)
        s->servers[i] = drafts[i]->conf;
    return 0;
}

static int take_dump(struct conf *c, struct snapshot *s)
{
    const struct tree *trees[] = {&c->tree, &c->tuning};
    size_t count = c->tree.text_count + c->tuning.text_count;
    struct span *names = arena_zalloc(c->arena, (count + 1) * sizeof(*names));
    struct span *texts = arena_zalloc(c->arena, (count + 1) * sizeof(*texts));

    if (!names || !texts)
        return conf_fail_no_memory(c);
    s->dump_names = names;
    s->dump_texts = texts;
    for (size_t t = 0; t < COUNT_OF(trees); t++) {
        for (size_t i = 0; i < trees[t]->text_count; i++) {
            names[s->dump_count] = trees[t]->texts[i].name;
            texts[s->dump_count++] = trees[t]->texts[i].text;
        }
    }
    return 0;
}

/* Also of a build that failed: regexes are to be freed. */
static int take_regexes(struct conf *c, struct snapshot *s)
{
    const struct regex_use *uses = c->regexes.items;

    s->regexes = arena_zalloc(c->arena, (c->regexes.count + 1) * sizeof(struct regex *));
    for (size_t i = 0; i < c->regexes.count; i++) {
        if (s->regexes)
            s->regexes[i] = uses[i].regex;
        else
            regex_free(uses[i].regex);
    }
    s->regex_count = s->regexes ? c->regexes.count : 0;
    return s->regexes ? 0 : conf_fail_no_memory(c);
}

/* Those that are written to; the others need not be there. */
static void take_log_files(struct conf *c, struct snapshot *s)
{
    s->log_files = c->log_files.items;
    for (size_t i = 0; i < c->log_files.count; i++) {
        struct log_file *file = s->log_files[i];

        if (!file->is_used)
            continue;
        file->index = (unsigned)s->log_file_count;
        s->log_files[s->log_file_count++] = file;
    }
}

static int take_results(struct conf *c, struct snapshot *s)
{
    s->main = c->main.conf;
    s->tls_profiles = c->tls_profiles.items;
    s->tls_profile_count = c->tls_profiles.count;
    s->certificate_cache_count = c->certificate_cache_count;
    s->tls_server_profiles = c->tls_server_profiles.items;
    s->tls_server_profile_count = c->tls_server_profiles.count;
    s->resolvers = c->resolvers.items;
    s->resolver_count = c->resolvers.count;
    s->user_variables = (struct user_variables){c->variables.items, c->variables.count};
    s->limit_zones = c->limit_zones.items;
    s->limit_zone_count = c->limit_zones.count;
    take_log_files(c, s);
    s->folders = c->folders.items;
    s->folder_count = c->folders.count;
    s->log_uses = c->log_uses.items;
    s->log_use_count = c->log_uses.count;
    if (take_upstreams(c, s) < 0 || take_servers(c, s) < 0)
        return -ENOMEM;
    if (!c->options.is_test)
        return take_dump(c, s);
    conf_advise(c, (int64_t)time(NULL));
    if (conf_print_understood(c, &s->understood) < 0)
        return -ENOMEM;
    return take_dump(c, s);
}

static int build_all(struct conf *c, const struct build_options *o)
{
    const struct node *http;
    int rc = read_tree(c, o);

    if (!rc)
        rc = read_tuning(c, o);
    if (!rc)
        rc = learn_variables(c, &c->tree.root);
    if (!rc)
        rc = build_main(c);
    if (rc)
        return rc;
    http = find_block(&c->tree, CONTEXT_HTTP);
    /* "events" may be left out, but a file without both is one that was cut, or is yet to be
     * written: a reload is not to close everything. */
    if (!http && !find_block(&c->tree, CONTEXT_EVENTS))
        return conf_fail(c, &c->tree.root, "no \"events\" section in configuration");
    if (http)
        rc = build_http(c, http);
    if (!rc && !c->servers.count)
        log_write(c->log, LOG_LEVEL_WARN, "no \"server\" is configured: there is nothing to do");
    return rc;
}

static int build_into(struct conf *c, const struct build_options *o)
{
    int rc = build_all(c, o);

    if (!rc)
        rc = take_results(c, c->snapshot);
    if (take_regexes(c, c->snapshot) < 0)
        rc = -ENOMEM;
    return rc;
}

int snapshot_build(const struct build_options *o, const struct log *log, struct snapshot **out)
{
    struct snapshot *s = calloc(1, sizeof(*s));
    struct conf *c = calloc(1, sizeof(*c));
    int rc = -ENOMEM;

    *out = NULL;
    if (!s || !c) {
        log_write(log, LOG_LEVEL_EMERG, "no memory left to build the configuration");
        free(s);
        free(c);
        return rc;
    }
    arena_init(&s->arena, ARENA_BLOCK_BYTES, ARENA_BYTES_MAX);
    arena_init(&c->scratch, ARENA_BLOCK_BYTES, ARENA_BYTES_MAX);
    atomic_init(&s->ref_count, 1);
    s->generation = o->generation;
    c->snapshot = s;
    c->arena = &s->arena;
    c->log = log;
    c->options = (struct conf_options){.is_test = o->is_test, .reads_nothing = o->reads_nothing};
    rc = build_into(c, o);
    if (rc)
        snapshot_unref(s);
    else
        *out = s;
    arena_deinit(&c->scratch);
    free(c);
    return rc;
}
