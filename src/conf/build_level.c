/* build_level - the settings of a http, server or location block, made ready for use. */
#include "conf/build_level.h"

#include <string.h>

#include "conf/build_flow.h"
#include "conf/build_gate.h"

/* --- logs ----------------------------------------------------------------------------------- */

int build_error_log(struct conf *c, const struct vector *drafts, struct log *out)
{
    const struct error_log_draft *logs = drafts->items;
    struct log_target *targets = arena_zalloc(c->arena, (drafts->count + 1) * sizeof(*targets));

    if (!targets)
        return conf_fail_no_memory(c);
    for (size_t i = 0; i < drafts->count; i++) {
        struct log_use *use = vector_add(c, &c->log_uses, sizeof(*use));

        if (!use)
            return -ENOMEM;
        targets[i] =
            (struct log_target){.fd = -1, .level = logs[i].level, .syslog = logs[i].file->syslog};
        conf_use_log_file(c, logs[i].file);
        *use = (struct log_use){.target = &targets[i], .file = logs[i].file};
    }
    *out = (struct log){targets, drafts->count};
    return 0;
}

/* --- types ---------------------------------------------------------------------------------- */

static int build_types(struct conf *c, const struct vector *drafts, struct span_table *out)
{
    const struct mime_draft *types = drafts->items;

    *out = (struct span_table){.ignores_case = true};
    for (size_t i = 0; i < drafts->count; i++) {
        if (types[i].extension.len &&
            span_table_put(out, c->arena, types[i].extension, &types[i].type) < 0)
            return conf_fail_no_memory(c);
    }
    return 0;
}

/* --- header fields -------------------------------------------------------------------------- */

static bool sets_header(const struct vector *headers, struct span name)
{
    const struct set_header *rows = headers->items;

    for (size_t i = 0; i < headers->count; i++) {
        if (span_equals_nocase(rows[i].name, name))
            return true;
    }
    return false;
}

/* What is set at the level, and Host unless it is among it. */
static int build_set_headers(struct conf *c, const struct level *level, struct settings *s)
{
    const struct set_header *set = level->set_headers.items;
    bool has_host = sets_header(&level->set_headers, SPAN("Host"));
    struct name_filter filter = {0};
    struct vector all = {0};

    for (size_t i = 0; i < level->set_headers.count + !has_host; i++) {
        struct set_header *h = vector_add(c, &all, sizeof(*h));

        if (!h)
            return -ENOMEM;
        if (i < level->set_headers.count) {
            *h = set[i];
        } else {
            h->name = SPAN("Host");
            if (conf_template(c, NULL, SPAN("$proxy_host"), &h->value) < 0)
                return -ENOMEM;
        }
        h->id = field_id_of(h->name);
        name_filter_add(&filter, h->id, h->name);
    }
    s->proxy_set_headers = all.items;
    s->proxy_set_header_count = all.count;
    s->proxy_set_header_filter = filter;
    return 0;
}

static bool has_name(const struct vector *names, struct span name)
{
    const struct span *rows = names->items;

    for (size_t i = 0; i < names->count; i++) {
        if (span_equals_nocase(rows[i], name))
            return true;
    }
    return false;
}

static int hide_header(struct conf *c, struct level *level, struct vector *hidden, struct span name)
{
    struct span *row;

    if (has_name(&level->pass_headers, name) || has_name(hidden, name))
        return 0;
    row = vector_add(c, hidden, sizeof(*row));
    if (!row)
        return -ENOMEM;
    *row = name;
    name_filter_add(&level->settings.proxy_hide_header_filter, field_id_of(name), name);
    return 0;
}

