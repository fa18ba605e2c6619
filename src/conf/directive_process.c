/* directive_process - knobs of nginx's processes and modules that have nothing to turn here: their
 * table. */
#include "conf/directive_process.h"

#include <string.h>

#include "conf/setter.h"
#include "core/network.h"

#define MAIN(member) ROW_AT(struct main_draft, member)
#define LEVEL(member) ROW_AT(struct level, member)

static const struct setter_bounds from_1 = {1, UINT64_MAX};

static const struct setter_word debug_points[] = {{"stop", 1}, {"abort", 2}, {NULL, 0}};

static int set_debug_connection(struct conf *c, struct scope *s, const struct directive *d,
                                const struct node *n)
{
    struct network network;

    (void)s;
    (void)d;
    if (network_parse(n->words[1], &network) < 0)
        return conf_fail(c, n, "invalid network \"%.*s\"", SPAN_ARG(n->words[1]));
    return 0;
}

/* "name threads=8 max_queue=100": pools are for reads that block, which the ring never does. */
static int set_thread_pool(struct conf *c, struct scope *s, const struct directive *d,
                           const struct node *n)
{
    bool has_threads = false;

    (void)s;
    for (size_t i = 2; i < n->word_count; i++) {
        const struct parameter p = setter_parameter(n->words[i]);
        bool is_threads = span_equals(p.name, SPAN("threads"));
        uint64_t number;

        if (!is_threads && !span_equals(p.name, SPAN("max_queue")))
            return conf_fail(c, n, "invalid parameter \"%.*s\"", SPAN_ARG(n->words[i]));
        if (span_to_u64(p.value, &number) < 0 || (is_threads && !number))
            return conf_fail(c, n, "invalid %.*s value \"%.*s\"", SPAN_ARG(p.name),
                             SPAN_ARG(p.value));
        has_threads |= is_threads;
    }
    if (!has_threads)
        return conf_fail(c, n, "\"%s\" must have \"threads\" parameter", d->name);
    return 0;
}

static const struct directive rows[] = {
    {.name = "load_module",
     .syntax = "file",
     .contexts = CONTEXT_MAIN,
     ONE_ARG,
     .marks = ROW_WITHOUT_EFFECT | ROW_REPEATABLE,
     .set = set_span,
     MAIN(ignored_text),
     .help = "nginx's modules are not loaded: their directives are unknown"},
    {.name = "ssl_engine",
     .syntax = "device",
     .contexts = CONTEXT_MAIN,
     ONE_ARG,
     .marks = ROW_WITHOUT_EFFECT,
     .set = set_span,
     MAIN(ignored_text),
     .help = "TLS is wolfSSL, which has no engines: keys come from files"},
    {.name = "ssl_object_cache_inheritable",
     .syntax = "on | off",
     .preset = "on",
     .contexts = CONTEXT_MAIN,
     ONE_ARG,
     .marks = ROW_WITHOUT_EFFECT,
     .set = set_flag,
     MAIN(ignored_flag),
     .help = "a reload reads certificates and keys again"},
    {.name = "lock_file",
     .syntax = "file",
     .preset = "logs/nginx.lock",
     .contexts = CONTEXT_MAIN,
     ONE_ARG,
     .marks = ROW_WITHOUT_EFFECT,
     .set = set_span,
     MAIN(ignored_text),
     .help = "nothing is locked by files"},
    {.name = "thread_pool",
     .syntax = "name threads=number [max_queue=number]",
     .contexts = CONTEXT_MAIN,
     .args_min = 2,
     .args_max = 3,
     .marks = ROW_WITHOUT_EFFECT | ROW_REPEATABLE,
     .set = set_thread_pool,
     .help = "files are read through the ring"},
    {.name = "timer_resolution",
     .syntax = "interval",
     .contexts = CONTEXT_MAIN,
     ONE_ARG,
     .marks = ROW_WITHOUT_EFFECT,
     .set = set_ms,
     MAIN(ignored_number),
     .help = "the clock is read once a turn"},
    {.name = "debug_points",
     .syntax = "stop | abort",
     .contexts = CONTEXT_MAIN,
     ONE_ARG,
     .marks = ROW_WITHOUT_EFFECT,
     .set = set_word,
     .detail = debug_points,
     MAIN(ignored_word),
     .help = "a broken invariant ends the process in any case"},
    {.name = "worker_aio_requests",
     .syntax = "number",
     .preset = "32",
     .contexts = CONTEXT_EVENTS,
     ONE_ARG,
     .marks = ROW_WITHOUT_EFFECT,
     .set = set_number,
     .detail = &from_1,
     MAIN(ignored_number),
     .help = "what a ring takes is ring_entries"},
    {.name = "debug_connection",
     .syntax = "address | CIDR | unix:",
     .contexts = CONTEXT_EVENTS,
     ONE_ARG,
     .marks = ROW_WITHOUT_EFFECT | ROW_REPEATABLE,
     .set = set_debug_connection,
     .help = "no address has a log of its own"},
    {.name = "msie_padding",
     .syntax = "on | off",
     .preset = "on",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .marks = ROW_WITHOUT_EFFECT,
     .set = set_flag,
     LEVEL(ignored_flag),
     .help = "pages of errors are as long as they are"},
    {.name = "msie_refresh",
     .syntax = "on | off",
     .preset = "off",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .marks = ROW_WITHOUT_EFFECT,
     .set = set_flag,
     LEVEL(ignored_flag),
     .help = "redirects are redirects for each browser"},
    {.name = "send_lowat",
     .syntax = "size",
     .preset = "0",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .marks = ROW_WITHOUT_EFFECT,
     .set = set_size,
     LEVEL(ignored_number),
     .help = "the ring sends when there is room"},
    {.name = "subrequest_output_buffer_size",
     .syntax = "size",
     .preset = "4k",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .marks = ROW_WITHOUT_EFFECT,
     .set = set_size,
     LEVEL(ignored_number),
     .help = "no answer of a subrequest is kept"},
};

const struct directive_table directive_process_table = {rows, COUNT_OF(rows)};
