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
    const struct template_names names = {c->capture_names.items, c->capture_names.count};
    char error[256];
    int rc = template_compile(text, &names, c->arena, out, error, sizeof(error));

    if (rc == -ENOMEM)
        return conf_fail_no_memory(c);
    return rc ? conf_fail_at(c, o, "%s", error) : 0;
}

/* Named groups become variables. */
static int add_capture_names(struct conf *c, const struct regex *r)
{
    struct span name;
    size_t number;

    for (size_t i = 0; regex_named_group(r, i, &name, &number); i++) {
        struct span *known = vector_add(c, &c->capture_names, sizeof(*known));

        if (!known)
            return -ENOMEM;
        *known = name;
    }
    return 0;
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
    return add_capture_names(c, uses->regex);
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
