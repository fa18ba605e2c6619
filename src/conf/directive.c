/* directive - all directives: found by name, checked, set, inherited, printed. */
#include "conf/directive.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "conf/directive_access.h"
#include "conf/directive_added.h"
#include "conf/directive_answer.h"
#include "conf/directive_body.h"
#include "conf/directive_client.h"
#include "conf/directive_disk.h"
#include "conf/directive_files.h"
#include "conf/directive_flow.h"
#include "conf/directive_http.h"
#include "conf/directive_ignored.h"
#include "conf/directive_limit.h"
#include "conf/directive_link.h"
#include "conf/directive_log.h"
#include "conf/directive_main.h"
#include "conf/directive_process.h"
#include "conf/directive_map.h"
#include "conf/directive_proxy.h"
#include "conf/directive_resolver.h"
#include "conf/directive_rewrite.h"
#include "conf/directive_server.h"
#include "conf/directive_ssl.h"
#include "conf/directive_ssl_server.h"
#include "conf/directive_tuning.h"
#include "conf/directive_upstream.h"

static const struct directive_table *const tables[] = {
    &directive_main_table,       &directive_tuning_table,   &directive_log_table,
    &directive_http_table,       &directive_client_table,   &directive_server_table,
    &directive_upstream_table,   &directive_proxy_table,    &directive_ssl_table,
    &directive_ssl_server_table, &directive_access_table,   &directive_ignored_table,
    &directive_process_table,    &directive_files_table,    &directive_rewrite_table,
    &directive_map_table,        &directive_answer_table,   &directive_body_table,
    &directive_limit_table,      &directive_added_table,    &directive_flow_table,
    &directive_disk_table,       &directive_resolver_table, &directive_link_table,
};

/* --- finding -------------------------------------------------------------------------------- */

const struct directive *directive_at(size_t i)
{
    for (size_t t = 0; t < COUNT_OF(tables); t++) {
        if (i < tables[t]->count)
            return &tables[t]->rows[i];
        i -= tables[t]->count;
    }
    return NULL;
}

size_t directive_number(const struct directive *d)
{
    size_t number = 0;

    for (size_t t = 0; t < COUNT_OF(tables); t++) {
        if (d >= tables[t]->rows && d < tables[t]->rows + tables[t]->count) {
            number += (size_t)(d - tables[t]->rows);
            break;
        }
        number += tables[t]->count;
    }
    assert(number < DIRECTIVES_MAX);
    return number;
}

const struct directive *directive_find(struct span name, unsigned context)
{
    for (size_t t = 0; t < COUNT_OF(tables); t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            const struct directive *d = &tables[t]->rows[i];

            if ((d->contexts & context) && span_equals(name, span_of_cstr(d->name)))
                return d;
        }
    }
    return NULL;
}

const struct directive *directive_named(struct span name, size_t i)
{
    const struct directive *d;

    for (size_t at = 0; (d = directive_at(at)); at++) {
        if (span_equals(name, span_of_cstr(d->name)) && i-- == 0)
            return d;
    }
    return NULL;
}

/* --- checking a directive's head ------------------------------------------------------------ */

/* The block whose missing brace may be the cause: the one that would be nested in itself, else
 * the innermost. */
static const struct node *suspect(const struct node *n)
{
    for (const struct node *open = n->parent; open->word_count; open = open->parent) {
        if (span_equals(open->words[0], n->words[0]))
            return open;
    }
    return n->parent;
}

static int check_free(struct tree *t, struct node *n)
{
    n->row = directive_find(n->words[0], CONTEXT_FREE);
    if (n->is_block)
        return tree_fail_open(t, &n->origin, n->parent, "unexpected \"{\"");
    return 0;
}

