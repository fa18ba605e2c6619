/* advice_host - a proxy_pass with variables that lets a client choose the host. */
#include "conf/advice_host.h"

#include "conf/advice_group.h"
#include "conf/advice_server.h"

#define STEPS_MAX 64 /* variables that are followed; further ones are not */

/* A search for what a client sends. */
struct search {
    const struct node *root;
    const struct node *server;    /* whose requests it is about */
    struct span matched;          /* what $1 is taken from; empty: something of the client */
    struct span names[STEPS_MAX]; /* of variables that were followed: once is enough */
    size_t name_count;
};

static bool depends_on_client(struct search *s, struct span text);

static bool is_named(const struct node *n, const char *name)
{
    return span_equals(n->words[0], span_of_cstr(name));
}

/* The next variable's name in a text, without '$' and braces; false behind the last one. */
static bool next_variable(struct span *text, struct span *name)
{
    size_t len = 0;

    *text = span_skip(*text, span_index_of(*text, '$'));
    if (!text->len)
        return false;
    *text = span_skip(*text, 1);
    if (text->len && text->data[0] == '{')
        *text = span_skip(*text, 1);
    while (len < text->len && ascii_is_word(text->data[len]))
        len++;
    *name = span_take(*text, len);
    *text = span_skip(*text, len);
    return true;
}

static bool is_number(struct span name)
{
    return name.len == 1 && name.data[0] >= '1' && name.data[0] <= '9';
}

/* Variables whose value a client writes as it likes. */
static bool is_of_client(struct span name)
{
    static const char *const names[] = {
        "args",         "query_string",   "request_uri",     "uri",
        "document_uri", "request",        "remote_user",     "content_type",
        "request_body", "request_method", "ssl_server_name", "proxy_add_x_forwarded_for",
    };
    static const char *const families[] = {"http_", "arg_", "cookie_"};

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (span_equals_nocase(name, span_of_cstr(names[i])))
            return true;
    }
    for (size_t i = 0; i < COUNT_OF(families); i++) {
        if (span_starts_with_nocase(name, span_of_cstr(families[i])))
            return true;
    }
    return false;
}

/* ---- variables of the file ---- */

static bool is_variable(struct span word, struct span name)
{
    return word.len > 1 && word.data[0] == '$' && span_equals_nocase(span_skip(word, 1), name);
}

static bool maps_from_client(struct search *s, const struct node *map)
{
    struct span matched = s->matched;
    bool found = false;

    s->matched = map->words[1];
    for (const struct node *row = map->first; row && !found; row = row->next)
        found = row->word_count == 2 && depends_on_client(s, row->words[1]);
    s->matched = matched;
    return found;
}

static bool is_set_from_client(struct search *s, const struct node *n, struct span name)
{
    if (n->word_count != 3)
        return false;
    if (is_named(n, "set") && is_variable(n->words[1], name))
        return depends_on_client(s, n->words[2]);
    return is_named(n, "map") && is_variable(n->words[2], name) && maps_from_client(s, n);
}

static bool has_group(struct span pattern, struct span name)
{
    struct span inside;

    return advice_group_find(pattern, name, &inside);
}

static bool any_word_has_group(const struct node *n, struct span name)
{
    struct span pattern;

    for (size_t i = 1; i < n->word_count; i++) {
        if (advice_regex_word(n->words[i], &pattern) && has_group(pattern, name))
            return true;
    }
    return false;
}

/* The variable is what a regex with a group of that name takes out of something of the client. */
static bool is_captured_from_client(struct search *s, const struct node *n, struct span name)
{
    struct span pattern;

    if (n->word_count < 2)
        return false;
    if (is_named(n, "server_name"))
        return any_word_has_group(n, name);
    if (is_named(n, "location"))
        return advice_location_regex(n, &pattern) && has_group(pattern, name);
    if (is_named(n, "rewrite"))
        return has_group(n->words[1], name);
    if (is_named(n, "if"))
        return has_group(n->words[n->word_count - 1], name) && depends_on_client(s, n->words[1]);
    if (!is_named(n, "map"))
        return false;
    for (const struct node *row = n->first; row; row = row->next) {
        if (advice_regex_word(row->words[0], &pattern) && has_group(pattern, name))
            return depends_on_client(s, n->words[1]);
    }
    return false;
}

