/* advice_host - a proxy_pass with variables that lets a client choose the host. */
#include "conf/advice_host.h"

#define STEPS_MAX 16 /* from variable to variable; further ones are not followed */

/* A search for what a client sends. */
struct search {
    const struct node *root;
    unsigned step_count;
};

static bool depends_on_client(struct search *s, struct span text);

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

/* Variables whose value a client writes as it likes. $host is, unless server_name bounds it. */
static bool is_of_client(struct span name)
{
    static const char *const names[] = {
        "host",    "args",        "query_string", "request_uri",  "uri",          "document_uri",
        "request", "remote_user", "http_host",    "content_type", "request_body",
    };
    static const char *const families[] = {"http_", "arg_", "cookie_"};

    if (name.len && name.data[0] >= '1' && name.data[0] <= '9')
        return true;
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

static bool is_variable(struct span word, struct span name)
{
    return word.len > 1 && word.data[0] == '$' && span_equals_nocase(span_skip(word, 1), name);
}

static bool is_set_from_client(struct search *s, const struct node *n, struct span name)
{
    if (span_equals(n->words[0], SPAN("set")) && n->word_count == 3 &&
        is_variable(n->words[1], name))
        return depends_on_client(s, n->words[2]);
    if (!span_equals(n->words[0], SPAN("map")) || n->word_count != 3 ||
        !is_variable(n->words[2], name))
        return false;
    for (const struct node *row = n->first; row; row = row->next) {
        if (row->word_count == 2 && depends_on_client(s, row->words[1]))
            return true;
    }
    return false;
}

/* Some directive below makes the variable of what a client sends. As deep as blocks are nested. */
static bool is_made_from_client(struct search *s, const struct node *block, struct span name)
{
    for (const struct node *n = block->first; n; n = n->next) {
        if (is_set_from_client(s, n, name) || is_made_from_client(s, n, name))
            return true;
    }
    return false;
}

/* A value with such a variable; as deep as STEPS_MAX. */
static bool depends_on_client(struct search *s, struct span text)
{
    struct span name;
    bool found = false;

    while (!found && next_variable(&text, &name)) {
        if (s->step_count == STEPS_MAX)
            return false;
        s->step_count++;
        found = is_of_client(name) || is_made_from_client(s, s->root, name);
        s->step_count--;
    }
    return found;
}

/* True where a text begins with a variable whose value begins with a slash. */
static bool begins_path(struct span text)
{
    static const char *const names[] = {"uri", "request_uri", "document_uri"};
    struct span name;

    if (!span_starts_with(text, SPAN("$")) || !next_variable(&text, &name))
        return false;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (span_equals_nocase(name, span_of_cstr(names[i])))
            return true;
    }
    return false;
}

/* "http://$x:80/$y": the part that decides where the request goes. */
static struct span host_of(struct span url)
{
    size_t at = 0;

    while (at < url.len && !span_starts_with(span_skip(url, at), SPAN("://")))
        at++;
    if (at < url.len)
        url = span_skip(url, at + SPAN("://").len);
    for (at = 0; at < url.len && url.data[at] != '/' && !begins_path(span_skip(url, at));)
        at++;
    return span_take(url, at);
}

void advise_host(struct conf *c, const struct node *n)
{
    struct search s = {.root = &c->tree.root};

    if (depends_on_client(&s, host_of(n->words[1])))
        conf_warn(c, &n->origin,
                  "\"proxy_pass %.*s\" lets a client choose the host that the request goes to",
                  SPAN_ARG(n->words[1]));
}