static int check_head(const struct tree *t, const struct node *n)
{
    const struct directive *d = n->row;
    const char *problem = NULL;

    if (!(d->marks & ROW_BLOCK) && n->is_block)
        problem = "is not terminated by \";\"";
    if ((d->marks & ROW_BLOCK) && !n->is_block)
        problem = "has no opening \"{\"";
    if (problem)
        return tree_fail_open(t, &n->origin, NULL, "directive \"%s\" %s", d->name, problem);
    if (n->word_count - 1 < d->args_min || n->word_count - 1 > d->args_max)
        return tree_fail_open(t, &n->origin, NULL,
                              "invalid number of arguments in \"%s\" directive", d->name);
    return 0;
}

int directive_check(void *tree, struct node *n)
{
    struct tree *t = tree;
    unsigned context = n->parent->row ? n->parent->row->opens : t->root_context;

    if (context == CONTEXT_FREE) {
        int rc = check_free(t, n);

        if (rc || !n->row)
            return rc;
    }
    n->row = directive_find(n->words[0], context);
    if (n->row)
        return check_head(t, n);
    if (directive_named(n->words[0], 0))
        return tree_fail_open(t, &n->origin, suspect(n), "\"%.*s\" directive is not allowed here",
                              SPAN_ARG(n->words[0]));
    return tree_fail_open(t, &n->origin, NULL, "unknown directive \"%.*s\"", SPAN_ARG(n->words[0]));
}

/* --- scopes --------------------------------------------------------------------------------- */

void scope_init(struct scope *s, unsigned context, const struct scope *outer,
                const struct node *node, void *values)
{
    *s = (struct scope){.context = context, .outer = outer, .node = node, .values = values};
}

bool scope_has(const struct scope *s, const struct directive *d)
{
    size_t number = directive_number(d);

    return s->is_set[number / 64] >> (number % 64) & 1;
}

static int read_directive(struct conf *c, struct scope *s, const struct node *n)
{
    const struct directive *d = n->row;
    size_t number = directive_number(d);

    if (scope_has(s, d) && !(d->marks & ROW_REPEATABLE))
        return conf_fail(c, n, "\"%s\" directive is duplicate", d->name);
    s->is_set[number / 64] |= UINT64_C(1) << (number % 64);
    if ((d->marks & ROW_WITHOUT_EFFECT) && c->options.is_test)
        origin_log(c->log, LOG_LEVEL_NOTICE, &n->origin, "\"%s\" has no effect here: %s", d->name,
                   d->help);
    return d->set ? d->set(c, s, d, n) : 0;
}

int scope_read(struct conf *c, struct scope *s)
{
    for (const struct node *n = s->node->first; n; n = n->next) {
        int rc = read_directive(c, s, n);

        if (rc)
            return rc;
    }
    return 0;
}

int scope_read_over(struct conf *c, struct scope *s, const struct node *block)
{
    for (const struct node *n = block->first; n; n = n->next) {
        size_t number = directive_number(n->row);
        int rc;

        s->is_set[number / 64] &= ~(UINT64_C(1) << (number % 64));
        rc = read_directive(c, s, n);
        if (rc)
            return rc;
    }
    return 0;
}

/* The default is written as it would stand in a file, and read like one. */
int scope_set_preset(struct conf *c, struct scope *s, const struct directive *d)
{
    size_t number = directive_number(d);
    struct span text;
    struct tree t;
    int rc;

    assert(d->preset);
    assert(d->set);
    text = d->marks & ROW_BLOCK ? arena_printf(c->arena, "%s { %s }", d->name, d->preset)
                                : arena_printf(c->arena, "%s %s;", d->name, d->preset);
    if (!text.data)
        return conf_fail_no_memory(c);
    tree_init(&t, c->arena, &c->scratch, c->log);
    t.check = directive_check;
    t.owner = &t;
    t.root_context = s->context;
    rc = tree_read_text(&t, SPAN("the defaults"), text, false);
    if (rc)
        return rc;
    t.root.first->origin = (struct origin){.file = SPAN_NONE}; /* nobody wrote it */
    s->is_set[number / 64] |= UINT64_C(1) << (number % 64);
    c->is_in_preset = true;
    rc = d->set(c, s, d, t.root.first);
    c->is_in_preset = false;
    return rc;
}

