/* directive_log - the directives of access and error logs: their table. */
#include "conf/directive_log.h"

#include "conf/log_server.h"
#include "conf/setter.h"

#define GZIP_LEVEL 1                  /* without a number, as nginx */
#define GZIP_BUFFER_BYTES (64 * 1024) /* likewise, without buffer= */

/* --- error_log ------------------------------------------------------------------------------ */

static int add_error_log(struct conf *c, struct vector *logs, const struct node *n)
{
    struct error_log_draft *log = vector_add(c, logs, sizeof(*log));
    struct span path = n->words[1];

    if (!log)
        return -ENOMEM;
    log->level = LOG_LEVEL_ERROR;
    for (size_t i = 2; i < n->word_count; i++) {
        if (log_level_parse(n->words[i], &log->level) < 0)
            return conf_fail(c, n, "invalid log level \"%.*s\"", SPAN_ARG(n->words[i]));
        if (i > 2)
            return conf_fail(c, n, "duplicate log level \"%.*s\"", SPAN_ARG(n->words[i]));
    }
    if (is_log_server(path))
        return conf_log_server(c, n, path, &log->file);
    if (span_starts_with(path, SPAN("memory:")))
        return conf_fail(c, n, "\"%.*s\": there is no log in memory", SPAN_ARG(path));
    if (span_is_empty(path))
        return setter_fail_value(c, n, path);
    path = span_equals(path, SPAN("stderr")) ? SPAN("") : conf_path(c, path);
    return path.data ? conf_log_file(c, path, &log->file) : -ENOMEM;
}

static int set_error_log(struct conf *c, struct scope *s, const struct directive *d,
                         const struct node *n)
{
    return add_error_log(c, setter_value(s, d), n);
}

/* --- log_format ----------------------------------------------------------------------------- */

static struct log_format *find_format(const struct conf *c, struct span name)
{
    struct log_format *const *formats = c->log_formats.items;

    for (size_t i = 0; i < c->log_formats.count; i++) {
        if (span_equals(formats[i]->name, name))
            return formats[i];
    }
    return NULL;
}

static int parse_escape(struct span word, enum log_escape *escape)
{
    static const char *const names[] = {"default", "json", "none"};

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (span_equals(word, span_of_cstr(names[i]))) {
            *escape = (enum log_escape)i;
            return 0;
        }
    }
    return -EINVAL;
}

/* The words from first on, one behind the other. */
static struct span join_words(struct conf *c, const struct node *n, size_t first)
{
    size_t len = 0;
    char *text;

    for (size_t i = first; i < n->word_count; i++)
        len += n->words[i].len;
    text = arena_alloc(c->arena, len + 1);
    len = 0;
    for (size_t i = first; text && i < n->word_count; i++) {
        for (size_t at = 0; at < n->words[i].len; at++)
            text[len++] = n->words[i].data[at];
    }
    return span_of(text, len);
}

static int set_log_format(struct conf *c, struct scope *s, const struct directive *d,
                          const struct node *n)
{
    struct log_format *format = arena_zalloc(c->arena, sizeof(*format));
    struct log_format **added;
    struct span text;
    size_t first = 2;

    (void)s;
    (void)d;
    if (!format)
        return conf_fail_no_memory(c);
    if (find_format(c, n->words[1]))
        return conf_fail(c, n, "duplicate \"log_format\" name \"%.*s\"", SPAN_ARG(n->words[1]));
    if (span_starts_with(n->words[2], SPAN("escape="))) {
        struct span word = span_skip(n->words[2], sizeof("escape=") - 1);

        if (parse_escape(word, &format->escape) < 0)
            return conf_fail(c, n, "unknown log format escaping \"%.*s\"", SPAN_ARG(word));
        first = 3;
    }
    text = join_words(c, n, first);
    if (!text.data)
        return conf_fail_no_memory(c);
    added = vector_add(c, &c->log_formats, sizeof(*added));
    if (!added)
        return -ENOMEM;
    format->name = n->words[1];
    *added = format;
    return conf_template(c, &n->origin, text, &format->text);
}

/* --- access_log ----------------------------------------------------------------------------- */

static int parse_log_condition(struct conf *c, const struct node *n, struct span text,
                               struct access_log *log)
{
    struct template *condition = arena_zalloc(c->arena, sizeof(*condition));

    if (!condition)
        return conf_fail_no_memory(c);
    log->condition = condition;
    return conf_template(c, &n->origin, text, condition);
}

static int parse_gzip(struct conf *c, const struct node *n, struct span level,
                      struct log_buffer_draft *buffer)
{
    uint64_t number;

