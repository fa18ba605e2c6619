/* directive_http - the directives of http, server and location: their table. */
#include "conf/directive_http.h"

#include <inttypes.h>

#include "conf/setter.h"

#define AT(member) ROW_AT(struct level, member)
#define AT_SETTING(member) ROW_AT(struct level, settings.member)

/* --- setters -------------------------------------------------------------------------------- */

static int set_root(struct conf *c, struct scope *s, const struct directive *d,
                    const struct node *n)
{
    struct span path = n->words[1];

    if (!path.len || path.data[0] != '$')
        path = conf_path(c, path);
    if (!path.data)
        return -ENOMEM;
    if (path.len && path.data[path.len - 1] == '/')
        path.len--;
    return conf_template(c, &n->origin, path, setter_value(s, d));
}

static int set_index(struct conf *c, struct scope *s, const struct directive *d,
                     const struct node *n)
{
    for (size_t i = 1; i < n->word_count; i++) {
        if (span_is_empty(n->words[i]))
            return conf_fail(c, n, "index \"\" in \"index\" directive is invalid");
        if (span_index_of(n->words[i], '$') < n->words[i].len)
            return conf_fail(c, n, "variables in \"index\" are not supported yet");
    }
    return set_spans(c, s, d, n);
}

static bool knows_extension(const struct vector *types, struct span extension)
{
    const struct mime_draft *rows = types->items;

    for (size_t i = 0; i < types->count; i++) {
        if (span_equals(rows[i].extension, extension))
            return true;
    }
    return false;
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
    if (knows_extension(types, extension)) {
        conf_warn(c, &line->origin, "duplicate extension \"%.*s\", content type: \"%.*s\"",
                  SPAN_ARG(extension), SPAN_ARG(line->words[0]));
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

static int set_error_page(struct conf *c, struct scope *s, const struct directive *d,
                          const struct node *n)
{
    size_t last = n->word_count - 1; /* the uri */
    struct error_page page = {0};
    int rc = parse_error_answer(n->words[last - 1], &page);

    if (rc < 0)
        return setter_fail_value(c, n, n->words[last - 1]);
    if (rc == 1 && last == 2)
        return setter_fail_value(c, n, n->words[last - 1]);
    if (conf_template(c, &n->origin, n->words[last], &page.uri) < 0)
        return -EINVAL;
    for (size_t i = 1; i < last - (size_t)rc; i++) {
        struct error_page *added;

        if (parse_error_status(c, n, n->words[i], &page.status) < 0)
            return -EINVAL;
        added = vector_add(c, setter_value(s, d), sizeof(*added));
        if (!added)
            return -ENOMEM;
        *added = page;
    }
    return 0;
}

static int set_keepalive_timeout(struct conf *c, struct scope *s, const struct directive *d,
                                 const struct node *n)
{
    struct level *level = s->values;
    uint64_t header_ms = 0;

    if (setter_parse_ms(n->words[1], &level->settings.keepalive_timeout_ms) < 0)
        return conf_fail(c, n, "\"%s\" directive invalid value", d->name);
    if (n->word_count == 3 && setter_parse_seconds(n->words[2], &header_ms) < 0)
        return conf_fail(c, n, "\"%s\" directive invalid value", d->name);
    level->settings.keepalive_header_s = header_ms / 1000;
    return 0;
}

static int set_large_header_buffers(struct conf *c, struct scope *s, const struct directive *d,
                                    const struct node *n)
{
    struct settings *settings = &((struct level *)s->values)->settings;
    uint64_t count, size;

    if (span_to_u64(n->words[1], &count) < 0 || count == 0 ||
        setter_parse_size(n->words[2], false, &size) < 0 || size == 0)
        return conf_fail(c, n, "\"%s\" directive invalid value", d->name);
    if (size > WRITTEN_HEAD_BYTES_MAX / count)
        conf_warn(c, &n->origin, "\"%s\" allows heads of more than %d bytes: that is the limit",
                  d->name, WRITTEN_HEAD_BYTES_MAX);
    settings->large_header_buffer_count = count;
    settings->large_header_buffer_size = size;
    return 0;
}

/* As set_size(), for buffers that cannot be empty. */
static int set_buffer_size(struct conf *c, struct scope *s, const struct directive *d,
                           const struct node *n)
{
    uint64_t *value = setter_value(s, d);
    int rc = set_size(c, s, d, n);

    if (!rc && *value == 0)
        return conf_fail(c, n, "\"%s\" directive invalid value", d->name);
    return rc;
}

static int set_add_header(struct conf *c, struct scope *s, const struct directive *d,
                          const struct node *n)
{
    struct add_header *h = vector_add(c, setter_value(s, d), sizeof(*h));

    if (!h)
        return -ENOMEM;
    if (n->word_count == 4 && !span_equals(n->words[3], SPAN("always")))
        return conf_fail(c, n, "invalid parameter \"%.*s\"", SPAN_ARG(n->words[3]));
    if (!field_name_is_valid(n->words[1]))
        return conf_fail(c, n, "invalid header name \"%.*s\"", SPAN_ARG(n->words[1]));
    h->name = n->words[1];
    h->is_always = n->word_count == 4;
    return conf_template(c, &n->origin, n->words[2], &h->value);
}

static bool is_redirect_target(struct span text)
{
    return span_starts_with_nocase(text, SPAN("http://")) ||
           span_starts_with_nocase(text, SPAN("https://")) ||
           span_starts_with_nocase(text, SPAN("$scheme"));
}

/* return code; return code text; return code URL; return URL; the first of a block counts. */
static int set_return(struct conf *c, struct scope *s, const struct directive *d,
                      const struct node *n)
{
    struct return_rule rule = {.is_set = true, .has_text = n->word_count == 3};
    struct return_rule *kept = setter_value(s, d);
    struct span text = n->words[n->word_count - 1];
    uint64_t status;

    if (span_to_u64(n->words[1], &status) < 0) {
        if (n->word_count > 2 || !is_redirect_target(text))
            return conf_fail(c, n, "invalid return code \"%.*s\"", SPAN_ARG(n->words[1]));
        status = 302;
        rule.has_text = true;
    }
    if (status < 200 || status > 999)
        return conf_fail(c, n, "invalid return code \"%.*s\"", SPAN_ARG(n->words[1]));
    rule.status = (unsigned)status;
    if (rule.has_text && conf_template(c, &n->origin, text, &rule.text) < 0)
        return -EINVAL;
    if (!kept->is_set)
        *kept = rule;
    return 0;
}

static_assert(offsetof(struct settings, large_header_buffer_size) ==
                  offsetof(struct settings, large_header_buffer_count) + sizeof(uint64_t),
              "large_client_header_buffers is inherited as one value");

/* --- the table ------------------------------------------------------------------------------ */

static const struct setter_word lingering_words[] = {{"off", 0}, {"on", 1}, {"always", 2}, {NULL, 0}};
static const struct setter_word disable_words[] = {{"none", 4}, {"msie6", 1}, {"safari", 2}, {NULL, 0}};
static const struct setter_bounds any_number = {0, UINT64_MAX};
static const struct setter_bounds from_1 = {1, UINT64_MAX};

#define ONE_ARG .args_min = 1, .args_max = 1

static const struct directive rows[] = {
    {.name = "root", .syntax = "path", .preset = "html", .contexts = CONTEXT_LEVELS, ONE_ARG,
     .set = set_root, AT_SETTING(root),
     .help = "the directory of static files"},
    {.name = "index", .syntax = "file ...", .preset = "index.html", .contexts = CONTEXT_LEVELS,
     .args_min = 1, .args_max = ARGS_MANY, .marks = ROW_REPEATABLE, .set = set_index, AT(index_files),
     .help = "files that answer for a directory, the first that exists"},
    {.name = "default_type", .syntax = "mime-type", .preset = "text/plain",
     .contexts = CONTEXT_LEVELS, ONE_ARG, .set = set_span, AT_SETTING(default_type),
     .help = "the type of answers whose file has no known extension"},
    {.name = "types", .syntax = "{ mime-type extension ...; }",
     .preset = "text/html html; image/gif gif; image/jpeg jpg;", .contexts = CONTEXT_LEVELS,
     .opens = CONTEXT_FREE, .marks = ROW_BLOCK | ROW_REPEATABLE, .set = set_types, AT(types),
     .help = "types by file extension"},
    {.name = "error_page", .syntax = "code ... [=[response]] uri", .contexts = CONTEXT_LEVELS,
     .args_min = 2, .args_max = ARGS_MANY, .marks = ROW_REPEATABLE, .set = set_error_page,
     AT(error_pages),
     .help = "what is answered in place of an error"},
    {.name = "client_header_timeout", .syntax = "time", .preset = "60s",
     .contexts = CONTEXT_HTTP_SERVER, ONE_ARG, .set = set_ms,
     AT_SETTING(client_header_timeout_ms),
     .help = "how long a request's head may take; then 408"},
    {.name = "client_header_buffer_size", .syntax = "size", .preset = "1k",
     .contexts = CONTEXT_HTTP_SERVER, ONE_ARG, .set = set_buffer_size,
     AT_SETTING(client_header_buffer_size),
     .help = "the first buffer for a request's head"},
    {.name = "large_client_header_buffers", .syntax = "number size", .preset = "4 8k",
     .contexts = CONTEXT_HTTP_SERVER, .args_min = 2, .args_max = 2,
     .set = set_large_header_buffers,
     .offset = offsetof(struct level, settings.large_header_buffer_count),
     .size = 2 * sizeof(uint64_t), /* count and size lie side by side */
     .help = "the size of a line of a request's head, and their number: the head's size; then 414 or 431"},
    {.name = "max_headers", .syntax = "number", .preset = "1000", .contexts = CONTEXT_HTTP_SERVER,
     ONE_ARG, .set = set_number, .detail = &from_1, AT(max_headers),
     .help = "fields that a request's head may have; then 431"},
    {.name = "client_body_timeout", .syntax = "time", .preset = "60s", .contexts = CONTEXT_LEVELS,
     ONE_ARG, .set = set_ms, AT_SETTING(client_body_timeout_ms),
     .help = "how long a client may be silent while it sends a body; then 408"},
    {.name = "client_max_body_size", .syntax = "size", .preset = "1m", .contexts = CONTEXT_LEVELS,
     ONE_ARG, .set = set_offset, AT_SETTING(client_max_body_size),
     .help = "the largest request body; then 413; 0: any"},
    {.name = "client_body_buffer_size", .syntax = "size", .preset = "16k",
     .contexts = CONTEXT_LEVELS, ONE_ARG, .set = set_buffer_size,
     AT_SETTING(client_body_buffer_size),
     .help = "memory for a request body that is kept to be sent again"},
    {.name = "underscores_in_headers", .syntax = "on | off", .preset = "off",
     .contexts = CONTEXT_HTTP_SERVER, ONE_ARG, .set = set_flag,
     AT_SETTING(underscores_in_headers),
     .help = "whether fields with \"_\" in their names are taken"},
    {.name = "ignore_invalid_headers", .syntax = "on | off", .preset = "on",
     .contexts = CONTEXT_HTTP_SERVER, ONE_ARG, .set = set_flag,
     AT_SETTING(ignore_invalid_headers),
     .help = "whether fields with unusual names are dropped",
     .difference = "names that are no tokens are 400, always"},
    {.name = "merge_slashes", .syntax = "on | off", .preset = "on",
     .contexts = CONTEXT_HTTP_SERVER, ONE_ARG, .set = set_flag, AT_SETTING(merge_slashes),
     .help = "whether several slashes in a path count as one"},
    {.name = "keepalive_timeout", .syntax = "timeout [header_timeout]", .preset = "75s",
     .contexts = CONTEXT_LEVELS, .args_min = 1, .args_max = 2, .set = set_keepalive_timeout,
     .offset = offsetof(struct level, settings.keepalive_timeout_ms),
     .size = offsetof(struct level, settings.keepalive_requests) -
             offsetof(struct level, settings.keepalive_timeout_ms),
     .help = "how long a client's connection stays idle; 0: no keep-alive"},
    {.name = "keepalive_requests", .syntax = "number", .preset = "1000",
     .contexts = CONTEXT_LEVELS, ONE_ARG, .set = set_number, .detail = &any_number,
     AT_SETTING(keepalive_requests),
     .help = "requests over one client connection before it is closed"},
    {.name = "keepalive_time", .syntax = "time", .preset = "1h", .contexts = CONTEXT_LEVELS,
     ONE_ARG, .set = set_ms, AT_SETTING(keepalive_time_ms),
     .help = "age from which a client's connection is closed after its request"},
    {.name = "keepalive_min_timeout", .syntax = "timeout", .preset = "0",
     .contexts = CONTEXT_LEVELS, ONE_ARG, .set = set_ms, AT_SETTING(keepalive_min_timeout_ms),
     .help = "how long an idle client connection is kept at least when connections run out"},
    {.name = "keepalive_disable", .syntax = "none | browser ...", .preset = "msie6",
     .contexts = CONTEXT_LEVELS, .args_min = 1, .args_max = 2, .set = set_bits,
     .detail = disable_words, AT_SETTING(keepalive_disable),
     .help = "browsers that get no keep-alive"},
    {.name = "send_timeout", .syntax = "time", .preset = "60s", .contexts = CONTEXT_LEVELS,
     ONE_ARG, .set = set_ms, AT_SETTING(send_timeout_ms),
     .help = "how long a client may take nothing of an answer before it is cut"},
    {.name = "lingering_close", .syntax = "on | off | always", .preset = "on",
     .contexts = CONTEXT_LEVELS, ONE_ARG, .set = set_word, .detail = lingering_words,
     AT_SETTING(lingering_close),
     .help = "whether more of a client's bytes are read before its connection is closed"},
    {.name = "lingering_time", .syntax = "time", .preset = "30s", .contexts = CONTEXT_LEVELS,
     ONE_ARG, .set = set_ms, AT_SETTING(lingering_time_ms),
     .help = "how long they are read at the most"},
    {.name = "lingering_timeout", .syntax = "time", .preset = "5s", .contexts = CONTEXT_LEVELS,
     ONE_ARG, .set = set_ms, AT_SETTING(lingering_timeout_ms),
     .help = "how long each wait for them is"},
    {.name = "server_tokens", .syntax = "on | off", .preset = "on", .contexts = CONTEXT_LEVELS,
     ONE_ARG, .set = set_flag, AT_SETTING(server_tokens),
     .help = "whether the version stands in Server and on error pages"},
    {.name = "add_header", .syntax = "name value [always]", .contexts = CONTEXT_LEVELS,
     .args_min = 2, .args_max = 3, .marks = ROW_REPEATABLE, .set = set_add_header,
     AT(add_headers),
     .help = "adds a field to answers with good statuses, or always"},
    {.name = "return", .syntax = "code [text] | code URL | URL",
     .contexts = CONTEXT_SERVER | CONTEXT_LOCATION, .args_min = 1, .args_max = 2,
     .marks = ROW_REPEATABLE | ROW_LOCAL, .set = set_return, AT(return_rule),
     .help = "answers at once; 444 closes the connection without an answer"},
    {.name = "tcp_nodelay", .syntax = "on | off", .preset = "on", .contexts = CONTEXT_LEVELS,
     ONE_ARG, .set = set_flag, AT_SETTING(tcp_nodelay),
     .help = "whether TCP sends at once (TCP_NODELAY)"},
    {.name = "absolute_redirect", .syntax = "on | off", .preset = "on",
     .contexts = CONTEXT_LEVELS, ONE_ARG, .set = set_flag, AT_SETTING(absolute_redirect),
     .help = "whether redirects of ringway's own name scheme and host"},
    {.name = "port_in_redirect", .syntax = "on | off", .preset = "on", .contexts = CONTEXT_LEVELS,
     ONE_ARG, .set = set_flag, AT_SETTING(port_in_redirect),
     .help = "whether they name the port"},
    {.name = "server_name_in_redirect", .syntax = "on | off", .preset = "off",
     .contexts = CONTEXT_LEVELS, ONE_ARG, .set = set_flag, AT_SETTING(server_name_in_redirect),
     .help = "whether they name the first server_name in place of the request's host"},
    {.name = "sendfile", .syntax = "on | off", .contexts = CONTEXT_LEVELS, ONE_ARG,
     .marks = ROW_WITHOUT_EFFECT, .set = set_flag, AT(ignored_flag),
     .help = "files are read through the ring"},
    {.name = "tcp_nopush", .syntax = "on | off", .contexts = CONTEXT_LEVELS, ONE_ARG,
     .marks = ROW_WITHOUT_EFFECT, .set = set_flag, AT(ignored_flag),
     .help = "head and first body bytes share a send, always"},
};

const struct directive_table directive_http_table = {rows, COUNT_OF(rows)};
