/* advice - what a configuration may say and had better not: for -t. */
#include "conf/advice.h"

#include <stdio.h>

#include "conf/advice_certificate.h"
#include "conf/advice_host.h"

static bool is_named(const struct node *n, const char *name)
{
    return span_equals(n->words[0], span_of_cstr(name));
}

static const struct node *find(const struct node *block, const char *name)
{
    for (const struct node *n = block->first; n; n = n->next) {
        if (is_named(n, name))
            return n;
    }
    return NULL;
}

/* ---- alias ---- */

/* In "location /a { alias /b/; }" the path "/a../c" is that of "/b/../c". */
static void advise_alias(struct conf *c, const struct node *n)
{
    const struct node *location = n->parent;
    struct span pattern = location->words[location->word_count - 1];
    bool is_prefix = location->word_count == 2 ? span_starts_with(pattern, SPAN("/"))
                                               : span_equals(location->words[1], SPAN("^~"));
    bool has_slash = span_ends_with(n->words[1], SPAN("/"));

    if (!is_named(location, "location") || !is_prefix ||
        has_slash == span_ends_with(pattern, SPAN("/")))
        return;
    if (has_slash)
        conf_warn(c, &n->origin,
                  "\"alias %.*s\" in location \"%.*s\", which does not end in \"/\", also serves "
                  "files beside that folder, as for \"%.*s../\"",
                  SPAN_ARG(n->words[1]), SPAN_ARG(pattern), SPAN_ARG(pattern));
    else
        conf_warn(c, &n->origin,
                  "\"alias %.*s\" does not end in \"/\" as location \"%.*s\" does: what follows is "
                  "put right behind it",
                  SPAN_ARG(n->words[1]), SPAN_ARG(pattern));
}

/* ---- add_header ---- */

static bool has_header(const struct node *block, struct span name)
{
    for (const struct node *n = block->first; n; n = n->next) {
        if (is_named(n, "add_header") && span_equals_nocase(n->words[1], name))
            return true;
    }
    return false;
}

/* What add_header_inherit says for a block, there or around it. */
static struct span inheritance_of(const struct node *block)
{
    const struct node *said = NULL;

    for (; block && block->row && !said; block = block->parent)
        said = find(block, "add_header_inherit");
    return said ? said->words[1] : SPAN("on");
}

static void warn_of_lost(struct conf *c, const struct node *n, const struct node *lost)
{
    char where[ORIGIN_TEXT_BYTES];

    if (span_equals(n->origin.file, lost->origin.file))
        (void)snprintf(where, sizeof(where), "line %u", lost->origin.line);
    else
        (void)origin_format(&lost->origin, where);
    conf_warn(c, &n->origin, "\"add_header\" here makes the block lose \"add_header %.*s\" of %s",
              SPAN_ARG(lost->words[1]), where);
}

/* Those of the blocks around do not count where a block has some of its own. */
static void advise_add_header(struct conf *c, const struct node *n)
{
    const struct node *outer = n->parent->parent;

    if (find(n->parent, "add_header") != n || !span_equals(inheritance_of(n->parent), SPAN("on")))
        return;
    while (outer && outer->row && !find(outer, "add_header"))
        outer = outer->parent;
    if (!outer || !outer->row)
        return;
    for (const struct node *lost = outer->first; lost; lost = lost->next) {
        if (is_named(lost, "add_header") && !has_header(n->parent, lost->words[1]))
            warn_of_lost(c, n, lost);
    }
}

/* ---- auth_basic ---- */

/* As in nginx, nobody is asked then. */
static void advise_auth_basic(struct conf *c, const struct node *n)
{
    if (span_equals(n->words[1], SPAN("off")))
        return;
    for (const struct node *block = n->parent; block && block->row; block = block->parent) {
        if (find(block, "auth_basic_user_file"))
            return;
    }
    conf_warn(c, &n->origin,
              "\"auth_basic\" without \"auth_basic_user_file\" asks nobody for a password");
}

/* ---- if ---- */

/* What is safe within: it decides, and nothing of it is inherited half. */
static bool is_safe_in_if(const struct node *n)
{
    return is_named(n, "rewrite") || is_named(n, "set") || is_named(n, "break");
}

/* The request leaves the location there, and what else the block says is for its own answer. */
static bool leaves(const struct node *n)
{
    return is_named(n, "return") ||
           (is_named(n, "rewrite") && !span_equals(n->words[n->word_count - 1], SPAN("break")));
}

static bool any_leaves(const struct node *block)
{
    for (const struct node *n = block->first; n; n = n->next) {
        if (leaves(n))
            return true;
    }
    return false;
}

static void advise_if(struct conf *c, const struct node *block)
{
    const struct node *location = block->parent;
    bool has_files = find(location, "try_files"), has_pass = find(location, "proxy_pass");

    if (!is_named(location, "location") || !(has_files || has_pass) || any_leaves(block))
        return;
    for (const struct node *n = block->first; n; n = n->next) {
        if (is_safe_in_if(n))
            continue;
        conf_warn(c, &n->origin,
                  "\"%.*s\" inside \"if\" beside \"%s\": only the last \"if\" that holds counts, "
                  "as a location of its own",
                  SPAN_ARG(n->words[0]), has_pass ? "proxy_pass" : "try_files");
        return;
    }
    if (has_files)
        conf_warn(c, &block->origin,
                  "\"if\" beside \"try_files\": there is no \"try_files\" of the location where it "
                  "holds");
}

/* ---- all of it ---- */

static const struct {
    const char *name;
    void (*advise)(struct conf *c, const struct node *n);
} rows[] = {
    {"alias", advise_alias}, {"add_header", advise_add_header}, {"auth_basic", advise_auth_basic},
    {"if", advise_if},       {"proxy_pass", advise_host},
};

/* As deep as blocks are nested, which CONF_DEPTH_MAX bounds. */
static void advise_block(struct conf *c, const struct node *block, int64_t now_s)
{
    for (const struct node *n = block->first; n; n = n->next) {
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
            if (n->row && is_named(n, rows[i].name))
                rows[i].advise(c, n);
        }
        advise_certificate(c, n, now_s);
        advise_block(c, n, now_s);
    }
}

void conf_advise(struct conf *c, int64_t now_s)
{
    advise_block(c, &c->tree.root, now_s);
}
