/* draft - what a configuration is while it is being built. */
#include "conf/draft.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void PRINTF_LIKE(4, 0) log_at(const struct conf *c, enum log_level level,
                                     const struct origin *o, const char *format, va_list args)
{
    char text[LOG_LINE_BYTES_MAX];

    vsnprintf(text, sizeof(text), format, args);
    origin_log(c->log, level, o, "%s", text);
}

int conf_fail(const struct conf *c, const struct node *n, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    log_at(c, LOG_LEVEL_EMERG, &n->origin, format, args);
    va_end(args);
    return -EINVAL;
}

int conf_fail_at(const struct conf *c, const struct origin *o, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    log_at(c, LOG_LEVEL_EMERG, o, format, args);
    va_end(args);
    return -EINVAL;
}

void conf_warn(const struct conf *c, const struct origin *o, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    log_at(c, LOG_LEVEL_WARN, o, format, args);
    va_end(args);
}

int conf_fail_no_memory(const struct conf *c)
{
    log_write(c->log, LOG_LEVEL_EMERG, "no memory left to build the configuration");
    return -ENOMEM;
}

void *vector_add(struct conf *c, struct vector *v, size_t element_bytes)
{
    char *at;

    if (v->count == v->capacity) {
        size_t capacity = size_max(2 * v->capacity, 4);
        void *items = arena_zalloc(c->arena, capacity * element_bytes);

        if (!items) {
            conf_fail_no_memory(c);
            return NULL;
        }
        if (v->count)
            memcpy(items, v->items, v->count * element_bytes);
        v->items = items;
        v->capacity = capacity;
    }
    at = (char *)v->items + element_bytes * v->count++;
    memset(at, 0, element_bytes);
    return at;
}

static struct span prefixed(const struct conf *c, struct span prefix, struct span path)
{
    struct span whole;

    if ((path.len && path.data[0] == '/') || !prefix.len)
        whole = arena_copy(c->arena, path);
    else
        whole = arena_printf(c->arena, "%.*s%.*s", SPAN_ARG(prefix), SPAN_ARG(path));
    if (!whole.data)
        conf_fail_no_memory(c);
    return whole;
}

struct span conf_path(const struct conf *c, struct span path)
{
    return prefixed(c, c->options.prefix, path);
}

struct span conf_file_path(const struct conf *c, struct span path)
{
    return prefixed(c, c->options.conf_prefix, path);
}

int conf_template(struct conf *c, const struct origin *o, struct span text, struct template *out)
{
    const struct user_variables variables = {c->variables.items, c->variables.count};
    char error[TEMPLATE_ERROR_BYTES];
    int rc = template_compile(text, &variables, c->arena, out, error);

    if (rc == -ENOMEM)
        return conf_fail_no_memory(c);
    return rc ? conf_fail_at(c, o, "%s", error) : 0;
}

struct user_variable *conf_user_variable(const struct conf *c, struct span name)
{
    struct user_variable *all = c->variables.items;

    for (size_t i = 0; i < c->variables.count; i++) {
        if (span_equals_nocase(all[i].name, name))
            return &all[i];
    }
    return NULL;
}

/* nginx lets the configuration take the place of these of its own. */
static bool may_be_shadowed(const struct template_part *own)
{
    struct span name = span_of_cstr(variable_name(own->variable));

    return own->variable == VARIABLE_PROXY_HOST || own->variable == VARIABLE_PROXY_PORT ||
           span_ends_with(name, SPAN("_")) || span_starts_with(name, SPAN("ssl_"));
}

static struct span lower_copy(struct conf *c, struct span text)
{
    char *lower = arena_alloc(c->arena, text.len + 1);

    if (!lower)
        return SPAN_NONE;
    for (size_t i = 0; i < text.len; i++)
        lower[i] = ascii_lower(text.data[i]);
    lower[text.len] = '\0';
    return span_of(lower, text.len);
}