    if (span_to_u64(level, &number) < 0 || number < 1 || number > 9)
        return conf_fail(c, n, "invalid compression level \"%.*s\"", SPAN_ARG(level));
    buffer->gzip_level = (unsigned)number;
    if (!buffer->bytes)
        buffer->bytes = GZIP_BUFFER_BYTES;
    return 0;
}

static int parse_log_parameter(struct conf *c, const struct node *n, struct span word,
                               struct access_log *log, struct log_buffer_draft *buffer)
{
    const struct parameter p = setter_parameter(word);

    if (span_equals(p.name, SPAN("buffer"))) {
        if (setter_parse_size(p.value, false, &buffer->bytes) < 0 || !buffer->bytes)
            return conf_fail(c, n, "invalid buffer size \"%.*s\"", SPAN_ARG(p.value));
        return 0;
    }
    if (span_equals(p.name, SPAN("flush"))) {
        if (setter_parse_ms(p.value, &buffer->flush_ms) < 0 || !buffer->flush_ms)
            return conf_fail(c, n, "invalid flush time \"%.*s\"", SPAN_ARG(p.value));
        return 0;
    }
    if (span_equals(p.name, SPAN("if")) && p.has_value)
        return parse_log_condition(c, n, p.value, log);
    if (span_equals(p.name, SPAN("gzip")))
        return parse_gzip(c, n, p.has_value ? p.value : SPAN("1"), buffer);
    return conf_fail(c, n, "invalid parameter \"%.*s\"", SPAN_ARG(word));
}

/* A path with variables, complete. */
static int take_variable_path(struct conf *c, const struct node *n, struct access_log *log)
{
    struct span path = conf_path(c, n->words[1]);
    struct template *template;

    if (!path.data)
        return -ENOMEM;
    template = arena_zalloc(c->arena, sizeof(*template));
    if (!template)
        return conf_fail_no_memory(c);
    log->path = template;
    return conf_template(c, &n->origin, path, template);
}

static int set_log_file(struct conf *c, const struct node *n, struct log_file **file,
                        struct access_log *log)
{
    struct span path = n->words[1];
    int rc;

    *file = NULL;
    if (span_index_of(path, '$') < path.len)
        return take_variable_path(c, n, log);
    if (span_is_empty(path))
        return setter_fail_value(c, n, path);
    if (is_log_server(path)) {
        rc = conf_log_server(c, n, path, file);
    } else {
        path = conf_path(c, path);
        rc = path.data ? conf_log_file(c, path, file) : -ENOMEM;
    }
    log->file = *file;
    return rc;
}

/* A file has one buffer, whoever writes to it. */
static int take_buffer(struct conf *c, const struct node *n, struct log_file *file,
                       const struct log_buffer_draft *wanted, struct access_log *log)
{
    struct log_buffer_draft *known = c->log_buffers.items;

    if (!wanted->bytes)
        return wanted->flush_ms ? conf_fail(c, n, "no buffer is defined for access_log \"%.*s\"",
                                            SPAN_ARG(n->words[1]))
                                : 0;
    if (!file)
        return conf_fail(c, n, "buffered logs cannot have variables in name");
    if (file->syslog)
        return conf_fail(c, n, "logs to syslog cannot be buffered");
    log->buffer_bytes = wanted->bytes;
    log->flush_ms = wanted->flush_ms;
    file->gzip_level = wanted->gzip_level;
    for (size_t i = 0; i < c->log_buffers.count; i++) {
        if (known[i].file != file)
            continue;
        if (known[i].bytes == wanted->bytes && known[i].flush_ms == wanted->flush_ms &&
            known[i].gzip_level == wanted->gzip_level)
            return 0;
        return conf_fail(c, n, "access_log \"%.*s\" already defined with conflicting parameters",
                         SPAN_ARG(file->path));
    }
    known = vector_add(c, &c->log_buffers, sizeof(*known));
    if (!known)
        return -ENOMEM;
    *known = *wanted;
    known->file = file;
    return 0;
}

static int set_access_log(struct conf *c, struct scope *s, const struct directive *d,
                          const struct node *n)
{
    struct span format = n->word_count > 2 ? n->words[2] : SPAN("combined");
    struct access_log *log = vector_add(c, setter_value(s, d), sizeof(*log));
    struct log_buffer_draft buffer = {0};
    struct log_file *file;
    int rc;

    if (!log)
        return -ENOMEM;
    if (span_equals(n->words[1], SPAN("off"))) {
        if (n->word_count > 2)
            return conf_fail(c, n, "invalid parameter \"%.*s\"", SPAN_ARG(n->words[2]));
        return 0;
    }
    rc = set_log_file(c, n, &file, log);
    if (rc)
        return rc;
    log->format = find_format(c, format);
    if (!log->format)
        return conf_fail(c, n, "unknown log format \"%.*s\"", SPAN_ARG(format));
    for (size_t i = 3; i < n->word_count && !rc; i++)
        rc = parse_log_parameter(c, n, n->words[i], log, &buffer);
    return rc ? rc : take_buffer(c, n, file, &buffer, log);
}