/* nginx's own list, then proxy_hide_header, without what proxy_pass_header lets pass. */
static int build_hide_headers(struct conf *c, struct level *level, struct settings *s)
{
    static const char *const standard[] = {"Date",
                                           "Server",
                                           "X-Pad",
                                           "X-Accel-Expires",
                                           "X-Accel-Redirect",
                                           "X-Accel-Limit-Rate",
                                           "X-Accel-Buffering",
                                           "X-Accel-Charset"};
    const struct span *names = level->hide_headers.items;
    struct vector hidden = {0};
    int rc = 0;

    s->proxy_hide_header_filter = (struct name_filter){0};
    for (size_t i = 0; i < COUNT_OF(standard) && !rc; i++)
        rc = hide_header(c, level, &hidden, span_of_cstr(standard[i]));
    for (size_t i = 0; i < level->hide_headers.count && !rc; i++)
        rc = hide_header(c, level, &hidden, names[i]);
    s->proxy_hide_headers = hidden.items;
    s->proxy_hide_header_count = hidden.count;
    return rc;
}

static bool are_same(const struct vector *a, const struct vector *b)
{
    return a->items == b->items && a->count == b->count;
}

/* What was inherited was completed one level further out. */
static int build_fields(struct conf *c, struct level *level, const struct level *outer)
{
    struct settings *s = &level->settings;
    int rc = 0;

    if (outer && are_same(&level->set_headers, &outer->set_headers)) {
        s->proxy_set_headers = outer->settings.proxy_set_headers;
        s->proxy_set_header_count = outer->settings.proxy_set_header_count;
        s->proxy_set_header_filter = outer->settings.proxy_set_header_filter;
    } else {
        rc = build_set_headers(c, level, s);
    }
    if (outer && are_same(&level->hide_headers, &outer->hide_headers) &&
        are_same(&level->pass_headers, &outer->pass_headers)) {
        s->proxy_hide_headers = outer->settings.proxy_hide_headers;
        s->proxy_hide_header_count = outer->settings.proxy_hide_header_count;
        s->proxy_hide_header_filter = outer->settings.proxy_hide_header_filter;
        return rc;
    }
    return rc ? rc : build_hide_headers(c, level, s);
}

/* What was not set in the block is the outer block's by now. */
static int inherit_fields(struct conf *c, struct vector *own, const struct vector *outer,
                          unsigned inherit)
{
    const struct add_header *fields = outer->items;
    bool is_set_here = !are_same(own, outer);
    struct vector all = {0};

    if (inherit == INHERIT_NEVER && !is_set_here)
        *own = all;
    if (inherit != INHERIT_MERGED || !is_set_here)
        return 0;
    for (size_t i = 0; i < own->count + outer->count; i++) {
        struct add_header *h = vector_add(c, &all, sizeof(*h));

        if (!h)
            return -ENOMEM;
        *h = i < own->count ? ((struct add_header *)own->items)[i] : fields[i - own->count];
    }
    *own = all;
    return 0;
}

static int build_added(struct conf *c, struct level *level, const struct level *outer)
{
    struct settings *s = &level->settings;
    int rc = 0;

    if (outer)
        rc = inherit_fields(c, &level->add_headers, &outer->add_headers, level->add_header_inherit);
    if (!rc && outer)
        rc = inherit_fields(c, &level->add_trailers, &outer->add_trailers,
                            level->add_trailer_inherit);
    s->add_headers = level->add_headers.items;
    s->add_header_count = level->add_headers.count;
    s->add_trailers = level->add_trailers.items;
    s->add_trailer_count = level->add_trailers.count;
    if (s->expires && s->expires->kind == EXPIRES_OFF)
        s->expires = NULL;
    return rc;
}

/* --- the level ------------------------------------------------------------------------------ */

/* "access_log off" among others: off counts alone, and is no log at all. */
static void take_access_logs(struct conf *c, const struct level *level, bool is_http,
                             struct settings *s)
{
    const struct access_log *logs = level->access_logs.items;

    s->access_logs = logs;
    s->access_log_count = level->access_logs.count;
    for (size_t i = 0; i < level->access_logs.count; i++) {
        if (!logs[i].file && !logs[i].path)
            s->access_log_count = 0;
    }
    /* Requests are logged where they end: in a server or location, not in http. */
    for (size_t i = 0; !is_http && i < s->access_log_count; i++) {
        if (logs[i].file)
            conf_use_log_file(c, logs[i].file);
    }
}