/* All contexts whose values are of the same type. */
static unsigned value_contexts(const struct scope *s)
{
    unsigned levels = CONTEXT_LEVELS | CONTEXT_IF | CONTEXT_LIMIT_EXCEPT;

    return s->context & levels ? CONTEXT_LEVELS : s->context;
}

static int complete_row(struct conf *c, struct scope *s, const struct directive *d)
{
    if (s->outer && d->size) {
        memcpy((char *)s->values + d->offset, (const char *)s->outer->values + d->offset, d->size);
        return 0;
    }
    return !s->outer && d->preset ? scope_set_preset(c, s, d) : 0;
}

int scope_complete(struct conf *c, struct scope *s)
{
    const struct directive *d;

    for (size_t i = 0; (d = directive_at(i)); i++) {
        int rc;

        if (!(d->contexts & value_contexts(s)) || (d->marks & ROW_LOCAL) || scope_has(s, d))
            continue;
        rc = complete_row(c, s, d);
        if (rc)
            return rc;
    }
    return 0;
}

/* --- printing ------------------------------------------------------------------------------- */

struct print {
    char *out;
    size_t len;
};

static void PRINTF_LIKE(2, 3) print(struct print *p, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(p->out + p->len, DIRECTIVE_TEXT_BYTES - p->len, format, args);
    va_end(args);
    assert(n >= 0);
    p->len += (size_t)n;
    assert(p->len < DIRECTIVE_TEXT_BYTES);
}

static void print_contexts(struct print *p, const struct directive *d)
{
    static const struct {
        unsigned context;
        const char *name;
    } names[] = {
        {CONTEXT_MAIN, "main"},
        {CONTEXT_EVENTS, "events"},
        {CONTEXT_HTTP, "http"},
        {CONTEXT_SERVER, "server"},
        {CONTEXT_LOCATION, "location"},
        {CONTEXT_UPSTREAM, "upstream"},
        {CONTEXT_IF_SERVER, "if in server"},
        {CONTEXT_IF_LOCATION, "if in location"},
        {CONTEXT_LIMIT_EXCEPT, "limit_except"},
    };
    const char *separator = "";

    print(p, "Context:    ");
    if ((d->contexts & CONTEXT_ANY) == CONTEXT_ANY) {
        print(p, "any\n");
        return;
    }
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (d->contexts & names[i].context) {
            print(p, "%s%s", separator, names[i].name);
            separator = ", ";
        }
    }
    print(p, "\n");
}

size_t directive_print(const struct directive *d, char out[DIRECTIVE_TEXT_BYTES])
{
    struct print p = {.out = out};
    bool is_block = d->marks & ROW_BLOCK;
    bool is_free = d->opens == CONTEXT_FREE;

    print(&p, "Syntax:     %s%s%s%s\n", d->name, d->syntax ? " " : "", d->syntax ? d->syntax : "",
          is_free    ? ""
          : is_block ? " { ... }"
                     : ";");
    print(&p, "Default:    ");
    if (!d->preset)
        print(&p, "none\n");
    else
        print(&p, "%s%s%s%s\n", d->name, is_block ? " { " : " ", d->preset, is_block ? " }" : ";");
    if (d->nginx_preset)
        print(&p, "  nginx's:  %s\n", d->nginx_preset[0] ? d->nginx_preset : "none");
    print_contexts(&p, d);
    print(&p, "Meaning:    %s\n", d->help);
    if (d->difference)
        print(&p, "Not nginx:  %s\n", d->difference);
    if (d->marks & ROW_WITHOUT_EFFECT)
        print(&p, "Effect:     none: accepted with its arguments checked\n");
    return p.len;
}