/* --- open_log_file_cache -------------------------------------------------------------------- */

static int parse_cache_parameter(struct conf *c, const struct node *n, struct span word,
                                 struct log_cache_conf *cache)
{
    const struct parameter p = setter_parameter(word);
    int rc = -EINVAL;

    if (span_equals(p.name, SPAN("max")))
        rc = span_to_u64(p.value, &cache->files_max);
    else if (span_equals(p.name, SPAN("min_uses")))
        rc = span_to_u64(p.value, &cache->uses_min);
    else if (span_equals(p.name, SPAN("inactive")))
        rc = setter_parse_seconds(p.value, &cache->inactive_ms);
    else if (span_equals(p.name, SPAN("valid")))
        rc = setter_parse_seconds(p.value, &cache->valid_ms);
    if (rc)
        return conf_fail(c, n, "invalid \"open_log_file_cache\" parameter \"%.*s\"",
                         SPAN_ARG(word));
    return 0;
}

static int set_log_cache(struct conf *c, struct scope *s, const struct directive *d,
                         const struct node *n)
{
    const struct log_cache_conf **out = setter_value(s, d);
    struct log_cache_conf *cache = arena_zalloc(c->arena, sizeof(*cache));
    int rc = 0;

    if (!cache)
        return conf_fail_no_memory(c);
    *out = NULL;
    *cache = (struct log_cache_conf){.inactive_ms = 10000, .valid_ms = 60000, .uses_min = 1};
    if (n->word_count == 2 && span_equals(n->words[1], SPAN("off")))
        return 0;
    for (size_t i = 1; i < n->word_count && !rc; i++)
        rc = parse_cache_parameter(c, n, n->words[i], cache);
    if (rc)
        return rc;
    if (!cache->files_max)
        return conf_fail(c, n, "\"open_log_file_cache\" must have \"max\" parameter");
    *out = cache;
    return 0;
}

/* --- the table ------------------------------------------------------------------------------ */

static const struct directive rows[] = {
    {
        .name = "error_log",
        .syntax = "file | stderr | syslog:server=address[,parameter=value] [level]",
        .preset = "logs/error.log error",
        .contexts = CONTEXT_MAIN,
        .args_min = 1,
        .args_max = ARGS_MANY,
        .marks = ROW_REPEATABLE,
        .set = set_error_log,
        ROW_AT(struct main_draft, error_logs),
        .help = "where mistakes and events are logged, from which level on",
    },
    {
        .name = "error_log",
        .syntax = "file | stderr | syslog:server=address[,parameter=value] [level]",
        .contexts = CONTEXT_LEVELS,
        .args_min = 1,
        .args_max = ARGS_MANY,
        .marks = ROW_REPEATABLE,
        .set = set_error_log,
        ROW_AT(struct level, error_logs),
        .help = "the same, for the requests of a block",
    },
    {
        .name = "log_format",
        .syntax = "name [escape=default|json|none] string ...",
        .preset = "combined '$remote_addr - $remote_user [$time_local] \"$request\" $status "
                  "$body_bytes_sent \"$http_referer\" \"$http_user_agent\"'",
        .contexts = CONTEXT_HTTP,
        .args_min = 2,
        .args_max = ARGS_MANY,
        .marks = ROW_REPEATABLE,
        .set = set_log_format,
        .help = "names a format for access logs",
    },
    {
        .name = "access_log",
        .syntax = "off | path | syslog:server=address[,parameter=value] [format [buffer=size] "
                  "[gzip[=level]] [flush=time] [if=condition]]",
        .preset = "logs/access.log combined",
        .contexts = CONTEXT_LEVELS | CONTEXT_LIMIT_EXCEPT | CONTEXT_IF_LOCATION,
        .args_min = 1,
        .args_max = ARGS_MANY,
        .marks = ROW_REPEATABLE,
        .set = set_access_log,
        ROW_AT(struct level, access_logs),
        .help = "where requests are logged; several logs may stand in one block",
        .difference = "syslog: the tag is ringway unless one is given",
    },
    {
        .name = "open_log_file_cache",
        .syntax = "off | max=N [inactive=time] [min_uses=N] [valid=time]",
        .preset = "off",
        .contexts = CONTEXT_LEVELS,
        .args_min = 1,
        .args_max = 4,
        .set = set_log_cache,
        ROW_AT(struct level, settings.log_cache),
        .help = "access logs whose path has variables stay open between requests",
    },
};

const struct directive_table directive_log_table = {rows, COUNT_OF(rows)};