/* True for what the search goes into: a request stays in its server, and the rows of a map and the
 * like are looked at with it. */
static bool is_searched(const struct search *s, const struct node *block)
{
    if (!block->first || !block->first->row)
        return false;
    return !is_named(block, "server") || block == s->server;
}

/* Some directive below makes the variable of what a client sends. As deep as blocks are nested. */
static bool is_made_from_client(struct search *s, const struct node *block, struct span name)
{
    for (const struct node *n = block->first; n; n = n->next) {
        if (is_set_from_client(s, n, name) || is_captured_from_client(s, n, name) ||
            (is_searched(s, n) && is_made_from_client(s, n, name)))
            return true;
    }
    return false;
}

static bool take_name(struct search *s, struct span name)
{
    for (size_t i = 0; i < s->name_count; i++) {
        if (span_equals_nocase(s->names[i], name))
            return false;
    }
    if (s->name_count == STEPS_MAX)
        return false;
    s->names[s->name_count++] = name;
    return true;
}

static bool is_client_match(struct search *s)
{
    struct span matched = s->matched;
    bool found;

    s->matched = SPAN_NONE;
    found = span_is_empty(matched) || depends_on_client(s, matched);
    s->matched = matched;
    return found;
}

/* The text has such a variable, right away or after some steps. */
static bool depends_on_client(struct search *s, struct span text)
{
    struct span name;
    bool found = false;

    while (!found && next_variable(&text, &name)) {
        if (is_number(name))
            found = is_client_match(s);
        else if (span_equals_nocase(name, SPAN("host")))
            found = !advice_server_bounds_host(s->server);
        else
            found =
                is_of_client(name) || (take_name(s, name) && is_made_from_client(s, s->root, name));
    }
    return found;
}

/* ---- the host ---- */

/* What a directive beside the one that uses the variable may do to it. */
static bool may_change(const struct node *n, struct span name)
{
    if (is_named(n, "set"))
        return n->word_count == 3 && is_variable(n->words[1], name);
    for (size_t i = 1; is_named(n, "if") && i < n->word_count; i++) {
        if (span_starts_with(n->words[i], SPAN("~")) || span_starts_with(n->words[i], SPAN("!~")))
            return true;
    }
    return is_named(n, "rewrite");
}

/* The variable is a group of the location's regex that begins with a slash. */
static bool is_path_of_location(const struct node *location, struct span name)
{
    struct span pattern, inside;

    if (!is_named(location, "location") || !advice_location_regex(location, &pattern))
        return false;
    for (const struct node *n = location->first; n; n = n->next) {
        if (may_change(n, name))
            return false;
    }
    return advice_group_find(pattern, name, &inside) && span_starts_with(inside, SPAN("/"));
}

/* True where a text begins with a variable whose value begins with a slash, or ends the host in
 * another way. */
static bool begins_path(const struct node *block, struct span text)
{
    static const char *const names[] = {"uri", "request_uri", "document_uri", "is_args"};
    struct span name;

    if (!span_starts_with(text, SPAN("$")) || !next_variable(&text, &name))
        return false;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (span_equals_nocase(name, span_of_cstr(names[i])))
            return true;
    }
    return is_path_of_location(block, name);
}

/* "http://$x:80/$y": the part that decides where the request goes. */
static struct span host_of(const struct node *block, struct span url)
{
    size_t at = 0;

    while (at < url.len && !span_starts_with(span_skip(url, at), SPAN("://")))
        at++;
    if (at < url.len)
        url = span_skip(url, at + SPAN("://").len);
    for (at = 0; at < url.len && url.data[at] != '/' && !begins_path(block, span_skip(url, at));)
        at++;
    return span_take(url, at);
}

void advise_host(struct conf *c, const struct node *n)
{
    struct search s = {.root = &c->tree.root, .server = advice_server_of(n)};

    if (depends_on_client(&s, host_of(n->parent, n->words[1])))
        conf_warn(c, &n->origin,
                  "\"proxy_pass %.*s\" lets a client choose the host that the request goes to",
                  SPAN_ARG(n->words[1]));
}
