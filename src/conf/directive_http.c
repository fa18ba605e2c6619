/* directive_http - the directives of what is answered: files, types, headers, redirects. Their
 * table. */
#include "conf/directive_http.h"

#include "conf/setter.h"

#define AT(member) ROW_AT(struct level, member)
#define AT_SETTING(member) ROW_AT(struct level, settings.member)

/* --- setters -------------------------------------------------------------------------------- */

static int set_index(struct conf *c, struct scope *s, const struct directive *d,
                     const struct node *n)
{
    for (size_t i = 1; i < n->word_count; i++) {
        struct template *file = vector_add(c, setter_value(s, d), sizeof(*file));
        int rc;

        if (!file)
            return -ENOMEM;
        if (span_is_empty(n->words[i]))
            return conf_fail(c, n, "index \"\" in \"index\" directive is invalid");
        if (n->words[i].data[0] == '/' && i + 1 < n->word_count)
            conf_warn(c, &n->origin,
                      "only the last index in \"index\" directive should be absolute");
        rc = conf_template(c, &n->origin, n->words[i], file);
        if (rc)
            return rc;
    }
    return 0;
}

static struct mime_draft *find_extension(const struct vector *types, struct span extension)
{
    struct mime_draft *rows = types->items;

    for (size_t i = 0; i < types->count; i++) {
        if (span_equals(rows[i].extension, extension))
            return &rows[i];
    }
    return NULL;
}

static int add_mime_type(struct conf *c, struct vector *types, const struct node *line, size_t i)
{
    struct span extension = line->words[i];
    struct mime_draft *row;
    char *lower = arena_alloc(c->arena, extension.len + 1);

    if (!lower)
        return conf_fail_no_memory(c);
    for (size_t at = 0; at < extension.len; at++)
        lower[at] = ascii_lower(extension.data[at]);
    extension = span_of(lower, extension.len);
    row = find_extension(types, extension);
    if (row) {
        conf_warn(c, &line->origin,
                  "duplicate extension \"%.*s\", content type: \"%.*s\", previous content type: "
                  "\"%.*s\"",
                  SPAN_ARG(extension), SPAN_ARG(line->words[0]), SPAN_ARG(row->type));
        row->type = line->words[0];
        return 0;
    }
    row = vector_add(c, types, sizeof(*row));
    if (!row)
        return -ENOMEM;
    *row = (struct mime_draft){.extension = extension, .type = line->words[0]};
    return 0;
}

/* types { text/html html htm; }: each line is a type and its extensions. */
static int set_types(struct conf *c, struct scope *s, const struct directive *d,
                     const struct node *n)
{
    struct vector *types = setter_value(s, d);

    for (const struct node *line = n->first; line; line = line->next) {
        if (line->row) /* include: its lines follow */
            continue;
        for (size_t i = 1; i < line->word_count; i++) {
            int rc = add_mime_type(c, types, line, i);

            if (rc)
                return rc;
        }
    }
    return 0;
}

/* "=200", "=", or nothing before the uri. Returns the number of words it took, or -EINVAL. */
static int parse_error_answer(struct span word, struct error_page *page)
{
    uint64_t status;

    if (!word.len || word.data[0] != '=')
        return 0;
    if (word.len == 1) {
        page->takes_status = true;
        return 1;
    }
    if (span_to_u64(span_skip(word, 1), &status) < 0 || status < 200 || status > 999)
        return -EINVAL;
    page->new_status = (unsigned)status;
    return 1;
}

static int parse_error_status(struct conf *c, const struct node *n, struct span word,
                              unsigned *status)
{
    uint64_t number;

    if (span_to_u64(word, &number) < 0 || number == 499)
        return setter_fail_value(c, n, word);
    if (number < 300 || number > 599)
        return conf_fail(c, n, "value \"%.*s\" must be between 300 and 599", SPAN_ARG(word));
    *status = (unsigned)number;
    return 0;
}