/* What of the program's own the variable shadows: its source, where "set" makes it. */
static int take_shadowed(struct conf *c, const struct origin *o, struct user_variable *v)
{
    struct template_part own, *kept;

    variable_find(v->name, &own);
    if (own.variable == VARIABLE_NONE)
        return 0;
    if (!may_be_shadowed(&own))
        return conf_fail_at(c, o, "the duplicate \"%.*s\" variable", SPAN_ARG(v->name));
    kept = arena_alloc(c->arena, sizeof(*kept));
    if (!kept)
        return conf_fail_no_memory(c);
    *kept = own;
    if (v->kind == USER_VARIABLE_SET)
        v->source = kept;
    return 0;
}

static int learn_variable(struct conf *c, const struct origin *o, struct span name,
                          enum user_variable_kind kind)
{
    struct user_variable *known = conf_user_variable(c, name);

    if (known) {
        if (kind != USER_VARIABLE_SET)
            *known = (struct user_variable){.name = known->name, .kind = kind};
        return 0;
    }
    known = vector_add(c, &c->variables, sizeof(*known));
    if (!known)
        return -ENOMEM;
    *known = (struct user_variable){.name = lower_copy(c, name), .kind = kind};
    return known->name.data ? take_shadowed(c, o, known) : conf_fail_no_memory(c);
}

int conf_learn_variable(struct conf *c, const struct origin *o, struct span word,
                        enum user_variable_kind kind)
{
    if (word.len < 2 || word.data[0] != '$')
        return conf_fail_at(c, o, "invalid variable name \"%.*s\"", SPAN_ARG(word));
    return learn_variable(c, o, span_skip(word, 1), kind);
}

/* Named groups become variables. */
static int learn_groups(struct conf *c, const struct origin *o, struct regex *r)
{
    struct span name;
    size_t number;
    int rc = 0;

    for (size_t i = 0; !rc && regex_named_group(r, i, &name, &number); i++) {
        rc = learn_variable(c, o, name, USER_VARIABLE_CAPTURE);
        if (!rc)
            regex_bind(r, i,
                       conf_user_variable(c, name) -
                           (const struct user_variable *)c->variables.items);
    }
    return rc;
}

int conf_regex(struct conf *c, const struct origin *o, struct span pattern, bool ignores_case,
               struct regex **out)
{
    struct regex_use *uses = c->regexes.items;
    char error[256];
    int rc;

    for (size_t i = 0; i < c->regexes.count; i++) {
        if (uses[i].ignores_case == ignores_case && span_equals(uses[i].pattern, pattern)) {
            *out = uses[i].regex;
            return 0;
        }
    }
    uses = vector_add(c, &c->regexes, sizeof(*uses));
    if (!uses)
        return -ENOMEM;
    rc = regex_new(pattern, ignores_case, &uses->regex, error, sizeof(error));
    if (rc) {
        c->regexes.count--;
        return rc == -ENOMEM ? conf_fail_no_memory(c) : conf_fail_at(c, o, "%s", error);
    }
    uses->pattern = pattern;
    uses->ignores_case = ignores_case;
    *out = uses->regex;
    return learn_groups(c, o, uses->regex);
}

int conf_log_file(struct conf *c, struct span path, struct log_file **out)
{
    struct log_file **files = c->log_files.items;
    struct log_file *file;

    for (size_t i = 0; i < c->log_files.count; i++) {
        if (span_equals(files[i]->path, path)) {
            *out = files[i];
            return 0;
        }
    }
    file = arena_zalloc(c->arena, sizeof(*file));
    if (!file)
        return conf_fail_no_memory(c);
    files = vector_add(c, &c->log_files, sizeof(*files));
    if (!files)
        return -ENOMEM;
    file->path = path;
    file->fd = -1;
    file->is_preset = c->is_in_preset;
    file->index = (unsigned)c->log_files.count - 1;
    *files = file;
    *out = file;
    return 0;
}

void conf_use_log_file(struct conf *c, const struct log_file *file)
{
    struct log_file **files = c->log_files.items;

    assert(files[file->index] == file);
    files[file->index]->is_used = true;
}
