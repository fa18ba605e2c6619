/* directive_client - the directives of clients: limits, timeouts, keep-alive. Their table. */
#include "conf/directive_client.h"

#include "conf/setter.h"

#define AT(member) ROW_AT(struct level, member)
#define AT_SETTING(member) ROW_AT(struct level, settings.member)

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

static_assert(offsetof(struct settings, large_header_buffer_size) ==
                  offsetof(struct settings, large_header_buffer_count) + sizeof(uint64_t),
              "large_client_header_buffers is inherited as one value");

static const struct setter_word lingering_words[] = {
    {"off", 0}, {"on", 1}, {"always", 2}, {NULL, 0}};
static const struct setter_word disable_words[] = {
    {"none", 4}, {"msie6", 1}, {"safari", 2}, {NULL, 0}};
static const struct setter_bounds any_number = {0, UINT64_MAX};
static const struct setter_bounds from_1 = {1, UINT64_MAX};

static const struct directive rows[] = {
    {.name = "client_header_timeout",
     .syntax = "time",
     .preset = "60s",
     .contexts = CONTEXT_HTTP_SERVER,
     ONE_ARG,
     .set = set_timeout,
     AT_SETTING(client_header_timeout_ms),
     .help = "how long a request's head may take; then 408"},
    {.name = "client_header_buffer_size",
     .syntax = "size",
     .preset = "1k",
     .contexts = CONTEXT_HTTP_SERVER,
     ONE_ARG,
     .set = set_buffer_size,
     AT_SETTING(client_header_buffer_size),
     .help = "the first buffer for a request's head"},
    {.name = "large_client_header_buffers",
     .syntax = "number size",
     .preset = "4 8k",
     .contexts = CONTEXT_HTTP_SERVER,
     .args_min = 2,
     .args_max = 2,
     .set = set_large_header_buffers,
     .offset = offsetof(struct level, settings.large_header_buffer_count),
     .size = 2 * sizeof(uint64_t), /* count and size lie side by side */
     .help = "the size of a line of a request's head, and their number: the head's size; then 414 "
             "or 431"},
    {.name = "max_headers",
     .syntax = "number",
     .preset = "1000",
     .contexts = CONTEXT_HTTP_SERVER,
     ONE_ARG,
     .set = set_number,
     .detail = &from_1,
     AT(max_headers),
     .help = "fields that a request's head may have; then 431"},
    {.name = "client_body_timeout",
     .syntax = "time",
     .preset = "60s",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_timeout,
     AT_SETTING(client_body_timeout_ms),
     .help = "how long a client may be silent while it sends a body; then 408"},
    {.name = "client_max_body_size",
     .syntax = "size",
     .preset = "1m",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_offset,
     AT_SETTING(client_max_body_size),
     .help = "the largest request body; then 413; 0: any"},
    {.name = "client_body_buffer_size",
     .syntax = "size",
     .preset = "16k",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_buffer_size,
     AT_SETTING(client_body_buffer_size),
     .help = "memory for a request body that is taken in before it goes on"},
    {.name = "underscores_in_headers",
     .syntax = "on | off",
     .preset = "off",
     .contexts = CONTEXT_HTTP_SERVER,
     ONE_ARG,
     .set = set_flag,
     AT_SETTING(underscores_in_headers),
     .help = "whether fields with \"_\" in their names are taken"},
    {.name = "ignore_invalid_headers",
     .syntax = "on | off",
     .preset = "on",
     .contexts = CONTEXT_HTTP_SERVER,
     ONE_ARG,
     .set = set_flag,
     AT_SETTING(ignore_invalid_headers),
     .help = "whether fields with unusual names are dropped",
     .difference = "names that are no tokens, bare LF, odd Host and ambiguous or repeated "
                   "framing fields are 400, always (RFC 9112); 502 from an upstream"},
    {.name = "merge_slashes",
     .syntax = "on | off",
     .preset = "on",
     .contexts = CONTEXT_HTTP_SERVER,
     ONE_ARG,
     .set = set_flag,
     AT_SETTING(merge_slashes),
     .help = "whether several slashes in a path count as one"},
    {.name = "keepalive_timeout",
     .syntax = "timeout [header_timeout]",
     .preset = "75s",
     .contexts = CONTEXT_LEVELS,
     .args_min = 1,
     .args_max = 2,
     .set = set_keepalive_timeout,
     .offset = offsetof(struct level, settings.keepalive_timeout_ms),
     .size = offsetof(struct level, settings.keepalive_requests) -
             offsetof(struct level, settings.keepalive_timeout_ms),
     .help = "how long a client's connection stays idle; 0: no keep-alive"},
    {.name = "keepalive_requests",
     .syntax = "number",
     .preset = "1000",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_number,
     .detail = &any_number,
     AT_SETTING(keepalive_requests),
     .help = "requests over one client connection before it is closed"},
    {.name = "keepalive_time",
     .syntax = "time",
     .preset = "1h",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_ms,
     AT_SETTING(keepalive_time_ms),
     .help = "age from which a client's connection is closed after its request"},
    {.name = "keepalive_min_timeout",
     .syntax = "timeout",
     .preset = "0",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_ms,
     AT_SETTING(keepalive_min_timeout_ms),
     .help = "how long an idle client connection is kept at least when connections run out"},
    {.name = "keepalive_disable",
     .syntax = "none | browser ...",
     .preset = "msie6",
     .contexts = CONTEXT_LEVELS,
     .args_min = 1,
     .args_max = 2,
     .marks = ROW_REPEATABLE,
     .set = set_bits,
     .detail = disable_words,
     AT_SETTING(keepalive_disable),
     .help = "browsers that get no keep-alive"},
    {.name = "send_timeout",
     .syntax = "time",
     .preset = "60s",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_timeout,
     AT_SETTING(send_timeout_ms),
     .help = "how long a client may take nothing of an answer before it is cut"},
    {.name = "lingering_close",
     .syntax = "on | off | always",
     .preset = "on",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_word,
     .detail = lingering_words,
     AT_SETTING(lingering_close),
     .help = "whether more of a client's bytes are read before its connection is closed"},
    {.name = "lingering_time",
     .syntax = "time",
     .preset = "30s",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_ms,
     AT_SETTING(lingering_time_ms),
     .help = "how long they are read at the most"},
    {.name = "lingering_timeout",
     .syntax = "time",
     .preset = "5s",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_ms,
     AT_SETTING(lingering_timeout_ms),
     .help = "how long each wait for them is"},
    {.name = "reset_timedout_connection",
     .syntax = "on | off",
     .preset = "off",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_flag,
     AT_SETTING(reset_timedout_connection),
     .help = "whether a client's connection that timed out is closed by a reset, which frees its "
             "memory at once",
     .difference = "an answer that is cut ends by a reset, always"},
    {.name = "tcp_nodelay",
     .syntax = "on | off",
     .preset = "on",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_flag,
     AT_SETTING(tcp_nodelay),
     .help = "whether TCP sends at once (TCP_NODELAY)"},
    {.name = "sendfile",
     .syntax = "on | off",
     .preset = "off",
     .contexts = CONTEXT_LEVELS | CONTEXT_IF_LOCATION,
     ONE_ARG,
     .marks = ROW_WITHOUT_EFFECT,
     .set = set_flag,
     AT(ignored_flag),
     .help = "files are read through the ring"},
    {.name = "tcp_nopush",
     .syntax = "on | off",
     .preset = "off",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .marks = ROW_WITHOUT_EFFECT,
     .set = set_flag,
     AT(ignored_flag),
     .help = "head and first body bytes share a send, always"},
};

const struct directive_table directive_client_table = {rows, COUNT_OF(rows)};