/* Kinds of 400 that have a number of their own for error_page alone. */
static bool is_kind_of_400(unsigned status)
{
    return status >= 494 && status <= 497;
}

static int set_error_page(struct conf *c, struct scope *s, const struct directive *d,
                          const struct node *n)
{
    size_t last = n->word_count - 1; /* the uri */
    struct error_page page = {0};
    int answer_words = parse_error_answer(n->words[last - 1], &page);
    int rc;

    if (answer_words < 0 || (answer_words == 1 && last == 2))
        return setter_fail_value(c, n, n->words[last - 1]);
    rc = conf_template(c, &n->origin, n->words[last], &page.uri);
    if (rc)
        return rc;
    for (size_t i = 1; i < last - (size_t)answer_words; i++) {
        struct error_page *added;

        rc = parse_error_status(c, n, n->words[i], &page.status);
        if (rc)
            return rc;
        added = vector_add(c, setter_value(s, d), sizeof(*added));
        if (!added)
            return -ENOMEM;
        *added = page;
        if (is_kind_of_400(page.status) && !page.new_status && !page.takes_status)
            added->new_status = 400;
    }
    return 0;
}

/* "build" says more of nginx's binary than "on"; of ours there is no more to say. */
static int set_server_tokens(struct conf *c, struct scope *s, const struct directive *d,
                             const struct node *n)
{
    bool *value = setter_value(s, d);

    *value = !span_equals_nocase(n->words[1], SPAN("off"));
    if (*value && !span_equals_nocase(n->words[1], SPAN("on")) &&
        !span_equals_nocase(n->words[1], SPAN("build")))
        return setter_fail_value(c, n, n->words[1]);
    return 0;
}

/* --- the table ------------------------------------------------------------------------------ */

static const struct directive rows[] = {
    {.name = "index",
     .syntax = "file ...",
     .preset = "index.html",
     .contexts = CONTEXT_LEVELS,
     .args_min = 1,
     .args_max = ARGS_MANY,
     .marks = ROW_REPEATABLE,
     .set = set_index,
     AT(index_files),
     .help = "files that answer for a directory, the first that exists; a name with / in front is "
             "another URI that answers"},
    {.name = "default_type",
     .syntax = "mime-type",
     .preset = "text/plain",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_span,
     AT_SETTING(default_type),
     .help = "the type of answers whose file has no known extension"},
    {.name = "types",
     .syntax = "{ mime-type extension ...; }",
     .preset = "text/html html; image/gif gif; image/jpeg jpg;",
     .contexts = CONTEXT_LEVELS,
     .opens = CONTEXT_FREE,
     .marks = ROW_BLOCK | ROW_REPEATABLE,
     .set = set_types,
     AT(types),
     .help = "types by file extension"},
    {.name = "error_page",
     .syntax = "code ... [=[response]] uri",
     .contexts = CONTEXT_LEVELS | CONTEXT_IF_LOCATION,
     .args_min = 2,
     .args_max = ARGS_MANY,
     .marks = ROW_REPEATABLE,
     .set = set_error_page,
     AT(error_pages),
     .help = "what is answered in place of an error"},
    {.name = "server_tokens",
     .syntax = "on | off | build",
     .preset = "on",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_server_tokens,
     AT_SETTING(server_tokens),
     .help = "whether the version stands in Server and on error pages"},
    {.name = "absolute_redirect",
     .syntax = "on | off",
     .preset = "on",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_flag,
     AT_SETTING(absolute_redirect),
     .help = "whether redirects of ringway's own name scheme and host"},
    {.name = "port_in_redirect",
     .syntax = "on | off",
     .preset = "on",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_flag,
     AT_SETTING(port_in_redirect),
     .help = "whether they name the port"},
    {.name = "server_name_in_redirect",
     .syntax = "on | off",
     .preset = "off",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_flag,
     AT_SETTING(server_name_in_redirect),
     .help = "whether they name the first server_name in place of the request's host"},
};

const struct directive_table directive_http_table = {rows, COUNT_OF(rows)};