/* Of root and alias the nearer one counts. */
static void take_root(struct level *level, const struct level *outer)
{
    struct settings *s = &level->settings;
    bool has_own_root = outer && s->root.text.data != outer->settings.root.text.data;
    bool has_own_alias = outer && level->alias.path.text.data != outer->alias.path.text.data;

    if (has_own_root && !has_own_alias)
        level->alias = (struct alias_draft){0};
    s->alias_bytes = level->alias.bytes;
    if (level->alias.path.text.data)
        s->root = level->alias.path;
}

static void take_lists(const struct level *level, struct settings *s)
{
    s->index_files = level->index_files.items;
    s->index_file_count = level->index_files.count;
    s->error_pages = level->error_pages.items;
    s->error_page_count = level->error_pages.count;
    s->proxy_ssl_name = level->proxy_ssl_name;
    s->proxy_ssl_name_is_set = level->proxy_ssl_name.text.data != NULL;
}

static int build_request_changes(struct conf *c, const struct level *level, struct settings *s)
{
    const struct request_changes_draft *d = &level->request;
    struct request_changes *changes;

    s->request_changes = NULL;
    if (!d->method.text.len && !d->body.text.data && d->passes_fields && d->passes_body)
        return 0;
    changes = arena_alloc(c->arena, sizeof(*changes));
    if (!changes)
        return conf_fail_no_memory(c);
    *changes = (struct request_changes){
        .method = d->method,
        .body = d->body,
        .has_method = d->method.text.len > 0,
        .has_body = d->body.text.data != NULL,
        .drops_fields = !d->passes_fields,
        .drops_body = !d->passes_body,
    };
    s->request_changes = changes;
    return 0;
}

/* NULL: none was said. */
static int build_condition(struct conf *c, const struct vector *texts, const struct condition **out)
{
    struct condition *condition;

    *out = NULL;
    if (!texts->count)
        return 0;
    condition = arena_zalloc(c->arena, sizeof(*condition));
    if (!condition)
        return conf_fail_no_memory(c);
    *condition = (struct condition){texts->items, texts->count};
    *out = condition;
    return 0;
}

int build_level(struct conf *c, struct level *level, const struct level *outer)
{
    struct settings *s = &level->settings;
    int rc = 0;

    take_root(level, outer);
    take_lists(level, s);
    take_access_logs(c, level, !outer, s);
    if (outer && are_same(&outer->error_logs, &level->error_logs))
        s->error_log = outer->settings.error_log;
    else
        rc = build_error_log(c, &level->error_logs, &s->error_log);
    if (rc)
        return rc;
    if (outer && are_same(&outer->types, &level->types))
        s->types = outer->settings.types;
    else
        rc = build_types(c, &level->types, &s->types);
    if (!rc)
        rc = build_gate(c, level, outer);
    if (!rc)
        rc = build_added(c, level, outer);
    if (!rc)
        rc = build_flow(c, level, outer);
    if (!rc)
        rc = build_request_changes(c, level, s);
    if (!rc)
        rc = build_condition(c, &level->early_hints, &s->early_hints);
    if (!rc)
        rc = build_condition(c, &level->allow_upstream, &s->allow_upstream);
    return rc ? rc : build_fields(c, level, outer);
}

/* A head lies in the first buffer or in the large ones; a line lies within one of them. */
struct parser_limits build_parser_limits(const struct level *level)
{
    const struct settings *s = &level->settings;
    uint64_t most = WRITTEN_HEAD_BYTES_MAX;
    uint64_t first = u64_min(s->client_header_buffer_size, most);
    uint64_t line = u64_min(s->large_header_buffer_size, most);
    uint64_t count = u64_min(s->large_header_buffer_count, most / line);

    return (struct parser_limits){
        .head_bytes_first = first,
        .head_bytes_max = size_max(count * line, first),
        .line_bytes_max = size_max(line, first) - strlen("\r\n"),
        .field_count_max = u64_min(level->max_headers, UINT32_MAX),
        .underscores_in_names = s->underscores_in_headers,
        .invalid_names_are_ignored = s->ignore_invalid_headers,
        .slashes_are_merged = s->merge_slashes,
    };
}
