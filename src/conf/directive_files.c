/* directive_files - the directives of which file answers a request: their table. */
#include "conf/directive_files.h"

#include "conf/directive_server.h"
#include "conf/setter.h"

#define AT(member) ROW_AT(struct level, member)
#define AT_SETTING(member) ROW_AT(struct level, settings.member)

/* --- root and alias ------------------------------------------------------------------------- */

/* A block has one of both. other: what its directive set, so far in this block. */
static int check_other(struct conf *c, const struct node *n, const struct template *other,
                       const char *name)
{
    if (!other->text.data)
        return 0;
    return conf_fail(c, n,
                     "\"%.*s\" directive is duplicate, \"%s\" directive was specified earlier",
                     SPAN_ARG(n->words[0]), name);
}

static int compile_path(struct conf *c, const struct node *n, struct span path,
                        struct template *out)
{
    int rc = conf_template(c, &n->origin, path, out);

    for (size_t i = 0; !rc && i < out->part_count; i++) {
        enum variable_id id = out->parts[i].variable;

        if (id == VARIABLE_DOCUMENT_ROOT || id == VARIABLE_REALPATH_ROOT)
            return conf_fail(c, n, "the $%s variable cannot be used in the \"%.*s\" directive",
                             variable_name(id), SPAN_ARG(n->words[0]));
    }
    return rc;
}

static int complete_path(struct conf *c, struct span *path)
{
    if (!path->len || path->data[0] != '$')
        *path = conf_path(c, *path);
    return path->data ? 0 : -ENOMEM;
}

static int set_root(struct conf *c, struct scope *s, const struct directive *d,
                    const struct node *n)
{
    const struct level *level = s->values;
    struct span path = n->words[1];
    int rc = check_other(c, n, &level->alias.path, "alias");

    if (!rc)
        rc = complete_path(c, &path);
    if (path.len && path.data[path.len - 1] == '/')
        path.len--;
    return rc ? rc : compile_path(c, n, path, setter_value(s, d));
}

static int set_alias(struct conf *c, struct scope *s, const struct directive *d,
                     const struct node *n)
{
    struct alias_draft *alias = setter_value(s, d);
    const struct level *level = s->values;
    struct location_conf l = {0};
    struct span path = n->words[1];
    int rc = check_other(c, n, &level->settings.root, "root");

    if (!rc)
        rc = location_parse(c, s->node, &l);
    if (rc)
        return rc;
    if (l.kind == LOCATION_NAMED)
        return conf_fail(c, n, "the \"alias\" directive cannot be used inside the named location");
    alias->bytes = l.kind == LOCATION_REGEX ? ALIAS_BYTES_ALL : l.pattern.len;
    rc = complete_path(c, &path);
    return rc ? rc : compile_path(c, n, path, &alias->path);
}

/* --- try_files ------------------------------------------------------------------------------ */

static int take_try_file(struct conf *c, const struct node *n, struct span word,
                         struct try_file *file)
{
    file->is_directory = span_ends_with(word, SPAN("/"));
    if (file->is_directory)
        word.len--;
    return conf_template(c, &n->origin, word, &file->path);
}

/* A URI, "@name", or "=404"; "=0" is a URI, as in nginx. */
static int take_try_last(struct conf *c, const struct node *n, struct try_files *t)
{
    struct span word = n->words[n->word_count - 1];
    uint64_t status;

    if (!span_starts_with(word, SPAN("=")))
        return conf_template(c, &n->origin, word, &t->last);
    if (span_to_u64(span_skip(word, 1), &status) < 0 || status > 999)
        return conf_fail(c, n, "invalid code \"%.*s\"", SPAN_ARG(word));
    t->status = (unsigned)status;
    return conf_template(c, &n->origin, word, &t->last);
}

static int set_try_files(struct conf *c, struct scope *s, const struct directive *d,
                         const struct node *n)
{
    struct try_files *t = arena_zalloc(c->arena, sizeof(*t));
    struct try_file *files = arena_zalloc(c->arena, n->word_count * sizeof(*files));
    int rc = 0;

    if (!t || !files)
        return conf_fail_no_memory(c);
    for (size_t i = 1; i + 1 < n->word_count && !rc; i++)
        rc = take_try_file(c, n, n->words[i], &files[t->count++]);
    t->files = files;
    *(struct try_files **)setter_value(s, d) = t;
    return rc ? rc : take_try_last(c, n, t);
}

/* --- internal ------------------------------------------------------------------------------- */

static int set_internal(struct conf *c, struct scope *s, const struct directive *d,
                        const struct node *n)
{
    *(bool *)setter_value(s, d) = true;
    return 0;
}

/* The numbers of enum static_since. */
static const struct setter_word since_words[] = {
    {"off", 0}, {"exact", 1}, {"before", 2}, {NULL, 0}};

static const struct setter_bounds any_number = {0, UINT64_MAX};

/* --- the table ------------------------------------------------------------------------------ */

static const struct directive rows[] = {
    {.name = "root",
     .syntax = "path",
     .preset = "html",
     .contexts = CONTEXT_LEVELS | CONTEXT_IF_LOCATION,
     ONE_ARG,
     .set = set_root,
     AT_SETTING(root),
     .help = "the directory of static files",
     .difference = "where its variables come to nothing, no file is there: nginx takes /"},
    {.name = "alias",
     .syntax = "path",
     .contexts = CONTEXT_LOCATION,
     ONE_ARG,
     .set = set_alias,
     AT(alias),
     .help = "what stands in place of the location's prefix in the path of a file; in a location "
             "given by a regex, the whole path of the file",
     .difference = "what is left of a path may not begin with \"..\": a prefix without its slash "
                   "does not lead out of the directory"},
    {.name = "try_files",
     .syntax = "file ... uri | file ... @name | file ... =code",
     .contexts = CONTEXT_SERVER | CONTEXT_LOCATION,
     .args_min = 2,
     .args_max = ARGS_MANY,
     .marks = ROW_LOCAL,
     .set = set_try_files,
     AT(try_files),
     .help = "the first of these files that is there answers (with a / behind it: a directory), "
             "else the last argument",
     .difference = "a file with \"..\" in its path is not there"},
    {.name = "internal",
     .contexts = CONTEXT_LOCATION,
     .set = set_internal,
     AT(is_internal),
     .help = "requests from outside get 404 here; error_page, index, try_files, rewrite, "
             "auth_request and X-Accel-Redirect lead here"},
    {.name = "recursive_error_pages",
     .syntax = "on | off",
     .preset = "off",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_flag,
     AT_SETTING(recursive_error_pages),
     .help = "whether errors of what error_page leads to have error pages, too"},
    {.name = "log_not_found",
     .syntax = "on | off",
     .preset = "on",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_flag,
     AT_SETTING(log_not_found),
     .help = "whether files that are not there are named in the error log"},
    {.name = "etag",
     .syntax = "on | off",
     .preset = "on",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_flag,
     AT_SETTING(etag),
     .help = "whether files have an ETag"},
    {.name = "if_modified_since",
     .syntax = "off | exact | before",
     .preset = "exact",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_word,
     AT_SETTING(if_modified_since),
     .detail = since_words,
     .help = "when a file counts as not modified: never, if it was changed exactly then, or not "
             "after it"},
    {.name = "max_ranges",
     .syntax = "number",
     .preset = "2147483647",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_number,
     AT_SETTING(max_ranges),
     .detail = &any_number,
     .help = "how many ranges of a file a request may ask for; with more it gets the whole"},
};

const struct directive_table directive_files_table = {rows, COUNT_OF(rows)};
