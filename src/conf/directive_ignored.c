/* directive_ignored - knobs of nginx's that have nothing to turn here: their table. Others that are
 * without effect stand beside their kin. */
#include "conf/directive_ignored.h"

#include "conf/setter.h"

#define LEVEL(member) ROW_AT(struct level, member)

static const struct setter_bounds from_1 = {1, UINT64_MAX};

static int set_off(struct conf *c, struct scope *s, const struct directive *d, const struct node *n)
{
    (void)s;
    if (!span_equals(n->words[1], SPAN("off")))
        return conf_fail(c, n, "\"%s\" can only be \"off\": answers are not stored", d->name);
    return 0;
}

/* Strings with variables, of which only that they can be understood matters. */
static int set_unused_templates(struct conf *c, struct scope *s, const struct directive *d,
                                const struct node *n)
{
    int rc = 0;

    (void)s;
    (void)d;
    for (size_t i = 1; i < n->word_count && !rc; i++) {
        struct template unused;

        rc = conf_template(c, &n->origin, n->words[i], &unused);
    }
    return rc;
}

static const struct directive rows[] = {
    {
        .name = "proxy_cache",
        .syntax = "off",
        .preset = "off",
        .contexts = CONTEXT_LEVELS,
        .args_min = 1,
        .args_max = 1,
        .marks = ROW_WITHOUT_EFFECT,
        .set = set_off,
        .help = "there is no cache of answers",
        .difference = "only \"off\"",
    },
    {
        .name = "proxy_cache_bypass",
        .syntax = "string ...",
        .contexts = CONTEXT_LEVELS,
        .args_min = 1,
        .args_max = ARGS_MANY,
        .marks = ROW_WITHOUT_EFFECT | ROW_REPEATABLE,
        .set = set_unused_templates,
        .help = "there is no cache of answers that could be bypassed",
    },
    {
        .name = "proxy_no_cache",
        .syntax = "string ...",
        .contexts = CONTEXT_LEVELS,
        .args_min = 1,
        .args_max = ARGS_MANY,
        .marks = ROW_WITHOUT_EFFECT | ROW_REPEATABLE,
        .set = set_unused_templates,
        .help = "there is no cache of answers",
    },
    {
        .name = "proxy_store",
        .syntax = "off",
        .preset = "off",
        .contexts = CONTEXT_LEVELS,
        .args_min = 1,
        .args_max = 1,
        .marks = ROW_WITHOUT_EFFECT,
        .set = set_off,
        .help = "answers are not stored as files",
        .difference = "only \"off\"",
    },
    {
        .name = "proxy_send_lowat",
        .syntax = "size",
        .preset = "0",
        .contexts = CONTEXT_LEVELS,
        .args_min = 1,
        .args_max = 1,
        .marks = ROW_WITHOUT_EFFECT,
        .set = set_size,
        LEVEL(ignored_number),
        .help = "Linux has no such mark on its sockets",
    },
    {
        .name = "types_hash_max_size",
        .syntax = "size",
        .preset = "1024",
        .contexts = CONTEXT_LEVELS,
        .args_min = 1,
        .args_max = 1,
        .marks = ROW_WITHOUT_EFFECT,
        .set = set_number,
        .detail = &from_1,
        LEVEL(ignored_number),
        .help = "tables have the size that they need",
    },
    {
        .name = "types_hash_bucket_size",
        .syntax = "size",
        .preset = "64",
        .contexts = CONTEXT_LEVELS,
        .args_min = 1,
        .args_max = 1,
        .marks = ROW_WITHOUT_EFFECT,
        .set = set_number,
        .detail = &from_1,
        LEVEL(ignored_number),
        .help = "tables have the size that they need",
    },
    {
        .name = "server_names_hash_max_size",
        .syntax = "size",
        .preset = "512",
        .contexts = CONTEXT_HTTP,
        .args_min = 1,
        .args_max = 1,
        .marks = ROW_WITHOUT_EFFECT,
        .set = set_number,
        .detail = &from_1,
        LEVEL(ignored_number),
        .help = "tables have the size that they need",
    },
    {
        .name = "server_names_hash_bucket_size",
        .syntax = "size",
        .preset = "64",
        .contexts = CONTEXT_HTTP,
        .args_min = 1,
        .args_max = 1,
        .marks = ROW_WITHOUT_EFFECT,
        .set = set_number,
        .detail = &from_1,
        LEVEL(ignored_number),
        .help = "tables have the size that they need",
    },
    {
        .name = "variables_hash_max_size",
        .syntax = "size",
        .preset = "1024",
        .contexts = CONTEXT_HTTP,
        .args_min = 1,
        .args_max = 1,
        .marks = ROW_WITHOUT_EFFECT,
        .set = set_number,
        .detail = &from_1,
        LEVEL(ignored_number),
        .help = "tables have the size that they need",
    },
    {
        .name = "variables_hash_bucket_size",
        .syntax = "size",
        .preset = "64",
        .contexts = CONTEXT_HTTP,
        .args_min = 1,
        .args_max = 1,
        .marks = ROW_WITHOUT_EFFECT,
        .set = set_number,
        .detail = &from_1,
        LEVEL(ignored_number),
        .help = "tables have the size that they need",
    },
    {
        .name = "proxy_headers_hash_max_size",
        .syntax = "size",
        .preset = "512",
        .contexts = CONTEXT_LEVELS,
        .args_min = 1,
        .args_max = 1,
        .marks = ROW_WITHOUT_EFFECT,
        .set = set_number,
        .detail = &from_1,
        LEVEL(ignored_number),
        .help = "tables have the size that they need",
    },
    {
        .name = "proxy_headers_hash_bucket_size",
        .syntax = "size",
        .preset = "64",
        .contexts = CONTEXT_LEVELS,
        .args_min = 1,
        .args_max = 1,
        .marks = ROW_WITHOUT_EFFECT,
        .set = set_number,
        .detail = &from_1,
        LEVEL(ignored_number),
        .help = "tables have the size that they need",
    },
    {
        .name = "connection_pool_size",
        .syntax = "size",
        .preset = "512",
        .contexts = CONTEXT_HTTP_SERVER,
        .args_min = 1,
        .args_max = 1,
        .marks = ROW_WITHOUT_EFFECT,
        .set = set_size,
        LEVEL(ignored_number),
        .help = "memory of connections is reserved at start",
    },
    {
        .name = "request_pool_size",
        .syntax = "size",
        .preset = "4k",
        .contexts = CONTEXT_HTTP_SERVER,
        .args_min = 1,
        .args_max = 1,
        .marks = ROW_WITHOUT_EFFECT,
        .set = set_size,
        LEVEL(ignored_number),
        .help = "memory of requests is reserved at start",
    },
    {
        .name = "sendfile_max_chunk",
        .syntax = "size",
        .preset = "2m",
        .contexts = CONTEXT_LEVELS,
        .args_min = 1,
        .args_max = 1,
        .marks = ROW_WITHOUT_EFFECT,
        .set = set_size,
        LEVEL(ignored_number),
        .help = "a turn of the loop moves a bounded number of chunks",
    },
    {
        .name = "accept_mutex_delay",
        .syntax = "time",
        .preset = "500ms",
        .contexts = CONTEXT_EVENTS,
        .args_min = 1,
        .args_max = 1,
        .marks = ROW_WITHOUT_EFFECT,
        .set = set_ms,
        ROW_AT(struct main_draft, ignored_number),
        .help = "every worker has listening sockets of its own",
    },
    {
        .name = "pcre_jit",
        .syntax = "on | off",
        .preset = "off",
        .contexts = CONTEXT_MAIN,
        .args_min = 1,
        .args_max = 1,
        .marks = ROW_WITHOUT_EFFECT,
        .set = set_flag,
        ROW_AT(struct main_draft, ignored_flag),
        .help = "regexes are compiled to machine code where PCRE2 can",
    },
};

const struct directive_table directive_ignored_table = {rows, COUNT_OF(rows)};
